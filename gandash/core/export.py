"""The generator that leaves: whole, on CPU, noise from N(0, I) in and points in the shape's own units out."""

from __future__ import annotations

import math
import os
import warnings
from typing import BinaryIO

import torch
from torch import Tensor, nn

from gandash.core.config import RunConfig
from gandash.core.networks import build_generator

CONFIG_FILE = "config.json"
"""The name under which the archive carries its config."""


class ExportedGenerator(nn.Module):
    """`forward(noise)`: float32 noise ``(n, latent_dim)`` from N(0, 1) to points ``(n, dim)`` in data units, any n.

    The latent distribution and the data's scaling are folded in, so there is nothing else to know.
    """

    def __init__(self, config: RunConfig, weights: Tensor, mean: Tensor, std: Tensor) -> None:
        """The config's generator with flat `weights`; `mean` and `std`, of shape ``(dim,)``, lead to data units."""
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            self.network = build_generator(config, len(mean))
        nn.utils.vector_to_parameters(weights.detach().cpu().clone(), self.network.parameters())
        self.requires_grad_(False)
        self.uniform = config.latent == "uniform"
        self.register_buffer("mean", mean.cpu().clone())
        self.register_buffer("std", std.cpu().clone())

    def forward(self, noise: Tensor) -> Tensor:
        if self.uniform:  # erf(z / √2) of a normal z is uniform on [-1, 1]
            noise = torch.erf(noise / math.sqrt(2.0))
        points: Tensor = self.network(noise) * self.std + self.mean
        return points


def export_torchscript(module: ExportedGenerator, config: RunConfig, target: str | os.PathLike[str] | BinaryIO) -> None:
    """Script the generator and write it to a path or an open binary file, with its config inside the archive.

    ``torch.jit.load(path)`` reads it back; ``_extra_files={"config.json": ""}`` there fetches the config.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=DeprecationWarning)
        scripted = torch.jit.script(module)
        file = os.fspath(target) if isinstance(target, str | os.PathLike) else target
        torch.jit.save(scripted, file, _extra_files={CONFIG_FILE: config.to_json()})
