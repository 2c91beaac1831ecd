"""How fast this machine trains: gandash against the script that it writes and against the bare matrix products.

All candidates take turns in one process, so what else the machine does hits them alike; ratios are taken within a round
and their median is what counts.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any

import torch
from torch import Tensor

from gandash.core.config import Device, RunConfig
from gandash.core.devices import resolve_device
from gandash.core.presets import PRESETS
from gandash.core.standalone import parts
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
        TEXTBOOK: textbook_loop(endless.model_copy(update={"device": trainer.device.type})),
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


def textbook_loop(config: RunConfig) -> Epochs:
    """The script of the config (`gandash.core.standalone`), by the epoch, with `torch.nn.Dropout` in place of its own.

    The script's own dropout draws what the trainer draws; a tutorial takes torch's.
    """
    script = parts(config.model_copy(update={"early_stopping": "off"}))
    before = script.before.replace("import matplotlib.pyplot as plt\n", "")
    before = before.replace("    Dropout(),\n", "    nn.Dropout(DROPOUT),\n")
    names: dict[str, Any] = {}
    with torch.random.fork_rng(devices=[]):  # its own text, made of a checked config
        exec(compile(before, "script", "exec"), names)
    body = compile(script.epoch, "epoch of the script", "exec")
    done = 0

    def train(epochs: int) -> None:
        nonlocal done
        for _ in range(epochs):
            done += 1
            names["epoch"] = done
            with redirect_stdout(io.StringIO()):
                exec(body, names)

    return train


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
