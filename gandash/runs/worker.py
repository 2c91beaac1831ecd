"""What worker processes do: train for a while, from checkpoint to checkpoint; draw samples; export; appraise.

`advance` is pure: the same config, checkpoint and number of steps give the same bits in any process on the same
machine, so a chunk that was lost with its worker can be asked for again. The last few trainers stay in the process as a
cache, which saves loading a checkpoint. This module knows no run's status and no store. Importing it imports no torch
(the server imports it); calling its functions does.
"""

from __future__ import annotations

import functools
import gc
import hashlib
import logging
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gandash import portable
from gandash.core.config import Device, RunConfig
from gandash.core.cost import estimate
from gandash.core.faults import of_the_machine, want_of_memory
from gandash.core.records import Appraisal, EpochRecord, Measured, PlayedPhase, Player, Variant
from gandash.core.rows import MissingRowsError
from gandash.core.views import Arrays, wanted
from gandash.runs import timeline
from gandash.runs.snapshot import FRAME_OUTPUTS, FRAME_POINTS, Frame
from gandash.runs.timeline import Kept

if TYPE_CHECKING:
    from gandash.core.trainer import Trainer

FRAME_SEED = 0
"""All frames show this noise, so that each point moves smoothly; `samples` with the same seed gives the same points."""

REAL_POINTS = 2048
"""How many of the real points are shown."""

FRAME_DIM = 3
"""Points of more coordinates leave the worker as they are drawn, which is what a frame is for."""

SECONDS_PER_FRAME = 0.08
MOST_FRAMES = 4
FRAMES_SHARE = 0.2
"""The share of a chunk that drawing frames may take; one is drawn in any case."""

MEASURING_SECONDS = 0.25
"""How long a chunk may go on to measure generators after it has trained; what is left is for chunks to come."""

ONLY_MEASURING = 0.2
"""The share of that in a chunk that trains nothing: whoever presses something waits no longer than for its end."""

PHASE_POINTS = 128
"""How many of a batch's points are told of a phase that was played by itself."""

VIEWING_SECONDS = 0.25
"""How long a chunk may go on to begin with views after it has trained; what is left is for chunks to come."""

SAMPLING_SECONDS = 0.25
"""How long samples are drawn before the worker is somebody else's."""

CACHED_TRAINERS = 4
CACHED_BYTES = 256 * 2**20
"""How much the checkpoints of all trainers in the cache but the newest may take; a trainer takes about twice that."""

DIGESTED_BYTES = 2**16

Views = Mapping[str, Arrays]
"""Arrays by their names, of each view by the name by which it was asked for."""

State = Literal["running", "finished", "stopped_early", "diverged", "failed"]

_log = logging.getLogger(__name__)
_trainers: OrderedDict[str, _Cached] = OrderedDict()
_trainers_lock = threading.Lock()  # a Dask worker runs several threads


@dataclass(frozen=True)
class Budget:
    """How far to train: for about so many seconds, or until so many whole epochs are done, whichever is first.

    `evaluate` asks for an appraisal of every generator afterwards; they are made anyway when the run ends or
    `until_epoch` is reached, but do not keep waiting who asked `by_hand`. With 0 seconds nothing is trained. `measured`
    is what the chunk before had no time to make appraisals of. `real` asks for the real points. With `only` one network
    alone plays. `phases` or `steps` are how many to play, within the time, but at least one; `show` asks what the last
    of these phases did, `views` for what can be seen inside (`gandash.core.views`).
    """

    seconds: float
    until_epoch: int | None = None
    evaluate: bool = False
    real: bool = False
    measured: Measured | None = None
    by_hand: bool = False
    only: Player | None = None
    phases: int | None = None
    steps: int | None = None
    show: bool = False
    views: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chunk:
    """What `advance` did. A failed chunk carries a `message` and no checkpoint: the run stands where it stood.

    `records` are the epochs completed in it, `frames` up to four moments evenly spread over it, `kept` those of its
    epochs that the run's timeline keeps, `appraisals` those of all `variants`, the one on screen first, or none if they
    were not asked for or there was no time for them all: `measured` then is what there is. `real` are the first
    `REAL_POINTS` real points that are trained on, (n, dim). `phase` is what was asked for with `show`. `played` is how
    many phases were played one by one, and `left_out` how many were left out in all the run. `views` are those that
    were asked for as they are at the end, by the names by which they were, but for those `unseen` for want of time.
    `seconds` is the time it all took, `appraisal_seconds` the appraisals' part and `view_seconds` the views'.
    """

    state: State
    message: str = ""
    checkpoint: bytes | None = None
    epoch: int = 0
    progress: float = 0.0
    records: tuple[EpochRecord, ...] = ()
    frames: tuple[Frame, ...] = ()
    kept: tuple[Kept, ...] = ()
    appraisals: tuple[Appraisal, ...] = ()
    variants: tuple[str, ...] = ()
    measured: Measured | None = None
    real: NDArray[np.float32] | None = None
    phase: PlayedPhase | None = None
    played: int = 0
    left_out: int = 0
    views: Views = field(default_factory=dict)
    unseen: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)
    appraisal_seconds: float = field(default=0.0, compare=False)
    view_seconds: float = field(default=0.0, compare=False)


