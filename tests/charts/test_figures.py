"""Figures: what is drawn, how much of it is sent, and what odd data does to them."""

from __future__ import annotations

import re
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray

from gandash.charts.figures import (
    PALETTES,
    Theme,
    losses,
    metric,
    overlay,
    preview_svg,
    result_svg,
    scores,
    thumbnail_svg,
)
from gandash.charts.series import MOST_POINTS, smooth
from gandash.core.metrics import METRICS
from gandash.core.targets import Canvas, Target
from gandash.core.targets.shapes import SHAPES, Shape
from gandash.core.targets.target import Points
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
    dots, stars = figure.data
    assert dots.zorder > (stars.zorder or 0) and dots.marker.size < stars.marker.size / 2  # both can be seen
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


class Helix(Target):
    """Points in space, seen from its side: height over breadth."""

    name, title, formula, dim, columns = "helix", "Helix", "(cos t, sin t, t)", 3, ("x", "y", "z")

    @property
    def canvas(self) -> Canvas:  # type: ignore[override]
        return SideView(bounds=((-1, 1), (0, 10)), axes=("breadth", "height <z>"), equal=False)

    def draw(self, n: int, rng: np.random.Generator) -> NDArray[np.float64]:
        t = rng.uniform(0, 10, n)
        return np.column_stack((np.cos(t), np.sin(t), t))


class SideView(Canvas):
    def project(self, points: Points) -> Points:
        return points[:, [0, 2]]


def test_a_target_in_space_is_drawn_as_its_canvas_sees_it() -> None:
    helix = Helix()
    real = helix.sample(50, np.random.default_rng(0))
    figure = overlay(helix, real, "light")
    np.testing.assert_array_equal(figure.data[0].y, real[:, 2])
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("breadth", "height <z>")
    for svg in (thumbnail_svg(helix), result_svg(helix, real), preview_svg(helix, real)):
        ElementTree.fromstring(svg)


def test_a_smoothed_line_has_the_raw_one_faint_behind_it() -> None:
    loss = np.random.default_rng(0).normal(size=500)
    loss[[3, 100]] = np.nan, np.inf
    data = history(500, generator_loss=loss, headline=loss + 9)
    for figure in (losses(data, "light", smoothing=0.8), metric(data, ["headline"], "dark", smoothing=0.8)):
        raw, average = figure.data[-2:]
        assert (raw.showlegend, raw.hoverinfo, raw.legendgroup) == (False, "skip", average.legendgroup)
        assert raw.line.width < average.line.width and raw.line.color.startswith("rgba")
        np.testing.assert_array_equal(raw.x, average.x)
        np.testing.assert_allclose(average.y, smooth(raw.y.astype(np.float64), 0.8), rtol=1e-5, atol=1e-6)
    assert len(losses(data, "light").data) == len(scores(data, "light").data) == 2
    assert len(scores(data, "light", smoothing=0.5).data) == 4


def test_a_long_history_is_smoothed_before_it_is_thinned() -> None:
    loss = np.random.default_rng(0).normal(size=50_000)
    figure = losses(history(50_000, generator_loss=loss), "light", smoothing=0.99)
    average = figure.data[-1]
    assert len(average.x) <= MOST_POINTS
    np.testing.assert_allclose(average.y, smooth(loss, 0.99)[average.x - 1], rtol=1e-5, atol=1e-6)


def test_a_peak_does_not_flatten_the_rest_and_is_told() -> None:
    loss = 1 + np.random.default_rng(0).uniform(size=200)
    loss[20] = 1.2e13
    layout = losses(history(200, generator_loss=loss), "light").layout
    assert layout.yaxis.type is None and layout.yaxis.range[1] < 10
    assert layout.meta["cut"] == "Peaks up to 1.2e13 are cut off"
    layout = scores(history(200, d_real=-loss), "light", "wgan-gp").layout
    assert layout.yaxis.range[0] > -10
    assert layout.meta["cut"] == "Dips down to -1.2e13 are cut off"
    layout = metric(history(200, headline=loss), ["headline"], "light").layout
    assert layout.yaxis.type == "log" and layout.yaxis.range[1] < 1
    assert "1.2e13" in layout.meta["cut"]
    calm = losses(history(200), "light").layout
    assert calm.yaxis.range is None and "cut" not in calm.meta


def test_losses_over_many_decades_get_a_logarithmic_axis() -> None:
    loss = np.geomspace(1e13, 1, 100)
    layout = losses(history(100, generator_loss=loss), "light").layout
    assert layout.yaxis.type == "log" and "cut" not in layout.meta
    assert layout.annotations[0].y == pytest.approx(np.log10(np.log(2)))
    loss[3] = -1
    assert losses(history(100, generator_loss=loss), "light").layout.yaxis.type is None


@pytest.mark.parametrize("decades", [1, 2, 3, 4, 5, 8, 33])
def test_a_logarithmic_axis_is_neither_bare_nor_crowded(decades: float) -> None:
    """Plotly's rule: steps are whole powers of ten if more than 0.7 of one is asked for, else 1, 2 and 5 of each."""
    layout = metric(history(90, headline=np.logspace(0, decades, 90)), ["headline"], "light").layout
    rough = decades / layout.yaxis.nticks
    marks = decades / np.ceil(rough) if rough > 0.7 else 3 * decades
    assert layout.yaxis.type == "log" and rough > 0.3 and 2 <= marks <= 7


