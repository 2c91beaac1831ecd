"""How good a generator is: metrics of points against a target, each citing its definition.

NumPy and SciPy, no torch. `Evaluator` holds the fixed real sample that a run is judged against; its random numbers have
nothing to do with those of training.

The headline, the gap to real, is the judge's: see `gandash.core.judge`. 0 means that nobody can tell the points from
real ones; larger is worse.

What the functions need: finite points of shape ``(n, dim)``, else `ValueError`. `curve_error` and `x_coverage` take any
numbers, and `Evaluator` counts a sample with a point that is not finite as the worst there is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from gandash.core.judge import PAIR_POINTS, WORST, Copying, Pair, Ruler, accuracy, gap, judged, real_samples
from gandash.core.sliced import distance_along, projected

if TYPE_CHECKING:
    from scipy.spatial import KDTree

    from gandash.core.targets import Target
    from gandash.core.verdict import TwoSampleTest

Floats = NDArray[np.float64]
Points = NDArray[np.float32] | NDArray[np.float64]

PROJECTIONS = 64
NEIGHBOURS = 5
WIDEST_GAP = 0.02
HIGH_QUALITY_STDS = 3.0
FLOOR_SAMPLES = 64
ENERGY_POINTS = 1000


@dataclass(frozen=True)
class Metric:
    """How a metric is shown: its name in words, what is better, and what a perfect generator scores.

    `better` is "ideal" where a value can be too high as well as too low; `ideal` is None where it depends on the target
    (`Target.ideals`). `mark` is a value worth a line, and its word, where the ideal cannot be on a logarithmic axis.
    What is in "%" is a share in records and times 100 on screen.
    """

    name: str
    title: str
    unit: str
    better: Literal["lower", "higher", "ideal"]
    ideal: float | None
    log_scale: bool
    help: str
    source: str
    mark: tuple[float, str] | None = None


LIKE_REAL = 0.05
"""Up to which gap hardly anybody could tell; between two real samples of 1,000 points it is 0 to 0.08."""
_ALL = (
    Metric(
        "headline",
        "Gap to real",
        "%",
        "lower",
        0.0,
        True,
        "How far generated points are from real ones: how much better than by chance nearest neighbours tell them "
        "apart, plus how far off they lie as a share of the real spread, beyond what real samples do. 0 % means that "
        "nobody can tell; lower is better, and all in one spot is 200 %.",
        "Lopez-Paz & Oquab 2017, one neighbour, plus Bonneel et al. 2015; see gandash/core/judge.py",
        (LIKE_REAL, "like real"),
    ),
    Metric(
        "nn_accuracy",
        "Told by a neighbour",
        "accuracy",
        "lower",
        0.5,
        False,
        "How often the nearest other point, real or generated, is of a point's own kind: 50 % means that nobody can "
        "tell, 100 % that real and generated points never meet.",
        "Lopez-Paz & Oquab 2017, section 3, one neighbour, leave-one-out",
    ),
    Metric(
        "batch_mse",
        "Textbook's batch error",
        "axis units²",
        "lower",
        0.0,
        True,
        "The textbook's measure: mean squared distance of y to the curve at x, over the last generated batch. It is "
        "blind to missing x and to points beyond the curve's ends.",
        "mean squared error, (1/n) Σ (y - f(x))²",
    ),
    Metric(
        "mse",
        "Error to the curve",
        "axis units²",
        "lower",
        0.0,
        True,
        "Mean squared distance of y to the curve at x, over fresh points. Read it together with the coverage of x.",
        "mean squared error, (1/n) Σ (y - f(x))²",
    ),
    Metric(
        "x_coverage",
        "Coverage of x",
        "share",
        "higher",
        1.0,
        False,
        "Share of the curve's x range that generated points reach: every stretch longer than 2 % of the range without "
        "a point counts as missing. The error to the curve cannot see this.",
        "1 minus the gaps between neighbouring x that are wider than 2 % of the range",
    ),
    Metric(
        "fit",
        "Numbers that fit",
        "share",
        "higher",
        1.0,
        False,
        "Share of generated numbers that belong to the pattern. Alone it is fooled by a generator that says one number "
        "for ever: read it together with the total variation.",
        "share of vectors whose largest entry is at a number of the pattern",
    ),
    Metric(
        "variety",
        "Variety",
        "share",
        "higher",
        1.0,
        False,
        "Share of the pattern's distinct numbers that appear at least once, however seldom.",
        "distinct numbers that appear over those of the pattern",
    ),
    Metric(
        "total_variation",
        "Total variation",
        "share",
        "lower",
        0.0,
        True,
        "How far the frequencies of the generated numbers are from the real ones: the share of numbers that would have "
        "to change. 0 if each comes as often as among real ones, 1 if none does.",
        "half the sum of |p - q| over the numbers from 0 to 99",
    ),
    Metric(
        "tv_ratio",
        "Total variation over real",
        "× real",
        "lower",
        1.0,
        True,
        "The total variation divided by the one between two real samples of the same size: 1 means as good as real.",
        "total variation over its mean between real samples",
    ),
    Metric(
        "sliced_wasserstein",
        "Sliced Wasserstein distance",
        "axis units",
        "lower",
        0.0,
        True,
        "How far points must be moved, on average, to turn the generated sample into the real one, seen from 64 "
        "directions.",
        "Bonneel et al. 2015, order 1, 64 directions evenly spaced",
    ),
    Metric(
        "sw_ratio",
        "Distance over real",
        "× real",
        "lower",
        1.0,
        True,
        "The sliced Wasserstein distance divided by the one between two real samples of the same size: 1 means as good "
        "as real.",
        "Bonneel et al. 2015, over its mean between real samples",
    ),
    Metric(
        "coverage",
        "Coverage",
        "share",
        "higher",
        0.969,
        False,
        "Share of real points that have a generated point at least as near as their fifth nearest real one. A second "
        "real sample scores 97 %.",
        "Naeem et al. 2020, section 3.2, k = 5",
    ),
    Metric(
        "modes",
        "Modes covered",
        "modes",
        "higher",
        None,
        False,
        "How many of the mixture's modes have at least one generated point within 3 standard deviations.",
        "Lin et al. 2018 (PacGAN), section 4.1",
    ),
    Metric(
        "high_quality",
        "High-quality points",
        "share",
        "ideal",
        0.989,
        False,
        "Share of points within 3 standard deviations of a mode. Perfect samples score 98.9 %; more means that they "
        "huddle at the centres.",
        "Lin et al. 2018 (PacGAN), section 4.1",
    ),
    Metric(
        "reverse_kl",
        "Imbalance of modes",
        "nats",
        "lower",
        0.0,
        True,
        "How unevenly the points are shared out among the modes: 0 if every mode gets as many. Its name is reverse "
        "Kullback-Leibler divergence.",
        "Lin et al. 2018 (PacGAN), section 4.1",
    ),
    Metric(
        "mode_spread",
        "Spread inside modes",
        "× real",
        "ideal",
        1.0,
        False,
        "Standard deviation of the high-quality points inside their modes over that of real ones. Below 1 the points "
        "huddle; 0 means that every mode has become a single point.",
        "pooled standard deviation about the modes' means, both samples cut at 3 standard deviations",
    ),
    Metric(
        "energy_distance",
        "Energy distance",
        "axis units",
        "lower",
        0.0,
        True,
        "How much farther generated points are from real ones than points of either kind are from one another; 0 only "
        "if the two samples are equal.",
        "Székely & Rizzo 2013, two-sample energy statistic",
    ),
    Metric(
        "precision",
        "Precision",
        "share",
        "higher",
        1.0,
        False,
        "Share of generated points that lie among real ones, no farther off than real neighbours are from one another.",
        "Kynkäänniemi et al. 2019, section 2, k = 5",
    ),
    Metric(
        "recall",
        "Recall",
        "share",
        "higher",
        1.0,
        False,
        "Share of real points that lie among generated ones, no farther off than generated neighbours are from one "
        "another.",
        "Kynkäänniemi et al. 2019, section 2, k = 5",
    ),
    Metric(
        "density",
        "Density",
        "× real",
        "ideal",
        1.0,
        False,
        "How many real points count a generated one among their neighbours, compared with a real point. Below 1 points "
        "are off the shape, above 1 they crowd where it is dense.",
        "Naeem et al. 2020, section 3.2, k = 5",
    ),
    Metric(
        "copying",
        "Copying",
        "share",
        "ideal",
        0.5,
        False,
        "How often a generated point lies nearer to a row of the training than a row does that the training never saw: "
        "50 % is fair, near 100 % the generator repeats its rows.",
        "Meehan et al. 2020, section 3: Mann-Whitney statistic of the distances to the nearest training row",
    ),
    Metric(
        "earlier_gap",
        "Gap to real, earlier judge",
        "× real",
        "lower",
        1.0,
        True,
        "As an earlier version of gandash measured it: the distance divided by the coverage, both over those of real "
        "samples. It cannot be compared with today's gap.",
        "sliced Wasserstein ratio divided by relative coverage",
    ),
    Metric(
        "c2st",
        "Two-sample test, earlier",
        "accuracy",
        "lower",
        0.5,
        False,
        "As an earlier version of gandash measured it: accuracy of a classifier that was asked to tell generated from "
        "real points. It hardly saw blur.",
        "Lopez-Paz & Oquab 2017, section 3, √n nearest neighbours",
    ),
)


def percent(share: float | None) -> str:
    """A share in per cent with three digits, such as *12.3 %*; a dash where there is none."""
    if share is None or math.isnan(share):
        return "–"
    if math.isinf(share):
        return "∞"
    hundredths = 100 * share
    if hundredths >= 99.95:
        return f"{hundredths:,.0f} %" if hundredths < 1e6 else f"{hundredths:.1e} %"
    return f"{hundredths:.1f} %"


METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})
"""Every metric by its name in records, the headline first."""


def _checked(points: Points, dim: int | None = None) -> Points:
    if points.ndim != 2 or not points.size or (dim is not None and points.shape[1] != dim):
        wanted = "dim" if dim is None else dim
        raise ValueError(f"Points come as an array of shape (n, {wanted}) with n at least 1, not {points.shape}.")
    if not np.isfinite(points).all():
        raise ValueError("Points must be finite; some are NaN or infinite.")
    return points


def sliced_wasserstein(a: Points, b: Points, projections: int = PROJECTIONS) -> float:
    """Sliced 1-Wasserstein distance of samples ``(n, dim)`` and ``(m, dim)``, in axis units (Bonneel et al. 2015).

    The mean over directions of the exact distance along each. The directions are always the same, so the same points
    give the same figure.
    """
    if projections < 1:
        raise ValueError(f"projections is {projections}; it must be at least 1.")
    return distance_along(projected(_checked(a), projections), projected(_checked(b, a.shape[1]), projections))


def energy_distance(a: Points, b: Points, most: int = ENERGY_POINTS) -> float:
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| over all pairs of points, in axis units (Székely & Rizzo 2013).

    The statistic of the paper's two-sample test, so never negative, and 0 only for equal samples. SciPy's function of
    this name, in one dimension, is its square root. Samples ``(n, dim)`` and ``(m, dim)`` of more than `most` points
    are thinned evenly.
    """
    a, b = _thinned(_checked(a), most), _thinned(_checked(b, a.shape[1]), most)
    return _energy(a, b, _mean_distance(a), _mean_distance(b))


