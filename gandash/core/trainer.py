"""The training itself, usable from a notebook: a config in, epochs on request, a generator out.

The same config and seed give the same bits on the same machine however the epochs are split up: everything that moves
is in the checkpoint, and no random number comes from anywhere but the trainer's own generators. The trainer knows no
run, no page and no chart.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, BinaryIO, Literal, Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gandash.core import views
from gandash.core import weights as past
from gandash.core.best import SMOOTHED, Best
from gandash.core.capture import capture
from gandash.core.checkpoint import DamagedError, State, check_config, dump, load
from gandash.core.config import Device, RunConfig
from gandash.core.devices import in_step, resolve_device
from gandash.core.early_stopping import EarlyStopping
from gandash.core.export import ExportedGenerator, write
from gandash.core.fork import fork
from gandash.core.game import Game, Phase
from gandash.core.judge import JUDGE_VERSION, PAIRS, Pair, uncertainty
from gandash.core.metrics import percent
from gandash.core.networks import FourierFeatures
from gandash.core.records import (
    Appraisal,
    EpochRecord,
    LeftOut,
    Lineage,
    Measured,
    PlayedPhase,
    Player,
    Position,
    Variant,
    Verdict,
)
from gandash.core.rows import find, middle
from gandash.core.verdict import Mixed, Trial
from gandash.core.views import Arrays
from gandash.core.views.gradients import pulls
from gandash.core.views.view import on_a_plane

Status = Literal["running", "finished", "stopped_early", "diverged"]

LIVE_NOISE, APPRAISAL_NOISE, VERDICT_NOISE = 20140610, 20140611, 20140612
"""Seeds of the noise that generators are measured on. That which picks an epoch is not that which judges it then."""
FRESH_POINTS = 4
"""Ends the seeds of real points that are drawn for one epoch; other numbers end those of other draws."""
FRESH_NUMBERS = 10_000
"""Of which none may misfit for early stopping to say that a pattern is learnt."""
PULLED_POINTS = 128
"""Of those that a phase was played on, at so many it is told where the generator's loss pulls them."""
ONE_SPOT = 0.01
"""Points that spread less than this share of the real ones are one spot."""


