"""Plotly figures of shapes and runs: plain data in, a figure out. Nothing here knows a widget or a page.

Real points are faint red dots and generated ones green stars, as in the textbook; the two also differ in form and in
lightness, so that no chart rests on telling red from green. Axes of the overlay are the shape's own and never move.

Figures are built from plain dicts in one go: `go.Figure` checks a whole layout in a few milliseconds, while each
``update_layout`` or ``add_hline`` costs as much again, and a live page builds four figures at every tick.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.colors import hex_to_rgb

from gandash.charts.series import Floats, bulk, robust_range, short, smooth, thin
from gandash.core.metrics import METRICS
from gandash.core.objectives import OBJECTIVES
from gandash.core.targets import Target
from gandash.core.targets.target import Points
from gandash.runs.snapshot import History

Theme = Literal["light", "dark"]
Layout = dict[str, Any]

DECADES = 1000.0
"""From which ratio on losses are drawn on a logarithmic axis."""

FEWEST_EPOCHS = 5
"""An axis of epochs shows at least as many, so that its ticks are whole epochs; none is zoomed in further."""

SMALL = 11
"""Pixels of the smallest text."""
FAINT = 0.3
"""Opacity of a line that is there to be compared with its average."""

THUMBNAIL_POINTS = 220
THUMBNAIL_PIXELS = 48
PREVIEW_PIXELS = 220


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


def overlay(target: Target, real: Points, theme: Theme) -> go.Figure:
    """Real points ``(n, dim)`` on the target's fixed axes. The last trace is for generated points, and empty.

    Dots are drawn above the stars, small enough for those to be seen, or else a good generator would hide them.
    """
    palette = PALETTES[theme]
    shown = target.canvas.project(real)
    dots = {
        "type": "scatter",
        "mode": "markers",
        "name": "real",
        "x": shown[:, 0],
        "y": shown[:, 1],
        "hoverinfo": "skip",
        "marker": {"color": _faint(palette.real, palette.real_opacity), "size": 3.5},
        "zorder": 1,
    }
    stars = {
        "type": "scatter",
        "mode": "markers",
        "name": "generated",
        "x": [],
        "y": [],
        "hovertemplate": "(%{x:.3g}, %{y:.3g})<extra></extra>",
        "marker": {"color": _faint(palette.generated, palette.generated_opacity), "size": 9, "symbol": "star"},
    }
    layout = _layout(palette, target.title, revision=target.name, look=theme)
    for axis, bounds, title in zip(("xaxis", "yaxis"), target.canvas.bounds, target.canvas.axes, strict=True):
        layout[axis] |= {"range": bounds, "title": {"text": title, "font": {"size": SMALL}, "standoff": 4}}
    if target.canvas.equal:  # a plane with one unit; the axes of a curve are two quantities, each with its own scale
        layout["xaxis"] |= {"constrain": "domain"}
        layout["yaxis"] |= {"constrain": "domain", "scaleanchor": "x", "scaleratio": 1}
    layout["margin"] |= {"l": 52, "b": 38}
    layout |= {"dragmode": "pan", "hovermode": "closest"}
    return go.Figure([dots, stars], layout)


def losses(
    history: History,
    theme: Theme,
    objective: str = "non-saturating",
    *,
    smoothing: float = 0.0,
    since: int | None = None,
) -> go.Figure:
    """Both networks' losses over the epochs; for the textbook's loss also where they are when D can only guess.

    `smoothing`, from 0 to 1, is that of `smooth`. `since` is the epoch at which a run went on from another one.
    """
    palette = PALETTES[theme]
    layout = _curves(palette, "Loss", f"losses {objective}", f"{theme} {smoothing}", since)
    log_scale = _choose_range(layout, history, ("discriminator_loss", "generator_loss"))
    if objective == "non-saturating":
        _hint(layout, palette, math.log(2), "ln 2", log_scale=log_scale)
        _hint(layout, palette, 2 * math.log(2), "2 ln 2", log_scale=log_scale)
    return go.Figure(
        [
            *_lines(history, "discriminator_loss", "discriminator", palette.discriminator, smoothing),
            *_lines(history, "generator_loss", "generator", palette.generated, smoothing),
        ],
        layout,
    )


def scores(
    history: History,
    theme: Theme,
    objective: str = "non-saturating",
    *,
    smoothing: float = 0.0,
    since: int | None = None,
) -> go.Figure:
    """Mean D(x) on real and on generated points: probabilities, or raw scores where the objective has no such.

    `smoothing` and `since` as for `losses`.
    """
    palette = PALETTES[theme]
    probability = OBJECTIVES[objective].probability
    title = "D(x)" if probability else "Critic's score"
    layout = _curves(palette, title, f"scores {objective}", f"{theme} {smoothing}", since)
    if probability:
        layout["yaxis"] |= {"range": [0, 1], "tickvals": [0, 0.25, 0.5, 0.75, 1]}
        _hint(layout, palette, 0.5, "can only guess")
    else:
        _choose_range(layout, history, ("d_real", "d_fake"), log_scale=False)
    return go.Figure(
        [
            *_lines(history, "d_real", "real", palette.real, smoothing),
            *_lines(history, "d_fake", "generated", palette.generated, smoothing),
        ],
        layout,
    )


def metric(
    history: History, names: Sequence[str], theme: Theme, *, smoothing: float = 0.0, since: int | None = None
) -> go.Figure:
    """Metrics over the epochs, by their names in `METRICS`; those never measured are left out.

    The axis is logarithmic if that suits every metric shown; their ideal is marked if they share it. `smoothing` and
    `since` as for `losses`.
    """
    palette = PALETTES[theme]
    known = [METRICS[name] for name in names if name in history.columns]
    units = {shown.unit for shown in known}
    title = f"{known[0].title} ({known[0].unit})" if len(known) == 1 else "".join(units if len(units) == 1 else ())
    revision = " ".join(["metric", *(shown.name for shown in known)])
    layout = _curves(palette, title, revision, f"{theme} {smoothing}", since)
    layout["showlegend"] = len(known) > 1
    log_scale = bool(known) and all(shown.log_scale for shown in known)
    _choose_range(layout, history, [shown.name for shown in known], log_scale=log_scale)
    ideals = {shown.ideal for shown in known}
    if len(ideals) == 1 and (ideal := ideals.pop()) is not None and (ideal > 0 or not log_scale):
        _hint(layout, palette, ideal, "ideal", log_scale=log_scale)
    if names and not known:
        note = {"text": "Not measured yet", "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False}
        layout["annotations"] = [note]
    traces = (
        _lines(
            history,
            shown.name,
            shown.title if len(units) == 1 else f"{shown.title} ({shown.unit})",
            palette.lines[place % len(palette.lines)],
            smoothing,
        )
        for place, shown in enumerate(known)
    )
    return go.Figure([trace for several in traces for trace in several], layout)


@lru_cache(maxsize=256)
def thumbnail_svg(target: Target) -> str:
    """A small square picture of a target's points, the same each time.

    Within a page it takes the colour of the text around it where that is set on the ``svg`` itself; as a file of its
    own, which knows no theme, it is a red that stands out from light and dark.
    """
    dots = _svg_dots(target, _some_points(target), THUMBNAIL_PIXELS, 1.8, "currentColor")
    return _svg(THUMBNAIL_PIXELS, dots, "#e0525e")


def result_svg(target: Target, points: Points) -> str:
    """A small square picture of generated points ``(n, dim)`` over faint real ones, for light and dark grounds alike.

    Points that are not finite or outside the target's axes are left out, and of many only some are drawn.
    """
    some = points[:: math.ceil(len(points) / THUMBNAIL_POINTS)] if len(points) else points
    real = _svg_dots(target, _some_points(target), THUMBNAIL_PIXELS, 1.8, "#e0525e", opacity=0.5)
    return _svg(THUMBNAIL_PIXELS, real + _svg_dots(target, some, THUMBNAIL_PIXELS, 1.5, "#12985a"))


@lru_cache(maxsize=256)
def _some_points(target: Target) -> Points:
    return target.sample(THUMBNAIL_POINTS, np.random.default_rng(0))


def preview_svg(target: Target, real: Points, theme: Theme = "light") -> str:
    """A picture of real points ``(n, dim)`` in a frame with the ends of both axes, `PREVIEW_PIXELS` wide and high."""
    palette = PALETTES[theme]
    low, high, size = 1, PREVIEW_PIXELS - 16, PREVIEW_PIXELS
    (x_min, x_max), (y_min, y_max) = target.canvas.bounds
    words = (
        (low, size - 4, "start", f"{x_min:g}"),
        ((low + high) / 2, size - 4, "middle", target.canvas.axes[0]),
        (high, size - 4, "end", f"{x_max:g}"),
        (low + 4, high - 5, "start", f"{y_min:g}"),
        (low + 4, 14, "start", f"{y_max:g} {target.canvas.axes[1]}"),
    )
    text = "".join(f'<text x="{x:g}" y="{y:g}" text-anchor="{end}">{escape(word)}</text>' for x, y, end, word in words)
    frame = f'<path d="M{low} {low}V{high}H{high}V{low}Z" fill="none" stroke="{palette.grid}"/>'
    text = f'<g font-family="sans-serif" font-size="{SMALL}" fill="{palette.text}">{text}</g>'
    return _svg(size, frame + _svg_dots(target, real, high, 2.2, palette.real) + text)


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


def _lines(history: History, column: str, name: str, colour: str, smoothing: float) -> list[dict[str, Any]]:
    """A column over the epochs as a trace or, smoothed, as two: faint as it is, and its average above."""
    values = history.columns[column]
    raw = _line(history.epoch, values, name, colour)
    if not smoothing:
        return [raw]
    finite = np.isfinite(values)
    average = _line(history.epoch[finite], smooth(values[finite], smoothing), name, colour)
    faint = _faint(colour, FAINT)
    raw |= {"line": {"color": faint, "width": 1}, "marker": {"color": faint, "size": 4}, "hoverinfo": "skip"}
    del raw["hovertemplate"]
    return [raw | {"legendgroup": name, "showlegend": False}, average | {"legendgroup": name}]


def _line(epochs: NDArray[np.int64], values: Floats, name: str, colour: str) -> dict[str, Any]:
    """Values over the epochs; a single one is a dot."""
    epochs, values = thin(epochs, values)
    return {
        "type": "scatter",
        "mode": "lines" if len(epochs) > 1 else "markers",
        "name": name,
        "x": epochs,
        "y": values.astype(np.float32),
        "line": {"color": colour, "width": 1.5},
        "marker": {"color": colour, "size": 6},
        "hovertemplate": "%{y:.4g}",
    }


def _choose_range(layout: Layout, history: History, names: Sequence[str], *, log_scale: bool | None = None) -> bool:
    """Give the y axis a range for these columns in which a few wild values do not flatten all others; is it a log one?

    What is cut off is told in ``meta["cut"]``. With `log_scale` None the axis is logarithmic if all values are positive
    and their bulk spans decades.
    """
    columns = [column[np.isfinite(column)] for column in (history.columns[name] for name in names)]
    if log_scale:
        columns = [column[column > 0] for column in columns]
    columns = [column for column in columns if len(column)]
    axis = layout["yaxis"]
    if not columns:
        axis |= {"type": "log"} if log_scale else {}
        return bool(log_scale)
    low, high = bulk(columns)
    if log_scale is None:
        log_scale = high / low >= DECADES if min(column.min() for column in columns) > 0 else False
    if log_scale:
        columns = [np.log10(column) for column in columns]
    lowest, highest = min(float(column.min()) for column in columns), max(float(column.max()) for column in columns)
    cut = robust_range(columns)
    bottom, top = cut or (lowest, highest)
    if log_scale:  # Plotly marks powers of ten alone where they are at least 0.7 of its steps
        axis |= {"type": "log", "nticks": min(max(int((top - bottom) / 0.75), 3), 6)}
    if cut:
        axis |= {"range": cut}
        peak, dip = (short(10**end if log_scale else end) for end in (highest, lowest))
        words = [f"peaks up to {peak}"] * (highest > top) + [f"dips down to {dip}"] * (lowest < bottom)
        layout["meta"] |= {"cut": f"{' and '.join(words)} are cut off".capitalize()}
    return log_scale


def _hint(layout: Layout, palette: Palette, y: float, text: str, *, log_scale: bool = False) -> None:
    """Add a thin dotted line across, with a word at its right end."""
    ends = {"xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": y, "y1": y}
    place = math.log10(y) if log_scale else y  # unlike a shape, an annotation sits at the logarithm
    _mark(layout, palette, ends, text, x=1, y=place, xanchor="right", yanchor="bottom")


def _mark(layout: Layout, palette: Palette, ends: dict[str, Any], text: str, **place: Any) -> None:
    """Add a thin dotted line between two ends, with a word at this place."""
    line = {"type": "line", "layer": "below", "line": {"color": palette.hint, "width": 1, "dash": "dot"}, **ends}
    label = {"text": text, "showarrow": False, "font": {"size": SMALL, "color": palette.hint}, **place}
    label |= {"bgcolor": _faint(palette.background, 0.9), "borderpad": 0}  # lines pass behind it
    layout.setdefault("shapes", []).append(line)
    layout.setdefault("annotations", []).append(label | {name: ends[name] for name in ("xref", "yref")})


def _faint(colour: str, opacity: float) -> str:
    """A colour ``#rrggbb`` that lets through what is below it.

    Not the marker's own opacity: a browser composes every such marker by itself, which takes most of a frame's time.
    """
    red, green, blue = hex_to_rgb(colour)
    return f"rgba({red}, {green}, {blue}, {opacity})"


def _curves(palette: Palette, title: str, revision: str, look: str, since: int | None) -> Layout:
    """The layout of charts over the epochs, which are whole numbers."""
    layout = _layout(palette, title, revision, look)
    layout["xaxis"] |= {
        "title": {"text": "epoch", "font": {"size": SMALL}, "standoff": 4},
        "tickformat": "~s",
        "autorangeoptions": {"include": [0, FEWEST_EPOCHS]},
        "hoverformat": ",d",
        "unifiedhovertitle": {"text": "epoch %{x:,d}"},
        "nticks": 6,
    }
    layout["yaxis"] |= {"nticks": 6}
    layout["margin"] |= {"b": 38}
    layout["meta"] |= {"narrowest": FEWEST_EPOCHS}
    if since:
        ends = {"xref": "x", "x0": since, "x1": since, "yref": "paper", "y0": 0, "y1": 1}
        _mark(layout, palette, ends, "trained on", x=since, y=1, xanchor="left", yanchor="top")
    return layout


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
        "title": {"text": title, "font": {"size": 13}, "x": 0.01, "xanchor": "left", "y": 0.98, "yanchor": "top"},
        "margin": {"l": 42, "r": 10, "t": 32, "b": 26},
        "showlegend": True,
        "legend": {
            "orientation": "h",
            "x": 1,
            "xanchor": "right",
            "y": 1.0,
            "yanchor": "bottom",
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
