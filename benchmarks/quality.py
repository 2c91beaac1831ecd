"""How good the best presets get, how fast, and against the textbook's recipe: ``python -m benchmarks.quality``.

Every preset and the textbook's recipe on the same shape are trained with seeds 0 to 4, one thread a run, two runs at
once. Each run's figures are appended to a file as soon as they are known and are not measured again while they stand
there, so a benchmark cut off goes on where it was. ``--ablation`` compares the objectives instead.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import (
    RESULTS,
    Measurement,
    final_values,
    machine,
    read,
    recorded,
    rounded,
    table,
    train,
    written,
)
from gandash.core.config import RunConfig
from gandash.core.objectives import OBJECTIVES
from gandash.core.presets import PRESETS
from gandash.core.targets.shapes import SHAPES

EVERY = {"best": 64, "textbook": 800, "ablation": 256}
"""Steps between two measurements, by recipe."""


COLUMNS = (
    "steps",
    "seconds",
    "all_modes_step",
    "modes",
    "high_quality",
    "reverse_kl",
    "mode_spread",
    "mse_5000",
    "x_coverage_5000",
    "sw_ratio",
    "coverage",
    "headline",
)
"""The figures that tables show, where a shape has them."""


@dataclass(frozen=True)
class Target:
    """A figure that the median of the seeds has to reach, and one that no seed may miss."""

    figure: str
    low: float = -math.inf
    high: float = math.inf
    worst_low: float = -math.inf
    worst_high: float = math.inf

    def judge(self, values: Sequence[float]) -> tuple[bool, bool]:
        """Whether the median, and whether every seed, is good enough; NaN never is."""
        worst = all(self.worst_low <= value <= self.worst_high for value in values)
        return self.low <= _median(values) <= self.high, worst

    def reached(self, values: Mapping[str, float]) -> bool:
        """Whether one measurement alone reaches the median's figure."""
        return self.low <= values.get(self.figure, math.nan) <= self.high

    @property
    def wanted(self) -> str:
        """The target in words."""
        median_part = _interval(self.low, self.high)
        worst_part = _interval(self.worst_low, self.worst_high)
        return median_part + (f"; no seed outside {worst_part}" if worst_part else "")


def _interval(low: float, high: float) -> str:
    if math.isfinite(low) and math.isfinite(high):
        return f"{low:g} to {high:g}"
    return f"≥ {low:g}" if math.isfinite(low) else f"≤ {high:g}" if math.isfinite(high) else ""


def _mixture(
    modes: int, covered: Target, seconds: float, reverse_kl: float, worst_quality: float
) -> tuple[Target, ...]:
    return (
        covered,
        Target("modes", low=modes, worst_low=modes),
        Target("high_quality", low=0.95, worst_low=worst_quality),
        Target("reverse_kl", high=reverse_kl),
        Target("mode_spread", low=0.95, high=1.0),
        Target("seconds", high=seconds),
    )


OTHERS = (Target("sw_ratio", high=2.0, worst_high=3.0), Target("seconds", high=90.0))
TARGETS: Mapping[str, tuple[Target, ...]] = {
    "grid25": _mixture(25, Target("all_modes_step", high=1000), 150.0, 0.01, 0.90),
    "ring8": _mixture(8, Target("first_all_modes_step", high=500), 90.0, 0.005, 0.92),
    "exponential": (
        Target("mse_5000", high=0.05, worst_high=0.2),
        Target("x_coverage_5000", low=0.97, worst_low=0.95),
        Target("x_extent_5000", low=0.97, worst_low=0.95),
        Target("sw_ratio", high=1.5, worst_high=2.0),
        Target("seconds", high=30.0),
    ),
}
"""What has to be shown, by shape; every other shape has `OTHERS`.

`all_modes_step` is the step from which on every measurement saw all modes, `first_all_modes_step` the first that did.
"""
AGAINST_TEXTBOOK = Target("share_of_textbook_time", high=0.1, worst_high=0.2)


