"""A set-up's script, run in a process without gandash, trains as the trainer does."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gandash.core.adam import Adam
from gandash.core.config import RunConfig
from gandash.core.presets import PRESETS
from gandash.core.standalone import after, can_be_written, script
from gandash.core.standalone.data import WRITTEN, draw_function
from gandash.core.targets.shapes import SHAPES
from gandash.core.trainer import Trainer
from tests.core.test_knobs import CASES, configure
from tests.core.toy_target import HelixSpec

RUN_SCRIPTS = Path(__file__).with_name("run_scripts.py")
STEPS = 50
STEPS_OF_THE_SAME = 10
STEPS_OF_SIGNS = 6
LARGE_EPSILON = 0.01
CLOSE = 1e-4
ONE_OF_EACH_KIND = ("sine", "heart", "grid25", "spiral", "multiples-of-5")
WRITABLE = [
    name
    for name, preset in PRESETS.items()
    if can_be_written(preset.target) and (not name.startswith("quick-") or preset.shape in ONE_OF_EACH_KIND)
]
STOPPING: dict[str, dict[str, Any]] = {
    "patience on a curve": {"shape": "exponential", "patience": 3, "points": 256, "seed": 1},
    "patience, standardised": {"shape": "sine", "patience": 2, "points": 256, "standardize": True},
    "threshold on a curve": {"shape": "line", "early_stopping": "threshold", "min_change": 0.5, "patience": 3},
    "patience by the gap": {
        **{"shape": "ring8", "patience": 3, "points": 256, "ema_decay": 0.9, "generator_lr": 0.003},
    },
    "patience on a formula": {"shape": "y = exp(-x/3) sin(3x); x = 0..9; noise = 0.02", "patience": 2, "points": 256},
    "patience by the gap on a line": {
        **{"shape": "x = cos(t)^3; y = sin(t)^3; t = 0..6.3", "patience": 2, "points": 256, "standardize": True},
        "generator_lr": 0.003,
    },
    "threshold by the gap": {
        **{"shape": "swiss-roll", "early_stopping": "threshold", "min_change": 0.03, "patience": 4, "points": 256},
        **{"evaluate_every": 2, "latent": "uniform", "standardize": True, "generator_lr": 0.005, "seed": 8},
    },
    "patience by the curve's error, which the best goes by": {
        **{"shape": "inverted-u", "patience": 3, "points": 256, "best_by": "textbook", "generator_lr": 0.01},
    },
    "patience by frequencies": {"shape": "primes", "patience": 3, "points": 256, "batch_size": 16, "latent_dim": 20},
    "patience on one number": {"shape": "numbers:7", "patience": 2, "points": 256, "latent": "uniform"},
    "none misfits": {"shape": "numbers:3,5,8,13", "early_stopping": "fit", "batch_size": 16, "generator_lr": 0.01},
}
AFTERWARDS = {"standardize", "latent", "latent_digits", "spectral_norm", "generator_fourier", "ema_decay"}
"""Knobs that the end of a script has something to do with; `test_knobs` holds its loop to all of them."""


@dataclass(frozen=True)
class Left:
    """What a script left: losses of every turn, ``(turns,)``, real points, 1,000 generated ones, what it printed."""

    generator: NDArray[np.float64]
    discriminator: NDArray[np.float64]
    real: NDArray[np.float32]
    points: NDArray[np.float32]
    said: NDArray[np.str_]


class Runner:
    """Runs scripts in one process, whose path has nothing of this project's: loading torch takes it seconds."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "errors.txt"
        command = [sys.executable, "-I", "-W", "error", "-W", "ignore::DeprecationWarning", str(RUN_SCRIPTS)]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def run(self, scripts: Mapping[str, str], folder: Path, suffix: str = ".py") -> dict[str, Left]:
        """Run scripts in a folder, and read what they left."""
        assert self.process.stdin is not None and self.process.stdout is not None
        found = {}
        for place, (name, text) in enumerate(scripts.items()):
            file = folder / f"script{place}{suffix}"
            file.write_text(text, encoding="utf-8")
            print(file, file=self.process.stdin, flush=True)
            assert self.process.stdout.readline().strip() == str(file), self.log.read_text()[-3000:]
            found[name] = Left(**np.load(file.with_suffix(".npz")))
        return found


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runner]:
    runner = Runner(tmp_path_factory.mktemp("runner"))
    with runner.process:
        yield runner
    assert runner.process.returncode == 0, runner.log.read_text()[-3000:]


