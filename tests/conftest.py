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
    """Two processes share the files; the one with the browser comes last and has the machine to itself."""
    items.sort(key=lambda item: item.path.is_relative_to(BROWSER))
