"""A table as the target on the command line: ``--data FILE --x COLUMN --y COLUMN --log x,y``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from gandash.core import rows, tables
from gandash.core.problems import shortened, some_of
from gandash.core.targets.table import TableSpec
from gandash.headless import RefusedError

_OPTIONS = ("x", "y", "log")


def add_options(group: argparse._ArgumentGroup) -> None:
    """The options; what is not given is not there, as for knobs."""
    shared: dict[str, Any] = {"default": argparse.SUPPRESS}
    group.add_argument(
        "--data",
        metavar="FILE",
        help="learn two columns of a table: CSV, TSV or Parquet, up to 200 MB; a part of its rows is held out",
        **shared,
    )
    group.add_argument("--x", metavar="COLUMN", help="which column of --data is x; default: the first of two", **shared)
    group.add_argument("--y", metavar="COLUMN", help="which column of --data is y", **shared)
    group.add_argument(
        "--log",
        metavar="COLUMNS",
        help="learn the logarithm of a column with a heavy tail: x, y, x,y or a column's name",
        **shared,
    )


def take(given: argparse.Namespace) -> None:
    """Make a table that is given the target, and say what was left out of it; raises `RefusedError`.

    With ``--from`` it gives a run its rows again, and the target stays.
    """
    file = vars(given).pop("data", None)
    x, y, log = (vars(given).pop(name, None) for name in _OPTIONS)
    if file is None:
        if alone := [f"--{name}" for name, value in zip(_OPTIONS, (x, y, log), strict=True) if value is not None]:
            verb = "says" if len(alone) == 1 else "say"
            raise RefusedError(f"{' and '.join(alone)} {verb} what of a table is learnt: add --data FILE.")
        return
    if "target" in given:
        raise RefusedError("--data and another target were given: give one of them.")
    try:
        x, y = _columns(file, x, y)
        found = tables.points(file, x, y)
        axes = _axes(log, (x, y))
        try:
            spec = TableSpec.of(found.rows, name=Path(file).stem, columns=(x, y), logarithm=axes)
        except ValueError as error:
            raise ValueError(f"{Path(file).name}: {error}") from error
    except ValueError as error:
        raise RefusedError(f"--data {error}") from error
    rows.remember(found.rows, spec.hash)
    for notice in found.notices:
        print(notice, file=sys.stderr)
    given.data_file = file
    given.target = spec


def _columns(file: str, x: str | None, y: str | None) -> tuple[str, str]:
    """The columns that are meant; both where the file has no others of numbers."""
    if x is not None and y is not None:
        return x, y
    numeric = [name for name in tables.read(file).numeric if name not in (x, y)]
    missing = [f"--{axis}" for axis, name in (("x", x), ("y", y)) if name is None]
    if len(numeric) != len(missing):
        which = " and ".join(missing)
        raise ValueError(f"{Path(file).name}: which columns? Add {which}, each one of {some_of(numeric)}.")
    left = iter(numeric)
    return x or next(left), y or next(left)


def _axes(log: str | None, columns: tuple[str, str]) -> list[int]:
    """The axes that ``--log`` names: by x and y, or by a column's name."""
    axes = []
    for word in [] if log is None else [log] if log in columns else log.split(","):
        word = word.strip()
        if word in columns:
            axes.append(columns.index(word))
        elif word in ("x", "y"):
            axes.append("xy".index(word))
        else:
            raise ValueError(f"--log {shortened(word)} was given; it takes x, y, x,y or a column's name.")
    return axes
