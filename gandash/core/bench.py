"""How fast this machine trains: gandash against the textbook's loop and against the bare matrix products.

All candidates take turns in one process, so what else the machine does hits them alike; ratios are taken within a round
and their median is what counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from gandash.core.config import Device, RunConfig
from gandash.core.devices import resolve_device
from gandash.core.networks import ACTIVATIONS
from gandash.core.objectives import OBJECTIVES
from gandash.core.presets import PRESETS
from gandash.core.trainer import Trainer

GANDASH, MEASURING, TEXTBOOK, PRODUCTS = "gandash", "gandash, measuring", "textbook loop", "matrix products"
WARM_UP_EPOCHS = 3
SETUPS: Mapping[str, RunConfig] = {
    "textbook": PRESETS["textbook-exponential"],
    "textbook without dropout": PRESETS["textbook-exponential"].model_copy(update={"dropout": 0.0}),
    "best preset of the 25 Gaussians": PRESETS["best-grid25"].model_copy(update={"points": 4096}),
}

Epochs = Callable[[int], object]
"""Trains for so many epochs."""


@dataclass(frozen=True)
class Comparison:
    """Steps a second of every candidate, by its name, in each round."""

    rates: Mapping[str, tuple[float, ...]]

    def rate(self, name: str) -> float:
        """The median of a candidate's steps a second."""
        return median(self.rates[name])

    def ratio(self, name: str, other: str) -> float:
        """The median over the rounds of how many times as fast one candidate is as the other."""
        return median(a / b for a, b in zip(self.rates[name], self.rates[other], strict=True))


def compare(config: RunConfig, rounds: int = 5, seconds: float = 1.0) -> Comparison:
    """Let the trainer, the plain loop and the products alone take turns, each for so many seconds a round.

    The trainer comes twice: training alone, as the plain loop does, and measuring as often as the config says, as a run
    does. The products are compared where they are those of the config's step: on CPU, for the textbook's three updates.
    """
    endless = config.model_copy(update={"early_stopping": "off", "epochs": 10_000})
    trainer, measuring = Trainer(endless.model_copy(update={"evaluate_every": 1000})), Trainer(endless)
    candidates: dict[str, Epochs] = {
        GANDASH: trainer.advance,
        MEASURING: measuring.advance,
        TEXTBOOK: textbook_loop(config, trainer.device),
    }
    if trainer.device.type == "cpu" and _three_updates(config):
        candidates[PRODUCTS] = matrix_products(config)
    for train in candidates.values():
        train(WARM_UP_EPOCHS)
    rates: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(rounds):
        for name, train in candidates.items():
            rates[name].append(config.batches_per_epoch * _rate(train, seconds, trainer.device))
    assert trainer.state == "running", trainer.message
    return Comparison({name: tuple(values) for name, values in rates.items()})


def report(device: Device, rounds: int, threads: int) -> None:
    """Print a table of steps a second on this machine; raises `ValueError` for hardware that is not there."""
    resolve_device(device)
    torch.set_num_threads(threads)
    print(
        f"torch {torch.__version__}, {resolve_device(device)}, {threads} thread{'s' * (threads > 1)}, {rounds} rounds"
    )
    row = "{:<34}{:>12}{:>12}{:>16}{:>9}{:>20}"
    print(row.format("set-up", "steps/s", "measuring", "plain loop", "times", "share of products"))
    for title, config in SETUPS.items():
        found = compare(config.model_copy(update={"device": device}), rounds)
        share = f"{found.ratio(GANDASH, PRODUCTS):.0%}" if PRODUCTS in found.rates else "–"
        rates = (f"{found.rate(name):,.0f}" for name in (GANDASH, MEASURING, TEXTBOOK))
        print(row.format(title, *rates, f"{found.ratio(GANDASH, TEXTBOOK):.2f}", share), flush=True)


def _three_updates(config: RunConfig) -> bool:
    """Whether a step is the textbook's: the discriminator on real, then on generated points, then the generator."""
    return config.discriminator_updates == "separate" and config.discriminator_steps == 1


def _rate(train: Epochs, seconds: float, device: torch.device) -> float:
    """Epochs a second."""
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        train(1)
        count += 1
    if device.type != "cpu":
        torch.accelerator.synchronize()
    return count / (time.perf_counter() - start)


