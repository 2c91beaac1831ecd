"""Scenes of shapes and runs: what a chart shows apart from its data, which comes to the browser by the stream.

Real points are faint red dots and generated ones green stars, as in the textbook; the two also differ in form and in
lightness, so that no chart rests on telling red from green. Axes of the overlay are the shape's own and never move.

A scene is plain data for `live.js`: a Plotly layout, and either the styles of two clouds of points or the lines of
curves over the epochs, by the names of their columns. How curves are smoothed, which range their axis has and what of
it is cut off depends on the data, so `series.js` and `curves.js` decide it. Nothing here knows a widget or a page.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from types import MappingProxyType
from typing import Any, Literal

import numpy as np

from gandash.charts.ticks import log_ticks
from gandash.core.metrics import METRICS, Metric
from gandash.core.objectives import OBJECTIVES
from gandash.core.targets import Target
from gandash.core.targets.target import Points

Theme = Literal["light", "dark"]
Layout = dict[str, Any]
Scene = dict[str, Any]

SMALLEST_PERCENT = 0.1
"""Where a share in per cent that is 0 lies on a logarithmic axis."""
FEWEST_EPOCHS = 5
"""An axis of epochs shows at least as many, so that its ticks are whole epochs; none is zoomed in further."""

MOST_TICKS, FAR = 7, 4
"""Ticks of a logarithmic axis, and how many times its span beyond it there are any."""
SMALL = 11
"""Pixels of the smallest text."""
TITLE_TOP = 11
"""Pixels above a chart's title, which stands beside the first line of its legend."""
FAINT = 0.3
"""Opacity of a line that is there to be compared with its average."""

MISFIT = 3
"""Which of a palette's `lines` numbers have that do not fit: neither real's colour nor generated's."""

THUMBNAIL_POINTS = 220
THUMBNAIL_PIXELS = 48
THUMBNAIL_SQUARE = 3.6
"""How wide a number is drawn on a thumbnail's board."""


@dataclass(frozen=True)
class Palette:
    """The colours of a theme, in tune with `.streamlit/config.toml`. `lines` are told apart by the colour-blind too."""

    real: str
    real_opacity: float
    generated: str
    generated_opacity: float
    discriminator: str
    background: str
    text: str
    grid: str
    hint: str
    hover: str
    lines: tuple[str, ...]


PALETTES: Mapping[Theme, Palette] = MappingProxyType(
    {
        "light": Palette(
            real="#d1434f",
            real_opacity=0.75,
            generated="#0b7a4b",
            generated_opacity=0.8,
            discriminator="#c2570c",
            background="#ffffff",
            text="#3a4649",
            grid="#e6ecea",
            hint="#5f6c69",
            hover="#ffffff",
            lines=("#2563eb", "#c2570c", "#0b7a4b", "#a21caf", "#57534e", "#0e7490"),
        ),
        "dark": Palette(
            real="#ff7b84",
            real_opacity=0.65,
            generated="#4ade80",
            generated_opacity=0.75,
            discriminator="#fdba74",
            background="#11171a",
            text="#ccd6d3",
            grid="#273236",
            hint="#8b9a96",
            hover="#1b2428",
            lines=("#7db4ff", "#fdba74", "#4ade80", "#f0abfc", "#d6d3d1", "#67e8f9"),
        ),
    }
)


