"""Targets that are data of one's own: two columns of a table, of which a part is held out to judge by.

The spec holds what there is to know without the rows: names, bounds, scaling, and the hash by which
`gandash.core.rows` finds them. The GAN learns standardised numbers, or standardised logarithms, and its generator gives
the table's own units. This module knows NumPy alone.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic.dataclasses import dataclass as checked

from gandash.core import rows as by_hash
from gandash.core.rows import HASH, LEAST_ROWS, MOST_ROWS, Rows
from gandash.core.targets.target import MOST_FIELDS, Canvas, Floats, OutputMap, Target, TargetSpec, at_most

LONGEST_NAME = 60
TITLE_LETTERS = 32
WHOLE_HELD_OUT = 1000
"""Rows that are held out at least, where that is no more than half of them."""
SHOWN = (0.005, 0.995)
"""The quantiles between which the picture shows a column, and a margin around."""
MOST_BEYOND = 10.0
"""The picture ends where it goes beyond a column's `middle` by so many times its width."""
MARGIN = 0.1

Number = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Axis = Annotated[int, Field(ge=0, le=1)]


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class Spread:
    """Where a column's training rows lie: quantiles to show, mean and standard deviation, and those of the logarithm.

    A column with numbers that are not above 0 has no logarithm.
    """

    low: Number
    high: Number
    mean: Number
    std: Positive
    log_mean: Number | None = None
    log_std: Positive | None = None


_FewFields = Annotated[Spread, at_most(MOST_FIELDS, "fields of a spread")]


