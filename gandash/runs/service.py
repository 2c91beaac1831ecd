"""The life of runs: start, pause, resume, step, stop, train on, delete, watch; one service a server.

A run is a chain of chunks: when one comes back from the engine, the next is submitted at once with its checkpoint.
Chunks wait in one queue, so runs share the engine fairly. What a page sees is the run's newest snapshot, which never
waits for training. What a run does next is decided in `gandash.runs.run`, which is pure; the service is the lock, the
clock and the engine around it. It knows neither torch nor Streamlit; training happens in `gandash.runs.worker`, in
other processes.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, Executor, Future
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gandash.core.config import RunConfig
from gandash.core.fork import child_config
from gandash.runs import run as runs
from gandash.runs import worker
from gandash.runs.executors import EngineClosedError, EngineError, engine
from gandash.runs.library import Library, UnknownRun
from gandash.runs.run import Run
from gandash.runs.settings import Settings
from gandash.runs.snapshot import RunSummary, Snapshot, Status, records_of
from gandash.runs.store import RunStore, StoreError
from gandash.runs.worker import Budget, Chunk

if TYPE_CHECKING:
    import pandas

ANSWER_SECONDS = 120.0
MOST_SAMPLES = 1_000_000
LONGEST_NAME = 80
LONGEST_NOTE = 2000

Advance = Callable[[str, str, bytes | None, Budget], Chunk]
Fork = Callable[[str, bytes, Mapping[str, Any]], tuple[str, Chunk]]

__all__ = ["RunService", "UnknownRun"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


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
        fork: Fork = worker.fork,
    ) -> None:
        self._engine = engine
        self._idle_pause = idle_pause
        self._clock = clock
        self._advance = advance
        self._fork = fork
        self._library = Library(store, clock)
        self._lock = self._library.lock
        self._flights: dict[str, Future[Chunk]] = {}
        self._watched: dict[str, float] = {}
        self._closing = threading.Lock()
        self._closed = False
        self._inbox: SimpleQueue[tuple[str, Future[Chunk]] | None] = SimpleQueue()
        self._warm_up: Future[tuple[str, ...]] = engine.submit(worker.warm_up)
        self._warm_up.add_done_callback(_log_failure)
        threading.Thread(target=self._receive_all, daemon=True, name="gandash-runs").start()

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
        run = Run(Snapshot(secrets.token_hex(5), 1, config, Status.PAUSED, datetime.now(UTC)))
        return self._begin(run if paused and not step else runs.go(run, steps=int(step)))

    def pause(self, run_id: str) -> None:
        """Pause a run; the chunk in flight still counts. Does nothing to a run that stands still."""
        self._change(run_id, runs.pause)

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
        self._change(run_id, runs.stop)

    def rename(self, run_id: str, name: str, note: str) -> None:
        """Give a run a name and a note, either of which may be empty; `ValueError` if one is too long."""
        name, note = " ".join(name.split()), note.strip()
        for what, text, most in (("name", name, LONGEST_NAME), ("note", note, LONGEST_NOTE)):
            if len(text) > most:
                raise ValueError(f"The {what} has {len(text):,} characters; {most:,} is the most. Shorten it.")
        self._change(run_id, lambda run: runs.rename(run, name, note))

    def delete(self, run_id: str) -> None:
        """Put a run out of sight, paused. `undelete` brings it back for an hour at least; then it is gone for good."""
        with self._lock:
            self._flights.pop(run_id, None)  # what is in flight is thrown away
            if run_id in self._library:
                self._library.put(runs.pause(runs.lose(self._library[run_id])))
        self._save(run_id)
        self._watched.pop(run_id, None)
        self._library.delete(run_id)

    def undelete(self, run_id: str) -> None:
        """Bring a deleted run back as it was, paused if it was training; `UnknownRun` once it is gone for good."""
        self._library.undelete(run_id)

    def train_on(self, run_id: str, changes: Mapping[str, Any], *, step: bool = False) -> str:
        """Start a new run that goes on from where this one stands, with other knobs; `step` makes it do one epoch.

        The run itself stays as it is and may be deleted. Raises `ValueError` in words if it is training or has nothing
        to go on from, and for knobs that must stay. Waits for a worker.
        """
        self._refuse_closed()
        parent, checkpoint = self._trained(run_id)
        if parent.status.active:
            raise ValueError("The run is training: pause it before you train on from it.")
        child_config(parent.config, changes)  # says what is wrong at once
        config_json, chunk = self._ask(self._fork, parent.config.to_json(), checkpoint, dict(changes))
        config = RunConfig.from_json(config_json)
        child = runs.child(parent, secrets.token_hex(5), datetime.now(UTC), config, chunk)
        return self._begin(runs.go(child, steps=int(step)))

    def watch(self, run_id: str) -> None:
        """Say that a page is looking at this run, which keeps it from being paused."""
        if run_id in self._library:
            self._watched[run_id] = self._clock()

    def snapshot(self, run_id: str) -> Snapshot:
        """The newest state of a run, at once; raises `UnknownRun`."""
        return self._read(run_id).snapshot

    def runs(self) -> list[RunSummary]:
        """All runs, newest first."""
        return self._library.summaries()

    def thumbnail(self, run_id: str) -> NDArray[np.float32] | None:
        """Some generated points of a run as they are drawn, (n, 2) with n at most 220; None before there are any.

        They are the first of the newest frame that was saved.
        """
        return self._library.thumbnail(run_id)

    def checkpoint(self, run_id: str) -> bytes:
        """All that it takes to go on with a run elsewhere, its history included. Waits for a worker."""
        snapshot, checkpoint = self._trained(run_id)
        return self._ask(worker.checkpoint, snapshot.config.to_json(), checkpoint, records_of(snapshot.history))

    def export(self, run_id: str, which: str) -> bytes:
        """A generator (one of the snapshot's `variants`) as a TorchScript file. Waits for a worker."""
        config_json, checkpoint = self._generator(run_id, which)
        return self._ask(worker.export, config_json, checkpoint, which)

    def samples(self, run_id: str, n: int, which: str, seed: int = 0) -> NDArray[np.float32]:
        """Points of a generator, shape (n, dim), in the target's own units. Waits for a worker."""
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
                self._flights.clear()
                active = [run for run in self._library if run.active]
                for run in active:
                    self._library.put(runs.server_stops(run))
            for run in active:
                self._save(run.run_id)
            self._inbox.put(None)
            with contextlib.suppress(Exception):
                self._engine.shutdown(wait=True, cancel_futures=True)
            self._library.close()

    # The chain of chunks

    def _begin(self, run: Run) -> str:
        """Take in a new run, and set it going if it wants to."""
        self._refuse_closed()
        self._library.add(run)
        with self._lock:
            self._refuse_closed()
            self._watched[run.run_id] = self._clock()
            self._submit(self._library.read(run.run_id))
        return run.run_id

    def _go(self, run_id: str, *, steps: int) -> None:
        self._refuse_closed()
        self._change(run_id, lambda run: runs.go(run, steps), watched=True)

    def _change(self, run_id: str, change: Callable[[Run], Run], *, watched: bool = False) -> None:
        """Bring a run to its next state, ask the workers for what follows from it, and save it."""
        self._library.claim(run_id)
        with self._lock:
            run = change(self._library.read(run_id))
            if watched:
                self._watched[run_id] = self._clock()
            self._submit(run)
        self._save(run_id)

    def _read(self, run_id: str) -> Run:
        """A run to look at. One that comes from the store without figures of its own is appraised."""
        known = run_id in self._library
        run = self._library.read(run_id)
        if not known and run_id in self._library:
            with self._lock:
                run = self._library.read(run_id)
                self._submit(run)
        return run

    def _submit(self, run: Run) -> None:
        """Ask the engine for what follows from this state of a run, and keep it."""
        budget = None if self._closed else runs.next_budget(run)
        if budget is None:
            self._library.put(run)
            return
        self._library.put(runs.launch(run, budget))
        run_id = run.run_id
        try:
            chunk = self._engine.submit(self._advance, run_id, run.snapshot.config.to_json(), run.checkpoint, budget)
        except Exception as error:
            chunk = Future()
            chunk.set_exception(EngineClosedError(str(error)))
        self._flights[run_id] = chunk
        chunk.add_done_callback(lambda done: self._inbox.put((run_id, done)))

    def _receive_all(self) -> None:
        while (item := self._inbox.get()) is not None:
            try:
                self._receive(*item)
            except Exception:
                _log.exception("Run %s: a chunk could not be taken in", item[0])

    def _receive(self, run_id: str, done: Future[Chunk]) -> None:
        with self._lock:
            if self._flights.get(run_id) is not done or run_id not in self._library:
                return  # deleted, or the service is closing
            del self._flights[run_id]
            run = self._library[run_id]
            try:
                chunk = done.result()
            except (EngineClosedError, CancelledError):
                run = runs.server_stops(run)
            except EngineError as error:
                run = runs.take_in(run, Chunk("failed", str(error)), self._clock())
            except Exception as error:
                _log.exception("Run %s: a chunk was lost", run_id)
                message = f"The work was lost ({type(error).__name__}). Press Resume to try again."
                run = runs.take_in(run, Chunk("failed", message), self._clock())
            else:
                run = self._unless_unwatched(runs.take_in(run, chunk, self._clock()))
            self._submit(run)
        self._save(run_id)

    def _unless_unwatched(self, run: Run) -> Run:
        """The run, paused if no page has looked at it for too long."""
        seconds = self._idle_pause
        if seconds is None or self._clock() - self._watched.get(run.run_id, self._clock()) <= seconds:
            return run
        return runs.pause(run, f"Paused because no page watched the run for {seconds:g} seconds.")

    def _save(self, run_id: str) -> None:
        """Write what has changed. If that fails the run goes on, and the next time catches up.

        The one place that waits for the disk; who calls it holds no lock.
        """
        try:
            kept = self._library.save(run_id)
        except StoreError as error:
            _log.error("Run %s: %s", run_id, error)
            message = f"The run could not be saved and would be lost with the server. {error}"
            with self._lock:
                if run_id in self._library:
                    self._library.put(runs.changed(self._library[run_id], message=message))
            return
        if not kept:  # deleted or taken over by another server
            with self._lock:
                if run_id not in self._library:
                    self._flights.pop(run_id, None)

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ValueError("The server is shutting down: start it again.")

    # Workers

    def _trained(self, run_id: str) -> tuple[Snapshot, bytes]:
        run = self._read(run_id)
        if run.checkpoint is None:
            raise ValueError("The run has no generator yet: press Train or Step first.")
        return run.snapshot, run.checkpoint

    def _generator(self, run_id: str, which: str) -> tuple[str, bytes]:
        snapshot, checkpoint = self._trained(run_id)
        if which not in snapshot.variants:
            choice = ", ".join(snapshot.variants)
            raise ValueError(f"The run has no {which!r} generator: choose one of {choice}.")
        return snapshot.config.to_json(), checkpoint

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
