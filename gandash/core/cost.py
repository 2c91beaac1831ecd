"""What a run would cost, from its config alone: arithmetic, time and memory, before anything is built. No torch here.

Counted are the multiply-adds of the linear layers, the passes over their activations and the work on each weight, all
phases of a step and the gradient penalty included. Seconds are those of one CPU core that does half of what the machine
did on which the rates were measured (an AMD EPYC with AVX2, one thread, torch 2.13: 42 products, so 20 here), which
leaves room for older processors and busy ones. A GPU is faster, and is not estimated; where there is one, CUDA itself
takes some 800 MB more of each worker, which count for no run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from gandash.core.config import RunConfig
from gandash.core.objectives import OBJECTIVES
from gandash.core.problems import Problem

PRODUCTS_A_SECOND = 20e9
"""Multiply-adds that a core does in a second."""
ELEMENT_SECONDS = 3e-9
"""For one number of a hidden layer: activation and dropout, forwards or backwards."""
WEIGHT_SECONDS = 4e-9
"""For one weight in an update: gradient, moments, step."""
CALL_SECONDS = 3e-4
"""For what an update costs beside its numbers: calls of small operations."""

PROCESS_BYTES = 400 * 10**6
"""A worker with torch and SciPy loaded, before its first run."""
CHECKPOINT_COPIES = 4
"""As often a checkpoint is in memory when a worker hands it over: taken in, written, cut to size, sent."""
CHECKPOINT_REST = 24_000
"""Bytes of a checkpoint beside its tensors: names, config, the state of the random numbers."""
MEASURED_POINTS = 8000
"""The most points that are drawn at once, to measure a generator."""

_FLOAT = 4


@dataclass(frozen=True)
class Cost:
    """What training a config takes.

    `parameters` of both networks; `multiply_adds` of a step, which is a pass through all phases; `step_seconds` on one
    core; `point_seconds` to draw one point of the generator; `checkpoint_bytes` without history; `memory_bytes` of a
    worker process that trains this run and no other.
    """

    parameters: int
    multiply_adds: int
    step_seconds: float
    point_seconds: float
    checkpoint_bytes: int
    memory_bytes: int


@dataclass(frozen=True)
class CostLimits:
    """The most that a run may cost: seconds a step, and gigabytes a worker; None for any amount.

    With `gpu` the device `auto` is a GPU, whose steps are not limited.
    """

    step_seconds: float | None = None
    memory: float | None = None
    gpu: bool = False


@dataclass(frozen=True)
class _Network:
    """The linear layers of a perceptron: (inputs, outputs) of each, and the sum of its hidden widths."""

    layers: tuple[tuple[int, int], ...]
    hidden: int

    @classmethod
    def of(cls, widths: Sequence[int]) -> _Network:
        return cls(tuple(pairwise(widths)), sum(widths[1:-1]))

    @property
    def products(self) -> int:
        """Multiply-adds of one pass, forwards or backwards, of one row; also its weights without biases."""
        return sum(inputs * outputs for inputs, outputs in self.layers)

    @property
    def parameters(self) -> int:
        return self.products + sum(outputs for _, outputs in self.layers)


@dataclass
class _Work:
    """What is done, added up."""

    products: float = 0.0
    elements: float = 0.0
    weights: float = 0.0
    calls: float = 0.0

    def passes(self, network: _Network, rows: float, count: float) -> None:
        """So many passes over as many rows: a forward one, one for the weights' gradients, one for the signals."""
        self.products += count * rows * network.products
        self.elements += count * rows * network.hidden

    def update(self, network: _Network) -> None:
        """A step of the optimizer."""
        self.weights += network.parameters
        self.calls += 1

    @property
    def seconds(self) -> float:
        return (
            self.products / PRODUCTS_A_SECOND
            + self.elements * ELEMENT_SECONDS
            + self.weights * WEIGHT_SECONDS
            + self.calls * CALL_SECONDS
        )


def estimate(config: RunConfig) -> Cost:
    """What it costs to train this config; a few microseconds.

    >>> estimate(RunConfig()).parameters
    42643
    """
    generator, discriminator = networks(config)
    step, point = _step(config, generator, discriminator), _Work()
    point.passes(generator, 1, 1)
    checkpoint = _checkpoint_bytes(config, generator, discriminator)
    return Cost(
        parameters=generator.parameters + discriminator.parameters,
        multiply_adds=round(step.products),
        step_seconds=step.seconds,
        point_seconds=point.seconds,
        checkpoint_bytes=checkpoint,
        memory_bytes=_memory_bytes(config, generator, discriminator, checkpoint),
    )


