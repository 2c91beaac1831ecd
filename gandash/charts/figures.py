"""Plotly figures of shapes and runs: plain data in, a figure out. Nothing here knows a widget or a page.

Real points are faint red dots and generated ones green stars, as in the textbook; the two also differ in form, so that
the chart does not rest on telling red from green. Axes of the overlay are the shape's own and never move.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from gandash.core.config import PROBABILITY_OBJECTIVES
from gandash.core.metrics import METRICS
from gandash.core.shapes import Shape
from gandash.runs.snapshot import Frame, History

Theme = Literal["light", "dark"]
Floats = NDArray[np.float64]

MOST_POINTS = 2000
"""How many points of a curve are sent to a browser."""
THUMBNAIL_POINTS = 220


@dataclass(frozen=True)
class Palette:
    """The colours of a theme."""

    real: str
    generated: str
    generator: str
    discriminator: str
    text: str
    grid: str
    hint: str


PALETTES: dict[str, Palette] = {
    "light": Palette("#d62839", "#0b8a4b", "#0b8a4b", "#c2410c", "#3b4252", "#e5e9f0", "#9aa3b2"),
    "dark": Palette("#ff6b6b", "#4ade80", "#4ade80", "#fb923c", "#cdd6e4", "#2b3444", "#6b7688"),
}
LINES = ("#2563eb", "#c026d3", "#0891b2", "#ca8a04", "#64748b")


def overlay(shape: Shape, real: NDArray[np.float32], frame: Frame | None, theme: Theme) -> go.Figure:
    """Real points ``(n, 2)`` and, above them, the generated points of a frame, on the shape's fixed axes.

    The second trace is the generated one; it is empty if there is no frame.
    """
    palette = PALETTES[theme]
    points = frame.points if frame is not None else np.empty((0, 2), np.float32)
    figure = go.Figure(
        [
            go.Scatter(
                x=real[:, 0],
                y=real[:, 1],
                mode="markers",
                name="real",
                hoverinfo="skip",
                marker={"color": palette.real, "size": 4.5, "opacity": 0.28 if theme == "light" else 0.38},
            ),
            go.Scatter(
                x=points[:, 0],
                y=points[:, 1],
                mode="markers",
                name="generated",
                hovertemplate="(%{x:.3g}, %{y:.3g})<extra>generated</extra>",
                marker={"color": palette.generated, "size": 8, "symbol": "star", "opacity": 0.85},
            ),
        ]
    )
    (x_min, x_max), (y_min, y_max) = shape.bounds
    _style(figure, palette)
    figure.update_xaxes(range=[x_min, x_max], showgrid=True)
    figure.update_yaxes(range=[y_min, y_max])
    if shape.curve is None:
        figure.update_yaxes(scaleanchor="x", scaleratio=1, constrain="domain")
        figure.update_xaxes(constrain="domain")
    figure.update_layout(uirevision=shape.name, margin={"l": 36, "r": 8, "t": 28, "b": 28})
    figure.update_legends(itemsizing="constant")
    return figure


def losses(history: History, theme: Theme, objective: str = "non-saturating") -> go.Figure:
    """Both players' losses over the epochs; for the textbook's loss also where they are when D can only guess."""
    palette = PALETTES[theme]
    figure = go.Figure(
        [
            _line(history.epoch, history.columns["discriminator_loss"], "discriminator", palette.discriminator),
            _line(history.epoch, history.columns["generator_loss"], "generator", palette.generator),
        ]
    )
    _style(figure, palette, title="Losses")
    if objective == "non-saturating":
        _hint(figure, math.log(2), "ln 2", palette)
        _hint(figure, 2 * math.log(2), "2 ln 2", palette)
    return figure


def scores(history: History, theme: Theme, objective: str = "non-saturating") -> go.Figure:
    """Mean D(x) on real and on generated points: probabilities, or raw scores where the objective has no probabilities."""
    palette = PALETTES[theme]
    figure = go.Figure(
        [
            _line(history.epoch, history.columns["d_real"], "D(real)", palette.real),
            _line(history.epoch, history.columns["d_fake"], "D(generated)", palette.generated),
        ]
    )
    if objective in PROBABILITY_OBJECTIVES:
        _style(figure, palette, title="What the discriminator believes")
        figure.update_yaxes(range=[0, 1], tickvals=[0, 0.5, 1])
        _hint(figure, 0.5, "it can only guess", palette)
    else:
        _style(figure, palette, title="Scores of the discriminator")
    return figure


def metric(history: History, names: Sequence[str], theme: Theme) -> go.Figure:
    """Metrics over the epochs, by their names in `METRICS`; those never measured are left out."""
    palette = PALETTES[theme]
    known = [METRICS[name] for name in names if name in history.columns]
    figure = go.Figure(
        [
            _line(history.epoch, history.columns[shown.name], shown.title, LINES[place % len(LINES)])
            for place, shown in enumerate(known)
        ]
    )
    _style(figure, palette)
    figure.update_layout(showlegend=len(known) > 1)
    if known and all(shown.log_scale for shown in known):
        figure.update_yaxes(type="log", dtick=1 if _decades(history, known) > 3 else None)
    ideals = {shown.ideal for shown in known}
    if len(ideals) == 1 and (ideal := ideals.pop()):
        _hint(figure, ideal, "real points", palette)
    return figure


def _decades(history: History, known: Iterable[object]) -> float:
    values = np.concatenate([history.columns[shown.name] for shown in known])  # type: ignore[attr-defined]
    values = values[np.isfinite(values) & (values > 0)]
    return float(np.log10(values.max() / values.min())) if len(values) else 0.0


def thin(x: NDArray[np.generic], y: Floats, limit: int = MOST_POINTS) -> tuple[NDArray[np.generic], Floats]:
    """At most `limit` of the points (x, y), in order, that keep every spike; points that are not finite are dropped.

    Points are put into bins of equal count, and of each bin its lowest and its highest stay; so do the first and the
    last point.
    """
    finite = np.isfinite(y)
    if not finite.all():
        x, y = x[finite], y[finite]
    n = len(y)
    if n <= limit:
        return x, y
    bins = (limit - 2) // 2
    edges = np.linspace(0, n, bins + 1).astype(int)
    width = int(np.diff(edges).max())
    places = np.minimum(edges[:-1, None] + np.arange(width), edges[1:, None] - 1)
    rows = np.arange(bins)
    low = places[rows, y[places].argmin(axis=1)]
    high = places[rows, y[places].argmax(axis=1)]
    kept = np.unique(np.concatenate(([0, n - 1], low, high)))
    return x[kept], y[kept]


@cache
def thumbnail_svg(shape: Shape) -> str:
    """A small square picture of a shape's points, the same each time; it takes the colour of the text around it."""
    (x_min, x_max), (y_min, y_max) = shape.bounds
    points = shape.sample(THUMBNAIL_POINTS, np.random.default_rng(0)).astype(np.float64)
    scale = 44 / np.array([x_max - x_min, y_max - y_min])
    if shape.curve is None:
        scale = np.minimum(scale[0], scale[1])
    centred = (points - [(x_min + x_max) / 2, (y_min + y_max) / 2]) * scale * [1, -1] + 24
    dots = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in centred)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48">'
        f'<path d="{dots}" stroke="currentColor" stroke-width="2" stroke-linecap="round" fill="none"/></svg>'
    )


