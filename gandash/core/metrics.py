"""How good a generator is: metrics of points against a shape, each citing its definition.

NumPy and SciPy, no torch. `Evaluator` holds the fixed real sample that a run is judged against; its random numbers have
nothing to do with those of training.

The headline is the sliced Wasserstein distance over its real-against-real floor, divided by the coverage over its own
real-against-real value: 1.0 means as good as real, larger is worse. The distance sees collapse and shift but hardly
blur; the coverage sees both and is blind to distance, so the product of the two can be fooled by neither.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from gandash.core.shapes import Shape

if TYPE_CHECKING:
    from scipy.spatial import KDTree

Points = NDArray[np.float32] | NDArray[np.float64]

PROJECTIONS = 64
NEIGHBOURS = 5
X_BINS = 100
HIGH_QUALITY_STDS = 3.0
REAL_SAMPLES = 24


@dataclass(frozen=True)
class Metric:
    """How a metric is shown: its name in words, what is better, and what a perfect generator scores."""

    name: str
    title: str
    unit: str
    better: Literal["lower", "higher", "ideal"]
    ideal: float | None
    log_scale: bool
    help: str
    source: str


_ALL = (
    Metric(
        "headline",
        "Quality",
        "times real",
        "lower",
        1.0,
        True,
        "The headline: how much worse than real the points are, as distance and as coverage together. 1 means as good as "
        "a second real sample; lower is better.",
        "sliced Wasserstein ratio divided by relative coverage; see the README",
    ),
    Metric(
        "batch_mse",
        "Batch error (textbook)",
        "axis units²",
        "lower",
        0.0,
        True,
        "The textbook's measure: mean squared distance of y to the curve at x, over the last generated batch. It is blind "
        "to missing x and to points beyond the curve's ends.",
        "mean squared error, (1/n) Σ (y − f(x))²",
    ),
    Metric(
        "mse",
        "Error to the curve",
        "axis units²",
        "lower",
        0.0,
        True,
        "Mean squared distance of y to the curve at x, over 1,000 fresh points. Read it together with the coverage of x.",
        "mean squared error, (1/n) Σ (y − f(x))²",
    ),
    Metric(
        "x_coverage",
        "Coverage of x",
        "share",
        "higher",
        1.0,
        False,
        "Share of the curve's x range, in 100 equal parts, that has at least one generated point: what the error to the "
        "curve cannot see.",
        "occupied bins of a histogram",
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
        "Bonneel 2015, definition 5 (order 1), directions evenly spaced",
    ),
    Metric(
        "sw_ratio",
        "Distance over real",
        "times real",
        "lower",
        1.0,
        True,
        "The sliced Wasserstein distance divided by the one between two real samples of the same size: 1 means as good as "
        "real.",
        "Bonneel 2015, definition 5, over its mean between pairs of real samples",
    ),
    Metric(
        "coverage",
        "Coverage",
        "share",
        "higher",
        1.0,
        False,
        "Share of real points with a generated point among their nearest neighbours. A second real sample scores 0.97.",
        "Naeem 2020, equation 5, k = 5",
    ),
    Metric(
        "modes",
        "Modes covered",
        "modes",
        "higher",
        None,
        False,
        "How many of the mixture's modes have at least one generated point within 3 standard deviations.",
        "Lin 2018 (PacGAN), section 4.1",
    ),
    Metric(
        "high_quality",
        "High-quality points",
        "share",
        "higher",
        0.989,
        False,
        "Share of points within 3 standard deviations of a mode. Perfect samples score 98.9 %; more means that they "
        "huddle at the centres.",
        "Lin 2018 (PacGAN), section 4.1",
    ),
    Metric(
        "reverse_kl",
        "Imbalance of modes",
        "nats",
        "lower",
        0.0,
        True,
        "Reverse Kullback-Leibler divergence of the shares of the modes from equal shares: 0 if every mode gets as many "
        "points.",
        "Lin 2018 (PacGAN), section 4.1",
    ),
    Metric(
        "mode_spread",
        "Spread inside modes",
        "times real",
        "ideal",
        1.0,
        False,
        "Standard deviation of the high-quality points around their mode over that of real ones: below 1 the points huddle "
        "at the centres.",
        "root mean square distance to the nearest mode, both samples cut at 3 standard deviations",
    ),
    Metric(
        "energy_distance",
        "Energy distance",
        "axis units",
        "lower",
        0.0,
        True,
        "A distance between distributions from the distances between points; 0 only if they are equal.",
        "Székely & Rizzo 2013, equation 1",
    ),
    Metric(
        "precision",
        "Precision",
        "share",
        "higher",
        1.0,
        False,
        "Share of generated points that lie among real ones.",
        "Kynkäänniemi 2019, equation 2, k = 5",
    ),
    Metric(
        "recall",
        "Recall",
        "share",
        "higher",
        1.0,
        False,
        "Share of real points that lie among generated ones.",
        "Kynkäänniemi 2019, equation 2, k = 5",
    ),
    Metric(
        "density",
        "Density",
        "neighbours",
        "ideal",
        1.0,
        False,
        "How many real neighbourhoods a generated point lies in, over their expected number; robust to outliers.",
        "Naeem 2020, equation 4, k = 5",
    ),
    Metric(
        "c2st",
        "Two-sample test",
        "accuracy",
        "ideal",
        0.5,
        False,
        "Accuracy of a classifier that was asked to tell generated from real points: 50 % means that it cannot.",
        "Lopez-Paz & Oquab 2017, section 3, nearest neighbours",
    ),
)
METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in _ALL})
"""Every metric by its name in records, the headline first."""


def _directions(count: int) -> NDArray[np.float32]:
    angles = np.arange(count) * np.pi / count
    return np.stack((np.cos(angles), np.sin(angles))).astype(np.float32)


def _projected(points: Points, projections: int) -> NDArray[np.float32]:
    """Sorted projections, ``(projections, n)``."""
    lines = _directions(projections).T @ np.asarray(points, np.float32).T
    lines.sort(axis=1)
    return lines


def sliced_wasserstein(a: Points, b: Points, projections: int = PROJECTIONS) -> float:
    """Mean 1-Wasserstein distance over evenly spaced directions, in axis units (Bonneel 2015, definition 5).

    Samples ``(n, 2)`` and ``(m, 2)``; of two sizes, the larger is read at the smaller's quantiles.
    """
    first, second = _projected(a, projections), _projected(b, projections)
    if first.shape != second.shape:
        first, second = sorted((first, second), key=lambda lines: lines.shape[1])
        n, m = first.shape[1], second.shape[1]
        at = (np.arange(n) + 0.5) * m / n - 0.5
        second = np.stack([np.interp(at, np.arange(m), line) for line in second]).astype(np.float32)
    return float(np.abs(first - second).mean(dtype=np.float64))


def energy_distance(a: Points, b: Points, most: int = 1000) -> float:
    """√(2 E|X − Y| − E|X − X'| − E|Y − Y'|) over at most `most` points of each (Székely & Rizzo 2013, equation 1)."""
    from scipy.spatial.distance import cdist, pdist

    a, b = np.asarray(a[:most], np.float64), np.asarray(b[:most], np.float64)
    n, m = len(a), len(b)
    within = 2 * pdist(a).sum() / n**2 + 2 * pdist(b).sum() / m**2
    return math.sqrt(max(0.0, 2 * float(cdist(a, b).mean()) - float(within)))


def curve_error(points: Points, curve: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> float:
    """The textbook's mean squared error (1/n) Σ (y − f(x))², in squared axis units; infinite if a point is too far out."""
    x, y = np.asarray(points, np.float64).T
    with np.errstate(over="ignore", invalid="ignore"):
        error = float(np.mean((y - curve(x)) ** 2))
    return error if math.isfinite(error) else math.inf


