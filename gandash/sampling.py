"""Points out of a generator's file of one's own, in any format: for the command line alone.

What kind of file it is shows in its contents, not in its name. Portable files and ONNX graphs are data. TorchScript and
torch.export files are programs, which could do anything: they are loaded only where `trusted`, and never by the server
or its workers, which do not import this module. The noise is the trainer's own for a seed, so points are the page's.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gandash import portable
from gandash.core.config import RunConfig
from gandash.core.problems import one_line, shortened
from gandash.core.setup_file import MOST_BYTES
from gandash.core.targets import Target

Array = NDArray[np.float32]
Kind = Literal["portable", "torchscript", "pt2", "onnx"]

CONFIG_FILE, REPORT_FILE = "config.json", "report.json"
ROWS = 65_536
"""Points that are made at once."""


@dataclass(frozen=True)
class Generator:
    """A generator from a file: `run` leads from noise ``(n, latent_dim)`` to points ``(n, dim)``, both float32.

    `note` says which one it is, such as "best, epoch 25"; empty where the file does not tell.
    """

    target: Target
    latent_dim: int
    note: str
    run: Callable[[Array], NDArray[Any]]

    def sample(self, n: int, seed: int) -> Array:
        """Points ``(n, dim)`` in the target's own units, those of `Trainer.sample` for the same seed.

        Raises `ValueError` if the file's model gives something else.
        """
        noise = noise_of(n, self.latent_dim, seed)
        parts = []
        for start in range(0, n, ROWS):
            rows = noise[start : start + ROWS]
            try:
                points = np.asarray(self.run(rows), dtype=np.float32)
            except Exception as error:  # whatever a model of somebody's raises
                raise ValueError(f"fails on its noise: {_words(error)}") from error
            if points.shape != (len(rows), self.target.dim):
                raise ValueError(
                    f"gives an array of shape {points.shape} for {len(rows):,} points of {self.target.title}; it must "
                    f"be ({len(rows)}, {self.target.dim}). It is not a generator of gandash's as it was saved."
                )
            parts.append(points)
        return np.concatenate(parts)


def noise_of(n: int, latent_dim: int, seed: int) -> Array:
    """The trainer's noise for a seed, ``(n, latent_dim)`` from N(0, 1)."""
    import torch

    rng = torch.Generator().manual_seed(seed)
    noise: Array = torch.randn(n, latent_dim, generator=rng, dtype=torch.float32).numpy()
    return noise


def opened(path: Path, *, trusted: bool = False) -> Generator:
    """The generator in a file; raises `ValueError` with a sentence that begins with what the file is or lacks.

    A program is loaded only if it is `trusted`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror or error}.") from error
    if len(data) > MOST_BYTES:
        raise ValueError(f"is larger than {MOST_BYTES // 2**20} MB, which no generator of gandash is.")
    kind = kind_of(data)
    if kind == "portable":
        return _portable(data)
    if kind == "onnx":
        return _onnx(data)
    if not trusted:
        raise ValueError(
            "is a program (TorchScript or torch.export): loading it runs what is in it, which could do anything on "
            "this machine. If you made it or trust whoever did, add --trust; otherwise ask for the portable file of "
            "the same generator, which holds numbers alone."
        )
    return _torchscript(data) if kind == "torchscript" else _pt2(data)


def kind_of(data: bytes) -> Kind:
    """Which format a file's contents are in; raises `ValueError` for what is no generator. Nothing in it is run."""
    if not data:
        raise ValueError("is empty: save or download the generator once more.")
    if not data.startswith(b"PK"):
        if data[:1] in (b"\x80", b"{", b"[") or data[:4] == b"\x89PNG":
            raise ValueError("is not a generator: give a .pt, .pt2, .onnx or portable .zip file that gandash saved.")
        return "onnx"  # which has no mark of its own: reading it tells
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except Exception as error:  # what zipfile raises for a damaged archive is not a closed list
        raise ValueError("is a damaged archive: save or download the generator once more.") from error
    ends = {name.partition("/")[2] for name in names}
    if portable.GENERATOR in names or portable.WEIGHTS in names:
        return "portable"
    if "archive_format" in ends or "models/model.json" in ends:
        return "pt2"
    if "constants.pkl" in ends:
        return "torchscript"
    if "data.pkl" in ends:
        raise ValueError("is a checkpoint, not a generator: `train --from` goes on from it and saves one.")
    raise ValueError("is an archive that holds no generator: give a file that gandash saved.")


