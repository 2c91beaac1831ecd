"""The command line: what it saves, and what it says of bad input."""

import json
import math
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pandas
import pytest
import torch

from gandash.cli import main
from gandash.core.config import KNOBS, RunConfig
from gandash.core.shapes import SHAPES

QUICK = ["--points", "256", "--batch-size", "64", "--generator-widths", "8", "--discriminator-widths", "16,8"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "gandash", *arguments], capture_output=True, text=True)


def test_train_saves_generator_history_and_samples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, history, samples = tmp_path / "g.pt", tmp_path / "h.json", tmp_path / "s.csv"
    status = main(
        [
            "train",
            "--shape",
            "exponential",
            "--epochs",
            "4",
            "--seed",
            "3",
            *QUICK,
            "--out",
            str(out),
            "--json",
            str(history),
            "--csv",
            str(samples),
            "--samples",
            "50",
        ]
    )
    assert status == 0
    said = capsys.readouterr().out
    assert "torch.jit.load" in said and str(out) in said
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=DeprecationWarning)
        points = torch.jit.load(out)(torch.randn(7, 2))  # type: ignore[no-untyped-call]
    assert points.shape == (7, 2) and bool(torch.isfinite(points).all())
    saved = json.loads(history.read_text())
    assert RunConfig.model_validate(saved["config"]).seed == 3
    assert [record["epoch"] for record in saved["records"]] == [1, 2, 3, 4]
    assert saved["records"][0]["metrics"]["sliced_wasserstein"] > 0
    assert saved["state"] == "finished"
    table = pandas.read_csv(samples)
    assert list(table.columns) == ["x", "y"] and len(table) == 50
    assert sorted(path.name for path in tmp_path.iterdir()) == ["g.pt", "h.json", "s.csv"], "no temporary file is left"


def test_history_is_valid_json_where_nothing_was_measured(tmp_path: Path) -> None:
    history = tmp_path / "h.json"
    arguments = ["--objective", "wgan-gp", "--discriminator-steps", "20", "--epochs", "2"]
    assert main(["train", *QUICK, *arguments, "--out", str(tmp_path / "g.pt"), "--json", str(history)]) == 0

    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is not JSON")

    saved = json.loads(history.read_text(), parse_constant=refuse)
    assert saved["records"][0]["generator_loss"] is None


def test_preset_and_config_are_starting_points(tmp_path: Path) -> None:
    config, history = tmp_path / "c.json", tmp_path / "h.json"
    config.write_text(RunConfig(shape="ring8", seed=5, dropout=0.1).to_json())
    for source in (["--config", str(config)], ["--preset", "textbook-inverted-u"]):
        arguments = ["train", *source, *QUICK, "--epochs", "1", "--out", str(tmp_path / "g.pt"), "--json", str(history)]
        assert main(arguments) == 0
        saved = RunConfig.model_validate(json.loads(history.read_text())["config"])
        assert saved.epochs == 1
        if "--config" in source:
            assert (saved.shape, saved.seed, saved.dropout) == ("ring8", 5, 0.1)
        else:
            assert (saved.shape, saved.dropout) == ("inverted-u", 0.3)


