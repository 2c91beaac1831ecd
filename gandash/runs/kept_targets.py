"""Targets that are too large for a link: kept beside the runs, each under the hash of what it says.

The folder is bounded: what nobody has linked to or opened for longest makes room. Links to it say so from then on.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from gandash.core.problems import shortened
from gandash.core.targets import TargetSpec, read_spec
from gandash.core.targets.target import LONGEST_JSON

MOST_KEPT = 2000
MOST_BYTES = 64 * 2**20

_NAME = re.compile("[0-9a-f]{32}", re.ASCII)


class KeptTargets:
    """The targets of a folder, which is made with the first of them."""

    def __init__(self, folder: Path, most: int = MOST_KEPT, most_bytes: int = MOST_BYTES) -> None:
        self.folder, self._most, self._most_bytes = folder, most, most_bytes

    def keep(self, spec: TargetSpec) -> str | None:
        """Keep a target and return its hash; None if it is too large, or the disk takes nothing."""
        text = spec.model_dump_json().encode()
        if len(text) > LONGEST_JSON:
            return None
        name = _hash(text)
        try:
            if not self._touch(name):
                self._write(name, text)
                self._make_room(name)
        except OSError:
            return None
        return name

    def read(self, name: str) -> TargetSpec:
        """The target of this hash; `ValueError` in words if it is not there any more, or is no longer what it was."""
        if not _NAME.fullmatch(name):
            raise ValueError(f"the link names a kept target {shortened(name)}, which is no such name")
        try:
            text = self._path(name).read_bytes()
        except FileNotFoundError:
            raise ValueError(
                "the link's target is too large for a link and was kept by the server that made it; this server has it "
                "not, or not any more: ask for the target itself, or draw it again"
            ) from None
        except OSError as error:
            raise ValueError(f"the link's target is kept here but cannot be read ({error.strerror})") from error
        if _hash(text) != name:
            raise ValueError("the link's target is kept here but its file is damaged")
        with contextlib.suppress(OSError):
            self._touch(name)
        return read_spec(text.decode())

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _touch(self, name: str) -> bool:
        """Say that a target was asked for now, if it is there."""
        try:
            os.utime(self._path(name))
        except FileNotFoundError:
            return False
        return True

    def _write(self, name: str, text: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(dir=self.folder, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text)
            os.replace(part, self._path(name))
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise

    def _make_room(self, new: str) -> None:
        count, size = 0, 0
        for path, about in sorted(
            self._files(), key=lambda file: (file[0].stem == new, file[1].st_mtime), reverse=True
        ):
            count, size = count + 1, size + about.st_size
            if (count > self._most or size > self._most_bytes) and path.stem != new:
                path.unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """All that is kept; what a write of long ago left half done is deleted."""
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                about = path.stat()
                if path.suffix == ".json":
                    yield path, about
                elif about.st_mtime < time.time() - 3600:
                    path.unlink()


def _hash(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=16).hexdigest()
