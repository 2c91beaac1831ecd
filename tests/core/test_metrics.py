"""Metrics against independent oracles, and against samples whose flaws are known."""

import math

import numpy as np
import ot
import pytest
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance
from sklearn.neighbors import NearestNeighbors

from gandash.core.metrics import (
    METRICS,
    Evaluator,
    classifier_two_sample_test,
    curve_error,
    energy_distance,
    mode_statistics,
    precision_recall_density_coverage,
    sliced_wasserstein,
    x_coverage,
)
from gandash.core.shapes import SHAPES, Shape

Floats = NDArray[np.float64]


def normal(n: int, seed: int, shift: float = 0.0) -> Floats:
    return np.random.default_rng(seed).normal(shift, 1, (n, 2))


@pytest.mark.parametrize(("n", "m"), [(200, 200), (100, 300), (300, 100)])
def test_sliced_wasserstein_is_the_mean_over_directions(n: int, m: int) -> None:
    a, b = normal(n, 0), 2 * normal(m, 1, shift=1.0)
    angles = np.arange(64) * np.pi / 64
    directions = np.stack((np.cos(angles), np.sin(angles)))
    exact = np.mean([wasserstein_distance(a @ d, b @ d) for d in directions.T])
    assert sliced_wasserstein(a, b) == pytest.approx(exact, rel=1e-4 if n == m else 0.02)
    by_pot = ot.sliced_wasserstein_distance(a, b, projections=directions, p=1)
    assert sliced_wasserstein(a, b) == pytest.approx(by_pot, rel=1e-4 if n == m else 0.02)


def test_sliced_wasserstein_of_a_shift_is_its_mean_projection() -> None:
    a = normal(500, 0)
    assert sliced_wasserstein(a, a) == 0
    assert sliced_wasserstein(a, a + [3.0, 0.0]) == pytest.approx(3 * 2 / np.pi, rel=1e-3)


def test_energy_distance_against_its_definition() -> None:
    a, b = normal(150, 0), normal(120, 1, shift=0.5)
    square = 2 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean()
    assert energy_distance(a, b) == pytest.approx(math.sqrt(square), rel=1e-9)
    assert energy_distance(a, a) == pytest.approx(0, abs=1e-6)


def test_neighbourhoods_against_brute_force() -> None:
    real, fake, k = normal(150, 0), normal(120, 1, shift=0.7), 5
    real_radii = NearestNeighbors(n_neighbors=k + 1).fit(real).kneighbors(real)[0][:, k]
    fake_radii = NearestNeighbors(n_neighbors=k + 1).fit(fake).kneighbors(fake)[0][:, k]
    distances = ot.dist(real, fake, metric="euclidean")
    found = precision_recall_density_coverage(real, fake, k)
    inside = distances <= real_radii[:, None]
    assert found.precision == pytest.approx(inside.any(axis=0).mean())
    assert found.recall == pytest.approx((distances <= fake_radii[None]).any(axis=1).mean())
    assert found.density == pytest.approx(inside.sum() / (k * len(fake)))
    assert found.coverage == pytest.approx(inside.any(axis=1).mean())


def test_two_sample_test() -> None:
    assert classifier_two_sample_test(normal(500, 0), normal(500, 1)) == pytest.approx(0.5, abs=0.05)
    assert classifier_two_sample_test(normal(500, 0), normal(500, 1, shift=6.0)) > 0.98


def test_curve_error_is_the_textbooks() -> None:
    points = np.array([[0.0, 3.0], [1.0, 1.08]])
    assert curve_error(points, lambda x: 1.08**x) == pytest.approx((4 + 0) / 2)
    curve = SHAPES["exponential"].curve
    assert curve is not None
    assert curve_error(np.array([[1e5, 0.0]]), curve) == math.inf


def test_x_coverage_sees_what_the_error_cannot() -> None:
    rng = np.random.default_rng(0)
    assert x_coverage(rng.uniform(0, 50, (2000, 2)), (0, 50)) > 0.98
    assert x_coverage(rng.uniform(0, 25, (2000, 2)), (0, 50)) == pytest.approx(0.5, abs=0.02)
    assert x_coverage(rng.uniform(60, 90, (2000, 2)), (0, 50)) == 0


