"""How good a portable generator is, measured from what the file holds: on the noise that trainers appraise theirs on.

So a run's generator gets the figures here that the run itself tells of it, and one from elsewhere gets its own.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray

from gandash.core.judge import PAIRS, uncertainty
from gandash.core.metrics import Evaluator
from gandash.core.records import Appraisal, Verdict
from gandash.core.trainer import APPRAISAL_NOISE, VERDICT_NOISE
from gandash.portable import PortableGenerator

MOST_WORK, MOST_NUMBERS = 20_000_000_000, 2**24
"""Multiplications that all samples may take, some seconds' worth, and numbers of their noise.

A generator that is too large for that is judged by fewer samples.
"""


def appraise(generator: PortableGenerator) -> Appraisal:
    """All metrics of the target and the verdict; the progress is not known, NaN.

    The `uncertainty` of a generator that is so large that one sample has to do is infinite; it gets no verdict.
    """
    judge = generator.target.build().judge()
    affordable = min(MOST_WORK // (generator.size * judge.n), MOST_NUMBERS // (generator.latent_dim * judge.n))
    count = min(max(affordable, 1), PAIRS)
    noise = _noise(count * judge.n, generator.latent_dim, APPRAISAL_NOISE).reshape(count, judge.n, -1)
    pairs = [judge.pair(generator(part), index) for index, part in enumerate(noise)]
    metrics = judge.full(generator(_noise(judge.n, generator.latent_dim, APPRAISAL_NOISE))) | judge.gap(pairs)
    most = judge.test.sizes[-1]
    return Appraisal(
        generator.variant,
        generator.epoch,
        math.nan,
        {name: float(value) for name, value in metrics.items()},
        uncertainty(pairs, judge.overlap),
        verdict=_verdict(generator, judge) if affordable * judge.n >= 2 * most else "",
    )


def _verdict(generator: PortableGenerator, judge: Evaluator) -> Verdict:
    steps = judge.test.deliberate(lambda n: generator(_noise(n, generator.latent_dim, VERDICT_NOISE)), {}, "portable")
    while True:
        try:
            next(steps)
        except StopIteration as end:
            verdict: Verdict = end.value
            return verdict


def _noise(n: int, latent_dim: int, seed: int) -> NDArray[np.float32]:
    """The noise of a measurement, ``(n, latent_dim)``: that of another length need not begin alike."""
    rng = torch.Generator().manual_seed(seed)
    drawn: NDArray[np.float32] = torch.randn(n, latent_dim, generator=rng, dtype=torch.float32).numpy()
    return drawn
