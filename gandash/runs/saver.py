"""The thread that writes runs to the disk, so that neither training nor a click ever waits for it.

It looks at what the store does not have yet and writes that, the newest state of each run. What cannot be written is
tried again until it can, and holds up no other run unless another program has locked the file. A large checkpoint of a
run that goes on is written less often, as long as it takes, and many of them leave time for what is urgent; a run that
stands still is always written at once.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from gandash.runs.library import Library, Unsaved

SHARE = 0.1
"""The share of the time that writing a run may take while it trains."""

MOST_SHARE = 0.5
"""The share of the time that writing all runs may take while they train."""

RETRY_SECONDS = 0.5, 5.0
"""When what could not be written is tried again, at first and at last."""

CLOSE_SECONDS = 5.0
"""How long it is tried at the end while nothing can be written."""

LONGEST_SAVE = 60.0
"""How long the end waits for a disk that is slow to take one run."""

_log = logging.getLogger(__name__)


@dataclass
class _Pace:
    """When a run may be written again: `due` on the library's clock, `retry` on the machine's after `failures`."""

    took: float | None = None
    due: float = 0.0
    failures: int = 0
    retry: float = 0.0

    def saved(self, now: float, took: float) -> None:
        steady = took if self.took is None else min(took, self.took)  # the disk may have been busy once
        self.took = took
        self.due = now + steady * (1 / SHARE - 1)

    def failed(self) -> None:
        first, last = RETRY_SECONDS
        self.retry = time.monotonic() + min(first * 2**self.failures, last)
        self.failures = min(self.failures + 1, 16)


class Saver:
    """Saves a library's runs, from now until `close`.

    After each attempt `report` is called with the run's id and what went wrong, empty if nothing did, and `lost` with
    the id of a run that others have deleted or changed. `clock` gives seconds that never go back, by which it is
    planned; how long a save takes is measured by `stopwatch`.
    """

    def __init__(
        self,
        library: Library,
        clock: Callable[[], float],
        stopwatch: Callable[[], float],
        report: Callable[[str, str], None],
        lost: Callable[[str], None],
    ) -> None:
        self._library = library
        self._clock = clock
        self._stopwatch = stopwatch
        self._report = report
        self._lost = lost
        self._paces: dict[str, _Pace] = {}
        self._tidying = _Pace()
        self._rested = 0.0
        self._saves = 0
        self._stirred = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="gandash-saver")
        self._thread.start()

    def stir(self) -> None:
        """Say that there is something to save."""
        self._stirred.set()

    def close(self) -> None:
        """Save what is left, and end; it is given up if nothing can be written for `CLOSE_SECONDS`.

        A run that is being written has `LONGEST_SAVE` at least, however many there are.
        """
        self._closing = True
        self._stirred.set()
        before = -1
        while self._thread.is_alive() and self._saves > before:
            before = self._saves
            self._thread.join(LONGEST_SAVE)
        for each in self._library.unsaved():
            _log.error("Run %s: what it did lately is lost, as it could not be saved", each.run_id)

    def _run(self) -> None:
        while not self._closing:
            self._stirred.wait(self._until_due())
            self._stirred.clear()
            self._save_some()
        give_up = time.monotonic() + CLOSE_SECONDS
        while self._library.unsaved() and time.monotonic() < give_up:
            if self._save_some():
                give_up = time.monotonic() + CLOSE_SECONDS
            else:
                time.sleep(RETRY_SECONDS[0] / 5)

    def _until_due(self) -> float | None:
        """How long there is nothing to do, in seconds; None if for ever."""
        left = [self._wait(each.run_id, each.urgent) for each in self._library.unsaved()]
        if self._tidying.failures:
            left.append(self._tidying.retry - time.monotonic())
        return max(0.01, min(left)) if left else None

    def _wait(self, run_id: str, urgent: bool) -> float:
        pace = self._pace(run_id)
        due = 0.0 if urgent else max(pace.due, self._rested) - self._clock()
        return max(pace.retry - time.monotonic(), due)

    def _save_some(self) -> bool:
        """Save what is due; at the end everything is. Whether something could be saved."""
        saves = self._saves
        unsaved = self._library.unsaved()
        # of what is not urgent whoever has waited longest is first, as not all of it may have its turn
        for each in sorted(unsaved, key=lambda each: 0.0 if each.urgent else self._pace(each.run_id).due):
            if self._closing or self._wait(each.run_id, each.urgent) <= 0:
                problem, everywhere = self._save(each)
                if everywhere:  # the others need not try
                    for other in unsaved:
                        if other is not each:
                            self._failed(other.run_id, problem)
                    return self._saves > saves
        gone = self._paces.keys() - {each.run_id for each in unsaved} - {run.run_id for run in self._library}
        for run_id in gone:
            del self._paces[run_id]
        self._tidy()
        return self._saves > saves

    def _save(self, each: Unsaved) -> tuple[str, bool]:
        """Save a run; what went wrong, and whether no other can be saved either."""
        began, start = self._clock(), self._stopwatch()
        try:
            kept = self._library.save(each.run_id)
        except Exception as error:
            known = isinstance(error, ValueError)
            if not self._pace(each.run_id).failures:
                _log.error("Run %s could not be saved: %s", each.run_id, error, exc_info=not known)
            problem = str(error) if known else f"({type(error).__name__}; the server's log says more.)"
            self._failed(each.run_id, problem)
            return problem, _is_locked(error.__cause__)
        took, pace = self._stopwatch() - start, self._pace(each.run_id)
        self._saves += 1
        pace.failures, pace.retry = 0, 0.0
        if each.costly:
            pace.saved(began + took, took)
            self._rested = began + took / MOST_SHARE
        if kept:
            self._say(self._report, each.run_id, "")
        else:
            self._say(self._lost, each.run_id)
        return "", False

    def _say(self, callback: Callable[..., None], *args: str) -> None:
        """Whoever cannot take it ends no saving."""
        try:
            callback(*args)
        except Exception:
            _log.exception("Run %s: what became of saving it could not be told", args[0])

    def _pace(self, run_id: str) -> _Pace:
        return self._paces.setdefault(run_id, _Pace())

    def _failed(self, run_id: str, problem: str) -> None:
        self._pace(run_id).failed()
        self._say(self._report, run_id, problem)

    def _tidy(self) -> None:
        if self._tidying.retry > time.monotonic():
            return
        try:
            self._library.tidy()
        except Exception as error:
            if not self._tidying.failures:
                _log.error("%s", error)
            self._tidying.failed()
        else:
            self._tidying = _Pace()


def _is_locked(error: BaseException | None) -> bool:
    """Whether another program writes to the file: who tries again waits again. A full disk may take a smaller run."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without what extends it
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
