"""What the two players play for: a registry of objectives, each described here and nowhere else.

An objective is its losses, small pure functions on logits, and what the rest of gandash must know of it: its title, the
knobs that its paper recommends, whether D(x) is a probability, whether its losses have labels. `D` is the
discriminator's raw output, of shape ``(n, 1)``. Every loss is a mean and comes with its slope, the gradient with
respect to the logits: written out it is a line, where autograd takes longer than the products of a small network. An
objective has either two separate terms, one on real and one on generated points, or one term on pairs of both.

Importing this module loads no torch, so that configs and pages can read the descriptions; calling a loss does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

Sloped = tuple["Tensor", "Tensor"]
"""A loss, of shape ``()``, and its gradient with respect to the logits it was given."""
OnPoints = Callable[["Tensor", float], Sloped]
"""A loss from logits and the label they should have, 1 for real unless smoothed."""
OnPairs = Callable[["Tensor", "Tensor"], tuple["Tensor", "Tensor", "Tensor"]]
"""A loss from the logits of real and of generated points, and its slopes in this order."""
OnFake = Callable[["Tensor", "Tensor"], Sloped]
"""The generator's loss from the logits of real and of generated points, and its slope at the generated ones."""


@dataclass(frozen=True, eq=False)
class Objective:
    """One game: `on_real` and `on_fake` or else `on_pairs` for the discriminator, and `generator`.

    `defaults` are the knobs that its paper recommends where they differ from the textbook's recipe; a value given
    explicitly wins. With `probability` D(x), after a sigmoid, is the probability of being real; otherwise it is a score
    without bounds. `labels` tells whether its losses have labels that can be smoothed. `guess` is the logit of a point
    that may as well be real as generated; None where only differences of scores mean something. Only the pairing losses
    look at the real logits that `generator` is given.
    """

    name: str
    title: str
    source: str
    generator: OnFake
    on_real: OnPoints | None = None
    on_fake: OnPoints | None = None
    on_pairs: OnPairs | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)
    probability: bool = False
    labels: bool = False
    guess: float | None = None

    @property
    def pairs(self) -> bool:
        """Whether both losses need real and generated points at once."""
        return self.on_pairs is not None

    def discriminator(
        self, real: Tensor, fake: Tensor, labels: tuple[float, float] = (1.0, 0.0)
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The discriminator's loss on a batch of each kind, with its slopes; `labels` are those of real and fake."""
        if self.on_pairs is not None:
            return self.on_pairs(real, fake)
        assert self.on_real is not None and self.on_fake is not None
        real_loss, real_slope = self.on_real(real, labels[0])
        fake_loss, fake_slope = self.on_fake(fake, labels[1])
        return real_loss + fake_loss, real_slope, fake_slope


def bce(logits: Tensor, label: float) -> Sloped:
    """Binary cross-entropy of σ(D) against one label for all: -label · log σ(D) - (1 - label) · log(1 - σ(D))."""
    from torch.nn.functional import softplus

    value = softplus(logits).sub(logits, alpha=label).mean()
    return value, logits.sigmoid().sub_(label).div_(len(logits))


def minus_bce(logits: Tensor, label: float) -> Sloped:
    """What a player maximises who minimises `bce`'s negative."""
    value, slope = bce(logits, label)
    return -value, -slope


def squared(logits: Tensor, label: float) -> Sloped:
    """Half the squared distance to the label."""
    distance = logits - label
    return 0.5 * distance.square().mean(), distance / len(logits)


def hinge(logits: Tensor, sign: float) -> Sloped:
    """How far the logits fall short of a margin of 1 on the side that `sign` names."""
    shortfall = (1 - sign * logits).relu()
    return shortfall.mean(), shortfall.sign() * (-sign / len(logits))


def mean_score(logits: Tensor, sign: float) -> Sloped:
    """The mean logit, or its negative."""
    return sign * logits.mean(), logits.new_full(logits.shape, sign / len(logits))


def pairing(worse: Tensor, better: Tensor) -> tuple[Tensor, Tensor]:
    """How little `better` is above `worse`, pair by pair, and the slope at `worse`; at `better` it is the negative."""
    from torch.nn.functional import softplus

    lead = worse - better
    return softplus(lead).mean(), lead.sigmoid() / len(lead)


def _discriminator_pairs(real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    value, slope = pairing(worse=fake, better=real)
    return value, -slope, slope


def _generator_pairs(real: Tensor, fake: Tensor) -> Sloped:
    value, slope = pairing(worse=real, better=fake)
    return value, -slope


_ALL = (
    Objective(
        "non-saturating",
        "Non-saturating (the textbook's)",
        "Goodfellow 2014, section 3: the generator maximises log D(G(z)); the textbook's loss",
        on_real=bce,
        on_fake=bce,
        generator=lambda real, fake: bce(fake, 1.0),
        probability=True,
        labels=True,
        guess=0.0,
    ),
    Objective(
        "minimax",
        "Minimax, saturating",
        "Goodfellow 2014, equation 1: the generator minimises log(1 - D(G(z))), which saturates",
        on_real=bce,
        on_fake=bce,
        generator=lambda real, fake: minus_bce(fake, 0.0),
        probability=True,
        labels=True,
        guess=0.0,
    ),
    Objective(
        "least-squares",
        "Least squares",
        "Mao 2017 (LSGAN), equation 9: labels 0 and 1, the generator aims at 1",
        on_real=squared,
        on_fake=squared,
        generator=lambda real, fake: squared(fake, 1.0),
        defaults={"discriminator_updates": "joint", "beta1": 0.5},
        labels=True,
        guess=0.5,
    ),
    Objective(
        "hinge",
        "Hinge",
        "Lim & Ye 2017 (geometric GAN); Miyato 2018, equations 16 and 17",
        on_real=lambda logits, label: hinge(logits, 1.0),
        on_fake=lambda logits, label: hinge(logits, -1.0),
        generator=lambda real, fake: mean_score(fake, -1.0),
        defaults={
            "discriminator_updates": "joint",
            "spectral_norm": True,
            "beta1": 0.0,
            "beta2": 0.9,
            "dropout": 0.0,
        },
        guess=0.0,
    ),
    Objective(
        "wgan-gp",
        "Wasserstein, gradient penalty",
        "Arjovsky 2017; Gulrajani 2017, equation 3, with the penalty of the same equation",
        on_real=lambda logits, label: mean_score(logits, -1.0),
        on_fake=lambda logits, label: mean_score(logits, 1.0),
        generator=lambda real, fake: mean_score(fake, -1.0),
        defaults={
            "discriminator_updates": "joint",
            "discriminator_steps": 5,
            "penalty": "wgan-gp",
            "penalty_weight": 10.0,
            "beta1": 0.0,
            "beta2": 0.9,
            "dropout": 0.0,
        },
    ),
    Objective(
        "rpgan",
        "Relativistic pairing (RpGAN)",
        "Jolicoeur-Martineau 2019; Huang 2024 (The GAN is dead; long live the GAN!), equation 2",
        on_pairs=_discriminator_pairs,
        generator=_generator_pairs,
        defaults={
            "discriminator_updates": "joint",
            "penalty": "r1+r2",
            "penalty_weight": 0.1,
            "beta1": 0.0,
            "beta2": 0.99,
            "dropout": 0.0,
        },
    ),
)
OBJECTIVES: Mapping[str, Objective] = MappingProxyType({objective.name: objective for objective in _ALL})
"""Every objective by its name in a config, the textbook's first."""
