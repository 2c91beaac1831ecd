"""A run as a state machine, without a clock, a lock or an engine: each function takes a state and returns the next one.

A run is a chain of chunks. What to ask the workers for next follows from the state alone (`next_budget`); `launch`
notes that it was asked for, `take_in` and `lose` what came of it. `go` and `halt` are what users press. A run that has
to wait for its turn asks for nothing until it is let in by `admit`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np

from gandash.core.config import RunConfig
from gandash.core.records import Appraisal, Measured, Player
from gandash.runs import access, timeline
from gandash.runs.snapshot import Pace, Snapshot, Status
from gandash.runs.timeline import Kept
from gandash.runs.worker import Budget, Chunk, State

FIRST_CHUNK_SECONDS = 0.1
CHUNK_SECONDS = 0.25

APPRAISAL_SECONDS = 2.0
"""The least training between two appraisals of a run that goes on."""

APPRAISAL_SHARE = 0.015
"""The share of the time that appraisals may take."""

TICK_SECONDS = 0.1
"""How often a run that plays slowly is asked for phases, at most; then for several at a time."""

SHOWN_PHASES = 3.0
"""Up to so many phases a second each is shown: what lights up more often than three times a second is too much."""

KEPT_FRAMES = 8

Unit = Literal["epoch", "step", "phase"]
LEAST_PACE, MOST_PACE = 0.1, 1000.0
"""Phases a second that a run can be asked to play."""


@dataclass(frozen=True)
class Ask:
    """Something that was asked for by hand: an epoch, a step or a phase more, perhaps of one network alone."""

    unit: Unit = "epoch"
    only: Player | None = None


@dataclass(frozen=True)
class Run:
    """A run at one moment: what the world may see of it, and what it takes to go on.

    `flight` is what the workers were asked for and have not answered. `asks` are what was asked for one by one, none
    while the run goes on by itself; the first has `begun` once the workers were asked for it. If that is an epoch,
    `goal` is where it is done: None until it is known where the chunk in flight ends. `due` is when, on the service's
    clock, a run that plays slowly has its next phase. `unappraised` counts the seconds of training since the last
    appraisal, which took `appraisal_seconds`. A run is `unappraisable` if its last appraisal failed; it is not asked
    for again until the run goes on. `measured` is what a chunk had no time to make an appraisal of: the run trains on
    once it is done. `kept` is what the store may not have yet of what the timeline keeps. `marked` is when the last
    chunk came back, while the run goes on, and `rate` its epochs a second.
    """

    snapshot: Snapshot
    checkpoint: bytes | None = None
    flight: Budget | None = None
    asks: tuple[Ask, ...] = ()
    begun: bool = False
    goal: int | None = None
    due: float | None = None
    unappraised: float = 0.0
    appraisal_seconds: float = 0.0
    unappraisable: bool = False
    measured: Measured | None = None
    kept: tuple[Kept, ...] = ()
    marked: float | None = None
    rate: float | None = None

    @property
    def run_id(self) -> str:
        """The run's name in addresses."""
        return self.snapshot.run_id

    @property
    def active(self) -> bool:
        """Whether it trains, is about to, or waits for its turn."""
        return self.snapshot.status.active

    @property
    def waiting(self) -> bool:
        """Whether it waits for its turn."""
        return self.snapshot.status is Status.WAITING

    @property
    def training(self) -> bool:
        """Whether it takes one of the places that there are for runs: it trains or is about to."""
        return self.active and not self.waiting

    @property
    def idle(self) -> bool:
        """Whether nothing will change before somebody asks for something."""
        return not self.active and self.flight is None


def child(
    parent: Snapshot, run_id: str, created: datetime, config: RunConfig, chunk: Chunk, kept: Iterable[Kept] = ()
) -> Run:
    """A run that goes on from another one, which stays as it is; `chunk` is what it begins with.

    It has a copy of what its parent had up to there, `kept` included, so that the parent may go.
    """
    history, epoch = parent.history, chunk.epoch
    kept = timeline.thinned((each for each in kept if each.epoch <= epoch), epoch)
    snapshot = Snapshot(
        run_id,
        1,
        config,
        Status.PAUSED,
        created,
        history=history.rows(0, int(np.searchsorted(history.epoch, epoch, side="right"))),
        timeline=tuple(each.epoch for each in kept),
        parent=parent.run_id,
        first_epoch=epoch,
    )
    return take_in(Run(snapshot, kept=kept), chunk, now=0.0)


