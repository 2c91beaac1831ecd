"""Files that are no table for a target: each is refused in words, soon, and leaves nothing behind."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pickle
import random
import sqlite3
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from gandash.core import tables
from gandash.core.tables import limits
from gandash.core.tables import parquet as parquet_reader

from . import lying_parquet as lying

Make = Callable[[], bytes]
N = 100
NUMBERS = [f"{value:.3f}" for value in np.random.default_rng(0).normal(size=2 * N)]
PAIRS = list(zip(NUMBERS[:N], NUMBERS[N:], strict=True))
GOOD = "x,y\n" + "".join(f"{x},{y}\n" for x, y in PAIRS)


def lines(*columns: object) -> bytes:
    """A hundred rows, each value made by a column's function of the row, or always the same."""
    rows = (",".join(str(each(i) if callable(each) else each) for each in columns) for i in range(N))
    return ("\n".join(rows) + "\n").encode()


def picture(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (20, 20)).save(file, kind)
    return file.getvalue()


def archive(name: str, data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, data)
    return file.getvalue()


def database() -> bytes:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE points (x, y)")
    return connection.serialize()


def saved(values: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def columns(**values: Any) -> bytes:
    """A Parquet file."""
    file = io.BytesIO()
    parquet.write_table(pa.table(values), file)
    return file.getvalue()


def arrow() -> bytes:
    table, file = pa.table({"x": [1.0], "y": [2.0]}), io.BytesIO()
    with pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


X, Y = np.arange(N) * 1.0, np.arange(N) ** 2 * 1.0
WHOLE = columns(x=X, y=Y)

BAD: dict[str, tuple[Make, str]] = {
    "empty": (lambda: b"", "is empty"),
    "a newline": (lambda: b"\n", "no row"),
    "blank lines": (lambda: b"\n  \n\r\n" * 50, "no row"),
    "a mark alone": (lambda: b"\xef\xbb\xbf", "no row"),
    "remarks alone": (lambda: b"# a, b\n" * 100, "no row"),
    "a header alone": (lambda: b"x,y\n", "no column of numbers|0 rows"),
    "one row": (lambda: b"x,y\n1,2\n", "no column of numbers"),
    "too few rows": (lambda: lines(lambda i: i, lambda i: i * i)[:200], "at least 50 are needed"),
    "one column": (lambda: lines(lambda i: i), "has one column"),
    "one column of words": (lambda: lines(lambda i: f"word{i}"), "has one column"),
    "prose": (lambda: b"It was a dark night.\nNobody, it seems, slept.\n" * 40, "no column of numbers|one column"),
    "words": (lambda: lines("a", lambda i: f"b{i}", "c"), "no column of numbers"),
    "one column of numbers beside words": (lambda: lines(lambda i: i, "b"), "one column of numbers"),
    "dates": (lambda: lines(lambda i: f"2024-01-{i % 28 + 1:02}", lambda i: f"{i % 24}:30"), "no column of numbers"),
    "a constant column": (lambda: lines(lambda i: i, 7), "one column of numbers that vary"),
    "constant columns": (lambda: lines(3, 7.5), "no column of numbers that vary"),
    "values missing everywhere": (lambda: b"x,y\n" + lines("", "NA"), "no column of numbers"),
    "nothing finite": (lambda: lines("inf", "nan"), "no column of numbers"),
    "nothing in both": (
        lambda: lines(lambda i: "" if i % 2 else i, lambda i: i if i % 2 else ""),
        "0 rows with numbers in both columns",
    ),
    "too large numbers": (lambda: lines(lambda i: i, lambda i: f"{i}e200"), "too large"),
    "too fine numbers": (lambda: lines(lambda i: i, lambda i: 1e9 + i), "subtract a constant"),
    "too many digits": (lambda: lines(lambda i: i, lambda i: "9" * (400 + i)), "numbers"),
    "a PNG": (lambda: picture("PNG"), "a PNG picture"),
    "a JPEG": (lambda: picture("JPEG"), "a JPEG picture"),
    "a GIF": (lambda: picture("GIF"), "a GIF picture"),
    "a bitmap": (lambda: picture("BMP"), "zero|no text"),
    "a TIFF": (lambda: picture("TIFF"), "zero|no text"),
    "a PDF": (lambda: b"%PDF-1.7\n" + GOOD.encode(), "a PDF"),
    "a zip": (lambda: archive("data.csv", GOOD.encode()), "a zip archive"),
    "a zip bomb": (lambda: archive("data.csv", b"0,1\n" * 2**20), "a zip archive"),
    "an empty zip": (lambda: b"PK\x05\x06" + bytes(18), "an empty zip"),
    "an old Excel file": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500), "an old Excel"),
    "gzip": (lambda: gzip.compress(GOOD.encode()), "compressed by gzip"),
    "a gzip bomb": (lambda: gzip.compress(b"1,2\n" * 2**21, 1), "compressed by gzip"),
    "bzip2": (lambda: bz2.compress(GOOD.encode()), "compressed by bzip2"),
    "xz": (lambda: lzma.compress(GOOD.encode()), "compressed by xz"),
    "zstd": (lambda: b"\x28\xb5\x2f\xfd" + bytes(99), "compressed by zstd"),
    "a pickle": (lambda: pickle.dumps([[1, 2]] * N), "a pickle"),
    "a NumPy array": (lambda: saved(np.zeros((N, 2))), "a NumPy array"),
    "SQLite": (database, "an SQLite database"),
    "HDF5": (lambda: b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file"),
    "Arrow": (arrow, "an Arrow file"),
    "a program": (lambda: b"\x7fELF" + bytes(99), "a program"),
    "a web page": (lambda: b"<!DOCTYPE html><html><table><tr><td>1,2", "a web page"),
    "XML": (lambda: b"<?xml version='1.0'?><a>1,2</a>", "XML"),
    "JSON": (lambda: json.dumps([{"x": 1, "y": 2}] * N, indent=1).encode(), "no column of numbers|one column"),
    "JSON in lines": (lambda: b'{"x": 1, "y": 2}\n' * N, "no column of numbers"),
    "JSON in a line": (lambda: json.dumps([[1, 2]] * 50_000).encode(), "a line of more than 256 KB"),
    "bytes of zero": (lambda: GOOD.encode() + b"1,\x002\n" + GOOD.encode(), "bytes of zero"),
    "zeros": (lambda: bytes(5000), "no text"),
    "noise": (lambda: random.Random(0).randbytes(50_000), "no text|bytes of zero"),
    "UTF-32": (lambda: GOOD.encode("utf-32"), "UTF-32"),
    "broken UTF-16": (lambda: GOOD.encode("utf-16") + b"\x00\xd8,\x00" * 9, "begins as UTF-16"),
    "a gigantic line": (lambda: b"1" * 2**20, "a line of more than 256 KB"),
    "a gigantic line later on": (lambda: GOOD.encode() + b"1,2," * 2**18 + b"\n", "a line of more than 256 KB"),
    "a quotation that does not end": (lambda: GOOD.encode() + b'1,"2\n' + b"1,2\n" * 2**21, "not closed"),
    "a million columns": (lambda: b",".join([b"a"] * 10**6) + b"\n" + b",".join([b"1"] * 10**6), "256 KB"),
    "two thousand columns": (lambda: lines(*[lambda i: i] * 2000), "has 2,000 columns"),
    "no two rows alike": (lambda: "\n".join(",".join("1" * i) for i in range(2, 90)).encode(), "numbers|rows"),
    "Parquet cut off": (lambda: WHOLE[:-20], "damaged Parquet"),
    "Parquet without an end": (lambda: WHOLE[: len(WHOLE) // 2], "damaged Parquet"),
    "Parquet by its first letters": (lambda: b"PAR1", "damaged Parquet"),
    "Parquet by its first and last letters": (lambda: b"PAR1" + bytes(400) + b"PAR1", "damaged Parquet"),
    "Parquet with a footer of noise": (
        lambda: b"PAR1" + random.Random(1).randbytes(4000) + (3000).to_bytes(4, "little") + b"PAR1",
        "damaged Parquet",
    ),
    "Parquet whose footer is said to be huge": (lambda: WHOLE[:-8] + b"\xff\xff\xff\x7fPAR1", "damaged Parquet"),
    "Parquet whose pages are damaged": (lambda: WHOLE[:4] + b"\xff" * 300 + WHOLE[304:], "damaged Parquet"),
    "Parquet of no row": (lambda: columns(x=np.empty(0), y=np.empty(0)), "no row"),
    "Parquet of no column": (lambda: columns(), "no row|no column"),
    "Parquet of one column": (lambda: columns(x=X), "one column of numbers"),
    "Parquet of words": (lambda: columns(x=["a"] * N, y=["b"] * N), "no column of numbers"),
    "Parquet of a constant": (lambda: columns(x=X, y=np.ones(N)), "one column of numbers that vary"),
    "Parquet of lists": (lambda: columns(x=[[1.0]] * N, y=[{"a": 1.0}] * N), "no column of numbers"),
    "Parquet of nothing finite": (lambda: columns(x=X * np.nan, y=[None] * N), "no column of numbers"),
    "Parquet of 1,500 columns": (lambda: columns(**{f"c{i}": [1.0] for i in range(1500)}), "has 1,500 columns"),
    "Parquet with a page that says to have 2 GB": (lambda: lying.claims(2**31 - 1), "takes more memory"),
    "Parquet with a page that says to have 256 MB": (lambda: lying.claims(2**28), "damaged Parquet"),
    "Parquet with a page that says to have less than nothing": (lambda: lying.claims(-1), "damaged Parquet"),
    "Parquet with a page that is longer than the file": (
        lambda: lying.beside(lying.Column(lying.page(lying.numbers(), 800, packed=2**31 - 1))),
        "takes more memory|damaged",
    ),
    "Parquet with 50 KB that are 1.5 GB": (lambda: lying.expands(1536), "takes more memory"),
    "Parquet with a dictionary of 2 billion": (
        lambda: lying.beside(replace(lying.same(100), dictionary=lying.page(b"", 0, 2**31 - 1, of="dictionary"))),
        "takes more memory|damaged",
    ),
    "Parquet with five billion numbers in 10 KB": (
        lambda: lying.file({f"c{i}": lying.same(50_000_000) for i in range(100)}, 50_000_000),
        "declares 5,000,000,000 numbers",
    ),
    "Parquet under a key": (lambda: b"PARE" + WHOLE[4:-4] + b"PARE", "encrypted"),
}


def read_and_take(path: Path, folder: Path) -> None:
    x, y = tables.read(path).numeric[:2]
    tables.take(path, x, y, folder)


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_table_is_refused_in_words(name: str, tmp_path: Path) -> None:
    make, words = BAD[name]
    path = tmp_path / "given.csv"
    path.write_bytes(make())
    begun = time.perf_counter()
    with pytest.raises(ValueError, match=words) as caught:
        read_and_take(path, tmp_path / "data")
    assert time.perf_counter() - begun < 5
    said = str(caught.value)
    assert len(said.encode()) < 2000 and said.isprintable()
    assert not (tmp_path / "data").exists()


def test_there_are_more_than_fifty_of_them() -> None:
    assert len(BAD) > 70


def test_what_is_too_large_or_no_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(300 * 2**20)
    with pytest.raises(ValueError, match=r"large.csv has 300 MB; at most 200 MB are read"):
        tables.read(large)
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(ValueError, match="is not there, or is no file"):
            tables.read(path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ValueError, match="is not there, or is no file"):
            tables.read(tmp_path / "pipe")


def test_parquet_that_declares_too_much_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.parquet"
    bomb = pa.table(
        {
            "x": pa.DictionaryArray.from_arrays(np.zeros(10**6, np.int8), [1.0]).cast(pa.float64()),
            "y": X[0] + np.arange(10**6) % 2,
        }
    )
    parquet.write_table(bomb, path)
    assert path.stat().st_size < 200_000

    def unpacked(*_: Any) -> None:
        raise AssertionError("it was unpacked")

    monkeypatch.setattr(parquet_reader, "_preview", unpacked)
    for limit, words in (("MOST_DECLARED_ROWS", "declares 1,000,000 rows"), ("MOST_UNPACKED", "GB of numbers")):
        with monkeypatch.context() as patch:
            patch.setattr(parquet_reader, limit, 1000)
            with pytest.raises(ValueError, match=words):
                tables.read(path)


def test_what_is_written_byte_by_byte_is_parquet(tmp_path: Path) -> None:
    """Otherwise the liars above would be refused for another reason."""
    path = tmp_path / "honest.parquet"
    path.write_bytes(lying.beside(lying.Column(lying.page(lying.zstd(lying.numbers(2)), 800), codec=lying.ZSTD)))
    found = parquet.read_table(path)
    np.testing.assert_array_equal(found["z"].to_numpy(), np.frombuffer(lying.numbers(2)))
    assert tables.read(path).numeric == ("x", "y", "z")
    path.write_bytes(lying.file({"x": lying.same(70), "y": lying.same(70)}, 70))
    assert parquet.read_table(path)["y"].to_pylist() == [1.0] * 70


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="another system")
def test_what_takes_too_much_room_after_all_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROOM", 2**29)
    with pytest.raises(ValueError, match=r"b.csv takes more memory"), limits.bounded_memory("b.csv"):
        np.ones(2**28)
    np.ones(2**20)


def test_a_hostile_name_is_shown_as_one_short_line(tmp_path: Path) -> None:
    path = tmp_path / ("<img src=x>\n" + "a" * 200)
    path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"^<img src=x> a+…a+ is empty") as caught:
        tables.read(path)
    assert len(str(caught.value)) < 200