def _energy(a: Floats, b: Floats, within_a: float, within_b: float) -> float:
    from scipy.spatial.distance import cdist

    return max(0.0, 2 * float(cdist(a, b).mean()) - within_a - within_b)


def _thinned(points: Points, most: int) -> Floats:
    return np.asarray(points[:: math.ceil(len(points) / most)], dtype=np.float64)


def _mean_distance(points: Floats) -> float:
    """Mean distance over all ordered pairs of points, each with itself included."""
    from scipy.spatial.distance import pdist

    return float(2 * pdist(points).sum() / len(points) ** 2)


def curve_error(points: Points, curve: Callable[[Floats], Floats]) -> float:
    """The textbook's mean squared error (1/n) Σ (y - f(x))², in squared axis units.

    Infinite, without a warning, once f(x) or its square leaves the range of float64 or a point is not finite.
    """
    x, y = np.asarray(points, dtype=np.float64).T
    with np.errstate(over="ignore", invalid="ignore"):
        error = float(np.mean((y - curve(x)) ** 2))
    return error if math.isfinite(error) else math.inf


def x_coverage(points: Points, x_range: tuple[float, float], widest_gap: float = WIDEST_GAP) -> float:
    """Share of `x_range` that is not in a gap wider than `widest_gap`, itself a share of the range, between points.

    Gaps run between neighbouring x and from the outermost ones inside to the ends of the range; points outside count
    for nothing. Unlike a share of occupied bins it tells 97 % from 98 % of the range. A gap of n uniform points is
    wider than 2 % with probability about n · exp(-0.02 n), if that is small: 1,000 of them score exactly 1.0 in all but
    2 of a million draws, 100 of them seldom.
    """
    low, high = x_range
    x = np.asarray(points, dtype=np.float64)[:, 0]
    inside = np.sort(x[(x >= low) & (x <= high)])
    gaps = np.diff(np.concatenate(([low], inside, [high]))) / (high - low)
    return max(0.0, 1.0 - float(gaps[gaps > widest_gap].sum()))