def changed(run: Run, **changes: Any) -> Run:
    """The run with another snapshot, of the next version."""
    return replace(run, snapshot=replace(run.snapshot, version=run.snapshot.version + 1, **changes))


def claim(run: Run, owner: str) -> Run:
    """The run in the hands of this owner, who owns it from now on if nobody did; raises `access.NotYoursError`."""
    owners = access.claimed(run.snapshot.owners, owner)
    return run if owners == run.snapshot.owners else changed(run, owners=owners)


def join(run: Run, token: str, owner: str) -> Run:
    """Let this owner in, who came with a control link; raises `access.NotYoursError` if it is not this run's."""
    owners = access.joined(run.run_id, run.snapshot.owners, token, owner)
    return run if owners == run.snapshot.owners else changed(run, owners=owners)


def go(run: Run, ask: Ask | None = None, *, pace: Pace | None = None, wait: bool = False) -> Run:
    """Train on, at this pace if there is one, or only what is asked for; with `wait` once it is its turn.

    Raises `ValueError` in plain words if that cannot be.
    """
    status = run.snapshot.status
    if status.ended:
        raise ValueError(f"The run cannot go on: {_WHY_ENDED[status]}. Train on makes a new run that does.")
    if run.active and ask and not run.asks:
        doing = "waits for its turn" if run.waiting else "is going on by itself"
        raise ValueError(f"The run {doing}: pause it before you play it by hand.")
    if pace is not None:
        run = paced(run, pace)
    if ask is None:
        run = replace(run, asks=(), begun=False, goal=None)
    elif run.asks:
        run = replace(run, asks=(*run.asks, ask))
    else:
        goal = run.snapshot.epoch + 1 if run.flight is None else None
        run = replace(run, asks=(ask,), goal=goal, measured=None)  # what was measured so far is soon out of date
    run = replace(run, unappraisable=False)
    if bool(run.asks) != run.snapshot.asked:
        run = changed(run, asked=bool(run.asks))
    if run.active:
        return run
    return changed(replace(run, due=None), status=Status.WAITING if wait else _going(run), message="")


def paced(run: Run, pace: Pace) -> Run:
    """Have a run play at this pace, at once if it goes on by itself."""
    return run if pace == run.snapshot.pace else replace(changed(run, pace=pace), due=None)


def admit(run: Run) -> Run:
    """It is this waiting run's turn."""
    return changed(run, status=_going(run), place=None)


def placed(run: Run, place: int) -> Run:
    """Tell a waiting run its place in the queue."""
    return run if run.snapshot.place == place else changed(run, place=place)


def _going(run: Run) -> Status:
    return Status.STARTING if run.checkpoint is None else Status.RUNNING


def halt(run: Run, status: Status, message: str = "") -> Run:
    """Stand still, for this reason; the chunk in flight still counts."""
    run = replace(run, asks=(), begun=False, goal=None, due=None, marked=None, rate=None)
    return changed(
        run, status=status, message=message, epochs_per_second=None, seconds_left=None, place=None, asked=False
    )


def pause(run: Run, message: str = "") -> Run:
    """Stand still until somebody presses Resume; a run that stands still already stays as it is."""
    return halt(run, Status.PAUSED, message) if run.active else run


def stop(run: Run) -> Run:
    """End for good; a run that has ended stays as it is."""
    return run if run.snapshot.status.ended else halt(run, Status.STOPPED)


def rename(run: Run, name: str, note: str) -> Run:
    """Give a run a name and a note."""
    snapshot = run.snapshot
    return run if (snapshot.name, snapshot.note) == (name, note) else changed(run, name=name, note=note)


def server_stops(run: Run) -> Run:
    """Stand still because the server is going away; the chunk in flight is lost."""
    return left(lose(run))


def left(run: Run) -> Run:
    """Stand still, as a server left it that is gone."""
    return pause(run, f"The server stopped; press Resume to go on from epoch {run.snapshot.epoch}.")


