"""Files that users bring to learn from: on disk under names of our own, counted to who brought them.

A file lies in ``incoming/<owner>/<id>`` within the folder of data while somebody chooses what to learn from it, a
few hours at most. What is kept of it lies in that folder by the hash of its content (`gandash.core.rows`), and a mark
beside the owner's files says whose quota it counts to. No name that a user gives is ever part of a path.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gandash.core import rows as by_hash

FOLDER = "incoming"
MEGABYTE = 10**6
KEPT_SECONDS = 6 * 3600.0
"""How long a file waits for a choice of its columns at least."""
BROKEN_SECONDS = 600.0
"""After which a file to which nothing was added counts as broken off, as by a server that was killed."""
MOST_AT_ONCE = 3
"""How many files of one owner come at the same time."""

_ID = re.compile(r"[0-9a-f]{32}")
_OWNER = re.compile(r"[0-9a-f]{64}")
_PART, _MARK = ".part", ".kept"


class RefusedError(ValueError):
    """A file is not taken; `status` is HTTP's code for why."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Quota:
    """Bytes that one file, all of one owner's data, and all data on the server may have."""

    file: int = 200 * MEGABYTE
    each: int = 1_000 * MEGABYTE
    all: int = 10_000 * MEGABYTE


@dataclass(eq=False)
class _Coming:
    owner: str
    part: Path
    reserved: int
    written: int = 0


