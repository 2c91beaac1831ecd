"""The training written plainly: the one oracle of the tests. Every knob has its line here, and nothing is clever.

Autograd, `torch.optim.Adam`, modules where torch has them, losses as the papers print them. `Plain` draws its random
numbers in the trainer's order from generators seeded alike, so the trainer can be held against it update by update.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, relu, softplus

from gandash.core.config import RunConfig

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(0.2),
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


class Dropout(nn.Module):
    """Inverted dropout: a byte an element, silenced below p · 256; eight bytes are one random number."""

    def __init__(self, p: float, rng: torch.Generator) -> None:
        super().__init__()
        self.silenced, self.rng = round(p * 256), rng

    def forward(self, x: Tensor) -> Tensor:
        numbers = torch.empty(math.ceil(x.numel() / 8), dtype=torch.int64)
        numbers.random_(-(2**63), None, generator=self.rng)
        kept = numbers.view(torch.uint8)[: x.numel()].view_as(x) >= self.silenced
        return x * kept / (1 - self.silenced / 256)


class Waves(nn.Module):
    """The input, then the sines, then the cosines of its coordinates at octaves of π/4, each octave times its gate."""

    def __init__(self, octaves: int) -> None:
        super().__init__()
        self.octaves, self.gates = octaves, [1.0] * octaves

    def forward(self, x: Tensor) -> Tensor:
        octave = [(gate, math.pi / 4 * 2**k) for k, gate in enumerate(self.gates)]
        sines = [gate * torch.sin(x[:, [i]] * angle) for i in range(x.shape[1]) for gate, angle in octave]
        cosines = [gate * torch.cos(x[:, [i]] * angle) for i in range(x.shape[1]) for gate, angle in octave]
        return torch.cat([x, *sines, *cosines], dim=1)


class Digits(nn.Module):
    """What the generator sees of its noise: its waves, then the first binary digits of each coordinate's rank."""

    def __init__(self, octaves: int, digits: int, uniform: bool) -> None:
        super().__init__()
        self.waves, self.digits, self.uniform = Waves(octaves), digits, uniform

    def forward(self, z: Tensor) -> Tensor:
        rank = (z + 1) / 2 if self.uniform else normal_cdf(z)
        columns = [2 * (rank[:, [i]] * 2**k).floor().remainder(2) - 1 for i in range(z.shape[1]) for k in self._places]
        return torch.cat([self.waves(z), *columns], dim=1)

    @property
    def _places(self) -> range:
        return range(1, self.digits + 1)


def mlp(widths: tuple[int, ...], activation: str, dropouts: list[nn.Module]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths[:-1]):
        layers += [nn.Linear(fan_in, fan_out), ACTIVATIONS[activation](), *dropouts]
    return [*layers, nn.Linear(widths[-2], widths[-1])]


@dataclass
class Sums:
    """What an epoch's record averages, an entry an update."""

    generator: list[float] = field(default_factory=list)
    discriminator: list[float] = field(default_factory=list)
    d_real: list[float] = field(default_factory=list)
    d_fake: list[float] = field(default_factory=list)


