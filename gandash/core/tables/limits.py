"""What is refused before anything is read, and the room that reading may take."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

MOST_BYTES = 200 * 2**20
ROOM = 1536 * 2**20
"""Bytes of address space that reading may ask for beyond what the process has, where the system can hold it to that."""
GIVE = "Give a table as CSV, TSV or Parquet."

_MAGIC: dict[bytes, str] = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a zip archive, as Excel's files are. Unpack it, or save the sheet as CSV",
    b"PK\x05\x06": "an empty zip archive",
    b"\x1f\x8b": "compressed by gzip. Unpack it first",
    b"BZh": "compressed by bzip2. Unpack it first",
    b"\xfd7zXZ": "compressed by xz. Unpack it first",
    b"\x28\xb5\x2f\xfd": "compressed by zstd. Unpack it first",
    b"7z\xbc\xaf": "a 7z archive. Unpack it first",
    b"Rar!": "a RAR archive. Unpack it first",
    b"\xd0\xcf\x11\xe0": "an old Excel or Word file. Save the sheet as CSV",
    b"SQLite format 3": "an SQLite database",
    b"\x89HDF": "an HDF5 file",
    b"ARROW1": "an Arrow file",
    b"\x7fELF": "a program",
    b"MZ\x90": "a program",
    b"RIFF": "a sound or a picture",
    b"\x93NUMPY": "a NumPy array. Take Target.from_points in Python, or save it as CSV",
    b"\x80\x04": "a pickle, which is never opened",
    b"\x80\x05": "a pickle, which is never opened",
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
    b"<?xml": "XML",
}


def kind_of(path: Path, called: str) -> Literal["text", "parquet"]:
    """What reads the file; raises `ValueError` in words if nothing does."""
    if not path.is_file():
        raise ValueError(f"{called} is not there, or is no file.")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ValueError(
            f"{called} has {size / 2**20:,.0f} MB; at most {MOST_BYTES // 2**20} MB are read. Leave out rows."
        )
    if not size:
        raise ValueError(f"{called} is empty. {GIVE}")
    with path.open("rb") as file:
        head = file.read(16)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PARE"):
        raise ValueError(f"{called} is an encrypted Parquet file. {GIVE}")
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            raise ValueError(f"{called} is {what}. {GIVE}")
    return "text"


@contextlib.contextmanager
def bounded_memory(called: str) -> Iterator[None]:
    """Hold what is done in here to `ROOM` bytes, where that can be done, and tell if it is not enough."""
    import pyarrow

    try:
        with _limited():
            yield
    except (MemoryError, pyarrow.ArrowMemoryError) as error:
        raise ValueError(
            f"{called} takes more memory to read than a table of {MOST_BYTES // 2**20} MB should: it was left alone."
        ) from error


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    try:
        import resource

        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        before = resource.getrlimit(resource.RLIMIT_AS)
        most = now + ROOM
        if before[0] != resource.RLIM_INFINITY and before[0] <= most:
            raise OSError
        resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    except (ImportError, OSError, ValueError):  # another system, or a stricter limit
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