@dataclass(frozen=True)
class ModeStatistics:
    """`covered` modes, the `high_quality` share, `reverse_kl` in nats, and `spread` relative to real samples."""

    covered: int
    high_quality: float
    reverse_kl: float
    spread: float


def mode_statistics(points: Points, modes: Floats, std: float) -> ModeStatistics:
    """How points ``(n, 2)`` fill a mixture of round Gaussians with equal weights at `modes` ``(k, 2)``.

    PacGAN's protocol (Lin et al. 2018, section 4.1): each point belongs to its nearest mode and is of high quality
    within 3 std of it; a mode is covered by at least one such point; the reverse KL is that of the shares of the modes
    among all points, good or not, from 1/k. It is finite even if modes are missing, ln k at worst.

    The spread is the standard deviation of the high-quality points about the mean of their mode, pooled over the modes
    and both axes, over that of real points, 0.974 std because they are cut at 3 std alike. 0 if no mode has two points.
    """
    x, y = np.asarray(_checked(points, 2), dtype=np.float64).T
    squares = (x[:, None] - modes[:, 0]) ** 2 + (y[:, None] - modes[:, 1]) ** 2
    nearest = squares.argmin(axis=1)
    good = squares.min(axis=1) <= (HIGH_QUALITY_STDS * std) ** 2

    k = len(modes)
    shares = np.bincount(nearest, minlength=k) / len(points)
    present = shares[shares > 0]
    counts = np.bincount(nearest[good], minlength=k)
    return ModeStatistics(
        covered=int(np.count_nonzero(counts)),
        high_quality=float(good.mean()),
        reverse_kl=max(0.0, float(present @ np.log(present * k))),
        spread=_std_inside(np.stack((x, y))[:, good], nearest[good], counts) / (std * _real_std_inside()),
    )