class Trainer:
    """Trains one GAN incrementally.

    >>> trainer = Trainer(RunConfig(shape="line", points=256))
    >>> [record.epoch for record in trainer.advance(epochs=2)]
    [1, 2]
    >>> trainer.sample(5, seed=7).shape
    (5, 2)
    """

    def __init__(self, config: RunConfig, lineage: Lineage | None = None, *, device: Device | None = None) -> None:
        """Draw the real points and build the networks; raises `ValueError` for hardware that is not there.

        `lineage` is what a child takes over from its parent; see `gandash.core.fork`. `device` is where to work if that
        is not where the config says.
        """
        self.config = config
        self.lineage = lineage or Lineage(config.seed)
        self.target = config.target.build()
        self.device = resolve_device(device or config.device)
        self.position = Position(0, 0)
        self.batches = self.first_epoch * config.batches_per_epoch
        self.state: Status = "running"
        self.message = ""
        self.history: list[EpochRecord] = []

        self._real = self.target.sample(config.points, np.random.default_rng(self.lineage.data_seed))
        real = self._learnt(self._real)  # sums are of the same bits on every device because all are made on the CPU
        mean = real.mean(dim=0) if config.standardize else torch.zeros_like(real[0])
        std = real.std(dim=0) if config.standardize else torch.ones_like(real[0])
        std[std == 0] = 1.0  # a coordinate that is the same everywhere stays as it is
        data = (real - mean) / std
        self._mean, self._std, self._data = mean.to(self.device), std.to(self.device), data.to(self.device)
        self._shuffled: Tensor | None = None

        self.game = Game(config, self.device, data.std(dim=0).to(self.device))
        self._turns = group(self.game.phases)
        self._captured: dict[int, Callable[[], None]] = {}
        self._generator_turns = 0
        self._left_out = LeftOut()
        self._healthy = {name: weights.clone() for name, weights in self._moving().items()}
        self._modules: dict[Variant, ExportedGenerator] = {}
        self._gaps: dict[Variant, list[Pair]] = {}
        self._reports: dict[Variant, dict[str, float]] = {}
        self._trials: dict[str, Trial] = {}
        self._mixed: dict[str, Mixed] = {}
        self._verdicts: dict[Variant, Verdict] = {}
        self._best = Best(1 if self._metric(config.best_by) != "headline" else SMOOTHED)
        self._best_weights: Tensor | None = None
        self._stopping = EarlyStopping(
            config.patience,
            config.min_change if config.early_stopping == "threshold" else None,
            start=self.first_epoch,
            anchor_epoch=self.first_epoch,
        )

    @property
    def first_epoch(self) -> int:
        """The epoch at which the run began: 0, or where its parent stood."""
        return self.lineage.first_epoch

    @property
    def epoch(self) -> int:
        """Whole epochs done, a parent's included."""
        return self.batches // self.config.batches_per_epoch

    @property
    def last_epoch(self) -> int:
        """The epoch after which the run is finished."""
        return self.first_epoch + self.config.epochs

    @property
    def progress(self) -> float:
        """Share of the run's own planned batches done, 0 to 1."""
        return self._progress_at(self.batches)

    @property
    def networks(self) -> tuple[nn.Sequential, nn.Sequential]:
        """The generator and the discriminator being trained."""
        return self.game.generator, self.game.discriminator

    @property
    def best_epoch(self) -> int | None:
        """The epoch that left the generator which `best` stands for; None before the first measurement."""
        return None if self._best_weights is None else self._epoch_of(self._resolved("best"))

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The generators that can be sampled and exported now.

        ``best`` is the one of the epoch with the best figure (see `Best`), or one that is here now if that is better on
        8,000 points. By the textbook's error it is simply the epoch with the lowest.
        """
        return (*self._healthy, "best") if self._best_weights is not None else tuple(self._healthy)

    @property
    def shown(self) -> Variant:
        """The generator that is shown and judged: the running average if there is one."""
        return "latest" if self.game.ema is None else "ema"

    @property
    def seen(self) -> Variant:
        """The generator whose points are in the picture; a run that has diverged keeps its last healthy one."""
        return "latest" if self.state == "diverged" else self.shown

    @property
    def left_out(self) -> int:
        """How many phases were left out because one network alone was to play: with 0, config and seed say it all."""
        return self._left_out.phases

    def advance(
        self,
        epochs: int | None = None,
        seconds: float | None = None,
        *,
        steps: int | None = None,
        only: Player | None = None,
    ) -> list[EpochRecord]:
        """Train for so many more epochs or steps, or until so many seconds have passed, and return a record an epoch.

        With `seconds` the trainer may stop in the middle of an epoch; the next call goes on there, and an epoch or step
        begun counts as the first of its `epochs` or `steps`. Training ends by itself once `state` is not "running" any
        more. With `only` one network alone plays: the other's phases are left out, their batches go by.

        >>> trainer = Trainer(RunConfig(shape="line", points=256))
        >>> trainer.advance(steps=1, only="discriminator")
        []
        >>> trainer.position.step, trainer.left_out
        (1, 1)
        """
        if epochs is None and seconds is None and steps is None:
            raise ValueError("Say how far to train: advance(epochs=25), advance(steps=1), or advance(seconds=0.5).")
        for name, count in (("epochs", epochs), ("steps", steps)):
            if count is not None and count < 0:
                raise ValueError(f"{name} is {count}; it must be 0 or more.")
        keep = in_step(self.device) if seconds is not None else None
        deadline = math.inf if seconds is None else time.perf_counter() + seconds
        goal = math.inf if epochs is None else self.epoch + epochs
        records: list[EpochRecord] = []
        if steps:
            records += self._pass_over(only)  # what is left of a step has something to play
        last = math.inf if steps is None else self.position.step + steps
        by_turns = steps is None and only is None
        while (
            self.state == "running"
            and self.epoch < goal
            and self.position.step < last
            and time.perf_counter() < deadline
        ):
            if by_turns:
                records += self._play_turn()
            else:
                records += self.pass_phase(only)
            if keep is not None:
                keep()
        return records

    def play_phase(self, only: Player | None = None) -> list[EpochRecord]:
        """Play the next phase alone, with `only` this network's next one, and return the record of an epoch it ended.

        A checkpoint may fall between two phases; `advance` begins with what is left of the step.
        """
        records = self._pass_over(only)
        return records + self._play() if self.state == "running" else records

    def plays(self, only: Player | None) -> bool:
        """Whether the next phase is one of this network; always with None."""
        return only is None or self.game.phases[self.position.phase].network == only

    def pass_phase(self, only: Player | None = None) -> list[EpochRecord]:
        """Play the next phase, or leave it out if it is not one of this network; the record of an epoch it ended."""
        if self.state != "running":
            return []
        return self._play() if self.plays(only) else self._leave_out()

    def show_phase(self, only: Player | None = None) -> tuple[PlayedPhase | None, list[EpochRecord]]:
        """`play_phase`, and what that did; None if there was nothing to play.

        Whether it is looked at changes nothing: the losses are of updates that are taken back.
        """
        records = self._pass_over(only)
        if self.state != "running":
            return None, records
        game, step = self.game, self.position.step + 1
        phase = game.phases[self.position.phase]
        if phase.draws:
            self._deal()
        rng = game.rng.get_state()
        before = game.loss(phase, rng)
        real, generated = game.batch.clone(), game.drawn_points(rng)
        records += self._play()
        # what the phase was played on is still there, but for the generator's points
        after = game.loss(phase, rng)
        moved = game.drawn_points(rng)
        none = real[:0]
        points = self._in_units(moved if phase.loss == "generator" else generated if phase.loss != "on_real" else none)
        if not len(points):
            points = self.sample(PULLED_POINTS, 0, self.seen)
        played = PlayedPhase(
            step,
            phase.name,
            phase.network,
            phase.loss,
            next=game.phases[self._next(only)].name,
            before=before,
            after=after,
            real=self._in_units(real if phase.loss in ("on_real", "discriminator") else none),
            generated=self._in_units(generated if phase.loss != "on_real" else none),
            moved=self._in_units(moved if phase.loss == "generator" else none),
            wanted=pulls(self, points[:PULLED_POINTS]) if on_a_plane(self.config) else np.empty((0, 2, 2), np.float32),
        )
        return played, records

    def sample(self, n: int, seed: int, which: Variant = "latest") -> NDArray[np.float32]:
        """Points ``(n, dim)`` in data units from noise that the seed alone decides."""
        if n < 1:
            raise ValueError(f"n is {n}; it must be at least 1.")
        return self._points(n, seed, self._resolved(which))

    def pieces(
        self, n: int, seed: int, which: Variant = "latest", *, first: int = 0, rows: int = 512
    ) -> Iterator[NDArray[np.float32]]:
        """The points of `sample` with the same bits, from the one with number `first` on, where a piece began.

        The last piece may be longer: of a few rows, products are rounded otherwise.
        """
        noise = self._noise(n, seed)[first:]
        for part in noise.tensor_split(tuple(range(rows, len(noise) - rows + 1, rows))):
            yield self._generated(part, self._resolved(which))

    def generated(self, noise: NDArray[np.float32]) -> NDArray[np.float32]:
        """Where the generator in the picture carries noise ``(n, latent_dim)`` from N(0, 1): ``(n, dim)``, data units.

        A uniform latent distribution is reached through that: √2 · erfinv(u), infinities included, is carried as u.
        """
        return self._generated(torch.from_numpy(noise), self.seen)

    def real_points(self, n: int) -> NDArray[np.float32]:
        """The first `n` real points that the run trains on, or all if there are fewer, ``(n, dim)`` in data units.

        Of a run that draws other ones for every epoch, as many of the same distribution.
        """
        return self._real[:n].copy()

    def view(self, name: str) -> Arrays:
        """The arrays of one of `gandash.core.views.VIEWS` as they are now; this changes nothing.

        >>> trainer = Trainer(RunConfig(shape="ring8", points=256))
        >>> trainer.view("discriminator")["surface"].shape
        (64, 64)
        """
        return views.compute(self, name)

    @contextmanager
    def judging(self) -> Iterator[Callable[[Tensor], Tensor]]:
        """The discriminator as it judges, for as long as the context lasts: points ``(n, dim)`` to logits ``(n, 1)``.

        Points are in data units, and a point stands for a whole pack of itself. There is no dropout and no instance
        noise, and octaves are open as far as they are at this moment. Gradients with respect to the points can be had.
        Where a logarithm is learnt, what is not above 0 counts as next to it.
        """
        game, octaves = self.game, self.lineage.octaves
        first = game.discriminator[0]
        gates = first.gates if isinstance(first, FourierFeatures) else torch.empty(0)
        before = gates.clone()
        if len(gates) and self.config.fourier_growth:
            gates.copy_(game.gates(octaves + (1 - octaves) * max(self.progress, 0.0)))

        def judge(points: Tensor) -> Tensor:
            scaled = (self._learnt_of(points) - self._mean) / self._std
            logits: Tensor = game.discriminator(scaled.repeat(1, self.config.packing))
            return logits

        game.discriminator.eval()
        try:
            yield judge
        finally:
            game.discriminator.train()
            gates.copy_(before)

    def appraise(self, which: Variant | None = None) -> Appraisal:
        """Measure a generator, by default the one that is shown; this changes nothing.

        Once the run has ended, that in the picture has a `verdict`, if that was asked for or `measure` has got so far.
        """
        which = which or self.shown
        variant = self._resolved(which)
        pairs, judge = self._paired(variant), self.target.judge()
        epoch = self._epoch_of(variant)
        here = epoch == self.epoch and variant != "best"
        return Appraisal(
            which=which,
            epoch=epoch,
            progress=max(0.0, self.progress if here else (epoch - self.first_epoch) / self.config.epochs),
            metrics=self._full(variant) | judge.gap(pairs),
            uncertainty=uncertainty(pairs, judge.overlap),
            verdict=self._verdicts.get(variant, ""),
        )

    def verdict(self, which: Variant | None = None) -> Verdict:
        """Whether anybody could tell a generator's points from real ones: see `gandash.core.verdict`.

        This changes nothing, and takes seconds where many points are needed.
        """
        variant = self._resolved(which or self.shown)
        for _ in self._deliberation(variant):
            pass
        return self._verdicts[variant]

    def measure(self, seconds: float, known: Measured | None = None) -> Measured | None:
        """Measure for about so many seconds what the appraisals of all variants need; None once all of it is there.

        Otherwise what there is by then, for any trainer that stands here to go on from as `known`. At least one sample
        is measured, so it comes to an end.
        """
        deadline = time.perf_counter() + seconds
        if known is not None:
            variants = self._known()
            self._gaps = {which: list(known.gaps[which]) for which in variants if which in known.gaps}
            self._reports = {which: dict(known.reports[which]) for which in variants if which in known.reports}
            self._trials |= {name: list(trial) for name, trial in known.trials.items()}
        for _ in self._measurements():
            if time.perf_counter() >= deadline:
                return Measured(
                    {str(which): tuple(figures) for which, figures in self._gaps.items()},
                    {str(which): dict(report) for which, report in self._reports.items()},
                    {name: tuple(trial) for name, trial in self._trials.items()},
                )
        return None

    def evaluate(self, which: Variant | None = None) -> dict[str, float]:
        """The metrics of `appraise`."""
        return dict(self.appraise(which).metrics)

    def fork(self, **changes: Any) -> Trainer:
        """*Train on*: a new trainer that begins where this one stands, with other knobs; see `gandash.core.fork`.

        >>> trainer = Trainer(RunConfig(shape="line", points=256, epochs=2))
        >>> trainer.advance(epochs=2)[-1].epoch
        2
        >>> trainer.fork(epochs=3, generator_lr=1e-4).advance(epochs=3)[-1].epoch
        5
        """
        config, data = fork(self.config, self.checkpoint(), changes)
        return Trainer.resume(config, data)

    def export_torchscript(self, target: str | os.PathLike[str] | BinaryIO, which: Variant | None = None) -> None:
        """Write a generator as TorchScript, noise ``(n, latent_dim)`` in and float32 points ``(n, dim)`` out, on CPU.

        `which` is one of `variants`, the one that is shown by default. The file says how good it is: see `appraise`.
        """
        data = self.export(which)
        if isinstance(target, str | os.PathLike):
            with open(target, "wb") as file:
                file.write(data)
        else:
            target.write(data)

    def export(self, which: Variant | None = None, format: str = "torchscript") -> bytes:
        """A generator as a file of one of `gandash.core.formats.FORMATS`; `which` as for `export_torchscript`."""
        which = which or self.shown
        return write(self._exported(self._resolved(which)), self.config, self.appraise(which), format)

    def weights(self) -> bytes:
        """Both networks as they are now, without what training on would take; see `look_back`."""
        return past.dump(self)

    @property
    def weights_size(self) -> int:
        """About how many bytes `weights` gives."""
        return past.size(self)

    def look_back(self, data: bytes) -> None:
        """Make both networks what they were when `weights` gave these bytes, to be looked at and exported.

        Nothing is trained on from there: the training counts as finished. `best` is still the best that is known now.
        """
        past.put(self, data)

    def rewound(self, epoch: int) -> None:
        """The networks are again what they were after this epoch."""
        self.batches, self.position = epoch * self.config.batches_per_epoch, Position(0, 0)
        self.state, self.message = "finished", ""
        for which, moving in self._moving().items():
            self._healthy[which].copy_(moving)
        for adam in (self.game.generator_adam, self.game.discriminator_adam):
            adam.steps.zero_()  # its moments are not of these weights
        self._forget()

    def checkpoint(self, history: bool = True) -> bytes:
        """All that `resume` needs to go on bit for bit; `history` False leaves the records out."""
        return dump(self.state_dict(history))

    def state_dict(self, history: bool = True) -> State:
        """What a checkpoint holds, by the names that `gandash.core.checkpoint` explains; tensors are the live ones."""
        return {
            "config": self.config.model_dump(mode="json"),
            "device": self.device.type,
            "lineage": asdict(self.lineage),
            "step": self.position.step,
            "phase": self.position.phase,
            "batches": self.batches,
            "generator_turns": self._generator_turns,
            "state": self.state,
            "message": self.message,
            "stopping": asdict(self._stopping),
            "left_out": asdict(self._left_out),
            "rng": self.game.rng.get_state(),
            "tensors": self.game.tensors(),
            "healthy": self._healthy,
            "best": asdict(self._best),
            "best_weights": self._best_weights,
            "judge": JUDGE_VERSION,
            "history": [asdict(record) for record in self.history] if history else [],
        }

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles go through config and checkpoint: weights are views of one flat tensor."""
        rows_hash = self.config.target.rows_hash
        rows = None if rows_hash is None else np.asarray(find(rows_hash))
        return type(self).resume, (self.config, self.checkpoint(), rows)

    @classmethod
    def resume(cls, config: RunConfig, data: bytes, rows: Any = None, *, device: Device | None = None) -> Self:
        """The trainer that wrote this checkpoint, of this or a past version, with this config.

        The device alone may differ: on another kind of device the random numbers begin anew, so the run goes on from
        the same weights, but not with the same bits. Where the target is a table that this process does not know yet,
        `rows` are all its points, as `Target.from_points` was given them. Whoever only looks, draws and exports may do
        so on a `device` of their own. Raises `ValueError` if the bytes are no checkpoint or belong to another config,
        or if the rows are others, or missing.
        """
        state = load(data)
        check_config(state, config)
        if rows is not None:
            config.target.take_rows(rows)
        try:
            lineage = Lineage(**state["lineage"])
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedError from error
        trainer = cls(config, lineage, device=device)
        try:
            trainer._restore(state)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise DamagedError from error
        return trainer

    def _restore(self, state: State) -> None:
        self.position, self.batches = Position(state["step"], state["phase"]), state["batches"]
        self._generator_turns = state["generator_turns"]
        self.state, self.message = state["state"], state["message"]
        counts = (self.position.step, self.position.phase, self.batches, self._generator_turns)
        if not all(isinstance(count, int) and count >= 0 for count in counts) or self.state not in get_args(Status):
            raise ValueError(f"{self.state!r} at {counts}")
        if not 0.0 <= self.progress <= 1.0:
            raise ValueError(f"{self.batches} batches are not this run's")
        self.history = [EpochRecord(**record) for record in state["history"]]
        if not isinstance(state["judge"], int) or state["judge"] < 1:
            raise ValueError(f"{state['judge']!r} is no version of the judge")
        same_judge = state["judge"] == JUDGE_VERSION
        if same_judge or self._metric(self.config.monitor) != "headline":
            self._stopping = EarlyStopping(**state["stopping"])
        else:  # figures of another judge are nothing to wait for
            self._stopping.start = self._stopping.anchor_epoch = self._stopping.epoch = self.epoch
        self._left_out = LeftOut(**state["left_out"])
        for name, tensor in self.game.tensors().items():
            _fill(tensor, state["tensors"][name])
        for which, healthy in self._healthy.items():
            _fill(healthy, state["healthy"][which])
        self._best = Best(**{"smoothing": self._best.smoothing, **state["best"]})
        if state["best_weights"] is not None:
            self._best_weights = torch.empty_like(self._healthy["latest"])
            _fill(self._best_weights, state["best_weights"])
            headline = self._metric(self.config.best_by) == "headline"
            if self._best.figure is None or (headline and not same_judge):
                self._best.recent = []
                self._best.figure = self._live("best")["headline"]
        if state["device"] == self.device.type:
            self.game.rng.set_state(state["rng"])
        else:
            self.game.rng.manual_seed(_seed(self.config.seed, self.batches, 2))
        if not self.game.phases[self.position.phase].draws:
            self._deal()
        elif self.progress:  # as they were at the last batch, which is what may be looked at
            self._schedule(self.batches - 1, max(self.position.step - (self.position.phase == 0), 0))

    def _next(self, only: Player | None) -> int:
        """The place of the next phase that is played."""
        place: int = self.position.phase
        while only is not None and self.game.phases[place].network != only:
            place = (place + 1) % len(self.game.phases)
        return place

    def _pass_over(self, only: Player | None) -> list[EpochRecord]:
        """Leave out all phases up to the next of this network."""
        records: list[EpochRecord] = []
        while self.state == "running" and not self.plays(only):
            records += self._leave_out()
        return records

    def _play(self) -> list[EpochRecord]:
        phase = self.game.phases[self.position.phase]
        if phase.draws:
            self._deal()
        phase.play()
        return self._passed(1)

    def _leave_out(self) -> list[EpochRecord]:
        """Go on without the next phase; its batch is dealt, for the phases after it."""
        phase = self.game.phases[self.position.phase]
        if phase.draws:
            self._deal()
        self._left_out.count(phase.loss)
        return self._passed(1, generator=False)

    def _in_units(self, points: Tensor) -> NDArray[np.float32]:
        """A batch's points in the target's own units."""
        shown: NDArray[np.float32] = (points * self._std + self._mean).cpu().numpy()
        return shown if self.target.output is None else self.target.output.in_units(shown).astype(np.float32)

    def _learnt(self, points: NDArray[np.float32]) -> Tensor:
        """Real points in the numbers that the networks learn, but for their mean and spread."""
        output = self.target.output
        numbers = points if output is None else output.learnt(points).astype(np.float32)
        return torch.from_numpy(numbers)

    def _learnt_of(self, points: Tensor) -> Tensor:
        """`_learnt` of any points ``(n, dim)``, such as a plane's, with gradients through it."""
        output = self.target.output
        if output is None:
            return points.to(self.device)
        columns = list(points.double().unbind(dim=1))  # a float32's digits are needed where a column lies far from 0
        limits = torch.finfo(torch.float32)
        for axis in output.exponential:
            columns[axis] = columns[axis].clamp(limits.tiny, limits.max).log()
        scaled = [
            (column - shift) / scale for column, shift, scale in zip(columns, output.shift, output.scale, strict=True)
        ]
        return torch.stack(scaled, dim=1).float().to(self.device)

    def _deal(self) -> None:
        """Lay out the next real batch, and set what depends on the time."""
        config, game = self.config, self.game
        start = self.batches % config.batches_per_epoch * config.batch_size
        if self._shuffled is None:
            self._shuffled = self._points_of_epoch()
        game.batch.copy_(self._shuffled[start : start + config.batch_size])
        self._schedule(self.batches, self.position.step)

    def _schedule(self, batch: int, step: int) -> None:
        """Set what depends on the time, as it is at this batch of this step."""
        progress, octaves, held = self._progress_at(batch), self.lineage.octaves, self.lineage.held
        growth = octaves + (1 - octaves) * progress
        self.game.apply_schedules(progress if held is None else held, step, growth)

    def _progress_at(self, batch: int) -> float:
        return (batch - self.first_epoch * self.config.batches_per_epoch) / self.config.total_batches

    def _points_of_epoch(self) -> Tensor:
        """The real points of the epoch in the order in which they are shown, ``(points, dim)`` as they are trained on.

        Seed and epoch alone decide them, so a run that goes on anywhere sees the same.
        """
        if not self.config.fresh:
            return self._data[epoch_permutation(self.config, self.epoch).to(self.device)]
        rng = np.random.default_rng((self.lineage.data_seed, self.epoch, FRESH_POINTS))
        drawn = self._learnt(self.target.sample(self.config.points, rng)).to(self.device)
        return (drawn - self._mean) / self._std

    def _play_turn(self) -> list[EpochRecord]:
        """Play all phases up to the next batch, as one CUDA graph where there is a GPU."""
        turn = self._turns.get(self.position.phase)
        if turn is None:  # phases were played by hand
            return self._play()
        self._deal()
        play = self._captured.get(self.position.phase)
        if play is None:
            play = self._captured[self.position.phase] = self._capture(turn)
        play()
        return self._passed(len(turn))

    def _capture(self, turn: tuple[Phase, ...]) -> Callable[[], None]:
        """The turn as one call; turns that do the same share it."""
        for place, play in self._captured.items():
            if [phase.play for phase in self._turns[place]] == [phase.play for phase in turn]:
                return play
        plays = [phase.play for phase in turn]

        def play_all() -> None:
            for play in plays:
                play()

        return capture(play_all, list(self.game.tensors().values()), self.game.rng)

    def _passed(self, count: int, *, generator: bool = True) -> list[EpochRecord]:
        """Move on by so many phases; a record if that completed an epoch. `generator` False: its turn was left out."""
        self._forget()
        phases, step = self.game.phases, self.position.step
        end = self.position.phase + count
        if end == len(phases):  # the generator's turn is the last of a step
            self._generator_turns += generator
            step, end = step + 1, 0
        self.position = Position(step, end)
        if not phases[end].draws:
            return []
        self.batches += 1
        return [] if self.batches % self.config.batches_per_epoch else self._finish_epoch()

    def _finish_epoch(self) -> list[EpochRecord]:
        self._shuffled = None
        record = self._measure()
        if record is None:
            self.state = "diverged"
            self.message = (
                f"The run diverged in epoch {self.epoch:,}: a number is not finite. The generator of epoch "
                f"{self.epoch - 1:,} is kept. Start a new run with smaller learning rates."
            )
            return []
        for which, weights in self._moving().items():
            self._healthy[which].copy_(weights)
        self.history.append(record)
        judged = self._metric(self.config.best_by)
        if judged in record.metrics and self._best.update(record.metrics[judged], record.epoch):
            self._best_weights = self._known()[self.shown if judged == "headline" else "latest"].clone()
        if self._stops(record):
            self.state, self.message = "stopped_early", self._why_stopped()
        elif self.epoch >= self.last_epoch:
            further = " further" if self.first_epoch else ""
            one = self.config.epochs == 1
            done = f"The one{further} epoch is" if one else f"All {self.config.epochs:,}{further} epochs are"
            self.state, self.message = "finished", f"{done} done."
        if self.state != "running":
            self.message += self._failing()
        return [record]

    def _stops(self, record: EpochRecord) -> bool:
        """Whether the rule of early stopping says to stop after this epoch."""
        watched = record.metrics.get(self._metric(self.config.monitor))
        waited = watched is not None and self._stopping.update(watched, record.epoch)
        match self.config.early_stopping:
            case "off":
                return False
            case "fit":
                return record.metrics.get("fit") == 1.0 and self._fresh_ones_fit()
            case _:
                return waited

    def _fresh_ones_fit(self) -> bool:
        """Whether none of 10,000 numbers misfits, from noise that no other epoch has seen."""
        points = self._points(FRESH_NUMBERS, _seed(self.config.seed, self.epoch, 3), self.shown)
        return self.target.own_metrics(points)["fit"] == 1.0

    def _measure(self) -> EpochRecord | None:
        """The epoch just trained in figures, or None if it diverged."""
        config, game = self.config, self.game
        batches, generator_turns = config.batches_per_epoch, self._generator_turns
        self._generator_turns = 0
        left_out = self._left_out
        on_real, on_fake = batches - left_out.on_real, batches - left_out.on_fake
        left_out.on_real = left_out.on_fake = 0
        sums = game.sums.tolist()
        game.sums.zero_()
        weights = (game.generator_weights.detach(), game.discriminator_weights.detach())
        if not all(map(math.isfinite, sums)) or not all(bool(torch.isfinite(w).all()) for w in weights):
            return None
        metrics: dict[str, float] = {}
        if generator_turns:
            metrics |= self.target.batch_metrics(self._in_units(game.fake_batch))
        if self.epoch % config.evaluate_every == 0 or self.epoch == self.last_epoch:
            metrics |= self._live(self.shown)
        generator_loss, discriminator_loss, d_real, d_fake = sums
        return EpochRecord(
            epoch=self.epoch,
            generator_loss=generator_loss / generator_turns if generator_turns else math.nan,
            discriminator_loss=discriminator_loss / on_fake if on_fake else math.nan,
            d_real=d_real / on_real if on_real else math.nan,
            d_fake=d_fake / on_fake if on_fake else math.nan,
            metrics=metrics,
        )

    def _metric(self, by: Literal["textbook", "headline"]) -> str:
        """The metric that a knob means: the textbook's where the target has one, otherwise the headline."""
        return (self.target.textbook_metric if by == "textbook" else None) or "headline"

    def _failing(self) -> str:
        """A sentence if all points of the generator that is shown lie in one spot, or none where real ones are."""
        points = self._points(self.target.judge().n, LIVE_NOISE, self.shown)
        if (points.std(axis=0) < ONE_SPOT * self._usual_spread()).all():
            return (
                f" The generator has collapsed: all its points lie in one spot, near {self.target.place(points[0])}. "
                "Start a new run with smaller learning rates, or with another objective."
            )
        if self.target.judge().live(points).get("coverage") == 0.0:
            return (
                " None of its points lies where real ones do: train on, or start a new run with smaller learning rates."
            )
        return ""

    def _usual_spread(self) -> float:
        """How far real points lie apart, in the wider column; few far ones of a table do not count."""
        spread = float(self._real.std(axis=0).max())
        if not self.target.finite:
            return spread
        low, high = middle(self._real)
        return min(spread, float((high - low).max()))

    def _why_stopped(self) -> str:
        stopping = self._stopping
        if self.config.early_stopping == "fit":
            return f"Stopped early at epoch {self.epoch:,}: none of {FRESH_NUMBERS:,} fresh numbers misfits."
        gap = self._metric(self.config.monitor) == "headline"
        metric = "gap to real" if gap else "squared error"
        if stopping.min_change is None:
            best = percent(stopping.best) if gap else f"{stopping.best:.3g}"
            return (
                f"Stopped early at epoch {self.epoch:,}: the {metric} has not improved for {stopping.patience:,} "
                f"epochs. The best was {best} at epoch {stopping.best_epoch:,}."
            )
        change = f"{100 * stopping.min_change:g} %" if gap else f"{stopping.min_change:g}"
        return (
            f"Stopped early at epoch {self.epoch:,}: the {metric} has changed by less than {change} for "
            f"{stopping.patience:,} epochs."
        )

    def _moving(self) -> dict[Variant, Tensor]:
        """The generators that each step changes."""
        average: dict[Variant, Tensor] = {} if self.game.ema is None else {"ema": self.game.ema}
        return {"latest": self.game.generator_weights.detach(), **average}

    def _known(self) -> dict[Variant, Tensor]:
        """The weights of every generator there is; a run that has diverged has only what was healthy."""
        best: dict[Variant, Tensor] = {} if self._best_weights is None else {"best": self._best_weights}
        return (self._healthy if self.state == "diverged" else self._moving()) | best

    def _resolved(self, which: Variant) -> Variant:
        """The generator that a name stands for: that of the best epoch is not the best if one that is here is better.

        By the textbook's error the best is what the chapter says, however it looks.
        """
        known = self._known()
        if which not in known:
            raise ValueError(f"There is no {which!r} generator yet: choose one of {', '.join(known)}.")
        if which != "best" or self._metric(self.config.best_by) != "headline":
            return which
        return min(("best", *self._healthy), key=self._gap)

    def _epoch_of(self, variant: Variant) -> int:
        if variant == "best":
            assert self._best.epoch is not None
            return self._best.epoch
        return self.epoch - (self.state == "diverged")

    def _exported(self, variant: Variant) -> ExportedGenerator:
        if variant not in self._modules:
            self._modules[variant] = ExportedGenerator(self.config, self._mean, self._std, self.target.output)
        self._modules[variant].load(self._known()[variant])
        return self._modules[variant]

    def _points(self, n: int, seed: int, variant: Variant) -> NDArray[np.float32]:
        return self._generated(self._noise(n, seed), variant)

    def _noise(self, n: int, seed: int) -> Tensor:
        rng = torch.Generator().manual_seed(seed)
        return torch.randn(n, self.config.latent_dim, generator=rng, dtype=torch.float32)

    def _generated(self, noise: Tensor, variant: Variant) -> NDArray[np.float32]:
        with torch.no_grad():
            points: NDArray[np.float32] = self._exported(variant)(noise).numpy()
        return points

    def _live(self, variant: Variant) -> dict[str, float]:
        """The live metrics, on the same noise in every epoch, so that epochs can be compared."""
        judge = self.target.judge()
        measured = judge.live(self._points(judge.n, LIVE_NOISE, variant))
        return {name: float(value) for name, value in measured.items()}

    def _forget(self) -> None:
        """What was measured is of generators that are no more."""
        for measured in (self._gaps, self._reports, self._trials, self._mixed, self._verdicts):
            measured.clear()

    def _full(self, variant: Variant) -> dict[str, float]:
        """Every metric of a generator, measured once for as long as it stays as it is."""
        if variant not in self._reports:
            judge = self.target.judge()
            points = self._points(judge.n, APPRAISAL_NOISE, variant)
            metrics = judge.full(points)
            if self.target.finite:
                metrics["copying"] = judge.copying(points)
            self._reports[variant] = {name: float(value) for name, value in metrics.items()}
        return self._reports[variant]

    def _gap(self, variant: Variant) -> float:
        """The headline of a generator, of 8 samples."""
        return self.target.judge().gap(self._paired(variant))["headline"]

    def _paired(self, variant: Variant) -> list[Pair]:
        """A generator's samples held against real ones."""
        for _ in self._samples_measured(variant):
            pass
        return self._gaps[variant]

    def _samples_measured(self, variant: Variant) -> Iterator[None]:
        """Hold a generator's samples that are still to come against real ones, one at a time."""
        pairs = self._gaps.setdefault(variant, [])
        judge = self.target.judge()
        while len(pairs) < PAIRS:
            start = len(pairs) * judge.n
            noise = self._noise(PAIRS * judge.n, APPRAISAL_NOISE)[start : start + judge.n]
            pairs.append(judge.pair(self._generated(noise, variant), len(pairs)))
            yield

    def _deliberation(self, variant: Variant) -> Iterator[None]:
        """Come to a verdict on a generator, a moment's work at a time."""
        if variant not in self._verdicts:
            test = self.target.judge().test
            self._verdicts[variant] = yield from test.deliberate(
                lambda n: self._points(n, VERDICT_NOISE, variant), self._trials, variant, self._mixed
            )

    def _measurements(self) -> Iterator[None]:
        """Measure what the appraisals of all variants need, a sample or a report at a time, if it is not there."""
        for variant in self._known():
            yield from self._samples_measured(variant)
        for which in self.variants:
            variant = self._resolved(which)
            if variant not in self._reports:
                self._full(variant)
                yield
        if self.state != "running":
            yield from self._deliberation(self.seen)


def epoch_permutation(config: RunConfig, epoch: int) -> Tensor:
    """The order in which an epoch visits the real points, ``(points,)``, decided by seed and epoch alone."""
    return torch.randperm(config.points, generator=torch.Generator().manual_seed(_seed(config.seed, epoch)))


def group(phases: Sequence[Phase]) -> dict[int, tuple[Phase, ...]]:
    """The phases between two draws of a batch, by the place of the first; they are played as one where they can be."""
    starts = [place for place, phase in enumerate(phases) if phase.draws]
    return {start: tuple(phases[start:end]) for start, end in zip(starts, [*starts[1:], len(phases)], strict=True)}


def _seed(*numbers: int) -> int:
    """One seed from several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])


@torch.no_grad()
def _fill(tensor: Tensor, values: Tensor) -> None:
    """Copy values of the same shape; `copy_` alone would stretch a single one over all."""
    if values.shape != tensor.shape:
        raise ValueError(f"{tuple(values.shape)} instead of {tuple(tensor.shape)}")
    tensor.copy_(values)