def short(preset: RunConfig, steps: int = STEPS, **changes: Any) -> RunConfig:
    """The preset for one epoch of a few more steps than are compared: at its end the trainer measures."""
    points = (steps + 2) * preset.batch_size
    return preset.model_copy(update={"epochs": 1, "points": points, "device": "cpu", **changes})


def losses(config: RunConfig, steps: int) -> NDArray[np.float64]:
    """The trainer's losses of generator and discriminator in each of so many steps of an epoch, ``(2, steps)``."""
    trainer, found = Trainer(config), []
    for step in range(steps):
        before = trainer.game.sums.clone()
        while trainer.position.step == step:
            assert not trainer.play_phase()
        found.append((trainer.game.sums - before)[:2].tolist())
    return np.array(found).T


def assert_same_losses(name: str, config: RunConfig, left: Left, steps: int = STEPS) -> None:
    theirs = np.array((left.generator[:steps], left.discriminator[:steps]))
    np.testing.assert_allclose(theirs, losses(config, steps), rtol=0, atol=CLOSE, err_msg=name)


@dataclass(frozen=True)
class Case:
    """A set-up, how many of its steps are compared, and Adam's ε."""

    config: RunConfig
    steps: int
    epsilon: float = Adam.EPSILON

    def script(self) -> str:
        text = script(self.config)
        if self.epsilon == LARGE_EPSILON:
            assert text.count("betas=BETAS)") == 2
            text = text.replace("betas=BETAS)", f"betas=BETAS, eps={self.epsilon})")
        return text


def preset_cases() -> dict[str, Case]:
    """Fifty steps of the first preset of each recipe, ten of another shape's of the same.

    But where Adam keeps no mean of the gradients, its first updates have the learning rate's size and the gradients'
    signs, those of rounding alone too. So rounding grows a thousandfold within ten steps, on one kind of CPU sooner
    than on another. Of such a preset six steps are compared at its own rates, with an ε that rounding is small beside,
    and of the first of each recipe ten at a small learning rate too. An epoch is hardly longer: all see its schedules.
    """
    cases: dict[str, Case] = {}
    recipes = set()
    for name in WRITABLE:
        preset = PRESETS[name]
        recipe = preset.model_dump_json(exclude={"target"})
        first = recipe not in recipes
        recipes.add(recipe)
        if preset.beta1:
            steps = STEPS if first else STEPS_OF_THE_SAME
            cases[name] = Case(short(preset, steps), steps)
        else:
            cases[name] = Case(short(preset, STEPS_OF_SIGNS), STEPS_OF_SIGNS, LARGE_EPSILON)
            if first:
                slow = short(preset, STEPS_OF_THE_SAME, generator_lr=1e-6, discriminator_lr=1e-6)
                cases[f"{name}, slow"] = Case(slow, STEPS_OF_THE_SAME)
    return cases


PRESET_CASES = preset_cases()


