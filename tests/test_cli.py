"""The command line: what it saves, what it refuses and how, Ctrl-C, divergence, and when torch is loaded."""

from __future__ import annotations

import json
import math
import os
import re
import runpy
import signal
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any, Never

import numpy as np
import pytest
import torch
from PIL import Image

from gandash import headless
from gandash.cli import main
from gandash.core import bench, checkpoint
from gandash.core.bench import compare as bench_compare
from gandash.core.config import KNOBS, RunConfig
from gandash.core.metrics import percent
from gandash.core.objectives import OBJECTIVES
from gandash.core.presets import PRESETS
from gandash.core.standalone import script
from gandash.core.targets.shapes import SHAPES
from gandash.core.trainer import Trainer
from gandash.runs.service import RunService
from gandash.runs.store import RunStore
from gandash.usual_names import USUAL_NAMES
from tests.runs.conftest import ManualEngine, until

ROOT = Path(__file__).parents[1]
QUICK = ["--points", "64", "--batch-size", "32", "--generator-widths", "8", "--discriminator-widths", "8"]

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.load` is deprecated:DeprecationWarning")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands run in a folder of their own and leave torch's threads as they were."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    return tmp_path


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run Python in the current folder with gandash on its path."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, text=True, **options)


def points_of(path: Path, latent_dim: int = 2, n: int = 64) -> torch.Tensor:
    points: torch.Tensor = torch.jit.load(path)(torch.randn(n, latent_dim))  # type: ignore[no-untyped-call]
    return points


def read(path: Path) -> dict[str, Any]:
    """JSON as the standard has it: NaN and Infinity are refused."""

    def refuse(name: str) -> Never:
        raise AssertionError(f"{name} is not JSON")

    document: dict[str, Any] = json.loads(path.read_text(), parse_constant=refuse)
    return document


def test_training_writes_a_generator_history_and_samples(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ["--out", "g.pt", "--json", "h.json", "--csv", "s.csv", "--samples", "50", "--checkpoint", "c.ckpt"]
    assert main(["train", "--shape", "inverted-u", *QUICK, "--epochs", "3", "--latent-dim", "5", *files]) == 0
    generated = points_of(folder / "g.pt", latent_dim=5, n=7)
    assert generated.shape == (7, 2)
    assert generated.dtype == torch.float32
    history = read(folder / "h.json")
    assert history.keys() == {"config", "parent", "state", "message", "best_epoch", "saved", "records"}
    assert history["parent"] is None
    assert RunConfig.model_validate(history["config"]).shape == "inverted-u"
    assert [record["epoch"] for record in history["records"]] == [1, 2, 3]
    assert history["records"][2]["metrics"]["sliced_wasserstein"] > 0
    assert history["state"] == "finished"
    assert history["best_epoch"] in (1, 2, 3)
    lines = (folder / "s.csv").read_text().splitlines()
    assert lines[0] == "x,y"
    assert np.array([line.split(",") for line in lines[1:]], float).shape == (50, 2)
    trainer = Trainer.resume(RunConfig.model_validate(history["config"]), (folder / "c.ckpt").read_bytes())
    assert [record.epoch for record in trainer.history] == [1, 2, 3]
    points = np.loadtxt(folder / "s.csv", delimiter=",", skiprows=1, dtype=np.float32)
    np.testing.assert_allclose(trainer.sample(50, seed=0), points, rtol=1e-6)
    assert trainer.verdict("latest") == "told apart"
    assert history["saved"] == asdict(trainer.appraise("latest"))
    assert sorted(path.name for path in folder.iterdir()) == ["c.ckpt", "g.pt", "h.json", "s.csv"]

    said = capsys.readouterr()
    assert "All 3 epochs are done." in said.out
    headline = percent(history["saved"]["metrics"]["headline"])
    assert f"Its gap to real is {headline} ± " in said.out
    assert "\nTold apart: more often than by chance, these points can be told from real ones.\n" in said.out
    for name in ("g.pt", "h.json", "s.csv", "c.ckpt"):
        assert re.search(rf"^Saved .* to {name}\.$", said.out, re.MULTILINE)
    assert "generator loss" in said.err, "the progress bar tells the losses"
    assert "gap to real" in said.err


def test_the_python_that_is_printed_loads_what_was_saved(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *QUICK, "--epochs", "1", "--out", 'a "name".pt', "--latent-dim", "3"]) == 0
    lines = [line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith("    ")]
    names: dict[str, Any] = {}
    exec("\n".join(lines), names)
    assert names["points"].shape == (1000, 2)


def test_the_points_are_in_the_units_of_the_shape(folder: Path) -> None:
    recipe = [
        "--points",
        "2048",
        "--standardize",
        "--generator-lr",
        "0.002",
        "--discriminator-lr",
        "0.002",
        "--dropout",
        "0",
    ]
    assert main(["train", "--shape", "exponential", *recipe, "--epochs", "8"]) == 0
    points = points_of(folder / "exponential.pt", n=2000)
    assert 10 < float(points[:, 0].mean()) < 40, "x of the shape is uniform on [0, 50]"


def test_the_same_command_writes_the_same_samples(folder: Path) -> None:
    for name in ("a", "b"):
        assert (
            main(["train", *QUICK, "--epochs", "3", "--seed", "9", "--out", f"{name}.pt", "--csv", f"{name}.csv"]) == 0
        )
    assert (folder / "a.csv").read_text() == (folder / "b.csv").read_text()


@pytest.mark.parametrize(
    ("which", "said"),
    [("latest", "the latest"), ("ema", "the running average"), ("best", "the best generator, that of")],
)
def test_the_generator_asked_for_is_saved(
    which: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["train", *QUICK, "--epochs", "6", "--ema-decay", "0.9"]
    assert main([*arguments, "--which", which, "--csv", "s.csv", "--samples", "20"]) == 0
    assert f"Saved {said}" in capsys.readouterr().out
    trainer = Trainer(
        RunConfig(points=64, batch_size=32, generator_widths=(8,), discriminator_widths=(8,), ema_decay=0.9)
    )
    trainer = Trainer(trainer.config.model_copy(update={"epochs": 6}))
    trainer.advance(epochs=6)
    expected = trainer.sample(20, seed=0, which=which)  # type: ignore[arg-type]
    saved = np.loadtxt(folder / "s.csv", delimiter=",", skiprows=1, dtype=np.float32)
    np.testing.assert_allclose(saved, expected, rtol=1e-6)


def test_a_pattern_of_numbers_from_the_command_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shape = ["--preset", "textbook-multiples-of-5", "--shape", "numbers:21,3,7", "--early-stopping", "off"]
    assert main(["train", *shape, "--points", "64", "--epochs", "2", "--csv", "n.csv", "--samples", "30"]) == 0
    said = capsys.readouterr().out
    assert "Saved 30 numbers that it generated to n.csv" in said
    *_, load, noise, last = said.strip().splitlines()
    assert "numbers = model(noise).argmax(1)" in last
    names: dict[str, Any] = {}
    exec("\n".join(line.strip() for line in ("import torch", load, noise, last)), names)
    assert names["numbers"].shape == (1000,) and 0 <= names["numbers"].min() <= names["numbers"].max() <= 99
    table = np.genfromtxt(folder / "n.csv", delimiter=",", names=True)
    trainer = Trainer(
        PRESETS["textbook-multiples-of-5"].model_copy(
            update={"shape": "numbers:3,7,21", "early_stopping": "off", "points": 64, "epochs": 2}
        )
    )
    trainer.advance(epochs=2)
    assert table["number"].tolist() == trainer.sample(30, seed=0).argmax(1).tolist()


@pytest.fixture
def parent(folder: Path) -> Path:
    """A checkpoint after 3 of 3 epochs, with its generator and history beside it."""
    files = ["--checkpoint", "p.ckpt", "--json", "p.json"]
    assert main(["train", "--shape", "line", *QUICK, "--epochs", "3", "--seed", "5", *files]) == 0
    return folder / "p.ckpt"


def test_training_on_adds_epochs_and_leaves_the_parent(
    parent: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    changes = ["--epochs", "2", "--generator-lr", "1e-4"]
    assert main(["train", "--from", "p.ckpt", *changes, "--json", "c.json", "--checkpoint", "c.ckpt"]) == 0
    assert before.items() <= {path.name: path.read_bytes() for path in folder.iterdir()}.items()
    assert {path.name for path in folder.iterdir()} - before.keys() == {"line-2.pt", "c.json", "c.ckpt"}
    said = capsys.readouterr()
    assert "Training on from epoch 3 of p.ckpt: epochs 4 to 5." in said.err
    assert re.search(r"\b3/5 ", said.err) and re.search(r"\b5/5 ", said.err), "the bar counts the parent's epochs"

    history = read(folder / "c.json")
    assert history["parent"] == {"name": "p.ckpt", "epoch": 3}
    assert history["records"][:3] == read(folder / "p.json")["records"]
    assert [record["epoch"] for record in history["records"]] == [1, 2, 3, 4, 5]
    assert (history["config"]["epochs"], history["config"]["generator_lr"]) == (2, 1e-4)
    trainer = Trainer.resume(RunConfig.model_validate(read(folder / "p.json")["config"]), parent.read_bytes())
    trainer = trainer.fork(epochs=2, generator_lr=1e-4)
    expected = [asdict(record) for record in trainer.advance(epochs=2)]
    assert history["records"][3:] == expected

    assert main(["train", "--from", "c.ckpt", "--epochs", "1", "--json", "d.json"]) == 0
    grandchild = read(folder / "d.json")
    assert grandchild["parent"] == {"name": "c.ckpt", "epoch": 5}
    assert grandchild["records"][:5] == history["records"] and len(grandchild["records"]) == 6
    assert "Training on from epoch 5 of c.ckpt: epoch 6." in capsys.readouterr().err
    assert (folder / "line-3.pt").exists()


def test_a_saved_run_is_trained_on_while_it_trains(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, engine = folder / "home", ManualEngine()
    monkeypatch.setenv("GANDASH_HOME", str(home))
    service = RunService(RunStore(home), engine)
    try:
        config = RunConfig(shape="line", points=64, batch_size=32, generator_widths=(8,), discriminator_widths=(8,))
        run_id = service.start(config)
        until(lambda: engine.calls)
        reader = RunStore(home)
        assert main(["train", "--from", run_id, "--epochs", "2"]) == 2, "it has not trained yet"
        engine.run_next()
        until(lambda: (stored := reader.load(run_id)) is not None and stored.checkpoint is not None)
        stored = reader.load(run_id)
        assert stored is not None and len(stored.snapshot.history) > 0
        epoch = int(stored.snapshot.history.epoch[-1])
        files = ["--json", "c.json", "--checkpoint", "c.ckpt"]
        assert main(["train", "--from", run_id, "--epochs", "2", *files]) == 0
        history = read(folder / "c.json")
        assert history["parent"] == {"name": f"run {run_id}", "epoch": epoch}
        assert [record["epoch"] for record in history["records"]] == list(range(1, epoch + 3))
        for row in (0, epoch - 1):
            assert history["records"][row]["generator_loss"] == stored.snapshot.history.columns["generator_loss"][row]
        assert history["records"][0]["metrics"].keys() == history["records"][-1]["metrics"].keys()
        child = Trainer.resume(RunConfig.model_validate(history["config"]), (folder / "c.ckpt").read_bytes())
        assert len(child.history) == epoch + 2
        assert service.snapshot(run_id).status == "running"
        after = reader.load(run_id)
        assert after is not None and after.checkpoint == stored.checkpoint
        reader.close()
    finally:
        service.close()


def test_a_run_stopped_in_the_middle_of_an_epoch_begins_it_anew(folder: Path) -> None:
    quick = {"points": 64, "batch_size": 16, "generator_widths": (8,), "discriminator_widths": (8,)}
    trainer = Trainer(RunConfig(shape="line", **quick))
    trainer.advance(epochs=1)
    while trainer.batches != 6:
        trainer.play_phase()
    (folder / "p.ckpt").write_bytes(trainer.checkpoint())
    assert main(["train", "--from", "p.ckpt", "--epochs", "2", "--json", "c.json"]) == 0
    history = read(folder / "c.json")
    assert history["parent"]["epoch"] == 1
    assert [record["epoch"] for record in history["records"]] == [1, 2, 3]


FIXED = {
    "a fixed knob": ("--batch-size 16", "Batch size .batch_size.: this knob stays as it is"),
    "another target": ("--shape ring8", "Target .target.: this knob stays as it is"),
    "a preset": ("--preset best-line", "--from goes on with its own set-up: leave out --preset"),
    "a config": ("--config p.json", "--from goes on with its own set-up: leave out --config"),
    "no epochs": ("--epochs 0", "Epochs .epochs.: '0' was given; it must be a whole number from 1"),
    "the parent as output": ("--json p.ckpt", "--json p.ckpt would overwrite what --from reads"),
    "an unknown parent": ("--from 0123456789", "--from '0123456789' is neither a file nor a run .* give a run's id"),
    "a generator": ("--from line.pt", "--from line.pt holds a set-up but no training state: give a file that"),
    "a history": ("--from p.json", "--from p.json holds a set-up but no training state"),
    "half a checkpoint": ("--from half.ckpt", "--from half.ckpt cannot be trained on: "),
    "another file": ("--from text.ckpt", "--from text.ckpt cannot be trained on: These bytes are not a gandash"),
    "a checkpoint of another kind": (
        "--from odd.ckpt",
        "--from odd.ckpt cannot be trained on: The checkpoint is damaged",
    ),
    "a run that diverged": (
        "--from diverged.ckpt",
        "This run has diverged: its networks hold numbers that are not finite",
    ),
    "a folder": ("--from .", "--from '.' is neither a file nor a run"),
    "a long name": (f"--from {'n' * 5000}", "--from 'nnn.{50,60} is neither a file nor a run"),
}


def test_what_cannot_be_trained_on_is_told(
    parent: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GANDASH_HOME", str(folder / "home"))
    (folder / "half.ckpt").write_bytes(parent.read_bytes()[:2000])
    (folder / "text.ckpt").write_text("hello")
    state = checkpoint.load(parent.read_bytes())
    (folder / "diverged.ckpt").write_bytes(checkpoint.dump(state | {"state": "diverged"}))
    del state["history"]
    (folder / "odd.ckpt").write_bytes(checkpoint.dump(state))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    capsys.readouterr()
    for arguments, told in FIXED.values():
        assert main(["train", "--from", "p.ckpt", *arguments.split()]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert re.search(told, line), line
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before, "nothing was written"


def test_saved_runs_that_cannot_be_read_are_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GANDASH_HOME", str(folder))
    (folder / "runs.sqlite3").write_bytes(b"no database" * 1000)
    assert main(["train", "--from", "0123456789"]) == 2
    said = capsys.readouterr().err
    assert re.match(r"Error: --from '0123456789' cannot be trained on: The saved runs cannot be read", said)


def test_what_is_not_finite_is_null(folder: Path) -> None:
    recipe = ["--objective", "wgan-gp", "--discriminator-steps", "20", "--epochs", "2"]
    assert main(["train", *QUICK, *recipe, "--json", "h.json"]) == 0
    assert read(folder / "h.json")["records"][0]["generator_loss"] is None, "there was no generator update yet"


def config_of(*arguments: str) -> RunConfig:
    """The config that a command trains."""
    assert main(["train", *arguments, *QUICK, "--epochs", "1", "--json", "config_of.json"]) == 0
    return RunConfig.model_validate(read(Path("config_of.json"))["config"])


def test_presets_and_configs_are_starting_points(folder: Path) -> None:
    (folder / "c.json").write_text(RunConfig(shape="ring8", dropout=0.1, seed=5).to_json())
    config = config_of("--config", "c.json", "--dropout", "0.2")
    assert (config.shape, config.dropout, config.seed, config.epochs) == ("ring8", 0.2, 5, 1)
    config = config_of("--preset", "best-ring8", "--shape", "grid25")
    kept = PRESETS["best-ring8"]
    assert (config.shape, config.objective, config.standardize) == ("grid25", kept.objective, kept.standardize)
    (folder / "part.json").write_text('{"shape": "line"}')
    config = config_of("--preset", "best-ring8", "--config", "part.json")
    assert (config.shape, config.objective) == ("line", kept.objective)


@pytest.mark.parametrize("objective", ["wgan-gp", "non-saturating"])
def test_a_new_objective_brings_its_own_defaults(objective: str) -> None:
    config = config_of("--preset", "best-ring8", "--objective", objective, "--beta2", "0.5")
    expected = RunConfig(objective=objective)
    concerned = {name for objective in OBJECTIVES.values() for name in objective.defaults} - {"beta2"}
    assert config.model_dump(include=concerned) == expected.model_dump(include=concerned)
    assert config.beta2 == 0.5
    assert config.standardize == PRESETS["best-ring8"].standardize


def test_switches_go_both_ways() -> None:
    assert config_of("--standardize").standardize
    assert not config_of("--preset", "best-ring8", "--no-standardize").standardize


BAD: dict[str, tuple[str, str]] = {
    "no port": ("dashboard --port 70000", "--port: '70000' was given; it must be a whole number from 1 to 65,535"),
    "unknown command": ("trian", "no command 'trian'. Did you mean train"),
    "unknown option": ("train --generater-lr 1", "no option --generater-lr. Did you mean --generator-lr"),
    "no abbreviations": ("train --generator 1", "no option --generator. Did you mean"),
    "one word too many": ("train ring8", "'ring8' is one word too many"),
    "no value": ("train --epochs", "--epochs: expected one argument"),
    "empty widths": ("train --generator-widths=", "Generator widths.*'' was given; it must be 1 to 6 whole numbers"),
    "width 0": ("train --generator-widths 0", "Generator widths.*layer 1 is 0; it must be 1 to 6 whole numbers"),
    "width 100,000": ("train --discriminator-widths 16,100000", "layer 2 is 100000; it must be .* from 1 to 1,024"),
    "negative width": ("train --discriminator-widths -5", "'-5' was given; it must be 1 to 6 whole numbers"),
    "seven layers": ("train --generator-widths 1,1,1,1,1,1,1", "1 to 6 whole numbers"),
    "dropout 1.0": ("train --dropout 1.0", "Dropout.*'1.0' was given; it must be a number from 0 to 0.9"),
    "dropout -0.1": ("train --dropout -0.1", "Dropout.*'-0.1' was given; it must be a number from 0 to 0.9"),
    "learning rate 0": ("train --generator-lr 0", "generator_lr.*'0' was given; it must be a number from 1e-06 to 1"),
    "learning rate -1e-3": ("train --generator-lr -1e-3", "generator_lr.*'-1e-3' was given"),
    "learning rate NaN": ("train --discriminator_lr nan", "discriminator_lr.*'nan' was given"),
    "learning rate 1e9": ("train --generator-lr 1e9", "generator_lr.*'1e9' was given; it must be a number from 1e-06"),
    "half an epoch": (
        "train --epochs 2.5",
        "Epochs.*'2.5' was given; it must be a whole number from 1 to 1,000,000,000",
    ),
    "unknown shape": ("train --shape rng8", "shape 'rng8' is unknown. Did you mean ring8"),
    "unknown objective": ("train --objective gan", "'gan' was given; it must be one of non-saturating"),
    "batch larger than the data": ("train --points 100", "a batch of 128 is larger than the data, 100 points"),
    "contradiction": ("train --objective wgan-gp --penalty none", "without a gradient penalty"),
    "unknown preset": ("train --preset best-ring", "no preset 'best-ring'. Did you mean best-ring8"),
    "unknown generator": ("train --which newest", "invalid choice: 'newest'.*'latest', 'ema', 'best'"),
    "average that is off": ("train --which ema", "no running average to save: set --ema-decay"),
    "no config file": ("train --config nowhere.json", "--config nowhere.json cannot be read: No such file"),
    "malformed JSON": ("train --config broken.json", "--config broken.json is not valid JSON: .*line 1, column 11"),
    "JSON without bottom": ("train --config deep.json", "--config deep.json holds no set-up of gandash"),
    "JSON list": ("train --config list.json", "--config list.json holds no set-up .* which is a JSON object of knobs"),
    "JSON with an unknown knob": ("train --config knob.json", "no knob 'shap'. Did you mean shape"),
    "samples without file": ("train --samples 5", "add --csv FILE"),
    "no samples": ("train --csv s.csv --samples 0", "--samples: '0' was given; it must be a whole number from 1"),
    "threads": ("train --threads many", "--threads: 'many' was given; it must be a whole number from 1 to 256"),
    "a folder": ("train --out .", "--out . is a folder"),
    "no such folder": ("train --json nowhere/h.json", "there is no folder .*nowhere; create it"),
    "a file as folder": ("train --csv list.json/s.csv", "there is no folder .*list.json"),
    "a name too long": (f"train --out {'n' * 300}", "cannot be written .File name too long."),
    "a checkpoint for two": ("train --json a --checkpoint a", "--json and --checkpoint are the same file"),
    "one file for two": ("train --out a --json ./a", "--out and --json are the same file"),
    "config as output": (
        "train --config good.json --json ./good.json",
        "--json good.json would overwrite what --config",
    ),
    "config as generator": ("train --config line.pt --shape line", "--out line.pt would overwrite what --config reads"),
    "unknown action": ("runs lst", "There is no command 'runs lst'. Did you mean list"),
    "no run": ("runs stop", "required: ID"),
    "no such generator": ("runs export 0123456789 --which newest", "invalid choice: 'newest'.*'latest', 'ema', 'best'"),
    "an option of another action": ("runs export 0123456789 --wich best", "no option --wich. Did you mean --which"),
    "a usual name": (
        "train --lr 0.1",
        "There is no option --lr: .*use --generator-lr and --discriminator-lr.$",
    ),
    "a usual letter": ("train -o g.pt", "^Error: There is no option -o: use --out.$"),
    "a usual name elsewhere": ("bench --lr 0.1", "There is no option --lr. Choose one of --device, --rounds"),
}


@pytest.mark.parametrize(("arguments", "told"), BAD.values(), ids=BAD)
def test_bad_input_is_one_clear_line_and_status_2(
    arguments: str, told: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contents = {"broken": '{"shape": ', "deep": "[" * 100_000, "list": "[1]", "knob": '{"shap": "line"}'}
    contents |= {"good": '{"shape": "line"}'}
    for name, text in contents.items():
        (folder / f"{name}.json").write_text(text)
    (folder / "line.pt").write_text(contents["good"])
    assert main(arguments.split()) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("Error: ")
    assert re.search(told, line)
    assert {path.stem for path in folder.iterdir()} == {"line", *contents}, "nothing was written"
    assert (folder / "good.json").read_text() == (folder / "line.pt").read_text() == contents["good"]


def test_the_usual_names_are_pointed_to_options_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    options = set(re.findall(r"--[a-z][a-z0-9-]*", capsys.readouterr().out))
    spelled = {option.replace("-", "") for option in options}
    for name, instead in USUAL_NAMES.items():
        assert set(re.findall(r"--[a-z][a-z0-9-]*", instead)) <= options
        assert name not in spelled


USUAL = {
    "--generator-lr": "lr learning-rate learning_rate LR",
    "--shape": "dataset target",
    "--device": "cuda gpu no-cuda",
    "--from": "resume load",
    "--batch-size": "batch batchSize",
    "--generator-widths": "hidden layers",
    "--epochs": "iterations num-epochs n_epochs",
    "--out": "output",
    "--samples": "n-samples",
    "--objective": "loss",
    "--beta1": "optimizer momentum",
    "--latent-dim": "z-dim nz",
    "--seed": "manualSeed",
}


@pytest.mark.parametrize(("option", "name"), [(option, name) for option in USUAL for name in USUAL[option].split()])
def test_a_usual_name_is_pointed_to_the_option(option: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", f"--{name}", "1"]) == 2
    said = capsys.readouterr().err
    assert re.match(rf"Error: There is no option --{name.replace('_', '-')}[.:] .*{option}\b.*[.?]\n$", said)


@pytest.mark.skipif(sys.platform == "win32", reason="special files of Unix")
def test_special_files_are_not_replaced(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(folder / "pipe")
    assert main(["train", "--out", "pipe"]) == 2
    assert "is not an ordinary file" in capsys.readouterr().err


def test_a_folder_that_takes_no_files_is_refused_before_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(path: Path) -> Never:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refuse)  # root, who runs CI, may write everywhere
    monkeypatch.setattr(Trainer, "advance", None)
    assert main(["train", "--out", "g.pt"]) == 2
    assert "--out g.pt cannot be written (Permission denied)" in capsys.readouterr().err


def test_a_device_without_hardware_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gandash.core.devices.available_devices", lambda: ("cpu",))
    assert main(["train", "--device", "mps"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "Error: Device 'mps' is not on this machine: choose auto or one of cpu."
    assert list(folder.iterdir()) == []


def test_a_file_stays_whole_until_the_new_one_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, other = folder / "a", folder / "b"
    headless.write_atomically(path, b"old")
    other.symlink_to(path)
    headless.write_atomically(other, b"new")
    assert path.read_bytes() == b"new"
    assert other.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask()

    def full(descriptor: int) -> Never:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        headless.write_atomically(path, b"newest")
    assert path.read_bytes() == b"new"
    assert {entry.name for entry in folder.iterdir()} == {"a", "b"}


def umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_full_disk_is_one_clear_line_and_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(descriptor: int) -> Never:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert main(["train", *QUICK, "--epochs", "1"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "Error: exponential.pt could not be written: No space left on device."
    )


@pytest.mark.parametrize(
    "raised", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")]
)
def test_too_little_memory_is_one_clear_line_and_status_1(
    raised: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def advance(self: Trainer, **_: object) -> Never:
        raise raised

    monkeypatch.setattr(Trainer, "advance", advance)
    assert main(["train", *QUICK]) == 1
    assert "Error: The machine ran out of memory: take smaller" in capsys.readouterr().err.splitlines()[-1]


def test_a_defect_is_one_line_unless_one_wants_to_debug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Trainer, "advance", None)
    monkeypatch.delenv("GANDASH_DEBUG", raising=False)
    assert main(["train", *QUICK]) == 1
    assert "Error: unexpected TypeError: " in capsys.readouterr().err.splitlines()[-1]
    monkeypatch.setenv("GANDASH_DEBUG", "1")
    with pytest.raises(TypeError):
        main(["train", *QUICK])


@pytest.mark.parametrize("recipe", [[], ["--ema-decay", "0.9"], ["--ema-decay", "0.9", "--which", "ema"]], ids=str)
def test_a_diverged_run_saves_the_last_healthy_generator(
    recipe: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deal = Trainer._deal

    def spoilt(self: Trainer) -> None:
        if self.epoch == 3:
            self.networks[1][0].weight.data.fill_(math.inf)  # type: ignore[operator]
        deal(self)

    monkeypatch.setattr(Trainer, "_deal", spoilt)
    assert main(["train", *QUICK, *recipe, "--epochs", "9", "--json", "h.json"]) == 3
    said = capsys.readouterr()
    assert re.search("^Error: The run diverged in epoch 4", said.err, re.MULTILINE)
    assert "Saved the last healthy generator, that of epoch 3, to exponential.pt." in said.out
    assert bool(torch.isfinite(points_of(folder / "exponential.pt")).all())
    history = read(folder / "h.json")
    assert history["state"] == "diverged"
    assert len(history["records"]) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT")
def test_ctrl_c_stops_cleanly_and_saves(folder: Path) -> None:
    command = [sys.executable, "-m", "gandash", "train", *QUICK, "--out", "g.pt", "--json", "h.json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    seen = ""
    while "0%" not in seen:  # the bar stands: torch is loaded and the training on its way
        piece = process.stderr.read(1)
        assert piece, seen
        seen += piece
    threading.Timer(1.0, process.send_signal, [signal.SIGINT]).start()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    history = read(folder / "h.json")
    assert history["state"] == "stopped"
    trained = len(history["records"])
    assert 1 <= trained < 10_000
    assert f"Stopped by Ctrl-C in epoch {trained + 1:,}." in out
    assert bool(torch.isfinite(points_of(folder / "g.pt")).all())


def test_ctrl_c_before_the_first_step_saves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begin = Trainer.__init__

    def interrupted(self: Trainer, config: RunConfig) -> None:
        begin(self, config)
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(Trainer, "__init__", interrupted)
    assert main(["train", *QUICK]) == 130
    assert "there is nothing to save" in capsys.readouterr().err
    assert list(folder.iterdir()) == []
    assert signal.getsignal(signal.SIGINT) is before


def test_a_second_ctrl_c_ends_at_once(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def advance(self: Trainer, **_: object) -> list[Any]:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return []

    monkeypatch.setattr(Trainer, "advance", advance)
    assert main(["train", *QUICK]) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "Error: interrupted before everything was saved."


def test_lists_tell_every_shape_and_preset(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shapes"]) == 0
    for line, shape in zip(capsys.readouterr().out.splitlines(), SHAPES.values(), strict=True):
        assert line.startswith(f"{shape.name} ")
        assert all(text in line for text in (shape.title, shape.kind, shape.formula))
    assert main(["presets"]) == 0
    for line, name in zip(capsys.readouterr().out.splitlines(), PRESETS, strict=True):
        assert line.startswith(f"{name} ")


def test_help_tells_every_knob_with_its_limits_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for name, knob in KNOBS.items():
        option = "shape" if name == "target" else name.replace("_", "-")
        assert f"--{option}" in text
        assert " ".join(knob.help.split()) in text
        assert knob.kind == "bool" or f"({knob.allowed}" in text
    assert "(a whole number from 1 to 65,536 points; default 128)" in text
    assert "default 0.9, 0.5 for least-squares, 0 for hinge, 0 for wgan-gp, 0 for rpgan)" in text
    assert "default off, on for hinge)" in text


@pytest.mark.parametrize(
    ("arguments", "handed_on"), [("", []), ("dashboard", []), ("dashboard --port 8600", ["--server.port=8600"])]
)
def test_without_a_command_the_dashboard_opens(
    arguments: str, handed_on: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(sys, "argv", ["gandash"])
    monkeypatch.setattr(runpy, "run_module", lambda name, **_: started.append([name, *sys.argv[1:]]))
    assert main(arguments.split()) == 0
    assert started == [["streamlit", "run", str(ROOT / "gandash" / "dashboard" / "app.py"), *handed_on]]


@pytest.mark.parametrize("called", ["gandash", "python -m gandash"])
def test_help_calls_the_command_as_the_user_did(
    called: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [{"gandash": "/bin/gandash"}.get(called, "/gandash/__main__.py")])
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert f"example: {called} train" in (said := capsys.readouterr().out)
    assert said.startswith(f"usage: {called} train")


NO_TRAINING = [
    ("--help", 0),
    ("--version", 0),
    ("train --help", 0),
    ("shapes", 0),
    ("presets", 0),
    ("code --preset best-ring8 --seed 3", 0),
    ("code --shape even", 0),
    ("code --shape multiples-of-0", 2),
    ("runs --help", 0),
    ("runs stop 0123456789", 2),
    ("train --dropout 7", 2),
    ("train --out .", 2),
    ("bench --help", 0),
    ("bench --rounds 0", 2),
]


def test_what_needs_no_training_loads_no_torch() -> None:
    code = (
        "import json, sys\nfrom gandash.cli import main\n"
        "for arguments, status in json.loads(sys.argv[1]):\n"
        "    try:\n        found = main(arguments.split())\n"
        "    except SystemExit as ended:\n        found = ended.code\n"
        "    assert (found or 0) == status and 'torch' not in sys.modules, (arguments, found)"
    )
    done = python("-c", code, json.dumps(NO_TRAINING))
    assert done.returncode == 0, done.stderr


def test_a_terminal_that_knows_only_ascii_is_enough() -> None:
    done = python("-X", "utf8=0", "-m", "gandash", "shapes")
    assert done.returncode == 0
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii"}
    plain = subprocess.run([sys.executable, "-m", "gandash", "shapes"], env=environment, capture_output=True, text=True)
    assert plain.returncode == 0, plain.stderr
    assert len(plain.stdout.splitlines()) == len(SHAPES)


def test_code_writes_the_script_of_a_setup(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["code", "--preset", "best-ring8", "--seed", "3", "--ema-decay", "0"]) == 0
    expected = script(PRESETS["best-ring8"].model_copy(update={"seed": 3, "ema_decay": 0.0}))
    assert capsys.readouterr().out == expected
    assert main(["code", "--preset", "best-ring8", "--seed", "3", "--ema-decay", "0", "-o", "ring.py"]) == 0
    assert (folder / "ring.py").read_text(encoding="utf-8") == expected
    assert "Saved the script as ring.py" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--shape", "multiples-of-0"], "multiples-of-N takes a whole number from 1 to 99"),
        (["--dropout", "7"], "a number from 0 to 0.9"),
        (["-o", "."], "--out"),
        (["--from", "0123456789"], "There is no option --from"),
    ],
)
def test_code_that_cannot_be_written_is_told(
    arguments: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["code", *arguments]) == 2
    assert said in (told := capsys.readouterr().err) and len(told.splitlines()) == 1
    assert list(folder.iterdir()) == []


def test_bench_tells_how_fast_this_machine_trains(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "compare", lambda config, rounds: bench_compare(config, rounds, seconds=0.01))
    short = {title: config.model_copy(update={"points": config.batch_size}) for title, config in bench.SETUPS.items()}
    monkeypatch.setattr(bench, "SETUPS", short)
    assert main(["bench", "--rounds", "1", "--device", "cpu"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + len(bench.SETUPS)
    for line, title in zip(lines[2:], bench.SETUPS, strict=True):
        *rates, times, share = line.removeprefix(title).split()
        assert len(rates) == 3 and all(float(rate.replace(",", "")) > 0 for rate in rates)
        assert float(times) > 0 and share.endswith("%") == title.startswith("textbook")


def test_bench_refuses_hardware_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    if torch.backends.mps.is_available():
        pytest.skip("this machine has an Apple GPU")
    assert main(["bench", "--device", "mps"]) == 2
    assert "mps" in capsys.readouterr().err


def test_the_picture_of_every_so_many_th_epoch_and_a_film_are_written_and_change_no_bit(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ["train", "--shape", "line", *QUICK, "--epochs", "7", "--seed", "3"]
    assert main([*run, "--out", "plain.pt", "--json", "plain.json"]) == 0
    capsys.readouterr()
    files = ["--out", "g.pt", "--json", "g.json", "--pictures", "3", "pics/new", "--film", "f.gif"]
    assert main([*run, *files]) == 0
    assert "Saved the pictures of 2 epochs in pics/new." in capsys.readouterr().out
    assert sorted(path.name for path in (folder / "pics" / "new").iterdir()) == ["p3.png", "p6.png"]
    with Image.open(folder / "f.gif") as gif:
        assert gif.n_frames == 8  # type: ignore[attr-defined]
    assert read(folder / "g.json")["records"] == read(folder / "plain.json")["records"]
    torch.manual_seed(0)
    points = points_of(folder / "g.pt")
    torch.manual_seed(0)
    assert torch.equal(points, points_of(folder / "plain.pt"))
    assert main([*run, "--film", "f.html", "--out", "h.pt"]) == 0
    assert b'"epoch":7' in (folder / "f.html").read_bytes()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--film", "f.mp4"], "give a name with .gif or .html"),
        (["--pictures", "0", "pics"], "--pictures: '0' was given"),
        (["--pictures", "5", "file"], "--pictures file is no folder"),
        (["--film", "same.gif", "--csv", "same.gif"], "are the same file"),
    ],
)
def test_films_and_pictures_that_cannot_be_written_are_refused_before_the_training(
    folder: Path, capsys: pytest.CaptureFixture[str], options: list[str], told: str
) -> None:
    (folder / "file").write_text("")
    assert main(["train", *QUICK, "--epochs", "2", *options]) == 2
    assert told in capsys.readouterr().err
    assert not (folder / "exponential.pt").exists()
