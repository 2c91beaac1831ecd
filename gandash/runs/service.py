"""The life of runs: start, pause, resume, step, stop, delete, watch; one service a server.

A run is a chain of chunks: when one comes back from the engine, the next is submitted at once with its checkpoint.
Chunks wait in one queue, so runs share the engine fairly. What a page sees is the run's newest snapshot, which never
waits for training. The service knows neither torch nor Streamlit; training happens in `gandash.runs.worker`, in other
processes.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import math
import secrets
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gandash.core.config import RunConfig
from gandash.core.records import EpochRecord
from gandash.runs import worker
from gandash.runs.executors import EngineClosedError, EngineError, engine
from gandash.runs.settings import Settings
from gandash.runs.snapshot import HistoryBuffer, RunSummary, Snapshot, Status
from gandash.runs.store import RunStore, StoredRun, StoreError, is_alive, this_process
from gandash.runs.worker import Budget, Chunk

if TYPE_CHECKING:
    import pandas

FIRST_CHUNK_SECONDS = 0.1
CHUNK_SECONDS = 0.25
EVALUATE_SECONDS = 2.0
"""Seconds of training between two full evaluations, which cost about a hundredth of that."""

KEPT_FRAMES = 8
IDLE_RUNS_IN_MEMORY = 16
ANSWER_SECONDS = 120.0
MOST_SAMPLES = 1_000_000

Advance = Callable[[str, str, bytes | None, Budget], Chunk]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class UnknownRun(ValueError):  # noqa: N818 - it reads as what it is in `except UnknownRun`
    """There is no run of this id."""

    def __init__(self, run_id: str) -> None:
        super().__init__(f"There is no run {run_id[:40]!r}: it was deleted, or the link is wrong. Start a new one.")


@dataclass(eq=False)
class _Run:
    """A run in memory. All but `saving` is guarded by the service's lock; `snapshot` may be read without it."""

    snapshot: Snapshot
    config_json: str
    checkpoint: bytes | None = None
    history: HistoryBuffer = field(default_factory=HistoryBuffer)
    chunk: Future[Chunk] | None = None
    """The chunk in flight."""
    steps: int = 0
    """How many epochs a page has asked for one by one; 0 while the run goes on by itself."""
    target: int | None = None
    """The epoch at which those are done; None until it is known where the chunk in flight ends."""
    watched: float = 0.0
    touched: float = 0.0
    unevaluated: float = 0.0
    """Seconds of training since the last full evaluation."""
    marked: float | None = None
    """When the last chunk came back, while the run goes on."""
    rate: float | None = None
    foreign: bool = False
    """Whether another server is training it."""
    unsaved: list[EpochRecord] = field(default_factory=list)
    saved_version: int = 0
    saved_checkpoint: bytes | None = None
    saving: threading.Lock = field(default_factory=threading.Lock)


