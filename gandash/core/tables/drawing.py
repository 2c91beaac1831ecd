"""Rows of a stream, all of them or so many at random: each gets a random number, and those of the least ones stay."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from gandash.core.rows import Rows
from gandash.core.tables.source import Batch


@dataclass(frozen=True)
class Drawn:
    """`rows` ``(n, k)`` in their order, out of `total`, of which `left_out` have no number in some column."""

    rows: Rows
    total: int
    left_out: int


def draw(batches: Iterable[Batch], most: int, seed: int) -> Drawn:
    """At most so many rows; holds twice as many at a time."""
    rng = np.random.default_rng(seed)
    parts: list[Rows] = []
    keys: list[Rows] = []
    total = held = usable = 0
    for batch in batches:
        rows = np.column_stack(batch.columns)
        rows = rows[np.isfinite(rows).all(axis=1)]
        total, usable, held = total + batch.rows, usable + len(rows), held + len(rows)
        parts.append(rows)
        keys.append(rng.random(len(rows)))
        if held > 2 * most:
            parts, keys = _least(parts, keys, most)
            held = most
    if held > most:
        parts, keys = _least(parts, keys, most)
    empty = np.empty((0, 2))
    return Drawn(np.concatenate(parts) if parts else empty, total, total - usable)


def _least(parts: list[Rows], keys: list[Rows], most: int) -> tuple[list[Rows], list[Rows]]:
    rows, key = np.concatenate(parts), np.concatenate(keys)
    stays = np.sort(np.argpartition(key, most - 1)[:most])
    return [rows[stays]], [key[stays]]
