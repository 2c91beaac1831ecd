"""The game: both networks, their optimizers and the updates that make a step, all on one device.

The updates are data: `Game.phases` names each one, the network it changes and the loss it follows. One pass through all
phases is a step. The textbook's has three: the discriminator on a real batch (labels 1), then on a generated one
(labels 0), then the generator against labels 1; the other objectives update the discriminator on both at once. Nothing
here reads a value back from the device, so phases can be captured in a CUDA graph; sums wait on the device until an
epoch ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gandash.core.adam import Adam
from gandash.core.backprop import Autograd, ClosedForm, Gradients, Loss
from gandash.core.config import RunConfig
from gandash.core.networks import FourierFeatures, build_discriminator, build_generator, initialised
from gandash.core.objectives import OBJECTIVES, OnPoints
from gandash.core.records import LossName, Player
from gandash.core.schedules import decayed_noise, factor, octave_gates


@dataclass(frozen=True)
class Phase:
    """One update of one network.

    `loss` is the name of the function in `Objective` that it follows. A phase that `draws` is played on the next real
    batch, the others on the batch that is there. `play` carries it out.
    """

    name: str
    network: Player
    loss: LossName
    draws: bool
    play: Callable[[], None]


def flatten(network: nn.Module) -> nn.Parameter:
    """One flat parameter ``(weights,)`` that all parameters of a network (and their gradients) become views of.

    One tensor instead of eight makes the optimizer, the running average, copies and checkpoints one operation each.
    """
    parameters = list(network.parameters())
    flat = nn.Parameter(nn.utils.parameters_to_vector(parameters).detach().clone())
    flat.grad = torch.zeros_like(flat)
    start = 0
    for parameter in parameters:
        end = start + parameter.numel()
        parameter.data = flat.data[start:end].view_as(parameter)
        parameter.grad = flat.grad[start:end].view_as(parameter)
        start = end
    return flat


class Game:
    """Both networks and the phases in which they play.

    `batch`, of shape ``(batch_size, dim)``, holds the real points to play on. `sums` collects, until they are read and
    zeroed, the generator's loss, the discriminator's loss (the sum of its real and its generated part), the mean of
    D(real) and the mean of D(fake): probabilities where the objective has them, raw scores elsewhere. `pending` is the
    real part of a loss whose generated part is still to come.
    """

    def __init__(self, config: RunConfig, device: torch.device, data_std: Tensor) -> None:
        """`data_std`, of shape ``(dim,)``, is the real points' standard deviation in the units that are trained in."""
        self.config = config
        self.dim = len(data_std)
        self.objective = OBJECTIVES[config.objective]
        self.rng = torch.Generator(device).manual_seed(config.seed)
        with initialised(config.seed):
            self.generator = build_generator(config, self.dim).to(device)
            self.discriminator = build_discriminator(config, self.dim, self.rng).to(device)
        self.generator_weights = flatten(self.generator)
        self.discriminator_weights = flatten(self.discriminator)
        betas = (config.beta1, config.beta2)
        self.generator_adam = Adam(self.generator_weights, config.generator_lr, betas)
        self.discriminator_adam = Adam(self.discriminator_weights, config.discriminator_lr, betas)
        self.gradients = choose_gradients(config, self.generator, self.discriminator)
        self.ema = self.generator_weights.detach().clone() if config.ema_decay else None
        self.phases = self._phases()

        size = (config.batch_size, self.dim)
        self.batch = torch.empty(size, dtype=torch.float32, device=device)
        self.fake_batch = torch.zeros(size, dtype=torch.float32, device=device)
        self.sums = torch.zeros(4, dtype=torch.float32, device=device)
        self._totals = self.sums.unbind()
        self.pending = torch.zeros((), dtype=torch.float32, device=device)
        smoothing = config.label_smoothing
        self._labels = (1 - smoothing, smoothing if config.label_smoothing_sides == "two" else 0.0)
        self._noise_scale = data_std
        self._noise_std = torch.zeros((), dtype=torch.float32, device=device)
        self._penalty_weight = torch.zeros((), dtype=torch.float32, device=device)
        self._ema_pull = torch.zeros((), dtype=torch.float32, device=device)

    def _phases(self) -> tuple[Phase, ...]:
        """The discriminator's turns, each on a batch of its own, then the generator's on the last of these batches."""
        turn: tuple[Phase, ...]
        if self.config.discriminator_updates == "separate":
            turn = (
                Phase("discriminator on real points", "discriminator", "on_real", True, self.update_on_real),
                Phase("discriminator on generated points", "discriminator", "on_fake", False, self.update_on_fake),
            )
        else:
            turn = (Phase("discriminator", "discriminator", "discriminator", True, self.update_discriminator),)
        last = Phase("generator", "generator", "generator", False, self.update_generator)
        return (*turn * self.config.discriminator_steps, last)

    def apply_schedules(self, progress: float, steps: int, growth: float | None = None) -> None:
        """Set what depends on the time: learning rates, penalty, instance noise, octaves, the average's pull.

        `progress` is the share of the training that is over, 0 to 1; `steps` counts the whole steps before this one.
        The octaves go by `growth` if it is given.
        """
        config = self.config
        if config.lr_schedule != "constant":
            scale = factor(config.lr_schedule, progress, config.lr_final)
            self.generator_adam.lr.fill_(config.generator_lr * scale)
            self.discriminator_adam.lr.fill_(config.discriminator_lr * scale)
        if config.penalty != "none":
            scale = factor(config.penalty_schedule, progress, config.penalty_final)
            self._penalty_weight.fill_(config.penalty_weight * scale)
        if config.instance_noise:
            self._noise_std.fill_(decayed_noise(config.instance_noise, progress, config.instance_noise_decay))
        if config.fourier_growth and isinstance(features := self.discriminator[0], FourierFeatures):
            features.gates.copy_(self.gates(progress if growth is None else growth))
        if self.ema is not None:  # a young average forgets faster, so that it does not remember the first weights
            self._ema_pull.fill_(1 - min(config.ema_decay, (1 + steps) / (10 + steps)))

    def gates(self, growth: float) -> Tensor:
        """How far the discriminator's octaves are open, ``(octaves,)``, at this share of their growth's time."""
        return torch.tensor(octave_gates(self.config.discriminator_fourier, growth, self.config.fourier_growth))

    def update_on_real(self) -> None:
        """The first half of the textbook's discriminator turn: an update on `batch` alone."""
        assert self.objective.on_real is not None
        loss, logits = self._update_discriminator_on(self.batch, self.objective.on_real, self._labels[0])
        self.pending.copy_(loss)
        self._totals[2].add_(self._scores(logits).mean())

    def update_on_fake(self) -> None:
        """The second half: an update on generated points alone."""
        assert self.objective.on_fake is not None
        points = self.gradients.points(self._noise())
        loss, logits = self._update_discriminator_on(points, self.objective.on_fake, self._labels[1])
        self._totals[1].add_(self.pending + loss)
        self._totals[3].add_(self._scores(logits).mean())

    def update_discriminator(self) -> None:
        """One update of the discriminator on `batch` and as many generated points."""
        n = self.config.batch_size // self.config.packing
        points = self.gradients.points(self._noise())
        real, fake = self._seen(self.batch), self._seen(points)
        seen = torch.cat((real, fake))
        if self.config.penalty == "wgan-gp":
            share = torch.rand(n, 1, generator=self.rng, dtype=torch.float32, device=seen.device)
            seen = torch.cat((seen, torch.lerp(real, fake, share)))

        def loss(logits: Tensor) -> tuple[Tensor, Tensor]:
            value, *slopes = self.objective.discriminator(logits[:n], logits[n : 2 * n], self._labels)
            if len(logits) > 2 * n:  # points between real and generated ones count for the penalty alone
                slopes.append(torch.zeros_like(logits[2 * n :]))
            return value, torch.cat(slopes)

        penalty = None if self.config.penalty == "none" else self._penalty(n)
        value, logits = self.gradients.discriminator(seen, loss, penalty)
        self.discriminator_adam.step()
        self._totals[1].add_(value)
        self._totals[2].add_(self._scores(logits[:n]).mean())
        self._totals[3].add_(self._scores(logits[n : 2 * n]).mean())

    def update_generator(self) -> None:
        """One update of the generator; the points that it was judged on stay in `fake_batch`."""
        noise = self._noise()
        real_logits = self.gradients.logits(self._seen(self.batch)) if self.objective.pairs else noise
        loss, points = self.gradients.generator(
            noise, self._seen, lambda fake_logits: self.objective.generator(real_logits, fake_logits)
        )
        self.generator_adam.step()
        self.fake_batch.copy_(points)
        self._totals[0].add_(loss)
        if self.ema is not None:
            self.ema.lerp_(self.generator_weights.detach(), self._ema_pull)

    def loss(self, phase: Phase, rng_state: Tensor) -> float:
        """The loss that a phase follows on the batch that is there, drawing from this state of the random numbers.

        It is played and taken back, so nothing changes: the very arithmetic of training, whatever the objective.
        """
        saved, rng = {name: tensor.clone() for name, tensor in self.tensors().items()}, self.rng.get_state()
        try:
            self.rng.set_state(rng_state)
            self.sums.zero_()
            phase.play()
            match phase.loss:
                case "on_real":
                    return float(self.pending)
                case "generator":
                    return float(self.sums[0])
                case _:  # the part on real points is of the phase before
                    return float(self.sums[1] - (saved["pending"] if phase.loss == "on_fake" else 0.0))
        finally:
            with torch.no_grad():
                for name, tensor in self.tensors().items():
                    tensor.copy_(saved[name])
            self.rng.set_state(rng)

    def drawn_points(self, rng_state: Tensor) -> Tensor:
        """The generated points ``(batch_size, dim)`` of the noise that an update draws from this state on."""
        rng = self.rng.get_state()
        self.rng.set_state(rng_state)
        try:
            return self.gradients.points(self._noise()).clone()
        finally:
            self.rng.set_state(rng)

    def _update_discriminator_on(self, points: Tensor, loss: OnPoints, label: float) -> tuple[Tensor, Tensor]:
        result = self.gradients.discriminator(self._seen(points), lambda logits: loss(logits, label))
        self.discriminator_adam.step()
        return result

    def _scores(self, logits: Tensor) -> Tensor:
        """D(x) as it is shown: a probability where the objective has one."""
        return logits.sigmoid() if self.objective.probability else logits

    def _penalty(self, n: int) -> Loss:
        """From ∂D/∂x at n real and n generated inputs (and n between them) to the weighted penalty.

        R1 and R2: half the mean squared norm (Mescheder 2018, equations 9 and 10). WGAN-GP: the mean squared distance
        of the norm from 1 (Gulrajani 2017, equation 3).
        """
        kind, weight = self.config.penalty, self._penalty_weight

        def penalty(slopes: Tensor) -> tuple[Tensor, Tensor]:
            if kind == "wgan-gp":
                between = slopes[2 * n :]
                norm = torch.linalg.vector_norm(between, dim=1, keepdim=True).clamp(min=1e-6)
                off = norm - 1
                slope = torch.zeros_like(slopes)
                torch.mul(between / norm * off, 2 * weight / n, out=slope[2 * n :])
                return weight * off.square().mean(), slope
            slope = slopes * (weight / n)
            if kind == "r1":
                slope[n:] = 0
            elif kind == "r2":
                slope[:n] = 0
            return torch.vdot(slope.flatten(), slopes.flatten()) / 2, slope

        return penalty

    def _seen(self, points: Tensor) -> Tensor:
        """What the discriminator sees of points ``(b, dim)``: noised, packed to ``(b / packing, dim · packing)``."""
        if self.config.instance_noise:
            noise = torch.randn(points.shape, generator=self.rng, dtype=torch.float32, device=points.device)
            points = points + noise * (self._noise_scale * self._noise_std)
        return points.view(-1, self.dim * self.config.packing)

    def _noise(self) -> Tensor:
        shape = (self.config.batch_size, self.config.latent_dim)
        if self.config.latent == "uniform":
            return torch.rand(shape, generator=self.rng, dtype=torch.float32, device=self.batch.device) * 2 - 1
        return torch.randn(shape, generator=self.rng, dtype=torch.float32, device=self.batch.device)

    def tensors(self) -> dict[str, Tensor]:
        """Everything that playing changes, by name: the game's part of a checkpoint. Copy into them to restore it.

        What follows from the config and the time, such as learning rates and gates, is not among it.
        """
        state = {
            "generator": self.generator_weights.data,
            "discriminator": self.discriminator_weights.data,
            "sums": self.sums,
            "pending": self.pending,
            "fake_batch": self.fake_batch,
        }
        optimizers = {"generator_adam": self.generator_adam, "discriminator_adam": self.discriminator_adam}
        for name, optimizer in optimizers.items():
            state |= {f"{name}.{key}": value for key, value in optimizer.tensors().items()}
        linears = [layer for layer in self.discriminator if isinstance(layer, nn.Linear)]
        for place, layer in enumerate(linears):  # the vectors of spectral normalisation
            state |= {f"discriminator.{place}.{name[-1]}": buffer for name, buffer in layer.named_buffers()}
        if self.ema is not None:
            state["ema"] = self.ema
        return state


def choose_gradients(config: RunConfig, generator: nn.Sequential, discriminator: nn.Sequential) -> Gradients:
    """Closed-form gradients where they exist, autograd elsewhere."""
    closed = ClosedForm.supports(generator, penalty=False) and ClosedForm.supports(
        discriminator, penalty=config.penalty != "none"
    )
    return (ClosedForm if closed else Autograd)(generator, discriminator)
