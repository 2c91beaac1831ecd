"""The training itself, usable from a notebook: a config in, epochs on request, a generator out.

The same config and seed give the same bits on the same machine however the epochs are split up: everything that moves
is in the checkpoint, and no random number comes from anywhere but the trainer's own generators. The trainer knows no
run, no page and no chart.
"""

from __future__ import annotations

import io
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, BinaryIO, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gandash.core.capture import capture
from gandash.core.config import RunConfig
from gandash.core.devices import resolve_device
from gandash.core.early_stopping import EarlyStopping
from gandash.core.export import ExportedGenerator, export_torchscript
from gandash.core.records import EpochRecord
from gandash.core.step import Step

State = Literal["running", "finished", "stopped_early", "diverged"]
Variant = Literal["latest", "ema", "best"]

CHECKPOINT_VERSION = 1


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
        self.step = 0
        self.state: State = "running"
        self.message = ""
        self.history: list[EpochRecord] = []

        points = self.target.sample(config.points, np.random.default_rng(config.seed))
        real = torch.from_numpy(points).to(self.device)
        self._mean = real.mean(dim=0) if config.standardize else torch.zeros(2, device=self.device)
        self._std = real.std(dim=0) if config.standardize else torch.ones(2, device=self.device)
        self._data = (real - self._mean) / self._std
        self._shuffled: Tensor | None = None

        self._step = Step(config, self.device, self._data.std(dim=0))
        self._updates: tuple[Callable[[], None], Callable[[], None]] | None = None
        self._healthy = {name: weights.clone() for name, weights in self._moving().items()}
        self._best: Tensor | None = None
        self._stopping = EarlyStopping(
            config.patience, config.min_change if config.early_stopping == "threshold" else None
        )

    @property
    def epoch(self) -> int:
        """Whole epochs done."""
        return self.step // self.config.steps_per_epoch

    @property
    def progress(self) -> float:
        """Share of the planned steps done, 0 to 1."""
        return self.step / self.config.total_steps

    @property
    def networks(self) -> tuple[nn.Sequential, nn.Sequential]:
        """The generator and the discriminator being trained."""
        return self._step.generator, self._step.discriminator

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
        return "latest" if self._step.ema is None else "ema"

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
            self._train_step()
            if self.step % self.config.steps_per_epoch == 0:
                records += self._finish_epoch()
        return records

    def sample(self, n: int, seed: int, which: Variant = "latest") -> NDArray[np.float32]:
        """Points ``(n, 2)`` in data units from noise that the seed alone decides."""
        if n < 1:
            raise ValueError(f"n is {n}; it must be at least 1.")
        noise = torch.randn(n, self.config.latent_dim, generator=torch.Generator().manual_seed(seed))
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
        """Write a generator as TorchScript, float32 noise ``(n, latent_dim)`` in and points ``(n, 2)`` out, on CPU.

        `which` is one of `variants`, the one that is shown by default.
        """
        export_torchscript(self._exported(which or self.shown), self.config, target)

    def checkpoint(self, history: bool = True) -> bytes:
        """All that `resume` needs to go on bit for bit; `history` False leaves the records out."""
        state = {
            "version": CHECKPOINT_VERSION,
            "config": self.config.model_dump(mode="json"),
            "step": self.step,
            "state": self.state,
            "message": self.message,
            "stopping": asdict(self._stopping),
            "rng": self._step.rng.get_state(),
            "tensors": self._step.tensors(),
            "healthy": self._healthy,
            "best": self._best,
            "history": [asdict(record) for record in self.history] if history else [],
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)
        return buffer.getvalue()

    @classmethod
    def resume(cls, config: RunConfig, data: bytes) -> Self:
        """The trainer that wrote this checkpoint with this config; the device alone may differ.

        Raises `ValueError` if the bytes are no checkpoint or belong to another config.
        """
        try:
            state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
            version = state["version"]
        except Exception as error:
            raise ValueError("These bytes are not a gandash checkpoint.") from error
        if version != CHECKPOINT_VERSION:
            raise ValueError(f"The checkpoint has version {version}; this gandash reads version {CHECKPOINT_VERSION}.")
        own = config.model_dump(mode="json")
        different = [name for name in own if own[name] != state["config"].get(name) and name != "device"]
        if different:
            raise ValueError(f"The checkpoint belongs to another config; these knobs differ: {', '.join(different)}.")
        trainer = cls(config)
        trainer._restore(state)
        return trainer

    def _restore(self, state: dict[str, Any]) -> None:
        self.step, self.state, self.message = state["step"], state["state"], state["message"]
        self.history = [EpochRecord(**record) for record in state["history"]]
        self._stopping = EarlyStopping(**state["stopping"])
        with torch.no_grad():
            for name, tensor in self._step.tensors().items():
                tensor.copy_(state["tensors"][name])
            for which, healthy in self._healthy.items():
                healthy.copy_(state["healthy"][which])
            self._best = None if state["best"] is None else state["best"].to(self.device)
        self._step.rng.set_state(state["rng"])

    def _train_step(self) -> None:
        config = self.config
        position = self.step % config.steps_per_epoch * config.batch_size
        if self._shuffled is None:
            self._shuffled = self._data[epoch_permutation(config, self.epoch).to(self.device)]
        self._step.batch.copy_(self._shuffled[position : position + config.batch_size])
        self._step.apply_schedules(self.step)
        if self._updates is None:
            changed, rng = list(self._step.tensors().values()), self._step.rng
            self._updates = (
                capture(self._step.update_both, changed, rng),
                capture(self._step.update_discriminator, changed, rng),
            )
        self.step += 1
        self._updates[bool(self.step % config.discriminator_steps)]()

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
        config, step = self.config, self._step
        batches = config.steps_per_epoch
        generator_updates = (
            self.step // config.discriminator_steps - (self.step - batches) // config.discriminator_steps
        )
        sums = step.sums.tolist()
        step.sums.zero_()
        weights = (step.generator_weights.detach(), step.discriminator_weights.detach())
        if not all(map(math.isfinite, sums)) or not all(bool(torch.isfinite(w).all()) for w in weights):
            return None
        metrics: dict[str, float] = {}
        if generator_updates:
            metrics |= self.target.batch_metrics((step.fake_batch * self._std + self._mean).cpu().numpy())
        if self.epoch % config.evaluate_every == 0 or self.epoch == config.epochs:
            measured = self.target.judge().live(self._fresh_points(self.shown))
            metrics |= {name: float(value) for name, value in measured.items()}
        generator_loss, discriminator_loss, d_real, d_fake = sums
        return EpochRecord(
            epoch=self.epoch,
            generator_loss=generator_loss / generator_updates if generator_updates else math.nan,
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
        step = self._step
        average: dict[Variant, Tensor] = {} if step.ema is None else {"ema": step.ema}
        return {"latest": step.generator_weights.detach(), **average}

    def _weights(self, which: Variant) -> Tensor:
        best: dict[Variant, Tensor] = {} if self._best is None else {"best": self._best}
        known = (self._healthy if self.state == "diverged" else self._moving()) | best
        if which not in known:
            raise ValueError(f"There is no {which!r} generator yet: choose one of {', '.join(known)}.")
        return known[which]

    def _exported(self, which: Variant) -> ExportedGenerator:
        return ExportedGenerator(self.config, self._weights(which), self._mean, self._std)

    def _fresh_points(self, which: Variant) -> NDArray[np.float32]:
        seed = np.random.SeedSequence((self.config.seed, self.epoch, 1)).generate_state(1)[0]
        return self.sample(self.target.judge().n, int(seed), which)


def epoch_permutation(config: RunConfig, epoch: int) -> Tensor:
    """The order in which an epoch visits the real points, ``(points,)``, decided by seed and epoch alone."""
    seed = np.random.SeedSequence((config.seed, epoch)).generate_state(1)[0]
    return torch.randperm(config.points, generator=torch.Generator().manual_seed(int(seed)))
