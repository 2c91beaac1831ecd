"""The training written plainly: the script of a set-up, run here by the epoch. It is the one oracle of the tests.

Scripts know nothing of gandash: autograd, `torch.optim.Adam`, modules where torch has them, losses as the papers print
them. They draw their random numbers in the trainer's order, so the trainer can be held against them update by update.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gandash.core.config import RunConfig
from gandash.core.standalone import parts

NOTED = re.compile(r"^( *)(discriminator_losses\.append)", re.MULTILINE)


@dataclass(frozen=True)
class Losses:
    """What an epoch's record averages, an entry an update."""

    generator: list[float]
    discriminator: list[float]
    d_real: list[float]
    d_fake: list[float]


class Plain:
    """The script of a config; `train` goes on by whole epochs."""

    def __init__(self, config: RunConfig) -> None:
        self.config = config
        script = parts(config.model_copy(update={"early_stopping": "off"}))
        epoch, count = NOTED.subn(r"\1noted.append((d_real.detach(), d_fake.detach()))\n\1\2", script.epoch)
        assert count == 1
        self.epoch, self._epoch = 0, compile(epoch, "epoch of the script", "exec")
        self.names: dict[str, Any] = {"noted": []}
        with torch.random.fork_rng(devices=[]):
            exec(script.before.replace("import matplotlib.pyplot as plt\n", ""), self.names)

    @property
    def generator(self) -> nn.Sequential:
        """The generator as it is now."""
        found: nn.Sequential = self.names["generator"]
        return found

    @property
    def discriminator(self) -> nn.Sequential:
        """The discriminator as it is now."""
        found: nn.Sequential = self.names["discriminator"]
        return found

    def train(self, epochs: int) -> list[Losses]:
        """Train for whole epochs and return what each one's record is made of."""
        records = []
        for _ in range(epochs):
            self.epoch += 1
            lists = (self.names["generator_losses"], self.names["discriminator_losses"], self.names["noted"])
            before = [len(each) for each in lists]
            self.names["epoch"] = self.epoch
            exec(self._epoch, self.names)
            generator, discriminator, noted = (each[start:] for each, start in zip(lists, before, strict=True))
            scores = [[self._score(logits) for logits in pair] for pair in noted]
            records.append(Losses(generator, discriminator, [pair[0] for pair in scores], [pair[1] for pair in scores]))
        return records

    def _score(self, outputs: Tensor) -> float:
        """D(x) as it is shown: scripts end in a sigmoid themselves, unless a penalty needs the logits."""
        logits = self.config.objective in ("non-saturating", "minimax") and self.config.penalty != "none"
        return (outputs.sigmoid() if logits else outputs).mean().item()

    def sample(self, noise: Tensor, average: bool = False) -> Tensor:
        """What the exported generator makes of noise ``(n, latent_dim)`` from N(0, 1)."""
        if self.config.latent == "uniform":
            noise = torch.erf(noise / math.sqrt(2))
        network = self.names["average"] if average and self.config.ema_decay else self.generator
        with torch.no_grad():
            points: Tensor = network(noise)
        return self.scaled(points)

    def scaled(self, points: Tensor) -> Tensor:
        """Points in the target's own units."""
        return points * self.names["STD"] + self.names["MEAN"] if self.config.standardize else points