def _std_inside(coordinates: Floats, mode: NDArray[np.intp], counts: NDArray[np.intp]) -> float:
    """Standard deviation along an axis of points ``(2, n)`` about the mean of their mode, pooled, without bias."""
    freedom = len(mode) - np.count_nonzero(counts)
    if not freedom:
        return 0.0
    sums = [np.bincount(mode, axis, minlength=len(counts)) for axis in coordinates]
    offsets = coordinates - (np.stack(sums) / np.maximum(counts, 1))[:, mode]
    return math.sqrt(float(np.sum(offsets**2)) / (2 * freedom))


def _real_std_inside() -> float:
    """Standard deviation along an axis of a round Gaussian of std 1 that is cut at a radius of 3."""
    tail = math.exp(-(HIGH_QUALITY_STDS**2) / 2)
    return math.sqrt(1 - HIGH_QUALITY_STDS**2 * tail / (2 * (1 - tail)))


@dataclass(frozen=True)
class Neighbourhoods:
    """`precision`, `recall`, `density` and `coverage` of generated against real points."""

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall_density_coverage(real: Points, fake: Points, k: int = NEIGHBOURS) -> Neighbourhoods:
    """Metrics from balls that reach from each point to its k-th nearest neighbour in its own sample, border included.

    Precision and recall: the share of generated points in some real ball, and of real points in some generated ball
    (Kynkäänniemi et al. 2019, section 2). Density: in how many real balls a generated point lies, over k; coverage: the
    share of real balls with a generated point inside (Naeem et al. 2020, section 3.2). Samples ``(n, dim)`` and
    ``(m, dim)`` of more than k points each.
    """
    from scipy.spatial import KDTree

    if min(len(_checked(real)), len(_checked(fake, real.shape[1]))) <= k:
        raise ValueError(f"{len(real)} real and {len(fake)} generated points are too few for {k} neighbours.")
    real_tree = KDTree(real)
    return _neighbourhoods(real_tree, _radii(real_tree, k), KDTree(fake), k)


