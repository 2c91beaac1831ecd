"""All runs of a server: those in memory, and the store that has them all.

What has to be saved follows from two states of a run, the one in memory and the one that the store has. The library
knows no engine and no clock but the one it is given. Any thread may call any method; who replaces a run's state by the
next one holds `lock` from reading the one to putting the other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from gandash.runs.run import Run
from gandash.runs.snapshot import RunSummary
from gandash.runs.store import RunStore, is_alive, this_process

IDLE_RUNS_IN_MEMORY = 16

UNDO_TIME = timedelta(hours=1)
"""How long a deleted run can be brought back at least."""


class UnknownRun(ValueError):  # noqa: N818 - it reads as what it is in `except UnknownRun`
    """There is no run of this id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"There is no run {run_id[:40]!r}: it was deleted, or the link is wrong. Start a new one.")


class ForeignRun(ValueError):  # noqa: N818 - as above
    """Another server is training the run."""

    def __init__(self) -> None:
        super().__init__("Another gandash server on this machine is training this run: change it there.")


@dataclass(eq=False)
class _Entry:
    run: Run
    saved: Run
    touched: float
    saving: threading.Lock = field(default_factory=threading.Lock)


class Library:
    """The runs of one server, which owns those that it trains. `clock` gives seconds that never go back."""

    def __init__(self, store: RunStore, clock: Callable[[], float]) -> None:
        """Pause what servers that are gone have left running, and clear away what was deleted long ago."""
        self._store = store
        self._clock = clock
        self._server = this_process()
        self._entries: dict[str, _Entry] = {}
        self.lock = threading.RLock()
        for server in store.servers():
            if not is_alive(server):
                store.pause_abandoned(server)
        self._purge()

    def __iter__(self) -> Iterator[Run]:
        """The runs in memory."""
        with self.lock:
            return iter([entry.run for entry in self._entries.values()])

    def __contains__(self, run_id: str) -> bool:
        """Whether a run is in memory."""
        return run_id in self._entries

    def __getitem__(self, run_id: str) -> Run:
        """A run in memory, at once; raises `KeyError`."""
        return self._entries[run_id].run

    def add(self, run: Run) -> None:
        """Take in a new run, and save it."""
        self._store.create(run.snapshot, self._server, run.checkpoint)
        with self.lock:
            self._entries[run.run_id] = _Entry(run, run, self._clock())

    def read(self, run_id: str) -> Run:
        """A run to look at, from memory if it is there; raises `UnknownRun`.

        One that another server is training is read from the store again each time, as it changes over there.
        """
        entry = self._entries.get(run_id)
        if entry is None:
            run, foreign = self._load(run_id)
            if foreign:
                return run
            entry = self._keep(run)
        entry.touched = self._clock()
        return entry.run

    def claim(self, run_id: str) -> None:
        """Have a run in memory that is to be changed, as the store has it if another server changed it.

        Raises `UnknownRun`, and `ForeignRun` if another server is training it.
        """
        entry = self._entries.get(run_id)
        if entry is not None and entry.run.idle:
            with entry.saving:
                saved = entry.saved.snapshot
                if saved is entry.run.snapshot and self._store.version(run_id) != saved.version:
                    self._drop(entry)
                    entry = None
        if entry is None:
            run, foreign = self._load(run_id)
            if foreign:
                raise ForeignRun
            entry = self._keep(run)
        entry.touched = self._clock()

    def owners(self, run_id: str) -> tuple[str, ...]:
        """The owners of a run, perhaps of a deleted one, without loading it; nobody's if there is none of this id."""
        entry = self._entries.get(run_id)
        return self._store.owners(run_id) if entry is None else entry.run.snapshot.owners

    def put(self, run: Run) -> None:
        """Replace a run in memory by its next state."""
        self._entries[run.run_id].run = run

    def save(self, run_id: str) -> bool:
        """Write what has changed since the last time; False if the run was deleted or changed by others meanwhile.

        Then it is forgotten, as the store knows better. Raises `StoreError` if it cannot be written; the next time
        catches up.
        """
        entry = self._entries.get(run_id)
        if entry is None:
            return False
        with entry.saving:
            with self.lock:
                if self._entries.get(run_id) is not entry:
                    return False
                run, saved = entry.run, entry.saved
            if run.snapshot is not saved.snapshot:
                old = saved.snapshot
                found = self._store.save(
                    run.snapshot,
                    since=old.version,
                    server=self._server,
                    checkpoint=None if run.checkpoint is saved.checkpoint else run.checkpoint,
                    rows=run.snapshot.history.rows(len(old.history)),
                    real=None if run.snapshot.real is old.real else run.snapshot.real,
                )
                if not found:
                    self._drop(entry)
                    return False
            entry.saved = run
        self._forget_some()
        return True

    def forget(self, run_id: str) -> None:
        """Drop a run from memory; the store has what was saved."""
        with self.lock:
            self._entries.pop(run_id, None)

    def delete(self, run_id: str) -> None:
        """Put a run out of sight; `undelete` brings it back for at least `UNDO_TIME`. Raises `UnknownRun`."""
        self.forget(run_id)
        if not self._store.delete(run_id):
            raise UnknownRun(run_id)
        self._purge()

    def undelete(self, run_id: str) -> None:
        """Bring a deleted run back; raises `UnknownRun` once it is gone for good."""
        if not self._store.undelete(run_id):
            raise UnknownRun(run_id)

    def summaries(self) -> list[RunSummary]:
        """All runs, newest first."""
        return self._store.summaries()

    def thumbnail(self, run_id: str) -> NDArray[np.float32] | None:
        """Some points of a run's newest frame as they are drawn, (n, 2), without loading the run; None without one."""
        return self._store.thumbnail(run_id)

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _load(self, run_id: str) -> tuple[Run, bool]:
        stored = self._store.load(run_id)
        if stored is not None and stored.snapshot.status.active and stored.server != self._server:
            if is_alive(stored.server):
                return Run(stored.snapshot, stored.checkpoint), True
            self._store.pause_abandoned(stored.server)
            stored = self._store.load(run_id)
        if stored is None:
            raise UnknownRun(run_id)
        return Run(stored.snapshot, stored.checkpoint), False

    def _keep(self, run: Run) -> _Entry:
        with self.lock:
            entry = self._entries.setdefault(run.run_id, _Entry(run, run, self._clock()))
        self._forget_some(entry)
        return entry

    def _drop(self, entry: _Entry) -> None:
        with self.lock:
            if self._entries.get(entry.run.run_id) is entry:
                del self._entries[entry.run.run_id]

    def _forget_some(self, but: _Entry | None = None) -> None:
        """Keep only the runs in memory that train or were looked at lately."""
        with self.lock:
            idle = [
                entry
                for entry in self._entries.values()
                if entry.run.idle and entry.saved.snapshot is entry.run.snapshot and entry is not but
            ]
            for entry in sorted(idle, key=lambda entry: entry.touched)[: max(0, len(idle) - IDLE_RUNS_IN_MEMORY)]:
                del self._entries[entry.run.run_id]

    def _purge(self) -> None:
        self._store.purge(datetime.now(UTC) - UNDO_TIME)
