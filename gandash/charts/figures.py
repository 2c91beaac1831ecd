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
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray
from plotly.colors import hex_to_rgb

from gandash.core.metrics import METRICS, Metric
from gandash.core.objectives import OBJECTIVES
from gandash.core.targets import Target
from gandash.runs.snapshot import Frame, History

Theme = Literal["light", "dark"]
Floats = NDArray[np.float64]
Layout = dict[str, Any]

MOST_POINTS = 2000
"""How many points of a curve are sent to a browser."""

THUMBNAIL_POINTS = 220
THUMBNAIL_PIXELS = 48


@dataclass(frozen=True)
class Palette:
    """The colours of a theme, in tune with `.streamlit/config.toml`. `lines` are told apart by the colour-blind too."""

    real: str
    real_opacity: float
    generated: str
    discriminator: str
    text: str
    grid: str
    hint: str
    hover: str
    lines: tuple[str, ...]


PALETTES: Mapping[Theme, Palette] = MappingProxyType(
    {
        "light": Palette(
            real="#d1434f",
            real_opacity=0.3,
            generated="#0b7a4b",
            discriminator="#c2570c",
            text="#3a4649",
            grid="#e6ecea",
            hint="#6b7875",
            hover="#ffffff",
            lines=("#2563eb", "#c2570c", "#0b7a4b", "#a21caf", "#57534e", "#0e7490"),
        ),
        "dark": Palette(
            real="#ff7b84",
            real_opacity=0.36,
            generated="#4ade80",
            discriminator="#fdba74",
            text="#ccd6d3",
            grid="#273236",
            hint="#8b9a96",
            hover="#1b2428",
            lines=("#7db4ff", "#fdba74", "#4ade80", "#f0abfc", "#d6d3d1", "#67e8f9"),
        ),
    }
)


def overlay(target: Target, real: NDArray[np.float32], frame: Frame | None, theme: Theme) -> go.Figure:
    """Real points ``(n, 2)`` and, above them, the generated points of a frame, on the shape's fixed axes.

    The last trace is the generated one; it is empty if there is no frame.
    """
    palette = PALETTES[theme]
    points = frame.points if frame is not None else np.empty((0, 2), np.float32)
    dots = {
        "type": "scatter",
        "mode": "markers",
        "name": "real",
        "x": real[:, 0],
        "y": real[:, 1],
        "hoverinfo": "skip",
        "marker": {"color": _faint(palette.real, palette.real_opacity), "size": 5},
    }
    stars = {
        "type": "scatter",
        "mode": "markers",
        "name": "generated",
        "x": points[:, 0],
        "y": points[:, 1],
        "hovertemplate": "(%{x:.3g}, %{y:.3g})<extra></extra>",
        "marker": {"color": _faint(palette.generated, 0.85), "size": 8.5, "symbol": "star"},
    }
    layout = _layout(palette, target.title)
    (x_min, x_max), (y_min, y_max) = target.canvas.bounds
    layout["xaxis"] |= {"range": [x_min, x_max]}
    layout["yaxis"] |= {"range": [y_min, y_max]}
    if target.canvas.equal:  # a plane with one unit; the axes of a curve are two quantities, each with its own scale
        layout["xaxis"] |= {"constrain": "domain"}
        layout["yaxis"] |= {"constrain": "domain", "scaleanchor": "x", "scaleratio": 1}
    layout |= {"dragmode": "pan", "hovermode": "closest", "uirevision": target.name}
    return go.Figure([dots, stars], layout)


def losses(history: History, theme: Theme, objective: str = "non-saturating") -> go.Figure:
    """Both networks' losses over the epochs; for the textbook's loss also where they are when D can only guess."""
    palette = PALETTES[theme]
    layout = _layout(palette, "Loss", over_epochs=True)
    if objective == "non-saturating":
        _hint(layout, palette, math.log(2), "ln 2")
        _hint(layout, palette, 2 * math.log(2), "2 ln 2")
    return go.Figure(
        [
            _line(history, "discriminator_loss", "discriminator", palette.discriminator),
            _line(history, "generator_loss", "generator", palette.generated),
        ],
        layout,
    )


def scores(history: History, theme: Theme, objective: str = "non-saturating") -> go.Figure:
    """Mean D(x) on real and on generated points: probabilities, or raw scores where the objective has no such."""
    palette = PALETTES[theme]
    layout = _layout(palette, "D(x)" if OBJECTIVES[objective].probability else "Critic's score", over_epochs=True)
    if OBJECTIVES[objective].probability:
        layout["yaxis"] |= {"range": [0, 1], "tickvals": [0, 0.25, 0.5, 0.75, 1]}
        _hint(layout, palette, 0.5, "can only guess")
    return go.Figure(
        [
            _line(history, "d_real", "real", palette.real),
            _line(history, "d_fake", "generated", palette.generated),
        ],
        layout,
    )


