"""Settings of all tests."""

import os
import signal
from pathlib import Path

import pytest

# Two tests' thread pools on two cores spend their time waiting for each other; a worker trains on one thread as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# A shell that starts the tests in the background makes their processes deaf to Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

BROWSER = Path(__file__).parent / "browser"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two processes share the files. All that need the browser are one group: it comes last and has the machine."""
    items.sort(key=lambda item: item.path.is_relative_to(BROWSER))
    for item in items:
        group = BROWSER if item.path.is_relative_to(BROWSER) else item.path
        item.add_marker(pytest.mark.xdist_group(str(group)))
