"""How good a portable generator is, measured from what the file holds: on the noise that trainers appraise theirs on.

So a run's generator gets the figures here that the run itself tells of it, and one from elsewhere gets its own.
"""

from __future__ import annotations

import math
from statistics import fmean, stdev

import numpy as np
import torch
from numpy.typing import NDArray

from gandash.core.records import Appraisal
from gandash.core.trainer import APPRAISAL_NOISE, APPRAISAL_SAMPLES
from gandash.portable import PortableGenerator

MOST_WORK, MOST_NUMBERS = 20_000_000_000, 2**24
"""Multiplications that all samples may take, some seconds' worth, and numbers of their noise.

A generator that is too large for that is judged by fewer samples.
"""


def appraise(generator: PortableGenerator) -> Appraisal:
    """All metrics of the target, the classifier two-sample test among them; the progress is not known, NaN.

    The `uncertainty` of a generator that is so large that one sample has to do is infinite.
    """
    judge = generator.target.build().judge()
    affordable = min(MOST_WORK // (generator.size * judge.n), MOST_NUMBERS // (generator.latent_dim * judge.n))
    count = min(max(affordable, 1), APPRAISAL_SAMPLES)
    noise = _noise(count * judge.n, generator.latent_dim).reshape(count, judge.n, -1)
    gaps = [judge.live(generator(part))["headline"] for part in noise]
    points = generator(_noise(judge.n, generator.latent_dim))
    metrics = judge.full(points) | judge.verdict(points) | {"headline": fmean(gaps)}
    sure = count > 1 and all(map(math.isfinite, gaps))
    return Appraisal(
        generator.variant,
        generator.epoch,
        math.nan,
        {name: float(value) for name, value in metrics.items()},
        stdev(gaps) / math.sqrt(count) if sure else math.inf,
    )


def _noise(n: int, latent_dim: int) -> NDArray[np.float32]:
    """The noise of an appraisal, ``(n, latent_dim)``: that of another length need not begin alike."""
    rng = torch.Generator().manual_seed(APPRAISAL_NOISE)
    drawn: NDArray[np.float32] = torch.randn(n, latent_dim, generator=rng, dtype=torch.float32).numpy()
    return drawn
