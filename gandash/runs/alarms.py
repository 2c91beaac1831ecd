"""An alarm clock for runs: one thread that calls back when it is time, however many alarms are set."""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections.abc import Callable

_log = logging.getLogger(__name__)


class Alarms:
    """Calls `ring` with a name, on a thread of its own, some seconds after the name's newest alarm was set."""

    def __init__(self, ring: Callable[[str], None]) -> None:
        self._ring = ring
        self._due: dict[str, float] = {}
        self._line: list[tuple[float, str]] = []
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def set(self, name: str, seconds: float) -> None:
        """Ring in so many seconds, instead of when this name's alarm was to ring before."""
        with self._changed:
            if self._closed:
                return
            due = time.monotonic() + seconds
            self._due[name] = due
            heapq.heappush(self._line, (due, name))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True, name="gandash-alarms")
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Ring no more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        while (name := self._next()) is not None:
            try:
                self._ring(name)
            except Exception:
                _log.exception("Run %s: what was due could not be done", name)

    def _next(self) -> str | None:
        """The name whose alarm is due, once one is; None at the end."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                if self._line and self._line[0][0] <= now:
                    due, name = heapq.heappop(self._line)
                    if self._due.get(name) == due:  # no newer one was set
                        del self._due[name]
                        return name
                else:
                    self._changed.wait(self._line[0][0] - now if self._line else None)
        return None
