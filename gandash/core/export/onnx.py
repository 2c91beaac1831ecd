"""ONNX: the generator as a graph that onnxruntime and many other engines run. Needs the package `onnx` to write."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gandash.core.config import RunConfig
from gandash.core.export.generator import CONFIG_FILE, REPORT_FILE, ExportedGenerator, report_json
from gandash.core.export.layers import Layer, layers_of
from gandash.core.records import Appraisal

OPSET = 17
IR_VERSION = 8
"""Of 2022, which every engine in use reads."""


def write(module: ExportedGenerator, config: RunConfig, appraisal: Appraisal) -> bytes:
    """The generator as a model from `noise` (n, latent_dim) to `points` (n, dim), float32, for any n.

    The model's metadata holds config and appraisal. Raises `ValueError` if the package `onnx` is not installed.
    """
    try:
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise ValueError(
            "ONNX files are written with the package onnx, which is not installed here: pip install onnx, or take "
            "another format."
        ) from error
    graph = _Graph(helper)
    layers, tensors = layers_of(module)
    graph.constants = {name: np.asarray(tensor) for name, tensor in tensors.items()}
    place = "noise"
    for layer in layers:
        place = _ADD[layer["kind"]](graph, place, layer)
    graph.nodes[-1].output[0] = "points"
    rows = [("noise", config.latent_dim), ("points", len(graph.constants["scale"]))]
    inputs, outputs = ([helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size])] for name, size in rows)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "generator",
            inputs,
            outputs,
            [numpy_helper.from_array(value, name) for name, value in graph.constants.items()],
        ),
        producer_name="gandash",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )
    helper.set_model_props(model, {CONFIG_FILE: config.to_json(), REPORT_FILE: report_json(appraisal)})
    data: bytes = model.SerializeToString()
    return data


class _Graph:
    """Nodes one after another, and the constants that they name."""

    def __init__(self, helper: Any) -> None:
        self._helper = helper
        self.nodes: list[Any] = []
        self.constants: dict[str, np.ndarray[Any, Any]] = {}

    def add(self, kind: str, *inputs: str | np.ndarray[Any, Any], **attributes: Any) -> str:
        """The name of what this operation makes of its inputs: names, or constants."""
        output = f"{kind.lower()}_{len(self.nodes)}"
        names = []
        for place, value in enumerate(inputs):
            if not isinstance(value, str):
                self.constants[f"{output}_{place}"] = value
                value = f"{output}_{place}"
            names.append(value)
        self.nodes.append(self._helper.make_node(kind, names, [output], **attributes))
        return output


def _number(value: float) -> np.ndarray[Any, Any]:
    return np.array(value, np.float32)


def _uniform(graph: _Graph, x: str, layer: Layer) -> str:
    return graph.add("Erf", graph.add("Div", x, _number(math.sqrt(2))))


def _features(graph: _Graph, x: str, layer: Layer) -> str:
    """As `networks.LatentFeatures`: the noise, all sines, all cosines, and the digits of its rank."""
    flat = np.array([0, -1], np.int64)
    column = graph.add("Unsqueeze", x, np.array([2], np.int64))
    parts = [x]
    if layer["frequencies"]:
        angles = graph.add("Mul", column, np.array(layer["frequencies"], np.float32))
        for wave in ("Sin", "Cos"):
            gated = graph.add("Mul", graph.add(wave, angles), np.array(layer["gates"], np.float32))
            parts.append(graph.add("Reshape", gated, flat))
    if layer["digits"]:
        # the normal distribution's function is half of 1 + erf(z / √2); a uniform coordinate comes as that erf already
        erf = column if layer["uniform"] else graph.add("Erf", graph.add("Div", column, _number(math.sqrt(2))))
        rank = graph.add("Mul", graph.add("Add", erf, _number(1)), _number(0.5))
        rank = graph.add("Clip", rank, _number(0), _number(1 - 2**-24))
        place = graph.add(
            "Floor", graph.add("Mul", rank, (2.0 ** np.arange(1, layer["digits"] + 1)).astype(np.float32))
        )
        digits = graph.add("Sub", graph.add("Mul", graph.add("Mod", place, _number(2), fmod=1), _number(2)), _number(1))
        parts.append(graph.add("Reshape", digits, flat))
    return graph.add("Concat", *parts, axis=1)


def _linear(graph: _Graph, x: str, layer: Layer) -> str:
    return graph.add("Gemm", x, layer["weight"], layer["bias"], transB=1)


def _affine(graph: _Graph, x: str, layer: Layer) -> str:
    return graph.add("Add", graph.add("Mul", x, layer["scale"]), layer["shift"])


def _exponential(graph: _Graph, x: str, layer: Layer) -> str:
    columns = np.zeros(len(graph.constants["scale"]), np.bool_)
    columns[layer["columns"]] = True
    return graph.add("Where", columns, graph.add("Exp", x), x)


_ADD = {
    "uniform": _uniform,
    "features": _features,
    "linear": _linear,
    "relu": lambda graph, x, layer: graph.add("Relu", x),
    "leaky_relu": lambda graph, x, layer: graph.add("LeakyRelu", x, alpha=layer["slope"]),
    "silu": lambda graph, x, layer: graph.add("Mul", x, graph.add("Sigmoid", x)),
    "tanh": lambda graph, x, layer: graph.add("Tanh", x),
    "affine": _affine,
    "exponential": _exponential,
}
