"""The judge: how far generated points are from real ones, as one figure, measured on pairs of samples.

A pair is a generated and a real sample of equal size, and gives two numbers. *Tell* is how much better than by chance
one nearest neighbour tells the two apart (Lopez-Paz & Oquab 2017, section 3, with one neighbour): it sees blur, and
density that is uneven. *Excess* is the squared sliced Wasserstein distance (Bonneel et al. 2015) beyond the one between
two real samples of this size, in squares of the real spread: it sees collapse and shift. The gap is the one plus the
root of the other, of the means over pairs; so both are unbiased, and more points, which are more pairs, make the gap
surer but not another.

NumPy and SciPy, no torch. Points are finite, ``(n, dim)``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gandash.core.sliced import distance_along, projected

if TYPE_CHECKING:
    from gandash.core.targets import Target

Floats = NDArray[np.float64]
Labels = NDArray[np.bool_]
Points = NDArray[np.float32] | NDArray[np.float64]

JUDGE_VERSION = 2
"""Figures of two judges cannot be compared. The first took the distance over its floor, divided by the coverage."""
PAIRS = 8
PAIR_POINTS = 1000
"""Of how many points each sample of a pair is; a table that holds out fewer is judged on those."""
LINES = 64
"""Directions in which distances are taken."""
ROUNDING = 1e-9
"""Distances that differ by less than this share are the same one, rounded."""
REPEATS = 0.1
"""Share of a column's numbers, from which on, repeated, it is taken for rounded: by copying alone."""


class Pair(NamedTuple):
    """What a generated sample is, held against a real one: see the module. Either may be below 0 by chance."""

    tell: float
    excess: float


WORST = Pair(1.0, math.inf)
"""Of a sample with a point that is not finite."""


def gap(pairs: Sequence[Pair]) -> float:
    """The gap to real: 0 if nobody can tell, 1 for what is told apart at once or lies a whole spread away, or more."""
    tell, excess = (fmean(numbers) for numbers in zip(*pairs, strict=True))
    return max(tell, 0.0) + math.sqrt(max(excess, 0.0))


def uncertainty(pairs: Sequence[Pair], overlap: float = 0.0) -> float:
    """The standard error of `gap`, that of the real samples included; infinite for one pair alone.

    `overlap` is the share of points that two of the real samples have in common: what they share is no less random for
    being used again.
    """
    count = len(pairs)
    if count < 2 or not all(math.isfinite(number) for pair in pairs for number in pair):
        return math.inf
    excess = [pair.excess for pair in pairs]
    # where the distance is all but 0, its root is steeper than any line: the noise says how far the slope counts
    distance = math.sqrt(max(fmean(excess), stdev(excess) / math.sqrt(count), 1e-12))
    spread = stdev([pair.tell + pair.excess / (2 * distance) for pair in pairs])
    # both sides vary alike; the real one's part that is shared does not show between pairs, and does not average out
    return spread * math.sqrt((2 + (count - 1) * overlap) / (count * (2 - overlap)))


def tell(accuracy: float, n: int) -> float:
    """An accuracy of one neighbour on samples of `n` points each, from 0 by chance to 1.

    By chance it is a little below a half, since a point is none of its own neighbours.
    """
    chance = (n - 1) / (2 * n - 1)
    return (accuracy - chance) / (1 - chance)


def accuracy(tell: float) -> float:
    """The accuracy of one neighbour that `tell` stands for, a half by chance however many points there are."""
    return min(0.5 + tell / 2, 1.0)


