"""The generator as a portable file: a zip of JSON and safetensors that holds numbers alone, and a README that reads it.

`gandash.portable` is the careful reader of such files, which needs no torch.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, BinaryIO

import numpy as np
from torch import Tensor, nn

from gandash.core.config import RunConfig
from gandash.core.export import ExportedGenerator
from gandash.core.networks import LatentFeatures
from gandash.core.records import Appraisal, finite

FORMAT, VERSION = "gandash-generator", 1
_EPOCH_OF_ZIP = (1980, 1, 1, 0, 0, 0)
_KINDS: dict[type[nn.Module], str] = {nn.ReLU: "relu", nn.SiLU: "silu", nn.Tanh: "tanh"}

README = """# A generator as numbers

`generator.json` says what it is and which layers it has, `weights.safetensors` holds their weights, float32. All it
takes to use it is NumPy:

```python
import json, math, sys, zipfile
import numpy as np

archive = zipfile.ZipFile(sys.argv[1] if len(sys.argv) > 1 else "generator.zip")
said, data = json.loads(archive.read("generator.json")), archive.read("weights.safetensors")
start = 8 + int.from_bytes(data[:8], "little")
tensors = {}
for name, entry in json.loads(data[8:start]).items():
    first, last = entry["data_offsets"]
    tensors[name] = np.frombuffer(data[start + first : start + last], "<f4").reshape(entry["shape"])
erf = np.vectorize(math.erf, otypes=[np.float32])

def features(z, layer):  # the noise, sines, cosines, and binary digits of its rank
    angles = z[:, :, None] * np.float32(layer["frequencies"])
    rank = (z + 1) / 2 if layer["uniform"] else (1 + erf(z / math.sqrt(2))) / 2
    rank = np.clip(rank, 0, 1 - 2**-24)[:, :, None] * np.float32(2) ** np.arange(1, layer["digits"] + 1)
    parts = [np.sin(angles), np.cos(angles), np.floor(rank) % 2 * 2 - 1]
    return np.hstack([z, *(part.reshape(len(z), -1) for part in parts)])

def generate(x):  # noise (n, latent_dim) from N(0, 1) to points (n, dim) in the target's own units
    for layer in said["layers"]:
        held = [tensors[layer[name]] for name in ("weight", "bias", "scale", "shift") if name in layer]
        match layer["kind"]:
            case "uniform": x = erf(x / math.sqrt(2))
            case "features": x = features(x, layer)
            case "linear": x = x @ held[0].T + held[1]
            case "relu": x = np.maximum(x, 0)
            case "leaky_relu": x = np.where(x > 0, x, layer["slope"] * x)
            case "silu": x = x / (1 + np.exp(-x))
            case "tanh": x = np.tanh(x)
            case "affine": x = x * held[0] + held[1]
            case "exponential": x[:, layer["columns"]] = np.exp(x[:, layer["columns"]])
    return x

noise = np.random.default_rng(0).standard_normal((1000, said["latent_dim"]), dtype=np.float32)
points = generate(noise)
print(said["title"], points.shape, points.mean(axis=0))
```
"""
"""What the file says of its own use."""


def export_portable(module: ExportedGenerator, config: RunConfig, appraisal: Appraisal, target: BinaryIO) -> None:
    """Write a generator as a portable file; the same generator gives the same bytes."""
    tensors: dict[str, Tensor] = {}
    layers = list(_layers(module, tensors))
    built = config.target.build()
    report = finite({**asdict(appraisal), "headline": appraisal.metrics.get("headline")})
    said = {
        "format": FORMAT,
        "version": VERSION,
        "target": config.target.model_dump(mode="json"),
        "title": built.title,
        "formula": built.formula,
        "columns": list(built.columns),
        "variant": appraisal.which,
        "epoch": appraisal.epoch,
        "seed": config.seed,
        "latent_dim": config.latent_dim,
        "dim": built.dim,
        "latent": "normal",
        "layers": layers,
        "config": json.loads(config.to_json()),
        "report": report,
    }
    members = {
        "generator.json": json.dumps(said, indent=1, allow_nan=False).encode(),
        "weights.safetensors": _safetensors(tensors),
        "README.md": README.encode(),
    }
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH_OF_ZIP), content)


def _layers(module: ExportedGenerator, tensors: dict[str, Tensor]) -> Iterator[dict[str, Any]]:
    """The layers in words; their tensors go under the names that the words give them."""
    if module.uniform:
        yield {"kind": "uniform"}
    for at, layer in enumerate(module.network):
        if isinstance(layer, LatentFeatures):
            yield {
                "kind": "features",
                "frequencies": layer.waves.frequencies.tolist(),
                "digits": len(layer.powers),
                "uniform": layer.uniform,
            }
        elif isinstance(layer, nn.Linear):
            names = {"weight": f"{at}.weight", "bias": f"{at}.bias"}
            tensors |= {names["weight"]: layer.weight, names["bias"]: layer.bias}
            yield {"kind": "linear", **names}
        elif isinstance(layer, nn.LeakyReLU):
            yield {"kind": "leaky_relu", "slope": layer.negative_slope}
        else:
            yield {"kind": _KINDS[type(layer)]}
    tensors |= {"scale": module.get_buffer("std"), "shift": module.get_buffer("mean")}
    yield {"kind": "affine", "scale": "scale", "shift": "shift"}


def _safetensors(tensors: dict[str, Tensor]) -> bytes:
    header, parts, at = {}, [], 0
    for name, tensor in tensors.items():
        part = np.ascontiguousarray(tensor.detach().numpy(), "<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(part)]}
        parts.append(part)
        at += len(part)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # numbers begin at a multiple of eight bytes
    return len(text).to_bytes(8, "little") + text + b"".join(parts)