def next_budget(run: Run) -> Budget | None:
    """What to ask the workers for, or None if there is nothing to do or something in flight.

    A run that goes on trains, and is appraised now and then. One that came to rest is appraised as it is, so that its
    figures are those of the generators that can be had. One that waits for its turn asks for nothing.
    """
    snapshot = run.snapshot
    if run.flight is not None or run.waiting:
        return None
    unseen = snapshot.real is None
    if run.active and run.asks:
        return _asked(run, unseen)
    if run.active and snapshot.pace.phases_per_second is not None:
        return _slowly(snapshot.pace, snapshot.pace.phases_per_second, unseen)
    only = snapshot.pace.only
    if run.checkpoint is None:
        return Budget(FIRST_CHUNK_SECONDS, real=unseen, only=only) if run.active else None
    if run.active and run.measured is not None:
        return Budget(0.0, evaluate=True, real=unseen, measured=run.measured)
    if run.active:
        due = max(APPRAISAL_SECONDS, run.appraisal_seconds / APPRAISAL_SHARE)
        evaluate = snapshot.appraised is None or run.unappraised >= due
        return Budget(CHUNK_SECONDS, evaluate=evaluate, real=unseen, only=only)
    if run.unappraisable or snapshot.status is Status.FAILED:
        return None
    if snapshot.appraised == snapshot.progress and not unseen:
        return None
    return Budget(0.0, evaluate=True, real=unseen, measured=run.measured)


def _asked(run: Run, unseen: bool) -> Budget:
    """For what was asked for by hand, which is answered before anything is measured."""
    ask = run.asks[0]
    match ask.unit:
        case "epoch":
            seconds = FIRST_CHUNK_SECONDS if run.checkpoint is None else CHUNK_SECONDS
            return Budget(seconds, run.goal, real=unseen, by_hand=True, only=ask.only)
        case "step":
            return Budget(CHUNK_SECONDS, real=unseen, by_hand=True, only=ask.only, steps=1)
        case _:
            return Budget(CHUNK_SECONDS, real=unseen, by_hand=True, only=ask.only, phases=1, show=True)


def _slowly(pace: Pace, speed: float, unseen: bool) -> Budget:
    """For the phases of one tick of the clock."""
    return Budget(
        CHUNK_SECONDS,
        real=unseen,
        only=pace.only,
        phases=max(1, round(speed * TICK_SECONDS)),
        show=speed <= SHOWN_PHASES,
    )


def rest(run: Run, now: float) -> float:
    """For how many seconds the run has nothing to ask for because it plays slowly."""
    slow = run.training and not run.asks and run.snapshot.pace.phases_per_second is not None
    return max(0.0, run.due - now) if slow and run.due is not None else 0.0


def launch(run: Run, budget: Budget, now: float = 0.0) -> Run:
    """The workers were asked for this, at this second of the service's clock."""
    run = replace(run, begun=bool(run.asks))
    speed = run.snapshot.pace.phases_per_second
    if speed is None or budget.phases is None or budget.by_hand:
        return replace(run, flight=budget)
    beat = budget.phases / speed
    late = run.due is None or now > run.due + beat  # what was missed is not made up for
    return replace(run, flight=budget, due=(now if late or run.due is None else run.due) + beat)


def lose(run: Run) -> Run:
    """The workers will not answer."""
    return replace(run, flight=None, unappraisable=True)


def fail(run: Run, message: str) -> Run:
    """What came back is no answer: a run that goes on has failed, one that stands still only could not be measured."""
    trained = run.flight is not None and run.flight.seconds > 0
    lost = replace(lose(run), measured=None)
    return halt(lost, Status.FAILED, message) if run.active or (trained and not run.snapshot.status.ended) else lost


def found(run: Run) -> Run:
    """A run that was lost and is looked at again: its appraisal is worth another try."""
    return replace(run, unappraisable=False)


