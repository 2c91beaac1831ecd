"""All runs of a server: those in memory, and the store that has them all.

Whoever changes a run changes it in memory; what has to be saved follows from two states of it, the one in memory and
the one that the store has, and `save` writes it. Only `save` and `tidy` write to the disk, on the saver's thread. The
library knows no engine and no clock but the one it is given. Any other method may be called by any thread; who replaces
a run's state by the next one holds `lock` from reading the one to putting the other.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from gandash.runs import run as runs
from gandash.runs.run import Run
from gandash.runs.snapshot import RunSummary, damaged, summary, thumbnail
from gandash.runs.store import RunStore, StoreError, is_alive, this_process
from gandash.runs.timeline import Kept

_log = logging.getLogger(__name__)

IDLE_RUNS_IN_MEMORY = 16

UNDO_TIME = timedelta(hours=1)
"""How long a deleted run can be brought back at least."""


class UnknownRun(ValueError):  # noqa: N818 - it reads as what it is in `except UnknownRun`
    """There is no run of this id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"There is no run {run_id[:40]!r}: it was deleted, or the link is wrong.")


class ForeignRun(ValueError):  # noqa: N818 - as above
    """Another server is training the run."""

    def __init__(self) -> None:
        super().__init__("Another gandash server on this machine is training this run: change it there.")


@dataclass(frozen=True)
class Unsaved:
    """A run of which the store does not have the newest state.

    It is `costly` if there is a new checkpoint to write, and `urgent` if not, or if the run stays as it is. `size` is
    about how many bytes there are to write.
    """

    run_id: str
    costly: bool
    urgent: bool
    size: int = 0


@dataclass(eq=False)
class _Entry:
    """A run in memory, and as the store has it: None before it does."""

    run: Run
    saved: Run | None
    touched: float

    @property
    def clean(self) -> bool:
        return self.saved is not None and self.run.snapshot is self.saved.snapshot


@dataclass(eq=False)
class _Mark:
    """A run that was deleted at this moment (None: brought back), and whether the store has it as deleted."""

    deleted: datetime | None
    stored: bool


