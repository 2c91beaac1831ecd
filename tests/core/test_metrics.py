"""The metrics, against SciPy, POT and scikit-learn, against closed forms, and on samples with a known fault."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import ot
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from scipy.stats import entropy, wasserstein_distance
from sklearn.neighbors import NearestNeighbors

from gandash.core.metrics import (
    METRICS,
    Evaluator,
    curve_error,
    energy_distance,
    mode_statistics,
    precision_recall_density_coverage,
    sliced_wasserstein,
    x_coverage,
)
from gandash.core.targets.shapes import SHAPES, Shape

Floats = NDArray[np.float64]

LIVE = {"sliced_wasserstein", "sw_ratio", "coverage", "headline", "nn_accuracy"}
OF_CURVES = {"mse", "x_coverage"}
OF_MIXTURES = {"modes", "high_quality", "reverse_kl", "mode_spread"}
OF_PATTERNS = {"fit", "variety", "total_variation", "tv_ratio"}
DEAR = {"energy_distance", "precision", "recall", "density"}

every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=lambda shape: shape.name)
few_points = st.integers(1, 12).flatmap(
    lambda n: arrays(np.float64, (n, 2), elements=st.floats(-100, 100, allow_subnormal=False))
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def sample(name: str, n: int = 1000, seed: int = 0) -> Floats:
    return SHAPES[name].sample(n, rng(seed)).astype(np.float64)


# Sliced Wasserstein distance


def along_each_direction(a: Floats, b: Floats, projections: int) -> list[float]:
    angles = [np.pi * i / projections for i in range(projections)]
    directions = [(np.cos(angle), np.sin(angle)) for angle in angles]
    return [wasserstein_distance(a @ direction, b @ direction) for direction in directions]


@pytest.mark.parametrize(("n", "m"), [(300, 300), (300, 200), (7, 300), (1, 5), (1, 1)])
def test_sliced_wasserstein_is_the_mean_of_scipys_distances(n: int, m: int) -> None:
    a, b = sample("two-moons", n, 1), sample("spiral", m, 2)
    expected = np.mean(along_each_direction(a, b, 64))
    assert sliced_wasserstein(a, b) == pytest.approx(expected, rel=1e-9)
    assert sliced_wasserstein(a.astype(np.float32), b.astype(np.float32)) == pytest.approx(expected, rel=1e-5)


@given(a=few_points, b=few_points)
@settings(max_examples=60)
def test_sliced_wasserstein_of_any_two_sizes_is_scipys(a: Floats, b: Floats) -> None:
    expected = np.mean(along_each_direction(a, b, 5))
    assert sliced_wasserstein(a, b, projections=5) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("m", [500, 350])
def test_sliced_wasserstein_is_that_of_pot(m: int) -> None:
    a, b = sample("heart", 500), sample("circle", m)
    angles = np.pi * np.arange(64) / 64
    directions = np.stack((np.cos(angles), np.sin(angles)))
    expected = ot.sliced_wasserstein_distance(a, b, projections=directions, p=1)
    assert sliced_wasserstein(a, b) == pytest.approx(expected, rel=1e-9)


def test_sliced_wasserstein_of_a_shift_is_the_shift_times_two_over_pi() -> None:
    a = sample("grid25")
    assert sliced_wasserstein(a, a) == 0.0
    for angle in (0.0, 1.0, 2.5):
        shifted = a + 3 * np.array([np.cos(angle), np.sin(angle)])
        # The mean of |cos| over the half circle is 2/π; 64 evenly spaced angles come close to it.
        assert sliced_wasserstein(a, shifted) == pytest.approx(6 / np.pi, rel=1e-3)


def test_sixty_four_directions_are_enough() -> None:
    a, b = sample("ring8"), sample("star")
    assert sliced_wasserstein(a, b) == pytest.approx(sliced_wasserstein(a, b, projections=4096), rel=1e-3)


# Energy distance


@pytest.mark.parametrize(("n", "m"), [(400, 400), (400, 150), (1, 3)])
def test_energy_distance_is_its_definition_over_pots_distances(n: int, m: int) -> None:
    a, b = sample("pinwheel", n, 1), sample("two-circles", m, 2)
    across, in_a, in_b = (ot.dist(*pair, metric="euclidean").mean() for pair in ((a, b), (a, a), (b, b)))
    assert energy_distance(a, b) == pytest.approx(2 * across - in_a - in_b, rel=1e-6)


@given(a=few_points, b=few_points)
@settings(max_examples=60)
def test_energy_distance_is_symmetric_and_never_negative(a: Floats, b: Floats) -> None:
    assert energy_distance(a, b) >= 0
    assert energy_distance(a, b) == pytest.approx(energy_distance(b, a), rel=1e-9, abs=1e-9)
    assert energy_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_energy_distance_thins_large_samples_over_their_whole_length() -> None:
    a, b = sample("line", 5000, 1), sample("line", 5000, 2)
    in_order = a[a[:, 0].argsort()]
    assert energy_distance(in_order, b) < 0.02
    assert energy_distance(in_order[:2500], b) > 0.3


# Error to a curve, coverage of x


def test_curve_error_is_the_mean_squared_distance_in_y() -> None:
    points = np.array([[0.0, 1.5], [50.0, 1.08**50 - 2.0]])
    curve = SHAPES["exponential"].curve
    assert curve is not None
    assert curve_error(points, curve) == pytest.approx((0.5**2 + 2.0**2) / 2)


def test_curve_error_reads_float32_points_in_float64() -> None:
    x = np.float32(49.3)
    points = np.array([[x, 1.08 ** float(x)]], dtype=np.float32)
    # f in float32 would round to the very y of the point; in float64 what y lost to float32 remains.
    assert 0 < curve_error(points, lambda x: 1.08**x) < 1e-11


@pytest.mark.parametrize("name", ["exponential", "inverted-u", "sine"])
@pytest.mark.parametrize("far", [1e30, -1e30, math.inf, math.nan])
def test_curve_error_far_out_is_huge_or_infinite_without_a_warning(name: str, far: float) -> None:
    curve = SHAPES[name].curve
    assert curve is not None
    assert curve_error(np.array([[far, far], [1.0, 1.0]]), curve) > 1e50


@pytest.mark.parametrize("name", ["exponential", "inverted-u", "sine"])
def test_x_coverage_of_a_thousand_real_points_is_one(name: str) -> None:
    x_range = SHAPES[name].x_range
    assert x_range is not None
    assert {x_coverage(sample(name, 1000, seed), x_range) for seed in range(200)} == {1.0}


@pytest.mark.parametrize("missing", [0.03, 0.031, 0.5])
def test_x_coverage_measures_what_is_missing(missing: float) -> None:
    x = np.linspace(0, 50, 100_001)
    for kept in (x < 50 * (1 - missing), x > 50 * missing, np.abs(x - 20) > 25 * missing):
        points = np.column_stack((x, x))[kept]
        assert x_coverage(rng().permutation(points), (0, 50)) == pytest.approx(1 - missing, abs=1e-4)


def test_x_coverage_overlooks_gaps_of_two_percent_and_points_outside() -> None:
    x = np.arange(0, 51, 1.0)
    points = np.column_stack((x, x))
    assert x_coverage(points, (0, 50)) == 1.0
    assert x_coverage(np.delete(points, 7, axis=0), (0, 50)) == pytest.approx(0.96)
    far = np.array([[-3.0, 0.0], [90.0, 0.0], [math.nan, 0.0], [math.inf, 0.0]])
    assert x_coverage(far, (0, 50)) == 0.0
    assert x_coverage(np.concatenate((points, far)), (0, 50)) == 1.0


@pytest.mark.parametrize(("gap", "found"), [(0.0195, 1.0), (0.0205, 0.9795)])
def test_x_coverage_counts_gaps_wider_than_two_percent(gap: float, found: float) -> None:
    x = np.linspace(0, 1, 20_001)
    points = np.column_stack((x, x))[(x <= 0.4) | (x >= 0.4 + gap)]
    assert x_coverage(points, (0, 1)) == pytest.approx(found, abs=1e-9)


@given(points=few_points)
def test_x_coverage_is_a_share(points: Floats) -> None:
    assert 0 <= x_coverage(points, (-20, 30)) <= 1


# Modes


def mixture(name: str) -> tuple[Floats, float]:
    shape = SHAPES[name]
    assert shape.modes is not None
    assert shape.mode_std is not None
    return shape.modes, shape.mode_std


@pytest.mark.parametrize("name", ["ring8", "grid25"])
def test_modes_of_a_perfect_sample(name: str) -> None:
    modes, std = mixture(name)
    found = mode_statistics(sample(name, 200_000), modes, std)
    assert found.covered == len(modes)
    assert found.high_quality == pytest.approx(1 - math.exp(-4.5), abs=1e-3)
    assert found.reverse_kl < 5e-4
    assert found.spread == pytest.approx(1, abs=5e-3)


def test_mode_statistics_against_a_plain_loop() -> None:
    modes, std = mixture("grid25")
    points = np.concatenate((sample("grid25", 300) * 1.02, rng(1).uniform(-5, 5, (300, 2))))
    share = np.zeros(25)
    good: list[list[Floats]] = [[] for _ in range(25)]
    for point in points:
        distance = [math.dist(point, mode) for mode in modes]
        nearest = int(np.argmin(distance))
        share[nearest] += 1 / len(points)
        if distance[nearest] <= 3 * std:
            good[nearest].append(point)
    squares = sum(np.sum((np.array(g) - np.mean(g, axis=0)) ** 2) for g in good if g)
    freedom = sum(2 * (len(g) - 1) for g in good if g)
    real = rng(2).standard_normal((400_000, 2))
    real_std = real[np.linalg.norm(real, axis=1) <= 3].std()

    found = mode_statistics(points, modes, std)
    assert found.covered == sum(map(bool, good))
    assert found.high_quality == pytest.approx(sum(map(len, good)) / len(points))
    assert found.reverse_kl == pytest.approx(entropy(share, np.full(25, 1 / 25)))
    assert found.spread == pytest.approx(math.sqrt(squares / freedom) / (std * real_std), rel=3e-3)


def test_modes_that_are_missing() -> None:
    modes, std = mixture("ring8")
    points = sample("ring8", 4000)
    half = points[points[:, 0] + 0.4 * points[:, 1] > 0]
    found = mode_statistics(half, modes, std)
    assert found.covered == 4
    assert found.reverse_kl == pytest.approx(math.log(2), abs=0.01)
    assert found.high_quality == pytest.approx(0.989, abs=0.01)


@pytest.mark.parametrize("factor", [0.5, 0.9])
def test_modes_that_shrink_show_in_the_spread_and_not_in_the_quality(factor: float) -> None:
    modes, std = mixture("grid25")
    centres = modes[rng(1).integers(25, size=20_000)]
    found = mode_statistics(centres + factor * std * rng(2).standard_normal((20_000, 2)), modes, std)
    assert found.high_quality > 0.989
    assert found.spread == pytest.approx(factor, abs=0.03)


def test_modes_that_blur_show_in_the_quality() -> None:
    modes, std = mixture("grid25")
    centres = modes[rng(1).integers(25, size=20_000)]
    found = mode_statistics(centres + 4 * std * rng(2).standard_normal((20_000, 2)), modes, std)
    assert found.high_quality == pytest.approx(1 - math.exp(-4.5 / 16), abs=0.01)


def test_a_shift_of_the_modes_does_not_count_as_spread() -> None:
    modes, std = mixture("ring8")
    centres = modes[rng(1).integers(8, size=20_000)] + (1.5 * std, 0)
    found = mode_statistics(centres + 0.5 * std * rng(2).standard_normal((20_000, 2)), modes, std)
    assert found.spread < 0.55


def test_modes_that_became_points_have_no_spread() -> None:
    modes, std = mixture("ring8")
    assert mode_statistics(np.repeat(modes, 20, axis=0), modes, std).spread == pytest.approx(0, abs=1e-9)
    assert mode_statistics(modes, modes, std).spread == 0.0
    nothing = mode_statistics(np.full((50, 2), 7.0), modes, std)
    assert (nothing.covered, nothing.high_quality, nothing.spread) == (0, 0.0, 0.0)
    assert nothing.reverse_kl == pytest.approx(math.log(8))


# Nearest neighbours


def brute_force(real: Floats, fake: Floats, k: int) -> dict[str, float]:
    """The definitions over the whole matrix of distances, with scikit-learn's brute-force neighbours."""

    def radii(points: Floats) -> Floats:
        nearest = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(points)
        distances: Floats = nearest.kneighbors()[0]  # without an argument each point leaves itself out
        return distances[:, -1]

    distance = np.linalg.norm(real[:, None] - fake, axis=2)
    in_real = distance <= radii(real)[:, None]
    in_fake = distance <= radii(fake)
    return {
        "precision": in_real.any(axis=0).mean(),
        "recall": in_fake.any(axis=1).mean(),
        "density": in_real.sum() / (k * len(fake)),
        "coverage": in_real.any(axis=1).mean(),
    }


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize(("n", "m"), [(400, 400), (400, 150)])
@pytest.mark.parametrize("fault", ["none", "blur", "half", "far"])
def test_neighbourhoods_against_brute_force(fault: str, n: int, m: int, k: int) -> None:
    real, fake = sample("two-moons", n, 1), sample("two-moons", m, 2)
    if fault == "blur":
        fake = fake + 0.2 * rng().standard_normal(fake.shape)
    elif fault == "half":
        fake[:, 0] = -np.abs(fake[:, 0])
    elif fault == "far":
        fake = fake + 100
    found = precision_recall_density_coverage(real, fake, k)
    for name, expected in brute_force(real, fake, k).items():
        assert getattr(found, name) == pytest.approx(expected, abs=1e-12), name


