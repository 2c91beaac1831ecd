"""How well the presets for multiples of 5 learn them: fit, variety and total variation when training has stopped.

Each is trained with seeds 0 to 4, two runs at once on one thread each, and judged on 10,000 fresh numbers against
10,000 real ones. The floor is the total variation of two real samples of that size.

    python -m benchmarks.patterns
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.common import in_processes, save, table
from gandash.core.pattern_metrics import fit_and_variety, frequencies, total_variation
from gandash.core.presets import PRESETS
from gandash.core.targets.patterns import PATTERNS
from gandash.core.trainer import Trainer

NUMBERS = 10_000
TARGET = PATTERNS["multiples-of-5"]
NAMES = [name for name, preset in PRESETS.items() if preset.target == TARGET.spec]
SEEDS = range(5)
PAIRS = 50
"""Pairs of real samples that the floor is the mean of."""


def floor() -> float:
    """The mean total variation of two real samples."""
    pairs = [
        [frequencies(TARGET.sample(NUMBERS, np.random.default_rng((seed, k)))) for k in (8, 9)] for seed in range(PAIRS)
    ]
    return float(np.mean([total_variation(a, b) for a, b in pairs]))


def row(name: str, seed: int) -> dict[str, Any]:
    """Train a preset to its end; seconds are the training's own, its measuring included."""
    TARGET.judge()  # made once a process
    start = time.perf_counter()
    trainer = Trainer(PRESETS[name].model_copy(update={"seed": seed, "device": "cpu"}))
    trainer.advance(epochs=trainer.config.epochs)
    seconds = time.perf_counter() - start
    points = trainer.sample(NUMBERS, 2**31 - 1, trainer.shown)
    real = TARGET.sample(NUMBERS, np.random.default_rng((seed, 7)))
    fit, variety = fit_and_variety(points, TARGET.numbers)
    return {
        "preset": name,
        "seed": seed,
        "state": trainer.state,
        "epoch": trainer.epoch,
        "seconds": round(seconds, 2),
        "fit": fit,
        "variety": variety,
        "total variation": round(total_variation(frequencies(points), frequencies(real)), 4),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.patterns", description=__doc__)
    parser.add_argument("--workers", type=int, default=2, help="runs at once (default 2)")
    options = parser.parse_args(arguments)
    found = list(in_processes(row, [(name, seed) for name in NAMES for seed in SEEDS], options.workers))
    rows = sorted(found, key=lambda each: (NAMES.index(each["preset"]), each["seed"]))
    print(table(list(rows[0]), [[str(value) for value in each.values()] for each in rows]))
    print(f"\nTwo real samples: a total variation of {floor():.4f}")
    save("patterns", floor=floor(), runs=rows)


if __name__ == "__main__":
    main()
