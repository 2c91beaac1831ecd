"""How well one neighbour tells the recipes' points from real ones: ``python -m benchmarks.recipes --shapes circle``.

Each recipe is trained on each shape with seeds 0 to 4, none of which its search used. The figure is the accuracy of one
nearest neighbour in telling 5,000 real from 5,000 generated points (Lopez-Paz and Oquab 2017; chance is 0.5), of the
generator that is shown, as the mean of two draws. Seconds are the processor's, on one thread, with what the trainer
measures itself. A run that the file holds already, with the very config of now, is not made again, so the report can be
made in pieces.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.common import (
    RESULTS,
    final_values,
    look,
    read,
    recorded,
    rounded,
    save,
    table,
    train,
    written,
)
from benchmarks.quality import names_of_shapes, seeds_of
from gandash.core.config import RunConfig
from gandash.core.judge import Neighbours, spread_of
from gandash.core.presets import RECIPES
from gandash.core.targets.shapes import SHAPES
from gandash.core.targets.target import Points
from gandash.core.trainer import Trainer

POINTS, DRAWS = 5000, 2
REAL_SEED, NOISE_SEED = 977, 900
STEPS_BETWEEN = 64
"""Steps between two looks at the modes of a mixture."""
SECONDS: Mapping[str, float] = {"best": 60.0, "quick": 10.0}
WANTED: Mapping[str, Mapping[str, float]] = {
    "best": {"area": 0.54, "mixture": 0.54, "curve": 0.60, "closed line": 0.60},
    "quick": {"area": 0.65, "mixture": 0.65, "curve": 0.75, "closed line": 0.75},
}


def neighbour_accuracy(real: Points, generated: Points) -> float:
    """How often a point's nearest other point is of its own kind, over both samples ``(n, dim)``; chance is 0.5.

    Columns are scaled by the real points' spread.
    """
    pooled = np.concatenate((real, generated), dtype=np.float64) / spread_of(real)
    return Neighbours(pooled).accuracy(np.arange(len(pooled)) < len(real))


def told_apart(trainer: Trainer) -> float:
    """The accuracy for the generator that is shown, the mean of `DRAWS` draws."""
    found = [
        neighbour_accuracy(
            trainer.target.unseen(POINTS, np.random.default_rng((REAL_SEED, draw))),
            trainer.sample(POINTS, NOISE_SEED + draw, trainer.shown),
        )
        for draw in range(DRAWS)
    ]
    return float(np.mean(found))


def run(recipe: str, config: RunConfig) -> dict[str, Any]:
    """Train one config to its end and return its figures."""
    wanted = round(config.target.build().ideals.get("modes", 0))
    every = max(1, STEPS_BETWEEN // config.batches_per_epoch) * config.batches_per_epoch
    trainer, trace = train(config, every, look=look if wanted else _no_modes, clock=time.process_time)
    missed = max((each.step for each in trace if wanted and round(each.values["modes"]) < wanted), default=0)
    figures = {
        "accuracy": told_apart(trainer),
        "seconds": trace[-1].seconds,
        "steps": float(trainer.position.step),
    }
    if wanted:
        figures |= final_values(trainer) | {"all_modes_after": float(missed)}
    return {
        "recipe": recipe,
        "shape": config.shape,
        "seed": config.seed,
        "state": trainer.state,
        "figures": rounded(figures),
        "config": written(config),
    }


def _no_modes(_: Trainer) -> Mapping[str, float]:
    """Of shapes without modes there is nothing to see on the way."""
    return {}


def jobs_of(recipes: Sequence[str], shapes: Sequence[str], seeds: Sequence[int]) -> list[tuple[str, RunConfig]]:
    """The runs of a report, one seed of all after another, so that a report cut off has some of each."""
    return [
        (recipe, RECIPES[recipe](shape).model_copy(update={"seed": seed, "device": "cpu"}))
        for seed in seeds
        for recipe in recipes
        for shape in shapes
    ]


def report(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a recipe and shape: medians and worst of the seeds against what is wanted."""
    rows = []
    for recipe in SECONDS:
        for shape in SHAPES:
            found = {r["seed"]: r["figures"] for r in records if (r["recipe"], r["shape"]) == (recipe, shape)}
            if not found:
                continue
            accuracies = [figures["accuracy"] for _, figures in sorted(found.items())]
            seconds = [figures["seconds"] for figures in found.values()]
            wanted = WANTED[recipe][SHAPES[shape].kind]
            row = {
                "recipe": recipe,
                "shape": shape,
                "seeds": sorted(found),
                "accuracies": accuracies,
                "median": median(accuracies),
                "worst": max(accuracies),
                "wanted": wanted,
                "seconds": median(seconds),
                "reached": median(accuracies) <= wanted and median(seconds) <= SECONDS[recipe],
            }
            for name in ("modes", "high_quality", "reverse_kl", "mode_spread", "all_modes_after"):
                if all(name in figures for figures in found.values()):
                    values = [figures[name] for figures in found.values()]
                    row[name] = {"median": median(values), "least": min(values), "most": max(values)}
            rows.append(row)
    return rows


def told(rows: Sequence[Mapping[str, Any]]) -> str:
    """The report as a table."""
    cells = []
    for row in rows:
        modes = ""
        if "modes" in row:
            after, quality = row["all_modes_after"], row["high_quality"]
            modes = (
                f"at least {row['modes']['least']:.0f}, all after step {after['median']:,.0f} (worst "
                f"{after['most']:,.0f}); {quality['median']:.1%} high quality, reverse KL "
                f"{row['reverse_kl']['median']:.4f}"
            )
        figures = [f"{row[name]:.3f}" for name in ("median", "worst", "wanted")]
        reached = "yes" if row["reached"] else "no"
        cells.append(
            [row["recipe"], row["shape"], str(len(row["seeds"])), *figures, reached, f"{row['seconds']:.0f}", modes]
        )
    return table(["recipe", "shape", "seeds", "median", "worst", "wanted", "reached", "seconds", "modes"], cells)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the report, or the part of it that is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recipes", description=__doc__)
    parser.add_argument("--shapes", type=names_of_shapes, default=list(SHAPES), help="names, or all (the default)")
    parser.add_argument("--recipes", nargs="+", choices=list(SECONDS), default=list(SECONDS))
    parser.add_argument("--seeds", type=seeds_of, default=list(range(5)), help="how many (5), or a list (0,1)")
    parser.add_argument("--workers", type=int, default=1, help="runs at once, one thread each (default 1)")
    parser.add_argument("--out", type=Path, default=RESULTS / "recipes-runs.jsonl", help="where runs are appended")
    options = parser.parse_args(arguments)
    jobs = jobs_of(options.recipes, options.shapes, options.seeds)
    all_jobs = jobs_of(list(SECONDS), list(SHAPES), list(range(5)))
    of_now = [written(config) for _, config in [*jobs, *all_jobs]]
    records = [record for record in read(options.out) if record["config"] in of_now]
    made = [record["config"] for record in records]
    missing = [job for job in jobs if written(job[1]) not in made]
    print(f"{len(jobs)} runs, {len(jobs) - len(missing)} of them already in {options.out}", flush=True)
    for record in recorded(run, missing, options.workers, options.out):
        records.append(record)
        figures = record["figures"]
        print(
            f"{record['recipe']} {record['shape']} seed {record['seed']}: {figures['accuracy']:.3f} "
            f"in {figures['seconds']:.0f} s",
            flush=True,
        )
    rows = report(records)
    save("recipes", rows=rows)
    print("\n" + told(rows))


if __name__ == "__main__":
    main()
