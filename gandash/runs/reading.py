"""What a worker does with a file that somebody brings: read it, and keep two of its columns. In bounded time.

What comes back is plain data, for the browser. The readers are imported inside the functions: the server never reads.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from gandash.core.targets import read_spec
from gandash.core.targets.table import TableSpec

LONGEST = 60.0
"""Seconds that reading a file may take a worker."""
LONGEST_WAIT = 2 * LONGEST
"""The same with the time until a worker is free."""
COUNTERS = ("", "id", "index", "row", "nr", "no", "number", "unnamed: 0", "column 1")
"""What columns are called that only count the rows."""


@dataclass(frozen=True)
class Choice:
    """Which columns to learn, what their file is called, and of which of the two the logarithm is learnt."""

    name: str
    x: str
    y: str
    logarithm: tuple[int, ...] = ()


def choice(said: object) -> Choice:
    """A choice as a browser sends it, ``{"name", "x", "y", "logarithm": [false, true]}``; raises `ValueError`."""
    match said:
        case {"name": str(name), "x": str(x), "y": str(y), "logarithm": [bool(first), bool(second)]}:
            return Choice(name, x, y, tuple(axis for axis, ticked in enumerate((first, second)) if ticked))
    raise ValueError("That is no choice of two columns: choose them in the preview.")


class TooLongError(ValueError):
    """A file takes too long to read."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Break off what takes longer with `TooLongError`, where the system knows alarms and this is the main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_: int, __: FrameType | None) -> None:
        raise TooLongError(f"Reading the file takes longer than {seconds:g} s: take fewer rows or columns.")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclass(frozen=True)
class Kept:
    """Rows that are kept: their hash, the text of the target that they are, and what is to be said of them."""

    hash: str
    target: str
    notices: tuple[str, ...] = ()


def read(path: str, name: str) -> Mapping[str, Any]:
    """What is in a file of this name, for who chooses; raises `ValueError` in words.

    ``columns`` are ``{"name", "numeric", "heavy", "missing"}``, ``preview`` the first rows as text, ``choice`` the
    places of the two columns to begin with.
    """
    from gandash.core import tables

    with within(LONGEST):
        table = tables.read(path, name=name)
    columns = [
        {
            "name": column.name,
            "numeric": column.kind == "number",
            "heavy": column.heavy,
            "missing": column.missing,
        }
        for column in table.columns
    ]
    return {
        "rows": table.rows,
        "columns": columns,
        "preview": table.preview,
        "notices": table.notices,
        "choice": sensible([column.name for column in table.columns], [bool(each["numeric"]) for each in columns]),
    }


def sensible(names: Sequence[str], numeric: Sequence[bool]) -> tuple[int, int]:
    """The places of x and y to begin with: columns called so, else the first two of numbers that count nothing.

    >>> sensible(["id", "height", "weight"], [True, True, True])
    (1, 2)
    """
    places = [place for place, usable in enumerate(numeric) if usable]
    called = {names[place].strip().lower(): place for place in reversed(places)}
    if "x" in called and "y" in called:
        return called["x"], called["y"]
    telling = [place for place in places if names[place].strip().lower() not in COUNTERS]
    first, second, *_ = [*telling, *(place for place in places if place not in telling)]
    return first, second


def as_csv(target: str) -> bytes:
    """All rows of the table that a target's text names, as a CSV file; raises `MissingRowsError`."""
    spec = read_spec(target)
    assert isinstance(spec, TableSpec)
    table = spec.make()
    return table.csv(table.all_rows)


def keep(path: str, folder: str, chosen: Choice) -> Kept:
    """Keep two columns of a file in the folder of data; raises `ValueError` in words."""
    from gandash.core import tables

    with within(LONGEST):
        taken = tables.take(
            path, chosen.x, chosen.y, folder, logarithm=chosen.logarithm, name=Path(chosen.name).name or None
        )
    return Kept(taken.spec.hash, taken.spec.text, taken.notices)
