"""Reading portable generators: the same points as torch's, and some sixty files that are refused in words."""

from __future__ import annotations

import io
import json
import pickle
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gandash import portable
from gandash.core.config import RunConfig
from gandash.core.trainer import Trainer
from tests.portable_files import described, of_module, random_generator, safetensors, zipped

QUICK: dict[str, Any] = {"points": 256, "batch_size": 64, "generator_widths": (8, 8), "discriminator_widths": (16,)}
RECIPES: list[dict[str, Any]] = [
    {},
    {"standardize": True, "latent": "uniform", "latent_dim": 3},
    {"generator_fourier": 2, "activation": "leaky_relu"},
    {"latent_digits": 4, "activation": "silu"},
    {"latent_digits": 2, "latent": "uniform", "generator_fourier": 1},
    {"activation": "tanh", "standardize": True},
]


def away_from_edges(noise: np.ndarray[Any, Any], digits: int) -> np.ndarray[Any, Any]:
    """Which rows' ranks lie farther than 1e-5 from an edge of a digit: at one the generator jumps."""
    from scipy.special import ndtr

    if not digits:
        return np.ones(len(noise), bool)
    rank = ndtr(noise.astype(float)) * 2**digits
    return np.asarray((np.abs(rank - np.round(rank)) > 1e-5 * 2**digits).all(axis=1))


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_points_are_torchs(recipe: dict[str, Any]) -> None:
    config = RunConfig(shape="ring8", **QUICK, **recipe)
    trainer = Trainer(config)
    trainer.advance(epochs=2)
    module = trainer._exported("latest")
    generator = portable.read(of_module(module))
    noise = np.random.default_rng(1).standard_normal((4000, config.latent_dim)).astype(np.float32)
    kept = away_from_edges(noise, config.latent_digits)
    assert kept.mean() > 0.99
    expected = module(torch.from_numpy(noise)).numpy()
    spread = config.target.build().sample(4000, np.random.default_rng(0)).std()
    assert np.abs(generator(noise) - expected)[kept].max() < 1e-5 * spread


def test_the_generator_says_what_it_is_and_answers_any_number_of_points() -> None:
    generator = portable.read(random_generator("tanh", exponential=(1,), title="My ring"))
    assert (generator.title, generator.variant, generator.epoch, generator.seed) == ("My ring", "ema", 12, 3)
    assert generator.target.build().title == "Ring of 8 Gaussians" or generator.target.build().dim == 2
    assert generator.report["headline"] == 1.25 and generator.size == 2 * 16 + 16 + 16 * 16 + 16 + 32 + 2 + 4
    noise = np.random.default_rng(0).standard_normal((150_000, 2))
    points = generator(noise)
    assert points.shape == (150_000, 2) and points.dtype == np.float32 and (points[:, 1] > 0).all()
    np.testing.assert_allclose(generator(noise[-7:]), points[-7:], rtol=1e-5)
    assert generator(noise[:0]).shape == (0, 2)
    with pytest.raises(ValueError, match=r"must be \(n, 2\)"):
        generator(noise[:, :1])


# What is refused

SAID = described([{"kind": "linear", "weight": "w", "bias": "b"}, {"kind": "affine", "scale": "s", "shift": "s"}])
TENSORS = {"w": np.eye(2, dtype=np.float32), "b": np.zeros(2, np.float32), "s": np.ones(2, np.float32)}
PLAIN = {"generator.json": json.dumps(SAID).encode(), "weights.safetensors": safetensors(TENSORS)}
LINEAR, AFFINE = SAID["layers"]


def file(members: dict[str, bytes] | None = None, **said: Any) -> bytes:
    return zipped(PLAIN | {"generator.json": json.dumps(SAID | said).encode()} | (members or {}))


def layers(*given: Any) -> bytes:
    return file(layers=list(given))


def weights(header: Any = None, numbers: bytes = bytes(32), length: int | None = None) -> bytes:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    size = len(text) if length is None else length
    return file({"weights.safetensors": size.to_bytes(8, "little") + text + numbers})


def tensor(shape: Any = (2,), dtype: str = "F32", offsets: Any = (0, 8)) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}


def bomb() -> bytes:
    return zipped(PLAIN | {"weights.safetensors": bytes(200_000_000)}, zipfile.ZIP_DEFLATED)


def nested_bomb() -> bytes:
    return zipped(PLAIN | {"more.zip": zipped({"zeros": bytes(50_000_000)}, zipfile.ZIP_DEFLATED)})


def many_members() -> bytes:
    return zipped(PLAIN | {f"{i}": b"" for i in range(20_000)})


def twice() -> bytes:
    buffer = io.BytesIO(file())
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("generator.json", b"{}")
    return buffer.getvalue()


def patched(data: bytes, at: int, value: bytes) -> bytes:
    return data[:at] + value + data[at + len(value) :]