def _line(x: NDArray[np.int64], y: Floats, name: str, colour: str) -> go.Scatter:
    epochs, values = thin(x, y)
    return go.Scatter(
        x=epochs,
        y=values.astype(np.float32),
        mode="lines" if len(epochs) > 1 else "markers",
        name=name,
        line={"color": colour, "width": 1.8},
        hovertemplate="%{y:.4g}",
    )


def _hint(figure: go.Figure, y: float, text: str, palette: Palette) -> None:
    """A thin dotted line with a word beside it."""
    figure.add_hline(
        y=y,
        line={"color": palette.hint, "width": 1, "dash": "dot"},
        annotation={"text": text, "font": {"size": 10, "color": palette.hint}, "yshift": -1},
        annotation_position="top right",
    )


def _style(figure: go.Figure, palette: Palette, title: str = "") -> None:
    axis = {
        "gridcolor": palette.grid,
        "linecolor": palette.grid,
        "zeroline": False,
        "tickfont": {"size": 11},
        "automargin": False,
    }
    figure.update_layout(
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": palette.text, "size": 12},
        margin={"l": 44, "r": 8, "t": 30, "b": 26},
        hovermode="closest" if not title else "x unified",
        hoverlabel={"font": {"size": 12}},
        legend={"orientation": "h", "x": 1, "xanchor": "right", "y": 1.0, "yanchor": "bottom", "font": {"size": 11}},
        title={"text": title, "font": {"size": 13}, "x": 0.01, "xanchor": "left", "y": 0.98, "yanchor": "top"},
        uirevision="run",
        xaxis=axis,
        yaxis=axis,
    )