class RunService:
    """Runs all runs of a server on one engine, and keeps them in one store. Any thread may call any method.

    The engine belongs to the service from now on: `close` shuts it down. `clock` gives seconds that never go back.
    """

    def __init__(
        self,
        store: RunStore,
        engine: Executor,
        *,
        idle_pause: float | None = 60.0,
        clock: Callable[[], float] = time.monotonic,
        advance: Advance = worker.advance,
    ) -> None:
        self._store = store
        self._engine = engine
        self._idle_pause = idle_pause
        self._clock = clock
        self._advance = advance
        self._owner = this_process()
        self._runs: dict[str, _Run] = {}
        self._lock = threading.RLock()
        self._closing = threading.Lock()
        self._closed = False
        self._inbox: SimpleQueue[tuple[_Run, Future[Chunk]] | None] = SimpleQueue()
        self._pause_abandoned()
        self._warm_up: Future[tuple[str, ...]] = engine.submit(worker.warm_up)
        self._warm_up.add_done_callback(_log_failure)
        threading.Thread(target=self._receive_all, daemon=True, name="gandash-runs").start()
        _at_exit(weakref.WeakMethod(self.close))

    @classmethod
    def open(cls, settings: Settings | None = None) -> RunService:
        """The service for these settings, by default the environment's; `ValueError` if they cannot be met."""
        settings = settings or Settings.from_environment()
        store = RunStore(settings.home)
        try:
            return cls(store, engine(settings), idle_pause=settings.idle_pause)
        except BaseException:
            store.close()
            raise

    # What pages ask for

    def start(self, config: RunConfig, *, paused: bool = False, step: bool = False) -> str:
        """Start a new run and return its id; `paused` makes it wait for `resume` or `step`, `step` do one epoch."""
        self._refuse_closed()
        status = Status.PAUSED if paused and not step else Status.STARTING
        snapshot = Snapshot(secrets.token_hex(5), 1, config, status, datetime.now(UTC))
        run = _Run(snapshot, config.to_json(), steps=int(step), watched=self._clock(), touched=self._clock())
        run.saved_version = 1
        self._store.create(snapshot, self._owner)
        with self._lock:
            self._refuse_closed()
            self._runs[snapshot.run_id] = run
            if status.active:
                self._submit(run)
        self._save(run)
        return snapshot.run_id

    def pause(self, run_id: str) -> None:
        """Pause a run; the chunk in flight still counts. Does nothing to a run that stands still."""
        run = self._run(run_id)
        with self._lock:
            if run.snapshot.status.active:
                self._halt(run, Status.PAUSED)
        self._save(run)

    def resume(self, run_id: str) -> None:
        """Go on with a paused run, or with one that failed. Raises `ValueError` if the run has ended."""
        self._go(run_id, steps=0)

    def step(self, run_id: str) -> None:
        """Train one whole epoch, then pause; asked for again meanwhile, one more.

        Raises `ValueError` if the run has ended or is going on by itself.
        """
        self._go(run_id, steps=1)

    def stop(self, run_id: str) -> None:
        """End a run for good; its generators can still be had. Does nothing to a run that has ended."""
        run = self._run(run_id)
        with self._lock:
            if not run.snapshot.status.ended:
                self._halt(run, Status.STOPPED)
        self._save(run)

    def delete(self, run_id: str) -> None:
        """Remove a run and everything that was kept of it. The chunk in flight, if any, is thrown away."""
        with self._lock:
            run = self._runs.pop(run_id, None)
            if run is not None:
                run.chunk = None
        if not self._store.delete(run_id):
            raise UnknownRun(run_id)

    def watch(self, run_id: str) -> None:
        """Say that a page is looking at this run, which keeps it from being paused."""
        run = self._runs.get(run_id)
        if run is not None:
            run.watched = run.touched = self._clock()

    def snapshot(self, run_id: str) -> Snapshot:
        """The newest state of a run, at once; raises `UnknownRun`."""
        run = self._runs.get(run_id)
        if run is None:
            run = self._load(run_id)
        run.touched = self._clock()
        return run.snapshot

    def runs(self) -> list[RunSummary]:
        """All runs, newest first."""
        return self._store.summaries()

    def export(self, run_id: str, which: str) -> bytes:
        """A generator (one of the snapshot's `variants`) as a TorchScript file. Waits for a worker."""
        config_json, checkpoint = self._generator(run_id, which)
        return self._ask(worker.export, config_json, checkpoint, which)

    def samples(self, run_id: str, n: int, which: str, seed: int = 0) -> NDArray[np.float32]:
        """Points of a generator, shape (n, 2), in the shape's own units. Waits for a worker."""
        if not 1 <= n <= MOST_SAMPLES:
            raise ValueError(f"{n} samples were asked for; give a number from 1 to {MOST_SAMPLES:,}.")
        config_json, checkpoint = self._generator(run_id, which)
        return self._ask(worker.samples, config_json, checkpoint, n, which, seed)

    def history_frame(self, run_id: str) -> pandas.DataFrame:
        """The figures of every epoch as a table: `epoch` and the columns of the history."""
        import pandas

        history = self.snapshot(run_id).history
        return pandas.DataFrame({"epoch": history.epoch, **history.columns})

    def devices(self) -> tuple[str, ...] | None:
        """The devices that workers can train on; None while the first worker still warms up."""
        if not self._warm_up.done():
            return None
        if self._warm_up.cancelled() or self._warm_up.exception() is not None:
            return ("cpu",)
        return self._warm_up.result()

    @property
    def ready(self) -> bool:
        """Whether a worker is warm, so that a run starts at once."""
        return self._warm_up.done()

    def close(self) -> None:
        """Pause what runs, end the workers and close the store. Further calls do nothing."""
        with self._closing:
            with self._lock:
                if self._closed:
                    return
                self._closed = True
                active = [run for run in self._runs.values() if run.snapshot.status.active]
                for run in active:
                    self._pause_for_stop(run)
                for run in self._runs.values():
                    run.chunk = None
            for run in active:
                self._save(run)
            self._inbox.put(None)
            with contextlib.suppress(Exception):
                self._engine.shutdown(wait=True, cancel_futures=True)
            self._store.close()

    # The chain of chunks

    def _submit(self, run: _Run) -> None:
        if run.steps and run.target is None:
            run.target = run.snapshot.epoch + run.steps
        first = run.checkpoint is None
        budget = Budget(
            FIRST_CHUNK_SECONDS if first else CHUNK_SECONDS,
            until_epoch=run.target,
            evaluate=not first and (not run.snapshot.metrics or run.unevaluated >= EVALUATE_SECONDS),
        )
        try:
            chunk = self._engine.submit(self._advance, run.snapshot.run_id, run.config_json, run.checkpoint, budget)
        except Exception as error:
            chunk = Future()
            chunk.set_exception(EngineClosedError(str(error)))
        run.chunk = chunk
        chunk.add_done_callback(lambda done: self._inbox.put((run, done)))

    def _receive_all(self) -> None:
        while (item := self._inbox.get()) is not None:
            try:
                self._receive(*item)
            except Exception:
                _log.exception("Run %s: a chunk could not be taken in", item[0].snapshot.run_id)

    def _receive(self, run: _Run, done: Future[Chunk]) -> None:
        with self._lock:
            if run.chunk is not done:
                return  # deleted, or the service is closing
            run.chunk = None
            try:
                chunk = done.result()
            except (EngineClosedError, CancelledError):
                if run.snapshot.status.active:
                    self._pause_for_stop(run)
            except EngineError as error:
                self._take_in(run, Chunk("failed", str(error)))
            except Exception as error:
                _log.exception("Run %s: a chunk was lost", run.snapshot.run_id)
                message = f"The work was lost ({type(error).__name__}). Press Resume to try again."
                self._take_in(run, Chunk("failed", message))
            else:
                self._take_in(run, chunk)
            if run.snapshot.status.active:
                self._submit(run)
        self._save(run)

    def _take_in(self, run: _Run, chunk: Chunk) -> None:
        """Bring a run's state forward by a chunk, and settle whether it goes on."""
        old = run.snapshot
        if chunk.state == "failed":
            if old.status is not Status.STOPPED:
                self._halt(run, Status.FAILED, chunk.message)
            return
        run.checkpoint = chunk.checkpoint
        run.history.append(chunk.records)
        run.unsaved += chunk.records
        run.unevaluated = run.unevaluated + chunk.seconds if chunk.metrics is None else 0.0
        self._measure_speed(run, chunk)
        status = Status.RUNNING if old.status is Status.STARTING else old.status
        self._change(
            run,
            status=status,
            message="" if status.active else old.message,
            epoch=chunk.epoch,
            progress=chunk.progress,
            frames=(*old.frames, *chunk.frames)[-KEPT_FRAMES:],
            history=run.history.view(),
            metrics=old.metrics if chunk.metrics is None else chunk.metrics,
            best_epoch=chunk.best_epoch,
            variants=chunk.variants,
            epochs_per_second=run.rate if status.active else None,
            seconds_left=_seconds_left(run.rate, old.config, chunk) if status.active else None,
        )
        if chunk.state != "running":
            self._halt(run, Status(chunk.state), chunk.message)
        elif status.active and run.target is not None and chunk.epoch >= run.target:
            self._halt(run, Status.PAUSED)
        elif status.active and self._idle_pause is not None and self._clock() - run.watched > self._idle_pause:
            self._halt(run, Status.PAUSED, f"Paused because no page watched the run for {self._idle_pause:g} seconds.")

    def _measure_speed(self, run: _Run, chunk: Chunk) -> None:
        """Epochs a second as a user's clock sees them, other runs' share included, smoothed over about 3 s."""
        now = self._clock()
        elapsed = chunk.seconds if run.marked is None else now - run.marked
        run.marked = now if run.snapshot.status.active else None
        if elapsed > 0:
            rate = (chunk.progress - run.snapshot.progress) * run.snapshot.config.epochs / elapsed
            run.rate = rate if run.rate is None else run.rate + (1 - math.exp(-elapsed / 3)) * (rate - run.rate)

    def _go(self, run_id: str, *, steps: int) -> None:
        run = self._run(run_id)
        with self._lock:
            self._refuse_closed()
            status = run.snapshot.status
            if status.ended:
                raise ValueError(f"The run cannot go on: {_why_ended(status)}. Press Train to start a new one.")
            if status.active and steps and not run.steps:
                raise ValueError("The run is going on by itself: pause it before you step.")
            run.steps = run.steps + steps if steps else 0
            run.target = run.target + steps if steps and run.target is not None else None
            run.watched = run.touched = self._clock()
            if not status.active:
                self._change(run, status=Status.STARTING if run.checkpoint is None else Status.RUNNING, message="")
                if run.chunk is None:
                    self._submit(run)
        self._save(run)

    def _halt(self, run: _Run, status: Status, message: str = "") -> None:
        run.steps, run.target, run.marked, run.rate = 0, None, None, None
        self._change(run, status=status, message=message, epochs_per_second=None, seconds_left=None)

    def _pause_for_stop(self, run: _Run) -> None:
        self._halt(run, Status.PAUSED, f"The server stopped; press Resume to go on from epoch {run.snapshot.epoch}.")

    def _change(self, run: _Run, **changes: Any) -> None:
        run.snapshot = replace(run.snapshot, version=run.snapshot.version + 1, **changes)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ValueError("The server is shutting down: start it again.")

    # Memory and store

    def _run(self, run_id: str) -> _Run:
        """A run to change, in the state that the store has if another server has changed it."""
        run = self._runs.get(run_id)
        if run is not None and run.chunk is None and not run.snapshot.status.active:
            with run.saving:
                if not run.unsaved and self._store.version(run_id) != run.saved_version:
                    with self._lock:
                        self._runs.pop(run_id, None)
                    run = None
        run = run or self._load(run_id)
        if run.foreign:
            raise ValueError("Another gandash server on this machine is training this run: change it there.")
        return run

    def _load(self, run_id: str) -> _Run:
        stored = self._store.load(run_id)
        if stored is not None and stored.snapshot.status.active and stored.owner != self._owner:
            if is_alive(stored.owner):
                return _in_memory(stored, foreign=True)  # read again each time, as it changes over there
            self._store.pause_abandoned(stored.owner)
            stored = self._store.load(run_id)
        if stored is None:
            raise UnknownRun(run_id)
        with self._lock:
            run = self._runs.setdefault(run_id, _in_memory(stored))
            run.touched = self._clock()
            self._forget_some()
        return run

    def _forget_some(self) -> None:
        """Keep only the runs in memory that train or were looked at lately; the store has them all."""
        idle = [
            run
            for run in self._runs.values()
            if run.chunk is None and not run.snapshot.status.active and run.saved_version == run.snapshot.version
        ]
        for run in sorted(idle, key=lambda run: run.touched)[: max(0, len(idle) - IDLE_RUNS_IN_MEMORY)]:
            del self._runs[run.snapshot.run_id]

    def _save(self, run: _Run) -> None:
        """Write what has changed since the last time. If that fails the run goes on, and the next time catches up."""
        run_id = run.snapshot.run_id
        with run.saving:
            with self._lock:
                snapshot, checkpoint, records = run.snapshot, run.checkpoint, tuple(run.unsaved)
                if self._runs.get(run_id) is not run or run.saved_version == snapshot.version:
                    return
            new = None if checkpoint is run.saved_checkpoint else checkpoint
            try:
                found = self._store.save(snapshot, owner=self._owner, checkpoint=new, records=records)
            except StoreError as error:
                _log.error("Run %s: %s", run_id, error)
                with self._lock:
                    self._change(run, message=f"The run could not be saved and would be lost with the server. {error}")
                return
            with self._lock:
                del run.unsaved[: len(records)]
                run.saved_version, run.saved_checkpoint = snapshot.version, checkpoint
                if not found:  # deleted by another server
                    run.chunk = None
                    self._runs.pop(run_id, None)
                self._forget_some()

    def _pause_abandoned(self) -> None:
        for owner in self._store.owners():
            if not is_alive(owner):
                self._store.pause_abandoned(owner)

    # Workers

    def _generator(self, run_id: str, which: str) -> tuple[str, bytes]:
        run = self._runs.get(run_id) or self._load(run_id)
        with self._lock:
            if run.checkpoint is None:
                raise ValueError("The run has no generator yet: press Train or Step first.")
            if which not in run.snapshot.variants:
                choice = ", ".join(run.snapshot.variants)
                raise ValueError(f"The run has no {which!r} generator: choose one of {choice}.")
            return run.config_json, run.checkpoint

    def _ask(self, function: Callable[..., _T], *args: Any) -> _T:
        try:
            return self._engine.submit(function, *args).result(ANSWER_SECONDS)
        except TimeoutError as error:
            raise ValueError(f"The workers have not answered for {ANSWER_SECONDS:g} s: try again later.") from error
        except (EngineClosedError, CancelledError) as error:
            raise ValueError("The server is shutting down: start it again.") from error
        except ValueError:
            raise
        except Exception as error:
            _log.exception("A worker could not do %s", function.__name__)
            raise ValueError(f"That did not work ({type(error).__name__}); the server's log says more.") from error


