"""The targets: what each one promises."""

import numpy as np
import pytest

from gandash.core.shapes import SHAPES, Shape

NAMES = ["exponential", "inverted-u", "line", "sine", "parabola", "circle", "two-circles", "two-moons", "spiral", "swiss-roll", "heart", "star", "checkerboard", "ring8", "grid25", "pinwheel"]

every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=lambda shape: shape.name)


def test_names() -> None:
    assert list(SHAPES) == NAMES
    assert all(name == shape.name for name, shape in SHAPES.items())
    assert len({shape.title for shape in SHAPES.values()}) == len(SHAPES)


@every_shape
def test_samples(shape: Shape) -> None:
    points = shape.sample(3001, np.random.default_rng(1))
    assert points.shape == (3001, 2) and points.dtype == np.float32 and points.flags.c_contiguous
    np.testing.assert_array_equal(points, shape.sample(3001, np.random.default_rng(1)))
    assert not np.array_equal(points, shape.sample(3001, np.random.default_rng(2)))
    assert shape.sample(1, np.random.default_rng(0)).shape == (1, 2)
    with pytest.raises(ValueError, match="at least 1"):
        shape.sample(0, np.random.default_rng(0))


@every_shape
def test_bounds_hold_the_points_and_little_else(shape: Shape) -> None:
    points = shape.sample(20_000, np.random.default_rng(0))
    for axis, (low, high) in enumerate(shape.bounds):
        inside = (points[:, axis] >= low) & (points[:, axis] <= high)
        assert inside.mean() > 0.999
        assert np.ptp(points[inside, axis]) > 0.5 * (high - low)


@pytest.mark.parametrize("name", ["exponential", "inverted-u", "line", "sine", "parabola"])
def test_curves_know_their_function(name: str) -> None:
    shape = SHAPES[name]
    assert shape.kind == "curve" and shape.curve is not None and shape.x_range is not None
    x, y = shape.sample(5000, np.random.default_rng(0)).astype(np.float64).T
    np.testing.assert_allclose(y, shape.curve(x), atol=1e-4)
    low, high = shape.x_range
    counts, _ = np.histogram(x, bins=10, range=shape.x_range)
    assert counts.sum() == 5000 and counts.min() > 400
    assert x.min() < low + 0.01 * (high - low) and x.max() > high - 0.01 * (high - low)


def test_the_textbooks_curves() -> None:
    growth, inverted = SHAPES["exponential"], SHAPES["inverted-u"]
    assert growth.curve is not None and inverted.curve is not None
    assert growth.bounds == ((0, 50), (0, 50)) and growth.x_range == (0, 50) and inverted.x_range == (-5, 5)
    np.testing.assert_allclose(growth.curve(np.array([0.0, 1.0, 50.0])), [1, 1.08, 1.08**50])
    np.testing.assert_allclose(inverted.curve(np.array([0.0, 3.0, -5.0])), [10, 1, -15])


def test_curves_stay_silent_far_out() -> None:
    curve = SHAPES["exponential"].curve
    assert curve is not None
    assert curve(np.array([1e6]))[0] == np.inf


@pytest.mark.parametrize(("name", "count", "std"), [("ring8", 8, 0.01), ("grid25", 25, 0.05)])
def test_mixtures_know_their_modes(name: str, count: int, std: float) -> None:
    shape = SHAPES[name]
    assert shape.modes is not None and shape.modes.shape == (count, 2) and shape.mode_std == std
    points = shape.sample(50_000, np.random.default_rng(0)).astype(np.float64)
    offsets = points[:, None] - shape.modes
    nearest = np.linalg.norm(offsets, axis=2).argmin(axis=1)
    shares = np.bincount(nearest, minlength=count) / len(points)
    assert np.abs(shares * count - 1).max() < 0.1
    residual = offsets[np.arange(len(points)), nearest]
    np.testing.assert_allclose(residual.std(axis=0), std, rtol=0.02)


def test_the_mixtures_of_pacgans_protocol() -> None:
    ring, grid = SHAPES["ring8"].modes, SHAPES["grid25"].modes
    assert ring is not None and grid is not None
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), 1)
    assert {tuple(mode) for mode in grid} == {(x, y) for x in (-4, -2, 0, 2, 4) for y in (-4, -2, 0, 2, 4)}


@pytest.mark.parametrize("name", ["heart", "star"])
def test_closed_lines_are_uniform_by_arc_length(name: str) -> None:
    """Two halves of equal length hold equally many points: left and right of the axis of symmetry."""
    points = SHAPES[name].sample(20_000, np.random.default_rng(0))
    assert (points[:, 0] > 0).mean() == pytest.approx(0.5, abs=0.015)
    order = np.argsort(np.arctan2(points[:, 1] - points[:, 1].mean(), points[:, 0]))
    gaps = np.linalg.norm(np.diff(points[order], axis=0), axis=1)
    assert np.quantile(gaps, 0.999) < 20 * np.median(gaps)


def test_the_checkerboard_leaves_the_white_squares_empty() -> None:
    points = SHAPES["checkerboard"].sample(8000, np.random.default_rng(0))
    column, row = np.clip(np.floor(points + 2), 0, 3).astype(int).T
    assert ((column + row) % 2 == 0).all()
    counts = np.bincount(4 * column + row, minlength=16)
    assert (counts > 0).sum() == 8 and counts[counts > 0].min() > 800
