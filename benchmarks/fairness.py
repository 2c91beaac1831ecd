"""What a small run keeps of its speed beside large ones, and how soon Pause answers: ``python -m benchmarks.fairness``.

A textbook run alone, then beside one large run for each worker, each with two (or six) layers of 1,024 in both
networks, the last of them in batches whose step takes nearly as long as the server allows, turn and turn about; ratios
are taken within a round and their median is what counts. Beside them another user starts a run, whose first epoch is
waited for. Prints a table and writes ``benchmarks/results/fairness.json``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.common import save, table
from gandash.core.config import RunConfig
from gandash.runs.service import RunService
from gandash.runs.settings import Settings

SMALL = RunConfig(early_stopping="off", epochs=1_000_000)
LARGE: Mapping[str, dict[str, Any]] = {
    "2 x 1,024": {"generator_widths": (1024,) * 2, "discriminator_widths": (1024,) * 2},
    "6 x 1,024": {"generator_widths": (1024,) * 6, "discriminator_widths": (1024,) * 6},
    "6 x 1,024, batches of 512": {
        "generator_widths": (1024,) * 6,
        "discriminator_widths": (1024,) * 6,
        "batch_size": 512,
    },
}
WORKERS = 2


def speed(service: RunService, run_id: str, seconds: float) -> float:
    """Epochs a second, whole and begun, over so many seconds."""
    before, start = service.snapshot(run_id), time.perf_counter()
    time.sleep(seconds)
    after, passed = service.snapshot(run_id), time.perf_counter() - start
    return (after.progress - before.progress) * before.config.epochs / passed


def first_epoch(service: RunService) -> float:
    """Seconds until a run that another user starts has its first epoch; it is deleted afterwards."""
    start = time.perf_counter()
    run_id = service.start(SMALL, owner="another")
    while service.snapshot(run_id).epoch < 1:
        time.sleep(0.01)
    passed = time.perf_counter() - start
    service.delete(run_id, owner="another")
    return passed


def click(service: RunService, run_id: str) -> float:
    """Seconds until a click on Pause is answered; the run goes on afterwards."""
    start = time.perf_counter()
    service.pause(run_id)
    answered = time.perf_counter() - start
    service.resume(run_id)
    return answered


def beside(large: dict[str, Any], rounds: int, seconds: float) -> dict[str, float]:
    """The small run alone and beside the large ones, in rounds."""
    alone, together, clicks, progress, first = [], [], [], [], []
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder), idle_pause=None, workers=WORKERS, most_runs_each=WORKERS + 1)
        service = RunService.open(settings)
        small = service.start(SMALL)
        others = [
            service.start(SMALL.model_copy(update={**large, "seed": seed}), paused=True) for seed in range(WORKERS)
        ]
        while service.snapshot(small).epoch < 5:
            time.sleep(0.1)
        for _ in range(rounds):
            alone.append(speed(service, small, seconds))
            for run_id in others:
                service.resume(run_id)
            time.sleep(seconds / 2)
            before = [service.snapshot(run_id).progress for run_id in others]
            together.append(speed(service, small, 2 * seconds))
            progress.append(
                min(service.snapshot(run_id).progress - old for run_id, old in zip(others, before, strict=True))
            )
            first.append(first_epoch(service))
            clicks += [click(service, run_id) for run_id in (small, *others)]
            for run_id in others:
                service.pause(run_id)
            while any(service.snapshot(run_id).appraised != service.snapshot(run_id).progress for run_id in others):
                time.sleep(0.1)
        service.close()
    return {
        "alone": median(alone),
        "beside them": median(together),
        "share kept": median(b / a for a, b in zip(alone, together, strict=True)),
        "slowest large run, steps a second": min(progress) * SMALL.epochs * SMALL.batches_per_epoch / (2 * seconds),
        "another's first epoch, longest (s)": max(first),
        "Pause answered, longest (ms)": 1000 * max(clicks),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fairness", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of alone and together (default 3)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of training for each figure (default 10)")
    options = parser.parse_args(arguments)
    rows = {name: beside(large, options.rounds, options.seconds) for name, large in LARGE.items()}
    cells = [[name, *(f"{value:.3g}" for value in row.values())] for name, row in rows.items()]
    columns = list(next(iter(rows.values())))
    print(f"A textbook run, epochs a second, beside one large run for each of {WORKERS} workers")
    print(table(["large runs", *columns], cells))
    save("fairness", rounds=options.rounds, seconds=options.seconds, beside=rows)


if __name__ == "__main__":
    main()
