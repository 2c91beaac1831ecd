"""Search a better recipe for a kind of shape: ``python -m benchmarks.search mixture --minutes 60``.

Starts from the recipe that the presets hold now. Round 1 trains every change of a single knob in `SPACE` once; round 2
trains random combinations of the changes that helped, for half of the time that is left; round 3 repeats the best few
with other seeds until the time is up. One thread a run, one run a core. Each run is appended to a file as it ends; the
table printed at the end is sorted by score, lower is better. ``benchmarks/search.md`` tells what came of it.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median
from typing import Any, get_args

from pydantic import ValidationError

from benchmarks.common import RESULTS, append, final_values, one_thread, rounded, table, train
from gandash.core.presets import PRESETS
from gandash.core.targets.shapes import SHAPES, Kind

Change = Mapping[str, Any]

SPACE: Mapping[str, Sequence[Change]] = {
    "generator's octaves": [{"generator_fourier": octaves} for octaves in (0, 3, 4, 5, 6)],
    "discriminator's octaves": [{"discriminator_fourier": octaves} for octaves in (0, 5, 6, 7, 8, 9)],
    "growth": [{"fourier_growth": share} for share in (0.0, 0.1, 0.3, 0.5)],
    "latent digits": [{"latent_digits": digits} for digits in (0, 2, 4, 5, 6)],
    "latent": [{"latent": "uniform"}, {"latent": "normal"}, *({"latent_dim": dim} for dim in (1, 2, 3, 4))],
    "learning rate": [{"generator_lr": lr, "discriminator_lr": lr} for lr in (1e-3, 2e-3, 3e-3, 4e-3)],
    "learning rates apart": [
        {"generator_lr": 1e-3, "discriminator_lr": 2e-3},
        {"generator_lr": 2e-3, "discriminator_lr": 4e-3},
    ],
    "last learning rate": [{"lr_final": share} for share in (0.001, 0.01, 0.05)],
    "penalty": [{"penalty_weight": weight} for weight in (0.05, 0.1, 0.2, 0.3)],
    "last penalty": [{"penalty_final": share} for share in (0.001, 0.003, 0.01, 0.1)],
    "betas": [{"beta2": beta} for beta in (0.9, 0.99, 0.999)],
    "average": [{"ema_decay": decay} for decay in (0.95, 0.98, 0.99, 0.995, 0.999)],
    "generator": [{"generator_widths": widths} for widths in ((64, 64, 64), (128, 128, 128), (128,) * 4, (64,) * 5)],
    "discriminator": [{"discriminator_widths": widths} for widths in ((64, 64, 64), (96, 96, 96), (128, 128, 128))],
    "activation": [{"activation": name} for name in ("leaky_relu", "relu")],
    "batch": [{"batch_size": size} for size in (128, 256, 512)],
}
"""What may change, by what it is about; changes of one entry exclude each other in a combination."""
BEST_FEW = 4
SEEDS = (1, 2, 3, 4)


def score(shape: str, values: Mapping[str, float]) -> float:
    """How far a generator is from what is wanted of the shape, lower is better.

    A mixture: the share of points too far from every mode beyond the real one, the imbalance, a spread off by more
    than 5 %, and 1 for each mode missing. Anything else: its headline metric.
    """
    if "modes" not in values:
        return values["headline"]
    modes = SHAPES[shape].ideals["modes"]
    spread = max(0.0, abs(values["mode_spread"] - 0.975) - 0.025)
    return abs(0.989 - values["high_quality"]) + values["reverse_kl"] + spread + modes - values["modes"]


def trial(label: str, change: Change, seed: int, shape: str, steps: int) -> dict[str, Any]:
    """Train the shape's preset with a change, cut to so many steps."""
    preset = PRESETS[f"best-{shape}"]
    config = preset.model_copy(update={**change, "seed": seed})
    config = config.model_copy(
        update={"epochs": max(1, round(steps / config.batches_per_epoch)), "evaluate_every": 1000}
    )
    start = time.process_time()
    trainer, _ = train(config, every=steps)
    seconds = time.process_time() - start
    values = final_values(trainer)
    return {
        "label": label,
        "change": dict(change),
        "shape": shape,
        "seed": seed,
        "steps": trainer.batches,
        "processor_seconds": round(seconds, 1),
        "score": float(f"{score(shape, values):.4g}"),
        "values": rounded(values, 4),
    }


def single_changes(shape: str) -> dict[str, tuple[str, Change]]:
    """Every change of `SPACE` that changes the shape's preset and is allowed: label -> (what it is about, change)."""
    preset, found = PRESETS[f"best-{shape}"], {}
    for about, changes in SPACE.items():
        for change in changes:
            try:
                changed = preset.model_copy(update=change)
            except ValidationError:
                continue
            if changed != preset:
                found[", ".join(f"{name} {value}" for name, value in change.items())] = (about, change)
    return found


def combination(helpful: Mapping[str, tuple[str, Change]], rng: random.Random) -> tuple[str, Change]:
    """Two or three changes about different things, at random."""
    labels = list(helpful)
    rng.shuffle(labels)
    chosen: dict[str, str] = {}
    for label in labels[: rng.choice((2, 3, 3))]:
        chosen.setdefault(helpful[label][0], label)
    merged: dict[str, Any] = {}
    for label in chosen.values():
        merged |= helpful[label][1]
    return " + ".join(sorted(chosen.values())), merged


