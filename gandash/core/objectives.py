"""What the two players minimise: a registry of small pure functions on logits, each with its paper.

`D` is the discriminator's raw output, of shape ``(n, 1)``; every loss is a mean, a tensor of shape ``()``. An objective
is either two separate terms, one on real and one on generated points, or one term on pairs of both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, relu, softplus

OnPoints = Callable[[Tensor, float], Tensor]
"""A loss from logits and the label they should have, 1 for real unless smoothed."""
OnPairs = Callable[[Tensor, Tensor], Tensor]
"""A loss from the logits of real and of generated points, in this order."""


@dataclass(frozen=True)
class Objective:
    """One game: `on_real` and `on_fake` or else `on_pairs` for the discriminator, and `generator`.

    `generator` takes the logits of real and of generated points; only the pairing losses look at the real ones.
    """

    source: str
    generator: OnPairs
    on_real: OnPoints | None = None
    on_fake: OnPoints | None = None
    on_pairs: OnPairs | None = None

    @property
    def compares(self) -> bool:
        """Whether both losses need real and generated points at once."""
        return self.on_pairs is not None

    def discriminator(self, real: Tensor, fake: Tensor, labels: tuple[float, float] = (1.0, 0.0)) -> Tensor:
        """The discriminator's loss on a batch of each kind; `labels` are those of real and of generated points."""
        if self.on_pairs is not None:
            return self.on_pairs(real, fake)
        assert self.on_real is not None and self.on_fake is not None
        return self.on_real(real, labels[0]) + self.on_fake(fake, labels[1])


def bce(logits: Tensor, label: float) -> Tensor:
    """Binary cross-entropy of σ(D) against one label for all: -label · log σ(D) - (1 - label) · log(1 - σ(D))."""
    return binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def squared(logits: Tensor, label: float) -> Tensor:
    """Half the squared distance to the label."""
    return 0.5 * (logits - label).square().mean()


OBJECTIVES: Mapping[str, Objective] = {
    "non-saturating": Objective(
        source="Goodfellow 2014, section 3: the generator maximises log D(G(z)); the textbook's loss",
        on_real=bce,
        on_fake=bce,
        generator=lambda real, fake: softplus(-fake).mean(),
    ),
    "minimax": Objective(
        source="Goodfellow 2014, equation 1: the generator minimises log(1 - D(G(z))), which saturates",
        on_real=bce,
        on_fake=bce,
        generator=lambda real, fake: -softplus(fake).mean(),
    ),
    "least-squares": Objective(
        source="Mao 2017 (LSGAN), equation 9: labels 0 and 1, the generator aims at 1",
        on_real=squared,
        on_fake=squared,
        generator=lambda real, fake: squared(fake, 1.0),
    ),
    "hinge": Objective(
        source="Lim & Ye 2017 (geometric GAN); Miyato 2018, equations 16 and 17",
        on_real=lambda logits, label: relu(1 - logits).mean(),
        on_fake=lambda logits, label: relu(1 + logits).mean(),
        generator=lambda real, fake: -fake.mean(),
    ),
    "wgan-gp": Objective(
        source="Arjovsky 2017; Gulrajani 2017, equation 3, with the penalty of the same equation",
        on_real=lambda logits, label: -logits.mean(),
        on_fake=lambda logits, label: logits.mean(),
        generator=lambda real, fake: -fake.mean(),
    ),
    "rpgan": Objective(
        source="Jolicoeur-Martineau 2019; Huang 2024 (The GAN is dead; long live the GAN!), equation 2",
        on_pairs=lambda real, fake: softplus(fake - real).mean(),
        generator=lambda real, fake: softplus(real - fake).mean(),
    ),
}