class Plain:
    """The training of a config on CPU; `train` goes on by whole epochs."""

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        target = config.target.build()
        real = torch.from_numpy(target.sample(config.points, np.random.default_rng(config.seed)))
        self.mean, self.std = torch.zeros(target.dim), torch.ones(target.dim)
        if config.standardize:
            self.mean, self.std = real.mean(dim=0), real.std(dim=0)
        self.data = (real - self.mean) / self.std
        self.rng = torch.Generator().manual_seed(config.seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self._build(target.dim)
        betas = (config.beta1, config.beta2)
        self.generator_adam = torch.optim.Adam(self.generator.parameters(), config.generator_lr, betas)
        self.discriminator_adam = torch.optim.Adam(self.discriminator.parameters(), config.discriminator_lr, betas)
        self.average = copy.deepcopy(self.generator)
        self.batches = 0
        self.fake = torch.empty(0)

    def _build(self, dim: int) -> None:
        config = self.config
        features: list[nn.Module] = []
        width = config.latent_dim * (1 + 2 * config.generator_fourier + config.latent_digits)
        if width > config.latent_dim:
            features = [Digits(config.generator_fourier, config.latent_digits, config.latent == "uniform")]
        layers = mlp((width, *config.generator_widths, dim), config.activation, [])
        output: list[nn.Module] = [nn.ReLU()] if config.generator_output == "relu" else []
        self.generator = nn.Sequential(*features, *layers, *output)
        self.octaves = Waves(config.discriminator_fourier)
        width = config.packing * dim * (1 + 2 * config.discriminator_fourier)
        dropouts: list[nn.Module] = [Dropout(config.dropout, self.rng)] if config.dropout else []
        layers = mlp((width, *config.discriminator_widths, 1), config.activation, dropouts)
        if config.spectral_norm:
            for layer in layers:
                if isinstance(layer, nn.Linear):
                    nn.utils.parametrizations.spectral_norm(layer)
        self.discriminator = nn.Sequential(self.octaves, *layers)

    def train(self, epochs: int) -> list[Sums]:
        """Train for whole epochs and return what each one's record is made of."""
        records = []
        for _ in range(epochs):
            seed = np.random.SeedSequence((self.config.seed, self.batches // self.config.batches_per_epoch))
            order = torch.Generator().manual_seed(int(seed.generate_state(1)[0]))
            shuffled = self.data[torch.randperm(self.config.points, generator=order)]
            records.append(Sums())
            for real in torch.split(shuffled, self.config.batch_size)[: self.config.batches_per_epoch]:
                self._play(real, records[-1])
        return records

    def sample(self, noise: Tensor, average: bool = False) -> Tensor:
        """What the exported generator makes of noise ``(n, latent_dim)`` from N(0, 1)."""
        if self.config.latent == "uniform":
            noise = 2 * normal_cdf(noise) - 1
        with torch.no_grad():
            points: Tensor = (self.average if average else self.generator)(noise) * self.std + self.mean
        return points

    def _play(self, real: Tensor, sums: Sums) -> None:
        """One discriminator turn on a real batch, and the generator's turn if it is due."""
        config = self.config
        progress = self.batches / config.total_batches
        for adam, rate in (
            (self.generator_adam, config.generator_lr),
            (self.discriminator_adam, config.discriminator_lr),
        ):
            adam.param_groups[0]["lr"] = rate * scheduled(config.lr_schedule, config.lr_final, progress)
        if config.fourier_growth:
            on = 1 + (config.discriminator_fourier - 1) * min(1.0, progress / config.fourier_growth)
            self.octaves.gates = [min(1.0, max(0.0, on - k)) for k in range(config.discriminator_fourier)]

        if config.discriminator_updates == "separate":
            self._separate_turn(real, progress, sums)
        else:
            self._joint_turn(real, progress, sums)
        updates = self.batches // config.discriminator_steps
        self.batches += 1
        if self.batches % config.discriminator_steps == 0:
            self._generator_turn(real, progress, updates, sums)

    def _separate_turn(self, real: Tensor, progress: float, sums: Sums) -> None:
        """The textbook's two updates, on real points, then on generated ones."""
        real_label, fake_label = self._labels()
        logits = self.discriminator(self._seen(real, progress))
        on_real = self._on_real(logits, real_label)
        sums.d_real.append(self._score(logits))
        update(self.discriminator_adam, on_real)

        fake = self.generator(self._noise()).detach()
        logits = self.discriminator(self._seen(fake, progress))
        on_fake = self._on_fake(logits, fake_label)
        sums.d_fake.append(self._score(logits))
        update(self.discriminator_adam, on_fake)
        sums.discriminator.append(on_real.item() + on_fake.item())

    def _joint_turn(self, real: Tensor, progress: float, sums: Sums) -> None:
        """One update on real and generated points at once, with the gradient penalty."""
        config = self.config
        fake = self.generator(self._noise()).detach()
        real, fake = self._seen(real, progress), self._seen(fake, progress)
        n = len(real)
        x = torch.cat([real, fake])
        if config.penalty == "wgan-gp":
            share = torch.rand(n, 1, generator=self.rng)
            x = torch.cat([x, (1 - share) * real + share * fake])
        x.requires_grad_()
        logits = self.discriminator(x)
        on_real, on_fake = logits[:n], logits[n : 2 * n]
        if config.objective == "rpgan":
            loss = softplus(on_fake - on_real).mean()
        else:
            real_label, fake_label = self._labels()
            loss = self._on_real(on_real, real_label) + self._on_fake(on_fake, fake_label)
        if config.penalty != "none":
            (slopes,) = torch.autograd.grad(logits.sum(), x, create_graph=True)
            squares = slopes.square().sum(dim=1)
            off = torch.linalg.vector_norm(slopes, dim=1) - 1
            penalty = {
                "wgan-gp": off[2 * n :].square().mean(),
                "r1": squares[:n].mean() / 2,
                "r2": squares[n : 2 * n].mean() / 2,
                "r1+r2": squares[:n].mean() / 2 + squares[n : 2 * n].mean() / 2,
            }[config.penalty]
            weight = config.penalty_weight * scheduled(config.penalty_schedule, config.penalty_final, progress)
            loss = loss + weight * penalty
        sums.d_real.append(self._score(on_real))
        sums.d_fake.append(self._score(on_fake))
        sums.discriminator.append(loss.item())
        update(self.discriminator_adam, loss)

    def _generator_turn(self, real: Tensor, progress: float, updates: int, sums: Sums) -> None:
        noise = self._noise()
        if self.config.objective == "rpgan":
            real_logits = self.discriminator(self._seen(real, progress)).detach()
        self.fake = self.generator(noise)
        logits = self.discriminator(self._seen(self.fake, progress))
        match self.config.objective:
            case "non-saturating":
                loss = binary_cross_entropy(logits.sigmoid(), torch.ones_like(logits))
            case "minimax":
                loss = -binary_cross_entropy(logits.sigmoid(), torch.zeros_like(logits))
            case "least-squares":
                loss = (logits - 1).square().mean() / 2
            case "rpgan":
                loss = softplus(real_logits - logits).mean()
            case _:
                loss = -logits.mean()
        sums.generator.append(loss.item())
        update(self.generator_adam, loss)
        decay = min(self.config.ema_decay, (1 + updates) / (10 + updates))
        with torch.no_grad():
            for average, weight in zip(self.average.parameters(), self.generator.parameters(), strict=True):
                average.copy_(decay * average + (1 - decay) * weight)

    def _labels(self) -> tuple[float, float]:
        smoothing = self.config.label_smoothing
        return 1 - smoothing, smoothing if self.config.label_smoothing_sides == "two" else 0.0

    def _on_real(self, logits: Tensor, label: float) -> Tensor:
        match self.config.objective:
            case "non-saturating" | "minimax":
                return binary_cross_entropy(logits.sigmoid(), torch.full_like(logits, label))
            case "least-squares":
                return (logits - label).square().mean() / 2
            case "hinge":
                return relu(1 - logits).mean()
            case _:
                return -logits.mean()

    def _on_fake(self, logits: Tensor, label: float) -> Tensor:
        match self.config.objective:
            case "non-saturating" | "minimax":
                return binary_cross_entropy(logits.sigmoid(), torch.full_like(logits, label))
            case "least-squares":
                return (logits - label).square().mean() / 2
            case "hinge":
                return relu(1 + logits).mean()
            case _:
                return logits.mean()

    def _score(self, logits: Tensor) -> float:
        probability = self.config.objective in ("non-saturating", "minimax")
        return (logits.sigmoid() if probability else logits).mean().item()

    def _seen(self, points: Tensor, progress: float) -> Tensor:
        """Points ``(n, dim)`` with instance noise, `packing` of them side by side."""
        config = self.config
        if config.instance_noise:
            decay = config.instance_noise_decay
            left = max(0.0, 1 - progress / decay) if decay else 1.0
            noise = torch.randn(points.shape, generator=self.rng)
            points = points + config.instance_noise * left * self.data.std(dim=0) * noise
        return points.reshape(len(points) // config.packing, -1)

    def _noise(self) -> Tensor:
        shape = self.config.batch_size, self.config.latent_dim
        if self.config.latent == "uniform":
            return 2 * torch.rand(shape, generator=self.rng) - 1
        return torch.randn(shape, generator=self.rng)


def normal_cdf(z: Tensor) -> Tensor:
    """The rank of normal noise, 0 to 1."""
    return (1 + torch.erf(z / math.sqrt(2))) / 2


def scheduled(schedule: str, final: float, progress: float) -> float:
    """The share of the first value that is left."""
    match schedule:
        case "cosine":
            return final + (1 - final) * math.cos(math.pi * progress / 2) ** 2
        case "linear":
            return 1 - (1 - final) * progress
        case _:
            return 1.0


def update(adam: torch.optim.Adam, loss: Tensor) -> None:
    adam.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    adam.step()
