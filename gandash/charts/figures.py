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

from gandash.core.metrics import METRICS
from gandash.core.objectives import OBJECTIVES
from gandash.core.targets import Target
from gandash.runs.snapshot import History

Theme = Literal["light", "dark"]
Floats = NDArray[np.float64]
Layout = dict[str, Any]

MOST_POINTS = 2000
"""How many points of a curve are sent to a browser."""

FENCE = 2.0
"""How far beyond the bulk of its values a chart over the epochs reaches, in spans of that bulk."""
DECADES = 1000.0
"""From which ratio on losses are drawn on a logarithmic axis."""

FEWEST_EPOCHS = 5
"""An axis of epochs shows at least as many, so that its ticks are whole epochs."""

SMALL = 11
"""Pixels of the smallest text."""
FAINT = 0.3
"""Opacity of a line that is there to be compared with its average."""

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


def overlay(target: Target, real: NDArray[np.float32], theme: Theme) -> go.Figure:
    """Real points ``(n, 2)`` on the target's fixed axes. The last trace is for generated points, and empty."""
    palette = PALETTES[theme]
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
        "x": [],
        "y": [],
        "hovertemplate": "(%{x:.3g}, %{y:.3g})<extra></extra>",
        "marker": {"color": _faint(palette.generated, 0.85), "size": 8.5, "symbol": "star"},
    }
    layout = _layout(palette, target.title, revision=target.name, look=theme)
    (x_min, x_max), (y_min, y_max) = target.canvas.bounds
    layout["xaxis"] |= {"range": [x_min, x_max]}
    layout["yaxis"] |= {"range": [y_min, y_max]}
    if target.canvas.equal:  # a plane with one unit; the axes of a curve are two quantities, each with its own scale
        layout["xaxis"] |= {"constrain": "domain"}
        layout["yaxis"] |= {"constrain": "domain", "scaleanchor": "x", "scaleratio": 1}
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
        _lines(history, shown.name, shown.title, palette.lines[place % len(palette.lines)], smoothing)
        for place, shown in enumerate(known)
    )
    return go.Figure([trace for several in traces for trace in several], layout)


def smooth(values: Floats, weight: float) -> Floats:
    """Exponential moving average of finite values ``(n,)`` that starts without a bias towards 0, as TensorBoard's.

    Each value is the mean of all up to it, weighted with `weight` to the power of how long ago they were: 0 leaves all
    as it is, 1 is the plain mean so far (Kingma & Ba 2015, section 3, for the correction at the start).

    >>> smooth(np.array([4.0, 1.0, 1.0]), 0.5).round(2).tolist()
    [4.0, 2.0, 1.43]
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"smoothing is {weight}; it must be from 0 to 1.")
    sums = values.astype(np.float64)
    shift = 1
    while shift < len(sums) and weight**shift > 1e-17:  # sums over 1, 2, 4, ... values: each pass doubles their reach
        sums[shift:] += weight**shift * sums[:-shift]
        shift *= 2
    return sums / np.cumsum(weight ** np.arange(len(sums), dtype=np.float64))


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


def robust_range(columns: Sequence[Floats]) -> tuple[float, float] | None:
    """The lowest and the highest value to show of columns ``(n,)`` of finite values; None if that is all of them.

    What is far from the bulk, the 5th to the 95th percentile, is left out, so that the bulk takes a fifth of the range
    or more.
    """
    low, high = _bulk(columns)
    span = high - low or abs(low) or 1.0
    inside = [column[np.abs(column - (low + high) / 2) <= (FENCE + 0.5) * span] for column in columns]
    if all(len(kept) == len(column) for kept, column in zip(inside, columns, strict=True)):
        return None
    kept = np.concatenate(inside)
    margin = 0.06 * (float(np.ptp(kept)) or span)
    return float(kept.min()) - margin, float(kept.max()) + margin


def _bulk(columns: Sequence[Floats]) -> tuple[float, float]:
    """From the lowest 5th to the highest 95th percentile of the columns, estimated from at most `MOST_POINTS` each."""
    ends = np.array([np.quantile(column[:: math.ceil(len(column) / MOST_POINTS)], (0.05, 0.95)) for column in columns])
    return float(ends[:, 0].min()), float(ends[:, 1].max())


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
    lowest, highest = min(float(column.min()) for column in columns), max(float(column.max()) for column in columns)
    low, high = _bulk(columns)
    if log_scale is None:
        log_scale = lowest > 0 and high / low >= DECADES
    if log_scale:
        axis |= {"type": "log"} | ({"dtick": 1} if high / low > 100 else {})
        columns = [np.log10(column) for column in columns]
    if shown := robust_range(columns):
        axis |= {"range": shown}
        bottom, top = (10**end if log_scale else end for end in shown)
        peaks = [f"peaks up to {_short(highest)}"] if highest > top else []
        dips = [f"dips down to {_short(lowest)}"] if lowest < bottom else []
        layout["meta"] |= {"cut": f"{' and '.join(peaks + dips)} are cut off".capitalize()}
    return log_scale


def _short(value: float) -> str:
    """A number in a few letters: 1,234 or 1.2e13."""
    if value and not 0.001 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _hint(layout: Layout, palette: Palette, y: float, text: str, *, log_scale: bool = False) -> None:
    """Add a thin dotted line across, with a word at its right end."""
    ends = {"xref": "paper", "x0": 0, "x1": 1, "yref": "y", "y0": y, "y1": y}
    place = math.log10(y) if log_scale else y  # unlike a shape, an annotation sits at the logarithm
    _mark(layout, palette, ends, text, x=1, y=place, xanchor="right", yanchor="bottom")


def _mark(layout: Layout, palette: Palette, ends: dict[str, Any], text: str, **place: Any) -> None:
    """Add a thin dotted line between two ends, with a word at this place."""
    line = {"type": "line", "layer": "below", "line": {"color": palette.hint, "width": 1, "dash": "dot"}, **ends}
    label = {"text": text, "showarrow": False, "font": {"size": SMALL, "color": palette.hint}, **place}
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
