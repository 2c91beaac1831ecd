"""Settings of all tests."""

import os
import signal

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Two tests' thread pools on two cores spend their time waiting for each other; a worker trains on one thread as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell that starts the tests in the background makes their processes deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

BROWSER = "tests/browser"
APART = {
    *("test_charts.py", "test_curves.py", "test_explore.py", "test_installed.py", "test_layers.py", "test_run_list.py"),
    *("test_stream.py", "test_timeline.py", "test_wording.py", "test_words.py"),
}
"""Files of the browser that hardly need the dashboard they share."""


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # it ships no types
    """Each file goes to one process as a whole, and all that share a browser and a server to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if not file.startswith(f"{BROWSER}/"):
            return file
        return f"{BROWSER} apart" if file.removeprefix(f"{BROWSER}/") in APART else BROWSER


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the browser takes longest and begins first."""
    items.sort(key=lambda item: not item.nodeid.startswith(f"{BROWSER}/"))
