"""How well generated numbers follow a pattern: which of them fit, how varied they are, how often each one comes.

NumPy alone. A vector means the number of its largest entry, so only frequencies are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gandash.core.metrics import FLOOR_SAMPLES, Evaluator, Floats, Points

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
    """Judges samples of `n` vectors against a fixed sample of as many real numbers.

    `floor` is the mean total variation of 64 other real samples from it, so a perfect generator has a mean `tv_ratio`
    of 1. Where real samples never differ, as those of a single number, the ratio is 1 plus the count of misfits.
    """

    def __init__(self, target: Pattern, n: int = 1000, seed: int = 2014) -> None:
        if n < 1:
            raise ValueError(f"n is {n}; an evaluation needs at least 1 number.")
        self.target = target
        self.n = n
        rng = np.random.default_rng((seed, 1))
        self.real = target.unseen(n, rng)
        self.real.setflags(write=False)
        self._shares = frequencies(self.real)
        others = [frequencies(target.sample(n, rng)) for _ in range(FLOOR_SAMPLES)]
        self.floor = float(np.mean([total_variation(other, self._shares) for other in others]))
        self.real_coverage = 1.0

    def live(self, points: Points) -> dict[str, float]:
        """All there is to measure of vectors ``(n, 100)``; a millisecond."""
        if not self._measurable(points):
            return self._worst()
        shares = frequencies(points)
        own = self.target.own_metrics(points)
        return self._figures(own["fit"], own["variety"], total_variation(shares, self._shares))

    def full(self, points: Points) -> dict[str, float]:
        """The same as `live`."""
        return self.live(points)

    def verdict(self, points: Points) -> dict[str, float]:
        """Nothing: frequencies say all."""
        return {}

    def _figures(self, fit: float, variety: float, distance: float) -> dict[str, float]:
        ratio = distance / self.floor if self.floor else 1 + distance * self.n
        figures = {"fit": fit, "variety": variety, "total_variation": distance}
        return {**figures, "tv_ratio": ratio, "headline": ratio}

    def _worst(self) -> dict[str, float]:
        return self._figures(0.0, 0.0, 1.0) | {"headline": np.inf}