class Incoming:
    """The files of all owners in a folder of data, which is made when the first one comes. For any thread."""

    def __init__(self, folder: Path, quota: Quota = Quota(), clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self.quota = quota
        self._clock = clock
        self._lock = threading.Lock()
        self._coming: set[_Coming] = set()
        self._clear()

    @contextlib.contextmanager
    def take(self, owner: str, size: int | None) -> Iterator[Arrival]:
        """Take a file of this size, where that is known. What is not finished within the context leaves nothing.

        Raises `RefusedError` in words if it is too large, or if there is no room for it.
        """
        if not _OWNER.fullmatch(owner):
            raise ValueError("An owner's key has 64 hexadecimal digits.")
        self._refuse_large(size or 0)
        upload_id = secrets.token_hex(16)
        path = self._home(owner) / upload_id
        coming = _Coming(owner, path.with_name(path.name + _PART), size or 0)
        with self._lock:
            self._clear()
            if sum(other.owner == owner for other in self._coming) >= MOST_AT_ONCE:
                raise RefusedError(f"{MOST_AT_ONCE} files of yours are coming already: wait for one to end.", 429)
            self._make_room(owner, coming.reserved)
            self._coming.add(coming)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with coming.part.open("xb") as file:
                yield Arrival(self, coming, upload_id, path, file)
        except OSError as error:
            raise RefusedError(f"The server cannot keep the file: {_reason(error)}.", 507) from error
        finally:
            with self._lock:
                self._coming.discard(coming)
            with contextlib.suppress(OSError):
                coming.part.unlink(missing_ok=True)

    def find(self, owner: str, upload_id: str) -> Path:
        """Where an owner's file is; raises `RefusedError` if it is gone, or somebody else's."""
        if _OWNER.fullmatch(owner) and _ID.fullmatch(upload_id):
            path = self._home(owner) / upload_id
            if path.is_file():
                return path
        raise RefusedError("The file is no longer here: choose it once more.", 404)

    def discard(self, owner: str, upload_id: str) -> None:
        """Remove an owner's file; it may be gone already."""
        with contextlib.suppress(RefusedError, OSError):
            self.find(owner, upload_id).unlink()

    def kept(self, owner: str, rows_hash: str) -> None:
        """Count what is kept by this hash to an owner, for as long as it is there."""
        if not (_OWNER.fullmatch(owner) and by_hash.HASH.fullmatch(rows_hash)):
            raise ValueError("An owner's key or a hash was expected.")
        home = self._home(owner)
        home.mkdir(parents=True, exist_ok=True)
        (home / f"{rows_hash}{_MARK}").touch()

    def used(self, owner: str | None = None) -> int:
        """Bytes of all data, or of this owner's alone, with what is announced."""
        return sum(self._sizes(owner).values()) + self._announced(owner)

    def grow(self, coming: _Coming, count: int) -> None:
        """Account for more bytes of a file that comes; raises `RefusedError` if there are too many."""
        coming.written += count
        if coming.written <= coming.reserved:
            return
        self._refuse_large(coming.written)
        with self._lock:
            more = coming.written - coming.reserved
            self._make_room(coming.owner, more)
            coming.reserved = coming.written

    def _refuse_large(self, size: int) -> None:
        if size > self.quota.file:
            raise RefusedError(
                f"The file has {_megabytes(size)}; {_megabytes(self.quota.file)} is the most. Take fewer rows or "
                "columns, or save it as Parquet, which is smaller.",
                413,
            )

    def _make_room(self, owner: str, size: int) -> None:
        """Remove an owner's older files until one of this size fits into the quota; raises `RefusedError`."""
        waiting = sorted(self._sizes(owner, waiting=True).items(), key=lambda item: _age(item[0]))
        spare = sum(count for _, count in waiting)
        mine, everything = self.used(owner), self.used()
        if mine - spare + size > self.quota.each:
            raise RefusedError(
                f"Your data takes {_megabytes(mine - spare)} on this server, and {_megabytes(self.quota.each)} is the "
                "most for one person: delete runs of yours that have learnt from files.",
                413,
            )
        if everything - spare + size > self.quota.all:
            raise RefusedError(
                f"All data on this server may take {_megabytes(self.quota.all)}, and there is no room left for the "
                "file: delete runs that have learnt from files, or ask who runs the server.",
                507,
            )
        for path, count in waiting:
            if mine + size <= self.quota.each and everything + size <= self.quota.all:
                return
            path.unlink(missing_ok=True)
            mine, everything = mine - count, everything - count

    def _clear(self) -> None:
        """Remove what has waited long enough, what was broken off, and marks of what is gone."""
        now = self._clock()
        for path in self._paths():
            with contextlib.suppress(OSError):
                if path.suffix == _MARK:
                    over = not by_hash.path_of(self.folder, path.stem).exists()
                else:
                    over = now - path.stat().st_mtime > (BROKEN_SECONDS if path.suffix == _PART else KEPT_SECONDS)
                if over:
                    path.unlink()
        for home in (self.folder / FOLDER).glob("*"):
            with contextlib.suppress(OSError):
                home.rmdir()  # only if it is empty

    def _sizes(self, owner: str | None, *, waiting: bool = False) -> dict[Path, int]:
        """The size of each whole file; `waiting` leaves out what is kept of them."""
        paths = self._files(owner)
        if not waiting and owner is None:
            paths += self.folder.glob("*.npy")
        elif not waiting:
            paths += [by_hash.path_of(self.folder, path.stem) for path in self._paths(owner) if path.suffix == _MARK]
        sizes = {}
        for path in paths:
            with contextlib.suppress(OSError):
                sizes[path] = path.stat().st_size
        return sizes

    def _announced(self, owner: str | None) -> int:
        return sum(coming.reserved for coming in tuple(self._coming) if owner in (None, coming.owner))

    def _files(self, owner: str | None) -> list[Path]:
        return [path for path in self._paths(owner) if path.suffix not in (_PART, _MARK)]

    def _paths(self, owner: str | None = None) -> list[Path]:
        homes = (self.folder / FOLDER).glob("*") if owner is None else [self._home(owner)]
        return [path for home in homes for path in home.glob("*")]

    def _home(self, owner: str) -> Path:
        return self.folder / FOLDER / owner


@dataclass(frozen=True)
class Arrival:
    """A file that comes: `write` what there is of it, and `finish` it once it is whole."""

    _incoming: Incoming
    _coming: _Coming
    upload_id: str
    _path: Path
    _file: BinaryIO

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._coming.written

    def write(self, data: bytes) -> None:
        """Add to the file; raises `RefusedError` if it becomes too large, `OSError` if the disk does not take it."""
        self._incoming.grow(self._coming, len(data))
        self._file.write(data)

    def finish(self) -> None:
        """The file is whole: from now on `Incoming.find` finds it."""
        self._file.close()
        self._coming.part.replace(self._path)


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _megabytes(count: int) -> str:
    return f"{count / MEGABYTE:,.1f}".removesuffix(".0") + " MB"


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
