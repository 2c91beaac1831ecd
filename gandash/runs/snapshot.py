"""What the world may see of a run: immutable values that any thread can read while training goes on.

This module knows no torch, no page and no process; the service builds these values and hands them out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gandash.core.config import RunConfig
from gandash.core.records import EpochRecord

FRAME_POINTS = 1000
"""How many generated points a frame shows."""

RECORD_COLUMNS = ("generator_loss", "discriminator_loss", "d_real", "d_fake")
"""The columns that every history has; the metrics that were measured follow them."""


class Status(StrEnum):
    """Where a run is in its life."""

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
        """Whether the run is training now or about to."""
        return self in (Status.STARTING, Status.RUNNING)

    @property
    def ended(self) -> bool:
        """Whether the run has come to an end of its own and cannot go on."""
        return self in (Status.FINISHED, Status.STOPPED_EARLY, Status.STOPPED, Status.DIVERGED)


@dataclass(frozen=True)
class Frame:
    """Generated points at one moment of the training, always from the same noise.

    `points` has shape (`FRAME_POINTS`, 2) in the shape's own units, from the exponential moving average of the
    generator if the run keeps one. `epoch` counts whole epochs, `progress` runs from 0 to 1.
    """

    epoch: int
    progress: float
    points: NDArray[np.float32]


@dataclass(frozen=True)
class History:
    """The figures of every epoch so far, as read-only columns of one length; NaN where nothing was measured.

    `columns` holds `RECORD_COLUMNS` and, after them, each metric that was measured at least once.
    """

    epoch: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    columns: Mapping[str, NDArray[np.float64]] = field(
        default_factory=lambda: MappingProxyType({name: np.empty(0) for name in RECORD_COLUMNS})
    )

    def __len__(self) -> int:
        return len(self.epoch)


class HistoryBuffer:
    """Collects records; appending costs a constant time a record on average, a view costs the same at any length.

    Arrays that are full are copied to arrays of twice the length. Views share memory with the buffer, which writes
    only behind their end, so a view never changes. One thread at a time may append.

    >>> buffer = HistoryBuffer()
    >>> buffer.append([EpochRecord(1, 0.7, 1.4, 0.5, 0.5, {"mse": 3.0})])
    >>> early = buffer.view()
    >>> buffer.append([EpochRecord(2, 0.8, 1.3, 0.6, 0.4)])
    >>> len(early), len(buffer.view()), buffer.view().columns["mse"].tolist()
    (1, 2, [3.0, nan])
    """

    def __init__(self, capacity: int = 1024) -> None:
        self._size = 0
        self._epoch = np.empty(capacity, np.int64)
        self._columns = {name: np.empty(capacity) for name in RECORD_COLUMNS}

    def append(self, records: Sequence[EpochRecord]) -> None:
        """Add records, oldest first."""
        self.extend(*columns_of(records))

    def extend(self, epoch: NDArray[np.int64], columns: Mapping[str, NDArray[np.float64]]) -> None:
        """Add rows given as columns of one length; a column that is missing is NaN in these rows."""
        start, end = self._size, self._size + len(epoch)
        if end > len(self._epoch):
            self._grow(end)
        for name in columns:
            if name not in self._columns:
                self._columns[name] = np.full(len(self._epoch), np.nan)
        self._epoch[start:end] = epoch
        for name, column in self._columns.items():
            column[start:end] = columns.get(name, np.nan)
        self._size = end

    def _grow(self, size: int) -> None:
        capacity = max(size, 2 * len(self._epoch))
        self._epoch = np.concatenate((self._epoch, np.empty(capacity - len(self._epoch), np.int64)))
        for name, column in self._columns.items():
            self._columns[name] = np.concatenate((column, np.empty(capacity - len(column))))

    def view(self) -> History:
        """The rows so far."""
        return History(
            _read_only(self._epoch[: self._size]),
            MappingProxyType({name: _read_only(column[: self._size]) for name, column in self._columns.items()}),
        )


def columns_of(records: Sequence[EpochRecord]) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """The epochs of these records and their figures as columns of the same length, NaN where not measured."""
    columns = {name: np.array([getattr(record, name) for record in records], np.float64) for name in RECORD_COLUMNS}
    for metric in dict.fromkeys(name for record in records for name in record.metrics):
        columns[metric] = np.array([record.metrics.get(metric, np.nan) for record in records], np.float64)
    return np.array([record.epoch for record in records], np.int64), columns


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment. `version` grows with every change, so a page can tell whether there is something to draw.

    `frames` holds the newest few frames, oldest first; a chunk of training brings one to four of them. `metrics` is
    the newest full evaluation and may lag a little behind. `variants` are the generators that can be exported now.
    `epochs_per_second` and `seconds_left` are None while unknown and while the run stands still.
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
    history: History = field(default_factory=History)
    metrics: Mapping[str, float] = field(default_factory=dict)
    epochs_per_second: float | None = None
    seconds_left: float | None = None
    best_epoch: int | None = None
    variants: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunSummary:
    """One line of the list of runs: what can be said of a run without loading it."""

    run_id: str
    created: datetime
    status: Status
    message: str
    shape: str
    objective: str
    seed: int
    epoch: int
    epochs: int
    progress: float
    best_epoch: int | None
    metrics: Mapping[str, float]
    config_json: str
