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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from gandash.core.config import RunConfig
from gandash.core.records import EpochRecord
from gandash.runs.snapshot import Frame, HistoryBuffer, RunSummary, Snapshot, Status, columns_of

SCHEMA_VERSION = 1
FILE_NAME = "runs.sqlite3"

_SCHEMA = """
CREATE TABLE runs (
    id TEXT PRIMARY KEY, created TEXT NOT NULL, config TEXT NOT NULL, owner TEXT NOT NULL, version INTEGER NOT NULL,
    status TEXT NOT NULL, message TEXT NOT NULL, epoch INTEGER NOT NULL, progress REAL NOT NULL,
    best_epoch INTEGER, variants TEXT NOT NULL, metrics TEXT NOT NULL
);
CREATE INDEX runs_by_creation ON runs (created);
CREATE TABLE checkpoints (run_id TEXT PRIMARY KEY REFERENCES runs ON DELETE CASCADE, data BLOB NOT NULL);
CREATE TABLE frames (
    run_id TEXT PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    epoch INTEGER NOT NULL, progress REAL NOT NULL, points BLOB NOT NULL
);
CREATE TABLE history (
    run_id TEXT REFERENCES runs ON DELETE CASCADE, first_epoch INTEGER,
    names TEXT NOT NULL, epochs BLOB NOT NULL, columns BLOB NOT NULL,
    PRIMARY KEY (run_id, first_epoch)
);
"""


class StoreError(ValueError):
    """The file of saved runs cannot be read or written; the text says why and what to do."""


@dataclass(frozen=True)
class StoredRun:
    """A run as it was saved: its snapshot, its newest checkpoint (None before the first chunk), history and owner."""

    snapshot: Snapshot
    checkpoint: bytes | None
    history: HistoryBuffer
    owner: str


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
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif version != SCHEMA_VERSION:
                raise StoreError(
                    f"{self.path} was written by another version of gandash (format {version}, this one reads "
                    f"{SCHEMA_VERSION}). Update gandash, or set GANDASH_HOME to another folder."
                )

    def create(self, snapshot: Snapshot, owner: str) -> None:
        """Add a run."""
        row = {"id": snapshot.run_id, "created": snapshot.created.isoformat(), "config": snapshot.config.to_json()}
        row |= {"owner": owner, **_changing(snapshot)}
        with self._transaction() as db:
            db.execute(f"INSERT INTO runs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))

    def save(
        self,
        snapshot: Snapshot,
        *,
        owner: str,
        checkpoint: bytes | None = None,
        records: Sequence[EpochRecord] = (),
    ) -> bool:
        """Write a run's state with the epochs since the last save; False if the run was deleted meanwhile.

        Without `checkpoint` the saved one is kept. Of the snapshot's frames the newest is kept.
        """
        row = {"owner": owner, **_changing(snapshot)}
        with self._transaction() as db:
            cursor = db.execute(
                f"UPDATE runs SET {', '.join(f'{name} = ?' for name in row)} WHERE id = ?",
                (*row.values(), snapshot.run_id),
            )
            if not cursor.rowcount:
                return False
            if checkpoint is not None:
                db.execute("INSERT OR REPLACE INTO checkpoints VALUES (?, ?)", (snapshot.run_id, checkpoint))
                if snapshot.frames:
                    frame = snapshot.frames[-1]
                    points = np.ascontiguousarray(frame.points, "<f4").tobytes()
                    db.execute(
                        "INSERT OR REPLACE INTO frames VALUES (?, ?, ?, ?)",
                        (snapshot.run_id, frame.epoch, frame.progress, points),
                    )
            if records:
                epochs, columns = columns_of(records)
                db.execute(
                    "INSERT INTO history VALUES (?, ?, ?, ?, ?)",
                    (
                        snapshot.run_id,
                        int(epochs[0]),
                        json.dumps(list(columns)),
                        epochs.astype("<i8").tobytes(),
                        np.stack(list(columns.values())).astype("<f8").tobytes(),
                    ),
                )
        return True

    def load(self, run_id: str) -> StoredRun | None:
        """A saved run, or None if there is none of this id."""
        with self._transaction("DEFERRED") as db:
            row = db.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
            if row is None:
                return None
            checkpoint = db.execute("SELECT data FROM checkpoints WHERE run_id = ?", (run_id,)).fetchone()
            frames = db.execute("SELECT epoch, progress, points FROM frames WHERE run_id = ?", (run_id,)).fetchall()
            parts = db.execute(
                "SELECT names, epochs, columns FROM history WHERE run_id = ? ORDER BY first_epoch", (run_id,)
            ).fetchall()
        history = HistoryBuffer()
        for part in parts:
            names, epochs = json.loads(part["names"]), np.frombuffer(part["epochs"], "<i8")
            columns = np.frombuffer(part["columns"], "<f8").reshape(len(names), len(epochs))
            history.extend(epochs, dict(zip(names, columns, strict=True)))
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
            frames=tuple(
                Frame(frame["epoch"], frame["progress"], np.frombuffer(frame["points"], "<f4").reshape(-1, 2))
                for frame in frames
            ),
            history=history.view(),
            metrics=json.loads(row["metrics"]),
            best_epoch=row["best_epoch"],
            variants=tuple(json.loads(row["variants"])),
        )
        return StoredRun(snapshot, checkpoint["data"] if checkpoint else None, history, row["owner"])

    def version(self, run_id: str) -> int | None:
        """The version of the snapshot that is saved, or None if there is no such run."""
        with self._guard() as db:
            row = db.execute("SELECT version FROM runs WHERE id = ?", (run_id,)).fetchone()
        return None if row is None else int(row["version"])

    def summaries(self) -> list[RunSummary]:
        """All runs, newest first."""
        with self._guard() as db:
            rows = db.execute("SELECT * FROM runs ORDER BY created DESC, rowid DESC").fetchall()
        return [_summary(row) for row in rows]

    def owners(self) -> set[str]:
        """Who owns runs that are saved as starting or running."""
        with self._guard() as db:
            rows = db.execute("SELECT DISTINCT owner FROM runs WHERE status IN (?, ?)", _ACTIVE).fetchall()
        return {row["owner"] for row in rows}

    def pause_abandoned(self, owner: str) -> None:
        """Mark what this owner left starting or running as paused, with a message that says so."""
        message = "'The server stopped; press Resume to go on from epoch ' || epoch || '.'"
        with self._transaction() as db:
            db.execute(
                f"UPDATE runs SET status = ?, message = {message}, version = version + 1 "
                "WHERE owner = ? AND status IN (?, ?)",
                (Status.PAUSED.value, owner, *_ACTIVE),
            )

    def delete(self, run_id: str) -> bool:
        """Remove a run with all that belongs to it; False if there is none of this id."""
        with self._transaction() as db:
            return bool(db.execute("DELETE FROM runs WHERE id = ?", (run_id,)).rowcount)

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


