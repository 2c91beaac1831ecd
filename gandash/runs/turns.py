"""Fair shares of time where chunks come back after different times: who took several turns in one sits out as many.

Chunks are first in, first out, so runs whose chunks take the same time share the workers equally. A chunk of a large
network takes longer, since a step, a checkpoint or a measurement is not interrupted. Its run then asks for the next one
only when each other run has had about as much time, or a worker would have nothing to do; and where there are several
workers, chunks that take long, or will by estimate, do not hold the last one, so that the others need not wait for
their end. Work beside the training counts as such a chunk. No clock is read: others' chunks coming back is what time is
measured by, so whoever sits out never waits for longer than there is work.
"""

from __future__ import annotations

from collections.abc import Collection

TURN_SECONDS = 0.4
"""Chunks up to this are a turn."""


class Turns:
    """Which runs sit out, and for how many seconds of others' work. `workers` is how many chunks run at once."""

    def __init__(self, workers: int | None) -> None:
        """With None nobody ever sits out."""
        self._workers = workers
        self._owed: dict[str, float] = {}
        self._seconds: dict[str, float] = {}

    def asks(self, run_id: str, under_way: Collection[str], estimate: float = 0.0, *, beside: int = 0) -> bool:
        """Whether a run that wants a chunk may ask for it now; it sits out if not.

        `under_way` are the runs whose chunks are with a worker or wait for one, and `beside` is how many workers do
        something else. `estimate` is how many seconds a chunk of this run takes, which counts until the first has come
        back.
        """
        if run_id in self._owed:
            return False
        slow = self._seconds.setdefault(run_id, estimate) > TURN_SECONDS
        if slow and not self._idle(under_way, beside) and self._last(under_way, beside):
            self._owed[run_id] = 0.0
            return False
        return True

    def taken(self, run_id: str, seconds: float, others: int) -> None:
        """A chunk of this run came back, which took so long; so many other runs have one under way."""
        for each in self._owed:
            self._owed[each] -= seconds / max(1, others)
        self._seconds[run_id] = seconds
        if self._workers is not None and seconds > TURN_SECONDS:
            self._owed[run_id] = seconds

    def next(self, under_way: Collection[str], *, beside: int = 0) -> str | None:
        """A run that need not sit out any more, and does not from now on; the longest waiting first.

        `under_way` and `beside` as for `asks`.
        """
        idle, last = self._idle(under_way, beside), self._last(under_way, beside)
        turn = next((run_id for run_id, owed in self._owed.items() if idle or (owed <= 0 and not last)), None)
        if turn is not None:
            del self._owed[turn]
        return turn

    def _idle(self, under_way: Collection[str], beside: int) -> bool:
        """Whether a worker would have nothing to do."""
        return self._workers is None or len(under_way) + beside < self._workers

    def _last(self, under_way: Collection[str], beside: int) -> bool:
        """Whether slow runs, and what is done beside, hold every one of several workers but one."""
        if self._workers is None or self._workers == 1:
            return False
        slow = [run_id for run_id in under_way if self._seconds.get(run_id, 0.0) > TURN_SECONDS]
        return len(slow) + beside >= self._workers - 1