def test_coverage_of_real_points_is_what_naeem_derive() -> None:
    """Their equation for the mean over samples of sizes n and m: 1 - (n-1)…(n-k) / ((n+m-1)…(n+m-k))."""
    n, k = 500, 5
    expected = 1 - math.prod((n - i) / (2 * n - i) for i in range(1, k + 1))
    pairs = [(sample("pinwheel", n, seed), sample("pinwheel", n, 1000 + seed)) for seed in range(30)]
    found = [precision_recall_density_coverage(real, other, k).coverage for real, other in pairs]
    assert np.mean(found) == pytest.approx(expected, abs=0.006)
    assert METRICS["coverage"].ideal == pytest.approx(expected, abs=2e-3)


def test_neighbourhoods_need_more_points_than_neighbours() -> None:
    with pytest.raises(ValueError, match="5 real and 100 generated points are too few for 5 neighbours"):
        precision_recall_density_coverage(sample("line", 5), sample("line", 100))


# What is refused


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((0, 2)), r"shape \(n, (dim|2)\) with n at least 1"),
        (np.zeros((5, 3)), r"not \((5, 3|50, 2)\)"),
        (np.zeros(5), r"not \(5,\)"),
        (np.full((9, 2), np.nan), "must be finite"),
        (np.full((9, 2), -np.inf), "must be finite"),
    ],
)
def test_points_that_are_none_are_refused(points: Any, message: str) -> None:
    good = sample("ring8", 50)
    modes, std = mixture("ring8")
    for metric in (sliced_wasserstein, energy_distance, precision_recall_density_coverage):
        for pair in ((good, points), (points, good)):
            with pytest.raises(ValueError, match=message):
                metric(*pair)
    with pytest.raises(ValueError, match=message):
        mode_statistics(points, modes, std)