def x_coverage(points: Points, x_range: tuple[float, float], bins: int = X_BINS) -> float:
    """Share of the equal parts of `x_range` with at least one point; 1,000 uniform points reach 0.99 to 1."""
    hit, _ = np.histogram(np.asarray(points)[:, 0], bins=bins, range=x_range)
    return float((hit > 0).mean())


@dataclass(frozen=True)
class ModeStatistics:
    """`covered` modes, the `high_quality` share, `reverse_kl` in nats, and `spread` relative to real samples."""

    covered: int
    high_quality: float
    reverse_kl: float
    spread: float


def mode_statistics(points: Points, modes: NDArray[np.float64], std: float) -> ModeStatistics:
    """PacGAN's protocol (Lin 2018, section 4.1) for a mixture of round Gaussians in the plane.

    A point is of high quality within 3 std of its nearest mode; a mode counts as covered with at least one such point;
    the reverse KL compares the shares of the nearest mode among all points with equal shares. The spread is the root
    mean square distance of high-quality points to their mode over the one of real points cut at 3 std alike.
    """
    offsets = np.asarray(points, np.float64)[:, None, :] - modes[None]
    squares = np.einsum("nkd,nkd->nk", offsets, offsets)
    nearest = squares.argmin(axis=1)
    distances = squares[np.arange(len(points)), nearest] / std**2
    good = distances <= HIGH_QUALITY_STDS**2
    covered = np.unique(nearest[good])
    shares = np.bincount(nearest, minlength=len(modes)) / len(points)
    present = shares[shares > 0]
    tail = math.exp(-(HIGH_QUALITY_STDS**2) / 2)
    real_square = 2 - HIGH_QUALITY_STDS**2 * tail / (1 - tail)
    spread = math.sqrt(float(distances[good].mean()) / real_square) if good.any() else 0.0
    return ModeStatistics(
        covered=len(covered),
        high_quality=float(good.mean()),
        reverse_kl=max(0.0, float(np.sum(present * np.log(present * len(modes))))),
        spread=spread,
    )


