"""Rows of finite targets by the hash of their content: in memory, or as ``<hash>.npy`` in folders, memory-mapped.

A config holds the hash alone. Whoever knows a folder of rows names it by `look_in`; a file is checked against its name
once a process, so that one which was damaged or exchanged is as good as none. No torch here.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float64]

COLUMNS = 2
LEAST_ROWS, MOST_ROWS = 50, 1_000_000
LARGEST = 1e15
"""No number is larger: the networks and the judge square them in single precision."""
FINEST = 2.0**-16
"""The spread of a column at least, as a share of its largest number: in single precision finer ones are steps."""
FOLDER = "data"
"""The folder of rows beside the saved runs."""

HASH = re.compile("[0-9a-f]{32}")
_MAPPED = 16

_lock = threading.Lock()
_folders: list[Path] = []
_memory: dict[str, Rows] = {}
_mapped: OrderedDict[str, Rows] = OrderedDict()


class MissingRowsError(ValueError):
    """The rows of a table are not here; `rows_hash` says which."""

    def __init__(self, rows_hash: str, name: str = "") -> None:
        super().__init__(rows_hash, name)
        self.rows_hash = rows_hash
        self.name = name

    def __str__(self) -> str:
        of = f"of the table {self.name} " if self.name else "of a table "
        return (
            f"The rows {of}({self.rows_hash}) are not on this machine: a set-up and a checkpoint name them, but do not "
            "hold them. Give the same data again."
        )


def middle(values: NDArray[Any]) -> NDArray[Any]:
    """Between which numbers eight in ten of columns ``(n, ...)`` lie, ``(2, ...)``: a few far out do not move them."""
    found: NDArray[Any] = np.quantile(values, (0.1, 0.9), axis=0)
    return found


def checked(points: Any) -> Rows:
    """Points as rows, float64 ``(n, 2)``; raises `ValueError` in words for what nothing can be learnt from."""
    try:
        found = np.asarray(points)
    except (ValueError, TypeError) as error:
        raise ValueError(f"The points are no array: {str(error)[:200]}. Give one of shape (n, 2).") from error
    if found.dtype.kind not in "iuf":
        raise ValueError(f"The points are of type {found.dtype.name[:40]}; give numbers, such as float64.")
    if found.ndim != 2 or found.shape[1] != COLUMNS:
        raise ValueError(f"The points have shape {found.shape}; give two columns, an array of shape (n, 2).")
    if not LEAST_ROWS <= len(found) <= MOST_ROWS:
        raise ValueError(
            f"There are {len(found):,} points; give {LEAST_ROWS} to {MOST_ROWS:,}, a part of them is held out to judge "
            "by."
        )
    rows = np.ascontiguousarray(found, np.float64)
    bad = ~np.isfinite(rows).all(axis=1)
    if bad.any():
        raise ValueError(
            f"{bad.sum():,} of the points are missing or infinite, the first in row {bad.argmax():,}: leave them out."
        )
    return rows


def check_column(values: Rows, name: str) -> None:
    """Raise `ValueError` in words if a column ``(n,)`` cannot be learnt."""
    least, most = float(values.min()), float(values.max())
    if least == most:
        raise ValueError(f"All numbers of {name} are {least:g}: there is nothing to learn. Choose another column.")
    if max(-least, most) > LARGEST:
        raise ValueError(
            f"{name} goes from {least:g} to {most:g}; numbers beyond {LARGEST:g} are too large: use another unit."
        )
    if most - least < FINEST * max(-least, most) or values.std() < FINEST * max(-least, most):
        raise ValueError(
            f"{name} goes from {least:.15g} to {most:.15g} and varies by too small a share of that for single "
            "precision: subtract a constant from it."
        )


def hash_of(rows: Rows) -> str:
    """The hash of rows ``(n, 2)``: 32 hexadecimal digits."""
    found = hashlib.blake2b(f"{rows.shape}".encode(), digest_size=16)
    found.update(np.ascontiguousarray(rows, "<f8").data)
    return found.hexdigest()


def remember(rows: Rows, rows_hash: str = "") -> str:
    """Have these rows at hand for as long as the process lives; their hash, which is given where it is known."""
    rows_hash = rows_hash or hash_of(rows)
    with _lock:
        if rows_hash not in _memory:
            _memory[rows_hash] = rows.copy()
            _memory[rows_hash].setflags(write=False)
    return rows_hash


def look_in(folder: str | os.PathLike[str]) -> None:
    """Look for rows in this folder too, the newest first; it need not exist."""
    path = Path(folder).absolute()
    with _lock:
        if path in _folders:
            _folders.remove(path)
        _folders.insert(0, path)


def find(rows_hash: str, name: str = "") -> Rows:
    """The rows of this hash, read-only ``(n, 2)``; raises `MissingRowsError`."""
    with _lock:
        if rows_hash in _memory:
            return _memory[rows_hash]
        if rows_hash in _mapped:
            _mapped.move_to_end(rows_hash)
            return _mapped[rows_hash]
        folders = tuple(_folders)
    for folder in folders:
        rows = _read(folder, rows_hash)
        if rows is not None:
            with _lock:
                _mapped[rows_hash] = rows
                while len(_mapped) > _MAPPED:
                    _mapped.popitem(last=False)
            return rows
    raise MissingRowsError(rows_hash, name)


def _read(folder: Path, rows_hash: str) -> Rows | None:
    """Rows from a folder; None if they are not there as their name says."""
    if not HASH.fullmatch(rows_hash):
        return None
    try:
        rows = np.load(path_of(folder, rows_hash), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    whole = rows.dtype == np.float64 and rows.ndim == 2 and rows.shape[1] == COLUMNS
    return rows if whole and hash_of(rows) == rows_hash else None


def path_of(folder: Path, rows_hash: str) -> Path:
    """Where rows are in a folder."""
    return folder / f"{rows_hash}.npy"


def keep(rows_hash: str, folder: str | os.PathLike[str], rows: Rows | None = None) -> Path:
    """Have rows in a folder, whole or not at all, and note that they were wanted now.

    They are those given, or those that `find` finds; raises `MissingRowsError`.
    """
    path = path_of(Path(folder), rows_hash)
    try:
        os.utime(path)
    except FileNotFoundError:
        rows = find(rows_hash) if rows is None else rows
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{rows_hash}.{secrets.token_hex(4)}.tmp")
        try:
            with temporary.open("wb") as file:
                np.save(file, rows, allow_pickle=False)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    return path
