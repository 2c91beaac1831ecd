"""A file as its columns: their names and kinds, the first rows, and the numbers of some columns, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gandash.core.rows import Rows
from gandash.core.targets.table import clean

Kind = Literal["number", "text"]
PREVIEWED = 8
"""Rows that are shown."""
CELL = 30
"""Letters of a cell that are shown."""
MOST_COLUMNS = 1000


@dataclass(frozen=True)
class Batch:
    """Some rows: of each column that was asked for its numbers ``(n,)``, NaN where there is no finite one.

    `broken` rows more were there that cannot be read.
    """

    columns: tuple[Rows, ...]
    broken: int
    rows: int
    """All of them."""


@dataclass(frozen=True)
class Source:
    """An open table. `batches` of some columns, by their places, reads it once, in its order; `seed` is its content's.

    Its names are all different.
    """

    names: tuple[str, ...]
    kinds: tuple[Kind, ...]
    preview: tuple[tuple[str, ...], ...]
    batches: Callable[[Sequence[int]], Iterator[Batch]]
    seed: int
    notices: tuple[str, ...] = ()


def finite(values: Any) -> Rows:
    """An Arrow array of float64 as ``(n,)``; NaN for what is missing or not finite."""
    found: Rows = np.asarray(values.to_numpy(zero_copy_only=False), np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def cell(value: object) -> str:
    """What is shown of a value."""
    text = clean(str(value)[:200])
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


def different(names: Sequence[str]) -> tuple[str, ...]:
    """Names that can be shown, the empty ones numbered and the later of equal ones, too."""
    found: dict[str, None] = {}
    for place, name in enumerate(names, 1):
        bare = clean(name) or f"column {place}"
        each, count = bare, 1
        while each in found:
            count += 1
            each = f"{bare[:50]} ({count})"
        found[each] = None
    return tuple(found)