class Neighbours:
    """Who is nearest to whom among distinct points and such as repeat: what one neighbour says is a mean over all ties.

    >>> Neighbours(np.array([[0.0], [1.0], [5.0], [7.0]])).accuracy(np.array([True, True, False, False]))
    1.0
    """

    def __init__(self, points: Floats) -> None:
        from scipy.spatial import KDTree

        if len(points) < 2:
            raise ValueError(f"{len(points)} point is too few: a neighbour takes 2.")
        wanted = [2, 3] if len(points) > 2 else [2]
        distances, found = KDTree(points).query(points, k=wanted)
        nearest, second = distances[:, 0], distances[:, -1]
        self._place: NDArray[np.intp] | None = None
        if nearest.min() > 0 and (len(points) == 2 or (second > nearest * (1 + ROUNDING)).all()):
            self._nearest = found[:, 0]
        else:
            self._group(points)

    def _group(self, points: Floats) -> None:
        """Of tied points: those at one place are each other's neighbours; one alone has all places that are nearest."""
        from scipy.sparse import csr_array
        from scipy.spatial import KDTree

        places, self._place, self._count = np.unique(points, axis=0, return_inverse=True, return_counts=True)
        self._place = self._place.reshape(-1)
        self._alone = np.flatnonzero(self._count == 1)
        if len(places) < 2:
            self._alone = self._alone[:0]
        near: list[list[int]] = []
        if len(self._alone):
            tree = KDTree(places)
            lonely = places[self._alone]
            reach = tree.query(lonely, k=[2])[0][:, 0] * (1 + ROUNDING)
            near = [
                [other for other in those if other != own]
                for own, those in zip(self._alone.tolist(), tree.query_ball_point(lonely, reach), strict=True)
            ]
        ends = np.cumsum([0, *map(len, near)])
        columns = np.array([other for those in near for other in those], dtype=np.intp)
        self._links = csr_array((np.ones(len(columns)), columns, ends), shape=(len(near), len(places)))
        self._linked = self._links @ self._count

    def accuracy(self, real: Labels) -> float:
        """The share of points whose nearest other point has the same label, ``(n,)``; a tie counts in its shares."""
        if self._place is None:
            return float((real == real[self._nearest]).mean())
        reals = np.bincount(self._place, weights=real, minlength=len(self._count))
        others = self._count - reals
        together = self._count > 1
        right = (reals * (reals - 1) + others * (others - 1))[together] / (self._count[together] - 1)
        share = self._links @ reals / self._linked
        alone = np.where(reals[self._alone] == 1, share, 1 - share)
        return float((right.sum() + alone.sum()) / len(real))


def spread_of(points: Points) -> Floats:
    """The standard deviation of each column, ``(dim,)``; 1 where that is 0."""
    spread: Floats = np.asarray(points, np.float64).std(axis=0)
    spread[spread == 0] = 1.0
    return spread


def real_samples(target: Target, n: int, rng: np.random.Generator) -> tuple[Iterator[NDArray[np.float32]], float]:
    """Real samples of `n` points each, `PAIRS` of them, and the share of points that two of them have in common.

    Of a finite target they are shared out among the held-out rows; where those are too few, samples overlap, and where
    they are fewer than `n`, each has all of them.
    """
    if not target.finite:
        return (target.unseen(n, rng) for _ in range(PAIRS)), 0.0
    rows = target.unseen(PAIRS * n, rng)
    held = min(n, len(rows))
    if len(rows) == PAIRS * n:
        return iter(np.split(rows, PAIRS)), 0.0
    return (rows[rng.permutation(len(rows))[:held]] for _ in range(PAIRS)), held / len(rows)


