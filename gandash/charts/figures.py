"""Scenes of shapes and runs: what a chart shows apart from its data, which comes to the browser by the stream.

Real points are faint red dots and generated ones green stars, as in the textbook; the two also differ in form and in
lightness, so that no chart rests on telling red from green. Axes of the overlay are the shape's own and never move.

A scene is plain data for `live.js`: a Plotly layout, and either the styles of two clouds of points or the lines of
curves over the epochs, by the names of their columns. How curves are smoothed, which range their axis has and what of
it is cut off depends on the data, so `series.js` and `curves.js` decide it. Nothing here knows a widget or a page.

Nor a theme: a colour in a scene is `var(--name)`, which the browser looks up in the page's style (`colours.js`). What
the names stand for, light and dark, is said by `palettes` alone.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Any

import numpy as np

from gandash.charts.palettes import LINES
from gandash.charts.ticks import log_ticks
from gandash.core.metrics import METRICS, Metric
from gandash.core.objectives import OBJECTIVES
from gandash.core.targets import Target
from gandash.core.targets.target import Points

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

THUMBNAIL_POINTS = 220
THUMBNAIL_PIXELS = 48
THUMBNAIL_SQUARE = 3.6
"""How wide a number is drawn on a thumbnail's board."""


def overlay(target: Target, real: Points) -> Scene:
    """Real points ``(n, dim)`` on the target's fixed axes, and the looks of the generated ones, which are to come.

    Dots are drawn above the stars, small enough for those to be seen, or else a good generator would hide them.
    """
    dots = {
        "type": "scatter",
        "mode": "markers",
        "name": "real",
        "hoverinfo": "skip",
        "marker": {"color": "var(--dot)", "size": 3.5},
        "zorder": 1,
    }
    stars = {
        "type": "scatter",
        "mode": "markers",
        "name": "generated",
        "marker": {"color": "var(--star)", "size": 9, "symbol": "star"},
    }
    layout = _layout(escape(target.title, quote=False), revision=target.name)
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


def board(target: Target) -> Scene:
    """The picture of a target that has `numbers`: what `board.js` draws apart from its data."""
    return {"title": target.title, "numbers": list(target.numbers)}


def losses(objective: str = "non-saturating", *, smoothing: float = 0.0, since: int | None = None) -> Scene:
    """Both networks' losses over the epochs; for the textbook's loss also where they are when D can only guess.

    `smoothing`, from 0 to 1, is that of ``smooth`` in `series.js`. `since` is the epoch at which a run went on from
    another one.
    """
    scene = _curves("Loss", f"losses {objective}", smoothing, since)
    scene["lines"] = [
        _line("discriminator_loss", "discriminator", "discriminator"),
        _line("generator_loss", "generator", "generated"),
    ]
    if objective == "non-saturating":
        scene["hints"] = [{"y": math.log(2), "text": "ln 2"}, {"y": 2 * math.log(2), "text": "2 ln 2"}]
    return scene


def scores(objective: str = "non-saturating", *, smoothing: float = 0.0, since: int | None = None) -> Scene:
    """Mean D(x) on real and on generated points: probabilities, or raw scores where the objective has no such.

    `smoothing` and `since` as for `losses`.
    """
    probability = OBJECTIVES[objective].probability
    title = "D(x)" if probability else "Critic's score"
    scene = _curves(title, f"scores {objective}", smoothing, since)
    scene["lines"] = [_line("d_real", "real", "real"), _line("d_fake", "generated", "generated")]
    scene["scale"] = "fixed" if probability else "linear"
    if probability:
        scene["layout"]["yaxis"] |= {"range": [0, 1], "tickvals": [0, 0.25, 0.5, 0.75, 1]}
        scene["hints"] = [{"y": 0.5, "text": "can only guess"}]
    return scene


def metric(names: Sequence[str], *, smoothing: float = 0.0, since: int | None = None) -> Scene:
    """Metrics over the epochs, by their names in `METRICS`; those that a run has not measured are left out.

    The axis is logarithmic if that suits every metric shown; their ideal is marked if they share it. `smoothing` and
    `since` as for `losses`.
    """
    scene = _curves("", " ".join(["metric", *names]), smoothing, since)
    scene["lines"] = [
        _line(name, METRICS[name].title, f"line-{place % LINES}") | _scale(METRICS[name])
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
    return {"column": column, "name": name, "colour": f"var(--{colour})", "faint": f"var(--{colour}-faint)"}


def _curves(title: str, revision: str, smoothing: float, since: int | None) -> Scene:
    """A chart over the epochs, which are whole numbers, still without lines.

    ``scale`` says which y axis its data may have: "auto", "linear", "fixed" to the layout's own range, or "measured",
    which takes title, scale and ideal from those lines that there is something of. ``mark`` is what a dotted line
    across and the word at its end look like.
    """
    layout = _layout(title, revision, f"{smoothing}")
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
    line = {"type": "line", "layer": "between", "line": {"color": "var(--hint)", "width": 1, "dash": "dot"}}
    word = {"showarrow": False, "font": {"size": SMALL, "color": "var(--hint)"}}
    word |= {"bgcolor": "var(--veil)", "borderpad": 0}
    return {
        "layout": layout,
        "lines": [],
        "scale": "auto",
        "hints": [],
        "since": since or None,
        "mark": {"line": line, "word": word},
        "smoothing": smoothing,
    }


def _layout(title: str, revision: str, look: str = "") -> Layout:
    """What all charts share; new dicts at every call.

    A user's zoom lasts for as long as `revision` does; `look` tells what else makes a figure another one.
    """
    axis = {"gridcolor": "var(--grid)", "linecolor": "var(--grid)", "zeroline": False, "tickfont": {"size": SMALL}}
    return {
        "template": {},  # everything is said here; the default one is 7 KB with every figure
        "meta": {"look": look},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": "var(--plot-text)", "size": 12},
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
        "hoverlabel": {"bgcolor": "var(--hover)", "bordercolor": "var(--grid)", "font": {"size": 12}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "var(--hint)", "activecolor": "var(--plot-text)"},
        "uirevision": revision,
        "xaxis": dict(axis),
        "yaxis": dict(axis),
    }
