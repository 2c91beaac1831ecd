"""Snapshots to send, and a service that says what the test wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from gandash.core.config import RunConfig
from gandash.core.records import EpochRecord
from gandash.runs.incoming import Incoming
from gandash.runs.library import UnknownRun
from gandash.runs.looks import Sight
from gandash.runs.snapshot import Frame, History, Snapshot, Status
from gandash.runs.timeline import Kept

RUN = "a1b2c3"
CONFIG = RunConfig(shape="line", epochs=10_000)
REAL = np.arange(64, dtype=np.float32).reshape(32, 2)


def record(epoch: int) -> EpochRecord:
    """The headline is measured in every other epoch."""
    metrics = {"headline": epoch / 2} if epoch % 2 == 0 else {}
    return EpochRecord(epoch, epoch + 0.25, epoch + 0.5, 0.75, -float(epoch), metrics)


def frame(epoch: int, dim: int = 2) -> Frame:
    return Frame(epoch, epoch / CONFIG.epochs, np.full((5, dim), epoch, np.float32))


def snapshot(version: int, rows: int, status: Status = Status.RUNNING, **changes: Any) -> Snapshot:
    """A run after `rows` epochs, with a frame of each of the newest four."""
    content: dict[str, Any] = {
        "epoch": rows,
        "progress": rows / CONFIG.epochs,
        "frames": tuple(frame(epoch) for epoch in range(max(rows - 3, 1), rows + 1)),
        "history": History().extended([record(epoch) for epoch in range(1, rows + 1)]),
        "real": REAL if rows else None,
    }
    return Snapshot(RUN, version, CONFIG, status, datetime(2026, 1, 1, tzinfo=UTC), **content | changes)


class FakeService:
    """In place of the run service: it has the snapshots that it is given, and tells of each."""

    def __init__(self, *snapshots: Snapshot) -> None:
        self.ready = True
        self.warmed = 0
        self.runs = {each.run_id: each for each in snapshots}
        self.watched: list[str] = []
        self.views: list[Sequence[str]] = []
        self.sights: dict[str, Sight] = {}
        self.seers: list[Callable[[str, Sight], None]] = []
        self.listeners: list[Callable[[Snapshot | None, str], None]] = []
        self.incoming = Incoming(Path("nowhere"))

    def warm_up(self) -> None:
        self.warmed += 1

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        raise AssertionError("no worker is there")

    def snapshot(self, run_id: str) -> Snapshot:
        try:
            return self.runs[run_id]
        except KeyError:
            raise UnknownRun(run_id) from None

    def kept_frames(self, run_id: str, epochs: tuple[int, ...]) -> tuple[Kept, ...]:
        timeline = self.snapshot(run_id).timeline
        return tuple(Kept(epoch, frame(epoch).points) for epoch in epochs if epoch in timeline)

    def views_at(self, run_id: str, epoch: int, names: Sequence[str]) -> Sight:
        surface = np.full((2, 2), epoch, np.float32)
        return Sight(epoch - epoch % 10, 0.5, {name: {"surface": surface} for name in names if name == "discriminator"})

    def watch(self, run_id: str, views: Sequence[str] = ()) -> None:
        self.watched.append(run_id)
        self.views.append(views)

    def sight(self, run_id: str) -> Sight | None:
        return self.sights.get(run_id)

    def subscribe_views(self, seer: Callable[[str, Sight], None]) -> Callable[[], None]:
        self.seers.append(seer)
        return lambda: self.seers.remove(seer)

    def see(self, run_id: str, sight: Sight) -> None:
        self.sights[run_id] = sight
        for seer in self.seers:
            seer(run_id, sight)

    def subscribe(self, listener: Callable[[Snapshot | None, str], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def tell(self, snapshot: Snapshot) -> None:
        self.runs[snapshot.run_id] = snapshot
        for listener in self.listeners:
            listener(snapshot, snapshot.run_id)

    def delete(self, run_id: str) -> None:
        del self.runs[run_id]
        for listener in self.listeners:
            listener(None, run_id)
