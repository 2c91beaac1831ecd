"""Samples seen along lines: projections on fixed directions, sorted, and the Wasserstein distance along them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Points = NDArray[np.float32] | NDArray[np.float64]


def projected(points: Points, projections: int) -> Points:
    """Sorted coordinates along fixed directions, ``(projections, n)``."""
    lines: Points
    with np.errstate(over="ignore"):  # points at the end of the float range are infinitely far
        lines = np.matmul(directions(points.shape[1], projections).astype(points.dtype), points.T)
    lines.sort(axis=1)
    return lines


@lru_cache(maxsize=16)
def directions(dim: int, count: int) -> Floats:
    """Unit vectors ``(count, dim)``: in the plane evenly spaced over the half circle, elsewhere drawn once and for all.

    In the plane evenly spaced angles are the natural quadrature; in more dimensions there is none as simple.
    """
    if dim == 2:
        angles = np.arange(count) * (np.pi / count)
        return np.column_stack((np.cos(angles), np.sin(angles)))
    drawn = np.random.default_rng(0).standard_normal((count, dim))
    directions: Floats = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return directions


def distance_along(first: Points, second: Points) -> float:
    """Mean over rows of the 1-Wasserstein distance of sorted samples, ``(projections, n)`` and ``(projections, m)``."""
    n, m = first.shape[1], second.shape[1]
    if n == m:
        return float(np.abs(first - second).mean(dtype=np.float64))
    # Both quantile functions are steps; between neighbouring ends of steps, in units of 1 / (n m), neither changes.
    ends = np.union1d(np.arange(1, n + 1) * m, np.arange(1, m + 1) * n)
    starts = np.concatenate(([0], ends[:-1]))
    gaps = np.abs(first[:, starts // m] - second[:, starts // n]).mean(axis=0, dtype=np.float64)
    return float(gaps @ (ends - starts) / (n * m))