def test_directions_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="projections is 0"):
        sliced_wasserstein(sample("line", 5), sample("line", 5), projections=0)


# The registry


def test_the_registry_names_and_explains_every_metric() -> None:
    assert set(METRICS) == LIVE | OF_CURVES | OF_MIXTURES | OF_PATTERNS | DEAR | {"batch_mse", "copying"} | {
        "earlier_gap",
        "c2st",
    }
    assert next(iter(METRICS)) == "headline"
    assert all(name == metric.name for name, metric in METRICS.items())
    assert len({metric.title for metric in METRICS.values()}) == len(METRICS)
    for metric in METRICS.values():
        assert metric.help.endswith("."), metric.name
        assert metric.source, metric.name


# The evaluator


@pytest.fixture(scope="module")
def evaluators() -> dict[str, Evaluator]:
    return {name: Evaluator(shape) for name, shape in SHAPES.items()}


@every_shape
def test_live_and_full_give_every_metric_of_the_shape(shape: Shape, evaluators: dict[str, Evaluator]) -> None:
    evaluator = evaluators[shape.name]
    points = shape.sample(evaluator.n, rng(1))
    expected = set(LIVE)
    expected |= OF_CURVES if shape.kind == "curve" else set()
    expected |= OF_MIXTURES if shape.kind == "mixture" else set()
    live, full = evaluator.live(points), evaluator.full(points)
    assert set(live) == expected
    assert set(full) == expected | DEAR
    assert all(type(value) is float and math.isfinite(value) for value in full.values())
    assert {name: full[name] for name in live} == live


