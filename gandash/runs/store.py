"""Saved runs: one SQLite file, written chunk by chunk, so that a server that dies loses at most the chunk in flight.

Each `save` is one transaction over the run's row, its newest checkpoint, its newest frame, and the epochs since the
last `save` with what is kept of them: what is read back always belongs together. Arrays are raw little-endian bytes;
checkpoints and weights are opaque; nothing is pickled. Reading has a connection of its own and never waits for writing.
A row that is damaged or of a newer version is told as such and hides no other. This module knows no process pool and no
torch.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from gandash.core import rows as by_hash
from gandash.core.config import RunConfig
from gandash.core.judge import JUDGE_VERSION
from gandash.core.problems import shortened
from gandash.core.records import Appraisal, Variant, Verdict
from gandash.runs import timeline
from gandash.runs.snapshot import THUMBNAIL_POINTS, Frame, History, RunSummary, Snapshot, Status, damaged, thumbnail
from gandash.runs.timeline import Kept

SCHEMA_VERSION = 7
FILE_NAME = "runs.sqlite3"
UNUSED_TIME = timedelta(days=1)
"""How long rows that no run uses are kept, from when they were wanted last."""

_SCHEMA = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, created TEXT NOT NULL, config TEXT NOT NULL, server TEXT NOT NULL, version INTEGER NOT NULL,
    status TEXT NOT NULL, message TEXT NOT NULL, epoch INTEGER NOT NULL, progress REAL NOT NULL, variants TEXT NOT NULL,
    target TEXT NOT NULL, title TEXT NOT NULL, objective TEXT NOT NULL, seed INTEGER NOT NULL, epochs INTEGER NOT NULL,
    appraisals TEXT NOT NULL, appraised REAL, headline REAL, headline_epoch INTEGER,
    parent TEXT, first_epoch INTEGER NOT NULL, name TEXT NOT NULL, note TEXT NOT NULL, deleted TEXT,
    owners TEXT NOT NULL, hand_played INTEGER NOT NULL, left_out INTEGER NOT NULL, judge INTEGER NOT NULL
);
CREATE INDEX runs_by_creation ON runs (created);
CREATE TABLE checkpoints (run_id TEXT PRIMARY KEY REFERENCES runs ON DELETE CASCADE, data BLOB NOT NULL);
CREATE TABLE frames (
    run_id TEXT PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    epoch INTEGER NOT NULL, progress REAL NOT NULL, points BLOB NOT NULL, dim INTEGER NOT NULL
);
CREATE TABLE real (
    run_id TEXT PRIMARY KEY REFERENCES runs ON DELETE CASCADE, points BLOB NOT NULL, dim INTEGER NOT NULL
);
CREATE TABLE history (
    run_id TEXT REFERENCES runs ON DELETE CASCADE, first_epoch INTEGER,
    names TEXT NOT NULL, epochs BLOB NOT NULL, columns BLOB NOT NULL,
    PRIMARY KEY (run_id, first_epoch)
);
CREATE TABLE kept (
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, epoch INTEGER NOT NULL,
    points BLOB NOT NULL, dim INTEGER NOT NULL, weights BLOB,
    PRIMARY KEY (run_id, epoch)
);
"""

_FROM_1_TO_2 = """
ALTER TABLE runs ADD COLUMN target TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN title TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN objective TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN seed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN epochs INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN appraisals TEXT NOT NULL DEFAULT '{}';
ALTER TABLE runs ADD COLUMN appraised REAL;
ALTER TABLE runs ADD COLUMN headline REAL;
ALTER TABLE runs ADD COLUMN headline_epoch INTEGER;
ALTER TABLE runs ADD COLUMN parent TEXT;
ALTER TABLE runs ADD COLUMN first_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN deleted TEXT;
ALTER TABLE runs DROP COLUMN best_epoch;
ALTER TABLE runs DROP COLUMN metrics;
ALTER TABLE frames ADD COLUMN dim INTEGER NOT NULL DEFAULT 2;
CREATE TABLE real (
    run_id TEXT PRIMARY KEY REFERENCES runs ON DELETE CASCADE, points BLOB NOT NULL, dim INTEGER NOT NULL
);
"""

