"""A formula as the target on the command line, as it is typed there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gandash import RunConfig
from gandash.cli import main
from gandash.core.presets import best, textbook
from gandash.core.setup_file import read_config
from gandash.core.targets import read_spec
from gandash.headless import Request

BAD: dict[str, tuple[list[str], str]] = {
    "not a formula": (["--formula", "sin(q)", "--range", "0", "1"], "--formula 'sin(q)': y: 'q' has no meaning here"),
    "where it is wrong": (["--formula", "x+&", "--range", "0", "1"], "(at character 3)"),
    "no range": (["--formula", "x"], "Add --range FROM TO"),
    "half a range": (["--formula", "x", "--range", "3"], "--range '3' was given; it has two ends"),
    "a range of words": (["--formula", "x", "--range", "a", "3"], "--range 'a': 'a' has no meaning"),
    "a range that is endless": (["--formula", "x", "--range", "0", "9^9^9"], "--range '9^9^9': 9^9^9 is no finite"),
    "a range backwards": (["--formula", "x", "--range", "3", "-3"], "it must begin below its end"),
    "a pole": (["--formula", "1/x", "--range", "-1", "1"], "infinite at x = 0"),
    "noise below 0": (["--formula", "x", "--range", "0", "1", "--noise", "-1"], "noise: Input should be greater"),
    "a range alone": (["--range", "0", "1"], "add --formula"),
    "noise alone": (["--noise", "gaussian"], "The generator's noise is --latent"),
    "two targets": (["--formula", "x", "--range", "0", "1", "--shape", "ring8"], "give one of them"),
    "no y": (["--formula", "x = cos(t)", "--range", "0", "1"], "it has no y"),
    "an unknown axis": (["--formula", "z = cos(t)", "--range", "0", "1"], "it is written as"),
    "two ranges": (["--formula", "y = x; x = 0..1", "--range", "0", "1"], "leave out --range"),
    "a recipe for nothing": (["--preset", "best", "--shape", "rng8"], "Did you mean ring8"),
}


@pytest.mark.parametrize(("arguments", "told"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_said_in_one_line(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", *arguments]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line and len(line) < 2000
    assert not list(tmp_path.iterdir())


def kept(monkeypatch: pytest.MonkeyPatch) -> list[RunConfig]:
    """Where the configs of commands come to lie that would train."""
    found: list[RunConfig] = []

    def run(request: Request) -> int:
        found.append(request.config)
        return 0

    monkeypatch.setattr("gandash.cli.run", run)
    return found


MEANT = {
    ("sin(x)", "--range", "-3", "3", "--noise", "0.05"): "y = sin(x); x = -3..3; noise = 0.05",
    ("-x^2", "--range", "-1e-3", "3"): "y = -x^2; x = -1e-3..3",
    ("-x^2", "--noise", "1e-1", "--range", "-2pi", "-pi"): f"y = -x^2; x = {-2 * np.pi}..{-np.pi}; noise = 0.1",
    ("y = x", "--range", "-3..3"): "y = x; x = -3..3",
    ("x = cos(t); y = -sin(2t)", "--range", "0", "6.3"): "x = cos(t); y = -sin(2t); t = 0..6.3",
    ("y = x^2; x = 0..2; noise = 1",): "y = x^2; x = 0..2; noise = 1",
}


@pytest.mark.parametrize("arguments", MEANT)
@pytest.mark.parametrize("written", [False, True])
def test_a_formula_is_meant_as_it_is_typed(
    arguments: tuple[str, ...], written: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = kept(monkeypatch)
    formula, *rest = arguments
    words = [f"--formula={formula}"] if written else ["--formula", formula]
    assert main(["train", *rest, *words, "--epochs", "3"]) == 0
    assert found[0].target == read_spec(MEANT[arguments])
    assert found[0].epochs == 3


@pytest.mark.parametrize(("name", "recipe"), [("textbook", textbook), ("best", best)])
@pytest.mark.parametrize(
    ("words", "target"),
    [
        ([], "exponential"),
        (["--shape", "ring8"], "ring8"),
        (["--shape", "primes"], "primes"),
        (["--config", "c.json"], "heart"),
        (["--config", "c.json", "--formula", "x", "--range", "0", "1"], "y = x; x = 0..1"),
    ],
)
def test_a_recipes_name_means_the_one_for_the_target(
    name: str,
    recipe: Callable[[str], RunConfig],
    words: list[str],
    target: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    found = kept(monkeypatch)
    monkeypatch.chdir(tmp_path)
    Path("c.json").write_text('{"shape": "heart"}')
    assert main(["train", "--preset", name, *words]) == 0
    assert found == [recipe(target)]


def test_a_formula_is_trained_and_its_generator_gives_points_in_its_units(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import torch

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    few = ["--points", "1024", "--batch-size", "128", "--epochs", "12", "--preset", "best", "--out", "g.pt"]
    assert main(["train", "--formula", "1000 + 50 x", "--range", "20", "30", *few, "--csv", "s.csv"]) == 0
    points = np.genfromtxt("s.csv", delimiter=",", names=True)
    assert points["x"].mean() == pytest.approx(25, abs=3)
    assert points["y"].mean() == pytest.approx(2250, abs=150)
    assert read_config("g.pt", Path("g.pt").read_bytes()).target == read_spec("y = 1000 + 50 x; x = 20..30")
    assert "y = 1000 + 50 x" in capsys.readouterr().out


def test_the_options_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    assert "--range FROM TO" in capsys.readouterr().out
