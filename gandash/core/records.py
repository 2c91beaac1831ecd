"""What training leaves behind, epoch by epoch: plain data that needs no torch to read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gandash.core.judge import JUDGE_VERSION, Pair

Player = Literal["generator", "discriminator"]
Variant = Literal["latest", "ema", "best"]
"""A run's generators: as it is now, the running average of its weights, the one that scored best so far."""
Verdict = Literal["told apart", "not told apart", "too few points to say"]
"""Whether anybody could tell generated from real points; see `gandash.core.verdict`."""
LossName = Literal["on_real", "on_fake", "discriminator", "generator"]


@dataclass(frozen=True)
class Position:
    """Where a training stands: whole steps done, passes through all phases, and the phase to be played next."""

    step: int
    phase: int


@dataclass(frozen=True)
class PlayedPhase:
    """A phase that was played by itself, and what it did.

    `step` counts from 1 the step that it belongs to; `name`, `network` and `loss` are those of `Phase`, `next` is the
    name of the phase to come. `before` and `after` are the loss that it follows, penalty included, on the same batch,
    with the same noise and the same dropout: right before the update and right after it. `real`, `generated` and
    `moved` are points (k, dim) in the target's own units, empty where they play no part: the real and the generated
    ones that it was played on, and where the noise of the latter goes after an update of the generator. `wanted`
    (k, 2, 2) is, on a plane, what the generator wants now: the points that were played on, as they are after it, or
    where none was generated those in the picture, and minus the gradient of the generator's loss at each of them.
    """

    step: int
    name: str
    network: Player
    loss: LossName
    next: str
    before: float
    after: float
    real: NDArray[np.float32]
    generated: NDArray[np.float32]
    moved: NDArray[np.float32]
    wanted: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 2, 2), np.float32))


@dataclass
class LeftOut:
    """The phases that were left out because one network alone was to play.

    `phases` counts them since the run began; `on_real` and `on_fake`, in the epoch that has begun, the discriminator's
    turns without the part on real points and without the one on generated points.
    """

    phases: int = 0
    on_real: int = 0
    on_fake: int = 0

    def count(self, loss: LossName) -> None:
        """One more, which follows this loss."""
        self.phases += 1
        self.on_real += loss in ("on_real", "discriminator")
        self.on_fake += loss in ("on_fake", "discriminator")

    def __post_init__(self) -> None:
        """Files are read with this: raise `ValueError` for what no run has."""
        if not all(isinstance(count, int) and count >= 0 for count in (self.phases, self.on_real, self.on_fake)):
            raise ValueError(f"{self} is out of bounds")


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
    headline is that of 8 samples of 1,000 points, and `uncertainty` its standard error. `verdict` is empty where it was
    not asked for. `judge` is the version of the judge: figures of two versions cannot be compared.
    """

    which: str
    epoch: int
    progress: float
    metrics: Mapping[str, float]
    uncertainty: float
    verdict: Verdict | Literal[""] = ""
    judge: int = JUDGE_VERSION


@dataclass(frozen=True)
class Measured:
    """What has been measured of a trainer's generators where it stands, for appraisals that are made bit by bit.

    `gaps` are the samples so far, held against real ones, and `reports` all metrics, both by the generators' names;
    `trials` are what verdicts are made of, see `gandash.core.verdict`.
    """

    gaps: Mapping[str, tuple[Pair, ...]]
    reports: Mapping[str, Mapping[str, float]]
    trials: Mapping[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class EpochRecord:
    """One epoch in figures.

    Means over the epoch's updates, NaN without one: `generator_loss`, `discriminator_loss` (on real plus on generated
    points, penalty included), `d_real` and `d_fake`, the mean of D(x) on real and on generated batches: probabilities
    for the objectives that have them (`Objective.probability`), raw scores for the others.
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


def of_earlier_judge(metrics: Mapping[str, float]) -> dict[str, float]:
    """Metrics as the first judge measured them: its gap is another figure than today's, and has its own name."""
    return {"earlier_gap" if name == "headline" else name: value for name, value in metrics.items()}
