"""Every format: its four lines, in a process that has no gandash, give the points that are shown."""

from __future__ import annotations

import builtins
import io
import json
import re
import subprocess
import sys
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gandash.core.config import RunConfig
from gandash.core.export import portable
from gandash.core.export.generator import ExportedGenerator
from gandash.core.formats import FORMATS
from gandash.core.trainer import Trainer
from gandash.portable import read
from tests.core.prices import PricesSpec

SMALL: dict[str, Any] = {"points": 256, "generator_widths": (8, 8), "discriminator_widths": (8,), "epochs": 3}
CONFIGS = {
    "relu": RunConfig(shape="exponential", **SMALL),
    "leaky_relu": RunConfig(shape="circle", activation="leaky_relu", standardize=True, latent_dim=5, **SMALL),
    "silu": RunConfig(shape="line", activation="silu", latent="uniform", **SMALL),
    "tanh": RunConfig(shape="ring8", activation="tanh", generator_fourier=3, latent_digits=4, **SMALL),
    "digits": RunConfig(shape="grid25", latent="uniform", latent_digits=6, **SMALL),
    "numbers": RunConfig(shape="multiples-of-5", generator_output="relu", **SMALL),
    "prices": RunConfig(target=PricesSpec(), standardize=True, latent_dim=3, **SMALL),
    "waves": RunConfig(shape="heart", generator_fourier=2, standardize=True, **SMALL),
}
ROWS = 600

RUN = """
import json, sys, types
from pathlib import Path
import numpy as np
folder = Path(sys.argv[1])
sys.path.insert(0, str(folder))
for case in json.loads((folder / "cases.json").read_text()):
    noise = np.load(folder / f"{case['config']}-noise.npy")
    *lines, last = case["lines"].splitlines()
    scope = {}
    exec("\\n".join(lines), scope)
    given = scope["noise"]
    assert tuple(given.shape) == (1000, noise.shape[1])
    scope["noise"] = scope["torch"].from_numpy(noise) if "torch" in scope else noise
    exec(last, scope)
    points = scope["numbers" if case["numbers"] else "points"]
    np.save(case["answer"], points.detach().numpy() if "torch" in scope else points)
assert "gandash" not in sys.modules
"""


@cache
def trained(name: str) -> Trainer:
    """What none of the tests changes."""
    trainer = Trainer(CONFIGS[name])
    trainer.advance(epochs=1)
    return trainer


def points_of(trainer: Trainer, noise: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    import torch

    with torch.no_grad():
        points: np.ndarray[Any, Any] = trainer._exported("latest")(torch.from_numpy(noise)).numpy()
    return points


@pytest.mark.timeout(300)
def test_the_four_lines_of_every_format_give_the_points_that_are_shown(tmp_path: Path) -> None:
    cases, wanted = [], {}
    (tmp_path / "reader.py").write_text(portable.READER)
    for name, config in CONFIGS.items():
        trainer = trained(name)
        noise = np.random.default_rng(1).standard_normal((ROWS, config.latent_dim)).astype(np.float32)
        np.save(tmp_path / f"{name}-noise.npy", noise)
        for each in FORMATS.values():
            file = tmp_path / f"{name}{each.suffix}"
            file.write_bytes(trainer.export("latest", each.name))
            answer = str(tmp_path / f"{name}-{each.name}.npy")
            numbers = bool(trainer.target.numbers)
            lines = each.lines(str(file), config.latent_dim, numbers=numbers)
            assert lines.endswith(".argmax(1)") == numbers
            cases.append({"config": name, "numbers": numbers, "lines": lines, "answer": answer})
            points = points_of(trainer, noise)
            wanted[answer] = points.argmax(axis=1) if numbers else points
            assert len(each.lines("a", 2).splitlines()) == 4
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    subprocess.run([sys.executable, "-I", "-W", "ignore", "-c", RUN, str(tmp_path)], check=True, cwd=tmp_path)
    for answer, points in wanted.items():
        found = np.load(answer)
        assert found.shape == points.shape
        if points.ndim == 1:
            assert (found == points).mean() > 0.99, f"{answer}: ties aside, the same numbers"
            continue
        assert found.dtype == np.float32
        close = np.abs(found - points).max(axis=1) <= 1e-5 * points.std()
        assert close.mean() > 0.99, f"{answer}: at a digit's edge alone the generator jumps"


@pytest.mark.parametrize("name", CONFIGS)
def test_a_portable_file_is_read_back_with_what_it_says(name: str) -> None:
    trainer = trained(name)
    data = trainer.export("latest", "portable")
    assert data == trainer.export("latest", "portable")
    generator = read(data)
    config = CONFIGS[name]
    assert (generator.title, generator.seed, generator.epoch) == (config.target.build().title, config.seed, 1)
    assert generator.variant == "latest" and RunConfig.model_validate(dict(generator.config)) == config
    assert generator.report["headline"] == pytest.approx(trainer.appraise("latest").metrics["headline"])
    noise = np.random.default_rng(1).standard_normal((ROWS, config.latent_dim)).astype(np.float32)
    points = points_of(trainer, noise)
    assert (np.abs(generator(noise) - points).max(axis=1) <= 1e-5 * points.std()).mean() > 0.99


def test_the_reader_in_the_readme_is_thirty_lines_and_the_one_that_was_tried() -> None:
    with zipfile.ZipFile(io.BytesIO(trained("relu").export("latest", "portable"))) as archive:
        text = archive.read("README.md").decode()
    found = re.search(r"```python\n(.*)```", text, re.DOTALL)
    assert found is not None and found[1] == portable.READER
    assert len([line for line in portable.READER.splitlines() if line]) <= 30


@pytest.mark.parametrize("format", FORMATS)
def test_files_tell_what_they_are_and_nothing_of_the_machine(format: str) -> None:
    data = trained("tanh").export("latest", format)
    assert str(Path(__file__).parents[2]).encode() not in data and sys.prefix.encode() not in data
    assert b"ring8" in data and b'"headline"' in data


def test_onnx_without_its_package_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import_ = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "onnx":
            raise ImportError(name)
        return import_(name, *args, **kwargs)

    trainer = trained("relu")
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ValueError, match="pip install onnx, or take another format"):
        trainer.export("latest", "onnx")


def test_an_unknown_format_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match=r"'pickle' is unknown\. Choose one of torchscript, pt2, portable, onnx"):
        trained("relu").export("latest", "pickle")


def test_every_layer_that_a_config_allows_is_covered() -> None:
    from gandash.core.export.layers import layers_of

    kinds = set()
    for name in CONFIGS:
        module: ExportedGenerator = trained(name)._exported("latest")
        kinds |= {layer["kind"] for layer in layers_of(module)[0]}
    assert kinds == {"uniform", "features", "linear", "relu", "leaky_relu", "silu", "tanh", "affine", "exponential"}
