"""The generator that leaves: whole, on CPU, noise from N(0, I) in and points in the target's own units out."""

from __future__ import annotations

import json
import math
from dataclasses import asdict

import torch
from torch import Tensor, nn

from gandash.core.config import RunConfig
from gandash.core.networks import build_generator, initialised
from gandash.core.records import Appraisal, finite
from gandash.core.targets.target import OutputMap

CONFIG_FILE = "config.json"
REPORT_FILE = "report.json"
"""The names under which archives carry the config and how good the generator is."""


class ExportedGenerator(nn.Module):
    """`forward(noise)`: noise ``(n, latent_dim)`` from N(0, 1) to float32 points ``(n, dim)`` in data units, any n.

    The latent distribution, the data's scaling and the target's output map are folded in, so there is nothing else to
    know. Noise may be of any floating type; anything else ends in a sentence.
    """

    def __init__(self, config: RunConfig, mean: Tensor, std: Tensor, output: OutputMap | None = None) -> None:
        """The config's generator, its weights still to be loaded.

        `mean` and `std`, ``(dim,)``, lead to data units, or to what `output` makes such of.
        """
        super().__init__()
        with initialised(config.seed):
            self.network = build_generator(config, len(mean))
        self.requires_grad_(False)
        self.eval()
        self.uniform = config.latent == "uniform"
        self.latent_dim = config.latent_dim
        mean, std = mean.cpu().clone(), std.cpu().clone()
        exponential = torch.zeros(len(mean), dtype=torch.bool)
        if output is not None:
            scale = torch.tensor(output.scale, dtype=mean.dtype)
            mean, std = mean * scale + torch.tensor(output.shift, dtype=mean.dtype), std * scale
            exponential[list(output.exponential)] = True
        self.curved = bool(exponential.any())
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)
        self.register_buffer("exponential", exponential)

    @torch.jit.unused
    def load(self, weights: Tensor) -> None:
        """Copy flat weights into the network."""
        parameters = list(self.network.parameters())
        parts = torch.split(weights.detach(), [parameter.numel() for parameter in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.copy_(part.view_as(parameter))

    def forward(self, noise: Tensor) -> Tensor:
        if noise.dim() != 2 or noise.size(1) != self.latent_dim:
            raise ValueError(
                "The noise has shape {}; it must be (n, {}), such as torch.randn(1000, {}).".format(  # noqa: UP032
                    noise.shape, self.latent_dim, self.latent_dim
                )
            )
        if not noise.is_floating_point():
            raise ValueError("The noise is not of a floating type such as float32: take torch.randn.")
        noise = noise.to(self.mean.dtype)  # type: ignore[arg-type]
        if self.uniform:  # erf(z / √2) of a normal z is uniform on [-1, 1]
            noise = torch.erf(noise / math.sqrt(2.0))
        points: Tensor = self.network(noise) * self.std + self.mean
        if self.curved:
            points = torch.where(self.exponential, torch.exp(points), points)  # type: ignore[arg-type]
        return points


def report_json(appraisal: Appraisal) -> str:
    """Which generator this is and what was measured of it, as JSON; what is not a finite number is null."""
    headline = appraisal.metrics.get("headline")
    return json.dumps(finite({**asdict(appraisal), "headline": headline}), indent=2, allow_nan=False)