_ACTIVE = (Status.STARTING.value, Status.RUNNING.value)


def _changing(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "version": snapshot.version,
        "status": snapshot.status.value,
        "message": snapshot.message,
        "epoch": snapshot.epoch,
        "progress": snapshot.progress,
        "best_epoch": snapshot.best_epoch,
        "variants": json.dumps(snapshot.variants),
        "metrics": json.dumps(dict(snapshot.metrics)),
    }


def _summary(row: sqlite3.Row) -> RunSummary:
    config: Mapping[str, Any] = json.loads(row["config"])
    return RunSummary(
        run_id=row["id"],
        created=datetime.fromisoformat(row["created"]),
        status=Status(row["status"]),
        message=row["message"],
        shape=config.get("shape") or config.get("target", {}).get("name", ""),
        objective=config.get("objective", ""),
        seed=config.get("seed", 0),
        epoch=row["epoch"],
        epochs=config.get("epochs", 0),
        progress=row["progress"],
        best_epoch=row["best_epoch"],
        metrics=json.loads(row["metrics"]),
        config_json=row["config"],
    )


def this_process() -> str:
    """A new name under which a service of this process owns runs: the process's number, when it started, a word."""
    import psutil

    return f"{os.getpid()}:{psutil.Process().create_time():.2f}:{secrets.token_hex(4)}"


def is_alive(owner: str) -> bool:
    """Whether the process that `this_process` named is still there."""
    import psutil

    try:
        pid, started, _ = owner.split(":")
        process = psutil.Process(int(pid))
        same = abs(process.create_time() - float(started)) < 5.0  # seconds, as the clock may be set
        return bool(same and process.status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, ValueError):
        return False