def _portable(data: bytes) -> Generator:
    try:
        found = portable.read(data)
    except ValueError as error:
        raise ValueError(f"is no portable generator that can be read. {error}") from error
    return Generator(found.target.build(), found.latent_dim, _note(found.variant, found.epoch), found)


def _onnx(data: bytes) -> Generator:
    try:
        import onnxruntime
    except ImportError as error:
        raise ValueError(
            "is an ONNX file, if it is a generator at all; those are run by the package onnxruntime, which is not "
            "installed here: pip install onnxruntime."
        ) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has an exception of its own for everything
        raise ValueError(
            "is not a generator, or a damaged one: it is no archive of torch's or of gandash's, and not an ONNX model."
        ) from error
    said = session.get_modelmeta().custom_metadata_map
    config = _config(said.get(CONFIG_FILE, ""))
    name = session.get_inputs()[0].name
    return _of_config(config, said.get(REPORT_FILE, ""), lambda noise: session.run(None, {name: noise})[0])


def _torchscript(data: bytes) -> Generator:
    import torch

    files: dict[str, Any] = {CONFIG_FILE: "", REPORT_FILE: ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = torch.jit.load(io.BytesIO(data), map_location="cpu", _extra_files=files)  # type: ignore[no-untyped-call]
        except Exception as error:  # torch raises many kinds
            raise ValueError(f"is a TorchScript file that torch cannot load: {_words(error)}") from error
    return _of_config(_config(files[CONFIG_FILE]), files[REPORT_FILE], _by_torch(model))


def _pt2(data: bytes) -> Generator:
    import torch

    files: dict[str, Any] = {CONFIG_FILE: "", REPORT_FILE: ""}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = torch.export.load(io.BytesIO(data), extra_files=files).module()
        except Exception as error:  # torch raises many kinds
            raise ValueError(f"is a .pt2 file that torch cannot load: {_words(error)}") from error
    return _of_config(_config(files[CONFIG_FILE]), files[REPORT_FILE], _by_torch(model))


def _by_torch(model: Callable[..., Any]) -> Callable[[Array], NDArray[Any]]:
    import torch

    def run(noise: Array) -> NDArray[Any]:
        with torch.no_grad():
            points: NDArray[Any] = model(torch.from_numpy(noise)).detach().numpy()
        return points

    return run


def _config(text: str | bytes) -> RunConfig:
    """The set-up that a file carries; without it nobody knows the noise's size and the points' units."""
    said = text.decode(errors="replace") if isinstance(text, bytes) else text
    if not said:
        raise ValueError(
            "is not a generator of gandash's: it carries no set-up that says what its noise and points are."
        )
    try:
        return RunConfig.from_json(said)
    except ValueError as error:
        raise ValueError(f"carries a set-up that cannot be read: {shortened(str(error))}") from error


def _of_config(config: RunConfig, report: str | bytes, run: Callable[[Array], NDArray[Any]]) -> Generator:
    try:
        said = json.loads(report)
        note = _note(str(said["which"]), int(said["epoch"]))
    except (ValueError, KeyError, TypeError):
        note = ""
    return Generator(config.target.build(), config.latent_dim, note, run)


def _note(which: str, epoch: int) -> str:
    name = {"ema": "average"}.get(which, which)
    return f"{one_line(name[:20])}, epoch {epoch:,}"


def _words(error: Exception) -> str:
    """An error of a library's, as far as a sentence can hold it: its last line, which says what was wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:300]