@dataclass(frozen=True)
class Neighbourhoods:
    """`precision`, `recall`, `density` and `coverage` of generated against real points."""

    precision: float
    recall: float
    density: float
    coverage: float


def precision_recall_density_coverage(real: Points, fake: Points, k: int = NEIGHBOURS) -> Neighbourhoods:
    """Manifold metrics from balls to the k-th nearest neighbour (Kynkäänniemi 2019, equations 1 and 2; Naeem 2020).

    Samples ``(n, 2)`` and ``(m, 2)`` with more than k points each.
    """
    from scipy.spatial import KDTree

    real_tree, fake_tree = KDTree(real), KDTree(fake)
    in_real_balls = fake_tree.query_ball_point(real, _radii(real_tree, k))
    in_fake_balls = real_tree.query_ball_point(fake, _radii(fake_tree, k))
    counts = np.array([len(found) for found in in_real_balls])
    return Neighbourhoods(
        precision=len(set().union(*in_real_balls)) / len(fake),
        recall=len(set().union(*in_fake_balls)) / len(real),
        density=float(counts.sum() / (k * len(fake))),
        coverage=float((counts > 0).mean()),
    )


def _radii(tree: KDTree, k: int) -> NDArray[np.float64]:
    """Distance of each of a tree's own points to its k-th nearest neighbour."""
    distances: NDArray[np.float64] = tree.query(tree.data, k=[k + 1])[0][:, 0]
    return distances


def classifier_two_sample_test(real: Points, fake: Points, seed: int = 0) -> float:
    """Accuracy, by five-fold cross-validation, of a nearest-neighbour classifier told to part two samples.

    0.5 means that it cannot tell them apart, 1.0 that it always can (Lopez-Paz & Oquab 2017, section 3). The samples
    are cut to the same size, and √n neighbours vote, as in the paper's section 4.
    """
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.neighbors import KNeighborsClassifier

    n = min(len(real), len(fake))
    points = np.concatenate((real[:n], fake[:n]))
    labels = np.repeat((1, 0), n)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    votes = KNeighborsClassifier(n_neighbors=max(1, math.isqrt(n)))
    return float(cross_val_score(votes, points, labels, cv=folds).mean())