def _log_failure(warm_up: Future[Any]) -> None:
    if not warm_up.cancelled() and warm_up.exception() is not None:
        _log.error("The workers could not be warmed up", exc_info=warm_up.exception())


def _at_exit(method: weakref.WeakMethod[Callable[[], None]]) -> None:
    """Call the method when the interpreter ends, if its object is still there.

    `atexit` comes after loky has waited for all that its workers are doing; what CPython's threads use comes before.
    """

    def call() -> None:
        bound = method()
        if bound is not None:
            bound()

    getattr(threading, "_register_atexit", atexit.register)(call)


def _in_memory(stored: StoredRun, *, foreign: bool = False) -> _Run:
    return _Run(
        stored.snapshot,
        stored.snapshot.config.to_json(),
        checkpoint=stored.checkpoint,
        history=stored.history,
        saved_version=stored.snapshot.version,
        saved_checkpoint=stored.checkpoint,
        foreign=foreign,
    )


def _why_ended(status: Status) -> str:
    return {
        Status.FINISHED: "all its epochs are done",
        Status.STOPPED_EARLY: "early stopping has ended it",
        Status.STOPPED: "it was stopped for good",
        Status.DIVERGED: "it has diverged",
    }[status]


def _seconds_left(rate: float | None, config: RunConfig, chunk: Chunk) -> float | None:
    return (1 - chunk.progress) * config.epochs / rate if rate else None
