"""Values over the epochs, made fit to be drawn: smoothed, thinned, and the range in which most of them are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_POINTS = 2000
"""How many points of a curve are sent to a browser."""
PEAK = 10.0
"""Ranges are cut where they would be so many times as long as the span of the bulk of the values."""
FENCE = 2.0
"""How far beyond that bulk a range that is cut still reaches, in its spans."""


def smooth(values: Floats, weight: float) -> Floats:
    """Exponential moving average of finite values ``(n,)`` that starts without a bias towards 0, as TensorBoard's.

    Each value is the mean of all up to it, weighted with `weight` to the power of how long ago they were: 0 leaves all
    as it is, 1 is the plain mean so far (Kingma & Ba 2015, section 3, for the correction at the start).

    >>> smooth(np.array([4.0, 1.0, 1.0]), 0.5).round(2).tolist()
    [4.0, 2.0, 1.43]
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"smoothing is {weight}; it must be from 0 to 1.")
    sums = np.stack((values, np.ones(len(values))))  # of the values, and of the weights alone
    reach = 1
    while reach < len(values) and weight**reach > 1e-17:  # sums over 1, 2, 4, ... values: each pass doubles their reach
        sums[:, reach:] += weight**reach * sums[:, :-reach]
        reach *= 2
    mean: Floats = sums[0] / sums[1]
    return mean


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


def robust_range(columns: Sequence[Floats]) -> tuple[float, float] | None:
    """The lowest and the highest value to show of columns ``(n,)`` of finite values; None if that is all of them.

    If the bulk, the 5th to the 95th percentile, would take less than a tenth of the range, what is far from it is left
    out: it then takes a fifth or more.
    """
    low, high = bulk(columns)
    span = high - low or abs(low) or 1.0
    if max(column.max() for column in columns) - min(column.min() for column in columns) <= PEAK * span:
        return None
    inside = [column[(column >= low - FENCE * span) & (column <= high + FENCE * span)] for column in columns]
    kept = np.concatenate(inside)
    margin = 0.06 * (float(np.ptp(kept)) or span)
    return float(kept.min()) - margin, float(kept.max()) + margin


def bulk(columns: Sequence[Floats]) -> tuple[float, float]:
    """From the lowest 5th to the highest 95th percentile of the columns, estimated from at most `MOST_POINTS` each."""
    ends = np.array([np.quantile(column[:: math.ceil(len(column) / MOST_POINTS)], (0.05, 0.95)) for column in columns])
    return float(ends[:, 0].min()), float(ends[:, 1].max())


def short(value: float) -> str:
    """A number in a few letters: 1,234 or 1.2e13."""
    if value and not 0.001 <= abs(value) < 1e6:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{mantissa}e{int(exponent)}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