class Evaluator:
    """Judges points of one shape against a fixed sample of `n` fresh real points.

    `floor` and `real_coverage` are the mean distance and coverage of other real samples of the same size. Points that
    are not finite count as far away: distances become infinite, shares 0.
    """

    def __init__(self, shape: Shape, n: int = 1000, seed: int = 20_140_610) -> None:
        self.shape = shape
        self.n = n
        rng = np.random.default_rng(seed)
        self._real = shape.sample(n, rng)
        self._real_lines = _projected(self._real, PROJECTIONS)
        others = [shape.sample(n, rng) for _ in range(REAL_SAMPLES)]
        self.floor = float(np.mean([self._distance(other) for other in others]))
        self.real_coverage = float(np.mean([self._coverage(other) for other in others]))

    @cached_property
    def _real_radii(self) -> NDArray[np.float64]:
        from scipy.spatial import KDTree

        return _radii(KDTree(self._real), NEIGHBOURS)

    def _distance(self, points: Points) -> float:
        if len(points) != self.n:
            return sliced_wasserstein(points, self._real)
        return float(np.abs(_projected(points, PROJECTIONS) - self._real_lines).mean(dtype=np.float64))

    def _coverage(self, points: Points) -> float:
        from scipy.spatial import KDTree

        distance, _ = KDTree(points).query(self._real)
        return float((distance <= self._real_radii).mean())

    def live(self, points: Points) -> dict[str, float]:
        """What is cheap enough for every frame, from points ``(n, 2)``."""
        if not np.isfinite(points).all():
            return self._worst()
        shape, found = self.shape, {}
        if shape.curve is not None and shape.x_range is not None:
            found["mse"] = curve_error(points, shape.curve)
            found["x_coverage"] = x_coverage(points, shape.x_range)
        distance = self._distance(points)
        coverage = self._coverage(points)
        found |= {
            "sliced_wasserstein": distance,
            "sw_ratio": distance / self.floor,
            "coverage": coverage,
            "headline": self._headline(distance / self.floor, coverage),
        }
        if shape.modes is not None and shape.mode_std is not None:
            modes = mode_statistics(points, shape.modes, shape.mode_std)
            found |= {
                "modes": float(modes.covered),
                "high_quality": modes.high_quality,
                "reverse_kl": modes.reverse_kl,
                "mode_spread": modes.spread,
            }
        return found

    def full(self, points: Points) -> dict[str, float]:
        """The live metrics and the dearer ones, precision, recall, density and the energy distance."""
        found = self.live(points)
        if not math.isfinite(found["headline"]):
            return found
        near = precision_recall_density_coverage(self._real, points)
        return found | {
            "energy_distance": energy_distance(self._real, points),
            "precision": near.precision,
            "recall": near.recall,
            "density": near.density,
        }

    def verdict(self, points: Points) -> dict[str, float]:
        """The classifier two-sample test, for the end of a run."""
        if not np.isfinite(points).all():
            return {"c2st": 1.0}
        return {"c2st": classifier_two_sample_test(self._real, points)}

    def _headline(self, sw_ratio: float, coverage: float) -> float:
        relative = max(coverage, 1 / self.n) / self.real_coverage
        return sw_ratio / min(1.0, relative)

    def _worst(self) -> dict[str, float]:
        found = {"sliced_wasserstein": math.inf, "sw_ratio": math.inf, "coverage": 0.0, "headline": math.inf}
        if self.shape.curve is not None:
            found |= {"mse": math.inf, "x_coverage": 0.0}
        if self.shape.modes is not None:
            found |= {"modes": 0.0, "high_quality": 0.0, "reverse_kl": math.inf, "mode_spread": 0.0}
        return found
