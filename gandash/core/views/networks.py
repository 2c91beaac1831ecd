"""The weights of both networks, and what the last step did to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gandash.core.config import RunConfig
from gandash.core.views.view import Arrays, View

if TYPE_CHECKING:
    from torch import Tensor, nn

    from gandash.core.adam import Adam
    from gandash.core.trainer import Trainer

MOST = 64
"""Rows and columns of a picture of weights at most."""


def weights(trainer: Trainer) -> Arrays:
    """`weights:generator:0`, `step:generator:0` and so on, a pair for each linear layer of both, from the input on.

    There is no step before the first one, and none at a kept moment, of which the weights alone are known. Of
    spectrally normalised layers they are the weights as they are trained, before they are divided by their norm.
    """
    game = trainer.game
    found: dict[str, NDArray[np.float32]] = {}
    players = {
        "generator": (game.generator, game.generator_weights, game.generator_adam),
        "discriminator": (game.discriminator, game.discriminator_weights, game.discriminator_adam),
    }
    for name, (network, flat, adam) in players.items():
        step = last_step(adam)
        for place, (start, shape) in enumerate(_layers(network, flat)):
            end = start + shape[0] * shape[1]
            for what, values in (("weights", flat.detach()), ("step", step)):
                if values is not None:
                    found[f"{what}:{name}:{place}"] = smaller(values[start:end].view(shape).cpu().numpy())
    return found


def last_step(adam: Adam) -> Tensor | None:
    """By how much the newest step of Adam has moved each weight: -lr · m̂ / (√v̂ + ε); None before the first.

    Kingma & Ba 2015, algorithm 1: the moments are those that the step was made with, so nothing need be kept for it.
    """
    steps = float(adam.steps)
    if not steps:
        return None
    beta1, beta2 = adam.betas
    mean, square = adam.mean / (1 - beta1**steps), adam.square / (1 - beta2**steps)
    step: Tensor = -adam.lr * mean / (square.sqrt() + adam.EPSILON)
    return step


def _layers(network: nn.Sequential, flat: Tensor) -> list[tuple[int, tuple[int, int]]]:
    """Where each linear layer's weights begin in the flat parameter, and their shape (outputs, inputs)."""
    place, found = 0, []
    for parameter in network.parameters():
        if parameter.ndim == 2:
            found.append((place, (parameter.shape[0], parameter.shape[1])))
        place += parameter.numel()
    assert place == flat.numel()
    return found


def smaller(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """A matrix of at most 64 by 64 that shows a larger one: of each block the value that is largest by size."""
    for axis in (0, 1):
        size = matrix.shape[axis]
        if size > MOST:
            starts = np.linspace(0, size, MOST, endpoint=False).astype(int)
            low, high = np.minimum.reduceat(matrix, starts, axis=axis), np.maximum.reduceat(matrix, starts, axis=axis)
            matrix = np.where(-low > high, low, high)
    return np.array(matrix, np.float32, order="C")


def anything(config: RunConfig) -> bool:
    """Every run has networks."""
    return True


NETWORKS = View(
    "networks",
    "Networks",
    "The weights of both networks, and what the last step did to them",
    "",
    weights,
    anything,
    in_picture=False,
)
