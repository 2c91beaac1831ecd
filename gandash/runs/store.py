"""Saved runs: one SQLite file, written chunk by chunk, so that a server that dies loses at most the chunk in flight.

Each `save` is one transaction over the run's row, its newest checkpoint, its newest frame and the epochs since the last
`save`: what is read back always belongs together. Arrays are raw little-endian bytes and checkpoints are opaque;
nothing is pickled. This module knows no process pool and no torch.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gandash.core.config import RunConfig
from gandash.core.records import Appraisal
from gandash.core.targets import TargetSpec, read_spec
from gandash.runs.snapshot import Frame, History, RunSummary, Snapshot, Status

SCHEMA_VERSION = 3
FILE_NAME = "runs.sqlite3"
THUMBNAIL_POINTS = 220

Wish = Literal["stop", "delete"]

_SCHEMA = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, created TEXT NOT NULL, config TEXT NOT NULL, server TEXT NOT NULL, version INTEGER NOT NULL,
    status TEXT NOT NULL, message TEXT NOT NULL, epoch INTEGER NOT NULL, progress REAL NOT NULL, variants TEXT NOT NULL,
    target TEXT NOT NULL, title TEXT NOT NULL, objective TEXT NOT NULL, seed INTEGER NOT NULL, epochs INTEGER NOT NULL,
    appraisals TEXT NOT NULL, appraised REAL, headline REAL, headline_epoch INTEGER,
    parent TEXT, first_epoch INTEGER NOT NULL, name TEXT NOT NULL, note TEXT NOT NULL, deleted TEXT,
    owners TEXT NOT NULL
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
CREATE TABLE wishes (
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, wish TEXT NOT NULL, made TEXT NOT NULL,
    PRIMARY KEY (run_id, wish)
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


class StoreError(ValueError):
    """The file of saved runs cannot be read or written; the text says why and what to do."""


@dataclass(frozen=True)
class StoredRun:
    """A run as it was saved: its snapshot, its newest checkpoint (None before the first chunk), and who trained it."""

    snapshot: Snapshot
    checkpoint: bytes | None
    server: str


class RunStore:
    """All saved runs in `folder`, which is made if it is missing. Any thread may call any method."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise self._error(error) from error
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise

    def _prepare(self) -> None:
        with self._guard() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA foreign_keys = ON")
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
                    f"{self.path} was written by another version of gandash (format {version}, this one reads "
                    f"{SCHEMA_VERSION}). Update gandash, or set GANDASH_HOME to another folder."
                )

    def create(self, snapshot: Snapshot, server: str, checkpoint: bytes | None = None) -> None:
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
            _add(db, snapshot, checkpoint, snapshot.history, snapshot.real)

    def save(
        self,
        snapshot: Snapshot,
        *,
        since: int,
        server: str,
        checkpoint: bytes | None = None,
        rows: History | None = None,
        real: NDArray[np.float32] | None = None,
    ) -> bool:
        """Write what has changed in a run since the version that was saved last.

        Returns False, and writes nothing, if the run was deleted or another server saved it meanwhile. Without
        `checkpoint` the saved one is kept. Of the snapshot's frames the newest is kept. `rows` are those of its history
        that were not saved yet, `real` its real points if they were not.
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
            _add(db, snapshot, checkpoint, rows or History(), real)
        return True

    def load(self, run_id: str) -> StoredRun | None:
        """A saved run, or None if there is none of this id."""
        with self._transaction("DEFERRED") as db:
            row = db.execute("SELECT * FROM runs WHERE id = ? AND deleted IS NULL", (run_id,)).fetchone()
            if row is None:
                return None
            checkpoint = db.execute("SELECT data FROM checkpoints WHERE run_id = ?", (run_id,)).fetchone()
            frames = db.execute("SELECT * FROM frames WHERE run_id = ?", (run_id,)).fetchall()
            real = db.execute("SELECT points, dim FROM real WHERE run_id = ?", (run_id,)).fetchone()
            history = _history(db, run_id)
        try:
            config = RunConfig.from_json(row["config"])
        except ValueError as error:
            raise StoreError(
                f"Run {run_id} was saved by another version of gandash, and this one cannot read its set-up: {error}"
            ) from error
        snapshot = Snapshot(
            run_id=run_id,
            version=row["version"],
            config=config,
            status=Status(row["status"]),
            created=datetime.fromisoformat(row["created"]),
            message=row["message"],
            epoch=row["epoch"],
            progress=row["progress"],
            frames=tuple(Frame(frame["epoch"], frame["progress"], _points(frame)) for frame in frames),
            history=history,
            appraisals={which: Appraisal(**values) for which, values in json.loads(row["appraisals"]).items()},
            appraised=row["appraised"],
            variants=_strings(row["variants"]),
            real=_points(real) if real else None,
            parent=row["parent"],
            first_epoch=row["first_epoch"],
            name=row["name"],
            note=row["note"],
            owners=_strings(row["owners"]),
        )
        return StoredRun(snapshot, checkpoint["data"] if checkpoint else None, row["server"])

    def thumbnail(self, run_id: str) -> NDArray[np.float32] | None:
        """What is drawn of the first points of a run's newest frame, (n, 2) with n at most `THUMBNAIL_POINTS`.

        None if it has no frame yet, or a set-up that cannot be read.
        """
        with self._guard() as db:
            row = db.execute(
                "SELECT substr(points, 1, 4 * dim * ?) AS points, dim, config FROM frames JOIN runs ON id = run_id "
                "WHERE id = ? AND deleted IS NULL",
                (THUMBNAIL_POINTS, run_id),
            ).fetchone()
        if row is None:
            return None
        try:
            target = RunConfig.from_json(row["config"]).target
        except ValueError:
            return None
        return np.asarray(target.build().canvas.project(_points(row)), np.float32)

    def version(self, run_id: str) -> int | None:
        """The version of the snapshot that is saved, or None if there is no such run."""
        with self._guard() as db:
            row = db.execute("SELECT version FROM runs WHERE id = ? AND deleted IS NULL", (run_id,)).fetchone()
        return None if row is None else int(row["version"])

    def summaries(self) -> list[RunSummary]:
        """All runs, newest first."""
        with self._guard() as db:
            rows = db.execute("SELECT * FROM runs WHERE deleted IS NULL ORDER BY created DESC, rowid DESC").fetchall()
        return [_summary(row) for row in rows]

    def owners(self, run_id: str) -> tuple[str, ...]:
        """The owners of a run, deleted or not; nobody if there is none of this id, or if they cannot be read."""
        with self._guard() as db:
            row = db.execute("SELECT owners FROM runs WHERE id = ?", (run_id,)).fetchone()
        try:
            return () if row is None else _strings(row["owners"])
        except ValueError:
            return ()

    def servers(self) -> set[str]:
        """Which processes have runs that are saved as active."""
        with self._guard() as db:
            rows = db.execute(f"SELECT DISTINCT server FROM runs WHERE {_IS_ACTIVE}", _ACTIVE).fetchall()
        return {row["server"] for row in rows}

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
                    "UPDATE runs SET deleted = ?, version = version + 1, "
                    f"status = CASE WHEN {_IS_ACTIVE} THEN ? ELSE status END WHERE id = ? AND deleted IS NULL",
                    ((now or datetime.now(UTC)).isoformat(), *_ACTIVE, Status.PAUSED.value, run_id),
                ).rowcount
            )

    def undelete(self, run_id: str) -> bool:
        """Bring a deleted run back; False if it is gone for good."""
        with self._transaction() as db:
            return bool(
                db.execute(
                    "UPDATE runs SET deleted = NULL, version = version + 1 WHERE id = ? AND deleted IS NOT NULL",
                    (run_id,),
                ).rowcount
            )

    def purge(self, before: datetime) -> None:
        """Remove for good what was deleted before a moment, with all that belongs to it."""
        with self._transaction() as db:
            db.execute("DELETE FROM runs WHERE deleted < ?", (before.isoformat(),))

    def wish(self, run_id: str, wish: Wish) -> bool:
        """Ask whichever server trains the run to do something to it; False if there is none of this id."""
        with self._transaction() as db:
            return bool(
                db.execute(
                    "INSERT INTO wishes SELECT id, ?, ? FROM runs WHERE id = ? AND deleted IS NULL "
                    "ON CONFLICT DO UPDATE SET made = excluded.made",
                    (wish, datetime.now(UTC).isoformat(), run_id),
                ).rowcount
            )

    def wishes(self) -> list[tuple[str, str]]:
        """What was wished and not granted yet, as ids of runs and wishes, the oldest first."""
        with self._guard() as db:
            return [(row["run_id"], row["wish"]) for row in db.execute("SELECT * FROM wishes ORDER BY made, rowid")]

    def granted(self, run_id: str, wish: str) -> None:
        """Forget a wish, because it was granted or makes no sense any more."""
        with self._transaction() as db:
            db.execute("DELETE FROM wishes WHERE run_id = ? AND wish = ?", (run_id, wish))

    def close(self) -> None:
        """Close the file; further calls fail."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def _guard(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.row_factory = sqlite3.Row
            try:
                yield self._connection
            except sqlite3.Error as error:
                raise self._error(error) from error

    @contextlib.contextmanager
    def _transaction(self, kind: str = "IMMEDIATE") -> Iterator[sqlite3.Connection]:
        with self._guard() as db:
            db.execute(f"BEGIN {kind}")
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                if db.in_transaction:  # SQLite itself rolls back on a full disk, for one
                    db.execute("ROLLBACK")
                raise

    def _error(self, error: Exception) -> StoreError:
        return StoreError(
            f"The saved runs in {self.path} cannot be read or written ({error}). Check the disk's free space and the "
            "folder's permissions, or set GANDASH_HOME to another folder."
        )


