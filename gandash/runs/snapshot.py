"""What the world may see of a run: immutable values that any thread can read while training goes on.

This module knows no torch, no page and no process; the service builds these values and hands them out.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gandash.core.config import RunConfig
from gandash.core.judge import JUDGE_VERSION
from gandash.core.records import Appraisal, EpochRecord, PlayedPhase, Player
from gandash.core.targets import TargetSpec

FRAME_POINTS = 1000
"""How many generated points a frame shows."""

FRAME_OUTPUTS = 10
"""How many vectors of a pattern of numbers a frame has whole: a sequence."""

THUMBNAIL_POINTS = 220
"""How many of a frame's points the list of runs draws."""

RECORD_COLUMNS = ("generator_loss", "discriminator_loss", "d_real", "d_fake")
"""The columns that every history has; the metrics that were measured follow them."""


class Status(StrEnum):
    """Where a run is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED_EARLY = "stopped_early"
    STOPPED = "stopped"
    DIVERGED = "diverged"
    FAILED = "failed"

    @property
    def active(self) -> bool:
        """Whether the run is training now, about to, or waits for its turn."""
        return self in (Status.WAITING, Status.STARTING, Status.RUNNING)

    @property
    def ended(self) -> bool:
        """Whether the run has come to an end of its own and cannot go on."""
        return self in (Status.FINISHED, Status.STOPPED_EARLY, Status.STOPPED, Status.DIVERGED)


@dataclass(frozen=True)
class Pace:
    """How a run plays: so many phases a second, as fast as it can with None; and whether one network alone plays."""

    phases_per_second: float | None = None
    only: Player | None = None


@dataclass(frozen=True)
class Frame:
    """Generated points at one moment of the training, always from the same noise.

    `points` has shape (`FRAME_POINTS`, dim) in the target's own units, or, of more than three dimensions, as its canvas
    projects them; from the exponential moving average of the generator if the run keeps one. `epoch` counts whole
    epochs, `progress` runs from 0 to 1. Of a pattern of numbers, `outputs` are the first vectors as the generator made
    them, (`FRAME_OUTPUTS`, dim); they are not saved, so a run that was loaded has none until it trains.
    """

    epoch: int
    progress: float
    points: NDArray[np.float32]
    outputs: NDArray[np.float32] | None = None


@dataclass(frozen=True)
class History:
    """The figures of every epoch so far, as read-only columns of one length; NaN where nothing was measured.

    `columns` holds `RECORD_COLUMNS` and, after them, each metric that was measured at least once. A history never
    changes; `extended` makes a longer one. That costs a constant time a record on average, however long the history,
    because the two share memory. One thread at a time may extend histories that come from each other.

    >>> early = History().extended([EpochRecord(1, 0.7, 1.4, 0.5, 0.5, {"mse": 3.0})])
    >>> late = early.extended([EpochRecord(2, 0.8, 1.3, 0.6, 0.4)])
    >>> len(early), len(late), late.columns["mse"].tolist()
    (1, 2, [3.0, nan])
    """

    epoch: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    columns: Mapping[str, NDArray[np.float64]] = field(
        default_factory=lambda: MappingProxyType({name: np.empty(0) for name in RECORD_COLUMNS})
    )
    _buffer: _Buffer | None = field(default=None, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.epoch)

    def extended(self, records: Sequence[EpochRecord]) -> History:
        """This history with more records behind its end, oldest first."""
        return self.joined(*columns_of(records)) if records else self

    def joined(self, epoch: NDArray[np.int64], columns: Mapping[str, NDArray[np.float64]]) -> History:
        """This history with more rows, given as columns of one length; one that is missing is NaN in these rows."""
        buffer = self._buffer
        if buffer is None or buffer.size != len(self):  # another history went on from this one
            buffer = _Buffer()
            buffer.extend(self.epoch, self.columns)
        buffer.extend(epoch, columns)
        return buffer.view()

    def rows(self, start: int, end: int | None = None) -> History:
        """A part of the rows, as a slice takes them."""
        part = slice(start, end)
        return History(
            self.epoch[part], MappingProxyType({name: column[part] for name, column in self.columns.items()})
        )

    def newest(self) -> tuple[Mapping[str, float], int] | None:
        """What was measured in the newest epoch that has a headline, and that epoch; None if there is none."""
        measured = self.columns.get("headline", np.empty(0))
        for start in range(len(measured), 0, -1024):
            found = np.flatnonzero(~np.isnan(measured[max(start - 1024, 0) : start]))
            if len(found):
                row = max(start - 1024, 0) + int(found[-1])
                metrics = {
                    name: float(column[row])
                    for name, column in self.columns.items()
                    if name not in RECORD_COLUMNS and not np.isnan(column[row])
                }
                return metrics, int(self.epoch[row])
        return None


class _Buffer:
    """Where histories keep their rows: written only behind the end, copied to twice the length when full."""

    def __init__(self, capacity: int = 1024) -> None:
        self.size = 0
        self._epoch = np.empty(capacity, np.int64)
        self._columns = {name: np.empty(capacity) for name in RECORD_COLUMNS}

    def extend(self, epoch: NDArray[np.int64], columns: Mapping[str, NDArray[np.float64]]) -> None:
        start, end = self.size, self.size + len(epoch)
        if end > len(self._epoch):
            self._grow(end)
        for name in columns:
            if name not in self._columns:
                self._columns[name] = np.full(len(self._epoch), np.nan)
        self._epoch[start:end] = epoch
        for name, column in self._columns.items():
            column[start:end] = columns.get(name, np.nan)
        self.size = end

    def _grow(self, size: int) -> None:
        capacity = max(size, 2 * len(self._epoch))
        self._epoch = np.concatenate((self._epoch, np.empty(capacity - len(self._epoch), np.int64)))
        for name, column in self._columns.items():
            self._columns[name] = np.concatenate((column, np.full(capacity - len(column), np.nan)))

    def view(self) -> History:
        columns = {name: _read_only(column[: self.size]) for name, column in self._columns.items()}
        return History(_read_only(self._epoch[: self.size]), MappingProxyType(columns), self)


def columns_of(records: Sequence[EpochRecord]) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """The epochs of these records and their figures as columns of the same length, NaN where not measured."""
    columns = {name: np.array([getattr(record, name) for record in records], np.float64) for name in RECORD_COLUMNS}
    for metric in dict.fromkeys(name for record in records for name in record.metrics):
        columns[metric] = np.array([record.metrics.get(metric, np.nan) for record in records], np.float64)
    return np.array([record.epoch for record in records], np.int64), columns


def records_of(history: History) -> list[EpochRecord]:
    """The records that a history was made of."""
    columns = {name: column.tolist() for name, column in history.columns.items()}
    metrics = [name for name in columns if name not in RECORD_COLUMNS]
    return [
        EpochRecord(
            epoch,
            **{name: columns[name][row] for name in RECORD_COLUMNS},
            metrics={name: columns[name][row] for name in metrics if not math.isnan(columns[name][row])},
        )
        for row, epoch in enumerate(history.epoch.tolist())
    ]


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment. `version` grows with every change, so a page can tell whether there is something to draw.

    `epoch` counts whole epochs, those of the run's ancestors included: a child begins at `first_epoch`, the epoch of
    its `parent` (a run's id, perhaps of one that is gone), with a copy of the parent's history up to there. `progress`
    runs from 0 to 1 over the run's own epochs. `frames` holds the newest few frames, oldest first; a chunk of training
    brings one to four of them; `timeline` are the epochs whose points are kept, oldest first (`gandash.runs.timeline`).
    `variants` are the generators that can be exported now, and `appraisals` says how good they were when the run's
    progress was `appraised`: at rest that is now, or soon. `real` are the first real points that the run trains on,
    (n, dim); None until the first chunk is back. `epochs_per_second` and `seconds_left` are
    None while unknown and while the run stands still. `owners` are the keys of those who may control it; without any it
    belongs to whoever first does. `hand_played` counts the phases that were played by hand, one by one or a step at
    a time, and `left_out` those that were not played because one network alone was to play: without any of these a run
    without a parent is what its config says. Never stored are `unsaved`, why this state is not on the disk yet and
    would be lost with the server (empty while all is well), `place`, where in the queue a waiting run is, from 1,
    `pace`, `phase`, the newest phase if it was played by itself, and `asked`, whether it plays what was asked for by
    hand and then stands still: whoever asks for more meanwhile gets it.
    """

    run_id: str
    version: int
    config: RunConfig
    status: Status
    created: datetime
    message: str = ""
    epoch: int = 0
    progress: float = 0.0
    frames: tuple[Frame, ...] = ()
    timeline: tuple[int, ...] = ()
    history: History = field(default_factory=History)
    appraisals: Mapping[str, Appraisal] = field(default_factory=dict)
    appraised: float | None = None
    epochs_per_second: float | None = None
    seconds_left: float | None = None
    variants: tuple[str, ...] = ()
    real: NDArray[np.float32] | None = None
    parent: str | None = None
    first_epoch: int = 0
    name: str = ""
    note: str = ""
    owners: tuple[str, ...] = ()
    hand_played: int = 0
    left_out: int = 0
    unsaved: str = ""
    place: int | None = None
    pace: Pace = Pace()
    phase: PlayedPhase | None = None
    asked: bool = False

    def at(self, epoch: int) -> Snapshot:
        """The run as it was after an earlier epoch, while it went on: with the figures of the history up to there."""
        if epoch >= self.epoch:
            return self
        history = self.history.rows(0, int(np.searchsorted(self.history.epoch, epoch, side="right")))
        progress = max(0.0, (epoch - self.first_epoch) / self.config.epochs)
        past = replace(self, epoch=epoch, progress=progress, history=history, appraisals={}, appraised=None)
        return replace(past, status=Status.RUNNING, message="", epochs_per_second=None, seconds_left=None)

    @property
    def shown(self) -> str:
        """The variant on screen: the running average if the run keeps one; the last healthy weights if it diverged."""
        return "ema" if self.config.ema_decay and self.status is not Status.DIVERGED else "latest"

    @property
    def current(self) -> tuple[Mapping[str, float], int]:
        """The figures to show, and the epoch they are from; ({}, 0) before anything was measured.

        At rest these are the appraisal of the generator on screen. While the run trains, and until that appraisal is
        there, they are the newest epoch's that was measured. Tiles, report and list take their figures from here.
        """
        appraisal = self.appraisals.get(self.shown)
        if appraisal is not None and not self.status.active and self.appraised == self.progress:
            return appraisal.metrics, appraisal.epoch
        newest = self.history.newest()
        if appraisal is not None and (newest is None or newest[1] < appraisal.epoch):
            return appraisal.metrics, appraisal.epoch
        return newest or ({}, 0)

    @property
    def current_appraisal(self) -> Appraisal | None:
        """The appraisal that the `current` figures are from, if they are from one."""
        appraisal = self.appraisals.get(self.shown)
        return appraisal if appraisal is not None and appraisal.metrics is self.current[0] else None

    @property
    def metrics(self) -> Mapping[str, float]:
        """The newest appraisal of the generator on screen; it may lag a little behind while the run trains."""
        appraisal = self.appraisals.get(self.shown)
        return {} if appraisal is None else appraisal.metrics

    @property
    def stage(self) -> str:
        """What decides which buttons, downloads and reports a run has, as a short digest; it changes seldom.

        It stays the same while a run trains, but for what can be exported, and tells nothing of the owners' keys.
        """
        status = self.status if self.status is Status.WAITING or not self.status.active else "active"
        by_hand = (self.hand_played > 0, self.left_out > 0)
        told: tuple[Any, ...] = (status, self.variants, self.owners, self.name, self.pace, by_hand, self.asked)
        if not self.status.active:
            told += (self.epoch, self.progress, self.appraised)
        return hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()

    @property
    def best_epoch(self) -> int | None:
        """The epoch of the best generator, as it was last appraised."""
        best = self.appraisals.get("best")
        return None if best is None else best.epoch

    @property
    def planned_epochs(self) -> int:
        """The epoch at which the run ends if nothing stops it before."""
        return self.first_epoch + self.config.epochs


