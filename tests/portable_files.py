"""Portable generators made by hand, from the format's description alone: readers are tested without a writer."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tensors = Mapping[str, NDArray[np.float32]]

KINDS = {"ReLU": "relu", "LeakyReLU": "leaky_relu", "SiLU": "silu", "Tanh": "tanh"}


def safetensors(tensors: Tensors, header: Mapping[str, Any] | None = None) -> bytes:
    """Tensors as such a file has them; `header` instead of the right one."""
    entries, parts, at = {}, [], 0
    for name, tensor in tensors.items():
        part = np.ascontiguousarray(tensor, "<f4").tobytes()
        entries[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(part)]}
        parts.append(part)
        at += len(part)
    text = json.dumps(entries if header is None else header).encode()
    return len(text).to_bytes(8, "little") + text + b"".join(parts)


def zipped(members: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def described(layers: Sequence[Mapping[str, Any]], **said: Any) -> dict[str, Any]:
    """What generator.json says: of a generator of the ring of eight, unless `said` says otherwise."""
    return {
        "format": "gandash-generator",
        "version": 1,
        "target": {"kind": "shape", "name": "ring8"},
        "title": "A ring",
        "formula": "8 modes",
        "columns": ["x", "y"],
        "variant": "ema",
        "epoch": 12,
        "seed": 3,
        "latent_dim": 2,
        "dim": 2,
        "latent": "normal",
        "layers": list(layers),
        "config": {"shape": "ring8"},
        "report": {"headline": 1.25},
        **said,
    }


def portable(said: Mapping[str, Any], tensors: Tensors) -> bytes:
    return zipped({"generator.json": json.dumps(said).encode(), "weights.safetensors": safetensors(tensors)})


def random_generator(
    activation: str = "relu",
    *,
    latent_dim: int = 2,
    widths: Sequence[int] = (16, 16),
    features: Mapping[str, Any] | None = None,
    uniform: bool = False,
    exponential: Sequence[int] = (),
    seed: int = 0,
    **said: Any,
) -> bytes:
    """A portable file of a network with random weights, of this make."""
    rng = np.random.default_rng(seed)
    layers: list[dict[str, Any]] = []
    tensors: dict[str, NDArray[np.float32]] = {}
    width = latent_dim
    if uniform:
        layers.append({"kind": "uniform"})
    if features is not None:
        layers.append({"kind": "features", "uniform": uniform, **features})
        width *= 1 + 2 * len(features["frequencies"]) + features["digits"]
    for out in (*widths, 2):
        name = f"layer{len(layers)}"
        tensors[f"{name}.weight"] = rng.normal(0, width**-0.5, (out, width)).astype(np.float32)
        tensors[f"{name}.bias"] = rng.normal(0, 0.3, out).astype(np.float32)
        layers.append({"kind": "linear", "weight": f"{name}.weight", "bias": f"{name}.bias"})
        layers.append({"kind": activation, **({"slope": 0.2} if activation == "leaky_relu" else {})})
        width = out
    layers.pop()
    tensors["scale"], tensors["shift"] = np.array([1.5, 0.5], np.float32), np.array([0.25, -1], np.float32)
    layers.append({"kind": "affine", "scale": "scale", "shift": "shift"})
    if exponential:
        layers.append({"kind": "exponential", "columns": list(exponential)})
    return portable(described(layers, latent_dim=latent_dim, **said), tensors)


def of_module(module: Any, **said: Any) -> bytes:
    """The portable file of an `ExportedGenerator`, layer by layer."""
    layers: list[dict[str, Any]] = [{"kind": "uniform"}] if module.uniform else []
    tensors = {"scale": module.std.numpy(), "shift": module.mean.numpy()}
    for at, layer in enumerate(module.network):
        kind = type(layer).__name__
        if kind == "LatentFeatures":
            frequencies = layer.waves.frequencies.tolist()
            layers.append(
                {
                    "kind": "features",
                    "frequencies": frequencies,
                    "digits": len(layer.powers),
                    "uniform": layer.uniform,
                }
            )
        elif kind == "Linear":
            names = {"weight": f"{at}.weight", "bias": f"{at}.bias"}
            tensors |= {names["weight"]: layer.weight.numpy(), names["bias"]: layer.bias.numpy()}
            layers.append({"kind": "linear", **names})
        else:
            layers.append({"kind": KINDS[kind], **({"slope": 0.2} if kind == "LeakyReLU" else {})})
    layers.append({"kind": "affine", "scale": "scale", "shift": "shift"})
    return portable(described(layers, latent_dim=module.latent_dim, **said), tensors)
