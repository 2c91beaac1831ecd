"""Scenes: what charts look like before there is data, in both themes."""

from __future__ import annotations

import base64
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

import numpy as np
import pytest
from numpy.typing import NDArray

from gandash.charts.figures import (
    Scene,
    losses,
    metric,
    overlay,
    result_svg,
    scores,
    thumbnail_svg,
)
from gandash.charts.palettes import PALETTES, Theme, colours, sheet
from gandash.core.metrics import METRICS
from gandash.core.targets import Canvas, Target
from gandash.core.targets.shapes import SHAPES, Shape
from gandash.core.targets.target import Points


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_the_overlay_keeps_to_the_axes_of_the_shape(shape: Shape) -> None:
    real = shape.sample(100, np.random.default_rng(0))
    scene = overlay(shape, real)
    dots, stars = scene["traces"]
    layout = scene["layout"]
    assert [tuple(layout[axis]["range"]) for axis in ("xaxis", "yaxis")] == list(shape.bounds)
    assert (dots["name"], stars["name"], stars["marker"]["symbol"]) == ("real", "generated", "star")
    assert dots["zorder"] > stars.get("zorder", 0)  # both can be seen
    assert dots["marker"]["size"] < stars["marker"]["size"] / 2
    np.testing.assert_array_equal(points_of(scene), real)


def points_of(scene: Scene) -> NDArray[np.float32]:
    """The real points of a scene, (n, 2), read as `points.js` does: all x, then all y, little-endian float32."""
    return np.frombuffer(base64.b64decode(scene["real"]), "<f4").reshape(2, -1).T


def test_the_plane_has_one_unit_and_a_curve_two() -> None:
    real = np.zeros((1, 2), np.float32)
    assert overlay(SHAPES["circle"], real)["layout"]["yaxis"]["scaleanchor"] == "x"
    assert "scaleanchor" not in overlay(SHAPES["exponential"], real)["layout"]["yaxis"]


def test_a_scene_is_data_that_json_can_hold_and_holds_no_data_of_a_run() -> None:
    for scene in (losses(smoothing=0.5), scores("hinge"), metric(["headline"], since=3)):
        assert json.loads(json.dumps(scene)) == scene
        assert len(json.dumps(scene)) < 4000
    assert [line["column"] for line in metric(["coverage", "headline"])["lines"]] == ["coverage", "headline"]


def test_a_scene_is_another_one_with_its_smoothing_or_what_it_shows() -> None:
    """What tells the browser that nothing of the last picture may stay."""

    def identity(scene: Scene) -> tuple[str, str]:
        return scene["layout"]["uirevision"], scene["layout"]["meta"]["look"]

    scenes = [
        losses(),
        losses(smoothing=0.5),
        losses("hinge"),
        scores(),
    ]
    scenes += [metric([]), metric(["headline"]), metric(["coverage"])]
    scenes += [overlay(shape, np.zeros((1, 2))) for shape in SHAPES.values()]
    assert len({identity(scene) for scene in scenes}) == len(scenes)
    assert identity(losses()) == identity(losses())


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
    scene = overlay(helix, real)
    np.testing.assert_array_equal(points_of(scene), real[:, [0, 2]])
    titles = [scene["layout"][axis]["title"]["text"] for axis in ("xaxis", "yaxis")]
    assert titles == ["breadth", "height &lt;z&gt;"]  # what Plotly would take for markup is text
    for svg in (thumbnail_svg(helix), result_svg(helix, real)):
        ElementTree.fromstring(svg)


def test_epochs_are_whole_and_have_a_name() -> None:
    for scene in (losses(), scores(), metric([])):
        axis = scene["layout"]["xaxis"]
        assert axis["title"]["text"] == "epoch"
        low, high = axis["autorangeoptions"]["include"]
        assert (
            low == 0 and (high - low) / axis["nticks"] > 0.5
        )  # Plotly's steps are 0.5, 1, 2, ...; the next above this
        assert scene["layout"]["meta"]["narrowest"] / axis["nticks"] > 0.5


def texts(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Each font size in a layout, and where it is."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [(path, inner)] if name == "size" and path.endswith("font") else texts(inner, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner, path)


def test_no_text_in_a_chart_is_smaller_than_11_pixels() -> None:
    real = SHAPES["circle"].sample(9, np.random.default_rng(0))
    charts = (losses(since=3), scores(), metric(["headline"]))
    for scene in (*charts, overlay(SHAPES["circle"], real)):
        sizes = dict(texts({"layout": scene["layout"], "word": scene.get("mark", {}).get("word", {})}))
        assert len(sizes) >= 5 and min(sizes.values()) >= 11, sizes


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
    ground, found = PALETTES[theme].background, colours(theme)
    for name in ("dot", "star"):
        *colour, opacity = (float(part) for part in found[name].removeprefix("rgba(")[:-1].split(","))
        below = [int(ground[i : i + 2], 16) for i in (1, 3, 5)]
        mixed = [round(over * opacity + under * (1 - opacity)) for over, under in zip(colour, below, strict=True)]
        assert contrast("#" + bytes(mixed).hex(), ground) >= 3, name
        assert opacity < 1
    assert PALETTES[theme].real_opacity < PALETTES[theme].generated_opacity


def test_all_that_a_scene_calls_a_colour_has_one_in_both_themes() -> None:
    real = SHAPES["circle"].sample(9, np.random.default_rng(0))
    scenes = [overlay(SHAPES["circle"], real), losses(smoothing=0.5, since=3), scores(), metric(list(METRICS))]
    used = set(re.findall(r"var\(--([\w-]+)\)", json.dumps(scenes)))
    assert len(used) > 20
    for theme, rule in zip(get_args(Theme), sheet().splitlines(), strict=True):
        assert not re.search(r'"(#\w+|rgba\([1-9].*?)"', json.dumps(scenes)), "no colour of a theme's own"
        for name in used:
            assert f"--{name}: {colours(theme)[name]};" in rule


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