class _Cached(NamedTuple):
    """A trainer that stays in the process: which checkpoint it wrote last, and how large that was."""

    digest: bytes
    size: int
    trainer: Trainer


def advance(run_id: str, config_json: str, checkpoint: bytes | None, budget: Budget) -> Chunk:
    """Train from a checkpoint (None: from the beginning). What goes wrong is a failed chunk.

    Raises `MissingRowsError` alone: see `gandash.runs.sending`.
    """
    start = time.perf_counter()
    try:
        try:
            trainer = _take(run_id, config_json, checkpoint)
        except MissingRowsError:
            raise
        except ValueError as error:  # the trainer's own sentence, such as a device that is not there
            return Chunk("failed", str(error))
        begun = () if checkpoint is not None else kept(trainer)
        chunk = _train(trainer, budget, first=checkpoint is None)
        chunk = replace(chunk, kept=timeline.thinned((*begun, *chunk.kept), chunk.epoch))
        assert chunk.checkpoint is not None
        _keep(run_id, chunk.checkpoint, trainer)
        return replace(chunk, seconds=time.perf_counter() - start)
    except MissingRowsError:
        raise
    except Exception as error:
        _log.exception("Run %s: training failed", run_id)
        _leave_if_the_gpu_is_lost()
        if want_of_memory(error):  # the next run shall have what was kept for others
            with _trainers_lock:
                _trainers.clear()
        return Chunk("failed", _sentence(error))


def _train(trainer: Trainer, budget: Budget, *, first: bool) -> Chunk:
    start = time.perf_counter()
    frames = [_frame(trainer)] if first else []
    slices = max(1, min(MOST_FRAMES - len(frames), round(budget.seconds / SECONDS_PER_FRAME), _frames(trainer, budget)))
    records: list[EpochRecord] = []
    moments: list[Kept] = []
    phase: PlayedPhase | None = None
    played = 0
    training = time.perf_counter()  # what went before may have taken longer than there is to train
    one_by_one = budget.phases is not None or budget.steps is not None
    if one_by_one:
        stood = trainer.progress
        phase, played, records = _play(trainer, budget, moments)
        if trainer.progress > stood:  # before the end of a turn no point has moved
            frames.append(_frame(trainer))
    for index in range(slices if budget.seconds and not one_by_one else 0):
        if _done(trainer, budget):
            break
        left = training + budget.seconds * (index + 1) / slices - time.perf_counter()
        if index and left <= 0:
            break
        records += _advance(trainer, budget, max(left, 0.0), moments)
        frames.append(_frame(trainer))
    trained = time.perf_counter()
    measured: Measured | None = None
    appraisals: tuple[Appraisal, ...] = ()
    if budget.evaluate or (_done(trainer, budget) and not budget.by_hand):
        measured = trainer.measure(MEASURING_SECONDS * (1 if budget.seconds else ONLY_MEASURING), budget.measured)
        appraisals = () if measured else _appraisals(trainer)
    appraised = time.perf_counter()
    views, unseen = _views(trainer, budget.views)
    viewed = time.perf_counter()
    return Chunk(
        state=trainer.state,
        message=trainer.message,
        checkpoint=trainer.checkpoint(history=False),
        epoch=trainer.epoch,
        progress=trainer.progress,
        records=tuple(records),
        frames=tuple(frame for frame in frames if np.isfinite(frame.points).all()),  # an epoch may be about to diverge
        kept=tuple(moments),
        appraisals=appraisals,
        variants=trainer.variants,
        measured=measured,
        real=trainer.real_points(REAL_POINTS) if budget.real else None,
        phase=phase,
        played=played,
        left_out=trainer.left_out,
        views=views,
        unseen=unseen,
        seconds=time.perf_counter() - start,
        appraisal_seconds=appraised - trained,
        view_seconds=viewed - appraised,
    )