def mean_score(records: Iterable[Mapping[str, Any]], label: str) -> float:
    """The mean score of a label over its shapes and seeds; infinite if it was not tried."""
    scores = [record["score"] for record in records if record["label"] == label]
    return mean(scores) if scores else math.inf


class Search:
    """Keeps all cores busy with trials until a deadline and collects their records."""

    def __init__(self, shapes: Sequence[str], steps: int, workers: int, path: Path) -> None:
        self.shapes, self.steps, self.workers, self.path = shapes, steps, workers, path
        self.records: list[dict[str, Any]] = []
        self.changes: dict[str, Change] = {"the preset": {}}

    def round(self, pool: ProcessPoolExecutor, draw: Callable[[], tuple[str, int] | None], deadline: float) -> None:
        """Try what `draw` gives, a label and a seed, on every shape, until it gives None or the time is up."""
        running: set[Future[dict[str, Any]]] = set()
        queue: list[tuple[str, int, str]] = []
        exhausted = False
        while True:
            while len(running) < self.workers and time.monotonic() < deadline:
                if not queue and not exhausted:
                    drawn = draw()
                    exhausted = drawn is None
                    queue = [(*drawn, shape) for shape in self.shapes] if drawn else []
                if not queue:
                    break
                label, seed, shape = queue.pop(0)
                running.add(pool.submit(trial, label, self.changes[label], seed, shape, self.steps))
            if not running:
                return
            ended, running = wait(running, return_when=FIRST_COMPLETED)
            for future in ended:
                record = future.result()
                self.records.append(record)
                append(self.path, record)
                print(f"{record['score']:8.4f} {record['shape']} seed {record['seed']}: {record['label']}", flush=True)


def search(shapes: Sequence[str], minutes: float, steps: int, workers: int, path: Path, seed: int) -> Search:
    """All three rounds."""
    rng, found = random.Random(seed), Search(shapes, steps, workers, path)
    start = time.monotonic()
    end = start + 60 * minutes
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=one_thread) as pool:
        singles = single_changes(shapes[0])
        found.changes |= {label: change for label, (_, change) in singles.items()}
        order = iter(list(found.changes))
        found.round(pool, lambda: (label, 0) if (label := next(order, None)) is not None else None, end)

        baseline = mean_score(found.records, "the preset")
        helpful = {label: singles[label] for label in singles if mean_score(found.records, label) < baseline}

        def combine() -> tuple[str, int] | None:
            for _ in range(100):
                label, change = combination(helpful, rng)
                if label not in found.changes:
                    found.changes[label] = change
                    return label, 0
            return None

        if len(helpful) > 1:
            found.round(pool, combine, time.monotonic() + (end - time.monotonic()) / 2)
        best = sorted(found.changes, key=lambda label: mean_score(found.records, label))[:BEST_FEW]
        labels = list(dict.fromkeys(["the preset", *best]))
        again = iter([(label, seed) for seed in SEEDS for label in labels])
        found.round(pool, lambda: next(again, None), end)
    return found


def report(records: Sequence[Mapping[str, Any]]) -> str:
    """A table of all that was tried, best first: those with most seeds above, then by mean score."""
    names = ["modes", "high_quality", "reverse_kl", "mode_spread", "mse", "sw_ratio", "coverage"]
    labels = list(dict.fromkeys(record["label"] for record in records))
    rows = []
    for label in sorted(labels, key=lambda label: mean_score(records, label)):
        mine = [record for record in records if record["label"] == label]
        cells = []
        for name in names:
            values = [record["values"][name] for record in mine if name in record["values"]]
            cells.append(f"{median(values):.4g}" if values else "")
        seconds = median(record["processor_seconds"] for record in mine)
        rows.append([label, str(len(mine)), f"{mean_score(records, label):.4f}", *cells, f"{seconds:.0f}"])
    return table(["change", "runs", "score", *names, "seconds"], rows)


def main(arguments: Sequence[str] | None = None) -> None:
    """Search from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.search", description=__doc__)
    parser.add_argument("kind", choices=get_args(Kind), help="the kind of shape")
    parser.add_argument("--minutes", type=float, default=60.0, help="the budget (default 60)")
    parser.add_argument("--steps", type=int, default=4000, help="steps a trial (default 4000)")
    parser.add_argument("--shapes", default="", help="which of this kind to judge by, as a,b (default: all)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="runs at once (default: the cores)")
    parser.add_argument("--seed", type=int, default=0, help="decides which combinations are drawn")
    parser.add_argument("--out", type=Path, default=None, help="where the runs are appended, JSON lines")
    options = parser.parse_args(arguments)
    of_kind = [name for name, shape in SHAPES.items() if shape.kind == options.kind]
    shapes = options.shapes.split(",") if options.shapes else of_kind
    if wrong := [name for name in shapes if name not in of_kind]:
        parser.error(f"{', '.join(wrong)}: not a {options.kind}; choose from {', '.join(of_kind)}")
    path: Path = options.out or RESULTS / f"search-{options.kind.replace(' ', '-')}.jsonl"
    found = search(shapes, options.minutes, options.steps, options.workers, path, options.seed)
    print("\n" + report(found.records))


if __name__ == "__main__":
    main()
