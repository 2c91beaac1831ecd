"""Portable generators, read: a zip of JSON and float32 weights that holds no program, so anybody's may be looked at.

Nothing in a file is trusted. Sizes are checked before anything is read, members are stored and never unpacked, tensors
are plain float32, every layer has to fit the one before it, and nothing is unpickled or run. What does not hold is
refused with a `ValueError` in words. The forward pass is plain NumPy; `gandash/pages/forward.js` is its counterpart in
the browser. No torch here.
"""

from __future__ import annotations

import io
import json
import math
import operator
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gandash.core.config import RunConfig
from gandash.core.problems import shortened
from gandash.core.targets import TargetSpec, read_spec

FORMAT = "gandash-generator"
VERSION = 1
GENERATOR, WEIGHTS, README = "generator.json", "weights.safetensors", "README.md"

LARGEST_FILE = 32 * 2**20
LARGEST_JSON = 2**18
LARGEST_HEADER = 2**16
LARGEST_DIRECTORY = 2**17
"""Bytes of a file, of its description, of the header of its weights, and of the list of what a zip holds."""
MOST_LAYERS = 64
MOST_UNITS = 2**14
"""Of any layer, the noise and the points included."""
MOST_WAVES, MOST_DIGITS = 32, 24
LONGEST_TEXT = 400

Array = NDArray[np.float32]

_ROWS_AT_ONCE = 2**20
_END, _END64 = b"PK\x05\x06", b"PK\x06\x07"
_END_RECORD = struct.Struct("<4s4H2LH")
_REPAIR = "Export the generator as a portable file once more and take that."
_UNREADABLE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, NotImplementedError)


class ProgramError(ValueError):
    """The file is a program of torch's, which is never run here. `config` is the set-up in it, if it could be read."""

    def __init__(self, message: str, config: RunConfig | None) -> None:
        super().__init__(message)
        self.config = config


@dataclass(frozen=True)
class Layer:
    """One step of a generator: its kind, its numbers and its tensors, each under its name in the file's JSON.

    Linear weights have shape (out, in).
    """

    kind: str
    numbers: Mapping[str, Any]
    tensors: Mapping[str, Array]


