"""What training leaves behind, epoch by epoch: plain data that needs no torch to read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Position:
    """Where a training stands: whole steps done, passes through all phases, and the phase to be played next."""

    step: int
    phase: int


@dataclass(frozen=True)
class Lineage:
    """What a run takes over from the one it was begun from: a run without a parent has the values of `data_seed` alone.

    `first_epoch` is the epoch it began at, `data_seed` what decided the real points. With `held` the schedules stay at
    this progress; `octaves` is the share of the growth of the Fourier octaves that lies behind.
    """

    data_seed: int
    first_epoch: int = 0
    held: float | None = None
    octaves: float = 0.0

    def __post_init__(self) -> None:
        """Files are read with this: raise `ValueError` or `TypeError` for what no run has."""
        if not isinstance(self.first_epoch, int) or not isinstance(self.data_seed, int):
            raise TypeError(f"{self} counts in whole numbers")
        if min(self.first_epoch, self.data_seed) < 0 or not 0 <= (self.held or 0) <= 1 or not 0 <= self.octaves <= 1:
            raise ValueError(f"{self} is out of bounds")


@dataclass(frozen=True)
class Appraisal:
    """What a generator is worth, measured on noise and real points that are the same for all.

    `which` names the generator; `epoch` and `progress` say of which moment its weights are, in whole epochs done and as
    a share of the run. `metrics` are all that the target has, by the names in `gandash.core.metrics.METRICS`; the
    headline is the mean over 8 samples of 1,000 points, and `uncertainty` that mean's standard error.
    """

    which: str
    epoch: int
    progress: float
    metrics: Mapping[str, float]
    uncertainty: float


@dataclass(frozen=True)
class Measured:
    """What has been measured of a trainer's generators where it stands, for appraisals that are made bit by bit.

    `gaps` are the headlines of the samples so far, `reports` all metrics, both by the generators' names.
    """

    gaps: Mapping[str, tuple[float, ...]]
    reports: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True)
class EpochRecord:
    """One epoch in figures.

    Means over the epoch's steps: `generator_loss` (NaN without a generator update), `discriminator_loss` (on real
    plus on generated points, penalty included), `d_real` and `d_fake`, the mean of D(x) on real and on generated
    batches: probabilities for the objectives that have them (`Objective.probability`), raw scores for the others.
    `metrics` holds what was measured at the end of the epoch, by the names in `gandash.core.metrics.METRICS`.
    """

    epoch: int
    generator_loss: float
    discriminator_loss: float
    d_real: float
    d_fake: float
    metrics: Mapping[str, float] = field(default_factory=dict)


def finite(value: Any) -> Any:
    """Plain data as JSON can hold it: what is not a finite number, at any depth, becomes None."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