@pytest.mark.parametrize("name", PRESET_CASES)
def test_every_presets_script_has_the_trainers_losses(
    name: str, runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = PRESET_CASES[name]
    config = case.config
    left = runner.run({name: case.script()}, tmp_path)[name]
    monkeypatch.setattr(Adam, "EPSILON", case.epsilon)
    assert_same_losses(name, config, left, case.steps)
    real = config.target.build().sample(config.points, np.random.default_rng(config.seed))
    assert np.array_equal(left.real, real)


def test_what_a_script_leaves_is_the_trainers_generator(runner: Runner, tmp_path: Path) -> None:
    configs = {
        f"{knob} {value} {context}": configure({**context, knob: value})
        for knob, value, context in CASES
        if knob in AFTERWARDS
    }
    configs = {
        name: config.model_copy(update={"epochs": min(config.epochs, 3), "early_stopping": "off"})
        for name, config in configs.items()
    }
    found = runner.run({name: script(config) for name, config in configs.items()}, tmp_path)
    for name, config in configs.items():
        trainer = Trainer(config)
        trainer.advance(epochs=config.epochs)
        points = trainer.sample(1000, config.seed, trainer.shown)
        np.testing.assert_allclose(found[name].points, points, rtol=1e-3, atol=1e-3, err_msg=name)


def test_scripts_stop_where_the_trainer_stops_and_leave_its_generator(runner: Runner, tmp_path: Path) -> None:
    configs = {name: RunConfig(**{"points": 512, **values, "device": "cpu"}) for name, values in STOPPING.items()}
    configs = {name: config.model_copy(update={"epochs": 60, "dropout": 0.0}) for name, config in configs.items()}
    found = runner.run({name: script(config) for name, config in configs.items()}, tmp_path)
    best = []
    for name, config in configs.items():
        trainer = Trainer(config)
        trainer.advance(epochs=60)
        assert trainer.state == "stopped_early", f"{name}: {trainer.message}"
        assert len(found[name].discriminator) == trainer.batches, name
        if after.keeps_best(config, trainer.target):
            best.append((name, trainer))
        else:
            points = trainer.sample(1000, config.seed, trainer.shown)
            np.testing.assert_allclose(found[name].points, points, rtol=0.01, atol=0.01, err_msg=name)
    assert len(best) == 5
    for name, trainer in best:
        points = trainer._points(1000, trainer.config.seed, "best")  # whether or not the latest one is better by now
        np.testing.assert_allclose(found[name].points, points, rtol=0.01, atol=0.01, err_msg=name)


@pytest.mark.parametrize(
    "shape",
    ["ring8", "exponential", "y = 0.5; x = 1..3", "x = cos(t)^3; y = sin(t)^3; t = 0..6.3", "primes", "numbers:7"],
)
def test_a_scripts_gap_is_the_trainers(shape: str) -> None:
    """Of real points, of such as repeat, blurred, collapsed, and far off."""
    config = RunConfig(shape=shape, monitor="headline", early_stopping="patience")
    target = config.target.build()
    names: dict[str, Any] = {"np": np, "torch": torch, "math": math}
    exec("\n".join((draw_function(target), *after.judge(config, target))), names)
    rng = np.random.default_rng(3)
    real = target.sample(1000, rng)
    samples = {
        "real": real,
        "repeated": np.concatenate((real[:100].repeat(5, axis=0), target.judge().real[:500])),
        "blurred": real + 0.3 * rng.standard_normal(real.shape).astype(np.float32),
        "collapsed": real[:1].repeat(1000, axis=0),
        "far off": real + 1000,
    }
    for name, points in samples.items():
        expected = target.judge().live(points)["headline"]
        assert names["gap_to_real"](points) == pytest.approx(expected, rel=1e-5, abs=1e-4), name


RING = short(PRESETS["best-ring8"], epochs=1, points=1024)
FOUR = RunConfig(**{"points": 512, "dropout": 0.0, "epochs": 60, "device": "cpu", **STOPPING["none misfits"]})


@pytest.fixture(scope="module")
def drawn(runner: Runner, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Left]]:
    """Where scripts that draw their pictures have left their files, and what they left besides."""
    folder = tmp_path_factory.mktemp("pictures")
    return folder, runner.run({"ring": script(RING), "numbers": script(FOUR)}, folder, "pictures.py")


def test_a_script_leaves_a_picture_and_a_generator_for_anybody(drawn: tuple[Path, dict[str, Left]]) -> None:
    folder, left = drawn
    for name, config in (("ring", RING), ("numbers", FOUR)):
        assert (folder / f"{config.shape}.png").read_bytes().startswith(b"\x89PNG")
        model = torch.jit.load(str(folder / f"{config.shape}.pt"))  # type: ignore[no-untyped-call]
        noise = torch.randn(1000, 2, generator=torch.Generator().manual_seed(config.seed))
        np.testing.assert_array_equal(model(noise).detach().numpy(), left[name].points)


