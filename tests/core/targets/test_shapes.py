"""The shapes: what each promises of its points, held against closed forms and against scikit-learn's samplers."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import make_circles, make_moons, make_swiss_roll

from gandash.core.metrics import Evaluator
from gandash.core.targets.shapes import SHAPES, Shape

NAMES = [
    *("exponential", "inverted-u", "line", "sine", "parabola"),
    *("circle", "two-circles", "two-moons", "spiral", "swiss-roll", "heart", "star"),
    *("checkerboard", "ring8", "grid25", "pinwheel"),
]


def every(*kinds: str) -> pytest.MarkDecorator:
    shapes = [shape for shape in SHAPES.values() if shape.kind in kinds]
    return pytest.mark.parametrize("shape", shapes, ids=lambda shape: shape.name)


every_shape = every("curve", "closed line", "mixture", "area")
every_curve = every("curve")
every_mixture = every("mixture")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_registry_holds_the_sixteen_shapes_in_order() -> None:
    assert list(SHAPES) == NAMES
    assert all(name == shape.name for name, shape in SHAPES.items())
    assert len({shape.title for shape in SHAPES.values()}) == len(NAMES)


def test_the_registry_cannot_be_changed_by_its_users() -> None:
    with pytest.raises(TypeError):
        SHAPES["blob"] = SHAPES["line"]  # type: ignore[index]
    with pytest.raises(ValueError, match="read-only"):
        SHAPES["ring8"].modes[0] = 0.0  # type: ignore[index]


@every_shape
@pytest.mark.parametrize("n", [1, 2, 1001])
def test_a_sample_is_contiguous_float32_of_n_points(shape: Shape, n: int) -> None:
    points = shape.sample(n, rng())
    assert points.shape == (n, 2)
    assert points.dtype == np.float32
    assert points.flags.c_contiguous
    assert np.isfinite(points).all()


@every_shape
def test_the_seed_decides_the_bits(shape: Shape) -> None:
    assert shape.sample(500, rng(3)).tobytes() == shape.sample(500, rng(3)).tobytes()
    assert shape.sample(500, rng(3)).tobytes() != shape.sample(500, rng(4)).tobytes()


@every_shape
def test_one_generator_gives_a_new_sample_each_time(shape: Shape) -> None:
    one = rng()
    assert not np.array_equal(shape.sample(100, one), shape.sample(100, one))


@every_shape
def test_points_come_in_no_order(shape: Shape) -> None:
    x = shape.sample(4000, rng())[:, 0]
    # Independent draws have a lag-1 correlation of about 0, with a standard deviation of 1 / √n = 0.016.
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 0.08


@every_shape
@pytest.mark.parametrize("n", [0, -5])
def test_an_empty_sample_is_refused(shape: Shape, n: int) -> None:
    with pytest.raises(ValueError, match=f"n is {n}; a sample has at least 1 point"):
        shape.sample(n, rng())


@pytest.mark.parametrize("n", [2.5, "10", None])
def test_a_number_of_points_that_is_not_whole_is_refused(n: object) -> None:
    with pytest.raises(ValueError, match="must be a whole number"):
        SHAPES["line"].sample(n, rng())  # type: ignore[arg-type]


@every_shape
def test_the_bounds_hold_the_points_and_are_not_much_wider(shape: Shape) -> None:
    points = shape.sample(100_000, rng())
    low, high = np.array(shape.bounds).T
    outside = ((points < low) | (points > high)).any(axis=1).mean()
    assert outside <= (3e-4 if shape.name == "pinwheel" else 0.0)  # the pinwheel's arms fade out like a Gaussian
    assert (np.ptp(points, axis=0) > 0.6 * (high - low)).all()


@every_curve
def test_a_curve_is_its_function_with_x_uniform(shape: Shape) -> None:
    assert shape.curve is not None
    assert shape.x_range is not None
    low, high = shape.x_range
    points = shape.sample(20_000, rng()).astype(np.float64)
    assert points[:, 0].min() >= low - 1e-6
    assert points[:, 0].max() <= high + 1e-6
    assert stats.kstest(points[:, 0], stats.uniform(low, high - low).cdf).pvalue > 1e-3
    # Only the rounding of x and y to float32 lies between them.
    np.testing.assert_allclose(points[:, 1], shape.curve(points[:, 0]), rtol=1e-5, atol=1e-5)


def test_the_formulas_of_the_curves() -> None:
    x = np.array([-1.0, 0.0, 0.5])
    expected = {"inverted-u": 10 - x**2, "line": x, "sine": np.sin(x), "parabola": x * x, "exponential": 1.08**x}
    for name, y in expected.items():
        curve = SHAPES[name].curve
        assert curve is not None
        np.testing.assert_array_equal(curve(x), y)
        assert curve(x.astype(np.float32)).dtype == np.float64


def test_the_textbook_curves_have_the_textbook_ranges() -> None:
    assert SHAPES["exponential"].x_range == (0, 50)
    assert SHAPES["exponential"].bounds == ((0, 50), (0, 50))
    assert SHAPES["inverted-u"].x_range == (-5, 5)


@pytest.mark.parametrize(("name", "y"), [("exponential", np.inf), ("inverted-u", -np.inf), ("parabola", np.inf)])
def test_a_curve_far_out_is_infinite_without_a_warning(name: str, y: float) -> None:
    curve = SHAPES[name].curve
    assert curve is not None
    assert curve(np.array([1e300]))[0] == y


@every_mixture
def test_a_mixture_is_round_gaussians_of_equal_weight(shape: Shape) -> None:
    assert shape.modes is not None
    assert shape.mode_std is not None
    points = shape.sample(50_000, rng()).astype(np.float64)
    distance = np.linalg.norm(points[:, None] - shape.modes, axis=2)
    nearest = distance.argmin(axis=1)
    assert stats.chisquare(np.bincount(nearest, minlength=len(shape.modes))).pvalue > 1e-3
    offsets = (points - shape.modes[nearest]) / shape.mode_std
    for axis in offsets.T:
        assert stats.kstest(axis, "norm").pvalue > 1e-3
    # The squared distance over the variance follows chi² with 2 degrees of freedom, so 1 - exp(-4.5) are within 3 std.
    assert (distance.min(axis=1) <= 3 * shape.mode_std).mean() == pytest.approx(0.98889, abs=0.002)


def test_ring_and_grid_are_those_of_pacgan() -> None:
    ring, grid = SHAPES["ring8"], SHAPES["grid25"]
    assert ring.modes is not None
    assert grid.modes is not None
    assert (ring.mode_std, grid.mode_std) == (0.01, 0.05)
    np.testing.assert_allclose(np.linalg.norm(ring.modes, axis=1), 1)
    np.testing.assert_allclose(np.diff(np.sort(np.arctan2(ring.modes[:, 1], ring.modes[:, 0]))), np.pi / 4)
    assert {tuple(mode) for mode in grid.modes} == {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}


@every_shape
def test_only_curves_and_mixtures_know_more_than_their_points(shape: Shape) -> None:
    assert (shape.curve is not None) == (shape.x_range is not None) == (shape.kind == "curve")
    assert (shape.modes is not None) == (shape.mode_std is not None) == (shape.kind == "mixture")


def test_the_circle_is_uniform_around_its_centre() -> None:
    points = SHAPES["circle"].sample(20_000, rng()).astype(np.float64)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-6)
    turn = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) + 0.5
    assert stats.kstest(turn, "uniform").pvalue > 1e-3


def test_the_checkerboard_is_eight_squares_of_one_colour_and_of_equal_weight() -> None:
    points = SHAPES["checkerboard"].sample(40_000, rng())
    squares, counts = np.unique(np.floor(points), axis=0, return_counts=True)
    expected = {(x, y) for x in range(-2, 2) for y in range(-2, 2) if (x + y) % 2 == 0}
    assert {tuple(square) for square in squares} == expected
    assert stats.chisquare(counts).pvalue > 1e-3
    for axis in (points - np.floor(points)).T:
        assert stats.kstest(axis, "uniform").pvalue > 1e-3


def test_the_star_is_uniform_along_its_ten_sides() -> None:
    points = SHAPES["star"].sample(20_000, rng()).astype(np.float64)
    turn = (np.arctan2(points[:, 1], points[:, 0]) - np.pi / 2) % (2 * np.pi)
    side = np.floor(turn / (np.pi / 5)).astype(int) % 10
    assert stats.chisquare(np.bincount(side, minlength=10)).pvalue > 1e-3
    tip, dent = np.array([0.0, 1.0]), 0.382 * np.array([-np.sin(np.pi / 5), np.cos(np.pi / 5)])
    first = points[side == 0]
    along = (first - tip) @ (dent - tip) / np.sum((dent - tip) ** 2)
    np.testing.assert_allclose(first, tip + along[:, None] * (dent - tip), atol=1e-6)
    assert stats.kstest(along, "uniform").pvalue > 1e-3


def test_the_heart_is_uniform_by_arc_length() -> None:
    t = np.linspace(0, 2 * np.pi, 200_001)
    x, y = 16 * np.sin(t) ** 3, 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    length = np.concatenate(([0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))))
    points = SHAPES["heart"].sample(20_000, rng()).astype(np.float64)
    # The outline is symmetric and its flanks fall steadily, so the height tells where along them a point lies.
    flank = (t > 1.5) & (t < np.pi)
    heights = points[(points[:, 1] < y[flank].max()) & (points[:, 1] > -16.9), 1]
    at = np.interp(heights, y[flank][::-1], length[flank][::-1])
    low, high = at.min(), at.max()
    assert stats.kstest((at - low) / (high - low), "uniform").pvalue > 1e-3
    assert len(heights) / len(points) == pytest.approx(2 * (high - low) / length[-1], abs=0.02)


def test_the_pinwheel_has_five_arms_alike() -> None:
    points = SHAPES["pinwheel"].sample(50_000, rng()).astype(np.float64)
    radius = np.linalg.norm(points, axis=1) / 2
    # Undo the bend, exp(r) / 4 clockwise: what is left is five narrow wedges.
    turn = -np.arctan2(points[:, 1], points[:, 0]) - 0.25 * np.exp(radius)
    arm = np.rint(turn / (2 * np.pi / 5)).astype(int) % 5
    assert stats.chisquare(np.bincount(arm)).pvalue > 1e-3
    off = (turn - np.rint(turn / (2 * np.pi / 5)) * 2 * np.pi / 5)[radius > 0.7]
    assert off.std() == pytest.approx(0.1, abs=0.03)


@pytest.mark.parametrize("name", ["two-circles", "two-moons", "swiss-roll"])
def test_shapes_known_from_scikit_learn_have_its_distribution(name: str) -> None:
    n = 2000
    theirs = {
        "two-circles": make_circles(n, noise=0.03, factor=0.5, random_state=0)[0],
        "two-moons": make_moons(n, noise=0.05, random_state=0)[0],
        "swiss-roll": make_swiss_roll(n, noise=0.3, random_state=0)[0][:, (0, 2)],
    }[name]
    judged = Evaluator(SHAPES[name], n).full(theirs)
    assert judged["sw_ratio"] < 2
    assert judged["coverage"] > 0.94
    assert judged["precision"] > 0.94


def test_the_spiral_has_two_arms_alike_turned_by_half_a_turn() -> None:
    points = SHAPES["spiral"].sample(20_000, rng()).astype(np.float64)
    radius = np.linalg.norm(points, axis=1)
    turn = (np.arctan2(points[:, 1], points[:, 0]) - 3 * np.pi * radius + np.pi / 2) % (2 * np.pi)
    outer = radius > 0.4
    arms = turn[outer] > np.pi
    assert arms.mean() == pytest.approx(0.5, abs=0.02)
    for arm, centre in ((arms, 1.5 * np.pi), (~arms, 0.5 * np.pi)):
        # Noise of 0.02 across an arm is 0.02 / r in angle, and noise along the radius 3π · 0.02.
        assert np.abs(turn[outer][arm] - centre).max() < 1.2
        assert (turn[outer][arm] - centre).mean() == pytest.approx(0, abs=0.02)


def test_importing_and_sampling_loads_neither_torch_nor_scipy_nor_scikit_learn() -> None:
    code = (
        "import sys, numpy as np\n"
        "from gandash.core.targets.shapes import SHAPES\n"
        "for shape in SHAPES.values(): shape.sample(10, np.random.default_rng(0))\n"
        "print(sorted({'torch', 'scipy', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