BAD = {
    "empty widths": (["--generator-widths", ""], "Generator widths.*1 to 6 whole numbers"),
    "width 0": (["--discriminator-widths", "16,0"], "layer 2 is 0.*1 to 1,024"),
    "width 100,000": (["--generator-widths", "100000"], "100000.*1 to 1,024"),
    "seven layers": (["--generator-widths", "1,1,1,1,1,1,1"], "1 to 6"),
    "dropout 1.0": (["--dropout", "1.0"], "Dropout.*'1.0'.*0 to 0.9"),
    "dropout -0.1": (["--dropout", "-0.1"], "Dropout.*'-0.1'.*0 to 0.9"),
    "learning rate 0": (["--generator-lr", "0"], "Learning rate, generator.*'0'.*1e-06 to 1"),
    "learning rate NaN": (["--discriminator-lr", "nan"], "Learning rate, discriminator.*nan"),
    "learning rate 1e9": (["--generator-lr", "1e9"], "1e9.*1e-06 to 1"),
    "unknown shape": (["--shape", "exponentail"], "exponentail.*Did you mean exponential"),
    "batch larger than data": (["--points", "100", "--batch-size", "128"], "batch of 128 is larger.*100 points"),
    "unknown preset": (["--preset", "nope"], "no preset 'nope'.*textbook-exponential"),
    "missing config file": (["--config", "nowhere.json"], "nowhere.json cannot be read"),
    "unknown option": (["--foo", "1"], "--foo"),
    "no samples": (["--samples", "0"], "--samples.*'0'.*at least 1"),
    "ema that is off": (["--which", "ema"], "--ema-decay"),
    "contradiction": (["--penalty", "wgan-gp"], "take r1, r2"),
    "not a number": (["--epochs", "many"], "Epochs.*'many'.*1 to 10,000"),
    "folder": (["--json", "."], "folder"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_line_and_status_2(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, expected = BAD[case]
    assert main(["train", "--out", "g.pt", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert re.search(expected, line), line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "expected"), [("{", "not valid JSON"), ("[1]", "object"), ('{"shap": "line"}', "Did you mean shape")]
)
def test_malformed_configs_are_refused(
    text: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "c.json"
    config.write_text(text)
    assert main(["train", "--config", str(config), "--out", str(tmp_path / "g.pt")]) == 2
    assert expected in capsys.readouterr().err


def test_missing_hardware_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from gandash.core.devices import available_devices

    missing = next(device for device in ("cuda", "mps") if device not in available_devices())
    assert main(["train", "--device", missing, "--out", str(tmp_path / "g.pt")]) == 2
    assert "not on this machine" in capsys.readouterr().err


def test_an_unwritable_folder_is_refused_before_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--out", str(tmp_path / "missing" / "g.pt")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_no_command_is_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_diverged_run_saves_the_last_healthy_generator(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from gandash.core.trainer import Trainer

    train_step = Trainer._train_step

    def spoilt(self: Trainer) -> None:
        train_step(self)
        if self.epoch == 2:
            next(self.networks[0].parameters()).data.fill_(math.nan)

    monkeypatch.setattr(Trainer, "_train_step", spoilt)
    out = tmp_path / "g.pt"
    assert main(["train", *QUICK, "--epochs", "5", "--out", str(out)]) == 1
    assert "diverged in epoch 2" in capsys.readouterr().out
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=DeprecationWarning)
        points = torch.jit.load(out)(torch.randn(7, 2))  # type: ignore[no-untyped-call]
    assert bool(torch.isfinite(points).all())


def test_ctrl_c_saves_what_was_trained(tmp_path: Path) -> None:
    out = tmp_path / "g.pt"
    command = [sys.executable, "-m", "gandash", "train", "--out", str(out)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
    assert process.stderr is not None
    seen = ""
    while "quality" not in seen:
        piece = process.stderr.read(1)
        assert piece, f"ended early: {seen}"
        seen += piece
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Interrupted" in said
    assert out.stat().st_size > 1000


def test_listings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["shapes"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed and shape.title in listed for name, shape in SHAPES.items())
    assert main(["presets"]) == 0
    assert "textbook-exponential" in capsys.readouterr().out.splitlines()[0]


def test_help_names_every_knob_with_bounds_and_default() -> None:
    text = " ".join(run("train", "--help").stdout.split())
    for knob in KNOBS.values():
        assert "--" + knob.name.replace("_", "-") in text
    assert "a number from 0 to 0.9; default 0.3" in text.replace("A number", "a number")


@pytest.mark.parametrize(
    "arguments", ["train --help", "shapes", "presets", "train --out x.pt --dropout 7", "train --shape nope --out x.pt"]
)
def test_torch_is_loaded_only_to_train(arguments: str) -> None:
    script = (
        "import sys\nfrom gandash.cli import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('torch' in sys.modules, 'sklearn' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments.split()], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "False False"
