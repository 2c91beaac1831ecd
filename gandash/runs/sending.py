"""An engine whose workers get the rows of tables that they lack: named to them where they are, or sent once.

A config holds a table's hash alone. A call that raises `MissingRowsError` in a worker is made again, first with the
server's own folder named, which is all that a worker of the same machine needs, then with the rows themselves, which
the worker keeps in a folder of its own. Other calls pass through.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, InvalidStateError
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from gandash.core import rows as by_hash
from gandash.core.rows import MissingRowsError, Rows

KEPT_SECONDS = 30 * 86400.0
"""How long a worker keeps rows that it was sent and nobody asks for."""

Call = Callable[[], Any]


class _Passed(Future[Any]):
    """What a call comes to, and which of the engine's futures it waits for: both are cancelled, or neither."""

    inner: Future[Any] | None = None

    def cancel(self) -> bool:
        if self.inner is not None and not self.inner.cancel():  # it has begun
            return False
        return super().cancel()


class Sending(Executor):
    """Another engine's, which is shut down with it. `folder` has the rows that the server knows."""

    def __init__(self, engine: Executor, folder: Path) -> None:
        self.engine, self._folder = engine, folder

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call `fn` in a worker."""
        future = _Passed()
        future.inner = inner = self.engine.submit(fn, *args, **kwargs)
        inner.add_done_callback(partial(self._done, future, partial(fn, *args, **kwargs), (self._named, self._sent)))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the engine."""
        self.engine.shutdown(wait=wait, cancel_futures=cancel_futures)

    def _done(self, future: _Passed, call: Call, ways: tuple[Callable[..., Call], ...], inner: Future[Any]) -> None:
        if inner.cancelled():
            future.cancel()
            return
        error = inner.exception()
        if isinstance(error, MissingRowsError) and ways:
            try:
                future.inner = again = self.engine.submit(ways[0](call, error.rows_hash))
            except Exception as refused:  # they are not here either, or the engine is closed
                error = error if isinstance(refused, MissingRowsError) else refused
            else:
                again.add_done_callback(partial(self._done, future, call, ways[1:]))
                return
        with contextlib.suppress(InvalidStateError):  # nobody waits for it any more
            if error is None:
                future.set_result(inner.result())
            else:
                future.set_exception(error)

    def _named(self, call: Call, rows_hash: str) -> Call:
        return partial(_looking_in, str(self._folder), call)

    def _sent(self, call: Call, rows_hash: str) -> Call:
        return partial(_having, np.array(by_hash.find(rows_hash)), call)


def _looking_in(folder: str, call: Call) -> Any:
    """In a worker: rows may be in this folder."""
    by_hash.look_in(folder)
    return call()


def _having(rows: Rows, call: Call) -> Any:
    """In a worker: these rows are kept, in a folder of the worker's own or else in memory."""
    folder = Path(platformdirs.user_cache_dir("gandash", appauthor=False)) / by_hash.FOLDER
    rows_hash = by_hash.hash_of(rows)
    try:
        by_hash.keep(rows_hash, folder, rows)
        by_hash.look_in(folder)
        _clear(folder)
    except OSError:
        by_hash.remember(rows, rows_hash)
    return call()


def _clear(folder: Path) -> None:
    for path in folder.glob("*.*"):
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < time.time() - KEPT_SECONDS:
                path.unlink()