_ACTIVE = tuple(status.value for status in Status if status.active)
_IS_ACTIVE = f"status IN ({', '.join('?' * len(_ACTIVE))})"


def _execute(db: sqlite3.Connection, statements: str) -> None:
    for statement in statements.split(";"):  # executescript would commit
        db.execute(statement)


def _from_1_to_2(db: sqlite3.Connection) -> None:
    """Schema 1 kept the newest figures without their epoch: only those of a run that had ended are surely its last."""
    old = db.execute("SELECT * FROM runs").fetchall()
    _execute(db, _FROM_1_TO_2)
    for row in old:
        data: Mapping[str, Any] = json.loads(row["config"])
        try:
            listed = _listed(RunConfig.from_json(row["config"]))
        except ValueError:  # it can be listed and deleted still
            shape = str(data.get("shape", ""))
            listed = {"target": shape, "title": shape}
            listed |= {
                name: data.get(name, default) for name, default in (("objective", ""), ("seed", 0), ("epochs", 0))
            }
        status, metrics = Status(row["status"]), json.loads(row["metrics"])
        appraisals: dict[str, Any] = {}
        if metrics and status in (Status.FINISHED, Status.STOPPED_EARLY):
            which = "ema" if data.get("ema_decay") else "latest"
            appraisals[which] = asdict(Appraisal(which, row["epoch"], row["progress"], metrics, float("nan")))
        figures, epoch = (metrics, row["epoch"]) if appraisals else (_history(db, row["id"]).newest() or ({}, None))
        listed |= {"appraisals": json.dumps(appraisals), "headline": figures.get("headline"), "headline_epoch": epoch}
        db.execute(
            f"UPDATE runs SET {', '.join(f'{name} = ?' for name in listed)} WHERE id = ?", (*listed.values(), row["id"])
        )