def test_the_evaluator_agrees_with_the_functions(evaluators: dict[str, Evaluator]) -> None:
    evaluator = evaluators["grid25"]
    points = SHAPES["grid25"].sample(1000, rng(1)) * np.float32(1.01)
    found = evaluator.full(points)
    near = precision_recall_density_coverage(evaluator.real, points)
    modes = mode_statistics(points, *mixture("grid25"))
    assert found["sliced_wasserstein"] == sliced_wasserstein(points, evaluator.real)
    assert found["sw_ratio"] == found["sliced_wasserstein"] / evaluator.floor
    assert found["energy_distance"] == pytest.approx(energy_distance(points, evaluator.real), abs=1e-12)
    for name in ("precision", "recall", "density", "coverage"):
        assert found[name] == getattr(near, name), name
    assert found["modes"] == modes.covered
    assert found["high_quality"] == modes.high_quality
    assert found["reverse_kl"] == modes.reverse_kl
    assert found["mode_spread"] == modes.spread


def test_the_same_seed_gives_the_same_evaluator(evaluators: dict[str, Evaluator]) -> None:
    points = SHAPES["two-moons"].sample(1000, rng(1))
    again, other = Evaluator(SHAPES["two-moons"]), Evaluator(SHAPES["two-moons"], seed=1)
    assert again.full(points) == evaluators["two-moons"].full(points)
    assert other.live(points) != again.live(points)