@lru_cache(maxsize=256)
def chunk_seconds(config: RunConfig) -> float:
    """Seconds of what a worker does not interrupt: a step, and a measurement of the generator."""
    cost = estimate(config)
    return cost.step_seconds + MEASURED_POINTS * cost.point_seconds


def too_dear(config: RunConfig, limits: CostLimits) -> Problem | None:
    """Why a run would cost more than is allowed and what to do, or None if it may start."""
    cost, found = estimate(config), []
    on_cpu = config.device == "cpu" or (config.device == "auto" and not limits.gpu)
    if on_cpu and limits.step_seconds is not None and cost.step_seconds > limits.step_seconds:
        found.append(f"one step would take about {cost.step_seconds:,.1f} s, and {limits.step_seconds:g} s is the most")
    if limits.memory is not None and cost.memory_bytes > limits.memory * 1e9:
        needed = f"a worker would need about {cost.memory_bytes / 1e9:,.1f} GB of memory"
        found.append(f"{needed}, and {limits.memory:.1f} GB is the most")
    if not found:
        return None
    return Problem(
        None,
        f"this set-up is too large for this server: {'; '.join(found)}. Take a smaller batch, narrower layers or fewer "
        "of them; python -m gandash train has no such limit",
    )


def networks(config: RunConfig) -> tuple[_Network, _Network]:
    """The layers of generator and discriminator, their features included."""
    dim, latent = config.target.build().dim, config.latent_dim
    noise = latent * (1 + 2 * config.generator_fourier + config.latent_digits)
    seen = dim * config.packing * (1 + 2 * config.discriminator_fourier)
    return (
        _Network.of((noise, *config.generator_widths, dim)),
        _Network.of((seen, *config.discriminator_widths, 1)),
    )


def _closed_form(config: RunConfig) -> bool:
    """Whether gradients are written out, as `gandash.core.game.choose_gradients` decides."""
    smooth = config.activation in ("silu", "tanh")
    return not config.spectral_norm and not (smooth and config.penalty != "none")


def _step(config: RunConfig, generator: _Network, discriminator: _Network) -> _Work:
    """One pass through all phases."""
    work = _Work()
    batch, rows = config.batch_size, config.batch_size / config.packing
    for _ in range(config.discriminator_steps):
        if config.discriminator_updates == "separate":
            work.passes(discriminator, rows, 3)
            work.update(discriminator)
            work.passes(generator, batch, 1)
            work.passes(discriminator, rows, 3)
            work.update(discriminator)
            continue
        work.passes(generator, batch, 1)
        kinds = 3 if config.penalty == "wgan-gp" else 2  # real, generated, and between them
        with_penalty = 4 if _closed_form(config) else 8  # the tangents; a second backward pass
        count = 3 if config.penalty == "none" else with_penalty
        work.passes(discriminator, kinds * rows, count)
        work.update(discriminator)
    work.passes(generator, batch, 3)
    work.passes(discriminator, rows, 3 if OBJECTIVES[config.objective].pairs else 2)
    work.update(generator)
    if config.spectral_norm:  # power iteration, and each weight divided
        work.weights += 2 * discriminator.parameters * (work.calls + 1)
    return work


def _generators(config: RunConfig) -> int:
    """How many generators are kept: as they are and as they were when last healthy, and the best."""
    return (4 if config.ema_decay else 2) + 1


def _checkpoint_bytes(config: RunConfig, generator: _Network, discriminator: _Network) -> int:
    """Both networks with two moments a weight, the generators that are kept, the last generated batch."""
    dim = config.target.build().dim
    floats = (2 + _generators(config)) * generator.parameters + 3 * discriminator.parameters + config.batch_size * dim
    return _FLOAT * floats + CHECKPOINT_REST


def _memory_bytes(config: RunConfig, generator: _Network, discriminator: _Network, checkpoint: int) -> int:
    """Weights, gradients and moments, generators kept and drawn from, data, activations, checkpoints in hand."""
    dim, batch = config.target.build().dim, config.batch_size
    weights = (3 + _generators(config) + 3) * generator.parameters + 4 * discriminator.parameters
    data = 5 * config.points * dim
    joint = config.discriminator_updates == "joint"
    rows = batch / config.packing * (1 + (3 if config.penalty == "wgan-gp" else 2) * joint)
    each = 2 + 2 * bool(config.dropout) + (config.penalty != "none")  # output, signal; input, factor; tangent
    if not _closed_form(config):
        each *= 2  # autograd keeps what the passes need, and makes anew what it returns
    activations = rows * each * discriminator.hidden + 3 * batch * generator.hidden
    measuring = 2 * MEASURED_POINTS * max((*config.generator_widths, dim))
    floats = weights + data + activations + measuring
    return PROCESS_BYTES + round(_FLOAT * floats) + CHECKPOINT_COPIES * checkpoint
