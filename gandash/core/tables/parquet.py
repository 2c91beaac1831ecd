"""Parquet: what the file declares is checked before anything is unpacked, then it is read in small batches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gandash.core.rows import Rows
from gandash.core.tables.source import MOST_COLUMNS, PREVIEWED, Batch, Kind, Source, cell, different, finite

LONGEST_FOOTER = 16 * 2**20
MOST_DECLARED_ROWS = 50_000_000
MOST_NUMBERS = 500_000_000
"""Numbers that are read, however small they are packed: some ten seconds' worth."""
MOST_UNPACKED = 2 * 2**30
"""Bytes that all columns of numbers may declare to have."""
MOST_GROUPS = 100_000
SHOWN_UNPACKED = 32 * 2**20
"""A column that declares to be larger in its first group is not shown."""
AT_ONCE = 2**20
"""Values that are read at once, of all columns together."""
CHUNK = 2**20


def open_(path: Path, called: str) -> Source:
    """The table in a Parquet file; raises `ValueError` in words."""
    import pyarrow as pa

    try:
        return _open(path, called)
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError, OverflowError, UnicodeError) as error:
        raise ValueError(_damaged(called)) from error


def _damaged(called: str) -> str:
    return f"{called} is a damaged Parquet file: save or download it once more."


def _open(path: Path, called: str) -> Source:

    size = path.stat().st_size
    with path.open("rb") as raw:
        raw.seek(max(size - 8, 0))
        end = raw.read()
    footer = int.from_bytes(end[:4], "little")
    if len(end) < 8 or end[4:] != b"PAR1" or footer > size:
        raise ValueError(_damaged(called))
    if footer > LONGEST_FOOTER:
        raise ValueError(
            f"{called} describes itself in {footer / 2**20:,.0f} MB, which no table of {MOST_COLUMNS:,} columns "
            "does: leave out columns."
        )
    opened = _opened(path)
    with opened:
        about, schema = opened.metadata, opened.schema_arrow
        if len(schema) > MOST_COLUMNS:
            raise ValueError(
                f"{called} has {len(schema):,} columns; at most {MOST_COLUMNS:,} are read: leave some out."
            )
        if about.num_rows > MOST_DECLARED_ROWS or about.num_row_groups > MOST_GROUPS:
            raise ValueError(f"{called} declares {about.num_rows:,} rows; at most {MOST_DECLARED_ROWS:,} are read.")
        kinds = _kinds(schema)
        numbers = about.num_rows * kinds.count("number")
        if numbers > MOST_NUMBERS:
            raise ValueError(
                f"{called} declares {numbers:,} numbers; at most {MOST_NUMBERS:,} are read. Leave out rows or columns."
            )
        sizes = _sizes(about)
        unpacked = sum(sum(sizes.get(schema.names[place], ())) for place, kind in enumerate(kinds) if kind == "number")
        if unpacked > MOST_UNPACKED or unpacked < 0:
            raise ValueError(
                f"{called} declares {unpacked / 2**30:,.1f} GB of numbers; at most {MOST_UNPACKED // 2**30} GB are "
                "unpacked. Leave out rows or columns."
            )
        if not about.num_rows:
            raise ValueError(f"{called} has no row.")
        shown = [name for name in schema.names if sizes.get(name, [SHOWN_UNPACKED + 1])[0] <= SHOWN_UNPACKED]
        preview = _preview(opened, schema.names, shown)
    names = list(schema.names)

    def batches(places: Sequence[int]) -> Iterator[Batch]:
        return _batches(path, called, [names[place] for place in places])

    return Source(different(names), kinds, preview, batches, _seed(path))


def _opened(path: Path) -> Any:
    from pyarrow import parquet

    return parquet.ParquetFile(
        path,
        memory_map=False,
        pre_buffer=False,
        buffer_size=CHUNK,
        thrift_string_size_limit=LONGEST_FOOTER,
        thrift_container_size_limit=1_000_000,
    )


def _kinds(schema: Any) -> tuple[Kind, ...]:
    """Columns of one name cannot be told apart, so they are no numbers."""
    from pyarrow import types

    def is_number(field: Any) -> bool:
        kind = field.type
        number = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
        return bool(number and schema.names.count(field.name) == 1)

    return tuple("number" if is_number(field) else "text" for field in schema)


def _sizes(about: Any) -> dict[str, list[int]]:
    """Bytes that the columns of one number or text declare to have unpacked, in each group."""
    sizes: dict[str, list[int]] = {}
    for group in range(about.num_row_groups):
        row_group = about.row_group(group)
        for place in range(row_group.num_columns):
            column = row_group.column(place)
            sizes.setdefault(column.path_in_schema, []).append(column.total_uncompressed_size)
    return sizes


def _preview(opened: Any, names: Sequence[str], shown: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    first = next(opened.iter_batches(PREVIEWED, columns=list(shown), use_threads=False), None) if shown else None
    if first is None:
        return ()
    values = {name: first.column(name).to_pylist() for name in shown if names.count(name) == 1}
    return tuple(
        tuple(cell(values[name][row]) if name in values else "…" for name in names) for row in range(first.num_rows)
    )


def _batches(path: Path, called: str, names: Sequence[str]) -> Iterator[Batch]:
    import pyarrow as pa

    try:
        with _opened(path) as opened:
            at_once = max(1024, AT_ONCE // max(len(names), 1))
            for batch in opened.iter_batches(at_once, columns=list(names), use_threads=False):
                yield Batch(tuple(_numbers(batch.column(name)) for name in names), 0, batch.num_rows)
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError, OverflowError) as error:
        raise ValueError(_damaged(called)) from error


def _numbers(values: Any) -> Rows:
    import pyarrow as pa
    from pyarrow import compute as pc

    if not pa.types.is_float64(values.type):
        values = pc.cast(values, pa.float64(), safe=False)
    return finite(values)


def _seed(path: Path) -> int:
    found = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return int.from_bytes(found.digest(), "big")
