"""How well the best recipe learns tables of one's own: ``python -m benchmarks.held_out``.

Twenty real tables of 203 to 50,000 rows, three seeds. The figure is how far generated points lie from the held-out
rows, over how far as many rows of the training do (sliced Wasserstein distance, axes counting alike). Samples are as
large as what is held out, so 1 is what fresh rows would have. *Redrawn* is what rows drawn anew, with replacement, out
of those of the training have: learnt by heart, yet not 1, for the draw. *Of many* is the same figure for all samples
together, against all rows of the training. Beside it stand copying, which is 0.5 where generated points are no nearer
to rows of the training than held-out rows are, and the verdict. Seconds are the processor's, on one thread. Runs are
appended to a file as they end and not made again, so the report, in ``benchmarks/held_out.md``, can be made in pieces.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import RESULTS, read, recorded, rounded, save, table, written
from benchmarks.quality import seeds_of
from benchmarks.real_tables import TABLES
from gandash.core.config import RunConfig
from gandash.core.judge import Copying, Floats, Points, spread_of
from gandash.core.metrics import sliced_wasserstein
from gandash.core.presets import best
from gandash.core.targets import Target
from gandash.core.targets.table import Table, TableSpec
from gandash.core.told import COPIES
from gandash.core.trainer import Trainer

WANTED = 1.3
SECONDS = 60.0
DRAWS = 32
"""Samples of a generator that a figure is the mean of, and samples of the training rows."""
MOST = 5000
"""Held-out rows that are looked at."""
SEED = 977
UNLIKELY = 3.0
"""Standard errors beyond 0.5 that chance does not bring: one fair run in 740 comes as far."""


@lru_cache(maxsize=1)
def spec_of(name: str) -> TableSpec:
    """A real table as the target of a config, its rows at hand in this process."""
    return Target.from_points(TABLES[name](), name=name).spec


def config_of(name: str, seed: int, change: Mapping[str, Any]) -> RunConfig:
    """What is trained: the best recipe, with a change if one is tried."""
    return best(spec_of(name)).model_copy(update={"seed": seed, "device": "cpu", **change})


def run(name: str, seed: int, change: Mapping[str, Any]) -> dict[str, Any]:
    """Train a table's recipe to its end and hold it against the rows that it has not seen."""
    config = config_of(name, seed, change)
    target = config.target.build()
    assert isinstance(target, Table)
    target.judge()  # made once a process: not this run's time
    start = time.process_time()
    trainer = Trainer(config)
    while trainer.state == "running":
        trainer.advance(epochs=16)
    seconds = time.process_time() - start
    figures = held_against(target, [trainer.sample(_size(target), SEED + draw, trainer.shown) for draw in range(DRAWS)])
    return {
        "table": name,
        "seed": seed,
        "state": trainer.state,
        "rows": target.spec.rows,
        "held_out": target.spec.held_out,
        "figures": rounded(figures | {"gap": trainer.appraise().metrics["headline"], "seconds": seconds}),
        "verdict": trainer.verdict(),
        "config": written(config),
    }


def _size(target: Table) -> int:
    return min(target.spec.held_out, MOST)


def held_against(target: Table, generated: Sequence[Points]) -> dict[str, float]:
    """Samples of a generator, each as large as what is held out, against that and against the rows of the training."""
    rng = np.random.default_rng(SEED)
    training = target.sample(target.spec.rows, rng)
    scale = spread_of(training)
    held_out = _scaled(target.unseen(_size(target), rng), scale)
    usual = fmean(sliced_wasserstein(_scaled(target.sample(len(held_out), rng), scale), held_out) for _ in range(DRAWS))
    many, all_rows = (
        sliced_wasserstein(_scaled(points, scale), held_out) for points in (np.concatenate(generated), training)
    )
    distance = fmean(sliced_wasserstein(_scaled(points, scale), held_out) for points in generated)
    near = Copying(training, target.unseen(_size(target), rng))
    return {
        "distance": distance,
        "training": usual,
        "ratio": distance / usual,
        "ratio_of_many": many / all_rows,
        "copying": fmean(near.share(points) for points in generated),
        "doubt": math.sqrt(1 / (12 * len(held_out)) * (1 + 1 / DRAWS)),
    }


@cache
def redrawn(name: str) -> float:
    """The figure of rows drawn with replacement out of those of the training."""
    target = spec_of(name).make()
    rng = np.random.default_rng((SEED, 1))
    training = target.sample(target.spec.rows, rng)
    samples = [training[rng.integers(len(training), size=_size(target))] for _ in range(DRAWS)]
    return held_against(target, samples)["ratio"]


def _scaled(points: Points | NDArray[Any], scale: Floats) -> Floats:
    return np.asarray(points, np.float64) / scale


