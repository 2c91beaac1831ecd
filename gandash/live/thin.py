"""Curves made short enough to be sent."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MOST_POINTS = 2000
"""How many points of a curve are sent to a browser."""


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