def test_perfect_mixtures_score_what_theory_says() -> None:
    grid = SHAPES["grid25"]
    assert grid.modes is not None and grid.mode_std is not None
    found = mode_statistics(grid.sample(100_000, np.random.default_rng(0)), grid.modes, grid.mode_std)
    assert found.covered == 25
    assert found.high_quality == pytest.approx(1 - math.exp(-4.5), abs=1e-3)
    assert found.reverse_kl == pytest.approx(0, abs=1e-3)
    assert found.spread == pytest.approx(1, abs=0.01)


def test_flawed_mixtures_are_seen() -> None:
    grid = SHAPES["grid25"]
    assert grid.modes is not None and grid.mode_std is not None
    real = grid.sample(10_000, np.random.default_rng(0)).astype(np.float64)
    nearest = grid.modes[cdist(real, grid.modes).argmin(axis=1)]
    one_mode = real - nearest
    found = mode_statistics(one_mode, grid.modes, grid.mode_std)
    assert (found.covered, found.reverse_kl) == (1, pytest.approx(math.log(25)))
    huddled = mode_statistics(nearest + 0.5 * (real - nearest), grid.modes, grid.mode_std)
    assert huddled.high_quality > 0.999 and huddled.spread == pytest.approx(0.5, abs=0.02)
    blurred = mode_statistics(nearest + 4 * (real - nearest), grid.modes, grid.mode_std)
    assert blurred.high_quality == pytest.approx(1 - math.exp(-4.5 / 16), abs=0.02)
    nothing = mode_statistics(np.full((10, 2), 77.0), grid.modes, grid.mode_std)
    assert (nothing.covered, nothing.high_quality, nothing.spread) == (0, 0, 0)


every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=lambda shape: shape.name)


@every_shape
def test_real_points_score_about_one(shape: Shape) -> None:
    evaluator = Evaluator(shape)
    rng = np.random.default_rng(77)
    found = [evaluator.live(shape.sample(1000, rng)) for _ in range(10)]
    assert np.mean([metrics["sw_ratio"] for metrics in found]) == pytest.approx(1, abs=0.35)
    assert np.mean([metrics["headline"] for metrics in found]) == pytest.approx(1, abs=0.35)
    assert np.mean([metrics["coverage"] for metrics in found]) == pytest.approx(evaluator.real_coverage, abs=0.02)


@every_shape
def test_the_headline_sees_collapse_shift_and_blur(shape: Shape) -> None:
    evaluator = Evaluator(shape)
    real = shape.sample(1000, np.random.default_rng(5)).astype(np.float64)
    size = real.std(axis=0).mean()
    honest = evaluator.live(real)["headline"]
    collapsed = np.repeat(real[:1], 1000, axis=0)
    assert evaluator.live(collapsed)["headline"] > 20 * honest
    assert evaluator.live(real + 0.5 * size)["headline"] > 3 * honest
    blur = 0.4 * size * np.random.default_rng(6).standard_normal((1000, 2))
    assert evaluator.live(real + blur)["headline"] > 1.5 * honest


@pytest.mark.parametrize("name", ["exponential", "ring8", "heart"])
@pytest.mark.parametrize("spoil", [math.nan, math.inf])
def test_points_that_are_not_finite_get_the_worst_marks(name: str, spoil: float) -> None:
    evaluator = Evaluator(SHAPES[name])
    points = SHAPES[name].sample(1000, np.random.default_rng(0))
    names = evaluator.live(points).keys()
    points[3, 1] = spoil
    found = evaluator.full(points)
    assert found.keys() == names
    assert found["headline"] == math.inf and found["coverage"] == 0


def test_everything_measured_is_in_the_registry() -> None:
    for shape in SHAPES.values():
        evaluator = Evaluator(shape)
        points = shape.sample(1000, np.random.default_rng(0))
        assert {*evaluator.full(points), *evaluator.verdict(points)} <= METRICS.keys()
    assert next(iter(METRICS)) == "headline"
    assert all(metric.help.endswith(".") and metric.source for metric in METRICS.values())


def test_judging_repeats() -> None:
    points = SHAPES["heart"].sample(1000, np.random.default_rng(0))
    assert Evaluator(SHAPES["heart"]).full(points) == Evaluator(SHAPES["heart"]).full(points)