@dataclass(frozen=True)
class PortableGenerator:
    """A generator as a portable file holds it: `layers` lead from noise ``(n, latent_dim)`` to points ``(n, dim)``."""

    target: TargetSpec
    title: str
    formula: str
    columns: tuple[str, ...]
    variant: str
    epoch: int
    seed: int
    latent_dim: int
    dim: int
    layers: tuple[Layer, ...]
    config: Mapping[str, Any]
    report: Mapping[str, Any]

    @property
    def size(self) -> int:
        """How many weights there are."""
        return sum(tensor.size for layer in self.layers for tensor in layer.tensors.values())

    def __call__(self, noise: ArrayLike) -> Array:
        """Noise ``(n, latent_dim)`` from N(0, 1) to points ``(n, dim)`` in the target's own units, float32.

        Weights may be such that points are not finite; they are given as they are.
        """
        z = np.asarray(noise, dtype=np.float32)
        if z.ndim != 2 or z.shape[1] != self.latent_dim:
            raise ValueError(f"The noise has shape {z.shape}; it must be (n, {self.latent_dim}).")
        rows = max(1, _ROWS_AT_ONCE // self._widest())
        parts = [self._forward(z[start : start + rows]) for start in range(0, len(z), rows)]
        return np.concatenate(parts) if parts else np.empty((0, self.dim), np.float32)

    def _forward(self, x: Array) -> Array:
        with np.errstate(all="ignore"):
            for layer in self.layers:
                x = _FORWARD[layer.kind](x, layer)
        return x

    def _widest(self) -> int:
        widths = [self.latent_dim, self.dim]
        for layer in self.layers:
            widths += [size for tensor in layer.tensors.values() for size in tensor.shape]
        return max(widths)


# The forward pass


def _linear(x: Array, layer: Layer) -> Array:
    product: Array = x @ layer.tensors["weight"].T + layer.tensors["bias"]
    return product


def _uniform(x: Array, layer: Layer) -> Array:
    from scipy.special import erf

    return np.asarray(erf(x / np.float32(math.sqrt(2))), np.float32)


def _features(x: Array, layer: Layer) -> Array:
    """The noise, all sines, all cosines and the digits of its rank, as `networks.LatentFeatures` has them."""
    from scipy.special import ndtr

    numbers = layer.numbers
    parts: list[Array] = [x]
    if numbers["frequencies"]:
        frequencies, gates = (np.array(numbers[name], np.float32) for name in ("frequencies", "gates"))
        angles = x[:, :, None] * frequencies
        for waves in (np.sin(angles), np.cos(angles)):
            parts.append(np.asarray(waves * gates, np.float32).reshape(len(x), -1))
    if numbers["digits"]:
        exact = np.asarray((x + 1) / 2 if numbers["uniform"] else ndtr(x), np.float32)
        rank: Array = np.asarray(np.clip(exact, np.float32(0), np.float32(1 - 2**-24)), np.float32)
        powers = np.float32(2) ** np.arange(1, numbers["digits"] + 1, dtype=np.float32)
        digits = np.floor(rank[:, :, None] * powers) % 2 * 2 - 1
        parts.append(np.asarray(digits, np.float32).reshape(len(x), -1))
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _exponential(x: Array, layer: Layer) -> Array:
    x = x.copy()
    columns = list(layer.numbers["columns"])
    x[:, columns] = np.exp(x[:, columns])
    return x


def _leaky_relu(x: Array, layer: Layer) -> Array:
    return np.where(x > 0, x, x * np.float32(layer.numbers["slope"]))


def _affine(x: Array, layer: Layer) -> Array:
    product: Array = x * layer.tensors["scale"] + layer.tensors["shift"]
    return product


_FORWARD: Mapping[str, Callable[[Array, Layer], Array]] = MappingProxyType(
    {
        "uniform": _uniform,
        "features": _features,
        "linear": _linear,
        "relu": lambda x, layer: np.maximum(x, np.float32(0)),
        "leaky_relu": _leaky_relu,
        "silu": lambda x, layer: x / (1 + np.exp(-x)),
        "tanh": lambda x, layer: np.tanh(x),
        "affine": _affine,
        "exponential": _exponential,
    }
)
KINDS = tuple(_FORWARD)
_TENSORS = {"linear": ("weight", "bias"), "affine": ("scale", "shift")}


# The file


def read(data: bytes) -> PortableGenerator:
    """The generator in a portable file; raises `ValueError` in words for anything else, within moments."""
    if len(data) > LARGEST_FILE:
        raise ValueError(
            f"The file has {len(data):,} bytes; a portable generator has at most {LARGEST_FILE:,}. Take a smaller one."
        )
    archive = _archive(data)
    names = archive.namelist()
    if len(set(names)) < len(names):
        raise ValueError(f"The zip holds one name twice. {_REPAIR}")
    if any(name.endswith(("/data.pkl", "/constants.pkl")) for name in names):
        raise _program(archive)
    for name in names:
        if name not in (GENERATOR, WEIGHTS, README):
            raise ValueError(
                f"The zip holds {shortened(name)}; a portable generator holds {GENERATOR}, {WEIGHTS} and {README}, "
                f"and nothing else. {_REPAIR}"
            )
    for name in (GENERATOR, WEIGHTS):
        if name not in names:
            raise ValueError(f"The zip holds no {name}, so it is no portable generator. {_REPAIR}")
    described = _json(_member(archive, GENERATOR, LARGEST_JSON), GENERATOR)
    return _generator(described, _tensors(_member(archive, WEIGHTS, LARGEST_FILE)))


def _archive(data: bytes) -> zipfile.ZipFile:
    """The zip, once its list of members is known to be short: reading a long one costs a lot of memory."""
    if not data:
        raise ValueError(f"The file is empty. {_REPAIR}")
    if data[:1] == b"\x80":
        raise ValueError(
            "The file is a pickle, which is a program, and no program from a file is run here. "
            f"A portable generator is a zip. {_REPAIR}"
        )
    end = data.rfind(_END, max(0, len(data) - 2**16 - _END_RECORD.size))
    if data[:2] != b"PK" or end < 0 or end + _END_RECORD.size > len(data):
        raise ValueError(
            "The file is no zip, or a part of one: a portable generator is a zip with "
            f"{GENERATOR} and {WEIGHTS}. {_REPAIR}"
        )
    _, disk, first, here, count, size, start, comment = _END_RECORD.unpack_from(data, end)
    if data[max(0, end - 20) :].startswith(_END64) and end >= 20:
        if b"/data.pkl" in data:
            raise _program(None)
        raise ValueError(f"The zip is of the kind for huge files, which a portable generator never is. {_REPAIR}")
    whole = start + size <= end and end + _END_RECORD.size + comment == len(data)
    if disk or first or here != count or size > LARGEST_DIRECTORY or not whole:
        raise ValueError(f"The zip's list of what it holds makes no sense. {_REPAIR}")
    try:
        return zipfile.ZipFile(io.BytesIO(data))
    except _UNREADABLE as error:
        raise ValueError(f"The zip cannot be read. {_REPAIR}") from error


def _member(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 or info.compress_size != info.file_size:
        raise ValueError(
            f"{shortened(name)} is compressed or locked in the zip; a portable generator's files are stored as they "
            f"are. {_REPAIR}"
        )
    if info.file_size > most:
        raise ValueError(f"{shortened(name)} has {info.file_size:,} bytes; at most {most:,} are read. {_REPAIR}")
    try:
        return archive.read(name)
    except (*_UNREADABLE, RuntimeError) as error:
        raise ValueError(f"{shortened(name)} is damaged in the zip. {_REPAIR}") from error


def _program(archive: zipfile.ZipFile | None) -> ProgramError:
    """Why a file of torch's is not run, and what its config says, which is plain JSON."""
    config = None
    if archive is not None:
        found = next((name for name in archive.namelist() if name.endswith("/extra/config.json")), None)
        try:
            config = RunConfig.from_json(_member(archive, found, LARGEST_JSON).decode()) if found else None
        except (ValueError, RecursionError):
            config = None
    trained = ""
    if config is not None:
        trained = f" It says that it was trained on {config.target.build().title} with seed {config.seed}."
    return ProgramError(
        "This is a file of torch's own, TorchScript or a checkpoint: a program, and a program from elsewhere could do "
        f"anything on this server, so it is never run here.{trained} Export the same generator as a portable file, "
        "which is numbers alone, and take that.",
        config,
    )


def _json(text: bytes, what: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} is no JSON that can be read. {_REPAIR}") from error
    if not isinstance(found, dict):
        raise ValueError(f"{what} must hold a JSON object; it holds {shortened(found)}. {_REPAIR}")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON's")


def _tensors(data: bytes) -> Mapping[str, Array]:
    """The tensors of a safetensors file: 8 bytes of length, a JSON header, then all numbers."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(LARGEST_HEADER, len(data) - 8):
        raise ValueError(f"{WEIGHTS} is cut off, or its header is longer than {LARGEST_HEADER:,} bytes. {_REPAIR}")
    header = _json(data[8 : 8 + length], f"The header of {WEIGHTS}")
    numbers = memoryview(data)[8 + length :]
    tensors: dict[str, Array] = {}
    taken: list[tuple[int, int]] = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        shape, (start, end) = _placed(name, entry, len(numbers))
        taken.append((start, end))
        tensor = np.frombuffer(numbers[start:end], "<f4").astype(np.float32).reshape(shape)
        if not np.isfinite(tensor).all():
            raise ValueError(f"The tensor {shortened(name)} holds numbers that are not finite. {_REPAIR}")
        tensor.flags.writeable = False
        tensors[name] = tensor
    at = 0
    for start, end in sorted(taken):
        if start != at:
            raise ValueError(f"The tensors in {WEIGHTS} overlap or leave gaps. {_REPAIR}")
        at = end
    if at != len(numbers):
        raise ValueError(f"{WEIGHTS} holds {len(numbers):,} bytes of numbers; its header tells of {at:,}. {_REPAIR}")
    return tensors


def _placed(name: str, entry: Any, room: int) -> tuple[tuple[int, ...], tuple[int, int]]:
    """A tensor's shape, and where its bytes begin and end, all of them checked."""
    what = f"The tensor {shortened(name)}"
    if not isinstance(entry, dict) or entry.get("dtype") != "F32":
        given = shortened(entry.get("dtype")) if isinstance(entry, dict) else shortened(entry)
        raise ValueError(f"{what} is of type {given}; it must be F32, float32. {_REPAIR}")
    shape, offsets = entry.get("shape"), entry.get("data_offsets")
    if not isinstance(shape, list) or not 1 <= len(shape) <= 2 or not all(_whole(n, 1, MOST_UNITS) for n in shape):
        raise ValueError(
            f"{what} has shape {shortened(shape)}; it must be one or two sizes from 1 to {MOST_UNITS:,}. {_REPAIR}"
        )
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(_whole(n, 0, room) for n in offsets):
        raise ValueError(f"{what} lies outside {WEIGHTS}. {_REPAIR}")
    start, end = offsets
    if end - start != 4 * math.prod(shape):
        raise ValueError(
            f"{what} has shape {shortened(shape)}, {4 * math.prod(shape):,} bytes; it has {end - start:,}. {_REPAIR}"
        )
    return tuple(shape), (start, end)


# What the file says of itself


def _generator(said: Mapping[str, Any], tensors: Mapping[str, Array]) -> PortableGenerator:
    if said.get("format") != FORMAT:
        raise ValueError(f"{GENERATOR} has the format {shortened(said.get('format'))}; it must be {FORMAT}. {_REPAIR}")
    if not _whole(said.get("version"), VERSION, VERSION):
        raise ValueError(
            f"The file is of version {shortened(said.get('version'))}; this gandash reads version {VERSION}. "
            "Read it with the gandash that wrote it, or export it anew."
        )
    if said.get("latent", "normal") != "normal":
        raise ValueError(f'latent is {shortened(said["latent"])}; the noise of a portable file is "normal". {_REPAIR}')
    try:
        target = read_spec(said.get("target"))
        built = target.build()
    except (ValueError, RecursionError) as error:
        raise ValueError(f"The file's target is not known here: {str(error)[:600]}. {_REPAIR}") from error
    latent_dim = _integer(said, "latent_dim", 1, MOST_UNITS)
    dim = _integer(said, "dim", 1, MOST_UNITS)
    if dim != built.dim:
        raise ValueError(f"dim is {dim}, and a point of {built.title} has {built.dim} numbers. {_REPAIR}")
    columns = said.get("columns", list(built.columns))
    if not isinstance(columns, list) or len(columns) != dim or not all(isinstance(name, str) for name in columns):
        raise ValueError(f"columns is {shortened(columns)}; it must be {dim} names. {_REPAIR}")
    for name in ("config", "report"):
        if not isinstance(said.get(name, {}), dict):
            raise ValueError(f"{name} is {shortened(said[name])}; it must be an object. {_REPAIR}")
    return PortableGenerator(
        target,
        _text(said, "title", built.title),
        _text(said, "formula", built.formula),
        tuple(name[:LONGEST_TEXT] for name in columns),
        _text(said, "variant", "latest"),
        _integer(said, "epoch", 0, 10**12, 0),
        _integer(said, "seed", -(2**63), 2**64, 0),
        latent_dim,
        dim,
        tuple(_layers(said.get("layers"), tensors, latent_dim, dim)),
        MappingProxyType(said.get("config", {})),
        MappingProxyType(said.get("report", {})),
    )


def _layers(said: Any, tensors: Mapping[str, Array], width: int, dim: int) -> Iterator[Layer]:
    """The layers, each fit to what the ones before it give; in the order uniform, features, the network, its units."""
    if not isinstance(said, list) or not 1 <= len(said) <= MOST_LAYERS:
        raise ValueError(f"layers is {shortened(said)}; it must be a list of 1 to {MOST_LAYERS} layers. {_REPAIR}")
    kinds = [layer.get("kind") if isinstance(layer, dict) else None for layer in said]
    for at, (kind, layer) in enumerate(zip(kinds, said, strict=True)):
        if not isinstance(kind, str) or kind not in KINDS:
            raise ValueError(f"Layer {at} is {shortened(layer)}; its kind must be one of {', '.join(KINDS)}. {_REPAIR}")
        early = {"uniform": [], "features": ["uniform"] if "uniform" in kinds else []}
        if kind in early and kinds[:at] != early[kind]:
            raise ValueError(f"Layer {at} is {kind}, which comes before the network alone. {_REPAIR}")
        held = {name: _tensor(layer, name, tensors, at) for name in _TENSORS.get(kind, ())}
        numbers = _numbers(kind, layer, at, dim)
        if kind == "features":
            width *= 1 + 2 * len(numbers["frequencies"]) + numbers["digits"]
        elif kind == "linear":
            if held["weight"].ndim != 2 or held["bias"].shape != held["weight"].shape[:1]:
                raise ValueError(f"Layer {at} has a weight and a bias that do not fit together. {_REPAIR}")
            if held["weight"].shape[1] != width:
                raise ValueError(
                    f"Layer {at} takes {held['weight'].shape[1]} numbers, and the one before gives {width}. {_REPAIR}"
                )
            width = len(held["weight"])
        if width > MOST_UNITS:
            raise ValueError(f"Layer {at} gives {width:,} numbers; {MOST_UNITS:,} is the most. {_REPAIR}")
        if any(tensor.shape != (width,) for tensor in held.values() if kind == "affine"):
            raise ValueError(f"Layer {at} scales another number of columns than the {width} there are. {_REPAIR}")
        yield Layer(kind, MappingProxyType(numbers), MappingProxyType(held))
    if width != dim:
        raise ValueError(f"The last layer gives {width} numbers, and a point has {dim}. {_REPAIR}")
    if "affine" not in kinds or kinds[kinds.index("affine") :] not in (["affine"], ["affine", "exponential"]):
        raise ValueError(f"The layers must end with affine, or with affine and exponential. {_REPAIR}")


def _numbers(kind: str, layer: Mapping[str, Any], at: int, dim: int) -> dict[str, Any]:
    if kind == "leaky_relu":
        slope = layer.get("slope")
        if not _finite(slope):
            raise ValueError(f"Layer {at} has the slope {shortened(slope)}; it must be a number. {_REPAIR}")
        return {"slope": float(slope)}
    if kind == "exponential":
        columns = layer.get("columns")
        if not isinstance(columns, list) or len(columns) > dim or not all(_whole(n, 0, dim - 1) for n in columns):
            raise ValueError(f"Layer {at} names columns that there are not: {shortened(columns)}. {_REPAIR}")
        return {"columns": tuple(columns)}
    if kind != "features":
        return {}
    frequencies = layer.get("frequencies", [])
    gates = layer.get("gates", [1.0] * len(frequencies) if isinstance(frequencies, list) else None)
    for name, values in (("frequencies", frequencies), ("gates", gates)):
        if not isinstance(values, list) or len(values) > MOST_WAVES or not all(map(_finite, values)):
            raise ValueError(
                f"Layer {at} has {name} {shortened(values)}; they must be at most {MOST_WAVES} numbers. {_REPAIR}"
            )
    if len(frequencies) != len(gates):
        raise ValueError(f"Layer {at} has {len(frequencies)} frequencies and {len(gates)} gates. {_REPAIR}")
    if not isinstance(layer.get("uniform", False), bool):
        raise ValueError(f"Layer {at}: uniform must be true or false. {_REPAIR}")
    digits = _integer(layer, "digits", 0, MOST_DIGITS, 0)
    return {
        "frequencies": tuple(map(float, frequencies)),
        "gates": tuple(map(float, gates)),
        "digits": digits,
        "uniform": layer.get("uniform", False),
    }


def _tensor(layer: Mapping[str, Any], name: str, tensors: Mapping[str, Array], at: int) -> Array:
    found = layer.get(name)
    if not isinstance(found, str) or found not in tensors:
        raise ValueError(f"Layer {at} wants the tensor {shortened(found)}, which {WEIGHTS} does not hold. {_REPAIR}")
    return tensors[found]


def _integer(said: Mapping[str, Any], name: str, low: int, high: int, default: int | None = None) -> int:
    value = said.get(name, default)
    if not _whole(value, low, high):
        raise ValueError(f"{name} is {shortened(value)}; it must be a whole number from {low:,} to {high:,}. {_REPAIR}")
    return operator.index(value)


def _text(said: Mapping[str, Any], name: str, default: str) -> str:
    value = said.get(name, default)
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        raise ValueError(f"{name} is {shortened(value)}; it must be text of at most {LONGEST_TEXT} letters. {_REPAIR}")
    return value


def _whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _finite(value: Any) -> TypeGuard[float]:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) < 1e30 and math.isfinite(value)