def targets_of(shape: str) -> tuple[Target, ...]:
    """The targets of a shape's best preset."""
    return TARGETS.get(shape, OTHERS)


def _median(values: Sequence[float]) -> float:
    return math.nan if any(math.isnan(value) for value in values) else median(values)


def first_for_good(trace: Sequence[Measurement], figure: str, value: float) -> Measurement | None:
    """The first measurement from which on a figure is at least `value` in every one, to the end."""
    held: Measurement | None = None
    for measurement in reversed(trace):
        if measurement.values[figure] < value:
            break
        held = measurement
    return held


def descent(trace: Sequence[Measurement], figure: str) -> list[tuple[int, float, float]]:
    """(step, seconds, value) wherever a figure is lower than ever before: all that "when was x reached" needs."""
    lowest, found = math.inf, []
    for measurement in trace:
        value = measurement.values[figure]
        if value < lowest:
            lowest = value
            found.append((measurement.step, round(measurement.seconds, 3), float(f"{value:.5g}")))
    return found


def first_below(descent: Sequence[Sequence[float]], value: float) -> float:
    """Seconds until a figure was at most `value`; infinite if it never was."""
    return next((seconds for _, seconds, lowest in descent if lowest <= value), math.inf)


def run(name: str, config: RunConfig, every: int) -> dict[str, Any]:
    """Train one config to its end and return its figures."""
    trainer, trace = train(config, every)
    final = final_values(trainer)
    figures = {**final, "seconds": trace[-1].seconds, "steps": float(trainer.batches)}
    if (modes := trainer.target.ideals.get("modes")) is not None:
        covered = first_for_good(trace, "modes", round(modes))
        figures["all_modes_step"] = covered.step if covered else math.inf
        figures["all_modes_seconds"] = covered.seconds if covered else math.inf
    reached = {
        target.figure: (first.step, round(first.seconds, 2))
        for target in targets_of(config.shape)
        if (first := next((m for m in trace if target.reached(m.values)), None)) is not None
    }
    return {
        "name": name,
        "shape": config.shape,
        "seed": config.seed,
        "state": trainer.state,
        "figures": rounded(figures),
        "first_reached": reached,
        "descent": descent(trace, "sliced_wasserstein"),
        "config": written(config),
    }


def textbook(shape: str) -> RunConfig:
    """The textbook's recipe on any shape."""
    return RunConfig(shape=shape)


ABLATION_STEPS = 5000
ABLATION_NETWORKS: Mapping[str, Any] = {
    "points": 16_384,
    "batch_size": 256,
    "standardize": True,
    "generator_widths": (128, 128, 128),
    "discriminator_widths": (128, 128, 128),
    "activation": "leaky_relu",
    "generator_lr": 1e-3,
    "discriminator_lr": 1e-3,
    "ema_decay": 0.999,
    "early_stopping": "off",
    "monitor": "headline",
    "epochs": ABLATION_STEPS // 64,
}
"""The same networks, data and length for every objective, each with its own paper's other settings."""


