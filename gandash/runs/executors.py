"""Engines: where chunks of training run. Any `concurrent.futures.Executor` will do; here are gandash's two.

`LocalWorkers` runs them in processes on this machine, `DaskWorkers` on a Dask cluster. Neither knows what a run is:
they carry out calls that can be repeated without harm, as `gandash.runs.worker` has them.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import logging
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import loky
import loky.process_executor

from gandash.runs import worker
from gandash.runs.settings import Settings

NICENESS = 5
"""By how much workers stand back behind the server, where the system knows that: a click comes before a step."""

ATTEMPTS = 3
"""How many workers a call may lose before it is given up."""

WARM_WORKERS = 2
"""How many workers start with the first; more start when there is work for them."""

_log = logging.getLogger(__name__)


class EngineError(ValueError):
    """The engine cannot be used, or has lost a call too often; the text says why and what to do."""


class EngineClosedError(RuntimeError):
    """The engine was shut down before the call was done."""


def engine(settings: Settings) -> Executor:
    """The engine that the settings ask for."""
    return DaskWorkers(settings.dask) if settings.dask else LocalWorkers(settings.workers)


@dataclass(eq=False)
class _Task:
    call: Callable[[], Any]
    future: Future[Any] = field(default_factory=Future)
    lost: int = 0


class LocalWorkers(Executor):
    """Worker processes on this machine, at most `max_workers`; calls are served first in, first out.

    Each worker is a loky pool of one process: when one dies, only the call that it was busy with is lost, and that call
    goes to the next free worker, until it has cost `ATTEMPTS` of them. Workers end with the process that started them,
    however that ends. loky, because the standard library's pool starts its processes by running the main script again,
    which under Streamlit is the page.
    """

    def __init__(self, max_workers: int, warm_up: Callable[[], Any] = worker.warm_up) -> None:
        """Workers start when there is work. Each calls `warm_up` before it takes any."""
        self.max_workers = max_workers
        self._warm_up = warm_up
        self._lock = threading.RLock()
        self._queue: deque[_Task] = deque()
        self._idle: list[loky.ProcessPoolExecutor] = []
        self._workers: set[loky.ProcessPoolExecutor] = set()
        self._unfinished: set[Future[Any]] = set()
        self._closed = self._ended = False

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call `fn` in the next free worker. It may be called again if a worker dies with it."""
        task = _Task(partial(fn, *args, **kwargs))
        with self._lock:
            if self._closed:
                raise EngineClosedError("The workers are shut down.")
            self._unfinished.add(task.future)
            task.future.add_done_callback(self._unfinished.discard)
            self._queue.append(task)
            self._serve()
        return task.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the workers: at once, or with `wait` and without `cancel_futures` when all calls are done."""
        with self._lock:
            self._closed = True
            unfinished = list(self._unfinished)
        if wait and not cancel_futures:
            concurrent.futures.wait(unfinished)
        with self._lock:
            self._ended = True
            self._queue.clear()
            workers = list(self._workers)
        for future in unfinished:
            future.cancel()  # those that wait
        # All are told before one is waited for: at exit loky's own waiting holds a lock that its `wait=True` needs.
        managers = [pool._executor_manager_thread for pool in workers]
        for pool in workers:
            pool.shutdown(wait=False, kill_workers=True)
        for manager in managers if wait else ():
            if manager is not None:
                manager.join()

    def _serve(self) -> None:
        """Give what waits to who is free, and start another worker if that was not enough."""
        while self._queue and self._idle:
            task = self._queue.popleft()
            if task.future.running() or task.future.set_running_or_notify_cancel():
                self._run(self._idle.pop(), task)
        if self._queue and len(self._workers) < self.max_workers:
            self._start_worker(_Task(self._warm_up))

    def _start_spare(self) -> None:
        """Keep a few workers warm: one after another, since loading torch takes a core for seconds."""
        if len(self._workers) < min(self.max_workers, WARM_WORKERS):
            self._start_worker(_Task(self._warm_up))

    def _start_worker(self, warm_up: _Task) -> None:
        """Start a worker, which takes work from the queue once it is warm."""
        pool = loky.ProcessPoolExecutor(
            max_workers=1, timeout=None, initializer=_begin, initargs=(os.getpid(),), env=_ENVIRONMENT
        )
        self._workers.add(pool)
        self._run(pool, warm_up)

    def _run(self, pool: loky.ProcessPoolExecutor, task: _Task) -> None:
        try:
            with _ctrl_c_blocked():
                inner = pool.submit(task.call)
        except Exception as error:
            # A pool whose process died while idle is broken; one that is not refuses work as the interpreter ends.
            refused = isinstance(error, RuntimeError) and not isinstance(error, BrokenProcessPool)
            inner = Future()
            inner.set_exception(EngineClosedError(str(error)) if refused else BrokenProcessPool(str(error)))
        inner.add_done_callback(partial(self._done, pool, task))

    def _done(self, pool: loky.ProcessPoolExecutor, task: _Task, inner: Future[Any]) -> None:
        error = inner.exception()
        with self._lock:
            died = isinstance(error, BrokenProcessPool) and not self._ended
            given_up = self._replace(pool, task) if died else []
            if not died:
                self._idle.append(pool)
                if task.call is self._warm_up:
                    self._start_spare()
            self._serve()
        for each in given_up:
            each.future.set_exception(
                EngineError(
                    f"The work was given up because {ATTEMPTS} worker processes died with it, perhaps for want of "
                    "memory. Try smaller networks, a smaller batch or fewer points; the server's log says more."
                )
            )
        if died:
            return
        if error is None:
            task.future.set_result(inner.result())
        elif isinstance(error, BrokenProcessPool | loky.process_executor.ShutdownExecutorError):
            task.future.set_exception(EngineClosedError("The workers were shut down."))
        else:
            task.future.set_exception(error)

    def _replace(self, pool: loky.ProcessPoolExecutor, task: _Task) -> list[_Task]:
        """Go on after a worker has died with this task. Returns the tasks that are given up."""
        starting = task.call is self._warm_up
        _log.warning("A worker process died %s.", "while it started" if starting else "and is replaced")
        self._workers.discard(pool)
        task.lost += 1
        if starting:
            if task.lost < ATTEMPTS:
                self._start_worker(task)
            elif not self._workers:
                given_up = list(self._queue)
                self._queue.clear()
                return given_up
            return []
        self._start_spare()
        if task.lost == ATTEMPTS:
            return [task]
        self._queue.appendleft(task)
        return []


@contextlib.contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """A process started in here does not see Ctrl-C, not even before `_begin`; this one sees it right afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # starting it later would lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
# loky would end a worker that has grown by 300 MB, which is no leak but a large network, and start a cold one
_ENVIRONMENT = {**_ONE_THREAD, "LOKY_MAX_MEMORY_LEAK_SIZE": "1e15"}
_WATCH_SECONDS = 0.5


