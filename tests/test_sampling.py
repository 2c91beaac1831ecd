"""`gandash sample`: every format gives the trainer's points; programs are run only by those who trust them."""

from __future__ import annotations

import builtins
import io
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from gandash import sampling
from gandash.cli import main
from gandash.core.config import RunConfig
from gandash.core.formats import FORMATS
from gandash.core.trainer import Trainer

SMALL: dict[str, Any] = {"points": 128, "generator_widths": (8,), "discriminator_widths": (8,), "epochs": 2}
PROGRAMS = ("torchscript", "pt2")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def shape() -> Trainer:
    trainer = Trainer(
        RunConfig(shape="circle", ema_decay=0.9, latent="uniform", standardize=True, latent_dim=3, **SMALL)
    )
    trainer.advance(epochs=2)
    return trainer


@pytest.fixture(scope="module")
def numbers() -> Trainer:
    trainer = Trainer(RunConfig(target="multiples-of-5", generator_output="relu", **SMALL))
    trainer.advance(epochs=1)
    return trainer


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    (line,) = captured.err.splitlines()
    assert captured.out == ""
    return line


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_gives_the_points_that_the_page_gives(
    format: str, shape: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").write_bytes(shape.export("best", format))
    trust = ["--trust"] if format in PROGRAMS else []
    arguments = ["sample", "file", "-n", "300", "--seed", "7", *trust]
    assert main([*arguments, "--csv", "points.csv", "--plot", "points.png"]) == 0
    best = shape.appraise("best").epoch
    assert f"Saved 300 points of Circle, best, epoch {best} to points.csv." in capsys.readouterr().out
    points = np.loadtxt("points.csv", delimiter=",", skiprows=1)
    wanted = shape.sample(300, seed=7, which="best")
    np.testing.assert_allclose(points, wanted, atol=2e-5 * wanted.std())
    with Image.open("points.png") as picture:
        assert picture.format == "PNG" and picture.width == 1440
    assert main(arguments) == 0
    assert capsys.readouterr().out.splitlines()[1:] == Path("points.csv").read_text().splitlines()[1:]


def test_numbers_leave_as_numbers(numbers: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file.onnx").write_bytes(numbers.export("latest", "onnx"))
    assert main(["sample", "file.onnx", "-n", "20", "--csv", "n.csv", "--plot", "n.png", "--theme", "dark"]) == 0
    rows = np.loadtxt("n.csv", delimiter=",", skiprows=1)
    assert rows[:, 0].tolist() == numbers.sample(20, seed=0).argmax(axis=1).tolist()
    assert Path("n.png").read_bytes().startswith(b"\x89PNG")


def test_many_points_are_made_in_parts(shape: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("file").write_bytes(shape.export("latest", "portable"))
    whole = sampling.opened(Path("file")).sample(100, 0)
    monkeypatch.setattr(sampling, "ROWS", 7)
    np.testing.assert_allclose(sampling.opened(Path("file")).sample(100, 0), whole, rtol=1e-5)


@pytest.mark.parametrize("format", PROGRAMS)
def test_a_program_is_not_even_loaded_without_trust(
    format: str, shape: Trainer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def loads(*_: Any, **__: Any) -> Any:
        raise AssertionError("it was loaded")

    Path("file.zip").write_bytes(shape.export("latest", format))  # under any name
    for module in (torch.jit, torch.export, torch):
        monkeypatch.setattr(module, "load", loads)
    assert main(["sample", "file.zip"]) == 2
    line = said(capsys)
    assert "file.zip is a program" in line and "add --trust" in line and "portable file" in line


def garbage(kind: str, shape: Trainer) -> bytes:
    whole = shape.export("latest", "portable")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("notes.txt", "hello")
    return {
        "empty": b"",
        "text": b"x,y\n1,2\n" * 100,
        "json": b'{"shape": "line"}',
        "pickle": b"\x80\x04K\x01.",
        "half": whole[: len(whole) // 2],
        "other": archive.getvalue(),
        "checkpoint": shape.checkpoint(),
        "flipped": whole.replace(b'"latent_dim": 3', b'"latent_dim": 4'),
        "onnx": shape.export("latest", "onnx")[:-200],
    }[kind]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("empty", "is empty"),
        ("text", "is not a generator, or a damaged one"),
        ("json", "is not a generator: give a .pt, .pt2, .onnx or portable .zip"),
        ("pickle", "is not a generator: give a .pt, .pt2, .onnx or portable .zip"),
        ("half", "is a damaged archive"),
        ("other", "is an archive that holds no generator"),
        ("checkpoint", "is a checkpoint, not a generator: `train --from`"),
        ("flipped", "is no portable generator that can be read"),
        ("onnx", "is not a generator, or a damaged one"),
    ],
)
def test_what_is_no_generator_is_told_and_nothing_is_written(
    kind: str, told: str, shape: Trainer, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("file").write_bytes(garbage(kind, shape))
    assert main(["sample", "file", "--trust", "--csv", "points.csv"]) == 2
    line = said(capsys)
    assert line.startswith("Error: file ") and told in line and len(line) < 1000
    assert not Path("points.csv").exists()


def test_a_damaged_program_is_told_in_a_line(shape: Trainer, capsys: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile("bad.pt", "w") as archive:
        archive.writestr("archive/constants.pkl", "nonsense")
    assert main(["sample", "bad.pt", "--trust"]) == 2
    assert "bad.pt is a TorchScript file that torch cannot load" in said(capsys)
    with zipfile.ZipFile("bad.pt2", "w") as archive:
        archive.writestr("archive/archive_format", "pt2")
    assert main(["sample", "bad.pt2", "--trust"]) == 2
    assert "bad.pt2 is a .pt2 file that torch cannot load" in said(capsys)


def test_a_model_that_is_no_generator_of_ours_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    from onnx import TensorProto, helper

    rows = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2]) for name in ("a", "b")]
    graph = helper.make_graph([helper.make_node("Relu", ["a"], ["b"])], "g", rows[:1], rows[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    Path("m.onnx").write_bytes(model.SerializeToString())
    assert main(["sample", "m.onnx"]) == 2
    assert "m.onnx is not a generator of gandash's: it carries no set-up" in said(capsys)
    helper.set_model_props(model, {"config.json": RunConfig(shape="line", latent_dim=5).to_json()})
    Path("m.onnx").write_bytes(model.SerializeToString())
    assert main(["sample", "m.onnx"]) == 2
    assert "m.onnx fails on its noise: " in said(capsys)


def test_onnx_without_its_runtime_says_how_to_install_it(
    shape: Trainer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import_ = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "onnxruntime":
            raise ImportError(name)
        return import_(name, *args, **kwargs)

    Path("a.onnx").write_bytes(shape.export("latest", "onnx"))
    monkeypatch.setattr(builtins, "__import__", missing)
    assert main(["sample", "a.onnx"]) == 2
    assert said(capsys).endswith("not installed here: pip install onnxruntime.")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("sample nowhere.zip", "nowhere.zip cannot be read: No such file or directory"),
        ("sample .", "cannot be read: Is a directory"),
        ("sample file -n 0", "-n: '0' was given; it must be a whole number from 1 to 1,000,000"),
        ("sample file -n 10000000", "must be a whole number from 1 to 1,000,000"),
        ("sample file --seed -1", "--seed: '-1' was given"),
        ("sample file --seed 9223372036854775808", "from 0 to 2^63 - 1"),
        ("sample file --csv file", "would overwrite the generator"),
        ("sample file --csv a --plot a", "--csv and --plot are the same file"),
        ("sample file --plot nowhere/a.png", "there is no folder"),
        ("sample", "The following arguments are required: FILE"),
    ],
)
def test_bad_arguments_are_one_line(arguments: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("file").write_bytes(b"x")
    assert main(arguments.split()) == 2
    assert told in said(capsys)
    assert [path.name for path in Path().iterdir()] == ["file"] and Path("file").read_bytes() == b"x"


def test_the_server_and_its_workers_never_come_near_it() -> None:
    script = "import sys, gandash.runs.service, gandash.runs.worker, gandash.live.routes, gandash.cli; "
    script += "print('gandash.sampling' in sys.modules)"
    root = Path(sampling.__file__).parent
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=root.parent)
    assert done.stdout.strip() == "False"
    users = {path.name for path in root.rglob("*.py") if "import sampling" in path.read_text()}
    assert users == {"cli.py"}
