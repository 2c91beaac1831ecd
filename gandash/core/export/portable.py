"""Portable: safetensors and JSON in one zip, with a reader of its own in words. `gandash.portable` reads it."""

from __future__ import annotations

import io
import json
import zipfile

from safetensors.numpy import save

from gandash.core.config import RunConfig
from gandash.core.export.generator import ExportedGenerator, report_json
from gandash.core.export.layers import layers_of
from gandash.core.records import Appraisal
from gandash.portable import FORMAT, GENERATOR, README, VERSION, WEIGHTS

_EPOCH_OF_ZIP = (1980, 1, 1, 0, 0, 0)

READER = """\
import json, math, zipfile
import numpy as np

erf = np.vectorize(math.erf, otypes=[np.float32])

def load(path):
    with zipfile.ZipFile(path) as file:
        about, data = json.loads(file.read("generator.json")), file.read("weights.safetensors")
    size = int.from_bytes(data[:8], "little")
    header, numbers = json.loads(data[8 : 8 + size]), data[8 + size :]
    tensors = {name: np.frombuffer(numbers[slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
               for name, entry in header.items() if name != "__metadata__"}
    return lambda noise: run(about["layers"], tensors, np.asarray(noise, np.float32))

def run(layers, tensors, x):
    for layer in layers:
        kind = layer["kind"]
        if kind == "uniform": x = erf(x / math.sqrt(2))
        elif kind == "features": x = features(x, **layer)
        elif kind == "linear": x = x @ tensors[layer["weight"]].T + tensors[layer["bias"]]
        elif kind in ("relu", "leaky_relu"): x = np.where(x > 0, x, np.float32(layer.get("slope", 0)) * x)
        elif kind == "silu": x = x / (1 + np.exp(-x))
        elif kind == "tanh": x = np.tanh(x)
        elif kind == "affine": x = x * tensors[layer["scale"]] + tensors[layer["shift"]]
        elif kind == "exponential": x[:, layer["columns"]] = np.exp(x[:, layer["columns"]])
        else: raise ValueError(f"This reader knows no layer {kind!r}.")
    return x

def features(x, kind, frequencies, gates, digits, uniform):
    angles = x[:, :, None] * np.float32(frequencies)
    rank = np.clip(((x if uniform else erf(x / math.sqrt(2))) + 1) / 2, 0, np.float32(1 - 2**-24))
    bits = np.floor(rank[:, :, None] * 2.0 ** np.arange(1, digits + 1)) % 2 * 2 - 1
    waves = [part.reshape(len(x), -1) for part in (np.sin(angles) * gates, np.cos(angles) * gates, bits)]
    return np.concatenate([x, *waves], axis=1, dtype=np.float32)
"""
"""What reads the file with NumPy alone."""


def write(module: ExportedGenerator, config: RunConfig, appraisal: Appraisal) -> bytes:
    """The generator as a zip whose members are stored as they are; the same generator gives the same bytes."""
    target = config.target.build()
    layers, tensors = layers_of(module)
    about = {
        "format": FORMAT,
        "version": VERSION,
        "target": config.target.model_dump(mode="json"),
        "title": target.title,
        "formula": target.formula,
        "columns": list(target.columns),
        "variant": appraisal.which,
        "epoch": appraisal.epoch,
        "seed": config.seed,
        "latent_dim": config.latent_dim,
        "dim": target.dim,
        "latent": "normal",
        "layers": layers,
        "config": json.loads(config.to_json()),
        "report": json.loads(report_json(appraisal)),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in (
            (GENERATOR, json.dumps(about, indent=2, allow_nan=False).encode()),
            (WEIGHTS, save(tensors)),
            (README, _readme(about["title"], config.latent_dim).encode()),
        ):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH_OF_ZIP), content)
    return buffer.getvalue()


def _readme(title: object, latent_dim: int) -> str:
    return (
        f"# A generator of {title}\n\n"
        f"`{GENERATOR}` tells what noise passes through, layer by layer, and how good the generator is; `{WEIGHTS}` "
        f"holds the weights it names, float32, (out, in). Noise has shape (n, {latent_dim}) and comes from N(0, 1). "
        "These lines, saved as `reader.py`, read the file with NumPy alone:\n\n"
        f"```python\n{READER}```\n"
    )
