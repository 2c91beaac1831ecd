"""Figures: what is drawn, how much of it is sent, and what odd data does to them."""

from __future__ import annotations

import time
from types import MappingProxyType
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gandash.charts.figures import MOST_POINTS, PALETTES, Theme, losses, metric, overlay, scores, thin, thumbnail_svg
from gandash.core.metrics import METRICS
from gandash.core.targets.shapes import SHAPES, Shape
from gandash.runs.snapshot import History


def history(epochs: int, **columns: NDArray[np.float64]) -> History:
    """A history of so many epochs; columns that are not given are a slow wave."""
    wave = 1 + np.sin(np.arange(epochs) / 1000)
    usual = dict.fromkeys(("generator_loss", "discriminator_loss", "d_real", "d_fake"), wave)
    return History(np.arange(1, epochs + 1), MappingProxyType(usual | columns))


@pytest.mark.parametrize("theme", get_args(Theme))
@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_the_overlay_keeps_to_the_axes_of_the_shape(shape: Shape, theme: Theme) -> None:
    real = shape.sample(100, np.random.default_rng(0))
    figure = overlay(shape, real, theme)
    assert [trace.name for trace in figure.data] == ["real", "generated"]
    assert (figure.layout.xaxis.range, figure.layout.yaxis.range) == shape.bounds
    assert figure.data[1].marker.symbol == "star"
    real_opacity, generated_opacity = (float(trace.marker.color[5:-1].split(",")[3]) for trace in figure.data)
    assert real_opacity < generated_opacity < 1
    np.testing.assert_array_equal(figure.data[0].x, real[:, 0])
    assert len(figure.data[1].x) == 0


def test_the_plane_has_one_unit_and_a_curve_two() -> None:
    real = np.zeros((1, 2), np.float32)
    assert overlay(SHAPES["circle"], real, "light").layout.yaxis.scaleanchor == "x"
    assert overlay(SHAPES["exponential"], real, "light").layout.yaxis.scaleanchor is None


def test_a_long_history_is_thinned_and_its_spikes_stay() -> None:
    loss = np.ones(100_000)
    loss[[12_345, 67_890]] = 50, -50
    figure = losses(history(100_000, generator_loss=loss), "light")
    for trace in figure.data:
        assert len(trace.x) == len(trace.y) <= MOST_POINTS
    drawn = dict(zip(figure.data[1].x, figure.data[1].y, strict=True))
    assert (drawn[12_346], drawn[67_891]) == (50, -50)
    assert {1, 100_000} <= drawn.keys()


@given(st.integers(0, 5000), st.integers(4, 200), st.integers(0, 2**32 - 1))
def test_thinning_keeps_the_order_the_ends_and_the_extremes(n: int, limit: int, seed: int) -> None:
    y = np.random.default_rng(seed).standard_normal(n)
    x = np.arange(n)
    kept_x, kept_y = thin(x, y, limit)
    assert len(kept_x) == len(kept_y) <= limit
    assert (np.diff(kept_x) > 0).all()
    np.testing.assert_array_equal(kept_y, y[kept_x])
    if n:
        assert (kept_x[0], kept_x[-1]) == (0, n - 1)
        assert (kept_y.min(), kept_y.max()) == (y.min(), y.max())


def test_what_was_not_measured_or_is_not_finite_is_left_out() -> None:
    values = np.array([1.0, np.nan, 2.0, np.inf, 3.0])
    figure = losses(history(5, generator_loss=values), "dark")
    assert list(figure.data[1].x) == [1, 3, 5]
    assert list(figure.data[1].y) == [1, 2, 3]


def test_a_tick_of_a_long_run_costs_little_more_than_one_of_a_short_run() -> None:
    """Thinning is a pass over the data; a figure with a hundred times the points would cost far more."""

    def seconds(epochs: int) -> float:
        data = history(epochs, headline=1 + np.arange(epochs) / epochs)
        best = np.inf
        for _ in range(5):
            start = time.perf_counter()
            for figure in (losses(data, "light"), scores(data, "light"), metric(data, ["headline"], "light")):
                figure.to_plotly_json()
            best = min(best, time.perf_counter() - start)
        return best

    assert seconds(100_000) < 10 * seconds(1_000)


def test_levels_that_mean_something_are_marked_only_where_they_do() -> None:
    data = history(10)
    assert [note.text for note in losses(data, "light").layout.annotations] == ["ln 2", "2 ln 2"]
    assert not losses(data, "light", "wgan-gp").layout.annotations
    assert scores(data, "light").layout.yaxis.range == (0, 1)
    assert scores(data, "light", "hinge").layout.yaxis.range is None


def test_metrics_that_differ_in_size_get_a_logarithmic_axis_and_their_ideal() -> None:
    data = history(100, headline=np.geomspace(1000, 1, 100), coverage=np.linspace(0, 1, 100))
    assert METRICS["headline"].log_scale and not METRICS["coverage"].log_scale
    assert metric(data, ["headline"], "light").layout.yaxis.type == "log"
    assert metric(data, ["headline", "coverage"], "light").layout.yaxis.type is None
    ideal = metric(data, ["headline"], "light").layout
    assert ideal.shapes[0].y0 == 1 and ideal.annotations[0].y == 0


def test_a_metric_not_measured_yet_says_so() -> None:
    figure = metric(history(3), ["headline"], "light")
    assert not figure.data
    assert figure.layout.annotations[0].text == "Not measured yet"


def test_an_empty_history_is_an_empty_chart() -> None:
    for figure in (losses(History(), "light"), scores(History(), "dark")):
        assert all(len(trace.x) == 0 for trace in figure.data)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_a_thumbnail_is_small_and_always_the_same(shape: Shape) -> None:
    svg = thumbnail_svg(shape)
    assert svg.startswith("<svg") and "nan" not in svg
    assert len(svg) < 4000
    thumbnail_svg.cache_clear()
    assert thumbnail_svg(shape) == svg


def test_the_themes_differ_in_every_colour_of_the_points() -> None:
    light, dark = PALETTES["light"], PALETTES["dark"]
    assert light.real != dark.real and light.generated != dark.generated
