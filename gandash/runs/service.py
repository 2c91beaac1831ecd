"""The life of runs: start, pause, resume, play, step, stop, train on, delete, watch; one service a server.

A run is a chain of chunks: when one comes back from the engine, the next is submitted at once with its checkpoint.
Chunks wait in one queue, so runs share the engine fairly; those whose chunks take long sit out (`turns`). What a page
sees is the run's newest snapshot, which waits neither for training nor for the disk: what has changed is saved by a
thread of its own. What a run does next is decided in `gandash.runs.run`, who may control it in `access`, whose turn it
is in `queue`, all of which are pure; the service is the lock, the clock and the engine around them. It knows neither
torch nor Streamlit; training happens in `gandash.runs.worker`, in other processes.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args

import numpy as np
from numpy.typing import NDArray

from gandash.core import rows as by_hash
from gandash.core.config import RunConfig, sentence
from gandash.core.cost import CostLimits, chunk_seconds, too_dear
from gandash.core.fork import child_config
from gandash.core.formats import known
from gandash.core.records import Appraisal, Player
from gandash.core.rows import MissingRowsError
from gandash.core.views import Arrays, wanted
from gandash.runs import access, queue, timeline, worker
from gandash.runs import run as runs
from gandash.runs.access import NotYoursError
from gandash.runs.alarms import Alarms
from gandash.runs.errands import Errands
from gandash.runs.executors import DaskWorkers, EngineClosedError, EngineError, LocalWorkers, engine
from gandash.runs.incoming import Incoming, Quota
from gandash.runs.kept_targets import KeptTargets
from gandash.runs.library import ForeignRun, Library, UnknownRun
from gandash.runs.looks import Looks, Sight
from gandash.runs.queue import Limits
from gandash.runs.run import LEAST_PACE, MOST_PACE, Ask, Run
from gandash.runs.saver import Saver
from gandash.runs.sending import Sending
from gandash.runs.settings import Settings
from gandash.runs.snapshot import Pace, RunSummary, Snapshot, Status, records_of
from gandash.runs.store import RunStore, StoreError
from gandash.runs.timeline import Kept
from gandash.runs.turns import TURN_SECONDS, Turns
from gandash.runs.wishes import Wish, Wishes
from gandash.runs.worker import Budget, Chunk

if TYPE_CHECKING:
    import pandas

ANSWER_SECONDS = 120.0
WISH_SECONDS = 1.0
"""How often it is looked whether others wish for something."""

PURGE_SECONDS = 3600.0
"""How often it is looked whether something can be cleared away."""

PATIENCE = 1.0
"""How long a save waits for another program to write, in seconds, before it is told and tried again."""

VIEWED_SECONDS = 0.17
"""Training in a chunk at most while somebody looks inside: with all else it is over in a fifth of a second."""

MOST_SAMPLES = 1_000_000
LONGEST_NAME = 80
LONGEST_NOTE = 2000

Advance = Callable[[str, str, bytes | None, Budget], Chunk]
Fork = Callable[[str, bytes, Mapping[str, Any]], tuple[str, Chunk]]
Listener = Callable[[Snapshot | None, str], None]
Only = Literal["both", "generator", "discriminator"]
"""Which network plays."""
Seer = Callable[[str, Sight], None]

__all__ = ["NotYoursError", "RunService", "UnknownRun"]

_log = logging.getLogger(__name__)
_T = TypeVar("_T")


class RunService:
    """Runs all runs of a server on one engine, and keeps them in one store. Any thread may call any method.

    The engine belongs to the service from now on: `close` shuts it down. `clock` gives seconds that never go back, and
    by those of `stopwatch` it is measured what a save costs. Whatever controls a run asks who wants it, by the key of
    an `owner`, and raises `NotYoursError` where that may not be; "" is somebody unknown, who controls only what nobody
    owns. Who starts a run, or is the first to control it, owns it. Of many runs some wait for their turn: `most_runs`
    train at the same time, `most_runs_each` of one owner.
    """

    def __init__(
        self,
        store: RunStore,
        engine: Executor,
        *,
        idle_pause: float | None = 60.0,
        most_runs: int | None = None,
        most_runs_each: int | None = None,
        cost_limits: CostLimits = CostLimits(),  # noqa: B008  (frozen)
        quota: Quota = Quota(),  # noqa: B008
        clock: Callable[[], float] = time.monotonic,
        stopwatch: Callable[[], float] = time.monotonic,
        advance: Advance = worker.advance,
        fork: Fork = worker.fork,
        warm_within: float = 0.0,
    ) -> None:
        self._engine: Executor = Sending(engine, store.data)
        self._data = store.data
        self._idle_pause = idle_pause
        self._limits = Limits(most_runs, most_runs_each)
        self._queue: list[str] = []
        self._cost_limits = cost_limits
        self.incoming = Incoming(store.data, quota)
        self._remote = isinstance(engine, DaskWorkers)
        self._here: LocalWorkers | None = None
        self._clock = clock
        self._advance = advance
        self._fork = fork
        self._library = Library(store, clock)
        self.targets = KeptTargets(store.path.parent / "targets")
        self._lock = self._library.lock
        self._flights: dict[str, Future[Chunk]] = {}
        workers: int | None = getattr(engine, "max_workers", None)
        self._turns = Turns(workers)
        most = None if workers is None else max(1, workers - 1)
        self._errands = Errands(self._engine, most, lambda: self._inbox.put(self._errand_over))
        self._alarms = Alarms(self._rung)
        self._watched: dict[str, float] = {}
        self._looks = Looks()
        self._looking: set[str] = set()
        self._listeners: list[Listener] = []
        self._seers: list[Seer] = []
        self._telling = threading.RLock()
        self._closing = threading.Lock()
        self._closed = False
        self._over = threading.Event()
        self._inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._warm_up: Future[tuple[str, ...]] | None = None
        self._warming = threading.Lock()
        self._later = threading.Timer(warm_within, self.warm_up)
        self._later.daemon = True
        self._wishes = Wishes(store.path.parent)
        self._problems: dict[str, str] = {}
        self._saver = Saver(self._library, clock, stopwatch, self._saved, self._lost)
        threading.Thread(target=self._receive_all, daemon=True, name="gandash-runs").start()
        threading.Thread(target=self._obey_all, daemon=True, name="gandash-wishes").start()
        if warm_within:
            self._later.start()
        else:
            self.warm_up()

    @classmethod
    def open(cls, settings: Settings | None = None, *, warm_within: float = 0.0) -> RunService:
        """The service for these settings, by default the environment's; `ValueError` if they cannot be met.

        Workers are warmed up within so many seconds, sooner if `warm_up` is called.
        """
        settings = settings or Settings.from_environment()
        store = RunStore(settings.home, patience=PATIENCE)
        try:
            return cls(
                store,
                engine(settings),
                idle_pause=settings.idle_pause,
                most_runs=settings.places,
                most_runs_each=settings.most_runs_each,
                cost_limits=settings.cost_limits,
                quota=settings.quota,
                warm_within=warm_within,
            )
        except BaseException:
            store.close()
            raise

    # What pages ask for

    def start(self, config: RunConfig, *, paused: bool = False, step: bool = False, owner: str = "") -> str:
        """Start a new run and return its id; `paused` makes it wait for what is pressed, `step` do one epoch.

        Raises `ValueError` in words if it would cost more than the server allows.
        """
        self._refuse_dear(config)
        run = Run(Snapshot(secrets.token_hex(5), 1, config, Status.PAUSED, datetime.now(UTC)))
        return self._begin(run, owner, go=step or not paused, ask=Ask() if step else None)

    def pause(self, run_id: str, *, owner: str = "") -> None:
        """Pause a run; the chunk in flight still counts. Does nothing to a run that stands still."""
        self._change(run_id, owner, runs.pause)

    def resume(self, run_id: str, *, owner: str = "") -> None:
        """Go on with a paused run, or with one that failed. Raises `ValueError` if the run has ended."""
        self._go(run_id, owner, pace=Pace())

    def play(
        self, run_id: str, phases_per_second: float | None = None, only: Only = "both", *, owner: str = ""
    ) -> None:
        """Go on at this pace, or change the pace of a run that trains: None is as fast as it can.

        With `only` one network alone plays. Raises `ValueError` if the run has ended, and for what is no pace.
        """
        self._go(run_id, owner, pace=_pace(phases_per_second, only))

    def set_pace(
        self, run_id: str, phases_per_second: float | None = None, only: Only = "both", *, owner: str = ""
    ) -> None:
        """Change the pace at which a run goes on, now if it trains, otherwise once it is resumed by `play`."""
        pace = _pace(phases_per_second, only)
        self._change(run_id, owner, lambda run: runs.paced(run, pace))

    def phase(self, run_id: str, only: Only = "both", *, owner: str = "") -> None:
        """Play the next phase, with `only` this network's next one, then pause; asked for again meanwhile, one more.

        Raises `ValueError` if the run has ended or is going on by itself, as `step` and `epoch` do.
        """
        self._go(run_id, owner, Ask("phase", _player(only)))

    def step(self, run_id: str, only: Only = "both", *, owner: str = "") -> None:
        """Play what is left of a step, all phases once, then pause; `only` leaves the other network's out."""
        self._go(run_id, owner, Ask("step", _player(only)))

    def epoch(self, run_id: str, only: Only = "both", *, owner: str = "") -> None:
        """Train to the end of the epoch, then pause; `only` leaves the other network's phases out."""
        self._go(run_id, owner, Ask("epoch", _player(only)))

    def stop(self, run_id: str, *, owner: str = "") -> None:
        """End a run for good; its generators can still be had. Does nothing to a run that has ended."""
        self._change(run_id, owner, runs.stop)

    def rename(self, run_id: str, name: str, note: str, *, owner: str = "") -> None:
        """Give a run a name and a note, either of which may be empty; `ValueError` if one is too long."""
        name, note = " ".join(name.split()), note.strip()
        for what, text, most in (("name", name, LONGEST_NAME), ("note", note, LONGEST_NOTE)):
            if len(text) > most:
                raise ValueError(f"The {what} has {len(text):,} characters; {most:,} is the most. Shorten it.")
        self._change(run_id, owner, lambda run: runs.rename(run, name, note))

    def delete(self, run_id: str, *, owner: str = "") -> None:
        """Put a run out of sight, paused. `undelete` brings it back for an hour at least; then it is gone for good."""
        self._claim(run_id, owner)
        with self._lock:
            if run_id in self._library:
                self._flights.pop(run_id, None)  # what is in flight is thrown away
                self._library.put(runs.pause(runs.lose(self._library[run_id])))
            moved = self._serve_queue()
        self._library.delete(run_id)
        self._watched.pop(run_id, None)
        self._after(run_id, *moved)

    def undelete(self, run_id: str, *, owner: str = "") -> None:
        """Bring a deleted run back as it was, paused if it was training; `UnknownRun` once it is gone for good."""
        access.claimed(self._library.owners(run_id), owner)
        self._library.undelete(run_id)
        self._claim(run_id, owner)
        with self._lock:
            if run_id in self._library:
                self._submit(runs.found(self._library[run_id]))
        self._after(run_id)

    def may_control(self, run_id: str, owner: str) -> bool:
        """Whether this owner may control a run; raises `UnknownRun`."""
        return access.may_control(self.snapshot(run_id).owners, owner)

    def share(self, run_id: str, owner: str) -> str:
        """A token that lets who brings it to `accept` control this run too. It stays the same."""
        self._change(run_id, owner, lambda run: run)
        owners = self.snapshot(run_id).owners
        if not owners:
            raise ValueError("The run belongs to nobody, so everybody can control it without a link.")
        return access.control_token(run_id, owners)

    def accept(self, run_id: str, token: str, owner: str) -> None:
        """Let this owner control a run, who has come with the token of its control link."""
        self._alter(run_id, lambda run: runs.join(run, token, owner))

    def train_on(self, run_id: str, changes: Mapping[str, Any], *, step: bool = False, owner: str = "") -> str:
        """Start a new run that goes on from where this one stands, with other knobs; `step` makes it do one epoch.

        The run itself stays as it is and may be deleted; it may be anybody's. Raises `ValueError` in words if it is
        training or has nothing to go on from, and for knobs that must stay. Waits for a worker.
        """
        self._refuse_closed()
        parent, checkpoint = self._trained(run_id)
        if parent.status.active:
            raise ValueError("The run is training: pause it before you train on from it.")
        self._refuse_dear(child_config(parent.config, changes))  # says what is wrong at once
        asked = parent.config.to_json(), checkpoint, dict(changes)
        config_json, chunk = self._ask(self._fork, *asked, by=self._beside(parent.config))
        config = RunConfig.from_json(config_json)
        kept = self._library.kept(run_id, weights=True)
        child = runs.child(parent, secrets.token_hex(5), datetime.now(UTC), config, chunk, kept)
        return self._begin(child, owner, ask=Ask() if step else None)

    def watch(self, run_id: str, views: Sequence[str] | None = None) -> None:
        """Say that a page is looking at this run, which keeps it from being paused, and at these views of it.

        They are all that anybody looks at, which None says nothing about. What is seen is told to those who
        `subscribe_views`; it has to be said again every second or so. Views that are none, or do not apply to the run,
        are left out.
        """
        if run_id not in self._library:
            return
        now = self._clock()
        self._watched[run_id] = now
        if views is None:
            return
        with self._lock:
            if run_id in self._library:
                self._looks.look(run_id, wanted(self._library[run_id].snapshot.config, views), now)
                self._look(run_id)

    def sight(self, run_id: str) -> Sight | None:
        """What was seen of a run last, while somebody looks at views of it."""
        with self._lock:
            return self._looks.sight(run_id)

    def subscribe_views(self, seer: Seer) -> Callable[[], None]:
        """Have a listener called with a run's id and what is seen of it; otherwise as `subscribe`."""
        return self._enlist(self._seers, seer)

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Have a listener called after every change of a run in memory; returns what ends that.

        It is given the run's newest snapshot, None if it was deleted, and its id; by any thread, one call after the
        other, so that it never sees an older state after a newer one. It must be quick.
        """
        return self._enlist(self._listeners, listener)

    def _enlist(self, listeners: list[_T], listener: _T) -> Callable[[], None]:
        with self._telling:
            listeners.append(listener)

        def leave() -> None:
            with self._telling, contextlib.suppress(ValueError):
                listeners.remove(listener)

        return leave

    def snapshot(self, run_id: str) -> Snapshot:
        """The newest state of a run, at once; raises `UnknownRun`."""
        return self._read(run_id).snapshot

    def runs(self, owner: str | None = None) -> list[RunSummary]:
        """All runs, or only those that this owner may control, newest first, as they are now."""
        listed = self._library.summaries()
        return listed if owner is None else [run for run in listed if access.may_control(run.owners, owner)]

    def thumbnail(self, run_id: str) -> NDArray[np.float32] | None:
        """Some generated points of a run as they are drawn, (n, 2) with n at most 220; None before there are any.

        They are the first of its newest frame.
        """
        return self._library.thumbnail(run_id)

    def checkpoint(self, run_id: str) -> bytes:
        """All that it takes to go on with a run elsewhere, its history included. Waits for a worker."""
        snapshot, checkpoint = self._trained(run_id)
        return self._ask(worker.checkpoint, checkpoint, records_of(snapshot.history), by=self._beside(snapshot.config))

    def export(self, run_id: str, which: str, format: str = "torchscript") -> bytes:
        """A generator as a file of one of `FORMATS`: one of the snapshot's `variants`, or `timeline.past` of an epoch.

        Of past epochs those can be had whose networks are kept: see `timeline`. Waits for a worker.
        """
        format = known(format).name
        if (epoch := timeline.epoch_of(which)) is not None:
            return self._export_past(run_id, epoch, format)
        config_json, checkpoint = self._generator(run_id, which)
        return self._ask(worker.export, config_json, checkpoint, which, format)

    def _export_past(self, run_id: str, epoch: int, format: str) -> bytes:
        snapshot, checkpoint = self._trained(run_id)
        weights = self.kept(run_id, epoch).weights
        if weights is None:
            choice = ", ".join(map(str, self.timeline(run_id, weights=True))) or "none"
            raise ValueError(f"The networks of epoch {epoch} are not kept. Those of these epochs are: {choice}.")
        which = "ema" if "ema" in snapshot.variants else "latest"
        return self._ask(worker.export, snapshot.config.to_json(), checkpoint, which, format, weights)

    def samples(self, run_id: str, n: int, which: str, seed: int = 0) -> NDArray[np.float32]:
        """Points of a generator, shape (n, dim), in the target's own units. Waits for a worker.

        Training goes on between pieces of it, which are the same points as all at once.
        """
        if not 1 <= n <= MOST_SAMPLES:
            raise ValueError(f"{n} samples were asked for; give a number from 1 to {MOST_SAMPLES:,}.")
        config_json, checkpoint = self._generator(run_id, which)
        by, began, pieces, done = self._beside(self.snapshot(run_id).config), time.monotonic(), [], 0
        while done < n:
            if time.monotonic() - began > ANSWER_SECONDS:
                raise ValueError(f"{done:,} of {n:,} samples were drawn in {ANSWER_SECONDS:g} s: ask for fewer.")
            pieces.append(self._ask(worker.samples, config_json, checkpoint, n, which, seed, done, by=by))
            done += len(pieces[-1])
        return np.concatenate(pieces)

    def timeline(self, run_id: str, *, weights: bool = False) -> tuple[int, ...]:
        """The epochs of a run that are kept, oldest first; with `weights` those of them whose networks are, too."""
        epochs = self.snapshot(run_id).timeline
        return tuple(sorted({*epochs} & {*self._library.kept_weights(run_id)})) if weights else epochs

    def kept(self, run_id: str, epoch: int, *, weights: bool = True) -> Kept:
        """A run as it was after an epoch of its `timeline`; `ValueError` if that is not kept.

        The weights are there for some of them only: see `timeline`.
        """
        found = self.kept_frames(run_id, (epoch,), weights=weights)
        if not found:
            raise ValueError(f"Epoch {epoch} of the run is not kept: choose one of its timeline.")
        return found[0]

    def kept_frames(
        self, run_id: str, epochs: Collection[int] | None = None, *, weights: bool = False
    ) -> tuple[Kept, ...]:
        """What is kept of these epochs of a run, or of all, oldest first; those that are not kept are left out."""
        self.snapshot(run_id)  # that there is no such run is said first
        return self._library.kept(run_id, epochs, weights=weights)

    def appraise(self, file: bytes) -> Appraisal:
        """All metrics of a portable generator, whoever made it. Waits for a worker."""
        self._refuse_closed()
        return self._ask(worker.appraise, file)

    def views_at(self, run_id: str, epoch: int, names: Sequence[str]) -> Sight:
        """What can be seen inside a run where it was at an epoch, or at the nearest one whose networks are kept.

        Its `epoch` says which that is; without any there is nothing to see. Waits for a worker.
        """
        snapshot, checkpoint = self._trained(run_id)
        weighted = self.timeline(run_id, weights=True)
        names = wanted(snapshot.config, names)
        if not weighted or not names:
            return Sight(epoch, 0.0)
        nearest = min(weighted, key=lambda each: abs(each - epoch))
        kept = self.kept(run_id, nearest)
        found: dict[str, Arrays] = {}
        left: tuple[str, ...] = names
        while left:
            asked = snapshot.config.to_json(), checkpoint, left, kept.weights
            views, left = self._ask(worker.views, *asked, by=self._beside(snapshot.config))
            found.update(views)
        return Sight(nearest, snapshot.at(nearest).progress, found, frozenset(names))

    def work(self, function: Callable[..., _T], *args: Any) -> _T:
        """Have a worker call a function of a module, which must not change anything, and wait for the answer."""
        self._refuse_closed()
        return self._ask(function, *args)

    def submit(self, function: Callable[..., _T], *args: Any) -> Future[_T]:
        """Have a worker of this machine call a function of a module, and do not wait for it.

        A cluster's workers may not see the files of this one, so it gets a worker of its own.
        """
        self._refuse_closed()
        if not self._remote:
            return self._errands.submit(function, *args)
        with self._lock:
            if self._here is None:
                self._here = LocalWorkers(1, warm_up=time.monotonic)
            return self._here.submit(function, *args)

    def history_frame(self, run_id: str) -> pandas.DataFrame:
        """The figures of every epoch as a table: `epoch` and the columns of the history."""
        import pandas

        history = self.snapshot(run_id).history
        return pandas.DataFrame({"epoch": history.epoch, **history.columns})

    @property
    def cost_limits(self) -> CostLimits:
        """What a run may cost here."""
        return replace(self._cost_limits, gpu="cuda" in (self.devices() or ()))

    @property
    def unsaved(self) -> str | None:
        """Why something is not on the disk, a deletion for one: "" where it is not known yet, None while all is well.

        What a run brings while it trains is saved from time to time, and is said only if that fails.
        """
        with self._lock:
            problem = next(reversed(self._problems.values()), None)
        return "" if problem is None and any(each.urgent for each in self._library.unsaved()) else problem

    def devices(self) -> tuple[str, ...] | None:
        """The devices that workers can train on; None while the first worker still warms up."""
        if self._warm_up is None or not self._warm_up.done():
            return None
        if self._warm_up.cancelled() or self._warm_up.exception() is not None:
            return ("cpu",)
        return self._warm_up.result()

    @property
    def ready(self) -> bool:
        """Whether a worker is warm, so that a run starts at once."""
        return self._warm_up is not None and self._warm_up.done()

    def warm_up(self) -> None:
        """Have a worker load what training needs, which takes a core for seconds; at once, if it has not begun yet."""
        with self._warming:
            if self._warm_up is None:
                with contextlib.suppress(EngineClosedError):
                    self._warm_up = self._engine.submit(worker.warm_up)
                    self._warm_up.add_done_callback(_log_failure)

    def close(self) -> None:
        """Pause what runs, save what is not yet saved, end the workers and close the store.

        Further calls do nothing. While the disk fails it waits only some seconds for it.
        """
        with self._closing:
            with self._lock:
                if self._closed:
                    return
                self._closed = True
                self._flights.clear()
                active = [run for run in self._library if run.active]
                for run in active:
                    self._library.put(runs.server_stops(run))
            self._over.set()
            self._later.cancel()
            self._alarms.close()
            for run in active:
                self._tell(run.run_id)
            self._inbox.put(None)
            with contextlib.suppress(Exception):
                self._engine.shutdown(wait=True, cancel_futures=True)
            self._errands.shutdown()
            if self._here is not None:
                self._here.shutdown(wait=True, cancel_futures=True)
            self._saver.close()
            self._library.close()

    # The chain of chunks

    def _begin(self, run: Run, owner: str, *, go: bool = True, ask: Ask | None = None) -> str:
        """Take in a new run, and set it going if it is to `go`."""
        self._refuse_closed()
        self.warm_up()
        if rows_hash := run.snapshot.config.target.rows_hash:
            self._keep_rows(rows_hash)
        with self._lock:
            run = runs.claim(run, owner)
            if go:
                run = runs.go(run, ask, wait=not self._has_room(run))
            self._library.add(run)
            self._refuse_closed()
            self._watched[run.run_id] = self._clock()
            self._submit(run)
            moved = self._serve_queue()
        self._after(run.run_id, *moved)
        return run.run_id

    def _keep_rows(self, rows_hash: str) -> None:
        """Have the rows of a table where the runs are saved; `ValueError` in words if they are not to be had."""
        try:
            by_hash.keep(rows_hash, self._data)
        except OSError as error:
            raise ValueError(
                f"The server cannot keep the rows of the table ({error.strerror}): check its disk's free space and the "
                "permissions of the folder that GANDASH_HOME names."
            ) from error

    def _go(self, run_id: str, owner: str, ask: Ask | None = None, *, pace: Pace | None = None) -> None:
        self._refuse_closed()

        def go(run: Run) -> Run:
            self._refuse_dear(run.snapshot.config)
            return runs.go(run, ask, pace=pace, wait=not self._has_room(run))

        self._change(run_id, owner, go, watched=True)

    def _change(self, run_id: str, owner: str, change: Callable[[Run], Run], *, watched: bool = False) -> None:
        """Let an owner bring a run to its next state."""
        self._alter(run_id, lambda run: change(runs.claim(run, owner)), watched=watched)

    def _alter(self, run_id: str, change: Callable[[Run], Run], *, watched: bool = False) -> None:
        """Bring a run to its next state, ask the workers for what follows from it, and have it told and saved."""
        self._library.claim(run_id)
        with self._lock:
            run = change(self._library.read(run_id))
            if watched:
                self._watched[run_id] = self._clock()
            self._submit(run)
            moved = self._serve_queue()
        self._after(run_id, *moved)

    def _claim(self, run_id: str, owner: str) -> None:
        """Give a run to its first owner, if it has none; one that cannot be opened stays nobody's."""
        owners = self._library.owners(run_id)
        if access.claimed(owners, owner) == owners:
            return
        with contextlib.suppress(StoreError):
            self._library.claim(run_id)
            with self._lock:
                self._library.put(runs.claim(self._library.read(run_id), owner))

    def _has_room(self, run: Run) -> bool:
        training = [_owner(other) for other in self._library if other.training]
        return queue.has_room(self._limits, training, _owner(run))

    def _serve_queue(self) -> list[str]:
        """Let in whose turn it is and tell the others their places. Returns the runs that have changed."""
        waiting = {run.run_id: run for run in self._library if run.waiting}
        self._queue = [run_id for run_id in self._queue if run_id in waiting]
        self._queue += [run_id for run_id in waiting if run_id not in self._queue]
        for run_id in [] if self._closed else list(self._queue):
            run = self._unless_unwatched(waiting[run_id])
            if not run.waiting:
                self._queue.remove(run_id)
                self._library.put(run)
        training = [_owner(run) for run in self._library if run.training]
        line = [(run_id, _owner(waiting[run_id])) for run_id in self._queue]
        turn, held = queue.serve(self._limits, training, line)
        for run_id in turn:
            self._queue.remove(run_id)
            self._submit(runs.admit(waiting[run_id]))
        for place, run_id in enumerate(held, 1):
            self._library.put(runs.placed(waiting[run_id], place))
        return [run_id for run_id, run in waiting.items() if self._library[run_id] is not run]

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
        """Keep this state of a run, and ask the engine for what follows from it, unless it has to sit out.

        One that stands still and costs more than is allowed, as it was started elsewhere, is not even measured.
        """
        budget = None if self._closed else runs.next_budget(run)
        if budget is not None and not run.active and too_dear(run.snapshot.config, self.cost_limits):
            budget = None
        if budget is None or not self._may_ask(run):
            self._library.put(run)
            return
        now = self._clock()
        if (seconds := runs.rest(run, now)) > 0:
            self._library.put(run)
            self._alarms.set(run.run_id, seconds)
            return
        run_id = run.run_id
        if run.training and (views := self._looks.due(run_id, now)):
            budget = replace(budget, views=views, seconds=min(budget.seconds, VIEWED_SECONDS))
        self._library.put(runs.launch(run, budget, now))
        try:
            chunk = self._engine.submit(self._advance, run_id, run.snapshot.config.to_json(), run.checkpoint, budget)
        except Exception as error:
            chunk = Future()
            chunk.set_exception(EngineClosedError(str(error)))
        self._flights[run_id] = chunk
        chunk.add_done_callback(lambda done: self._inbox.put(partial(self._receive, run_id, done)))

    def _rung(self, run_id: str) -> None:
        """The clock has come to a run's next phase."""
        with self._lock:
            if run_id in self._library:
                self._submit(self._library[run_id])

    def _receive_all(self) -> None:
        while (take := self._inbox.get()) is not None:
            try:
                take()
            except Exception:
                _log.exception("What follows from a chunk could not be done")

    def _receive(self, run_id: str, done: Future[Chunk]) -> None:
        with self._lock:
            if self._flights.get(run_id) is not done or run_id not in self._library:
                self._serve_turns()
                return  # deleted, or the service is closing
            del self._flights[run_id]
            run = self._library[run_id]
            sight = None
            try:
                self._turns.taken(run_id, _seconds(done), others=len(self._flights))
                after = self._outcome(run, done)
                sight = self._saw(run, after, done)
                self._submit(after)
                self._look(run_id)
            except Exception as error:  # whatever it was, no run may be left waiting for nothing
                _log.exception("Run %s: a chunk could not be taken in", run_id)
                self._flights.pop(run_id, None)
                self._library.put(runs.fail(run, _work_lost(error)))
            self._serve_turns()
            moved = [] if self._library[run_id].training else self._serve_queue()
        self._after(run_id, *moved)
        self._show(run_id, sight)

    def _saw(self, before: Run, after: Run, done: Future[Chunk]) -> Sight | None:
        """What a chunk has brought of views."""
        asked = before.flight.views if before.flight is not None else ()
        if not asked or done.cancelled() or done.exception() is not None:
            return None
        chunk, snapshot = done.result(), after.snapshot
        if chunk.state == "failed":
            return None
        tried = frozenset(asked).difference(chunk.unseen)
        sight = Sight(snapshot.epoch, snapshot.progress, chunk.views, tried, after.checkpoint)
        return self._looks.seen(before.run_id, sight, chunk.view_seconds, chunk.unseen)

    def _look(self, run_id: str) -> None:
        """Have computed what somebody looks at of a run that stands still; who calls it holds the lock."""
        run = self._library[run_id]
        if self._closed or run.training or run.checkpoint is None or (run.flight is not None and run.flight.seconds):
            return  # what only measures, for seconds perhaps, leaves the run where it stands
        checkpoint, snapshot = run.checkpoint, run.snapshot
        names = self._looks.missing(run_id, checkpoint, self._clock())
        if not names or run_id in self._looking:
            return
        try:
            by = self._beside(snapshot.config)
            coming = by.submit(worker.views, snapshot.config.to_json(), checkpoint, names)
        except Exception:
            _log.debug("Run %s: nobody could look inside", run_id, exc_info=True)
            return
        self._looking.add(run_id)
        asked = Sight(snapshot.epoch, snapshot.progress, {}, frozenset(names), checkpoint)
        # by the inbox: it may be there already, and who tells what is seen holds no lock
        coming.add_done_callback(lambda done: self._inbox.put(partial(self._looked, run_id, asked, done)))

    def _looked(self, run_id: str, asked: Sight, done: Future[tuple[worker.Views, tuple[str, ...]]]) -> None:
        """The views of a run that stands still are there, or could not be had."""
        views: worker.Views = {}
        unseen: tuple[str, ...] = ()
        if not done.cancelled() and done.exception() is None:
            views, unseen = done.result()
        elif not done.cancelled() and not self._closed:
            _log.error("Run %s: its views could not be computed", run_id, exc_info=done.exception())
        sight = None
        with self._lock:
            self._looking.discard(run_id)
            if run_id in self._library and self._library[run_id].checkpoint is asked.checkpoint:
                sight = self._looks.seen(run_id, replace(asked, views=views, tried=asked.tried.difference(unseen)))
            if run_id in self._library:
                self._look(run_id)
        self._show(run_id, sight)

    def _show(self, run_id: str, sight: Sight | None) -> None:
        """Tell what was seen; who calls it holds no lock."""
        if sight is None:
            return
        with self._telling:
            for seer in tuple(self._seers):
                try:
                    seer(run_id, sight)
                except Exception:
                    _log.exception("Run %s: a listener failed", run_id)

    def _may_ask(self, run: Run) -> bool:
        estimate = chunk_seconds(run.snapshot.config)
        return self._turns.asks(run.run_id, self._flights, estimate, beside=self._errands.under_way)

    def _errand_over(self) -> None:
        """A worker is free of what was done beside the training: for who has sat out, then for what waits for it."""
        try:
            with self._lock:
                self._serve_turns()
        finally:
            self._errands.serve()

    def _serve_turns(self) -> None:
        """Let those go on who have sat out long enough."""
        while (run_id := self._turns.next(self._flights, beside=self._errands.under_way)) is not None:
            if run_id in self._library:
                self._submit(self._library[run_id])

    def _outcome(self, run: Run, done: Future[Chunk]) -> Run:
        """What has come of a run's chunk."""
        try:
            chunk = done.result()
        except (EngineClosedError, CancelledError):
            return runs.server_stops(run)
        except (EngineError, MissingRowsError) as error:
            return runs.take_in(run, Chunk("failed", str(error)), self._clock())
        except Exception as error:
            _log.exception("Run %s: a chunk was lost", run.run_id)
            return runs.take_in(run, Chunk("failed", _work_lost(error)), self._clock())
        return self._unless_unwatched(runs.take_in(run, chunk, self._clock()))

    def _unless_unwatched(self, run: Run) -> Run:
        """The run, paused if no page has looked at it for too long."""
        seconds = self._idle_pause
        if seconds is None or self._clock() - self._watched.get(run.run_id, self._clock()) <= seconds:
            return run
        return runs.pause(run, f"Paused because no page watched the run for {seconds:g} seconds.")

    # What follows from a change

    def _after(self, *run_ids: str) -> None:
        """Tell changes to those who listen, and have them saved; who calls it holds no lock."""
        self._saver.stir()
        for run_id in run_ids:
            self._tell(run_id)

    def _tell(self, run_id: str) -> None:
        with self._telling:
            with self._lock:
                snapshot = self._library[run_id].snapshot if run_id in self._library else None
            for listener in tuple(self._listeners):
                try:
                    listener(snapshot, run_id)
                except Exception:
                    _log.exception("Run %s: a listener failed", run_id)

    def _saved(self, run_id: str, problem: str) -> None:
        """The saver has saved a run, or could not: then it is said, for as long as it is so."""
        unsaved = problem and f"What this run did lately is not saved and would be lost with the server. {problem}"
        with self._lock:
            self._problems.pop(run_id, None)
            if problem:
                self._problems[run_id] = problem
            if run_id not in self._library or self._library[run_id].snapshot.unsaved == unsaved:
                return
            self._library.put(runs.changed(self._library[run_id], unsaved=unsaved))
        self._after(run_id)

    def _lost(self, run_id: str) -> None:
        """Another server has deleted a run or gone on with it."""
        with self._lock:
            self._problems.pop(run_id, None)
            if run_id not in self._library:
                self._flights.pop(run_id, None)
            moved = self._serve_queue()
        self._after(run_id, *moved)

    # What others wish for

    def _obey_all(self) -> None:
        purged = self._clock()
        while not self._over.wait(WISH_SECONDS):
            if self._clock() - purged > PURGE_SECONDS:
                purged = self._clock()
                self._library.purge()
                self._saver.stir()
            try:
                for run_id, wish in self._wishes.pending():
                    self._obey(run_id, wish)
            except Exception as error:
                _log.debug("Wishes cannot be read: %s", error)

    def _obey(self, run_id: str, wish: Wish) -> None:
        """Do what somebody asked for who has no page, such as the command line, unless another server has to."""
        try:
            if wish == "stop":
                self._change(run_id, access.ADMINISTRATOR, runs.stop)
            else:
                self.delete(run_id, owner=access.ADMINISTRATOR)
        except ForeignRun:
            return
        except ValueError as error:
            _log.error("Run %s: %r was wished: %s", run_id, wish, error)
            self._wishes.refuse(run_id, wish, str(error))
        else:
            self._wishes.grant(run_id, wish)

    def _refuse_dear(self, config: RunConfig) -> None:
        if problem := too_dear(config, self.cost_limits):
            raise ValueError(sentence(problem))

    def _refuse_closed(self) -> None:
        if self._closed:
            raise ValueError("The server is shutting down: start it again.")

    # Workers

    def _trained(self, run_id: str) -> tuple[Snapshot, bytes]:
        run = self._read(run_id)
        if run.checkpoint is None:
            raise ValueError("The run has no generator yet: press Train or Epoch first.")
        return run.snapshot, run.checkpoint

    def _generator(self, run_id: str, which: str) -> tuple[str, bytes]:
        snapshot, checkpoint = self._trained(run_id)
        if which not in snapshot.variants:
            choice = ", ".join(snapshot.variants)
            raise ValueError(f"The run has no {which!r} generator: choose one of {choice}.")
        return snapshot.config.to_json(), checkpoint

    def _beside(self, config: RunConfig) -> Executor:
        """Who does something short with a run of this config: with a large network nothing is short."""
        return self._errands if chunk_seconds(config) > TURN_SECONDS else self._engine

    def _ask(self, function: Callable[..., _T], *args: Any, by: Executor | None = None) -> _T:
        """Have a worker do something, as an errand unless somebody else is asked, and wait for the answer."""
        try:
            return (by or self._errands).submit(function, *args).result(ANSWER_SECONDS)
        except TimeoutError as error:
            raise ValueError(f"The workers have not answered for {ANSWER_SECONDS:g} s: try again later.") from error
        except (EngineClosedError, CancelledError) as error:
            raise ValueError("The server is shutting down: start it again.") from error
        except ValueError:
            raise
        except Exception as error:
            _log.exception("A worker could not do %s", function.__name__)
            raise ValueError(f"That did not work ({type(error).__name__}); the server's log says more.") from error