def _neighbourhoods(real: KDTree, real_radii: Floats, fake: KDTree, k: int) -> Neighbourhoods:
    in_real_balls = fake.query_ball_point(real.data, real_radii)
    in_fake_balls = real.query_ball_point(fake.data, _radii(fake, k))
    counts = np.array([len(found) for found in in_real_balls])
    return Neighbourhoods(
        precision=len(set().union(*in_real_balls)) / fake.n,
        recall=len(set().union(*in_fake_balls)) / real.n,
        density=float(counts.sum() / (k * fake.n)),
        coverage=float((counts > 0).mean()),
    )


def _radii(tree: KDTree, k: int) -> Floats:
    """Distance of each of a tree's own points to its k-th nearest neighbour."""
    distances: Floats = tree.query(tree.data, k=[k + 1])[0][:, 0]
    return distances


class Evaluator:
    """Judges samples of `n` points against fixed samples of as many unseen real points, which `seed` decides.

    `n` is less than asked for where a finite target holds out fewer. `floor` is the mean distance of
    64 other real samples, such as training sees, so a perfect generator has a mean `sw_ratio` of 1.0. Single samples of
    it scatter, nine in ten between 0.6 and 1.9, as real samples do.

    A sample with a point that is not finite gets the worst values: distances infinite, shares 0.

    >>> from gandash.core.targets.shapes import SHAPES
    >>> evaluator = Evaluator(SHAPES["ring8"])
    >>> evaluator.live(SHAPES["ring8"].sample(evaluator.n, np.random.default_rng(0)))["modes"]
    8.0
    """

    def __init__(self, target: Target, n: int = PAIR_POINTS, seed: int = 2014) -> None:
        from scipy.spatial import KDTree

        if n <= NEIGHBOURS:
            raise ValueError(f"n is {n}; an evaluation needs more than {NEIGHBOURS} points.")
        self.target = target
        self._seed = seed
        # Two numbers make a stream that no run's data can share: they are drawn from a generator seeded with one.
        rng = np.random.default_rng((seed, 1))
        reals, self.overlap = real_samples(target, n, rng)
        self.real = next(reals)
        self.real.setflags(write=False)
        self.n = len(self.real)
        self._lines = projected(self.real, PROJECTIONS)
        self._tree = KDTree(self.real)
        self._real_radii = _radii(self._tree, NEIGHBOURS)
        self._thinned = _thinned(self.real, ENERGY_POINTS)
        self._mean_distance = _mean_distance(self._thinned)
        others = [target.sample(self.n, rng) for _ in range(FLOOR_SAMPLES)]
        self.floor = float(np.mean([self._distance(other) for other in others]))
        self._ruler = Ruler(
            [judged(target, each) for each in (self.real, *reals)], [judged(target, each) for each in others]
        )

    def live(self, points: Points) -> dict[str, float]:
        """What is cheap enough for every epoch, from points ``(n, dim)``; a few milliseconds at most."""
        if not self._measurable(points):
            return self._worst()
        distance, pair = self._distance(points), self.pair(points, 0)
        return {
            **self.target.own_metrics(points),
            "sliced_wasserstein": distance,
            "sw_ratio": distance / self.floor,
            "coverage": self._coverage(points),
            "nn_accuracy": accuracy(pair.tell),
            "headline": gap([pair]),
        }

    def pair(self, points: Points, index: int) -> Pair:
        """Points ``(n, dim)`` held against the real sample of this index: what gaps are made of."""
        return self._ruler.pair(judged(self.target, points), index) if self._measurable(points) else WORST

    def gap(self, pairs: Sequence[Pair]) -> dict[str, float]:
        """The metrics that are means over several samples."""
        return {"headline": gap(pairs), "nn_accuracy": accuracy(fmean(pair.tell for pair in pairs))}

    @cached_property
    def test(self) -> TwoSampleTest:
        """What gives the verdict on a generator at the end of a run."""
        from gandash.core.verdict import TwoSampleTest

        return TwoSampleTest(self.target, self._seed)

    def full(self, points: Points) -> dict[str, float]:
        """The live metrics and the dearer ones: energy distance, precision, recall and density."""
        from scipy.spatial import KDTree

        found = self.live(points)
        if not self._measurable(points):
            return found | {"energy_distance": math.inf, "precision": 0.0, "recall": 0.0, "density": 0.0}
        near = _neighbourhoods(self._tree, self._real_radii, KDTree(points), NEIGHBOURS)
        thinned = _thinned(points, ENERGY_POINTS)
        return found | {
            "energy_distance": _energy(self._thinned, thinned, self._mean_distance, _mean_distance(thinned)),
            "precision": near.precision,
            "recall": near.recall,
            "density": near.density,
        }

    def copying(self, points: Points) -> float:
        """How often generated points lie nearer to rows of the training than held-out rows do; see `Copying`.

        For finite targets alone, whose rows of the training are always the same.
        """
        if not np.isfinite(points).all():
            return 0.0
        return self._copying.share(judged(self.target, points))

    @cached_property
    def _copying(self) -> Copying:
        rows = self.target.sample(self.target.spec.training_rows or 1, np.random.default_rng(self._seed))
        return Copying(*(judged(self.target, each) for each in (rows, self.real)))

    def _measurable(self, points: Points) -> bool:
        if points.shape != self.real.shape:
            raise ValueError(
                f"This evaluator judges samples as large as its own, {self.real.shape}, not {points.shape}."
            )
        return bool(np.isfinite(points).all())

    def _distance(self, points: Points) -> float:
        return distance_along(projected(points, PROJECTIONS), self._lines)

    def _coverage(self, points: Points) -> float:
        from scipy.spatial import KDTree

        nearest, _ = KDTree(points).query(self.real)
        return float((nearest <= self._real_radii).mean())

    def _worst(self) -> dict[str, float]:
        general = {"sliced_wasserstein": math.inf, "sw_ratio": math.inf, "coverage": 0.0}
        general |= {"nn_accuracy": 1.0, "headline": math.inf}
        return self.target.worst_metrics() | general