class Copying:
    """How near held-out rows ``(m, dim)`` are to rows of the training ``(n, dim)``, and how generated ones are.

    Where a column's numbers repeat, all are first rounded to the nearest that the training has: otherwise a held-out
    row that a row of the training equals would be nearer than any generated point can be.
    """

    def __init__(self, rows: Points, held_out: Points) -> None:
        from scipy.spatial import KDTree

        numbers = np.asarray(rows, np.float64)
        self._scale = spread_of(rows)
        self._known = [np.unique(column) for column in numbers.T]
        self._rounded = [len(known) <= (1 - REPEATS) * len(rows) for known in self._known]
        self._tree = KDTree(numbers / self._scale)
        self._usual = self._near(held_out)

    def share(self, generated: Points) -> float:
        """How often a generated point is nearer to a row of the training than a held-out one is, ties as a half.

        The statistic of Meehan et al. 2020, section 3, over all of the space: 0.5 is fair, 1 is nothing but copies, and
        below 0.5 generated points ``(k, dim)`` lie farther off. Copies say 1 less half the share of held-out rows
        that equal one of the training. Axes count alike.
        """
        from scipy.stats import rankdata

        near = self._near(generated)
        ranks = rankdata(np.concatenate((near, self._usual)))[: len(near)]
        nearer_usual = float(ranks.sum()) - len(near) * (len(near) + 1) / 2
        return 1 - nearer_usual / (len(near) * len(self._usual))

    def _near(self, points: Points) -> Floats:
        columns = [
            _nearest(known, column) if rounded else column
            for known, rounded, column in zip(self._known, self._rounded, np.asarray(points, np.float64).T, strict=True)
        ]
        distances: Floats = self._tree.query(np.column_stack(columns) / self._scale)[0]
        return distances


def _nearest(known: Floats, values: Floats) -> Floats:
    """Each value ``(k,)`` rounded to the nearest of those that are known, which are sorted."""
    middles = (known[1:] + known[:-1]) / 2
    rounded: Floats = known[np.searchsorted(middles, values)]
    return rounded


def judged(target: Target, points: Points) -> Floats:
    """Points ``(n, dim)`` as they are compared: by the logarithm of columns of which that is learnt."""
    numbers = np.array(points, np.float64)
    axes = [] if target.output is None else list(target.output.exponential)
    numbers[:, axes] = np.log(np.maximum(numbers[:, axes], np.finfo(np.float64).tiny))
    return numbers


class Ruler:
    """Real samples of one size to hold generated ones against, all axes counting alike.

    `reals` are what generated samples are paired with in turn; `others`, more real samples, say how far from each of
    those a perfect generator is on average.
    """

    def __init__(self, reals: Sequence[Points], others: Sequence[Points]) -> None:
        self.n = len(reals[0])
        together = np.concatenate(reals, dtype=np.float64)
        self._centre, self._scale = together.mean(axis=0), spread_of(together)
        self._reals = [self._scaled(real) for real in reals]
        self._lines = [self._seen(real) for real in self._reals]
        far = self._seen(self._scaled(together))
        self._spread = float(np.abs(far - far.mean(axis=1, keepdims=True, dtype=np.float64)).mean()) or 1.0
        seen = [self._seen(self._scaled(other)) for other in others]
        self._floors = [fmean(distance_along(other, real) ** 2 for other in seen) for real in self._lines]
        self._labels: Labels = np.arange(2 * self.n) < self.n

    def accuracy(self, points: Points, index: int = 0) -> float:
        """How often one neighbour tells these points ``(n, dim)`` from the real sample of this index."""
        pooled = np.concatenate((self._reals[index % len(self._reals)], self._scaled(points)))
        return Neighbours(pooled).accuracy(self._labels)

    def pair(self, points: Points, index: int = 0) -> Pair:
        """These points ``(n, dim)`` held against the real sample of this index."""
        place = index % len(self._reals)
        squared = distance_along(self._seen(self._scaled(points)), self._lines[place]) ** 2
        return Pair(tell(self.accuracy(points, index), self.n), (squared - self._floors[place]) / self._spread**2)

    def _scaled(self, points: Points) -> Floats:
        scaled: Floats = (np.asarray(points, np.float64) - self._centre) / self._scale
        return scaled

    def _seen(self, scaled: Floats) -> Points:
        most = np.finfo(np.float32).max  # points at the end of the float range are infinitely far
        return projected(np.clip(scaled, -most, most).astype(np.float32), LINES)