def _pace(phases_per_second: float | None, only: str) -> Pace:
    """A pace as it is asked for; `ValueError` for what is none."""
    if phases_per_second is not None and not LEAST_PACE <= phases_per_second <= MOST_PACE:
        raise ValueError(
            f"{phases_per_second:g} phases a second were asked for; give a number from {LEAST_PACE:g} to "
            f"{MOST_PACE:,.0f}, or None for as fast as it can."
        )
    return Pace(phases_per_second, _player(only))


def _player(only: str) -> Player | None:
    """The network that plays alone, None for both; `ValueError` for what is neither."""
    if only not in get_args(Only):
        raise ValueError(f"{only[:40]!r} was given; choose one of {', '.join(get_args(Only))}.")
    return None if only == "both" else cast(Player, only)


def _owner(run: Run) -> str:
    """For whom a run counts; "" for nobody."""
    return run.snapshot.owners[0] if run.snapshot.owners else ""


def _seconds(done: Future[Chunk]) -> float:
    """How long a worker was busy with a chunk; 0 if it was lost."""
    return 0.0 if done.cancelled() or done.exception() is not None else done.result().seconds


def _work_lost(error: Exception) -> str:
    return f"The work was lost ({type(error).__name__}). Press Resume to try again."


def _log_failure(warm_up: Future[Any]) -> None:
    if not warm_up.cancelled() and warm_up.exception() is not None:
        _log.error("The workers could not be warmed up", exc_info=warm_up.exception())
