"""Work beside the training that takes a worker for long: files, appraisals, films. It leaves one of several workers.

Only so many calls are with the engine at the same time; the others wait here, first in, first out.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from functools import partial
from typing import Any


class Errands(Executor):
    """Calls of an engine, `most` of them at the same time (None: any number).

    `over` is called, by any thread, when one has come back: it has to call `serve`, once it has let go on who had to
    wait for that.
    """

    def __init__(self, engine: Executor, most: int | None, over: Callable[[], None]) -> None:
        self._engine = engine
        self._most = most
        self._over = over
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[Any], Callable[[], Future[Any]]]] = deque()
        self.under_way = 0

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call `fn` in a worker."""
        future: Future[Any] = Future()
        with self._lock:
            self._waiting.append((future, partial(self._engine.submit, fn, *args, **kwargs)))
        self.serve()
        return future

    def serve(self) -> None:
        """Begin what waits, as far as there is room."""
        while True:
            with self._lock:
                if not self._waiting or (self._most is not None and self.under_way >= self._most):
                    return
                future, begin = self._waiting.popleft()
                if not future.set_running_or_notify_cancel():
                    continue
                self.under_way += 1
            try:
                inner = begin()
            except Exception as error:
                inner = Future()
                inner.set_exception(error)
            inner.add_done_callback(partial(self._done, future))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Give up what waits; the engine is somebody else's."""
        with self._lock:
            waiting = [future for future, _ in self._waiting]
            self._waiting.clear()
        for future in waiting:
            future.cancel()

    def _done(self, future: Future[Any], inner: Future[Any]) -> None:
        with self._lock:
            self.under_way -= 1
        error = CancelledError() if inner.cancelled() else inner.exception()
        if error is None:
            future.set_result(inner.result())
        else:
            future.set_exception(error)
        self._over()