def test_every_shape_can_be_written() -> None:
    assert SHAPES.keys() == WRITTEN


def test_the_constants_at_the_top_can_be_changed(runner: Runner, tmp_path: Path) -> None:
    config = short(PRESETS["textbook-inverted-u"])
    text = script(config).replace(f"SEED = {config.seed}\n", "SEED = 7\n")
    text = text.replace("BATCH_SIZE = 128\n", "BATCH_SIZE = 32\n")
    left = runner.run({"changed": text}, tmp_path)["changed"]
    assert_same_losses("changed", config.model_copy(update={"seed": 7, "batch_size": 32}), left)


@pytest.mark.parametrize("name", WRITABLE)
def test_a_script_has_only_what_its_setup_uses(name: str) -> None:
    config = PRESETS[name]
    text = script(config)
    assert "gandash" not in text
    assert ("class Dropout" in text) == bool(config.dropout)
    assert ("class Fourier" in text) == bool(config.generator_fourier or config.discriminator_fourier)
    assert ("class Digits" in text) == bool(config.latent_digits)
    assert ("PATIENCE" in text) == (config.early_stopping == "patience")
    assert ("onehot" in text) == (config.target.kind == "pattern")
    assert ("average" in text) == bool(config.ema_decay)
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize(
    ("told", "knobs"),
    [
        (True, {}),
        (True, {"device": "cuda"}),
        (False, {"device": "cpu"}),
        (False, {"dropout": 0.0}),
        (False, {"discriminator_widths": (16,)}),
        (False, {"spectral_norm": True}),
    ],
)
def test_dropout_that_cannot_follow_on_a_gpu_is_told(told: bool, knobs: dict[str, Any]) -> None:
    """Where the trainer draws for several layers at once, which on a GPU gives other numbers than one after another."""
    assert ("On a GPU dropout draws other numbers" in script(RunConfig(**knobs))) == told


@pytest.mark.parametrize(("follows", "changes"), [(True, {"spectral_norm": True}), (False, {})])
def test_dropout_that_cannot_follow_is_told(
    follows: bool, changes: dict[str, Any], runner: Runner, tmp_path: Path
) -> None:
    config = short(RunConfig(batch_size=25, discriminator_widths=(9, 7), **changes))
    assert ("Dropout draws other numbers" in script(config)) == (not follows)
    theirs = runner.run({"odd": script(config)}, tmp_path)["odd"].generator[:STEPS]
    assert (np.abs(theirs - losses(config, STEPS)[0]).max() < CLOSE) == follows


def test_a_target_without_a_script_is_refused_in_words() -> None:
    config = RunConfig(target=HelixSpec())
    with pytest.raises(ValueError, match="was given; a script can be written for a built-in shape or a pattern"):
        script(config)


def test_a_script_for_numbers_speaks_the_chapters_words(drawn: tuple[Path, dict[str, Left]]) -> None:
    """Its functions, its layers, its rule to stop, and the argmax of what anybody loads."""
    chapter = script(PRESETS["textbook-multiples-of-5"])
    for line in ("def onehot_encoder(position, depth):", "def int_to_onehot(number):", "def onehot_to_int(vector):"):
        assert line in chapter
    assert "nn.Linear(100, 100),\n    nn.ReLU(),\n" in chapter and "nn.Linear(100, 1),\n    nn.Sigmoid(),\n" in chapter
    left = drawn[1]["numbers"]
    said = str(left.said)
    assert "stopped early after epoch" in said and "none of 10,000 fresh numbers misfits" in said
    shown = [int(number) for number in said.rpartition("it generates: ")[2].split()]
    assert len(shown) == 10 and set(shown) <= {3, 5, 8, 13}
    assert shown == left.points.argmax(1)[:10].tolist()