_FROM_2_TO_3 = """
ALTER TABLE runs RENAME COLUMN owner TO server;
ALTER TABLE runs ADD COLUMN owners TEXT NOT NULL DEFAULT '[]';
CREATE TABLE wishes (
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, wish TEXT NOT NULL, made TEXT NOT NULL,
    PRIMARY KEY (run_id, wish)
);
"""


_FROM_3_TO_4 = """
CREATE TABLE kept (
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, epoch INTEGER NOT NULL,
    points BLOB NOT NULL, dim INTEGER NOT NULL, weights BLOB,
    PRIMARY KEY (run_id, epoch)
);
"""

_FROM_4_TO_5 = """
ALTER TABLE runs ADD COLUMN hand_played INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN left_out INTEGER NOT NULL DEFAULT 0;
"""

_FROM_5_TO_6 = """
ALTER TABLE runs ADD COLUMN judge INTEGER NOT NULL DEFAULT 1;
UPDATE runs SET appraisals = replace(appraisals, '"headline"', '"earlier_gap"');
UPDATE history SET names = replace(names, '"headline"', '"earlier_gap"');
"""
"""The gap that the first judge measured is another figure than today's."""


class StoreError(ValueError):
    """The file of saved runs cannot be read or written; the text says why and what to do."""


@dataclass(frozen=True)
class StoredRun:
    """A run as it was saved: its snapshot, its newest checkpoint (None before the first chunk), and who trained it."""

    snapshot: Snapshot
    checkpoint: bytes | None
    server: str


class Standing(NamedTuple):
    """How a run is saved, whatever of it is damaged: `status` is None if it cannot be read, `server` saved it last."""

    status: Status | None
    server: str
    deleted: bool