def _advance(trainer: Trainer, budget: Budget, seconds: float, moments: list[Kept]) -> list[EpochRecord]:
    """Train for so long or up to the budget's epoch, with a stop at every epoch that the timeline keeps."""
    deadline = time.perf_counter() + seconds
    records: list[EpochRecord] = []
    while not _done(trainer, budget):
        goal = timeline.following(trainer.epoch)
        if budget.until_epoch is not None:
            goal = min(goal, budget.until_epoch)
        left = max(deadline - time.perf_counter(), 0.0)
        done = trainer.advance(epochs=goal - trainer.epoch, seconds=left, only=budget.only)
        records += done
        if trainer.epoch < goal:  # the time is over
            break
        if done:
            moments += kept(trainer)
    return records


def kept(trainer: Trainer) -> tuple[Kept, ...]:
    """What the timeline keeps of a trainer that stands at the end of an epoch: nothing or one frame.

    Weights go with it where they are few enough; points that are not finite are not kept.
    """
    epoch = trainer.epoch
    if not timeline.is_kept(epoch) or trainer.state == "diverged":
        return ()
    points = _frame(trainer).points
    if not np.isfinite(points).all():
        return ()
    light = not timeline.has_weights(epoch, epoch, trainer.weights_size)
    return (Kept(epoch, points, None if light else trainer.weights()),)


def _play(trainer: Trainer, budget: Budget, moments: list[Kept]) -> tuple[PlayedPhase | None, int, list[EpochRecord]]:
    """Play phases or steps one by one: the last phase if it is to be shown, how many were played, and the records."""
    records: list[EpochRecord] = []

    def passed() -> int:
        position = trainer.position
        return position.step * len(trainer.game.phases) + position.phase - trainer.left_out

    def take(done: list[EpochRecord]) -> None:
        nonlocal records
        records += done
        if done:
            moments.extend(kept(trainer))

    def on(index: int) -> bool:
        """Go on to the next phase that is played, if there is time for one."""
        while trainer.state == "running" and not trainer.plays(budget.only):
            take(trainer.pass_phase(budget.only))
        return trainer.state == "running" and (index == 0 or time.perf_counter() < deadline)

    start, deadline = passed(), time.perf_counter() + budget.seconds
    phase: PlayedPhase | None = None
    for index in range(budget.steps or 0):
        if on(index):
            step = trainer.position.step
            while trainer.state == "running" and trainer.position.step == step:
                take(trainer.pass_phase(budget.only))
    for index in range(budget.phases or 0):
        if on(index):
            if budget.show and index + 1 == budget.phases:
                phase, done = trainer.show_phase(budget.only)
                take(done)
            else:
                take(trainer.pass_phase(budget.only))
    return phase and _drawn(trainer, phase), passed() - start, records


def _drawn(trainer: Trainer, phase: PlayedPhase) -> PlayedPhase:
    """A phase with some of its points, as they are drawn if they have many coordinates."""

    def some(points: NDArray[np.float32]) -> NDArray[np.float32]:
        points = points[:PHASE_POINTS]
        if trainer.target.dim <= FRAME_DIM or not len(points):
            return points
        return np.asarray(trainer.target.canvas.project(points), np.float32)

    return replace(phase, real=some(phase.real), generated=some(phase.generated), moved=some(phase.moved))