def _begin(parent: int) -> None:
    """Make a worker process leave the server the first go at the cores, and Ctrl-C, and end when the server is gone."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True, name="gandash-watchdog").start()


def _end_with(parent: int) -> None:
    import psutil

    while os.getppid() == parent and psutil.pid_exists(parent):  # Windows keeps the number of a parent that is gone
        time.sleep(_WATCH_SECONDS)
    os._exit(0)


class DaskWorkers(Executor):
    """The workers of a Dask cluster, which must have gandash installed. Dask itself repeats what a lost worker had."""

    def __init__(self, address: str, timeout: float = 10.0) -> None:
        try:
            import distributed
        except ImportError as error:
            raise EngineError(
                "GANDASH_DASK is set, but the package distributed is not installed. "
                "Run `pip install distributed`, or unset GANDASH_DASK to train on this machine."
            ) from error
        try:
            self._client: Any = distributed.Client(  # type: ignore[no-untyped-call]
                address, timeout=timeout, set_as_default=False
            )
        except (OSError, ValueError) as error:
            raise EngineError(
                f"There is no Dask scheduler at {address} (GANDASH_DASK): {error}. "
                "Start one with `dask scheduler`, correct the address, or unset GANDASH_DASK to train on this machine."
            ) from error
        executor: Any = self._client.get_executor(pure=False)  # type: ignore[no-untyped-call]
        self._executor: Executor = executor

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call `fn` on the cluster."""
        return self._executor.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster, which goes on without this server."""
        self._executor.shutdown(wait=wait and not cancel_futures)
        self._client.close()
