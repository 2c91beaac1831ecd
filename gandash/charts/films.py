"""Films of each built-in shape as a GAN learns it, shown before there is a run; `benchmarks/films.py` records them.

A file is little-endian uint16: the number of frames f and of points n, the f epochs, then the points ``(f, n, 2)``,
from 0, the lower end of the picture's axis, to 65,535, its upper end. What lies outside is moved to the edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gandash.core.targets import Target
from gandash.core.targets.target import Bounds
from gandash.live import assets

FOLDER = Path(__file__).with_name("films")
ENDING = ".film"
POINTS = 240
_MOST = 65_535


def write(epochs: Sequence[int], frames: NDArray[np.float32], bounds: Bounds) -> bytes:
    """The file of these frames ``(f, n, 2)`` in data units, one for each epoch."""
    low, high = np.array(bounds).T
    scaled = np.rint((frames - low) / (high - low) * _MOST).clip(0, _MOST).astype("<u2")
    head = np.array([len(epochs), frames.shape[1], *epochs], "<u2")
    return bytes(head.tobytes() + scaled.tobytes())


def read(data: bytes, bounds: Bounds) -> tuple[list[int], NDArray[np.float64]]:
    """The epochs and the frames ``(f, n, 2)`` in data units of what `write` wrote."""
    values = np.frombuffer(data, "<u2")
    count, points = int(values[0]), int(values[1])
    low, high = np.array(bounds).T
    frames = values[2 + count :].reshape(count, points, 2) / _MOST * (high - low) + low
    return values[2 : 2 + count].tolist(), frames


@cache
def film_url(target: Target) -> str:
    """Where the film of a target is served; empty if there is none."""
    path = FOLDER / f"{target.name}{ENDING}"
    if not path.exists():
        return ""
    assets.register(path)
    return assets.asset_url(path.name)
