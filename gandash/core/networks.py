"""The two players: plain multi-layer perceptrons, as readable as the textbook's `nn.Sequential`.

The discriminator ends in a logit; the sigmoid belongs to what is shown, so that the losses stay numerically stable.
"""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import torch
from torch import Tensor, nn

from gandash.core.config import RunConfig

aten = torch.ops.aten

LEAKY_SLOPE = 0.2
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(LEAKY_SLOPE),
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


_initialising = threading.Lock()


@contextmanager
def initialised(seed: int) -> Iterator[None]:
    """Layers that are made meanwhile have the first weights of this seed, and torch's random numbers stay as they were.

    Layers draw from numbers that the whole process shares, so no two threads make theirs at once. GPUs' own are left
    alone, which `torch.manual_seed` sets too.
    """
    with _initialising, torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield


class FourierFeatures(nn.Module):
    """Append sin and cos of every coordinate at octaves π/4, π/2, π, … to the input (Tancik 2020, section 4).

    Input ``(n, d)``, output ``(n, d + 2 · d · octaves)``: the raw input first, then all sines, then all cosines.
    `gates`, one number an octave from 0 to 1, scale the octaves, so that they can be switched on one after another.
    """

    gates: Tensor
    frequencies: Tensor

    def __init__(self, dim: int, octaves: int, lowest: float = math.pi / 4) -> None:
        super().__init__()
        self.register_buffer(
            "frequencies", lowest * 2.0 ** torch.arange(octaves, dtype=torch.float32), persistent=False
        )
        self.register_buffer("gates", torch.ones(octaves, dtype=torch.float32), persistent=False)
        self.out_features = dim + 2 * dim * octaves

    def forward(self, x: Tensor) -> Tensor:
        sin, cos = self.waves(x)
        return torch.cat([x, sin, cos], dim=1)

    def waves(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """All sines and all cosines, each ``(n, d · octaves)``."""
        angles = x.unsqueeze(-1) * self.frequencies
        return (angles.sin() * self.gates).flatten(1), (angles.cos() * self.gates).flatten(1)


class LatentFeatures(nn.Module):
    """What a generator sees of its noise: the noise, sin and cos of it at octaves, and binary digits of its rank.

    Input ``(n, d)``, output ``(n, d + 2 · d · octaves + d · digits)``. The rank of a coordinate is its place from 0 to
    1 in the latent distribution; its first `digits` binary digits come as -1 or 1. They cut the latent space into cells
    of equal probability at whose edges the generator may jump. A continuous generator has to draw bridges between
    modes that lie apart (Khayatkhoei 2018; Tanielian 2020, theorem 1).
    """

    powers: Tensor

    def __init__(self, dim: int, octaves: int, digits: int, uniform: bool) -> None:
        super().__init__()
        self.waves = FourierFeatures(dim, octaves)
        self.register_buffer("powers", 2.0 ** torch.arange(1, digits + 1, dtype=torch.float32), persistent=False)
        self.uniform = uniform
        self.out_features = self.waves.out_features + dim * digits

    def forward(self, z: Tensor) -> Tensor:
        rank = (z + 1) / 2 if self.uniform else torch.special.ndtr(z)
        digits = (rank.clamp(0.0, 1.0 - 2**-24).unsqueeze(-1) * self.powers).floor().remainder(2.0) * 2 - 1
        return torch.cat([self.waves(z), digits.flatten(1)], dim=1)


class Dropout(nn.Module):
    """Inverted dropout whose random numbers come from a given generator, a byte an element.

    Silences each element with probability `p` rounded to 1/256 and divides the others by the probability of being kept,
    so the expected value is exact. `torch.nn.Dropout` draws one number an element from a serial generator on CPU, which
    alone is a third of the textbook's step.
    """

    kept: Tensor

    def __init__(self, p: float, rng: torch.Generator | None) -> None:
        super().__init__()
        self.p = p
        self.rng = rng
        self.silenced = round(p * 256)
        kept = torch.tensor(256 / (256 - self.silenced), dtype=torch.float32)
        self.register_buffer("kept", kept, persistent=False)

    def draw(self, out: Tensor) -> Tensor:
        """Fill a contiguous float32 tensor with random factors, each 0 or 1 / (share kept)."""
        words = torch.empty((out.numel() + 7) // 8, dtype=torch.int64, device=out.device)
        words.random_(torch.iinfo(torch.int64).min, None, generator=self.rng)
        out.copy_(words.view(torch.uint8)[: out.numel()].view_as(out))  # float arithmetic: bool masks are slow on CPU
        # in one pass: `kept` where the byte is above the threshold, 0 elsewhere
        aten.threshold_backward.grad_input(self.kept.expand_as(out), out, self.silenced - 0.5, grad_input=out)
        return out

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.silenced:
            return x
        return x * self.draw(torch.empty_like(x, memory_format=torch.contiguous_format))

    def extra_repr(self) -> str:
        return f"p={self.p}"


def mlp(
    widths: Sequence[int], activation: str, *, dropout: float = 0.0, rng: torch.Generator | None = None
) -> nn.Sequential:
    """Linear layers of these widths, input and output included, with the activation (and dropout) between them."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths[:-1]):
        layers += [nn.Linear(fan_in, fan_out, dtype=torch.float32), ACTIVATIONS[activation]()]
        if dropout:
            layers.append(Dropout(dropout, rng))
    layers.append(nn.Linear(widths[-2], widths[-1], dtype=torch.float32))
    return nn.Sequential(*layers)


def build_generator(config: RunConfig, dim: int) -> nn.Sequential:
    """Noise ``(n, latent_dim)`` to points ``(n, dim)`` in the units that training works in."""
    output = [nn.ReLU()] if config.generator_output == "relu" else []
    if not config.generator_fourier and not config.latent_digits:
        return nn.Sequential(*mlp((config.latent_dim, *config.generator_widths, dim), config.activation), *output)
    features = LatentFeatures(
        config.latent_dim, config.generator_fourier, config.latent_digits, config.latent == "uniform"
    )
    body = mlp((features.out_features, *config.generator_widths, dim), config.activation)
    return nn.Sequential(features, *body, *output)


def build_discriminator(config: RunConfig, dim: int, rng: torch.Generator | None = None) -> nn.Sequential:
    """Packs of points ``(n, dim · packing)`` to logits ``(n, 1)``; `rng` drives the dropout."""
    inputs = dim * config.packing
    layers: list[nn.Module] = []
    if config.discriminator_fourier:
        features = FourierFeatures(inputs, config.discriminator_fourier)
        layers.append(features)
        inputs = features.out_features
    layers += mlp((inputs, *config.discriminator_widths, 1), config.activation, dropout=config.dropout, rng=rng)
    if config.spectral_norm:
        for layer in layers:
            if isinstance(layer, nn.Linear):
                nn.utils.parametrizations.spectral_norm(layer)
    return nn.Sequential(*layers)
