"""Tables out of files that somebody gives: CSV, TSV or Parquet of up to 200 MB, in bounded memory.

`read` says what is in a file; `keep` takes two columns of it and leaves them in a folder, as a spec names them. A
file may be anything: what cannot be read is refused by `ValueError` in words that begin with the file's name. Nothing
in it is run, unpickled or unpacked to disk. Meant for a worker process; no torch here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from gandash.core import rows as by_hash
from gandash.core.problems import one_line, shortened, some_of
from gandash.core.rows import LEAST_ROWS, MOST_ROWS, Rows
from gandash.core.tables import parquet, text
from gandash.core.tables.drawing import Drawn, draw
from gandash.core.tables.limits import MOST_BYTES, bounded_memory, kind_of
from gandash.core.tables.source import Source
from gandash.core.targets.table import TableSpec, clean

__all__ = ["MOST_BYTES", "Column", "Points", "Table", "Taken", "points", "read", "take"]

TAILED = 1.5
"""Skewness from which on a column of positive numbers is called heavy-tailed, if its logarithm is less skewed."""
LOOKED_AT = 50_000
"""Values of a column that its skewness is measured on, at least, where there are as many."""

FAR_OUT = 10.0
"""A column whose standard deviation is so many times the width of its `middle` has numbers far out.

Of a Gaussian it is 0.4 times, of the heaviest tail among twenty real tables 0.7.
"""
MOSTLY = 0.25
"""Share of rows that differ up to which repeating is worth a word."""


@dataclass(frozen=True)
class Column:
    """A column: `kind` says whether it can be chosen; `missing` of its values are no finite number.

    A `heavy` one is learnt better as its logarithm.
    """

    name: str
    kind: Literal["number", "text"]
    missing: int = 0
    low: float = float("nan")
    high: float = float("nan")
    heavy: bool = False


@dataclass(frozen=True)
class Table:
    """What is in a file: `rows` of them, the `broken` left out, and the first ones as text."""

    name: str
    rows: int
    columns: tuple[Column, ...]
    preview: tuple[tuple[str, ...], ...]
    broken: int = 0
    notices: tuple[str, ...] = ()

    @property
    def numeric(self) -> tuple[str, ...]:
        """The names of the columns that can be chosen."""
        return tuple(column.name for column in self.columns if column.kind == "number")


@dataclass(frozen=True)
class Points:
    """Two columns of a file, in the file's order: those of `total` rows that have two finite numbers, or some of them.

    `rows` have shape ``(n, 2)``; `left_out` had none, or were broken.
    """

    rows: Rows
    columns: tuple[str, str]
    total: int
    left_out: int
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Taken:
    """The spec of the rows that are kept in a folder now, and what is to be said of them."""

    spec: TableSpec
    notices: tuple[str, ...] = field(default=())


def read(path: str | Path, *, name: str | None = None, most_rows: int = MOST_ROWS) -> Table:
    """What is in the file, which messages call `name`; raises `ValueError` in words if it is no table for a target."""
    called = _called(path, name)
    with bounded_memory(called):
        source = _open(Path(path), called)
        numeric = [place for place, kind in enumerate(source.kinds) if kind == "number"]
        looks = {place: _Look() for place in numeric}
        total = broken = 0
        for batch in source.batches(numeric):
            total, broken = total + batch.rows, broken + batch.broken
            for place, values in zip(numeric, batch.columns, strict=True):
                looks[place].take(values)
    columns = tuple(
        looks[place].column(name) if place in looks else Column(name, "text") for place, name in enumerate(source.names)
    )
    usable = sum(column.kind == "number" for column in columns)
    if usable < by_hash.COLUMNS:
        found = "no column" if not usable else "one column"
        raise ValueError(f"{called} has {found} of numbers that vary; a target takes two, x and y.")
    if total - broken < LEAST_ROWS:
        raise ValueError(_too_few(called, total - broken))
    notices = list(source.notices)
    if broken:
        notices.append(f"{_rows(broken)} with another number of columns than the others: left out.")
    if total - broken > most_rows:
        notices.append(_sampled(most_rows, total - broken))
    return Table(clean(Path(called).stem), total, columns, source.preview, broken, tuple(notices))


def points(path: str | Path, x: str, y: str, *, name: str | None = None, most_rows: int = MOST_ROWS) -> Points:
    """Two columns of the file; of more than `most_rows` so many, drawn by the file's content alone."""
    called = _called(path, name)
    with bounded_memory(called):
        source = _open(Path(path), called)
        places = [_place(source, called, each) for each in (x, y)]
        if x == y:
            raise ValueError(f"{shortened(x)} was chosen for both x and y: choose two columns.")
        found: Drawn = draw(source.batches(places), most_rows, source.seed)
    usable = found.total - found.left_out
    if usable < LEAST_ROWS:
        raise ValueError(_too_few(called, usable, " with numbers in both columns"))
    notices = list(source.notices)
    if found.left_out:
        notices.append(f"{_rows(found.left_out)} of {found.total:,} without a finite number in {x} or {y}: left out.")
    if usable > most_rows:
        notices.append(_sampled(most_rows, usable))
    notices += [*_far_out(found.rows, (x, y)), *_repeated(found.rows)]
    return Points(found.rows, (x, y), found.total, found.left_out, tuple(notices))


