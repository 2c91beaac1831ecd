"""Where the generator carries a regular grid of its latent space: folds, bridges and collapse are seen.

Cells are told apart by how much they are stretched, so that a shape's colour is about its density (the manifold view of
GAN Lab, Kahng 2018, section 5.1, without its restriction to two dimensions of noise).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gandash.core.config import RunConfig
from gandash.core.views.view import Arrays, View

if TYPE_CHECKING:
    from gandash.core.trainer import Trainer

CELLS = 32
PIECES = 256
"""Of the line that one dimension of noise is."""
REACH = 2.5
"""Standard deviations of normal noise that the grid covers; uniform noise is covered from -1 to 1."""


def manifold(trainer: Trainer, turn: float = 0.0) -> Arrays:
    """`mesh` (33, 33, 2) and `stretch` (32, 32); with one dimension of noise `line` (257, 2) and `stretch` (256,).

    Over more than two dimensions the grid lies on a plane through the origin that is turned from axes 1 and 2 on, a
    quarter each: its first axis through the odd dimensions of the noise, its second one through the even ones, in turn.
    """
    config = trainer.config
    if config.latent_dim == 1:
        latent = np.linspace(-1.0, 1.0, PIECES + 1)[:, None]
        points = _carried(trainer, latent)
        return {"line": points, "stretch": _lengths(trainer, points)}
    steps = np.linspace(-1.0, 1.0, CELLS + 1)
    across, up = np.meshgrid(steps, steps)
    first, second = plane(config.latent_dim, turn)
    latent = across.ravel()[:, None] * first + up.ravel()[:, None] * second
    points = _carried(trainer, latent).reshape(CELLS + 1, CELLS + 1, 2)
    return {"mesh": points, "stretch": _areas(trainer, points)}


def plane(dim: int, turn: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two orthogonal directions ``(dim,)`` of length 1, after so many quarters of a turn."""
    axes, places, shares = (range(0, dim, 2), range(1, dim, 2)), [0, 0], [0.0, 0.0]
    for quarter in range(int(turn)):
        places[quarter % 2] += 1
    shares[int(turn) % 2] = turn % 1.0
    directions = []
    for own, place, share in zip(axes, places, shares, strict=True):
        direction = np.zeros(dim)
        direction[own[place]] = np.cos(share * np.pi / 2)
        if share:
            direction[own[place + 1]] = np.sin(share * np.pi / 2)
        directions.append(direction)
    return directions[0], directions[1]


def _quarters(dim: int) -> int:
    return max(0, dim - 2)


def quarters(config: RunConfig) -> int:
    """How many quarters the plane can be turned by, until every dimension of the noise was one of its axes."""
    return _quarters(config.latent_dim)


def _carried(trainer: Trainer, latent: NDArray[np.float64]) -> NDArray[np.float32]:
    """Where points of the latent space end in the picture, ``(n, 2)``, given from -1 to 1 over what the grid covers."""
    if trainer.config.latent == "uniform":
        from scipy.special import erfinv

        noise = np.sqrt(2.0) * erfinv(np.clip(latent, -1.0, 1.0))
    else:
        noise = REACH * latent
    return np.asarray(trainer.target.canvas.project(trainer.generated(noise.astype(np.float32))), np.float32)


def _areas(trainer: Trainer, mesh: NDArray[np.float32]) -> NDArray[np.float32]:
    """The signed area of each cell, 1 for an even spread over the picture, of which most are positive."""
    corners = [mesh[:-1, :-1], mesh[:-1, 1:], mesh[1:, 1:], mesh[1:, :-1]]
    corners = [corner.astype(np.float64) for corner in corners]
    (a, b) = corners[2] - corners[0], corners[3] - corners[1]  # half the cross product of the diagonals
    areas = (a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]) / 2
    (left, right), (bottom, top) = trainer.target.canvas.bounds
    stretch = areas * (areas.size / ((right - left) * (top - bottom)))
    return np.asarray(stretch if stretch.sum() >= 0 else -stretch, np.float32)


def _lengths(trainer: Trainer, line: NDArray[np.float32]) -> NDArray[np.float32]:
    """The length of each piece, 1 if all of them together were as long as the picture's diagonal."""
    (left, right), (bottom, top) = trainer.target.canvas.bounds
    diagonal = math.hypot(right - left, top - bottom)
    return np.asarray(np.linalg.norm(np.diff(line, axis=0), axis=1) * ((len(line) - 1) / diagonal), np.float32)


MANIFOLD = View(
    "manifold",
    "Manifold",
    "Where the generator carries a regular grid of its noise: strong where it squeezes it together, violet where it "
    "turns it over",
    "squeezed where strong, turned over where violet",
    manifold,
    turned=manifold,
    quarters=quarters,
)