def test_where_a_run_goes_on_from_another_is_marked() -> None:
    data = history(30, headline=np.ones(30))
    for figure in (
        losses(data, "light", since=12),
        scores(data, "dark", since=12),
        metric(data, [], "light", since=12),
    ):
        line, word = figure.layout.shapes[0], figure.layout.annotations[0]
        assert (line.x0, line.x1, word.x, word.text) == (12, 12, 12, "trained on")
    for since in (None, 0):
        assert "trained on" not in str(losses(data, "light", since=since))


def test_epochs_are_whole_and_have_a_name() -> None:
    for figure in (losses(history(2), "light"), scores(history(2), "light"), metric(history(2), [], "light")):
        axis = figure.layout.xaxis
        assert axis.title.text == "epoch"
        low, high = axis.autorangeoptions.include
        assert low == 0 and (high - low) / axis.nticks > 0.5  # Plotly's steps are 0.5, 1, 2, ...; the next above this
        assert figure.layout.meta["narrowest"] / axis.nticks > 0.5


def test_metrics_say_their_units() -> None:
    data = history(9, headline=np.ones(9), coverage=np.ones(9), recall=np.ones(9))
    alone, shared, mixed = METRICS["headline"], METRICS["coverage"], ["headline", "coverage"]
    assert metric(data, ["headline"], "light").layout.title.text == f"{alone.title} ({alone.unit})"
    assert metric(data, ["coverage", "recall"], "light").layout.title.text == shared.unit
    names = [trace.name for trace in metric(data, mixed, "light").data]
    assert names == [f"{METRICS[name].title} ({METRICS[name].unit})" for name in mixed]


def texts(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Each font size in a layout, and where it is."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [(path, inner)] if name == "size" and path.endswith("font") else texts(inner, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner, path)


def test_no_text_in_a_chart_is_smaller_than_11_pixels() -> None:
    data = history(30, headline=np.ones(30))
    real = SHAPES["circle"].sample(9, np.random.default_rng(0))
    charts = (losses(data, "light", since=3), scores(data, "light"), metric(data, ["headline"], "light"))
    for figure in (*charts, overlay(SHAPES["circle"], real, "light")):
        sizes = dict(texts(figure.to_plotly_json()["layout"]))
        assert len(sizes) >= 5 and min(sizes.values()) >= 11, sizes
    assert 'font-size="11"' in preview_svg(SHAPES["circle"], real)


def luminance(colour: str) -> float:
    """Relative luminance of ``#rrggbb`` (WCAG 2.2)."""
    shares = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return float(
        np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
    )


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", get_args(Theme))
def test_colours_stand_out_from_the_ground(theme: Theme) -> None:
    """WCAG 2.2 AA: 4.5 for text, 3 for what else has to be told apart. The ground is the theme's own."""
    palette = PALETTES[theme]
    config = tomllib.loads(Path(".streamlit/config.toml").read_text(encoding="utf-8"))["theme"][theme]
    assert palette.background == config["backgroundColor"]
    for ground in (palette.background, palette.hover, config["secondaryBackgroundColor"]):
        for text in (palette.text, palette.hint):
            assert contrast(text, ground) >= 4.5, (text, ground)
        for line in (palette.real, palette.generated, palette.discriminator, *palette.lines):
            assert contrast(line, ground) >= 3, (line, ground)


@pytest.mark.parametrize("theme", get_args(Theme))
def test_a_single_faint_point_can_still_be_seen(theme: Theme) -> None:
    circle, ground = SHAPES["circle"], PALETTES[theme].background
    for trace in overlay(circle, circle.sample(9, np.random.default_rng(0)), theme).data:
        *colour, opacity = (float(part) for part in trace.marker.color.removeprefix("rgba(")[:-1].split(","))
        below = [int(ground[i : i + 2], 16) for i in (1, 3, 5)]
        mixed = [round(over * opacity + under * (1 - opacity)) for over, under in zip(colour, below, strict=True)]
        assert contrast("#" + bytes(mixed).hex(), ground) >= 3, trace.name


def test_pictures_for_both_themes_stand_out_from_both() -> None:
    svg = result_svg(SHAPES["circle"], SHAPES["circle"].sample(9, np.random.default_rng(0)))
    strokes = re.findall(r'stroke="(#\w+)"', svg)
    assert len(strokes) == 2
    for colour in (*strokes, *re.findall(r'color="(#\w+)"', thumbnail_svg(SHAPES["circle"]))):
        for palette in PALETTES.values():
            assert contrast(colour, palette.background) >= 3, colour


def test_a_picture_of_a_result_shows_what_is_inside_and_finite() -> None:
    shape = SHAPES["circle"]
    points = np.array([[0, 0], [np.nan, 0], [np.inf, 0], [0, 1e30], [1, 0]], np.float32)
    generated = ElementTree.fromstring(result_svg(shape, points))[1]
    assert generated.attrib["d"].count("h0") == 2
    many = result_svg(shape, shape.sample(5000, np.random.default_rng(0)))
    assert len(many) < 10_000
    assert "M" not in ElementTree.fromstring(result_svg(shape, points[:0]))[1].attrib["d"]


def test_a_preview_names_the_ends_of_its_axes_as_text() -> None:
    helix = Helix()
    words = [
        each.text
        for each in ElementTree.fromstring(preview_svg(helix, helix.sample(9, np.random.default_rng(0)))).iter()
        if each.text
    ]
    assert words == ["-1", "breadth", "1", "0", "10 height <z>"]


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