class Library:
    """The runs of one server, which has those that it trains. `clock` gives seconds that never go back."""

    def __init__(self, store: RunStore, clock: Callable[[], float]) -> None:
        """Pause what servers that are gone have left running, and clear away what was deleted long ago."""
        self._store = store
        self._clock = clock
        self._server = this_process()
        self._entries: dict[str, _Entry] = {}
        self._marks: dict[str, _Mark] = {}
        self._unreadable: set[str] = set()
        self._purge_due = True
        self.lock = threading.RLock()
        try:
            for server in store.servers():
                if not is_alive(server):
                    store.pause_abandoned(server)
            self.tidy()
        except StoreError as error:  # each is paused when somebody looks at it
            _log.error("%s", error)

    def __iter__(self) -> Iterator[Run]:
        """The runs in memory."""
        with self.lock:
            return iter([entry.run for run_id, entry in self._entries.items() if self._in_sight(run_id)])

    def __contains__(self, run_id: str) -> bool:
        """Whether a run is in memory."""
        return self._entry(run_id) is not None

    def __getitem__(self, run_id: str) -> Run:
        """A run in memory, at once; raises `KeyError`."""
        entry = self._entry(run_id)
        if entry is None:
            raise KeyError(run_id)
        return entry.run

    def add(self, run: Run) -> None:
        """Take in a new run."""
        with self.lock:
            self._entries[run.run_id] = _Entry(run, None, self._clock())

    def read(self, run_id: str) -> Run:
        """A run to look at, from memory if it is there; raises `UnknownRun`.

        One that another server is training is read from the store again each time, as it changes over there.
        """
        entry = self._entry(run_id)
        if entry is None:
            run, saved = self._load(run_id)
            if saved is None:
                return run
            entry = self._keep(run, saved)
        entry.touched = self._clock()
        return entry.run

    def claim(self, run_id: str) -> None:
        """Have a run in memory that is to be changed, as the store has it if another server changed it.

        Raises `UnknownRun`, and `ForeignRun` if another server is training it.
        """
        entry = self._entry(run_id)
        if entry is not None and self._changed_elsewhere(entry):
            self._drop(entry)
            entry = None
        if entry is None:
            run, saved = self._load(run_id)
            if saved is None:
                raise ForeignRun
            entry = self._keep(run, saved)
        entry.touched = self._clock()

    def owners(self, run_id: str) -> tuple[str, ...]:
        """The owners of a run, perhaps of a deleted one, without loading it; nobody's if there is none of this id."""
        entry = self._entries.get(run_id)
        return self._store.owners(run_id) if entry is None else entry.run.snapshot.owners

    def put(self, run: Run) -> None:
        """Replace a run in memory by its next state."""
        self._entries[run.run_id].run = run

    def delete(self, run_id: str) -> None:
        """Put a run out of sight; `undelete` brings it back for at least `UNDO_TIME`.

        Raises `UnknownRun`, and `ForeignRun` if another server is training it.
        """
        entry = self._entry(run_id)
        if entry is None or (entry.clean and entry.run.idle):
            if self._is_out_of_sight(run_id) is not False:
                raise UnknownRun(run_id)
            server = self._store.server_of(run_id)
            if server is not None and server != self._server and is_alive(server):
                raise ForeignRun
        with self.lock:
            self._marks.setdefault(run_id, _Mark(None, stored=False)).deleted = datetime.now(UTC)

    def undelete(self, run_id: str) -> None:
        """Bring a deleted run back; raises `UnknownRun` once it is gone for good."""
        if not self._is_out_of_sight(run_id):
            raise UnknownRun(run_id)
        with self.lock:
            mark = self._marks.setdefault(run_id, _Mark(None, stored=True))
            mark.deleted = None
            if not mark.stored:
                del self._marks[run_id]

    def summaries(self) -> list[RunSummary]:
        """All runs, newest first, as they are now; one that could not be opened, as damaged as it was then."""
        with self.lock:
            newest = {id: entry.run.snapshot for id, entry in self._entries.items() if not entry.clean}
            hidden = {run_id for run_id in self._marks if not self._in_sight(run_id)}
            back = [run_id for run_id in self._marks if run_id not in hidden]
        listed = {
            run.run_id: damaged(run.run_id, run.owners) if run.run_id in self._unreadable else run
            for run in self._store.summaries(back)
        }
        unsaved = {run_id: summary(snapshot) for run_id, snapshot in reversed(newest.items())}
        shown = [run for run_id, run in (unsaved | listed | unsaved).items() if run_id not in hidden]
        return sorted(shown, key=lambda run: run.created, reverse=True)

    def thumbnail(self, run_id: str) -> NDArray[np.float32] | None:
        """Some points of a run's newest frame, (n, 2), without loading the run; None without one."""
        entry = self._entry(run_id)
        if entry is None or entry.clean:
            return self._store.thumbnail(run_id)
        snapshot = entry.run.snapshot
        return thumbnail(snapshot.frames[-1].points) if snapshot.frames else None

    def kept(self, run_id: str, epochs: Collection[int] | None = None, *, weights: bool = False) -> tuple[Kept, ...]:
        """What the timeline keeps of a run, of these epochs or all, oldest first; without `weights` only the points."""
        entry = self._entry(run_id)
        unsaved = () if entry is None else entry.run.kept
        stored = {each.epoch: each for each in self._store.kept(run_id, epochs, weights=weights)}
        stored |= {each.epoch: each for each in unsaved if epochs is None or each.epoch in epochs}
        return tuple(stored[epoch] for epoch in sorted(stored))

    def kept_weights(self, run_id: str) -> tuple[int, ...]:
        """The epochs of a run whose weights are kept, oldest first."""
        entry = self._entry(run_id)
        unsaved = () if entry is None else entry.run.kept
        stored = set(self._store.kept_weights(run_id)) - {each.epoch for each in unsaved}
        return tuple(sorted(stored.union(each.epoch for each in unsaved if each.weights is not None)))

    def purge(self) -> None:
        """Have `tidy` look for what can be cleared away."""
        self._purge_due = True

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    # What the saver does

    def unsaved(self) -> list[Unsaved]:
        """The runs of which the store has not all yet, the urgent ones first, and of those the smallest."""
        with self.lock:
            found = [Unsaved(run_id, costly=False, urgent=True) for run_id in self._marks]
            for run_id, entry in self._entries.items():
                if run_id not in self._marks and not entry.clean:
                    saved, run = entry.saved, entry.run
                    costly = saved is not None and run.checkpoint is not saved.checkpoint
                    size = len(run.checkpoint or b"") if costly or saved is None else 0
                    size += sum(each.points.nbytes + len(each.weights or b"") for each in run.kept)
                    found.append(Unsaved(run_id, costly, run.idle or not costly, size))
        return sorted(found, key=lambda each: (not each.urgent, each.size))

    def save(self, run_id: str) -> bool:
        """Write what has changed of a run; False if it was deleted or changed by others meanwhile.

        Then it is forgotten, as the store knows better. Raises `StoreError` if it cannot be written; the next time
        catches up. Waits for the disk, with no lock held.
        """
        with self.lock:
            entry, mark = self._entries.get(run_id), self._marks.get(run_id)
            run, saved = (entry.run, entry.saved) if entry is not None else (None, None)
            deleted = None if mark is None else mark.deleted
        if mark is not None and deleted is None:
            if not self._store.undelete(run_id):
                return self._lost(run_id)
            self._has(run_id, deleted=False)
        if entry is not None and run is not None and (saved is None or run.snapshot is not saved.snapshot):
            if not self._write(run, saved):
                return self._lost(run_id)
            self._written(entry, run)
        if mark is not None and deleted is not None:
            self._store.delete(run_id, deleted)
            self._has(run_id, deleted=True)
            self._purge_due = True
        self._forget_some()
        return True

    def tidy(self) -> None:
        """Forget what was deleted long ago. As `save`, this waits for the disk."""
        if self._purge_due:
            self._store.purge(datetime.now(UTC) - UNDO_TIME)
            self._purge_due = False

    def _write(self, run: Run, saved: Run | None) -> bool:
        if saved is None:
            self._store.create(run.snapshot, self._server, run.checkpoint, run.kept)
            return True
        old = saved.snapshot
        return self._store.save(
            run.snapshot,
            since=old.version,
            server=self._server,
            checkpoint=None if run.checkpoint is saved.checkpoint else run.checkpoint,
            rows=run.snapshot.history.rows(len(old.history)),
            real=None if run.snapshot.real is old.real else run.snapshot.real,
            kept=run.kept,
        )

    def _written(self, entry: _Entry, run: Run) -> None:
        """Note that the store has this state of a run; what it keeps needs no place in memory any more."""
        entry.saved = replace(run, kept=())
        with self.lock:
            left = tuple(each for each in entry.run.kept if each not in run.kept)
            if len(left) < len(entry.run.kept):
                entry.run = replace(entry.run, kept=left)

    def _has(self, run_id: str, *, deleted: bool) -> None:
        """Note how the store has a run; the mark goes unless somebody wants it otherwise by now."""
        with self.lock:
            mark = self._marks.setdefault(run_id, _Mark(None, deleted))
            mark.stored = deleted
            if deleted == (mark.deleted is not None):
                del self._marks[run_id]
                if deleted:
                    self._entries.pop(run_id, None)

    def _lost(self, run_id: str) -> bool:
        with self.lock:
            self._entries.pop(run_id, None)
            self._marks.pop(run_id, None)
        return False

    # What is in memory

    def _in_sight(self, run_id: str) -> bool:
        mark = self._marks.get(run_id)
        return mark is None or mark.deleted is None

    def _entry(self, run_id: str) -> _Entry | None:
        with self.lock:
            return self._entries.get(run_id) if self._in_sight(run_id) else None

    def _is_out_of_sight(self, run_id: str) -> bool | None:
        """Whether a run is deleted; None if there is none."""
        with self.lock:
            mark = self._marks.get(run_id)
            if mark is not None:
                return mark.deleted is not None
        return self._store.is_deleted(run_id)

    def _load(self, run_id: str) -> tuple[Run, Run | None]:
        """A run from the store, and as it is saved there; None for that if another server is training it."""
        with self.lock:
            back = run_id in self._marks
            if not self._in_sight(run_id):
                raise UnknownRun(run_id)
        try:
            stored = self._store.load(run_id, deleted=back)
        except StoreError as error:
            if not isinstance(error.__cause__, sqlite3.Error):
                self._unreadable.add(run_id)
            raise
        if stored is None:
            raise UnknownRun(run_id)
        run = Run(stored.snapshot, stored.checkpoint)
        if run.active and stored.server != self._server:
            return (run, None) if is_alive(stored.server) else (runs.left(run), run)
        return run, run

    def _changed_elsewhere(self, entry: _Entry) -> bool:
        """Whether another server has changed a run that stands still here."""
        saved = entry.saved
        if saved is None or not entry.clean or not entry.run.idle or entry.run.run_id in self._marks:
            return False
        version = self._store.version(entry.run.run_id)
        with self.lock:  # here it may have been changed and saved meanwhile
            return entry.saved is saved and entry.clean and version != saved.snapshot.version

    def _keep(self, run: Run, saved: Run) -> _Entry:
        with self.lock:
            entry = self._entries.setdefault(run.run_id, _Entry(run, saved, self._clock()))
        self._forget_some(entry)
        return entry

    def _drop(self, entry: _Entry) -> None:
        with self.lock:
            if self._entries.get(entry.run.run_id) is entry:
                del self._entries[entry.run.run_id]

    def _forget_some(self, but: _Entry | None = None) -> None:
        """Keep only the runs in memory that train, were looked at lately, or are not saved."""
        with self.lock:
            idle = [entry for entry in self._entries.values() if entry.run.idle and entry.clean and entry is not but]
            for entry in sorted(idle, key=lambda entry: entry.touched)[: max(0, len(idle) - IDLE_RUNS_IN_MEMORY)]:
                del self._entries[entry.run.run_id]