def textbook_loop(config: RunConfig, device: torch.device) -> Epochs:
    """The config's networks and updates as a tutorial writes them.

    A `DataLoader`, `torch.nn.Dropout`, autograd everywhere, `torch.optim.Adam` as it comes, the losses read in every
    step; for the textbook's objective `BCELoss` on a sigmoid.
    """
    plain = config.objective == "non-saturating" and _three_updates(config)
    dim = config.target.build().dim
    generator = _plain_mlp((config.latent_dim, *config.generator_widths, dim), config.activation).to(device)
    critic = _plain_mlp((dim, *config.discriminator_widths, 1), config.activation, config.dropout).to(device)
    if config.spectral_norm:
        for layer in critic:
            if isinstance(layer, nn.Linear):
                nn.utils.parametrizations.spectral_norm(layer)
    discriminator = nn.Sequential(critic, nn.Sigmoid()) if plain else critic
    data = torch.from_numpy(Trainer(config).real_points(config.points))
    loader = DataLoader(TensorDataset(data), config.batch_size, shuffle=True, drop_last=True)
    betas = (config.beta1, config.beta2)
    generator_adam = torch.optim.Adam(generator.parameters(), config.generator_lr, betas)
    discriminator_adam = torch.optim.Adam(discriminator.parameters(), config.discriminator_lr, betas)
    losses: list[float] = []
    bce = nn.BCELoss()
    real_labels = torch.ones(config.batch_size, 1, device=device)
    fake_labels = torch.zeros(config.batch_size, 1, device=device)

    def noise() -> Tensor:
        return torch.randn(config.batch_size, config.latent_dim, device=device)

    def textbook_step(real: Tensor) -> None:
        discriminator_adam.zero_grad()
        on_real = bce(discriminator(real), real_labels)
        on_real.backward()
        discriminator_adam.step()

        discriminator_adam.zero_grad()
        on_fake = bce(discriminator(generator(noise()).detach()), fake_labels)
        on_fake.backward()
        discriminator_adam.step()

        generator_adam.zero_grad()
        on_generator = bce(discriminator(generator(noise())), real_labels)
        on_generator.backward()
        generator_adam.step()
        losses[:] = [on_real.item(), on_fake.item(), on_generator.item()]

    def other_step(real: Tensor) -> None:
        objective = OBJECTIVES[config.objective]
        discriminator_adam.zero_grad()
        fake = generator(noise()).detach()
        seen = [real.requires_grad_(), fake.requires_grad_()]
        if config.penalty == "wgan-gp":
            seen.append(torch.lerp(real, fake, torch.rand(len(real), 1, device=device)).detach().requires_grad_())
        logits = [discriminator(points) for points in seen]
        on_both = objective.discriminator(logits[0], logits[1])[0]
        if config.penalty != "none":
            slopes = [torch.autograd.grad(d.sum(), x, create_graph=True)[0] for d, x in zip(logits, seen, strict=True)]
            on_both = on_both + config.penalty_weight * _plain_penalty(config.penalty, slopes)
        on_both.backward()  # type: ignore[no-untyped-call]
        discriminator_adam.step()
        losses.append(on_both.item())
        if len(losses) < config.discriminator_steps:
            return
        generator_adam.zero_grad()
        real_logits = discriminator(real)
        on_generator = objective.generator(real_logits, discriminator(generator(noise())))[0]
        on_generator.backward()  # type: ignore[no-untyped-call]
        generator_adam.step()
        on_generator.item()
        losses.clear()

    step = textbook_step if plain else other_step

    def train(epochs: int) -> None:
        for _ in range(epochs):
            for (real,) in loader:
                step(real.to(device))

    return train


def _plain_mlp(widths: tuple[int, ...], activation: str, dropout: float = 0.0) -> nn.Sequential:
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths[:-1]):
        layers += [nn.Linear(fan_in, fan_out), ACTIVATIONS[activation]()]
        if dropout:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Linear(widths[-2], widths[-1]))


def _plain_penalty(kind: str, slopes: list[Tensor]) -> Tensor:
    if kind == "wgan-gp":
        distance: Tensor = torch.linalg.vector_norm(slopes[2], dim=1) - 1
        return distance.square().mean()
    wanted = {"r1": slopes[:1], "r2": slopes[1:2]}.get(kind, slopes[:2])
    return sum((slope.square().sum(dim=1).mean() / 2 for slope in wanted), torch.zeros(()))


def matrix_products(config: RunConfig) -> Epochs:
    """The products of a textbook step and nothing else: no bias, no activation, no loss, no optimizer.

    Each discriminator update multiplies forward, for the weights' gradients and for the signals between layers; the
    generator update does so for the generator and, without weights' gradients, for the discriminator.
    """
    dim = config.target.build().dim
    generator = _layers((config.latent_dim, *config.generator_widths, dim), config.batch_size)
    discriminator = _layers((dim, *config.discriminator_widths, 1), config.batch_size)

    def train(epochs: int) -> None:
        for _ in range(epochs * config.batches_per_epoch):
            for _ in range(2):
                _forward(discriminator)
                _backward(discriminator, weights=True, to_input=False)
            _forward(generator)
            _forward(generator)
            _forward(discriminator)
            _backward(discriminator, weights=False, to_input=True)
            _backward(generator, weights=True, to_input=False)

    return train


@dataclass(frozen=True)
class _Layer:
    weight: Tensor
    x: Tensor
    y: Tensor
    weight_gradient: Tensor
    x_gradient: Tensor


def _layers(widths: tuple[int, ...], batch: int) -> list[_Layer]:
    return [
        _Layer(
            torch.randn(fan_out, fan_in),
            torch.randn(batch, fan_in),
            torch.randn(batch, fan_out),
            torch.empty(fan_out, fan_in),
            torch.empty(batch, fan_in),
        )
        for fan_in, fan_out in pairwise(widths)
    ]


def _forward(layers: list[_Layer]) -> None:
    for layer in layers:
        torch.mm(layer.x, layer.weight.t(), out=layer.y)


def _backward(layers: list[_Layer], *, weights: bool, to_input: bool) -> None:
    for place, layer in reversed(list(enumerate(layers))):
        if weights:
            torch.mm(layer.y.t(), layer.x, out=layer.weight_gradient)
        if place or to_input:
            torch.mm(layer.y, layer.weight, out=layer.x_gradient)