def ablation_configs(shape: str) -> dict[str, RunConfig]:
    """One config an objective, by its name, then the best preset cut to the same number of steps."""
    plain = {"dropout": 0.0, "discriminator_updates": "joint"}
    configs = {
        objective: RunConfig.model_validate({"shape": shape, "objective": objective, **ABLATION_NETWORKS, **plain})
        for objective in OBJECTIVES
    }
    best = PRESETS[f"best-{shape}"]
    return configs | {
        "best preset": best.model_copy(update={"epochs": max(1, ABLATION_STEPS // best.batches_per_epoch)})
    }


def quality_jobs(shapes: Sequence[str], seeds: Sequence[int], with_textbook: bool) -> list[tuple[str, RunConfig, int]]:
    """The runs of the main benchmark: all best ones first, the slow textbook ones last."""
    jobs = []
    for shape in shapes:
        preset = PRESETS[f"best-{shape}"]
        jobs += [("best", preset.model_copy(update={"seed": seed}), EVERY["best"]) for seed in seeds]
    if with_textbook:
        for shape in shapes:
            recipe = textbook(shape)
            jobs += [("textbook", recipe.model_copy(update={"seed": seed}), EVERY["textbook"]) for seed in seeds]
    return jobs


def ablation_jobs(shapes: Sequence[str], seeds: Sequence[int]) -> list[tuple[str, RunConfig, int]]:
    """The runs of the ablation."""
    return [
        (name, config.model_copy(update={"seed": seed}), EVERY["ablation"])
        for shape in shapes
        for name, config in ablation_configs(shape).items()
        for seed in seeds
    ]


def _key(name: str, config: Mapping[str, Any]) -> str:
    return name + json.dumps(config, sort_keys=True)


def run_missing(jobs: Sequence[tuple[str, RunConfig, int]], path: Path, workers: int) -> list[dict[str, Any]]:
    """Do the runs that the file does not hold yet; returns the records of all jobs, as far as they ended."""
    wanted = {_key(name, written(config)) for name, config, _ in jobs}
    records = {_key(record["name"], record["config"]): record for record in read(path)}
    missing = [job for job in jobs if _key(job[0], written(job[1])) not in records]
    print(f"{len(jobs)} runs, {len(jobs) - len(missing)} of them already in {path}", flush=True)
    for done, record in enumerate(recorded(run, missing, workers, path), 1):
        records[_key(record["name"], record["config"])] = record
        figures = record["figures"]
        shown = ", ".join(f"{name} {figures[name]:.4g}" for name in COLUMNS if name in figures)
        print(f"[{done}/{len(missing)}] {record['name']} {record['shape']} seed {record['seed']}: {shown}", flush=True)
    return [record for key, record in records.items() if key in wanted]


def _share_of_textbook_time(best: Mapping[str, Any], textbook: Mapping[str, Any]) -> float:
    """Time until the best preset has the textbook's final sliced Wasserstein distance, over the textbook's time."""
    seconds = first_below(best["descent"], textbook["figures"]["sliced_wasserstein"])
    return float(seconds / textbook["figures"]["seconds"])


def _figure(record: Mapping[str, Any], name: str) -> float:
    if name == "first_all_modes_step":
        return float(record["first_reached"].get("modes", (math.inf,))[0])
    return float(record["figures"].get(name, math.nan))


def summary(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a target and shape: the seeds' values, their median, whether it is reached."""
    rows = []
    for shape in SHAPES:
        best = {r["seed"]: r for r in records if r["shape"] == shape and r["name"] == "best"}
        book = {r["seed"]: r for r in records if r["shape"] == shape and r["name"] == "textbook"}
        found = [
            (target, {seed: _figure(record, target.figure) for seed, record in best.items()})
            for target in targets_of(shape)
        ]
        both = sorted(best.keys() & book.keys())
        found.append((AGAINST_TEXTBOOK, {seed: _share_of_textbook_time(best[seed], book[seed]) for seed in both}))
        for target, by_seed in found:
            if not by_seed:
                continue
            values = [by_seed[seed] for seed in sorted(by_seed)]
            enough, none_worse = target.judge(values)
            rows.append(
                {
                    "shape": shape,
                    "figure": target.figure,
                    "wanted": target.wanted,
                    "median": _median(values),
                    "seeds": values,
                    "median_reached": enough,
                    "no_seed_worse": none_worse,
                    "first_reached": _first_reached(list(best.values()), target.figure),
                }
            )
    return rows


def _first_reached(records: Sequence[Mapping[str, Any]], figure: str) -> tuple[float, float] | None:
    """Median step and seconds at which a live figure first reached its target; None unless it did in every run."""
    found = [record["first_reached"].get(figure) for record in records]
    if not found or any(entry is None for entry in found):
        return None
    return median(entry[0] for entry in found), median(entry[1] for entry in found)


def overview(records: Sequence[Mapping[str, Any]]) -> str:
    """Medians of the seeds, a row a shape and recipe."""
    rows = []
    for shape in SHAPES:
        for recipe in dict.fromkeys(record["name"] for record in records):
            runs = [r["figures"] for r in records if r["shape"] == shape and r["name"] == recipe]
            if runs:
                cells = [_cell(_median([figures.get(name, math.nan) for figures in runs])) for name in COLUMNS]
                rows.append([shape, recipe, str(len(runs)), *cells])
    return table(["shape", "recipe", "seeds", *COLUMNS], rows)


def _cell(value: float) -> str:
    if not math.isfinite(value):
        return "" if math.isnan(value) else "never"
    return f"{value:,.4g}" if value < 1000 else f"{value:,.0f}"


def verdicts(rows: Sequence[Mapping[str, Any]]) -> str:
    """The targets' table."""
    cells = []
    for row in rows:
        first = row["first_reached"]
        cells.append(
            [
                row["shape"],
                row["figure"],
                row["wanted"],
                _cell(row["median"]),
                ", ".join(_cell(value) for value in row["seeds"]),
                "yes" if row["median_reached"] else "no",
                "yes" if row["no_seed_worse"] else "no",
                "" if first is None else f"{first[0]:,.0f} steps, {first[1]:.1f} s",
            ]
        )
    header = ["shape", "figure", "target", "median", "seeds", "reached", "no seed worse", "first reached after"]
    return table(header, cells)


def names_of_shapes(text: str) -> list[str]:
    names = list(SHAPES) if text == "all" else text.replace(",", " ").split()
    unknown = [name for name in names if name not in SHAPES]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"unknown shapes {unknown}: choose from {', '.join(SHAPES)}, or all")
    return names


def seeds_of(text: str) -> list[int]:
    """``5`` means 0 to 4; ``0,3`` means these two, ``3,`` this one."""
    try:
        numbers = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise argparse.ArgumentTypeError("give a number of seeds, such as 5, or a list of them, such as 0,1") from None
    return numbers if "," in text else list(range(numbers[0]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument(
        "--shapes", type=names_of_shapes, default=None, help="names, separated by commas, or all (the default)"
    )
    parser.add_argument("--seeds", type=seeds_of, default=list(range(5)), help="how many (5), or a list (0,1)")
    parser.add_argument("--workers", type=int, default=2, help="runs at once, one thread each (default 2)")
    parser.add_argument(
        "--textbook", action=argparse.BooleanOptionalAction, default=True, help="also train the textbook's recipe"
    )
    parser.add_argument("--ablation", action="store_true", help="compare the objectives instead")
    parser.add_argument("--out", type=Path, default=None, help="where the runs' figures are appended, JSON lines")
    options = parser.parse_args(arguments)
    kind = "ablation" if options.ablation else "quality"
    path: Path = options.out or RESULTS / f"{kind}-runs.jsonl"
    if options.ablation:
        shapes = options.shapes or ["grid25", "ring8", "exponential", "two-moons", "checkerboard"]
        records = run_missing(ablation_jobs(shapes, options.seeds), path, options.workers)
    else:
        jobs = quality_jobs(options.shapes or list(SHAPES), options.seeds, options.textbook)
        records = run_missing(jobs, path, options.workers)
    rows = [] if options.ablation else summary(records)
    print("\n" + overview(records))
    if rows:
        print("\n" + verdicts(rows))
        report = {"machine": machine(), "runs": len(records), "workers": options.workers, "targets": rows}
        target = path.with_name(path.stem.removesuffix("-runs") + ".json")
        target.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        print(f"\nTargets in {target}")
    print(f"\nRuns in {path}")


if __name__ == "__main__":
    main()