class TableSpec(TargetSpec):
    """Two columns of a table, x and y.

    `hash` names all rows, of which `rows` are learnt and `held_out` are not; which ones follows from the hash.
    `logarithm` are the axes (0: x, 1: y) of which the logarithm is learnt.
    """

    kind: Literal["table"] = "table"
    name: str
    hash: Annotated[str, Field(pattern=f"^{HASH.pattern}$")]
    columns: tuple[str, str]
    rows: Annotated[int, Field(ge=LEAST_ROWS // 2, le=MOST_ROWS)]
    held_out: Annotated[int, Field(ge=LEAST_ROWS // 2, le=MOST_ROWS)]
    logarithm: Annotated[tuple[Axis, ...], at_most(MOST_FIELDS, "axes")] = ()
    spread: tuple[_FewFields, _FewFields]

    @field_validator("name")
    @classmethod
    def _clean_name(cls, name: str) -> str:
        return clean(name) or "table"

    @field_validator("columns")
    @classmethod
    def _clean_columns(cls, columns: tuple[str, str]) -> tuple[str, str]:
        x, y = (clean(name) or axis for name, axis in zip(columns, "xy", strict=True))
        if x == y:
            raise ValueError(f"both columns are called {x!r}: choose two")
        return x, y

    @field_validator("logarithm")
    @classmethod
    def _sort(cls, axes: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(axes)))

    @model_validator(mode="after")
    def _check_spread(self) -> Self:
        for axis, (name, spread) in enumerate(zip(self.columns, self.spread, strict=True)):
            if not spread.low < spread.high:
                raise ValueError(f"{name} is shown from {spread.low:g} to {spread.high:g}")
            if axis in self.logarithm and (spread.log_mean is None or spread.log_std is None):
                raise ValueError(f"{name} has numbers that are not above 0, so it has no logarithm: leave it as it is")
        return self

    @property
    def training_rows(self) -> int:
        """All rows but the held-out ones."""
        return self.rows

    @property
    def rows_hash(self) -> str:
        """The hash of all rows."""
        return self.hash

    @classmethod
    def of(
        cls, rows: Rows, *, name: str = "points", columns: tuple[str, str] = ("x", "y"), logarithm: Sequence[int] = ()
    ) -> TableSpec:
        """The spec of rows ``(n, 2)``, which `rows.remember` or `rows.keep` has to know; `ValueError` in words."""
        for axis, column in enumerate(columns):
            by_hash.check_column(rows[:, axis], clean(column) or "xy"[axis])
        rows_hash, held_out = by_hash.hash_of(rows), count_held_out(len(rows))
        training = rows[_order(rows_hash, len(rows))[held_out:]]
        spreads = []
        for axis, column in enumerate(columns):
            values = training[:, axis]
            by_hash.check_column(values, f"{clean(column) or 'xy'[axis]}, where it is learnt,")
            spreads.append(_spread(values))
        return cls(
            name=name,
            hash=rows_hash,
            columns=columns,
            rows=len(training),
            held_out=held_out,
            logarithm=tuple(logarithm),
            spread=(spreads[0], spreads[1]),
        )

    def take_rows(self, points: Any) -> None:
        """Have all rows at hand; raises `ValueError` in words if these are not they."""
        rows = by_hash.checked(points)
        if by_hash.hash_of(rows) != self.hash:
            raise ValueError(
                f"The rows that were given are not those of the table {self.name} ({self.hash}), of which there are "
                f"{self.rows + self.held_out:,}: {len(rows):,} were given. Give the same rows in the same order."
            )
        by_hash.remember(rows, self.hash)

    def make(self) -> Table:
        """The target."""
        return Table(self)


def clean(name: str) -> str:
    """A name out of a file as one line of at most `LONGEST_NAME` printable characters."""
    printable = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in name[:1000])
    short = " ".join(printable.split())
    return short if len(short) <= LONGEST_NAME else short[: LONGEST_NAME - 1] + "…"


def count_held_out(n: int) -> int:
    """How many of `n` rows are held out: a tenth, or 1,000 where that is more, or a half where that is less."""
    return min(n // 2, max(n // 10, WHOLE_HELD_OUT))


@lru_cache(maxsize=8)
def _order(rows_hash: str, n: int) -> NDArray[np.int32]:
    """All rows' places ``(n,)`` in the order that the hash gives them; those that are held out come first."""
    order = np.random.default_rng(int(rows_hash, 16)).permutation(n).astype(np.int32)
    order.setflags(write=False)
    return order


def _spread(values: Floats) -> Spread:
    first, last = by_hash.middle(values)
    low, high = map(_rounded, np.quantile(values, SHOWN))
    if first < last:  # a number far out does not press all the others into one spot
        beyond = MOST_BEYOND * (last - first)
        low, high = max(low, _rounded(first - beyond)), min(high, _rounded(last + beyond))
    if low >= high:  # nearly all are one number
        low, high = _rounded(values.min()), _rounded(values.max())
    logs: dict[str, float] = {}
    if values.min() > 0:
        log = np.log(values)
        logs = {"log_mean": _rounded(log.mean()), "log_std": _rounded(log.std())}
    return Spread(low, high, _rounded(values.mean()), _rounded(values.std()), **logs)


def _rounded(value: Any) -> float:
    return float(f"{float(value):.9g}")


def from_points(
    points: Any, *, name: str = "points", columns: tuple[str, str] | None = None, logarithm: Sequence[int | str] = ()
) -> Table:
    """The target of `Target.from_points`."""
    named = [str(column) for column in getattr(points, "columns", ())]
    first, second = columns or (named if len(named) == by_hash.COLUMNS else ("x", "y"))
    rows = by_hash.checked(points)
    axes = [_axis(each, (first, second)) for each in logarithm]
    spec = TableSpec.of(rows, name=name, columns=(first, second), logarithm=axes)
    by_hash.remember(rows, spec.hash)
    return spec.make()


def _axis(named: int | str, columns: tuple[str, str]) -> int:
    """The axis that a number or a column's name means."""
    if named in (0, 1):
        return int(named)
    if named in columns:
        return columns.index(str(named))
    raise ValueError(f"The logarithm of {str(named)[:60]!r} was asked for; give one of {columns[0]!r}, {columns[1]!r}.")


@dataclass(frozen=True, eq=False)
class Table(Target):
    """The rows of a table: training sees a part of them, and generators are judged by the rest."""

    spec: TableSpec

    dim = 2
    finite = True

    @property
    def name(self) -> str:  # type: ignore[override]
        """Its own name in letters that a file's name may have, and the beginning of the hash."""
        plain = unicodedata.normalize("NFKD", self.spec.name).encode("ascii", "ignore").decode().lower()
        return f"{re.sub('[^a-z0-9]+', '-', plain)[:32].strip('-') or 'table'}-{self.spec.hash[:8]}"

    @property
    def title(self) -> str:  # type: ignore[override]
        """Its own name, which may be anything that is printable."""
        name = self.spec.name
        return name if len(name) <= TITLE_LETTERS else name[: TITLE_LETTERS - 1] + "…"

    @property
    def formula(self) -> str:  # type: ignore[override]
        """Columns and rows."""
        x, y = (f"log {name}" if i in self.spec.logarithm else name for i, name in enumerate(self.spec.columns))
        return f"{y} against {x}, {self.spec.rows:,} rows and {self.spec.held_out:,} held out"

    @property
    def columns(self) -> tuple[str, ...]:  # type: ignore[override]
        """As the user's table calls them."""
        return self.spec.columns

    @property
    def canvas(self) -> Canvas:  # type: ignore[override]
        """Nearly all of both columns, each with its own unit; by its logarithm where that is learnt."""
        x, y = (self._shown(axis) for axis in range(2))
        return Canvas((x, y), axes=self.spec.columns, equal=False, log=self.spec.logarithm)

    def _shown(self, axis: int) -> tuple[float, float]:
        spread = self.spec.spread[axis]
        low, high = spread.low, spread.high
        if axis in self.spec.logarithm:
            low, high = math.log10(low), math.log10(high)
        margin = MARGIN * (high - low)
        return low - margin, high + margin

    @property
    def output(self) -> OutputMap:  # type: ignore[override]
        """Out of standardised numbers, or logarithms, of the training rows."""
        means, stds = [], []
        for axis, spread in enumerate(self.spec.spread):
            log = axis in self.spec.logarithm
            mean, std = (spread.log_mean, spread.log_std) if log else (spread.mean, spread.std)
            assert mean is not None and std is not None
            means.append(mean)
            stds.append(std)
        return OutputMap(tuple(stds), tuple(means), self.spec.logarithm)

    @property
    def all_rows(self) -> Rows:
        """Every row ``(n, 2)``, as they came; raises `MissingRowsError`."""
        rows = by_hash.find(self.spec.hash, self.spec.name)
        if len(rows) != self.spec.rows + self.spec.held_out:
            raise ValueError(
                f"The table {self.spec.name} has {len(rows):,} rows and not {self.spec.rows + self.spec.held_out:,}: "
                "the set-up was changed. Choose the data again."
            )
        return rows

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Training rows ``(n, 2)``, without replacement while there are so many."""
        return self._drawn(slice(self.spec.held_out, None), n, rng)

    def unseen(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Held-out rows ``(m, 2)`` without replacement, m being at most their number."""
        held_out = slice(0, self.spec.held_out)
        found = self._drawn(held_out, min(n, self.spec.held_out), rng)
        return np.ascontiguousarray(found, np.float32)

    def shown(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """At most all training rows."""
        try:
            return self.sample(min(n, self.spec.rows), rng)
        except ValueError:  # they are missing
            return np.empty((0, self.dim), np.float32)

    def _drawn(self, part: slice, n: int, rng: np.random.Generator) -> Floats:
        rows = self.all_rows
        places = _order(self.spec.hash, len(rows))[part]
        chosen = rng.choice(len(places), n, replace=n > len(places))
        return np.asarray(rows[places[chosen]])
