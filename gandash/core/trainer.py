"""The training itself, usable from a notebook: a config in, epochs on request, a generator out.

The same config and seed give the same bits on the same machine however the epochs are split up: everything that moves
is in the checkpoint, and no random number comes from anywhere but the trainer's own generators. The trainer knows no
run, no page and no chart.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import BinaryIO, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gandash.core.capture import capture
from gandash.core.checkpoint import DamagedError, State, config_of, different_knobs, dump, load
from gandash.core.config import RunConfig
from gandash.core.devices import resolve_device
from gandash.core.early_stopping import EarlyStopping
from gandash.core.export import ExportedGenerator, export_torchscript
from gandash.core.game import Game, Phase
from gandash.core.records import EpochRecord, Position

Status = Literal["running", "finished", "stopped_early", "diverged"]
Variant = Literal["latest", "ema", "best"]


class Trainer:
    """Trains one GAN incrementally.

    >>> trainer = Trainer(RunConfig(shape="line", points=256))
    >>> [record.epoch for record in trainer.advance(epochs=2)]
    [1, 2]
    >>> trainer.sample(5, seed=7).shape
    (5, 2)
    """

    def __init__(self, config: RunConfig) -> None:
        """Draw the real points and build the networks; raises `ValueError` for hardware that is not there."""
        self.config = config
        self.target = config.target.build()
        self.device = resolve_device(config.device)
        self.position = Position(0, 0)
        self.batches = 0
        self.state: Status = "running"
        self.message = ""
        self.history: list[EpochRecord] = []

        points = self.target.sample(config.points, np.random.default_rng(config.seed))
        real = torch.from_numpy(points).to(self.device)
        self._mean = real.mean(dim=0) if config.standardize else torch.zeros_like(real[0])
        self._std = real.std(dim=0) if config.standardize else torch.ones_like(real[0])
        self._data = (real - self._mean) / self._std
        self._shuffled: Tensor | None = None

        self.game = Game(config, self.device, self._data.std(dim=0))
        self._turns = group(self.game.phases)
        self._captured: dict[tuple[str, ...], Callable[[], None]] = {}
        self._generator_turns = 0
        self._healthy = {name: weights.clone() for name, weights in self._moving().items()}
        self._best: Tensor | None = None
        self._stopping = EarlyStopping(
            config.patience, config.min_change if config.early_stopping == "threshold" else None
        )

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self.batches // self.config.batches_per_epoch

    @property
    def progress(self) -> float:
        """Share of the planned batches done, 0 to 1."""
        return self.batches / self.config.total_batches

    @property
    def networks(self) -> tuple[nn.Sequential, nn.Sequential]:
        """The generator and the discriminator being trained."""
        return self.game.generator, self.game.discriminator

    @property
    def best_epoch(self) -> int | None:
        """The epoch that left the best generator so far, by the watched metric."""
        return None if self._best is None else self._stopping.best_epoch

    @property
    def variants(self) -> tuple[Variant, ...]:
        """The generators that can be sampled and exported now."""
        return (*self._healthy, "best") if self._best is not None else tuple(self._healthy)

    @property
    def shown(self) -> Variant:
        """The generator that is shown and judged: the running average if there is one."""
        return "latest" if self.game.ema is None else "ema"

    def advance(self, epochs: int | None = None, seconds: float | None = None) -> list[EpochRecord]:
        """Train for so many more epochs, or until so many seconds have passed, and return a record an epoch.

        With `seconds` the trainer may stop in the middle of an epoch; the next call goes on there, and an epoch begun
        counts as the first of its `epochs`. Training ends by itself once `state` is not "running" any more.
        """
        if epochs is None and seconds is None:
            raise ValueError("Say how far to train: advance(epochs=25), or advance(seconds=0.5).")
        if epochs is not None and epochs < 0:
            raise ValueError(f"epochs is {epochs}; it must be 0 or more.")
        deadline = math.inf if seconds is None else time.perf_counter() + seconds
        goal = math.inf if epochs is None else self.epoch + epochs
        records: list[EpochRecord] = []
        while self.state == "running" and self.epoch < goal and time.perf_counter() < deadline:
            records += self._play_turn()
        return records

    def play_phase(self) -> list[EpochRecord]:
        """Play the next phase alone, and return the epoch's record if it was the last of one.

        A checkpoint may fall between two phases; `advance` begins with what is left of the step.
        """
        if self.state != "running":
            return []
        phase = self.game.phases[self.position.phase]
        if phase.draws:
            self._deal()
        phase.play()
        return self._passed(1)

    def sample(self, n: int, seed: int, which: Variant = "latest") -> NDArray[np.float32]:
        """Points ``(n, dim)`` in data units from noise that the seed alone decides."""
        if n < 1:
            raise ValueError(f"n is {n}; it must be at least 1.")
        rng = torch.Generator().manual_seed(seed)
        noise = torch.randn(n, self.config.latent_dim, generator=rng, dtype=torch.float32)
        with torch.no_grad():
            points: NDArray[np.float32] = self._exported(which)(noise).numpy()
        return points

    def evaluate(self, which: Variant | None = None) -> dict[str, float]:
        """Every metric of the shape on fresh points, by the names in `gandash.core.metrics.METRICS`.

        Once the run has ended, the classifier two-sample test as well.
        """
        judge, points = self.target.judge(), self._fresh_points(which or self.shown)
        return judge.full(points) | ({} if self.state == "running" else judge.verdict(points))

    def export_torchscript(self, target: str | os.PathLike[str] | BinaryIO, which: Variant | None = None) -> None:
        """Write a generator as TorchScript, float32 noise ``(n, latent_dim)`` in and points ``(n, dim)`` out, on CPU.

        `which` is one of `variants`, the one that is shown by default.
        """
        export_torchscript(self._exported(which or self.shown), self.config, target)

    def checkpoint(self, history: bool = True) -> bytes:
        """All that `resume` needs to go on bit for bit; `history` False leaves the records out."""
        return dump(
            {
                "config": self.config.model_dump(mode="json"),
                "device": self.device.type,
                "step": self.position.step,
                "phase": self.position.phase,
                "batches": self.batches,
                "generator_turns": self._generator_turns,
                "state": self.state,
                "message": self.message,
                "stopping": asdict(self._stopping),
                "rng": self.game.rng.get_state(),
                "tensors": self.game.tensors(),
                "healthy": self._healthy,
                "best": self._best,
                "history": [asdict(record) for record in self.history] if history else [],
            }
        )

    @classmethod
    def resume(cls, config: RunConfig, data: bytes) -> Self:
        """The trainer that wrote this checkpoint, of this or a past version, with this config.

        The device alone may differ: on another kind of device the random numbers begin anew, so the run goes on from
        the same weights, but not with the same bits. Raises `ValueError` if the bytes are no checkpoint or belong to
        another config.
        """
        state = load(data)
        different = different_knobs(config, config_of(state))
        if different:
            raise ValueError(f"The checkpoint belongs to another config; these knobs differ: {', '.join(different)}.")
        trainer = cls(config)
        try:
            trainer._restore(state)
        except (AttributeError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise DamagedError from error
        return trainer

    def _restore(self, state: State) -> None:
        self.position, self.batches = Position(state["step"], state["phase"]), state["batches"]
        self._generator_turns = state["generator_turns"]
        self.state, self.message = state["state"], state["message"]
        self.history = [EpochRecord(**record) for record in state["history"]]
        self._stopping = EarlyStopping(**state["stopping"])
        for name, tensor in self.game.tensors().items():
            _fill(tensor, state["tensors"][name])
        for which, healthy in self._healthy.items():
            _fill(healthy, state["healthy"][which])
        if state["best"] is not None:
            self._best = torch.empty_like(self._healthy["latest"])
            _fill(self._best, state["best"])
        if state["device"] == self.device.type:
            self.game.rng.set_state(state["rng"])
        else:
            self.game.rng.manual_seed(_seed(self.config.seed, self.batches, 2))
        if not self.game.phases[self.position.phase].draws:
            self._deal()

    def _deal(self) -> None:
        """Lay out the next real batch, and set what depends on the time."""
        config, game = self.config, self.game
        start = self.batches % config.batches_per_epoch * config.batch_size
        if self._shuffled is None:
            self._shuffled = self._data[epoch_permutation(config, self.epoch).to(self.device)]
        game.batch.copy_(self._shuffled[start : start + config.batch_size])
        game.apply_schedules(self.progress, self.position.step)

    def _play_turn(self) -> list[EpochRecord]:
        """Play all phases up to the next batch, as one CUDA graph where there is a GPU."""
        turn = self._turns.get(self.position.phase)
        if turn is None:  # phases were played by hand
            return self.play_phase()
        self._deal()
        self._captured_turn(turn)()
        return self._passed(len(turn))

    def _captured_turn(self, turn: tuple[Phase, ...]) -> Callable[[], None]:
        names = tuple(phase.name for phase in turn)
        if names not in self._captured:

            def play() -> None:
                for phase in turn:
                    phase.play()

            self._captured[names] = capture(play, list(self.game.tensors().values()), self.game.rng)
        return self._captured[names]

    def _passed(self, count: int) -> list[EpochRecord]:
        """Move on by so many phases; a record if that completed an epoch."""
        phases, start = self.game.phases, self.position.phase
        self._generator_turns += sum(phase.network == "generator" for phase in phases[start : start + count])
        over = start + count == len(phases)
        self.position = Position(self.position.step + over, 0 if over else start + count)
        if not phases[self.position.phase].draws:
            return []
        self.batches += 1
        return [] if self.batches % self.config.batches_per_epoch else self._finish_epoch()

    def _finish_epoch(self) -> list[EpochRecord]:
        self._shuffled = None
        record = self._measure()
        if record is None:
            self.state = "diverged"
            self.message = (
                f"The run diverged in epoch {self.epoch}: a loss or a weight is no longer a finite number. The "
                f"generator of epoch {self.epoch - 1} is kept. Try smaller learning rates."
            )
            return []
        for which, weights in self._moving().items():
            self._healthy[which].copy_(weights)
        self.history.append(record)
        watched = record.metrics.get(self._watched)
        if watched is not None:
            enough = self._stopping.update(watched, record.epoch)
            if self._stopping.improved:
                self._best = self._weights(self.shown if self._watched == "headline" else "latest").clone()
            if enough and self.config.early_stopping != "off":
                self.state = "stopped_early"
                self.message = self._why_stopped()
        if self.state == "running" and self.epoch >= self.config.epochs:
            self.state = "finished"
            self.message = f"All {self.config.epochs:,} epochs are done."
        return [record]

    def _measure(self) -> EpochRecord | None:
        """The epoch just trained in figures, or None if it diverged."""
        config, game = self.config, self.game
        batches, generator_turns = config.batches_per_epoch, self._generator_turns
        self._generator_turns = 0
        sums = game.sums.tolist()
        game.sums.zero_()
        weights = (game.generator_weights.detach(), game.discriminator_weights.detach())
        if not all(map(math.isfinite, sums)) or not all(bool(torch.isfinite(w).all()) for w in weights):
            return None
        metrics: dict[str, float] = {}
        if generator_turns:
            metrics |= self.target.batch_metrics((game.fake_batch * self._std + self._mean).cpu().numpy())
        if self.epoch % config.evaluate_every == 0 or self.epoch == config.epochs:
            measured = self.target.judge().live(self._fresh_points(self.shown))
            metrics |= {name: float(value) for name, value in measured.items()}
        generator_loss, discriminator_loss, d_real, d_fake = sums
        return EpochRecord(
            epoch=self.epoch,
            generator_loss=generator_loss / generator_turns if generator_turns else math.nan,
            discriminator_loss=discriminator_loss / batches,
            d_real=d_real / batches,
            d_fake=d_fake / batches,
            metrics=metrics,
        )

    @property
    def _watched(self) -> str:
        """The metric that early stopping and the best generator go by."""
        return (self.target.textbook_metric if self.config.monitor == "textbook" else None) or "headline"

    def _why_stopped(self) -> str:
        stopping, metric = self._stopping, "gap to real" if self._watched == "headline" else "squared error"
        if stopping.min_change is None:
            return (
                f"Stopped early at epoch {self.epoch:,}: the {metric} has not improved for {stopping.patience:,} "
                f"epochs. The best was {stopping.best:.3g} at epoch {stopping.best_epoch:,}."
            )
        return (
            f"Stopped early at epoch {self.epoch:,}: the {metric} has changed by less than {stopping.min_change:g} for "
            f"{stopping.patience:,} epochs."
        )

    def _moving(self) -> dict[Variant, Tensor]:
        """The generators that each step changes."""
        average: dict[Variant, Tensor] = {} if self.game.ema is None else {"ema": self.game.ema}
        return {"latest": self.game.generator_weights.detach(), **average}

    def _weights(self, which: Variant) -> Tensor:
        best: dict[Variant, Tensor] = {} if self._best is None else {"best": self._best}
        known = (self._healthy if self.state == "diverged" else self._moving()) | best
        if which not in known:
            raise ValueError(f"There is no {which!r} generator yet: choose one of {', '.join(known)}.")
        return known[which]

    def _exported(self, which: Variant) -> ExportedGenerator:
        return ExportedGenerator(self.config, self._weights(which), self._mean, self._std)

    def _fresh_points(self, which: Variant) -> NDArray[np.float32]:
        return self.sample(self.target.judge().n, _seed(self.config.seed, self.epoch, 1), which)


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
