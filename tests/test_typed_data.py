"""A table on the command line: trained, taken home in its own units, gone on with, and refused in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gandash.cli import main
from gandash.core import rows as by_hash
from tests.core.targets.test_table import real_like

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.load` is deprecated:DeprecationWarning")
SMALL = ["--generator-widths", "8", "--discriminator-widths", "8", "--device", "cpu"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Commands run in a folder of their own, in which there is a table, and leave torch's threads as they were."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    lines = "".join(f"{age:g};{pay:.2f};{age % 7:g};a\n".replace(".", ",") for age, pay in real_like(200))
    (tmp_path / "Pay 2024.csv").write_text(f"age;pay;day;note\n{lines};1;1;\n")
    return tmp_path


def forget() -> None:
    by_hash._memory.clear()


def test_a_table_is_trained_sampled_and_gone_on_with(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", "Pay 2024.csv", "--x", "age", "--y", "pay", "--log", "y"]
    files = ["--out", "g.pt", "--json", "h.json", "--checkpoint", "c.ckpt", "--csv", "made.csv"]
    assert main(["train", *data, "--preset", "best", "--epochs", "5", *SMALL, *files]) == 0
    said = capsys.readouterr()
    assert "1 row of 201 without a finite number in age or pay: left out." in said.err
    assert "Pay 2024: All 5 epochs are done." in said.out
    assert (folder / "made.csv").read_text().startswith("age,pay\n")
    config: dict[str, Any] = json.loads((folder / "h.json").read_text())["config"]
    assert config["points"] == 100 >= config["batch_size"]
    points = torch.jit.load("g.pt")(torch.randn(500, config["latent_dim"])).numpy()  # type: ignore[no-untyped-call]
    assert 0 < np.median(points[:, 0]) < 100 and (points[:, 1] > 0).all()
    assert 3000 < np.median(points[:, 1]) < 3e6
    forget()
    assert main(["sample", "g.pt", "--trust", "-n", "3", "--csv", "s.csv", "--plot", "s.png"]) == 0, "without the rows"
    assert (folder / "s.csv").read_text().startswith("age,pay\n")
    capsys.readouterr()
    assert main(["train", "--from", "c.ckpt", "--epochs", "2"]) == 2
    assert "are not on this machine" in capsys.readouterr().err
    assert main(["train", "--from", "c.ckpt", "--epochs", "2", *data[:6]]) == 0
    assert "from epoch 5 of c.ckpt" in capsys.readouterr().err
    assert main(["train", "--from", "c.ckpt", "--data", "Pay 2024.csv", "--x", "pay", "--y", "age"]) == 2
    assert "other rows than those that c.ckpt learns" in capsys.readouterr().err
    assert main(["code", *data, "--preset", "best", "-o", "pay.py"]) == 0
    assert 'COLUMNS = (\n    "age",\n    "pay",\n)' in (folder / "pay.py").read_text().replace("'", '"')


def test_columns_need_not_be_named_where_there_are_two(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = "".join(f"{age:g}\t{pay:g}\n" for age, pay in real_like(100))
    (folder / "two.tsv").write_text(lines)
    assert main(["train", "--data", "two.tsv", "--epochs", "1", *SMALL]) == 0
    assert list(folder.glob("two-*.pt"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--data", "no.csv"], "no.csv is not there"),
        (["--data", "Pay 2024.csv"], "Add --x and --y, each one of 'age', 'pay', 'day'."),
        (["--data", "Pay 2024.csv", "--x", "age"], "Add --y, each one of 'pay', 'day'."),
        (["--data", "Pay 2024.csv", "--x", "age", "--y", "wage"], "no column 'wage'; its columns are 'age', 'pay'"),
        (["--data", "Pay 2024.csv", "--x", "age", "--y", "note"], "holds no numbers"),
        (["--data", "Pay 2024.csv", "--x", "age", "--y", "age"], "choose two"),
        (["--data", "Pay 2024.csv", "--x", "day", "--y", "pay", "--log", "x"], "--data Pay 2024.csv: "),
        (["--data", "Pay 2024.csv", "--x", "day", "--y", "pay", "--log", "x"], "not above 0"),
        (["--data", "Pay 2024.csv", "--x", "age", "--y", "pay", "--log", "z"], "--log 'z' was given"),
        (["--data", "Pay 2024.csv", "--shape", "line"], "--data and another target were given"),
        (["--x", "age", "--log", "y"], "--x and --log say what of a table is learnt: add --data FILE."),
        (["--data", ".", "--x", "a", "--y", "b"], "no file"),
        (
            ["--data", "Pay 2024.csv", "--x", "age", "--y", "pay", "--out", "Pay 2024.csv"],
            "would overwrite what --data",
        ),
    ],
)
def test_what_cannot_be_learnt_is_refused_in_words(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said and len(said) < 2000 and said.count("\n") <= 3
