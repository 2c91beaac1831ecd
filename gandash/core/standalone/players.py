"""The networks of a script: two `nn.Sequential`, and the modules that a set-up needs and torch does not have."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from gandash.core.config import RunConfig
from gandash.core.objectives import OBJECTIVES

_ACTIVATIONS = {
    "relu": "nn.ReLU()",
    "leaky_relu": "nn.LeakyReLU(0.2)",
    "silu": "nn.SiLU()",
    "tanh": "nn.Tanh()",
}
_DROPOUT = '''\
class Dropout(nn.Module):
    """nn.Dropout with random numbers from `rng`: a byte decides over each number."""

    def forward(self, x):
        numbers = torch.empty((x.numel() + 7) // 8, dtype=torch.int64, device=DEVICE)
        numbers.random_(-(2**63), None, generator=rng)  # eight bytes each
        silenced = round(DROPOUT * 256)
        kept = numbers.view(torch.uint8)[: x.numel()].view_as(x) >= silenced
        return x * kept / (1 - silenced / 256)
'''
_FOURIER = '''\
class Fourier(nn.Module):
    """Append sin and cos of each coordinate at octaves pi/4, pi/2, pi, ... to the input."""

    def __init__(self, octaves: int):
        super().__init__()
        self.register_buffer("octaves", math.pi / 4 * 2.0 ** torch.arange(octaves))
GATES_MADE
    def forward(self, x):
        angles = x.unsqueeze(-1) * self.octaves
        sin, cos = angles.sin()GATED, angles.cos()GATED
        return torch.cat([x, sin.flatten(1), cos.flatten(1)], dim=1)
'''
_DIGITS = '''\
class Digits(nn.Module):
    """Show the generator the first binary digits, -1 or 1, of each random number's rank."""

    def __init__(self, OCTAVES_ARGUMENTdigits: int):
        super().__init__()
OCTAVES_MADE        self.register_buffer("powers", 2.0 ** torch.arange(1, digits + 1))

    def forward(self, z):
        rank = RANK.clamp(0.0, 1.0 - 2.0**-24)
        digits = (rank.unsqueeze(-1) * self.powers).floor().remainder(2.0) * 2 - 1
        return torch.cat([WAVES, digits.flatten(1)], dim=1)
'''


def sigmoid_last(config: RunConfig) -> bool:
    """Whether the discriminator ends in a sigmoid, as the chapter's does; a gradient penalty looks at the logits."""
    return OBJECTIVES[config.objective].probability and config.penalty == "none"


def modules(config: RunConfig) -> list[str]:
    """The classes that the networks are made of beside torch's."""
    found: list[str] = []
    if config.discriminator_fourier or config.generator_fourier:
        growing = bool(config.fourier_growth and config.discriminator_fourier)
        made = '        self.register_buffer("gates", torch.ones(octaves))  # 0: off, 1: on\n' if growing else ""
        found.append(_FOURIER.replace("GATES_MADE", made).replace("GATED", " * self.gates" if growing else ""))
    if config.latent_digits:
        octaves = bool(config.generator_fourier)
        text = _DIGITS.replace("OCTAVES_ARGUMENT", "octaves: int, " if octaves else "")
        text = text.replace("OCTAVES_MADE", "        self.waves = Fourier(octaves)\n" if octaves else "")
        text = text.replace("RANK", "((z + 1) / 2)" if config.latent == "uniform" else "torch.special.ndtr(z)")
        found.append(text.replace("WAVES", "self.waves(z)" if octaves else "z"))
    if config.dropout and config.discriminator_widths:
        found.append(_DROPOUT)
    return found


def networks(config: RunConfig, dim: int) -> str:
    """The assignments to `generator` and `discriminator`, their weights drawn in the trainer's order."""
    activation = _ACTIVATIONS[config.activation]
    features: list[str] = []
    inputs = config.latent_dim * (1 + 2 * config.generator_fourier + config.latent_digits)
    if config.latent_digits:
        numbers = (
            [config.generator_fourier, config.latent_digits] if config.generator_fourier else [config.latent_digits]
        )
        features = [f"Digits({', '.join(map(str, numbers))})"]
    elif config.generator_fourier:
        features = [f"Fourier({config.generator_fourier})"]
    generator = [*features, *_layers((inputs, *config.generator_widths, dim), [activation])]
    if config.generator_output == "relu":
        generator.append("nn.ReLU()")

    octaves = config.discriminator_fourier
    inputs = dim * config.packing * (1 + 2 * octaves)
    between = [activation, "Dropout()"] if config.dropout else [activation]
    discriminator = [f"Fourier({octaves})"] if octaves else []
    discriminator += _layers((inputs, *config.discriminator_widths, 1), between)
    if sigmoid_last(config):
        discriminator.append("nn.Sigmoid()")
    text = f"{_sequential('generator', generator)}{_sequential('discriminator', discriminator)}"
    if config.spectral_norm:
        text += (
            "for layer in discriminator:\n"
            "    if isinstance(layer, nn.Linear):\n"
            "        nn.utils.parametrizations.spectral_norm(layer)\n"
        )
    return f"torch.manual_seed(SEED)\n{text}generator.to(DEVICE)\ndiscriminator.to(DEVICE)\n"


def _layers(widths: Sequence[int], between: list[str]) -> list[str]:
    layers: list[str] = []
    for fan_in, fan_out in pairwise(widths[:-1]):
        layers += [f"nn.Linear({fan_in}, {fan_out})", *between]
    return [*layers, f"nn.Linear({widths[-2]}, {widths[-1]})"]


def _sequential(name: str, layers: list[str]) -> str:
    return f"{name} = nn.Sequential(\n" + "".join(f"    {layer},\n" for layer in layers) + ")\n"