def take_in(run: Run, chunk: Chunk, now: float) -> Run:
    """Bring a run forward by the chunk that was in flight, which came back at this second of the service's clock.

    Raises for what no worker sends.
    """
    old, status, budget = run.snapshot, run.snapshot.status, run.flight or Budget(0.0)
    if chunk.state not in get_args(State):
        raise ValueError(f"{chunk.state!r} is no state of a chunk")
    if not math.isfinite(chunk.progress):
        raise ValueError(f"{chunk.progress} is no progress")
    run = replace(run, flight=None)
    if chunk.state == "failed":
        if not budget.seconds:
            return replace(run, unappraisable=True, measured=None)  # if training fails as well it will be told
        return run if status is Status.STOPPED else halt(run, Status.FAILED, chunk.message)
    unappraised, appraised = run.unappraised + chunk.seconds - chunk.appraisal_seconds, old.appraised
    if chunk.appraisals or chunk.measured is not None:
        before = 0.0 if run.measured is None else run.appraisal_seconds
        run = replace(run, appraisal_seconds=before + chunk.appraisal_seconds)
    if chunk.appraisals:
        unappraised, appraised = 0.0, chunk.progress
    # what was only measured stands where it stood: it is not saved again, and what was seen inside it is still right
    checkpoint = run.checkpoint if chunk.checkpoint == run.checkpoint else chunk.checkpoint
    run = replace(run, checkpoint=checkpoint, unappraised=unappraised, measured=chunk.measured)
    if chunk.kept:
        run = replace(run, kept=timeline.thinned((*run.kept, *chunk.kept), chunk.epoch))
    if budget.seconds:
        run = _timed(run, chunk, now)
    if status is Status.STARTING:
        status = Status.RUNNING
    run = changed(
        run,
        status=status,
        message="" if status.active else old.message,
        epoch=chunk.epoch,
        progress=chunk.progress,
        frames=(*old.frames, *chunk.frames)[-KEPT_FRAMES:],
        timeline=timeline.merged(old.timeline, chunk.kept, chunk.epoch),
        history=old.history.extended(chunk.records),
        appraisals=by_variant(chunk.appraisals) if chunk.appraisals else old.appraisals,
        appraised=appraised,
        variants=chunk.variants,
        real=old.real if chunk.real is None else chunk.real,
        hand_played=old.hand_played + (chunk.played if budget.by_hand else 0),
        left_out=chunk.left_out,
        phase=chunk.phase if budget.seconds else old.phase,
        epochs_per_second=run.rate if run.training else None,
        seconds_left=_seconds_left(run.rate, old.config.epochs, chunk.progress) if run.training else None,
    )
    if chunk.state != "running":
        return halt(run, Status(chunk.state), chunk.message)
    if not status.active or not run.asks:
        return run
    return _answered(run)


def _answered(run: Run) -> Run:
    """The run after a chunk, while there is something that was asked for by hand: on to what is next, or to rest."""
    epoch, ask = run.snapshot.epoch, run.asks[0]
    if not run.begun:  # that chunk was none of it
        return replace(run, goal=epoch + 1)
    if ask.unit == "epoch" and run.goal is not None and epoch < run.goal:
        return run
    left = run.asks[1:]
    return replace(run, asks=left, begun=False, goal=epoch + 1) if left else halt(run, Status.PAUSED)


def by_variant(appraisals: Iterable[Appraisal]) -> Mapping[str, Appraisal]:
    """Appraisals under the names of their generators."""
    return MappingProxyType({appraisal.which: appraisal for appraisal in appraisals})


def _timed(run: Run, chunk: Chunk, now: float) -> Run:
    """Epochs a second as a user's clock sees them, other runs' share included, smoothed over about 3 s."""
    elapsed = chunk.seconds if run.marked is None else now - run.marked
    rate = run.rate
    if elapsed > 0:
        newest = (chunk.progress - run.snapshot.progress) * run.snapshot.config.epochs / elapsed
        rate = newest if rate is None else rate + (1 - math.exp(-elapsed / 3)) * (newest - rate)
    return replace(run, marked=now if run.training else None, rate=rate if run.training else None)


def _seconds_left(rate: float | None, epochs: int, progress: float) -> float | None:
    return (1 - progress) * epochs / rate if rate else None


_WHY_ENDED = {
    Status.FINISHED: "all its epochs are done",
    Status.STOPPED_EARLY: "early stopping has ended it",
    Status.STOPPED: "it was stopped for good",
    Status.DIVERGED: "it has diverged",
}