def directory_field(offset: int, value: int, form: str = "<L") -> bytes:
    """The plain file with another value in the first entry of its list of members."""
    data = file()
    return patched(data, data.index(b"PK\x01\x02") + offset, struct.pack(form, value))


def end_field(offset: int, value: int, form: str = "<L") -> bytes:
    data = file()
    return patched(data, data.rindex(b"PK\x05\x06") + offset, struct.pack(form, value))


def not_finite(value: float) -> bytes:
    return file({"weights.safetensors": safetensors(TENSORS | {"w": np.full((2, 2), value, np.float32)})})


class Trap:
    """Leaves a file behind wherever it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, ("/tmp/gandash-trap", "w"))


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "empty"),
    "text": (lambda: b"hello", "no zip"),
    "only letters of a zip": (lambda: b"PK", "no zip"),
    "an empty zip": (lambda: zipped({}), "no zip|holds no"),
    "huge": (lambda: bytes(40 * 2**20), "at most"),
    "a pickle renamed": (lambda: pickle.dumps(Trap()), "pickle"),
    "an old pickle in the zip": (lambda: file({"generator.json": pickle.dumps(Trap())}), "no JSON"),
    "a pickle as weights": (lambda: file({"weights.safetensors": pickle.dumps(Trap(), 0)}), "cut off"),
    "a further pickle": (lambda: file({"data.pkl": pickle.dumps(Trap())}), "nothing else"),
    "a torch archive": (lambda: zipped({"x/data.pkl": pickle.dumps(Trap())}), "never run"),
    "a zip bomb": (bomb, "compressed"),
    "a bomb within": (nested_bomb, "nothing else"),
    "20,000 members": (many_members, "makes no sense"),
    "no weights": (lambda: zipped({"generator.json": PLAIN["generator.json"]}), "holds no weights"),
    "no description": (lambda: zipped({"weights.safetensors": b""}), "holds no generator"),
    "a way out": (lambda: file({"../../etc/passwd": b"x"}), "nothing else"),
    "an absolute name": (lambda: file({"/etc/cron.d/x": b"x"}), "nothing else"),
    "a way out of Windows": (lambda: file({"..\\..\\x": b"x"}), "nothing else"),
    "a long name": (lambda: file({"x" * 60_000: b"x"}), "nothing else"),
    "a name twice": (twice, "twice"),
    "cut off": (lambda: file()[:-40], "no zip|part"),
    "cut in half": (lambda: file()[: len(file()) // 2], "no zip|part"),
    "its beginning lost": (lambda: file()[100:], "no zip"),
    "bytes behind it": (lambda: file() + bytes(100), "makes no sense"),
    "a list of 4 GB": (lambda: end_field(12, 2**32 - 1), "makes no sense"),
    "a list far away": (lambda: end_field(16, 2**32 - 1), "makes no sense"),
    "several disks": (lambda: end_field(4, 7, "<H"), "makes no sense"),
    "a member of 4 GB": (lambda: directory_field(24, 2**32 - 2), "compressed or locked|cannot be read|damaged"),
    "both sizes of 1 GB": (
        lambda: patched(directory_field(20, 2**30), directory_field(20, 2**30).index(b"PK\x01\x02") + 24, b"\0\0\0@"),
        "at most|damaged",
    ),
    "a member elsewhere": (lambda: directory_field(42, 77), "damaged|cannot be read"),
    "locked": (lambda: directory_field(8, 1, "<H"), "locked"),
    "an unknown compression": (lambda: directory_field(10, 99, "<H"), "compressed|cannot be read"),
    "a wrong checksum": (lambda: directory_field(16, 1), "damaged"),
    "a huge description": (lambda: file(note="x" * 300_000), "at most"),
    "no JSON": (lambda: file({"generator.json": b"{"}), "no JSON"),
    "not UTF-8": (lambda: file({"generator.json": b'{"a": "\xff"}'}), "no JSON"),
    "deep JSON": (lambda: file({"generator.json": b"[" * 100_000}), "no JSON"),
    "NaN in JSON": (lambda: file({"generator.json": b'{"a": NaN}'}), "no JSON"),
    "a number of 100,000 digits": (lambda: file({"generator.json": b'{"a": ' + b"9" * 100_000 + b"}"}), "no JSON"),
    "a list": (lambda: file({"generator.json": b"[]"}), "JSON object"),
    "another format": (lambda: file(format="pickle"), "format"),
    "a later version": (lambda: file(version=99), "version 99"),
    "another noise": (lambda: file(latent="uniform"), "normal"),
    "an unknown target": (lambda: file(target={"kind": "shape", "name": "__import__('os')"}), "target"),
    "a target of no kind": (lambda: file(target=[1]), "target"),
    "no dimension": (lambda: file(latent_dim=0), "latent_dim"),
    "a dimension of truth": (lambda: file(latent_dim=True), "latent_dim"),
    "10**18 dimensions": (lambda: file(latent_dim=10**18), "latent_dim"),
    "another number of columns": (lambda: file(dim=3, columns=["a", "b", "c"]), "dim is 3"),
    "columns of no text": (lambda: file(columns=[1, 2]), "columns"),
    "an endless title": (lambda: file(title="x" * 10_000), "title"),
    "no layers": (lambda: layers(), "layers"),
    "10,000 layers": (lambda: layers(*[{"kind": "relu"}] * 10_000), "layers"),
    "an unknown layer": (lambda: layers({"kind": "eval", "code": "import os"}, AFFINE), "kind must be"),
    "a layer that is a list": (lambda: layers([], AFFINE), "kind must be"),
    "a layer with a missing tensor": (lambda: layers({**LINEAR, "weight": "no"}, AFFINE), "wants the tensor"),
    "a layer that does not fit": (lambda: file(latent_dim=3), "takes 2 numbers"),
    "a bias for a weight": (lambda: layers({**LINEAR, "weight": "b"}, AFFINE), "do not fit"),
    "no units": (lambda: layers(LINEAR), "must end with affine"),
    "units in the middle": (lambda: layers(AFFINE, LINEAR), "must end with affine"),
    "features that grow without end": (
        lambda: layers(*[{"kind": "features", "frequencies": [1.0] * 32, "digits": 24, "uniform": False}] * 9, AFFINE),
        "before the network",
    ),
    "endless digits": (
        lambda: layers({"kind": "features", "frequencies": [], "digits": 10**9}, LINEAR, AFFINE),
        "digits",
    ),
    "a slope of text": (lambda: layers(LINEAR, {"kind": "leaky_relu", "slope": "1"}, AFFINE), "slope"),
    "columns that there are not": (
        lambda: layers(LINEAR, AFFINE, {"kind": "exponential", "columns": [7]}),
        "columns that there are not",
    ),
    "NaN weights": (lambda: not_finite(np.nan), "not finite"),
    "infinite weights": (lambda: not_finite(-np.inf), "not finite"),
    "a header of 2**63 bytes": (lambda: weights({}, length=2**63), "cut off"),
    "a header that is a list": (lambda: weights([]), "JSON object"),
    "a deep header": (lambda: weights(b"[" * 60_000), "no JSON"),
    "doubles": (lambda: weights({"w": tensor(dtype="F64")}), "must be F32"),
    "half floats": (lambda: weights({"w": tensor(dtype="BF16")}), "must be F32"),
    "a tensor that is a number": (lambda: weights({"w": 3}), "must be F32"),
    "a giant shape": (lambda: weights({"w": tensor((2**40, 2**40))}), "shape"),
    "a shape that overflows": (lambda: weights({"w": tensor((16384, 16384))}), "bytes"),
    "a shape below nothing": (lambda: weights({"w": tensor((-2,))}), "shape"),
    "a shape without end": (lambda: weights({"w": tensor([1] * 1000)}), "shape"),
    "a tensor outside": (lambda: weights({"w": tensor(offsets=(10**9, 10**9 + 8))}), "lies outside"),
    "a tensor backwards": (lambda: weights({"w": tensor(offsets=(8, 0))}), "bytes"),
    "tensors over each other": (
        lambda: weights({"w": tensor(), "v": tensor(offsets=(4, 12))}, bytes(12)),
        "overlap",
    ),
    "numbers that nobody owns": (lambda: weights({"w": tensor()}, bytes(80)), "its header tells"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_in_words_at_once(name: str) -> None:
    make, reason = HOSTILE[name]
    data = make()
    tracemalloc.start()
    began = time.perf_counter()
    with pytest.raises(ValueError, match=reason) as caught:
        portable.read(data)
    took, (_, peak) = time.perf_counter() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    message = str(caught.value)
    assert took < 1 and peak < 200e6
    assert len(message.encode()) < 2000 and message.endswith(".")
    assert not Path("/tmp/gandash-trap").exists()


def test_the_plain_file_that_the_hostile_ones_are_made_of_is_read() -> None:
    np.testing.assert_array_equal(portable.read(file())(np.eye(2)), np.eye(2) + 1)


def test_every_truncation_and_many_a_flipped_byte_end_in_words() -> None:
    whole = random_generator(widths=(3,))
    rng = np.random.default_rng(0)
    for end in rng.integers(0, len(whole), 200):
        with pytest.raises(ValueError, match=r"\.$"):
            portable.read(whole[:end])
    for at, value in zip(rng.integers(0, len(whole), 400), rng.integers(0, 256, 400), strict=True):
        with suppress(ValueError):  # a byte that nothing depends on may be another
            portable.read(patched(whole, int(at), bytes([int(value)])))


def test_a_torchscript_file_is_told_by_its_config_and_never_run() -> None:
    config = RunConfig(shape="heart", seed=41, **QUICK)
    buffer = io.BytesIO()
    Trainer(config).export_torchscript(buffer)
    with pytest.raises(portable.ProgramError, match=r"never run here.*Heart with seed 41") as caught:
        portable.read(buffer.getvalue())
    assert caught.value.config == config