class RunStore:
    """All saved runs in `folder`, which is made if it is missing. Any thread may call any method.

    Once it is open, a write waits at most `patience` seconds for another program's, then it fails.
    """

    def __init__(self, folder: Path, *, patience: float = 10.0) -> None:
        self.path = folder / FILE_NAME
        self.data = folder / by_hash.FOLDER
        by_hash.look_in(self.data)
        self._reading, self._writing = threading.RLock(), threading.RLock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._writer = self._connection()
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from error
        try:
            self._prepare()
            self._writer.execute(f"PRAGMA busy_timeout = {round(1000 * patience)}")
            self._reader = self._connection()
        except BaseException:
            self._writer.close()
            raise

    def _connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.text_factory = lambda text: text.decode(errors="replace")
        return connection

    def _prepare(self) -> None:
        with self._write() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA foreign_keys = ON")
            if db.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION:
                return  # without waiting for who writes
        with self._transaction() as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            empty = not db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if version == 0 and empty:
                _execute(db, _SCHEMA)
                version = SCHEMA_VERSION
            while version in _UPGRADES:
                _UPGRADES[version](db)
                version += 1
            db.execute(f"PRAGMA user_version = {version}")
            if version != SCHEMA_VERSION:
                raise StoreError(
                    f"The saved runs were written by another version of gandash (format {version}, this one reads "
                    f"{SCHEMA_VERSION}). Update gandash, or set GANDASH_HOME to another folder."
                )

    def create(
        self, snapshot: Snapshot, server: str, checkpoint: bytes | None = None, kept: Collection[Kept] = ()
    ) -> None:
        """Add a run, with all that it begins with."""
        config = snapshot.config
        row = {
            "id": snapshot.run_id,
            "created": snapshot.created.isoformat(),
            "config": config.to_json(),
            **_listed(config),
            "parent": snapshot.parent,
            "first_epoch": snapshot.first_epoch,
            "server": server,
            **_changing(snapshot),
        }
        with self._transaction() as db:
            db.execute(f"INSERT INTO runs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
            _add(db, snapshot, checkpoint, snapshot.history, snapshot.real, kept)

    def save(
        self,
        snapshot: Snapshot,
        *,
        since: int,
        server: str,
        checkpoint: bytes | None = None,
        rows: History | None = None,
        real: NDArray[np.float32] | None = None,
        kept: Collection[Kept] = (),
    ) -> bool:
        """Write what has changed in a run since the version that was saved last.

        Returns False, and writes nothing, if the run was deleted or another server saved it meanwhile. Without
        `checkpoint` the saved one is kept. Of the snapshot's frames the newest is kept. `rows` are those of its history
        that were not saved yet, `real` its real points if they were not. `kept` is what is new on its timeline; what
        that does not keep any more is removed.
        """
        row = {"server": server, **_changing(snapshot)}
        with self._transaction() as db:
            values = ", ".join(f"{name} = ?" for name in row)
            cursor = db.execute(
                f"UPDATE runs SET {values} WHERE id = ? AND version = ? AND deleted IS NULL",
                (*row.values(), snapshot.run_id, since),
            )
            if not cursor.rowcount:
                return False
            _add(db, snapshot, checkpoint, rows or History(), real, kept)
        return True

    def load(self, run_id: str, *, deleted: bool = False) -> StoredRun | None:
        """A saved run, or None if there is none of this id; `deleted` finds those out of sight too.

        Raises `StoreError` in a sentence if it cannot be read.
        """
        with self._read() as db:
            db.execute("BEGIN")
            try:
                row = db.execute(f"SELECT * FROM runs WHERE id = ?{'' if deleted else _IN_SIGHT}", (run_id,)).fetchone()
                if row is None:
                    return None
                checkpoint = db.execute("SELECT data FROM checkpoints WHERE run_id = ?", (run_id,)).fetchone()
                frames = db.execute("SELECT * FROM frames WHERE run_id = ?", (run_id,)).fetchall()
                real = db.execute("SELECT points, dim FROM real WHERE run_id = ?", (run_id,)).fetchone()
                parts = db.execute(_HISTORY, (run_id,)).fetchall()
                epochs = db.execute("SELECT epoch FROM kept WHERE run_id = ? ORDER BY epoch", (run_id,)).fetchall()
            finally:
                db.execute("COMMIT")
        try:
            config = _config(row["config"])
        except _ODD as error:
            raise StoreError(
                f"Run {run_id} was saved by another version of gandash, and this one cannot read its set-up: "
                f"{_first_sentence(str(error))}"
            ) from error
        try:
            snapshot = Snapshot(
                **_of_row(row, config),
                frames=tuple(_frame(frame) for frame in frames),
                timeline=tuple(int(kept["epoch"]) for kept in epochs),
                history=_joined(parts),
                real=_points(real) if real else None,
            )
            data = checkpoint and memoryview(checkpoint["data"]).tobytes()
        except _ODD as error:
            raise StoreError(
                f"Run {run_id} cannot be opened: what was saved of it is damaged, or of a newer version of gandash "
                f"({type(error).__name__}: {str(error)[:200]}). It can still be deleted."
            ) from error
        return StoredRun(snapshot, data, str(row["server"]))

    def thumbnail(self, run_id: str) -> NDArray[np.float32] | None:
        """The first points of a run's newest frame, (n, 2) with n at most `THUMBNAIL_POINTS`.

        None if it has no frame yet, or one that cannot be read.
        """
        with self._read() as db:
            row = db.execute(
                "SELECT substr(points, 1, 4 * dim * ?) AS points, dim FROM frames JOIN runs ON id = run_id "
                f"WHERE id = ?{_IN_SIGHT}",
                (THUMBNAIL_POINTS, run_id),
            ).fetchone()
        if row is None:
            return None
        try:
            return thumbnail(_points(row))
        except _ODD:
            return None

    def kept(self, run_id: str, epochs: Collection[int] | None = None, *, weights: bool = False) -> list[Kept]:
        """What is kept of these epochs of a run, or of all, oldest first; what is damaged is left out."""
        columns = "epoch, points, dim" + (", weights" if weights else "")
        where = "" if epochs is None else f" AND epoch IN ({', '.join('?' * len(epochs))})"
        with self._read() as db:
            rows = db.execute(
                f"SELECT {columns} FROM kept WHERE run_id = ?{where} ORDER BY epoch", (run_id, *(epochs or ()))
            ).fetchall()
        found = []
        for row in rows:
            with contextlib.suppress(*_ODD):
                found.append(_kept(row, weights=weights))
        return found

    def kept_weights(self, run_id: str) -> list[int]:
        """The epochs of a run whose weights are kept, oldest first."""
        with self._read() as db:
            rows = db.execute(
                "SELECT epoch FROM kept WHERE run_id = ? AND weights IS NOT NULL ORDER BY epoch", (run_id,)
            ).fetchall()
        return [int(row["epoch"]) for row in rows]

    def version(self, run_id: str) -> int | None:
        """The version of the snapshot that is saved, or None if there is no such run."""
        with self._read() as db:
            row = db.execute(f"SELECT version FROM runs WHERE id = ?{_IN_SIGHT}", (run_id,)).fetchone()
        return None if row is None else int(row["version"])

    def summaries(self, and_deleted: Collection[str] = ()) -> list[RunSummary]:
        """All runs, newest first, with those of the deleted ones whose ids are given."""
        asked = ", ".join("?" * len(and_deleted))
        with self._read() as db:
            rows = db.execute(
                f"SELECT * FROM runs WHERE deleted IS NULL OR id IN ({asked}) ORDER BY created DESC, rowid DESC",
                tuple(and_deleted),
            ).fetchall()
        return [_summary(row) for row in rows]

    def owners(self, run_id: str) -> tuple[str, ...]:
        """The owners of a run, deleted or not; nobody if there is none of this id, or if they cannot be read."""
        with self._read() as db:
            row = db.execute("SELECT owners FROM runs WHERE id = ?", (run_id,)).fetchone()
        return () if row is None else _owners(row)

    def is_deleted(self, run_id: str) -> bool | None:
        """Whether a run is out of sight; None if there is none of this id."""
        with self._read() as db:
            row = db.execute("SELECT deleted FROM runs WHERE id = ?", (run_id,)).fetchone()
        return None if row is None else row["deleted"] is not None

    def server_of(self, run_id: str) -> str | None:
        """Which process has this run, if it is saved as active."""
        with self._read() as db:
            row = db.execute(f"SELECT server FROM runs WHERE id = ? AND {_IS_ACTIVE}", (run_id, *_ACTIVE)).fetchone()
        return None if row is None else str(row["server"])

    def servers(self, *, idle: bool = False) -> set[str]:
        """Which processes have runs that are saved as active; with `idle` those too that saved any other run."""
        with self._read() as db:
            rows = db.execute(f"SELECT DISTINCT server FROM runs WHERE ? OR {_IS_ACTIVE}", (idle, *_ACTIVE)).fetchall()
        return {str(row["server"]) for row in rows}

    def standing(self, run_id: str) -> Standing | None:
        """How a run is saved, deleted or not, without loading it; None if there is none of this id."""
        with self._read() as db:
            row = db.execute("SELECT status, server, deleted FROM runs WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            return None
        try:
            status = Status(row["status"])
        except _ODD:
            status = None
        return Standing(status, str(row["server"]), row["deleted"] is not None)

    def pause_abandoned(self, server: str) -> None:
        """Mark what this process left active as paused, with a message that says so."""
        message = "'The server stopped; press Resume to go on from epoch ' || epoch || '.'"
        with self._transaction() as db:
            db.execute(
                f"UPDATE runs SET status = ?, message = {message}, version = version + 1 "
                f"WHERE server = ? AND {_IS_ACTIVE}",
                (Status.PAUSED.value, server, *_ACTIVE),
            )

    def delete(self, run_id: str, now: datetime | None = None) -> bool:
        """Put a run out of sight, where `undelete` finds it until it is purged; False if there is none of this id."""
        with self._transaction() as db:
            return bool(
                db.execute(
                    f"UPDATE runs SET deleted = ?, version = version + ({_IS_ACTIVE}), "
                    f"status = CASE WHEN {_IS_ACTIVE} THEN ? ELSE status END WHERE id = ? AND deleted IS NULL",
                    ((now or datetime.now(UTC)).isoformat(), *_ACTIVE, *_ACTIVE, Status.PAUSED.value, run_id),
                ).rowcount
            )

    def undelete(self, run_id: str) -> bool:
        """Bring a deleted run back; False if it is gone for good."""
        with self._transaction() as db:
            return bool(
                db.execute("UPDATE runs SET deleted = NULL WHERE id = ? AND deleted IS NOT NULL", (run_id,)).rowcount
            )

    def purge(self, before: datetime) -> None:
        """Remove for good what was deleted before a moment, with all that belongs to it.

        Rows of tables go with the last run that uses them, unless they were wanted since then; those that no run has
        used go after `UNUSED_TIME`.
        """
        moment = before.isoformat()
        with self._transaction() as db:
            gone = {row["hash"] for row in db.execute(f"{_ROWS} WHERE deleted < ?", (moment,))}
            db.execute("DELETE FROM runs WHERE deleted < ?", (moment,))
            used = {row["hash"] for row in db.execute(_ROWS)}
        for path in self.data.glob("*.*"):
            since = before if path.stem in gone else before - UNUSED_TIME
            with contextlib.suppress(OSError):  # it is gone already, or in use where that matters
                if path.stem not in used and path.stat().st_mtime < since.timestamp():
                    path.unlink()

    def close(self, patience: float = 5.0) -> None:
        """Close the file; further calls fail. A call that takes longer than `patience` seconds is left to itself."""
        for lock, connection in ((self._writing, self._writer), (self._reading, self._reader)):
            if lock.acquire(timeout=patience):
                with lock:
                    connection.close()
                lock.release()

    @contextlib.contextmanager
    def _guard(self, lock: threading.RLock, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        with lock:
            try:
                yield connection
            except sqlite3.Error as error:
                raise self._error(error) from error
            except UnicodeEncodeError as error:
                raise StoreError("No run has such an id: it is no text.") from error

    def _read(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return self._guard(self._reading, self._reader)

    def _write(self) -> contextlib.AbstractContextManager[sqlite3.Connection]:
        return self._guard(self._writing, self._writer)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._write() as db:
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:  # SQLite itself rolls back on a full disk, for one
                    db.execute("ROLLBACK")
                raise

    def _error(self, error: Exception) -> StoreError:
        """What went wrong, for whoever looks at a page: the folder's place on the server is not theirs to know."""
        reason = error.strerror if isinstance(error, OSError) else error
        return StoreError(
            f"The saved runs cannot be read or written ({reason}). Check the free space of the server's disk and the "
            "permissions of the folder that GANDASH_HOME names, or let it name another."
        )


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[RunStore | None]:
    """The runs saved in a folder, for a while; None, and nothing is made, if none ever were."""
    if not (folder / FILE_NAME).exists():
        yield None
        return
    store = RunStore(folder)
    try:
        yield store
    finally:
        store.close()


_ACTIVE = tuple(status.value for status in Status if status.active)
_IS_ACTIVE = f"status IN ({', '.join('?' * len(_ACTIVE))})"


_ROWS = "SELECT CASE WHEN json_valid(config) THEN json_extract(config, '$.target.hash') END AS hash FROM runs"
_IN_SIGHT = " AND deleted IS NULL"
_HISTORY = "SELECT names, epochs, columns FROM history WHERE run_id = ? ORDER BY first_epoch"

_ODD = (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError)
"""What reading a value raises that is not what this version writes."""


def _execute(db: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):  # executescript would commit
        db.execute(statement)


def _from_1_to_2(db: sqlite3.Connection) -> None:
    """Schema 1 kept the newest figures without their epoch: only those of a run that had ended are surely its last."""
    old = db.execute("SELECT * FROM runs").fetchall()
    _execute(db, _FROM_1_TO_2)
    for row in old:
        try:
            values = _figures_of_1(db, row)
        except _ODD:  # it can be deleted still
            values = {"target": "", "title": ""}
        db.execute(
            f"UPDATE runs SET {', '.join(f'{name} = ?' for name in values)} WHERE id = ?", (*values.values(), row["id"])
        )


def _figures_of_1(db: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """What schema 2 lists of a run beyond schema 1."""
    data: Mapping[str, Any] = json.loads(row["config"])
    try:
        listed = _listed(RunConfig.from_json(row["config"]))
    except ValueError:  # it can be listed and deleted still
        shape = str(data.get("shape", ""))
        listed = {"target": shape, "title": shape}
        listed |= {name: data.get(name, default) for name, default in (("objective", ""), ("seed", 0), ("epochs", 0))}
    status, metrics = row["status"], json.loads(row["metrics"])
    appraisals: dict[str, Any] = {}
    if metrics and status in (Status.FINISHED, Status.STOPPED_EARLY):
        which = "ema" if data.get("ema_decay") else "latest"
        appraisals[which] = asdict(Appraisal(which, row["epoch"], row["progress"], metrics, float("nan"), judge=1))
    history = _joined(db.execute(_HISTORY, (row["id"],)).fetchall())
    figures, epoch = (metrics, row["epoch"]) if appraisals else (history.newest() or ({}, None))
    return listed | {
        "appraisals": json.dumps(appraisals),
        "headline": figures.get("headline"),
        "headline_epoch": epoch,
    }


_UPGRADES: Mapping[int, Callable[[sqlite3.Connection], None]] = {
    1: _from_1_to_2,
    2: lambda db: _execute(db, _FROM_2_TO_3),
    3: lambda db: _execute(db, _FROM_3_TO_4),
    4: lambda db: _execute(db, _FROM_4_TO_5),
    5: lambda db: _execute(db, _FROM_5_TO_6),
    6: lambda db: _execute(db, "DROP TABLE wishes"),
}
"""What brings a file from a schema to the next. Every schema that was ever written is read for ever."""


def _listed(config: RunConfig) -> dict[str, Any]:
    """What the list of runs says of a config."""
    target = config.target.build()
    return {
        "target": target.name,
        "title": target.title,
        "objective": config.objective,
        "seed": config.seed,
        "epochs": config.epochs,
    }


def _changing(snapshot: Snapshot) -> dict[str, Any]:
    metrics, epoch = snapshot.current
    return {
        "version": snapshot.version,
        "status": snapshot.status.value,
        "message": snapshot.message,
        "epoch": snapshot.epoch,
        "progress": snapshot.progress,
        "variants": json.dumps(snapshot.variants),
        "appraisals": json.dumps({which: asdict(appraisal) for which, appraisal in snapshot.appraisals.items()}),
        "appraised": snapshot.appraised,
        "headline": metrics.get("headline"),
        "headline_epoch": epoch if "headline" in metrics else None,
        "judge": JUDGE_VERSION,
        "name": snapshot.name,
        "note": snapshot.note,
        "owners": json.dumps(snapshot.owners),
        "hand_played": snapshot.hand_played,
        "left_out": snapshot.left_out,
    }


def _add(
    db: sqlite3.Connection,
    snapshot: Snapshot,
    checkpoint: bytes | None,
    rows: History,
    real: NDArray[np.float32] | None,
    kept: Collection[Kept],
) -> None:
    """Write what belongs to a run beside its row."""
    if checkpoint is not None:
        db.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?)", (snapshot.run_id, checkpoint))
        if snapshot.frames:
            frame = snapshot.frames[-1]
            db.execute(
                "INSERT OR REPLACE INTO frames (run_id, epoch, progress, points, dim) VALUES (?, ?, ?, ?, ?)",
                (snapshot.run_id, frame.epoch, frame.progress, *_blob(frame.points)),
            )
    if real is not None:
        db.execute(
            "INSERT OR REPLACE INTO real (run_id, points, dim) VALUES (?, ?, ?)", (snapshot.run_id, *_blob(real))
        )
    if len(rows):
        db.execute(
            "INSERT INTO history VALUES (?, ?, ?, ?, ?)",
            (
                snapshot.run_id,
                int(rows.epoch[0]),
                json.dumps(list(rows.columns)),
                rows.epoch.astype("<i8").tobytes(),
                np.stack(list(rows.columns.values())).astype("<f8").tobytes(),
            ),
        )

    if kept:
        db.executemany(
            "INSERT OR REPLACE INTO kept (run_id, epoch, points, dim, weights) VALUES (?, ?, ?, ?, ?)",
            [(snapshot.run_id, each.epoch, *_blob(each.points), each.weights) for each in kept],
        )
        _thin(db, snapshot.run_id, snapshot.epoch)


def _thin(db: sqlite3.Connection, run_id: str, epoch: int) -> None:
    """Remove what the timeline of a run does not keep any more after this epoch."""
    db.execute("DELETE FROM kept WHERE run_id = ? AND epoch % ? != 0", (run_id, timeline.stride(epoch)))
    (size,) = db.execute("SELECT max(length(weights)) FROM kept WHERE run_id = ?", (run_id,)).fetchone()
    if size is not None:
        db.execute(
            "UPDATE kept SET weights = NULL WHERE run_id = ? AND weights IS NOT NULL AND (? IS NULL OR epoch % ? != 0)",
            (run_id, *(2 * (timeline.weights_stride(epoch, size),))),
        )


def _blob(points: NDArray[np.float32]) -> tuple[bytes, int]:
    return np.ascontiguousarray(points, "<f4").tobytes(), points.shape[1]


# Reading: what is not as this version writes it raises one of `_ODD`


def _points(row: sqlite3.Row) -> NDArray[np.float32]:
    points = np.frombuffer(row["points"], "<f4").reshape(-1, row["dim"])
    if row["dim"] < 2 or not len(points):
        raise ValueError(f"points of shape {points.shape}")
    return points


def _kept(row: sqlite3.Row, *, weights: bool) -> Kept:
    data = row["weights"] if weights else None
    return Kept(int(row["epoch"]), _points(row), None if data is None else memoryview(data).tobytes())


def _frame(row: sqlite3.Row) -> Frame:
    return Frame(int(row["epoch"]), _finite(row["progress"]), _points(row))


def _joined(parts: Iterable[sqlite3.Row]) -> History:
    history = History()
    for part in parts:
        names, epochs = _strings(part["names"]), np.frombuffer(part["epochs"], "<i8")
        columns = np.frombuffer(part["columns"], "<f8").reshape(len(names), len(epochs))
        history = history.joined(epochs, dict(zip(names, columns, strict=True)))
    return history


def _first_sentence(text: str) -> str:
    """What is wrong, without what would be allowed: nobody can put a saved set-up right."""
    return f"{text.partition('. ')[0][:300].rstrip('.')}."


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{shortened(value)} is no text")
    return value


def _verdict(value: object) -> Verdict | Literal[""]:
    return next((known for known in get_args(Verdict) if known == value), "")


def _strings(text: str) -> tuple[str, ...]:
    strings = json.loads(text)
    if not isinstance(strings, list):
        raise TypeError(f"{shortened(strings)} is no list")
    return tuple(_text(each) for each in strings)


def _owners(row: sqlite3.Row) -> tuple[str, ...]:
    """The owners of a run of which the rest may be damaged; nobody if they are."""
    try:
        return _strings(row["owners"])
    except _ODD:
        return ()


def _appraisals(text: str) -> dict[str, Appraisal]:
    return {
        _text(name): Appraisal(
            which=_text(values["which"]),
            epoch=int(values["epoch"]),
            progress=float(values["progress"]),
            metrics={_text(metric): float(value) for metric, value in values["metrics"].items()},
            uncertainty=float(values["uncertainty"]),
            verdict=_verdict(values.get("verdict", "")),
            judge=int(values.get("judge", 1)),
        )
        for name, values in json.loads(text).items()
    }


@lru_cache(maxsize=1024)
def _config(text: str) -> RunConfig:
    """A saved config: the list reads all of them each time it is drawn."""
    return RunConfig.from_json(text)


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} is no finite number")
    return number


def _variants(text: str) -> tuple[str, ...]:
    names = _strings(text)
    if len({*names} & {*get_args(Variant)}) < len(names):
        raise ValueError(f"{shortened(names)} are no generators")
    return names


def _of_row(row: sqlite3.Row, config: RunConfig) -> dict[str, Any]:
    """What a snapshot has of the run's own row. Where that can be read, the run is listed as one that can be opened."""
    appraisals = _appraisals(row["appraisals"])
    of_today = all(appraisal.judge == JUDGE_VERSION for appraisal in appraisals.values())
    return {
        "run_id": _text(row["id"]),
        "config": config,
        "version": int(row["version"]),
        "created": datetime.fromisoformat(row["created"]).astimezone(UTC),
        "status": Status(row["status"]),
        "progress": _finite(row["progress"]),
        "epoch": int(row["epoch"]),
        "first_epoch": int(row["first_epoch"]),
        "message": _text(row["message"]),
        "name": _text(row["name"]),
        "note": _text(row["note"]),
        "owners": _strings(row["owners"]),
        "parent": None if row["parent"] is None else _text(row["parent"]),
        "appraisals": appraisals,
        "appraised": _finite(row["appraised"]) if row["appraised"] is not None and of_today else None,
        "variants": _variants(row["variants"]),
        "hand_played": int(row["hand_played"]),
        "left_out": int(row["left_out"]),
    }


def _summary(row: sqlite3.Row) -> RunSummary:
    """A run's line in the list. One that is damaged is told as such, and takes no other with it."""
    try:
        config = _config(row["config"])
        read = _of_row(row, config)
        return RunSummary(
            **{field.name: read[field.name] for field in fields(RunSummary) if field.name in read},
            target=_text(row["target"]),
            title=_text(row["title"]),
            spec=config.target,
            objective=_text(row["objective"]),
            seed=int(row["seed"]),
            epochs=int(row["epochs"]),
            headline=None if row["headline"] is None else float(row["headline"]),
            headline_epoch=None if row["headline_epoch"] is None else int(row["headline_epoch"]),
            judge=int(row["judge"]),
        )
    except _ODD:
        return damaged(str(row["id"]), _owners(row))


def this_process() -> str:
    """A new name under which a service of this process trains runs: the process's number, when it started, a word."""
    import psutil

    return f"{os.getpid()}:{psutil.Process().create_time():.2f}:{secrets.token_hex(4)}"


def is_alive(server: str) -> bool:
    """Whether the process that `this_process` named is still there."""
    import psutil

    try:
        pid, started, _ = server.split(":")
        process = psutil.Process(int(pid))
        same = abs(process.create_time() - float(started)) < 5.0  # seconds, as the clock may be set
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, ValueError, OverflowError):
        return False
