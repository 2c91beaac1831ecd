"""A generator as plain data, which formats without torch are written from: its layers, and the tensors they name."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from gandash.core.export.generator import ExportedGenerator
from gandash.core.networks import LatentFeatures

Layer = dict[str, Any]
Tensors = dict[str, NDArray[np.float32]]

_PLAIN: dict[type[nn.Module], str] = {nn.ReLU: "relu", nn.SiLU: "silu", nn.Tanh: "tanh"}


def layers_of(module: ExportedGenerator) -> tuple[list[Layer], Tensors]:
    """What noise passes through, in order, each layer a `kind` and its numbers; tensors are float32, by their names.

    Linear weights have shape (out, in); the last layers, affine and, for an output
    map of this kind, exponential in some columns, lead to the target's own units.
    """
    layers: list[Layer] = [{"kind": "uniform"}] if module.uniform else []
    tensors: Tensors = {}
    for place, each in enumerate(module.network):
        if isinstance(each, LatentFeatures):
            layers.append(_features(each))
        elif isinstance(each, nn.Linear):
            layers.append({"kind": "linear", "weight": f"{place}.weight", "bias": f"{place}.bias"})
            tensors |= {f"{place}.weight": _array(each.weight), f"{place}.bias": _array(each.bias)}
        elif isinstance(each, nn.LeakyReLU):
            layers.append({"kind": "leaky_relu", "slope": each.negative_slope})
        else:
            layers.append({"kind": _PLAIN[type(each)]})
    layers.append({"kind": "affine", "scale": "scale", "shift": "shift"})
    if module.curved:
        layers.append({"kind": "exponential", "columns": _array(module.exponential).nonzero()[0].tolist()})
    return layers, tensors | {"scale": _array(module.std), "shift": _array(module.mean)}


def _features(module: LatentFeatures) -> Layer:
    return {
        "kind": "features",
        "frequencies": module.waves.frequencies.tolist(),
        "gates": module.waves.gates.tolist(),
        "digits": len(module.powers),
        "uniform": module.uniform,
    }


def _array(tensor: Tensor | nn.Module) -> NDArray[np.float32]:
    assert isinstance(tensor, Tensor)
    array: NDArray[np.float32] = tensor.detach().cpu().numpy().copy()
    return array
