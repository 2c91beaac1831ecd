"""What training leaves behind, epoch by epoch: plain data that needs no torch to read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Position:
    """Where a training stands: whole steps done, passes through all phases, and the phase to be played next."""

    step: int
    phase: int


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


@dataclass(frozen=True)
class Appraisal:
    """How good one generator is, and of which moment its weights are.

    `which` is the variant, `epoch` the whole epochs that its weights had seen and `progress` the share of the run.
    `metrics` is a full evaluation, by the names in `gandash.core.metrics.METRICS`; `uncertainty` is the standard error
    of its headline.
    """

    which: str
    epoch: int
    progress: float
    metrics: Mapping[str, float]
    uncertainty: float
