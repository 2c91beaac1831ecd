"""How cost grows with data, width, concurrent runs and the length of the history: ``python -m benchmarks.scaling``.

Prints a table for each and writes ``benchmarks/results/scaling.json``. The last one is what the server does for a
change of a run, once for all who watch.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from types import MappingProxyType

import numpy as np
import torch

from benchmarks.common import save, table
from gandash.core.config import RunConfig
from gandash.core.trainer import Trainer
from gandash.live import messages
from gandash.live.messages import Cursor
from gandash.pages.words import describe
from gandash.runs.service import RunService
from gandash.runs.settings import Settings
from gandash.runs.snapshot import RECORD_COLUMNS, Frame, History, Snapshot, Status

Row = dict[str, float]

POINTS = (1_000, 10_000, 100_000, 1_000_000)
WIDTHS = (16, 64, 256, 512, 1024)
RUNS = (1, 2, 4, 8, 16)
EPOCHS = (100, 1_000, 10_000, 100_000)
ROUNDS = 5


def milliseconds(function: Callable[[], object], rounds: int = ROUNDS) -> float:
    """The median time of a call."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - start))
    return median(times)


def speed(trainer: Trainer, seconds: float) -> float:
    """Steps a second, after a fifth of the time to warm up."""
    trainer.advance(seconds=seconds / 5)
    done, start = trainer.batches, time.perf_counter()
    trainer.advance(seconds=seconds)
    return (trainer.batches - done) / (time.perf_counter() - start)


def data_row(points: int, seconds: float) -> Row:
    """The cost of so many real points."""
    config = RunConfig(points=points, early_stopping="off", evaluate_every=1000)
    start = time.perf_counter()
    trainer = Trainer(config)
    begin = time.perf_counter() - start
    steps = speed(trainer, seconds)
    return {
        "points": points,
        "to begin (ms)": 1000 * begin,
        "steps a second": steps,
        "checkpoint (KB)": len(trainer.checkpoint(history=False)) / 1024,
    }


def width_row(width: int, seconds: float) -> Row:
    """The cost of two hidden layers of this width in each network."""
    widths = (width, width)
    trainer = Trainer(RunConfig(generator_widths=widths, discriminator_widths=widths, early_stopping="off"))
    steps = speed(trainer, seconds)
    return {
        "width": width,
        "steps a second": steps,
        "checkpoint (KB)": len(trainer.checkpoint(history=False)) / 1024,
        "to save it (ms)": milliseconds(trainer.checkpoint),
    }


def runs_row(runs: int, seconds: float) -> Row:
    """So many runs at once on this machine's workers: their speed together, and the slowest and fastest of them."""
    with tempfile.TemporaryDirectory() as folder:
        service = RunService.open(Settings(home=Path(folder), idle_pause=None))
        ids = [service.start(RunConfig(seed=seed, early_stopping="off")) for seed in range(runs)]
        while any(service.snapshot(run_id).epoch == 0 for run_id in ids):
            time.sleep(0.1)
        before, start = [service.snapshot(run_id).epoch for run_id in ids], time.perf_counter()
        time.sleep(seconds)
        after, passed = [service.snapshot(run_id).epoch for run_id in ids], time.perf_counter() - start
        service.close()
    rates = [(late - early) / passed for early, late in zip(before, after, strict=True)]
    return {
        "runs": runs,
        "epochs a second, together": sum(rates),
        "slowest run": min(rates),
        "fastest run": max(rates),
    }


def history_row(epochs: int) -> Row:
    """What the stream makes of a run that has so many epochs behind it, once for all who watch."""
    rng = np.random.default_rng(0)
    columns = {name: rng.random(epochs) + 0.1 for name in (*RECORD_COLUMNS, "headline", "batch_mse")}
    config = RunConfig()
    points = config.target.build().sample(1000, rng)
    snapshot = Snapshot(
        "run",
        2,
        config,
        Status.RUNNING,
        datetime.now(UTC),
        epoch=epochs,
        progress=0.5,
        frames=(Frame(epochs, 0.5, points),),
        history=History(np.arange(1, epochs + 1), MappingProxyType(columns)),
        real=points,
    )
    words = describe(snapshot)
    cursor = Cursor(epochs - 1, 1, 0.4)
    return {
        "epochs": epochs,
        "words (ms)": milliseconds(lambda: describe(snapshot)),
        "all so far (ms)": milliseconds(lambda: messages.picture(snapshot, words)),
        "all so far (KB)": len(messages.picture(snapshot, words)) / 1024,
        "an epoch more (ms)": milliseconds(lambda: messages.news(snapshot, words, cursor)),
        "an epoch more (KB)": len(messages.news(snapshot, words, cursor)) / 1024,
    }


def show(title: str, rows: list[Row]) -> list[Row]:
    """Print rows as a table and hand them on."""
    cells = [[f"{value:,.0f}" if value >= 100 else f"{value:.3g}" for value in row.values()] for row in rows]
    print(f"\n{title}\n{table(list(rows[0]), cells)}", flush=True)
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="of training for each figure (default 5)")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    save(
        "scaling",
        data=show("Real points", [data_row(points, options.seconds) for points in POINTS]),
        width=show("Two hidden layers of a width", [width_row(width, options.seconds) for width in WIDTHS]),
        runs=show("Runs at once", [runs_row(runs, 2 * options.seconds) for runs in RUNS]),
        history=show("Length of the history", [history_row(epochs) for epochs in EPOCHS]),
    )


if __name__ == "__main__":
    main()