def metric(history: History, names: Sequence[str], theme: Theme) -> go.Figure:
    """Metrics over the epochs, by their names in `METRICS`; those never measured are left out.

    The axis is logarithmic if that suits every metric shown; their ideal is marked if they share it.
    """
    palette = PALETTES[theme]
    known = [METRICS[name] for name in names if name in history.columns]
    units = {shown.unit for shown in known}
    layout = _layout(palette, f"{known[0].title} ({known[0].unit})" if len(known) == 1 else "", over_epochs=True)
    if len(known) > 1 and len(units) == 1:
        layout["title"] |= {"text": next(iter(units))}
    layout["showlegend"] = len(known) > 1
    log_scale = bool(known) and all(shown.log_scale for shown in known)
    if log_scale:
        layout["yaxis"] |= {"type": "log"} | ({"dtick": 1} if _decades(history, known) > 2 else {})
    ideals = {shown.ideal for shown in known}
    if len(ideals) == 1 and (ideal := ideals.pop()) is not None and (ideal > 0 or not log_scale):
        _hint(layout, palette, ideal, "ideal", log_scale=log_scale)
    if names and not known:
        note = {"text": "Not measured yet", "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False}
        layout["annotations"] = [note]
    return go.Figure(
        [
            _line(history, shown.name, shown.title, palette.lines[place % len(palette.lines)])
            for place, shown in enumerate(known)
        ],
        layout,
    )


def thin(x: NDArray[Any], y: Floats, limit: int = MOST_POINTS) -> tuple[NDArray[Any], Floats]:
    """At most `limit` of the points (x, y), in order, that keep every spike; points that are not finite are dropped.

    Points are put into bins of equal count, the last perhaps smaller, and of each bin its lowest and its highest stay;
    so do the first and the last point. `limit` is at least 4.
    """
    finite = np.isfinite(y)
    if not finite.all():
        x, y = x[finite], y[finite]
    n = len(y)
    if n <= limit:
        return x, y
    width = math.ceil(n / ((limit - 2) // 2))
    whole = n // width * width
    rows = y[:whole].reshape(-1, width)
    starts = np.arange(0, whole, width)
    places = [starts + rows.argmin(axis=1), starts + rows.argmax(axis=1), [0, n - 1]]
    if whole < n:
        places.append([whole + y[whole:].argmin(), whole + y[whole:].argmax()])
    kept = np.unique(np.concatenate(places))
    return x[kept], y[kept]


@cache
def thumbnail_svg(target: Target) -> str:
    """A small square picture of a shape's points, the same each time.

    Within a page it takes the colour of the text around it where that is set on the ``svg`` itself; as a file of its
    own, which knows no theme, it is a red that stands out from light and dark.
    """
    (x_min, x_max), (y_min, y_max) = target.canvas.bounds
    points = target.canvas.project(target.sample(THUMBNAIL_POINTS, np.random.default_rng(0))).astype(np.float64)
    scale = (THUMBNAIL_PIXELS - 4) / np.array([x_max - x_min, y_max - y_min])
    if target.canvas.equal:
        scale = np.minimum(scale[0], scale[1])
    centred = (points - [(x_min + x_max) / 2, (y_min + y_max) / 2]) * scale * [1, -1] + THUMBNAIL_PIXELS / 2
    dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in centred)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {THUMBNAIL_PIXELS} {THUMBNAIL_PIXELS}" color="#e0525e">'
        f'<path d="{dots}" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" fill="none"/></svg>'
    )


def _line(history: History, column: str, name: str, colour: str) -> dict[str, Any]:
    """A column over the epochs, as a trace; a single value is a dot."""
    epochs, values = thin(history.epoch, history.columns[column])
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


def _decades(history: History, known: Sequence[Metric]) -> float:
    """How many powers of ten these metrics span."""
    values = np.concatenate([history.columns[shown.name] for shown in known])
    values = values[np.isfinite(values) & (values > 0)]
    return float(np.log10(values.max() / values.min())) if len(values) else 0.0


def _hint(layout: Layout, palette: Palette, y: float, text: str, *, log_scale: bool = False) -> None:
    """Add a thin dotted line with a word at its right end."""
    ends = {"xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": y, "y1": y}
    line = {"type": "line", "layer": "below", "line": {"color": palette.hint, "width": 1, "dash": "dot"}, **ends}
    label = {
        "text": text,
        "showarrow": False,
        "xref": "paper",
        "x": 1,
        "xanchor": "right",
        "yref": "y",
        "y": math.log10(y) if log_scale else y,  # unlike a shape, an annotation sits at the logarithm
        "yanchor": "bottom",
        "font": {"size": 10, "color": palette.hint},
    }
    layout.setdefault("shapes", []).append(line)
    layout.setdefault("annotations", []).append(label)


def _faint(colour: str, opacity: float) -> str:
    """A colour ``#rrggbb`` that lets through what is below it.

    Not the marker's own opacity: a browser composes every such marker by itself, which takes most of a frame's time.
    """
    red, green, blue = hex_to_rgb(colour)
    return f"rgba({red}, {green}, {blue}, {opacity})"


def _layout(palette: Palette, title: str, *, over_epochs: bool = False) -> Layout:
    """What all charts share; new dicts at every call."""
    axis = {"gridcolor": palette.grid, "linecolor": palette.grid, "zeroline": False, "tickfont": {"size": 11}}
    epochs = {"ticksuffix": "", "tickformat": "~s", "rangemode": "tozero", "hoverformat": ",d", "nticks": 6}
    return {
        "template": {},  # everything is said here; the default one is 7 KB with every figure
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
            "font": {"size": 11},
            "itemsizing": "constant",
            "bgcolor": "rgba(0,0,0,0)",
        },
        "hovermode": "x unified",
        "hoverlabel": {"bgcolor": palette.hover, "bordercolor": palette.grid, "font": {"size": 12}},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": palette.hint, "activecolor": palette.text},
        "uirevision": "run",
        "xaxis": dict(axis) | (epochs if over_epochs else {}),
        "yaxis": dict(axis) | ({"nticks": 6} if over_epochs else {}),
    }
