"""What the tests of executors have workers do, by itself: a worker that imports this has little to load."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any


def mark_and_wait(folder: str, name: str, gate: str | None = None) -> int:
    """Leave a trace of this call, wait until the gate is a file, and return the process's number."""
    with open(Path(folder, name), "a") as file:
        file.write(f"{os.getpid()}\n")
    while gate is not None and not Path(folder, gate).exists():
        time.sleep(0.01)
    return os.getpid()


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def complain(message: str) -> None:
    raise ValueError(message)


def unpicklable() -> Any:
    return threading.Lock()


_grown = bytearray()


def grow(size: int) -> int:
    """Take so many bytes and keep them; the process that does."""
    global _grown
    _grown = bytearray(b"x") * size
    return os.getpid()