def overlay(target: Target, real: Points, theme: Theme) -> Scene:
    """Real points ``(n, dim)`` on the target's fixed axes, and the looks of the generated ones, which are to come.

    Dots are drawn above the stars, small enough for those to be seen, or else a good generator would hide them.
    """
    palette = PALETTES[theme]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "name": "real",
        "hoverinfo": "skip",
        "marker": {"color": _faint(palette.real, palette.real_opacity), "size": 3.5},
        "zorder": 1,
    }
    stars = {
        "type": "scatter",
        "mode": "markers",
        "name": "generated",
        "marker": {"color": _faint(palette.generated, palette.generated_opacity), "size": 9, "symbol": "star"},
    }
    layout = _layout(palette, escape(target.title, quote=False), revision=target.name, look=theme)
    for axis, bounds, title in zip(("xaxis", "yaxis"), target.canvas.bounds, target.canvas.axes, strict=True):
        layout[axis] |= {
            "range": list(bounds),
            "title": {"text": escape(title, quote=False), "font": {"size": SMALL}, "standoff": 4},
        }
    for place in target.canvas.log:
        layout[f"{'xy'[place]}axis"] |= _log_axis(*target.canvas.bounds[place])
    said = ["10<sup>%{{{}:.2f}}</sup>" if i in target.canvas.log else "%{{{}:.3g}}" for i in range(2)]
    stars["hovertemplate"] = f"({said[0].format('x')}, {said[1].format('y')})<extra></extra>"
    if target.canvas.equal:  # a plane with one unit; the axes of a curve are two quantities, each with its own scale
        layout["xaxis"] |= {"constrain": "domain"}
        layout["yaxis"] |= {"constrain": "domain", "scaleanchor": "x", "scaleratio": 1}
    layout["margin"] |= {"l": 52, "b": 38}
    layout |= {"dragmode": "pan", "hovermode": "closest"}
    return {"layout": layout, "traces": [dots, stars], "real": encode(target.canvas.project(real))}


def _log_axis(low: float, high: float) -> Layout:
    """The ticks of an axis of decimal logarithms: those in the picture, and powers of ten far beyond, for who pans."""
    far = FAR * (high - low)
    beyond = [tick for tick in log_ticks(low - far, high + far, FAR * MOST_TICKS) if not low <= tick[0] <= high]
    places, texts = zip(*log_ticks(low, high, MOST_TICKS), *beyond, strict=True)
    return {"tickvals": list(places), "ticktext": list(texts)}


def board(target: Target, theme: Theme) -> Scene:
    """The picture of a target that has `numbers`: what `board.js` draws apart from its data."""
    palette = PALETTES[theme]
    colours = {
        "real": palette.real,
        "generated": palette.generated,
        "misfit": palette.lines[MISFIT],
        "grid": palette.grid,
        "plot-text": palette.text,
        "hint": palette.hint,
    }
    return {"title": target.title, "numbers": list(target.numbers), "colours": colours}


def losses(
    theme: Theme, objective: str = "non-saturating", *, smoothing: float = 0.0, since: int | None = None
) -> Scene:
    """Both networks' losses over the epochs; for the textbook's loss also where they are when D can only guess.

    `smoothing`, from 0 to 1, is that of ``smooth`` in `series.js`. `since` is the epoch at which a run went on from
    another one.
    """
    palette = PALETTES[theme]
    scene = _curves(palette, "Loss", f"losses {objective}", f"{theme} {smoothing}", smoothing, since)
    scene["lines"] = [
        _line("discriminator_loss", "discriminator", palette.discriminator),
        _line("generator_loss", "generator", palette.generated),
    ]
    if objective == "non-saturating":
        scene["hints"] = [{"y": math.log(2), "text": "ln 2"}, {"y": 2 * math.log(2), "text": "2 ln 2"}]
    return scene


def scores(
    theme: Theme, objective: str = "non-saturating", *, smoothing: float = 0.0, since: int | None = None
) -> Scene:
    """Mean D(x) on real and on generated points: probabilities, or raw scores where the objective has no such.

    `smoothing` and `since` as for `losses`.
    """
    palette = PALETTES[theme]
    probability = OBJECTIVES[objective].probability
    title = "D(x)" if probability else "Critic's score"
    scene = _curves(palette, title, f"scores {objective}", f"{theme} {smoothing}", smoothing, since)
    scene["lines"] = [_line("d_real", "real", palette.real), _line("d_fake", "generated", palette.generated)]
    scene["scale"] = "fixed" if probability else "linear"
    if probability:
        scene["layout"]["yaxis"] |= {"range": [0, 1], "tickvals": [0, 0.25, 0.5, 0.75, 1]}
        scene["hints"] = [{"y": 0.5, "text": "can only guess"}]
    return scene


