"""One training step: the networks, their optimizers and what moves between them, all on one device.

The textbook's order: the discriminator is updated on a real batch (labels 1), then on a generated one (labels 0), then
the generator against labels 1; the other objectives update the discriminator on both at once. Nothing here reads a
value back from the device, so a step can be captured in a CUDA graph; sums wait on the device until an epoch ends.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gandash.core.adam import Adam
from gandash.core.backprop import Autograd, ClosedForm, Gradients, Loss
from gandash.core.config import RunConfig
from gandash.core.networks import FourierFeatures, build_discriminator, build_generator
from gandash.core.objectives import OBJECTIVES, OnPoints
from gandash.core.schedules import decayed_noise, factor, octave_gates


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


class Step:
    """Both networks and one update of each.

    `batch`, of shape ``(batch_size, 2)``, holds the real points to take next. `sums` collects, until they are read and
    zeroed, the generator's loss, the discriminator's loss (the sum of its real and its generated part), the mean of
    D(real) and the mean of D(fake): probabilities where the objective has them, raw scores elsewhere.
    """

    def __init__(self, config: RunConfig, device: torch.device, data_std: Tensor) -> None:
        self.config = config
        self.objective = OBJECTIVES[config.objective]
        self.rng = torch.Generator(device).manual_seed(config.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.generator = build_generator(config).to(device)
            self.discriminator = build_discriminator(config, self.rng).to(device)
        self.generator_weights = flatten(self.generator)
        self.discriminator_weights = flatten(self.discriminator)
        betas = (config.beta1, config.beta2)
        self.generator_adam = Adam(self.generator_weights, config.generator_lr, betas)
        self.discriminator_adam = Adam(self.discriminator_weights, config.discriminator_lr, betas)
        self.gradients = choose_gradients(config, self.generator, self.discriminator)
        self.ema = self.generator_weights.detach().clone() if config.ema_decay else None

        self.batch = torch.empty(config.batch_size, 2, device=device)
        self.fake_batch = torch.empty(config.batch_size, 2, device=device)
        self.sums = torch.zeros(4, device=device)
        smoothing = config.label_smoothing
        self._labels = (1 - smoothing, smoothing if config.label_smoothing_sides == "two" else 0.0)
        self._noise_scale = data_std
        self._noise_std = torch.zeros((), device=device)
        self._penalty_weight = torch.zeros((), device=device)
        self._ema_pull = torch.zeros((), device=device)

    def apply_schedules(self, step: int) -> None:
        """Set what depends on the time: learning rates, penalty, instance noise, octaves, the average's pull."""
        config = self.config
        progress = step / config.total_steps
        if config.lr_schedule != "constant" or step == 0:
            scale = factor(config.lr_schedule, progress, config.lr_final)
            self.generator_adam.lr.fill_(config.generator_lr * scale)
            self.discriminator_adam.lr.fill_(config.discriminator_lr * scale)
        if config.penalty != "none":
            scale = factor(config.penalty_schedule, progress, config.penalty_final)
            self._penalty_weight.fill_(config.penalty_weight * scale)
        if config.instance_noise:
            self._noise_std.fill_(decayed_noise(config.instance_noise, progress, config.instance_noise_decay))
        if config.fourier_growth and isinstance(features := self.discriminator[0], FourierFeatures):
            gates = octave_gates(config.discriminator_fourier, progress, config.fourier_growth)
            features.gates.copy_(torch.tensor(gates))
        if self.ema is not None:  # a young average forgets faster, so that it does not remember the first weights
            updates = step // config.discriminator_steps
            self._ema_pull.fill_(1 - min(config.ema_decay, (1 + updates) / (10 + updates)))

    def update_discriminator(self) -> None:
        """One discriminator step on `batch`: one update, or the textbook's two."""
        real, config = self.batch, self.config
        n = len(real) // config.packing
        if config.discriminator_updates == "separate":
            assert self.objective.on_real is not None and self.objective.on_fake is not None
            real_loss, real_logits = self._update_discriminator_on(real, self.objective.on_real, self._labels[0])
            fake_loss, fake_logits = self._update_discriminator_on(
                self.gradients.points(self._noise()), self.objective.on_fake, self._labels[1]
            )
            loss = real_loss + fake_loss
        else:
            loss, logits = self._update_discriminator_jointly(real, self.gradients.points(self._noise()), n)
            real_logits, fake_logits = logits[:n], logits[n : 2 * n]
        if self.objective.probability:
            real_logits, fake_logits = real_logits.sigmoid(), fake_logits.sigmoid()
        for total, value in zip(self.sums[1:].unbind(), (loss, real_logits.mean(), fake_logits.mean()), strict=True):
            total.add_(value)

    def update_generator(self) -> None:
        """One generator update; the points that it was judged on stay in `fake_batch`."""
        noise = self._noise()
        real_logits = self.gradients.logits(self._seen(self.batch)) if self.objective.pairs else noise
        loss, points = self.gradients.generator(
            noise, self._seen, lambda fake_logits: self.objective.generator(real_logits, fake_logits)
        )
        self.generator_adam.step()
        self.fake_batch.copy_(points)
        self.sums[0].add_(loss)
        if self.ema is not None:
            self.ema.lerp_(self.generator_weights.detach(), self._ema_pull)

    def update_both(self) -> None:
        """A discriminator step and a generator update."""
        self.update_discriminator()
        self.update_generator()

    def _update_discriminator_on(self, points: Tensor, loss: OnPoints, label: float) -> tuple[Tensor, Tensor]:
        result = self.gradients.discriminator(self._seen(points), lambda logits: loss(logits, label))
        self.discriminator_adam.step()
        return result

    def _update_discriminator_jointly(self, real: Tensor, fake: Tensor, n: int) -> tuple[Tensor, Tensor]:
        seen = torch.cat((self._seen(real), self._seen(fake)))
        if self.config.penalty == "wgan-gp":
            share = torch.rand(n, 1, generator=self.rng, device=real.device)
            seen = torch.cat((seen, torch.lerp(seen[:n], seen[n:], share)))

        def loss(logits: Tensor) -> tuple[Tensor, Tensor]:
            value, *slopes = self.objective.discriminator(logits[:n], logits[n : 2 * n], self._labels)
            if len(logits) > 2 * n:  # points between real and generated ones count for the penalty alone
                slopes.append(torch.zeros_like(logits[2 * n :]))
            return value, torch.cat(slopes)

        result = self.gradients.discriminator(seen, loss, None if self.config.penalty == "none" else self._penalty(n))
        self.discriminator_adam.step()
        return result

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
        """What the discriminator sees of points ``(b, 2)``: noise added, packed to ``(b / packing, 2 · packing)``."""
        if self.config.instance_noise:
            noise = torch.randn(points.shape, generator=self.rng, device=points.device)
            points = points + noise * (self._noise_scale * self._noise_std)
        return points.view(-1, 2 * self.config.packing)

    def _noise(self) -> Tensor:
        shape = (self.config.batch_size, self.config.latent_dim)
        if self.config.latent == "uniform":
            return torch.rand(shape, generator=self.rng, device=self.batch.device) * 2 - 1
        return torch.randn(shape, generator=self.rng, device=self.batch.device)

    def tensors(self) -> dict[str, Tensor]:
        """Everything that a step changes, by name: the step's part of a checkpoint. Copy into them to restore it."""
        state = {
            "generator": self.generator_weights.data,
            "discriminator": self.discriminator_weights.data,
            "sums": self.sums,
            "fake_batch": self.fake_batch,
        }
        optimizers = {"generator_adam": self.generator_adam, "discriminator_adam": self.discriminator_adam}
        for name, optimizer in optimizers.items():
            state |= {f"{name}.{key}": value for key, value in optimizer.tensors().items()}
        state |= {f"discriminator.{name}": value for name, value in self.discriminator.named_buffers()}
        if self.ema is not None:
            state["ema"] = self.ema
        return state


def choose_gradients(config: RunConfig, generator: nn.Sequential, discriminator: nn.Sequential) -> Gradients:
    """Closed-form gradients where they exist, autograd elsewhere."""
    closed = ClosedForm.supports(generator, penalty=False) and ClosedForm.supports(
        discriminator, penalty=config.penalty != "none"
    )
    return (ClosedForm if closed else Autograd)(generator, discriminator)
