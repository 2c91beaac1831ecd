"""What whoever runs a server asks of it from another process, such as the command line.

A wish is an empty file. The server that obeys takes it away, and where it cannot obey writes into it why. So neither
waits for the saved runs, which one large checkpoint may keep busy for longer than anybody waits.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import Literal, get_args
from urllib.parse import quote, unquote

Wish = Literal["stop", "delete"]
WISH_SECONDS = 60.0
"""How long a wish holds: a server that comes up much later must not stop what was resumed meanwhile."""
FOLDER = "wishes"


class Wishes:
    """The wishes for the runs that are saved in a folder. All raise `OSError` where the disk fails."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER

    def make(self, run_id: str, wish: Wish) -> None:
        """Ask whichever server has the run to do something to it."""
        self._folder.mkdir(exist_ok=True)
        self._file(run_id, wish).write_bytes(b"")

    def pending(self, now: float | None = None) -> list[tuple[str, Wish]]:
        """What is wished and not answered, as ids of runs and wishes, the oldest first; what is old goes."""
        found: list[tuple[float, str, Wish]] = []
        since = (time.time() if now is None else now) - WISH_SECONDS
        for path in self._folder.glob("*.*"):
            name, _, run = path.name.partition(".")
            with contextlib.suppress(FileNotFoundError):  # it was granted meanwhile
                state = path.stat()
                if state.st_mtime < since:
                    path.unlink()
                elif not state.st_size:
                    found += [(state.st_mtime, unquote(run), wish) for wish in get_args(Wish) if wish == name]
        return [(run_id, wish) for _, run_id, wish in sorted(found)]

    def grant(self, run_id: str, wish: Wish) -> None:
        """Say that a server has obeyed, or forget the wish."""
        self._file(run_id, wish).unlink(missing_ok=True)

    def refuse(self, run_id: str, wish: Wish, why: str) -> None:
        """Say why a server cannot obey."""
        self._file(run_id, wish).write_text(why, encoding="utf-8")

    def answer(self, run_id: str, wish: Wish) -> str | None:
        """None while a wish is not answered, empty once it was granted, or else why it was not."""
        try:
            return self._file(run_id, wish).read_text(encoding="utf-8") or None
        except FileNotFoundError:
            return ""

    def _file(self, run_id: str, wish: Wish) -> Path:
        return self._folder / f"{wish}.{quote(run_id, safe='')}"
