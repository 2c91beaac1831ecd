"""The generator that leaves: whole, on CPU, noise from N(0, I) in and points in the target's own units out."""

from __future__ import annotations

import io
import json
import math
import os
import struct
import warnings
import zipfile
from dataclasses import asdict
from typing import BinaryIO

import torch
from torch import Tensor, nn

from gandash.core.config import RunConfig
from gandash.core.networks import build_generator
from gandash.core.records import Appraisal, finite

CONFIG_FILE = "config.json"
REPORT_FILE = "report.json"
"""The names under which the archive carries its config and how good the generator is."""

_EPOCH_OF_ZIP = (1980, 1, 1, 0, 0, 0)
_LOCAL_HEADER = 30
_EXTRA_HEADER = struct.Struct("<HH")
_PADDING = int.from_bytes(b"FB", "little")
_ALIGNMENT = 64


class ExportedGenerator(nn.Module):
    """`forward(noise)`: noise ``(n, latent_dim)`` from N(0, 1) to float32 points ``(n, dim)`` in data units, any n.

    The latent distribution and the data's scaling are folded in, so there is nothing else to know. Noise may be of any
    floating type; anything else ends in a sentence.
    """

    def __init__(self, config: RunConfig, mean: Tensor, std: Tensor) -> None:
        """The config's generator, its weights still to be loaded; `mean` and `std`, ``(dim,)``, lead to data units."""
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            self.network = build_generator(config, len(mean))
        self.requires_grad_(False)
        self.eval()
        self.uniform = config.latent == "uniform"
        self.latent_dim = config.latent_dim
        self.register_buffer("mean", mean.cpu().clone())
        self.register_buffer("std", std.cpu().clone())

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
        return points


def export_torchscript(
    module: ExportedGenerator, config: RunConfig, appraisal: Appraisal, target: str | os.PathLike[str] | BinaryIO
) -> None:
    """Script the generator and write it to a path or an open binary file; the archive holds config and appraisal.

    ``torch.jit.load(path)`` reads it back; ``_extra_files={"config.json": "", "report.json": ""}`` there fetches what
    it was trained with and how good it is. Within a process the same generator gives the same bytes.
    """
    files = {CONFIG_FILE: config.to_json(), REPORT_FILE: report_json(appraisal)}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=DeprecationWarning)
        torch.jit.save(torch.jit.script(module), buffer, _extra_files=files)
    data = _without_sources(buffer.getvalue())
    if isinstance(target, str | os.PathLike):
        with open(target, "wb") as file:
            file.write(data)
    else:
        target.write(data)


def report_json(appraisal: Appraisal) -> str:
    """Which generator this is and what was measured of it, as JSON; what is not a finite number is null."""
    headline = appraisal.metrics.get("headline")
    return json.dumps(finite({**asdict(appraisal), "headline": headline}), indent=2, allow_nan=False)


def _without_sources(archive: bytes) -> bytes:
    """The archive without its ``.debug_pkl`` files, which hold the paths of the machine that built it.

    As torch writes it, each file's contents begin at a multiple of 64 bytes, so that tensors can be mapped to memory.
    """
    stripped = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as before, zipfile.ZipFile(stripped, "w", zipfile.ZIP_STORED) as after:
        for name in before.namelist():
            if name.endswith(".debug_pkl"):
                continue
            info = zipfile.ZipInfo(name, _EPOCH_OF_ZIP)
            padding = -(stripped.tell() + _LOCAL_HEADER + len(name.encode()) + _EXTRA_HEADER.size) % _ALIGNMENT
            info.extra = _EXTRA_HEADER.pack(_PADDING, padding) + bytes(padding)
            after.writestr(info, before.read(name))
    return stripped.getvalue()
