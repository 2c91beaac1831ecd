"""Both networks of a set-up as a diagram has them: layers from left to right, and what lies between two of them.

It is worked out from the config alone, without torch, so that it changes while the knobs do.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from gandash.core.config import RunConfig
from gandash.core.objectives import OBJECTIVES

ACTIVATIONS = {"relu": "ReLU", "leaky_relu": "Leaky ReLU", "silu": "SiLU", "tanh": "tanh"}


@dataclass(frozen=True)
class Layer:
    """One column: what it is, how many numbers it has, and what is done to them."""

    title: str
    width: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Player:
    """A network: its layers, and the parameters of the linear map between each two of them.

    A map without parameters makes features of its input: it has none that are trained.
    """

    name: str
    title: str
    layers: tuple[Layer, ...]
    parameters: tuple[int, ...]

    @property
    def total(self) -> int:
        """All parameters that are trained."""
        return sum(self.parameters)


def players(config: RunConfig) -> tuple[Player, Player]:
    """Generator and discriminator.

    >>> [player.total for player in players(RunConfig())]
    [658, 41985]
    """
    return _generator(config), _discriminator(config)


def _generator(config: RunConfig) -> Player:
    noise = "N(0, 1)" if config.latent == "normal" else "uniform on [-1, 1]"
    features = _counted(config.generator_fourier, "octave") + _counted(config.latent_digits, "digit")
    seen = config.latent_dim * (1 + 2 * config.generator_fourier + config.latent_digits)
    out = ("ReLU",) if config.generator_output == "relu" else ()
    target = config.target.build()
    last = Layer("Vector" if target.numbers else "Point", target.dim, out)
    first = Layer("Noise", config.latent_dim, (noise,))
    return _player("generator", "Generator", config, first, features, seen, config.generator_widths, last)


def _discriminator(config: RunConfig) -> Player:
    target = config.target.build()
    inputs = target.dim * config.packing
    packed = (f"pack of {config.packing}",) if config.packing > 1 else ()
    first = Layer("Vector" if target.numbers else "Point", inputs, packed)
    features = _counted(config.discriminator_fourier, "octave")
    seen = inputs * (1 + 2 * config.discriminator_fourier)
    last = Layer("Answer", 1, ("sigmoid" if OBJECTIVES[config.objective].probability else "score",))
    widths = config.discriminator_widths
    return _player("discriminator", "Discriminator", config, first, features, seen, widths, last)


def _player(
    name: str,
    title: str,
    config: RunConfig,
    first: Layer,
    features: tuple[str, ...],
    seen: int,
    widths: tuple[int, ...],
    last: Layer,
) -> Player:
    after = [ACTIVATIONS[config.activation]]
    if name == "discriminator" and config.dropout:
        after.append(f"dropout {config.dropout:g}")
    hidden = [Layer(f"Hidden {place}", width, tuple(after)) for place, width in enumerate(widths, 1)]
    made = [Layer("Features", seen, features)] if features else []
    layers = (first, *made, *hidden, last)
    sizes = [inputs.width * outputs.width + outputs.width for inputs, outputs in pairwise(layers)]
    return Player(name, title, layers, tuple([0, *sizes[1:]] if made else sizes))


def _counted(count: int, what: str) -> tuple[str, ...]:
    return (f"{count} {what}{'s' if count > 1 else ''}",) if count else ()