def take(
    path: str | Path,
    x: str,
    y: str,
    folder: str | Path,
    *,
    logarithm: Sequence[int] = (),
    name: str | None = None,
    most_rows: int = MOST_ROWS,
) -> Taken:
    """Keep two columns of the file as ``<hash>.npy`` in the folder, which is made if it is missing."""
    found = points(path, x, y, name=name, most_rows=most_rows)
    spec = TableSpec.of(found.rows, name=Path(_called(path, name)).stem, columns=(x, y), logarithm=logarithm)
    by_hash.keep(spec.hash, folder, found.rows)
    return Taken(spec, found.notices)


class _Look:
    """What there is to say of a column after all batches."""

    def __init__(self) -> None:
        self.missing = 0
        self.low, self.high = float("inf"), float("-inf")
        self._some: list[Rows] = []
        self._seen = 0

    def take(self, values: Rows) -> None:
        good = values[np.isfinite(values)]
        self.missing += len(values) - len(good)
        if not len(good):
            return
        self.low, self.high = min(self.low, float(good.min())), max(self.high, float(good.max()))
        step = 1 + self._seen // LOOKED_AT  # fewer of later batches, so that no file takes much room
        self._some.append(good[::step].copy())
        self._seen += len(good)

    def column(self, name: str) -> Column:
        if not self.low < self.high:
            return Column(name, "text", self.missing)
        return Column(name, "number", self.missing, self.low, self.high, self._heavy())

    def _heavy(self) -> bool:
        values = np.concatenate(self._some)
        if self.low <= 0:
            return False
        skewed = _skewness(values / self.high)
        return skewed > TAILED and abs(_skewness(np.log(values))) < skewed / 2


def _skewness(values: Rows) -> float:
    off = values - values.mean()
    spread = values.std()
    return float((off**3).mean() / spread**3) if spread > 0 else 0.0


def _called(path: str | Path, name: str | None) -> str:
    called = one_line(Path(name or path).name) or "The file"
    return called if len(called) <= 80 else f"{called[:40]}…{called[-39:]}"


def _open(path: Path, called: str) -> Source:
    try:
        kind = kind_of(path, called)
        return parquet.open_(path, called) if kind == "parquet" else text.open_(path, called)
    except OSError as error:
        raise ValueError(f"{called} cannot be read: {error.strerror or 'the disk does not give it'}.") from error


def _place(source: Source, called: str, column: str) -> int:
    if column not in source.names:
        raise ValueError(f"{called} has no column {shortened(column)}; its columns are {some_of(source.names)}.")
    place = source.names.index(column)
    if source.kinds[place] != "number":
        raise ValueError(f"The column {shortened(column)} of {called} holds no numbers: choose another.")
    return place


def _too_few(called: str, usable: int, what: str = "") -> str:
    return (
        f"{called} has {_rows(usable)}{what}; at least {LEAST_ROWS} are needed, of which a part is held out to judge "
        "the generator."
    )


def _far_out(rows: Rows, columns: Sequence[str]) -> list[str]:
    """A sentence for each column of which a few numbers lie so far out that nothing is learnt of the others."""
    said = []
    for name, values in zip(columns, rows.T, strict=True):
        low, high = by_hash.middle(values)
        with np.errstate(over="ignore", invalid="ignore"):  # numbers that are too large are refused afterwards
            far = values.std() > FAR_OUT * (high - low)
        if low < high and far:
            farthest = values[np.abs(values - (low + high) / 2).argmax()]
            said.append(
                f"{shortened(name)} has numbers far out, such as {farthest:.6g}, where 8 in 10 lie between {low:.6g} "
                f"and {high:.6g}: leave such rows out if they are errors, or the others are learnt as one spot."
            )
    return said


def _repeated(rows: Rows) -> list[str]:
    """A sentence if most rows come again: what a generator of numbers without steps cannot do."""
    different = len(np.unique(rows, axis=0))
    if different > MOSTLY * len(rows):
        return []
    return [
        f"Of {len(rows):,} rows only {different:,} differ. A generator draws numbers without steps and hardly ever the "
        "very same row twice, so the judge will tell its points apart even where they lie well, and whether it copies "
        "rows cannot be told."
    ]


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _sampled(most: int, usable: int) -> str:
    return f"{most:,} of {usable:,} rows are used, drawn at random and the same each time."
