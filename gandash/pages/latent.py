"""What Explore computes of a generator: planes through its noise, samples of it, and how near they are to real points.

Pure functions of NumPy; the forward pass that follows the pointer runs in the browser (`forward.js`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gandash.core.targets import Target
from gandash.portable import Array, PortableGenerator

AXES = 4
"""Of the noise, at most: a plane, and the two that it can be turned to."""
PROBE = 0.5
"""How far a coordinate is moved to see what it does: far enough to cross a digit now and then."""
MOST_PROBES = 128
MOST_WORK = 500_000_000
"""Multiplications that finding the axes may take, about a second's."""


def browser_side(generator: PortableGenerator) -> dict[str, str]:
    """A generator as `forward.js` loads it: JSON of its layers, and all weights in one row, as base64 text."""
    layers, weights, at = [], [], 0
    for layer in generator.layers:
        places = {}
        for name, tensor in layer.tensors.items():
            places[name] = [at, tensor.size]
            weights.append(np.ascontiguousarray(tensor, "<f4").tobytes())
            at += tensor.size
        layers.append({"kind": layer.kind, **layer.numbers, "tensors": places})
    made = {"latent_dim": generator.latent_dim, "dim": generator.dim, "layers": layers}
    return {"network": json.dumps(made), "weights": text_of(b"".join(weights))}


def text_of(numbers: bytes | ArrayLike) -> str:
    """Numbers as `forward.js` reads them: base64 of float32, row after row."""
    data = numbers if isinstance(numbers, bytes) else np.ascontiguousarray(numbers, "<f4").tobytes()
    return base64.b64encode(data).decode()


def axes(generator: PortableGenerator) -> NDArray[np.float64]:
    """The directions of noise that points depend on most, (k, latent_dim), orthonormal, the strongest first.

    Principal components of the changes in G(z) where one coordinate after the other moves (active subspaces:
    Constantine 2015, chapter 3). The plane itself is all there is to see of two dimensions.
    """
    d = generator.latent_dim
    if d <= 2:
        return np.eye(2, d)
    probes = int(np.clip(MOST_WORK // (generator.size * d), 2, MOST_PROBES))
    z = np.random.default_rng(0).standard_normal((probes, d))
    moved = (z[:, None, :] + PROBE * np.eye(d)).reshape(-1, d)
    changes = generator(moved).reshape(probes, d, -1) - generator(z)[:, None, :]
    changes /= np.std(generator(z), axis=0) + 1e-12
    rows = np.nan_to_num(changes.transpose(0, 2, 1).reshape(-1, d), posinf=0, neginf=0).astype(float)
    _, _, found = np.linalg.svd(rows[np.argsort(-np.abs(rows).sum(axis=1))[:512]], full_matrices=False)
    if len(found) < 2:
        return np.eye(2, d)
    return np.asarray(found[:AXES], np.float64)


def noise(n: int, latent_dim: int, seed: int, truncation: float | None = None) -> Array:
    """Noise ``(n, latent_dim)`` from N(0, 1); truncated, each number lies within plus and minus that.

    The same seed gives the same ranks whatever the truncation, so points move and do not jump (truncation: Brock 2019,
    section 3.1).
    """
    from scipy.special import ndtr, ndtri

    rng = np.random.default_rng(seed)
    if truncation is None:
        return rng.standard_normal((n, latent_dim), dtype=np.float32)
    low, high = ndtr(-truncation), ndtr(truncation)
    return np.asarray(
        ndtri(low + (high - low) * ndtr(rng.standard_normal((n, latent_dim), dtype=np.float32))), np.float32
    )


@dataclass(frozen=True)
class Nearness:
    """How far points are from the nearest real one: the median, beside that of fresh real points; `copies` as near as
    no fresh real point of a hundred is, as a share."""

    median: float
    real_median: float
    copies: float


def nearness(points: Array, known: Array, fresh: Array) -> Nearness:
    """Compare generated points ``(n, dim)`` with the `known` real ones, as `fresh` real ones do.

    Raises `ValueError` where no point is finite.
    """
    from scipy.spatial import cKDTree

    finite = points[np.isfinite(points).all(axis=1)]
    if not len(finite):
        raise ValueError("No generated point is finite.")
    tree = cKDTree(known)
    distances, usual = tree.query(finite)[0], tree.query(fresh)[0]
    close = float(np.quantile(usual, 0.01))
    return Nearness(float(np.median(distances)), float(np.median(usual)), float(np.mean(distances < close)))


def scene(target: Target) -> dict[str, Any]:
    """The picture of a target, as `explore.js` draws it; `board` where a point is a number's place."""
    return {**target.canvas.scene(), "board": bool(target.numbers)}


def scattered(places: Array) -> Array:
    """Places of a board ``(n, 2)``, each a little beside where it is, so that many of one can be told from few."""
    return places + np.random.default_rng(0).uniform(-0.32, 0.32, places.shape).astype(np.float32)


def histograms(sets: Mapping[str, Array], bounds: Any, bins: int = 40) -> dict[str, list[list[float]]]:
    """The marginals of drawn points ``(n, 2)`` over the picture's axes, as shares of all points."""
    found = {}
    for name, points in sets.items():
        columns = [np.histogram(points[:, i], bins=bins, range=bounds[i])[0] / max(len(points), 1) for i in (0, 1)]
        found[name] = [column.tolist() for column in columns]
    return found