def metric(names: Sequence[str], theme: Theme, *, smoothing: float = 0.0, since: int | None = None) -> Scene:
    """Metrics over the epochs, by their names in `METRICS`; those that a run has not measured are left out.

    The axis is logarithmic if that suits every metric shown; their ideal is marked if they share it. `smoothing` and
    `since` as for `losses`.
    """
    palette = PALETTES[theme]
    scene = _curves(palette, "", " ".join(["metric", *names]), f"{theme} {smoothing}", smoothing, since)
    scene["lines"] = [
        _line(name, METRICS[name].title, palette.lines[place % len(palette.lines)]) | _scale(METRICS[name])
        for place, name in enumerate(names)
    ]
    scene["scale"] = "measured"
    return scene


def _scale(metric: Metric) -> dict[str, Any]:
    """How a metric is drawn: its unit and the values worth a line, in that unit.

    A share in per cent may be 0 even where the axis is logarithmic, and is drawn there at the smallest that is told.
    """
    times = 100 if metric.unit == "%" else 1
    look: dict[str, Any] = {"unit": metric.unit, "log": metric.log_scale, "ideal": metric.ideal}
    if metric.mark:
        look |= {"mark": {"y": times * metric.mark[0], "text": metric.mark[1]}}
    return look | ({"times": times, "lowest": SMALLEST_PERCENT} if times > 1 else {})


def encode(points: Points) -> str:
    """Points ``(n, 2)`` as base64 text: all x, then all y, in little-endian float32."""
    return base64.b64encode(np.ascontiguousarray(np.asarray(points).T, dtype="<f4").tobytes()).decode("ascii")


@lru_cache(maxsize=256)
def thumbnail_svg(target: Target) -> str:
    """A small square picture of a target's points, the same each time.

    Within a page it takes the colour of the text around it where that is set on the ``svg`` itself; as a file of its
    own, which knows no theme, it is a red that stands out from light and dark.
    """
    dots = _svg_dots(target, _some_points(target), THUMBNAIL_PIXELS, _width(target), "currentColor")
    return _svg(THUMBNAIL_PIXELS, dots, "#e0525e")


def result_svg(target: Target, points: Points) -> str:
    """A small square picture of generated points ``(n, dim)`` over faint real ones, for light and dark grounds alike.

    Points that are not finite or outside the target's axes are left out, and of many only some are drawn.
    """
    some = points[:: math.ceil(len(points) / THUMBNAIL_POINTS)] if len(points) else points
    real = _svg_dots(target, _some_points(target), THUMBNAIL_PIXELS, _width(target), "#e0525e", opacity=0.5)
    return _svg(THUMBNAIL_PIXELS, real + _svg_dots(target, some, THUMBNAIL_PIXELS, 1.5, "#12985a"))


def _width(target: Target) -> float:
    """How wide a real point is drawn on a thumbnail; a generated number lies on the real one, not beside it."""
    return THUMBNAIL_SQUARE if target.numbers else 1.8


