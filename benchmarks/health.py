"""Records of runs that go wrong in each way that a health note tells of, and of ten that go well.

Each is trained on one thread, and measured some 30 times by `gandash.core.health.signals`. The tests replay what was
measured against the rules: every note appears in the runs that are to show it, and none in the healthy ones. What the
file holds already of a very config, measured by this judge, is not made again.

    python -m benchmarks.health
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.common import RESULTS, in_processes, rounded, save, table
from gandash.core.config import RunConfig
from gandash.core.health import SWING, Signals, notes, signals
from gandash.core.judge import JUDGE_VERSION
from gandash.core.presets import PRESETS
from gandash.core.trainer import Trainer
from gandash.runs.snapshot import columns_of

MOMENTS = 30
POINTS = 1000


@dataclass(frozen=True)
class Case:
    """A config, how many epochs of it, and which notes must be there in the end; none for a healthy run."""

    config: RunConfig
    epochs: int
    shows: tuple[str, ...] = ()


def _preset(name: str, seed: int = 0, **changes: Any) -> RunConfig:
    return PRESETS[name].model_copy(update={"seed": seed, **changes})


_TEXTBOOK: dict[str, Any] = {"evaluate_every": 10, "device": "cpu"}
_FEEBLE: dict[str, Any] = {"generator_lr": 1e-6, "discriminator_lr": 1e-6, **_TEXTBOOK}
_WILD: dict[str, Any] = {"generator_lr": 1.0, "discriminator_lr": 1.0, **_TEXTBOOK}
_STRONG: dict[str, Any] = {"generator_lr": 1e-5, "discriminator_lr": 5e-3, "dropout": 0.0, **_TEXTBOOK}

CASES: dict[str, Case] = {
    "textbook-exponential": Case(_preset("textbook-exponential", **_TEXTBOOK), 400),
    "textbook-exponential, seed 1": Case(_preset("textbook-exponential", 1, **_TEXTBOOK), 400),
    "textbook-inverted-u": Case(_preset("textbook-inverted-u", **_TEXTBOOK), 400),
    **{
        name: Case(_preset(name), PRESETS[name].epochs)
        for name in ("best-exponential", "best-circle", "best-two-moons", "best-checkerboard", "best-ring8")
    },
    **{name: Case(_preset(name), PRESETS[name].epochs) for name in ("textbook-multiples-of-5", "best-multiples-of-5")},
    "learning rates of 1": Case(
        _preset("textbook-exponential", **_WILD),
        200,
        ("diverging", "spike"),
    ),
    "the textbook's recipe on the grid": Case(RunConfig(shape="grid25", **_TEXTBOOK), 400, ("collapse",)),
    "a strong discriminator": Case(RunConfig(shape="ring8", **_STRONG), 400, ("ahead",)),
    "a critic that is hardly held": Case(
        RunConfig(
            shape="inverted-u",
            objective="wgan-gp",
            penalty_weight=0.01,
            generator_lr=1e-2,
            discriminator_lr=1e-2,
            **_TEXTBOOK,
        ),
        400,
        ("oscillation",),
    ),
    "learning rates of a millionth": Case(_preset("textbook-exponential", **_FEEBLE), 450, ("stalled", "narrow")),
}


def record(name: str) -> dict[str, Any]:
    """Train a case, and measure its signals on the way."""
    case = CASES[name]
    trainer = Trainer(case.config)
    found = []
    while trainer.state == "running" and trainer.epoch < case.epochs:
        trainer.advance(epochs=max(1, case.epochs // MOMENTS))
        points = trainer.sample(POINTS, 0, trainer.shown)
        found.append(signals(case.config, *columns_of(trainer.history), points))
    return {
        "name": name,
        "judge": JUDGE_VERSION,
        "swing": SWING,
        "config": case.config.model_dump(mode="json"),
        "shows": case.shows,
        "seen": [note.name for note in notes(case.config, found[-1])],
        "signals": [_written(each) for each in found],
    }


def _written(found: Signals) -> dict[str, float]:
    return rounded({name: value for name, value in asdict(found).items() if value is not None}, 7)


def kept() -> dict[str, dict[str, Any]]:
    """The records that the file has."""
    file = RESULTS / "health.json"
    known = json.loads(file.read_text(encoding="utf-8"))["runs"] if file.exists() else []
    return {each["name"]: each for each in known if each["name"] in CASES}


def of_now(records: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Those that need not be made again."""
    return {
        name: each
        for name, each in records.items()
        if (each.get("judge"), each.get("swing")) == (JUDGE_VERSION, SWING)
        and each["config"] == CASES[name].config.model_dump(mode="json")
        and each["shows"] == list(CASES[name].shows)
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.health", description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="runs at once (default 2)")
    options = parser.parse_args(arguments)
    before = kept()
    made = of_now(before)
    missing = sorted((name for name in CASES if name not in made), key=lambda name: name.startswith("best"))
    for each in in_processes(record, [(name,) for name in missing], options.workers):  # the longest come last
        made[each["name"]] = each
        there = before | made
        save("health", runs=[there[name] for name in CASES if name in there])
        print(f"{each['name']}: {', '.join(each['seen']) or 'none'}", flush=True)
    found = [made[name] for name in CASES]
    rows = [[each["name"], ", ".join(each["shows"]) or "healthy", ", ".join(each["seen"]) or "none"] for each in found]
    print("\n" + table(["run", "shows", "notes at its end"], rows))


if __name__ == "__main__":
    main()