def copied(figures: Mapping[str, float]) -> bool:
    """Whether the page says that rows are repeated."""
    return figures["copying"] >= COPIES


def nearer(figures: Mapping[str, float]) -> bool:
    """Whether generated points are nearer to rows of the training than chance and held-out rows explain."""
    return figures["copying"] > 0.5 + UNLIKELY * figures["doubt"]


def report(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row a table: the median and the worst of the seeds."""
    found = []
    for name in TABLES:
        those = sorted((each for each in records if each["table"] == name), key=lambda each: int(each["seed"]))
        if not those:
            continue
        ratios = [each["figures"]["ratio"] for each in those]
        seconds = median(each["figures"]["seconds"] for each in those)
        found.append(
            {
                "table": name,
                "rows": those[0]["rows"],
                "held_out": those[0]["held_out"],
                "seeds": [each["seed"] for each in those],
                "ratios": ratios,
                "median": median(ratios),
                "redrawn": redrawn(name),
                "of_many": median(each["figures"]["ratio_of_many"] for each in those),
                "worst": max(ratios),
                "copying": [each["figures"]["copying"] for each in those],
                "copies": sum(copied(each["figures"]) for each in those),
                "nearer": sum(nearer(each["figures"]) for each in those),
                "gap": median(each["figures"]["gap"] for each in those),
                "verdicts": [each["verdict"] for each in those],
                "seconds": seconds,
                "reached": max(ratios) <= WANTED
                and seconds <= SECONDS
                and not any(copied(each["figures"]) for each in those),
            }
        )
    return found


def told(found: Sequence[Mapping[str, Any]]) -> str:
    """The report as a table."""
    cells = [
        [
            row["table"],
            f"{row['rows']:,} + {row['held_out']:,}",
            str(len(row["seeds"])),
            f"{row['median']:.2f}",
            f"{row['worst']:.2f}",
            f"{row['redrawn']:.2f}",
            f"{row['of_many']:.2f}",
            f"{min(row['copying']):.2f} to {max(row['copying']):.2f}{' *' if row['nearer'] else ''}",
            f"{row['gap']:.0%}",
            ", ".join(dict.fromkeys(row["verdicts"])),
            f"{row['seconds']:.0f}",
            "yes" if row["reached"] else "no",
        ]
        for row in found
    ]
    header = [
        "table",
        "rows",
        "seeds",
        "median",
        "worst",
        "redrawn",
        "of many",
        "copying",
        "gap",
        "verdict",
        "seconds",
        "reached",
    ]
    return table(header, cells)


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the report, or the part of it that is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.held_out", description=__doc__)
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES), metavar="NAME")
    parser.add_argument("--seeds", type=seeds_of, default=list(range(3)), help="how many (3), or a list (0,1)")
    parser.add_argument("--change", type=json.loads, default={}, help="knobs to try instead, in JSON; writes no report")
    parser.add_argument("--workers", type=int, default=1, help="runs at once, one thread each (default 1)")
    parser.add_argument("--out", type=Path, default=RESULTS / "held-out-runs.jsonl", help="where runs are appended")
    options = parser.parse_args(arguments)
    seeds = {*options.seeds, *range(3)}
    now = {(name, seed): written(config_of(name, seed, options.change)) for name in TABLES for seed in seeds}
    records = [each for each in read(options.out) if each["config"] in now.values()]
    made = [each["config"] for each in records]
    jobs = [(name, seed, options.change) for seed in options.seeds for name in options.tables]
    missing = [job for job in jobs if now[job[:2]] not in made]
    print(f"{len(jobs)} runs, {len(jobs) - len(missing)} of them already in {options.out}", flush=True)
    for record in recorded(run, missing, options.workers, options.out):
        records.append(record)
        figures = record["figures"]
        print(
            f"{record['table']} seed {record['seed']}: {figures['ratio']:.2f}, copying {figures['copying']:.2f}, gap "
            f"{figures['gap']:.1%}, {record['verdict']}, {figures['seconds']:.0f} s",
            flush=True,
        )
    found = report(records)
    reached = sum(row["reached"] for row in found)
    text = (
        f"Best recipe, distance to held-out rows over that of the training rows; wanted is at most {WANTED} with every "
        f"seed, within {SECONDS:.0f} s, without copying (below {COPIES}, from where the page speaks of it; * is beyond "
        f"{UNLIKELY:.0f} standard errors of 0.5). {reached} of {len(found)} tables reach it. Redrawn: what rows of the "
        f"training have that are drawn anew; of many: {DRAWS} samples at once, against all rows of the training.\n\n"
        f"{told(found)}\n"
    )
    print("\n" + text)
    if options.change:
        return
    save("held_out", rows=found)
    Path(__file__).with_suffix(".md").write_text(f"# Tables of one's own\n\n{text}", encoding="utf-8")


if __name__ == "__main__":
    main()