@lru_cache(maxsize=256)
def _some_points(target: Target) -> Points:
    if target.numbers:  # each of them once
        return np.array([(number % 10, number // 10) for number in target.numbers], np.float32)
    return target.shown(THUMBNAIL_POINTS, np.random.default_rng(0))


def _svg(pixels: int, content: str, colour: str = "") -> str:
    attribute = f' color="{colour}"' if colour else ""
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {pixels} {pixels}"{attribute}>{content}</svg>'


def _svg_dots(target: Target, points: Points, pixels: float, width: float, colour: str, *, opacity: float = 1.0) -> str:
    """Points ``(n, dim)`` as one path that fills a square of so many pixels, but for a margin."""
    canvas = target.canvas
    low, high = np.array(canvas.bounds).T
    with np.errstate(over="ignore"):
        shown = np.asarray(canvas.project(points), dtype=np.float64)
    shown = shown[((shown >= low) & (shown <= high)).all(axis=1)]
    scale = (pixels - 4) / (high - low)
    if canvas.equal:
        scale = np.full(2, scale.min())
    placed = (shown - (low + high) / 2) * scale * [1, -1] + pixels / 2
    dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in placed)
    faint = f' opacity="{opacity:g}"' if opacity < 1 else ""
    return f'<path d="{dots}" stroke="{colour}" stroke-width="{width:g}" stroke-linecap="round" fill="none"{faint}/>'


def _line(column: str, name: str, colour: str) -> dict[str, Any]:
    """A column of the history as a line, and how it looks where its average is drawn above it."""
    return {"column": column, "name": name, "colour": colour, "faint": _faint(colour, FAINT)}


def _faint(colour: str, opacity: float) -> str:
    """A colour ``#rrggbb`` that lets through what is below it.

    Not the marker's own opacity: a browser composes every such marker by itself, which takes most of a frame's time.
    """
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity})"


def _curves(palette: Palette, title: str, revision: str, look: str, smoothing: float, since: int | None) -> Scene:
    """A chart over the epochs, which are whole numbers, still without lines.

    ``scale`` says which y axis its data may have: "auto", "linear", "fixed" to the layout's own range, or "measured",
    which takes title, scale and ideal from those lines that there is something of. ``mark`` is what a dotted line
    across and the word at its end look like.
    """
    layout = _layout(palette, title, revision, look)
    layout["xaxis"] |= {
        "title": {"text": "epoch", "font": {"size": SMALL}, "standoff": 4},
        "tickformat": "~s",
        "autorangeoptions": {"include": [0, FEWEST_EPOCHS]},
        "rangemode": "nonnegative",
        "hoverformat": ",d",
        "unifiedhovertitle": {"text": "epoch %{x:,d}"},
        "nticks": 6,
    }
    layout["yaxis"] |= {"nticks": 6}
    layout["margin"] |= {"b": 38}
    layout["meta"] |= {"narrowest": FEWEST_EPOCHS}
    line = {"type": "line", "layer": "between", "line": {"color": palette.hint, "width": 1, "dash": "dot"}}
    word = {"showarrow": False, "font": {"size": SMALL, "color": palette.hint}}
    word |= {"bgcolor": _faint(palette.background, 0.35), "borderpad": 0}  # lines pass behind it, and are seen
    return {
        "layout": layout,
        "lines": [],
        "scale": "auto",
        "hints": [],
        "since": since or None,
        "mark": {"line": line, "word": word},
        "smoothing": smoothing,
    }


def _layout(palette: Palette, title: str, revision: str, look: str) -> Layout:
    """What all charts share; new dicts at every call.

    A user's zoom lasts for as long as `revision` does; `look` tells what else makes a figure another one.
    """
    axis = {"gridcolor": palette.grid, "linecolor": palette.grid, "zeroline": False, "tickfont": {"size": SMALL}}
    return {
        "template": {},  # everything is said here; the default one is 7 KB with every figure
        "meta": {"look": look},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": palette.text, "size": 12},
        "title": {"text": title, "font": {"size": 13}, "x": 0.01, "xanchor": "left"}
        | {"y": 1, "yanchor": "top", "pad": {"t": TITLE_TOP}},  # on one line with the legend, however high the chart
        "margin": {"l": 42, "r": 10, "t": 32, "b": 26},
        "showlegend": True,
        "legend": {
            "orientation": "h",
            "x": 1,
            "xanchor": "right",
            "yref": "container",
            "y": 1.0,
            "yanchor": "top",
            "font": {"size": SMALL},
            "itemsizing": "constant",
            "bgcolor": "rgba(0,0,0,0)",
        },
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": palette.hover, "bordercolor": palette.grid, "font": {"size": 12}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": palette.hint, "activecolor": palette.text},
        "uirevision": revision,
        "xaxis": dict(axis),
        "yaxis": dict(axis),
    }
