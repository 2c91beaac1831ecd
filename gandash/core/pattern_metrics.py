"""How well generated numbers follow a pattern: which of them fit, how varied they are, how often each one comes.

NumPy alone. A vector means the number of its largest entry, so only frequencies are compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gandash.core.judge import PAIR_POINTS, WORST, Pair, gap, real_samples
from gandash.core.metrics import FLOOR_SAMPLES, Evaluator, Floats, Points
from gandash.core.verdict import BLUR, TwoSampleTest

if TYPE_CHECKING:
    from gandash.core.targets.patterns import Pattern


def frequencies(points: Points) -> Floats:
    """How often each number comes, as shares ``(100,)``, among finite vectors ``(n, 100)``."""
    shares: Floats = np.bincount(points.argmax(axis=1), minlength=points.shape[1]) / len(points)
    return shares


def total_variation(a: Floats, b: Floats) -> float:
    """Half the sum of the differences of two distributions' shares: 0 for equal ones, 1 for disjoint ones."""
    return float(np.abs(a - b).sum() / 2)


def fit_and_variety(points: Points, numbers: tuple[int, ...]) -> tuple[float, float]:
    """The share of generated numbers that fit, and the share of the pattern's distinct numbers that appear."""
    generated = points.argmax(axis=1)
    fitting = generated[np.isin(generated, numbers)]
    return len(fitting) / len(generated), len(np.unique(fitting)) / len(numbers)


class PatternEvaluator(Evaluator):
    """Judges samples of `n` vectors against fixed samples of as many real numbers.

    `floor` is the mean total variation of 64 other real samples from the first, so a perfect generator has a mean
    `tv_ratio` of 1. Where real samples never differ, as those of a single number, the ratio is 1 plus the count of
    misfits. The gap is the total variation beyond that between real samples: 0 if nobody can tell, 1 if no number fits.
    """

    def __init__(self, target: Pattern, n: int = PAIR_POINTS, seed: int = 2014) -> None:
        if n < 1:
            raise ValueError(f"n is {n}; an evaluation needs at least 1 number.")
        self.target = target
        self.n = n
        self._seed = seed
        rng = np.random.default_rng((seed, 1))
        reals, self.overlap = real_samples(target, n, rng)
        self.real = next(reals)
        self.real.setflags(write=False)
        others = [frequencies(target.sample(n, rng)) for _ in range(FLOOR_SAMPLES)]
        self._shares = [frequencies(real) for real in (self.real, *reals)]
        self._floors = [fmean(total_variation(other, real) for other in others) for real in self._shares]
        self.floor = self._floors[0]

    def live(self, points: Points) -> dict[str, float]:
        """All there is to measure of vectors ``(n, 100)``; a millisecond."""
        if not self._measurable(points):
            return self._worst()
        own = self.target.own_metrics(points)
        distance = total_variation(frequencies(points), self._shares[0])
        return self._figures(own["fit"], own["variety"], distance, gap([self.pair(points, 0)]))

    def full(self, points: Points) -> dict[str, float]:
        """The same as `live`."""
        return self.live(points)

    def pair(self, points: Points, index: int) -> Pair:
        """These vectors held against the real sample of this index, all of it in what tells them apart."""
        if not self._measurable(points):
            return WORST
        place = index % len(self._shares)
        floor = self._floors[place]
        return Pair((total_variation(frequencies(points), self._shares[place]) - floor) / (1 - floor), 0.0)

    def gap(self, pairs: Sequence[Pair]) -> dict[str, float]:
        """The headline as a mean over several samples."""
        return {"headline": gap(pairs)}

    @cached_property
    def test(self) -> TwoSampleTest:
        """The verdict, from frequencies alone."""
        return FrequencyTest(self.target, self._seed)

    def _figures(self, fit: float, variety: float, distance: float, headline: float) -> dict[str, float]:
        ratio = distance / self.floor if self.floor else 1 + distance * self.n
        figures = {"fit": fit, "variety": variety, "total_variation": distance}
        return {**figures, "tv_ratio": ratio, "headline": headline}

    def _worst(self) -> dict[str, float]:
        return self._figures(0.0, 0.0, 1.0, np.inf)


class FrequencyTest(TwoSampleTest):
    """Tells numbers apart by how often each one comes; what has to be seen is one number of twenty replaced."""

    def mixed(self, real: Points, fake: Points) -> Frequencies:
        return Frequencies(real, fake, self._seed)

    def blurred(self, points: Points, rng: np.random.Generator) -> Points:
        blurred = points.copy()
        replaced = rng.random(len(points)) < BLUR
        blurred[replaced] = np.eye(points.shape[1])[rng.integers(points.shape[1], size=int(replaced.sum()))]
        return blurred


class Frequencies:
    """The numbers of a real and a generated sample of one size, mixed."""

    def __init__(self, real: Points, fake: Points, seed: int) -> None:
        self._seed = seed
        self._n = len(real)
        self._real = np.bincount(real.argmax(axis=1), minlength=real.shape[1])
        self._all = self._real + np.bincount(fake.argmax(axis=1), minlength=real.shape[1])

    def observed(self) -> tuple[float, float]:
        """Nothing of neighbours, and the total variation."""
        return self._statistics(self._real)

    def permuted(self, index: int) -> tuple[float, float]:
        """The same with labels permuted; the index alone decides how."""
        rng = np.random.default_rng((self._seed, index))
        return self._statistics(rng.multivariate_hypergeometric(self._all, self._n))

    def _statistics(self, real: NDArray[np.int64]) -> tuple[float, float]:
        return 0.0, float(np.abs(2 * real - self._all).sum() / (2 * self._n))
