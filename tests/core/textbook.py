"""The textbook's loop, written plainly: the oracle of the trainer and the rival of the benchmarks.

Eager, `BCELoss` on a sigmoid, two optimizers, nothing clever. Batches and noise come from outside, so that a test can
give it those of the trainer.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


def textbook_generator() -> nn.Sequential:
    return nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))


def textbook_discriminator(dropout: float = 0.3) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(2, 256),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(256, 128),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(128, 64),
        nn.ReLU(),
        nn.Dropout(dropout),
        nn.Linear(64, 1),
        nn.Sigmoid(),
    )


@dataclass(frozen=True)
class Losses:
    on_real: float
    on_fake: float
    generator: float


def textbook_steps(
    generator: nn.Module,
    discriminator: nn.Module,
    batches: Iterable[Tensor],
    noise: Callable[[], Tensor],
    lr: float = 0.0005,
) -> tuple[list[Losses], Tensor]:
    """Train on the batches; return the losses of each step and the points that the last generator update judged."""
    bce = nn.BCELoss()
    discriminator_adam = torch.optim.Adam(discriminator.parameters(), lr=lr)
    generator_adam = torch.optim.Adam(generator.parameters(), lr=lr)
    losses, points = [], torch.empty(0, 2)
    for real in batches:
        real_labels, fake_labels = torch.ones(len(real), 1), torch.zeros(len(real), 1)

        discriminator_adam.zero_grad()
        on_real = bce(discriminator(real), real_labels)
        on_real.backward()
        discriminator_adam.step()

        discriminator_adam.zero_grad()
        on_fake = bce(discriminator(generator(noise())), fake_labels)
        on_fake.backward()
        discriminator_adam.step()

        generator_adam.zero_grad()
        points = generator(noise())
        on_generator = bce(discriminator(points), real_labels)
        on_generator.backward()
        generator_adam.step()

        losses.append(Losses(on_real.item(), on_fake.item(), on_generator.item()))
    return losses, points.detach()
