"""Parquet files that lie about what is in them, written byte by byte: no library writes such.

Thrift's compact protocol and the structures of parquet.thrift, as far as one group of plain columns needs them.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

I32, I64, BINARY, LIST, STRUCT = 5, 6, 8, 9, 12
DOUBLE = 5
PLAIN, RUNS, DICTIONARY = 0, 3, 8
STORED, ZSTD = 0, 6
MEGABYTE = 2**20

Fields = Sequence[tuple[int, int, Any]]
"""The fields of a structure in their order: number, type and value."""


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def written(kind: int, value: Any) -> bytes:
    match kind:
        case 5 | 6:
            return varint(((value << 1) ^ (value >> 63)) & (2**64 - 1))
        case 8:
            return varint(len(value)) + bytes(value)
        case 12:
            return struct_of(value)
    each, items = value
    head = bytes([len(items) << 4 | each]) if len(items) < 15 else bytes([0xF0 | each]) + varint(len(items))
    return head + b"".join(written(each, item) for item in items)


def struct_of(fields: Fields) -> bytes:
    out, last = b"", 0
    for number, kind, value in fields:
        out, last = out + bytes([(number - last) << 4 | kind]) + written(kind, value), number
    return out + b"\0"


@dataclass(frozen=True)
class Column:
    """A column's pages, and what the end of the file says of them."""

    data: bytes
    dictionary: bytes = b""
    codec: int = STORED


def page(
    data: bytes, unpacked: int, values: int = 100, *, encoding: int = PLAIN, of: str = "data", packed: int | None = None
) -> bytes:
    """A page that says how large it is, `unpacked` and `packed`, and how many values it has."""
    about: Fields = [(1, I32, values), (2, I32, encoding)]
    if of == "data":
        about = [*about, (3, I32, RUNS), (4, I32, RUNS)]
    kind, place = (0, 5) if of == "data" else (2, 7)
    head: Fields = [
        (1, I32, kind),
        (2, I32, unpacked),
        (3, I32, len(data) if packed is None else packed),
        (place, STRUCT, about),
    ]
    return struct_of(head) + data


def file(columns: Mapping[str, Column], rows: int = 100) -> bytes:
    """A file of one group. Its end says that each column has 800 bytes unpacked."""
    out, chunks, schema = b"PAR1", [], [[(4, BINARY, b"schema"), (5, I32, len(columns))]]
    for name, column in columns.items():
        start = len(out)
        out += column.dictionary + column.data
        about = [
            (1, I32, DOUBLE),
            (2, LIST, (I32, [PLAIN, RUNS, DICTIONARY])),
            (3, LIST, (BINARY, [name.encode()])),
            (4, I32, column.codec),
            (5, I64, rows),
            (6, I64, 800),
            (7, I64, len(out) - start),
            (9, I64, start + len(column.dictionary)),
            *([(11, I64, start)] if column.dictionary else []),
        ]
        chunks.append([(2, I64, start), (3, STRUCT, about)])
        schema.append([(1, I32, DOUBLE), (3, I32, 0), (4, BINARY, name.encode())])
    group = [(1, LIST, (STRUCT, chunks)), (2, I64, 800), (3, I64, rows)]
    end = struct_of([(1, I32, 2), (2, LIST, (STRUCT, schema)), (3, I64, rows), (4, LIST, (STRUCT, [group]))])
    return out + end + struct.pack("<I", len(end)) + b"PAR1"


def zstd(data: bytes) -> bytes:
    return bytes(pa.compress(data, codec="zstd", asbytes=True))


def numbers(seed: int = 0) -> bytes:
    return np.random.default_rng(seed).normal(size=100).tobytes()


def honest(seed: int = 0) -> Column:
    return Column(page(numbers(seed), 800))


def beside(liar: Column) -> bytes:
    """A liar beside two columns that are as they say."""
    return file({"x": honest(0), "y": honest(1), "z": liar})


def claims(unpacked: int) -> bytes:
    """A page of 800 bytes that says to have so many."""
    return beside(Column(page(zstd(numbers()), unpacked), codec=ZSTD))


def expands(megabytes: int) -> bytes:
    """A page of some KB that has so many MB, a multiple of 64, and says so itself."""
    data = zstd(bytes(64 * MEGABYTE)) * (megabytes // 64)
    return beside(Column(page(data, megabytes * MEGABYTE), codec=ZSTD))


def same(rows: int) -> Column:
    """A column of so many numbers in 60 bytes, all of them the first of a dictionary of two."""
    run = b"\x01" + varint(rows << 1) + b"\x00"
    return Column(
        page(run, len(run), rows, encoding=DICTIONARY),
        page(struct.pack("<dd", 1.0, 2.0), 16, 2, of="dictionary"),
    )
