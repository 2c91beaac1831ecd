"""Settings of all tests."""

import os
import signal
import sys

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

# Two tests' thread pools on two cores spend their time waiting for each other; a worker trains on one thread as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Modules are compiled once, here and in all processes of the tests, whatever the shell says.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# A shell that starts the tests in the background makes their processes deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Hypothesis gives an example 200 ms, which a busy machine takes now and then: in CI it does not.
settings.register_profile("unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

BROWSER = "tests/browser"
LONGEST = (f"{BROWSER}/", "tests/test_cli.py", "tests/runs/test_processes.py")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # it ships no types
    """Each file goes to one of the two processes as a whole, and all that need the browser to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return BROWSER if file.startswith(f"{BROWSER}/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that neither process waits for the other at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))