def _appraisals(trainer: Trainer) -> tuple[Appraisal, ...]:
    """All generators judged, the one on screen first."""
    shown = trainer.seen
    return tuple(trainer.appraise(which) for which in sorted(trainer.variants, key=lambda which: which != shown))


def _frames(trainer: Trainer, budget: Budget) -> int:
    """How many frames a chunk has time for, by estimate: chunks do not depend on the clock more than they must."""
    return int(FRAMES_SHARE * budget.seconds / (FRAME_POINTS * estimate(trainer.config).point_seconds))


def _done(trainer: Trainer, budget: Budget) -> bool:
    return trainer.state != "running" or (budget.until_epoch is not None and trainer.epoch >= budget.until_epoch)


def _frame(trainer: Trainer) -> Frame:
    points = trainer.sample(FRAME_POINTS, seed=FRAME_SEED, which=trainer.seen)
    outputs = points[:FRAME_OUTPUTS].copy() if trainer.target.numbers else None
    if trainer.target.dim > FRAME_DIM:
        points = np.asarray(trainer.target.canvas.project(points), np.float32)
    return Frame(trainer.epoch, trainer.progress, points, outputs)


def _views(trainer: Trainer, names: Sequence[str]) -> tuple[Views, tuple[str, ...]]:
    """Those of the views that there are, the first at least, and the names of those that there was no time for.

    A picture of what is not finite, as after a divergence, would say nothing. One that fails is left out: no training
    ends because somebody looks.
    """
    found: dict[str, Arrays] = {}
    over = time.perf_counter() + VIEWING_SECONDS
    names = wanted(trainer.config, names)
    for index, name in enumerate(names):
        if index and time.perf_counter() > over:
            return found, names[index:]
        try:
            arrays = trainer.view(name)
        except Exception:
            _log.exception("The view %s could not be computed", name)
            continue
        if all(np.isfinite(array).all() for array in arrays.values()):
            found[name] = arrays
    return found, ()


def _sentence(error: Exception) -> str:
    return of_the_machine(error) or (
        f"Training stopped because of an unexpected error ({type(error).__name__}); "
        "the server's log says more. Everything up to the last checkpoint is kept."
    )


def _leave_if_the_gpu_is_lost() -> None:
    """End this process if CUDA is of no more use to it, as after a fault of the GPU: only a new process has it again.

    Its call is lost with it then, and goes to another worker.
    """
    import torch

    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return
    try:
        torch.cuda.synchronize()
    except RuntimeError as error:
        if not want_of_memory(error):
            _log.error("The GPU is lost to this worker, which ends: %s", error)
            logging.shutdown()
            os._exit(1)


def warm_up() -> tuple[str, ...]:
    """Load everything that training needs, so that a run's first chunk does not wait for it; the devices there are."""
    _load_torch()
    from gandash.core.devices import available_devices

    return available_devices()


@functools.cache
def _load_torch() -> None:
    gc.disable()  # a tenth of the time that torch takes to load would go into looking for garbage
    import torch

    gc.enable()
    gc.freeze()  # modules stay
    torch.set_num_threads(1)  # two runs use two cores better than one run uses two, at these sizes
    from gandash.core.devices import available_devices
    from gandash.core.trainer import Trainer

    for device in available_devices():
        try:
            trainer = Trainer(RunConfig(shape="line", points=128, epochs=2, device=device))
            trainer.advance(epochs=1)
            trainer.evaluate("latest")
            trainer.checkpoint()
        except RuntimeError:
            if device == "cpu":
                raise
            _log.exception("The device %s could not be warmed up", device)  # another process may have its memory


def fork(config_json: str, checkpoint: bytes, changes: Mapping[str, Any]) -> tuple[str, Chunk]:
    """Train on: a child's config, and the chunk that it begins with, in which nothing is trained.

    Raises `ValueError` in words for changes that cannot be made.
    """
    _load_torch()
    from gandash.core.fork import fork as fork_
    from gandash.core.trainer import Trainer

    try:
        child, data = fork_(RunConfig.from_json(config_json), checkpoint, changes)
        return child.to_json(), _train(Trainer.resume(child, data), Budget(0.0, real=True), first=True)
    except RuntimeError:
        _leave_if_the_gpu_is_lost()
        raise


