"""How densely real and generated points lie: contours of both, on the same grid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gandash.core.views.view import Arrays, View

if TYPE_CHECKING:
    from gandash.core.trainer import Trainer

CELLS = 64
POINTS = 2048
SMOOTHING = 1.5
"""Standard deviation of the kernel, in cells."""
HELD = (0.9, 0.6, 0.3)
"""The shares of the points that contours hold, the outermost first."""


def density(trainer: Trainer) -> Arrays:
    """`contours:real` and `contours:generated` (64, 64), points a cell; `levels:real` and `levels:generated` (3,).

    Of 2,048 points each, smoothed by a normal kernel. Inside a contour lies the smallest region that holds so many of
    the points that are in the picture: 90, 60 and 30 percent.
    """
    found: dict[str, NDArray[np.float32]] = {}
    of = {"real": trainer.real_points(POINTS), "generated": trainer.sample(POINTS, 0, trainer.seen)}
    for kind, points in of.items():
        grid = smoothed(trainer, points)
        found[f"contours:{kind}"] = grid.astype(np.float32)
        found[f"levels:{kind}"] = levels(grid).astype(np.float32)
    return found


def smoothed(trainer: Trainer, points: NDArray[np.float32]) -> NDArray[np.float64]:
    """A kernel density estimate of points ``(n, 2)`` on the picture's grid, ``(64, 64)``."""
    from scipy.ndimage import gaussian_filter

    canvas = trainer.target.canvas
    (left, right), (bottom, top) = canvas.bounds
    points = np.asarray(canvas.project(points), np.float32)
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], CELLS, ((bottom, top), (left, right)))
    return np.asarray(gaussian_filter(counts, SMOOTHING, mode="constant"), np.float64)


def levels(grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """The values above which the cells of a grid hold the shares `HELD` of all; none if there is nothing in it."""
    values = np.sort(grid.ravel())[::-1]
    held = np.cumsum(values)
    if not held[-1] > 0:
        return np.empty(0)
    return np.asarray(values[np.searchsorted(held, np.array(HELD) * held[-1])], np.float64)


DENSITY = View(
    "density",
    "Density",
    "How densely points lie: contours that hold 90, 60 and 30 % of the real ones and of the generated ones",
    "lines hold 90, 60 and 30 % of the points",
    density,
)