@pytest.mark.parametrize("seed", [0, 2014, 2**32 - 1])
def test_the_evaluation_sample_is_no_sample_that_a_run_trains_on(seed: int) -> None:
    evaluator = Evaluator(SHAPES["two-moons"], n=100, seed=seed)
    trained_on = SHAPES["two-moons"].sample(100, np.random.default_rng(seed))
    assert not np.array_equal(evaluator.real, trained_on)


def test_the_evaluation_sample_cannot_be_changed(evaluators: dict[str, Evaluator]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        evaluators["two-moons"].real[0] = 0


@every_shape
def test_real_points_are_as_good_as_real_on_average(shape: Shape, evaluators: dict[str, Evaluator]) -> None:
    evaluator, one = evaluators[shape.name], rng(77)
    found = [evaluator.live(shape.sample(1000, one)) for _ in range(40)]
    # One sample's ratio scatters by 0.4, so a mean of 40, over a floor of 64, by 0.08.
    assert np.mean([each["sw_ratio"] for each in found]) == pytest.approx(1, abs=0.3)
    assert np.mean([each["headline"] for each in found]) < 0.08
    assert np.mean([each["coverage"] for each in found]) == pytest.approx(METRICS["coverage"].ideal, abs=0.01)


@every_shape
def test_the_headline_sees_collapse_shift_and_blur(shape: Shape, evaluators: dict[str, Evaluator]) -> None:
    evaluator = evaluators[shape.name]
    real = shape.sample(1000, rng(5)).astype(np.float64)
    size = real.std(axis=0).mean()
    assert evaluator.live(real)["headline"] < 0.2
    assert evaluator.live(np.repeat(real[:1], 1000, axis=0))["headline"] > 1.5
    assert evaluator.live(real + 0.5 * size)["headline"] > 0.5
    assert evaluator.live(real + 0.4 * size * rng(6).standard_normal((1000, 2)))["headline"] > 0.2


def test_a_collapsed_sample_is_seen_by_all(evaluators: dict[str, Evaluator]) -> None:
    points = np.full((1000, 2), 2.0, dtype=np.float32)
    found = evaluators["grid25"].full(points)
    assert (found["modes"], found["high_quality"], found["mode_spread"]) == (1.0, 1.0, 0.0)
    assert found["reverse_kl"] == pytest.approx(math.log(25))
    assert found["sw_ratio"] > 10
    assert found["coverage"] < 0.02
    assert found["recall"] < 0.01
    assert found["headline"] > 2


def test_a_blurred_sample_shows_in_coverage_and_hardly_in_the_distance(evaluators: dict[str, Evaluator]) -> None:
    blur = np.float32(0.15) * rng(9).standard_normal((1000, 2)).astype(np.float32)
    found = evaluators["grid25"].full(SHAPES["grid25"].sample(1000, rng(1)) + blur)
    assert found["sw_ratio"] < 2
    assert found["coverage"] < 0.8
    assert found["precision"] < 0.7
    assert found["density"] < 0.5
    assert found["high_quality"] < 0.6
    assert found["headline"] > 0.4


def test_missing_x_is_seen_where_the_error_is_blind(evaluators: dict[str, Evaluator]) -> None:
    x = rng(1).uniform(10, 30, 1000)
    points = np.column_stack((x, 1.08**x)).astype(np.float32)
    found = evaluators["exponential"].live(points)
    assert found["mse"] < 1e-9
    assert found["x_coverage"] == pytest.approx(0.4, abs=0.01)
    assert found["sw_ratio"] > 5
    assert found["headline"] > 1


def test_points_beyond_the_curve_are_seen_where_the_error_is_blind(evaluators: dict[str, Evaluator]) -> None:
    x = rng(1).uniform(0, 70, 1000)
    points = np.column_stack((x, 1.08**x)).astype(np.float32)
    found = evaluators["exponential"].full(points)
    assert found["mse"] < 1e-9
    assert found["x_coverage"] == 1.0
    assert found["sw_ratio"] > 20
    assert found["precision"] < 0.8


@every_shape
def test_a_sample_nowhere_near_has_a_finite_headline_that_falls_on_the_way(
    shape: Shape, evaluators: dict[str, Evaluator]
) -> None:
    start = shape.sample(1000, rng(1))
    found = [evaluators[shape.name].full(start + np.float32(away)) for away in (1e30, 1e6, 1e4, 300)]
    headlines = [each["headline"] for each in found]
    assert all(map(math.isfinite, headlines))
    assert all(further > nearer for further, nearer in pairwise(headlines))


@pytest.mark.parametrize("name", ["exponential", "grid25", "two-moons"])
@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_a_point_that_is_not_finite_makes_the_sample_the_worst(
    name: str, broken: float, evaluators: dict[str, Evaluator]
) -> None:
    points = SHAPES[name].sample(1000, rng(1))
    sound = evaluators[name].full(points)
    points[17, 1] = broken
    worst = evaluators[name].full(points)
    assert set(worst) == set(sound)
    assert not any(map(math.isnan, worst.values()))
    for metric, value in worst.items():
        if METRICS[metric].better == "lower":
            assert value > sound[metric], metric
        else:
            assert value == 0.0, metric


def test_points_at_the_end_of_the_float_range_are_infinitely_far(evaluators: dict[str, Evaluator]) -> None:
    found = evaluators["two-moons"].live(np.full((1000, 2), np.finfo(np.float32).max))
    assert found["headline"] == math.inf
    assert found["coverage"] == 0.0


def test_a_sample_of_another_size_is_refused(evaluators: dict[str, Evaluator]) -> None:
    points = SHAPES["grid25"].sample(999, rng())
    for judge in (evaluators["grid25"].live, evaluators["grid25"].full):
        with pytest.raises(ValueError, match=r"\(1000, 2\), not \(999, 2\)"):
            judge(points)
    with pytest.raises(ValueError, match="more than 5 points"):
        Evaluator(SHAPES["line"], n=5)


def test_measuring_loads_neither_torch_nor_scikit_learn() -> None:
    code = (
        "import sys, numpy as np\n"
        "from gandash.core.metrics import METRICS, Evaluator\n"
        "from gandash.core.targets.shapes import SHAPES\n"
        "print(sorted({'torch', 'scipy', 'sklearn'} & set(sys.modules)))\n"
        "Evaluator(SHAPES['ring8']).full(SHAPES['ring8'].sample(1000, np.random.default_rng(0)))\n"
        "print(sorted({'torch', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == ["[]", "[]"]