_UPGRADES: Mapping[int, Callable[[sqlite3.Connection], None]] = {
    1: _from_1_to_2,
    2: lambda db: _execute(db, _FROM_2_TO_3),
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
        "name": snapshot.name,
        "note": snapshot.note,
        "owners": json.dumps(snapshot.owners),
    }


def _add(
    db: sqlite3.Connection,
    snapshot: Snapshot,
    checkpoint: bytes | None,
    rows: History,
    real: NDArray[np.float32] | None,
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


def _history(db: sqlite3.Connection, run_id: str) -> History:
    history = History()
    for part in db.execute(
        "SELECT names, epochs, columns FROM history WHERE run_id = ? ORDER BY first_epoch", (run_id,)
    ):
        names, epochs = json.loads(part["names"]), np.frombuffer(part["epochs"], "<i8")
        columns = np.frombuffer(part["columns"], "<f8").reshape(len(names), len(epochs))
        history = history.joined(epochs, dict(zip(names, columns, strict=True)))
    return history


def _blob(points: NDArray[np.float32]) -> tuple[bytes, int]:
    return np.ascontiguousarray(points, "<f4").tobytes(), points.shape[1]


def _points(row: sqlite3.Row) -> NDArray[np.float32]:
    return np.frombuffer(row["points"], "<f4").reshape(-1, row["dim"])


def _summary(row: sqlite3.Row) -> RunSummary:
    """A run's line in the list. One that is damaged is told as such, and takes no other with it."""
    values = {field.name: row[field.name] for field in fields(RunSummary) if field.name not in ("run_id", "spec")}
    try:
        values |= {"created": datetime.fromisoformat(row["created"]).astimezone(UTC), "status": Status(row["status"])}
        values |= {name: int(row[name]) for name in ("seed", "epoch", "epochs", "first_epoch")}
        values |= {"owners": _strings(row["owners"])}
        values |= {name: str(row[name]) for name in ("message", "target", "title", "objective", "name", "note")}
        values |= {"progress": float(row["progress"]), "headline": row["headline"] and float(row["headline"])}
    except (TypeError, ValueError):
        message = "What was saved of this run is damaged: it can only be deleted."
        never = datetime.fromtimestamp(0, UTC)
        return RunSummary(str(row["id"]), never, Status.FAILED, message, "", "Damaged run", None, "", 0, 0, 0, 0.0)
    return RunSummary(run_id=row["id"], spec=_spec(row["config"]), **values)


def _spec(config_json: str) -> TargetSpec | None:
    """What a saved config says of its target, without reading the rest; None if that cannot be read."""
    try:
        config = json.loads(config_json)
        return read_spec(config["target"] if "target" in config else config["shape"])
    except (ValueError, TypeError, KeyError):
        return None


def _strings(text: str) -> tuple[str, ...]:
    strings = json.loads(text)
    if not isinstance(strings, list) or not all(isinstance(each, str) for each in strings):
        raise ValueError(f"{text[:80]!r} is no list of strings")
    return tuple(strings)


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
    except (psutil.Error, ValueError):
        return False