@dataclass(frozen=True)
class RunSummary:
    """One line of the list of runs: what can be said of a run without loading it.

    `target` is the target's short name and `title` its name for people; `spec` is None if it cannot be read any more.
    `epochs` are the run's own, without its ancestors'. `headline` is that of `Snapshot.current`, measured at
    `headline_epoch` by this version of the `judge`; None before it was measured. Of a `damaged` run nothing else is
    known: it can only be deleted. `unsaved` is that of the snapshot.
    """

    run_id: str
    created: datetime
    status: Status
    message: str
    target: str
    title: str
    spec: TargetSpec | None
    objective: str
    seed: int
    epoch: int
    epochs: int
    progress: float
    name: str = ""
    note: str = ""
    parent: str | None = None
    first_epoch: int = 0
    headline: float | None = None
    headline_epoch: int | None = None
    judge: int = JUDGE_VERSION
    owners: tuple[str, ...] = ()
    damaged: bool = False
    unsaved: str = ""

    @property
    def shape(self) -> str:
        """The target's short name."""
        return self.target

    @property
    def planned_epochs(self) -> int:
        """The epoch at which the run ends if nothing stops it before."""
        return self.first_epoch + self.epochs


def summary(snapshot: Snapshot) -> RunSummary:
    """A run's line in the list."""
    target, (metrics, epoch) = snapshot.config.target.build(), snapshot.current
    return RunSummary(
        run_id=snapshot.run_id,
        created=snapshot.created,
        status=snapshot.status,
        message=snapshot.message,
        target=target.name,
        title=target.title,
        spec=snapshot.config.target,
        objective=snapshot.config.objective,
        seed=snapshot.config.seed,
        epoch=snapshot.epoch,
        epochs=snapshot.config.epochs,
        progress=snapshot.progress,
        name=snapshot.name,
        note=snapshot.note,
        parent=snapshot.parent,
        first_epoch=snapshot.first_epoch,
        headline=metrics.get("headline"),
        headline_epoch=epoch if "headline" in metrics else None,
        owners=snapshot.owners,
        unsaved=snapshot.unsaved,
    )


def damaged(run_id: str, owners: tuple[str, ...] = ()) -> RunSummary:
    """The line of a run that cannot be read."""
    return RunSummary(
        run_id=run_id,
        created=datetime.fromtimestamp(0, UTC),
        status=Status.FAILED,
        message="What was saved of this run is damaged, or of a newer version of gandash: it can only be deleted.",
        target="",
        title="Unreadable run",
        spec=None,
        objective="",
        seed=0,
        epoch=0,
        epochs=0,
        progress=0.0,
        owners=owners,
        damaged=True,
    )


def thumbnail(points: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first two coordinates of the first points of a frame, at most `THUMBNAIL_POINTS`: its canvas draws them."""
    return np.asarray(points[:THUMBNAIL_POINTS, :2], np.float32)
