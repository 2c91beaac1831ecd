"""Which statuses runs have had of late, watched or not: for who was slow or cut off meanwhile."""

from __future__ import annotations

from collections import deque

from gandash.runs.snapshot import Snapshot

MOST_CHANGES = 64
"""How many changes of a run are remembered."""
MOST_RUNS = 256
"""Of how many runs, those that were heard of last."""


class Changes:
    """The newest changes of status of the runs that were heard of since the server began."""

    def __init__(self) -> None:
        self._of: dict[str, deque[tuple[int, str]]] = {}

    def hear(self, run_id: str, snapshot: Snapshot | None) -> None:
        """Take in a run's newest snapshot, or that there is no such run."""
        if snapshot is None:
            self._of.pop(run_id, None)
            return
        known = self._of.get(run_id)
        if known is not None:
            version, status = known[-1]
            if snapshot.version <= version or snapshot.status == status:
                return
            del self._of[run_id]  # to be the last
        elif len(self._of) >= MOST_RUNS:
            del self._of[next(iter(self._of))]
        self._of[run_id] = known or deque(maxlen=MOST_CHANGES)
        self._of[run_id].append((snapshot.version, snapshot.status.value))

    def since(self, run_id: str, version: int) -> list[tuple[int, str]]:
        """The changes after this version, oldest first, as far as they are remembered."""
        return [change for change in self._of.get(run_id, ()) if change[0] > version]
