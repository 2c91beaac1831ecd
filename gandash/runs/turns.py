"""Fair shares of time where chunks come back after different times: who took several turns in one sits out as many.

Chunks are first in, first out, so runs whose chunks take the same time share the workers equally. A chunk of a large
network takes longer, since a step, a checkpoint or a measurement is not interrupted. Its run then asks for the next one
only when each other run has had about as much time, or a worker would have nothing to do; and where there are several
workers, chunks that take long do not hold the last one, so that the others need not wait for their end. No clock is
read: others' chunks coming back is what time is measured by, so whoever sits out never waits for longer than there is
work.
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
        self._slow: set[str] = set()

    def taken(self, run_id: str, seconds: float, others: int) -> None:
        """A chunk of this run came back, which took so long; so many other runs have one under way."""
        for each in self._owed:
            self._owed[each] -= seconds / max(1, others)
        self._slow.discard(run_id)
        if self._workers is not None and seconds > TURN_SECONDS:
            self._owed[run_id] = seconds
            self._slow.add(run_id)

    def sits_out(self, run_id: str) -> bool:
        """Whether this run must not ask for a chunk now."""
        return run_id in self._owed

    def next(self, under_way: Collection[str]) -> str | None:
        """A run that need not sit out any more, and does not from now on; the longest waiting first.

        `under_way` are the runs whose chunks are with a worker or wait for one.
        """
        free = self._workers is None or len(under_way) < self._workers
        last = self._workers is not None and 1 < self._workers <= 1 + len(self._slow.intersection(under_way))
        turn = next((run_id for run_id, owed in self._owed.items() if free or (owed <= 0 and not last)), None)
        if turn is not None:
            del self._owed[turn]
        return turn