def checkpoint(checkpoint: bytes, records: Sequence[EpochRecord]) -> bytes:
    """A checkpoint to keep: with the records of all epochs, which those between chunks are spared."""
    _load_torch()
    from gandash.core.checkpoint import dump, load

    return dump(load(checkpoint) | {"history": [asdict(record) for record in records]})


def export(
    config_json: str, checkpoint: bytes, which: Variant, format: str = "torchscript", weights: bytes | None = None
) -> bytes:
    """A generator (``latest``, ``ema`` or ``best``) as a file of one of `FORMATS`.

    It is that of where the checkpoint stands, or of where `Trainer.weights` were written, if they are given.
    """
    trainer = _restore(config_json, checkpoint, "cpu")
    if weights is not None:
        trainer.look_back(weights)
    return trainer.export(which, format)


def samples(
    config_json: str, checkpoint: bytes, n: int, which: Variant, seed: int, first: int = 0
) -> NDArray[np.float32]:
    """Some of the `n` points of a generator, from the one with this number on, (at least 1, dim), in data units.

    As many as there is time for: `SAMPLING_SECONDS`, or as long as it took to have the generator.
    """
    start = time.perf_counter()
    trainer = _restore(config_json, checkpoint, "cpu")
    began = time.perf_counter()
    over = began + max(SAMPLING_SECONDS, began - start)
    drawn: list[NDArray[np.float32]] = []
    for piece in trainer.pieces(n, seed, which, first=first):
        drawn.append(piece)
        if time.perf_counter() > over:
            break
    return np.concatenate(drawn)


def views(
    config_json: str, checkpoint: bytes, names: Sequence[str], weights: bytes | None = None
) -> tuple[Views, tuple[str, ...]]:
    """What can be seen inside where a checkpoint stands, or where `Trainer.weights` were written, if they are given.

    With the names of those views that there was no time for: they are to be asked for again.
    """
    trainer = _restore(config_json, checkpoint, "cpu")
    if weights is not None:
        trainer.look_back(weights)
    return _views(trainer, names)


def appraise(file: bytes) -> Appraisal:
    """All metrics of a portable generator, whoever made it; `ValueError` in words if it is none."""
    _load_torch()
    from gandash.core.portable_appraisal import appraise as appraise_

    return appraise_(portable.read(file))


def _restore(config_json: str, checkpoint: bytes | None, device: Device | None = None) -> Trainer:
    """The trainer of a checkpoint; where it is only looked at, on the CPU, whatever its run was trained on."""
    _load_torch()
    from gandash.core.trainer import Trainer

    config = RunConfig.from_json(config_json)
    return Trainer(config) if checkpoint is None else Trainer.resume(config, checkpoint, device=device)


def _take(run_id: str, config_json: str, checkpoint: bytes | None) -> Trainer:
    """The trainer that wrote this checkpoint if it is still here, otherwise one that is restored from it."""
    with _trainers_lock:
        kept = _trainers.pop(run_id, None)
    if kept is not None and checkpoint is not None and kept.digest == _digest(checkpoint):
        return kept.trainer
    return _restore(config_json, checkpoint)


def _keep(run_id: str, checkpoint: bytes, trainer: Trainer) -> None:
    with _trainers_lock:
        _trainers[run_id] = _Cached(_digest(checkpoint), len(checkpoint), trainer)
        older = sum(kept.size for kept in _trainers.values()) - len(checkpoint)
        while len(_trainers) > CACHED_TRAINERS or older > CACHED_BYTES:
            older -= _trainers.popitem(last=False)[1].size


def _digest(checkpoint: bytes) -> bytes:
    """What tells a checkpoint from others: the end of its archive, which lists the check sums of all that is in it."""
    return hashlib.blake2b(checkpoint[-DIGESTED_BYTES:], digest_size=16).digest()
