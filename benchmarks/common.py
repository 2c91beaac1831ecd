"""Train a config and measure it from outside: what the benchmarks share.

The clock runs only while the trainer works, its own live measuring included, since a user waits for that too; what a
benchmark measures on top is free. Everything is judged on fresh points against a fixed real sample of `SAMPLES` points.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from gandash.core.config import RunConfig
from gandash.core.metrics import Evaluator
from gandash.core.targets.shapes import SHAPES, Shape
from gandash.core.trainer import Trainer

SAMPLES = 2500
"""PacGAN's protocol: points a measurement takes."""
FINAL_SAMPLES = 4
"""How many such samples the figures at the end are the mean of."""
RESULTS = Path(__file__).parent / "results"

Result = TypeVar("Result")


@dataclass(frozen=True)
class Measurement:
    """Metrics after so many steps and seconds of training; `live` of `gandash.core.metrics.Evaluator`."""

    step: int
    seconds: float
    values: Mapping[str, float]


@lru_cache(maxsize=4)
def judge(shape: str) -> Evaluator:
    """The benchmarks' own measuring instrument: more points than the trainer's, another real sample."""
    return Evaluator(SHAPES[shape], SAMPLES, seed=1)


def measure(trainer: Trainer, seed: int) -> dict[str, float]:
    """The live metrics of the generator that is shown, on `SAMPLES` fresh points."""
    return judge(trainer.config.shape).live(trainer.sample(SAMPLES, seed, trainer.shown))


def look(trainer: Trainer) -> Mapping[str, float]:
    """The live metrics of where a trainer stands."""
    return measure(trainer, seed=trainer.batches)


def train(
    config: RunConfig,
    every: int,
    *,
    look: Callable[[Trainer], Mapping[str, float]] = look,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Trainer, list[Measurement]]:
    """Train to the end and look about every `every` steps, at the end of an epoch, and at the very end.

    Seconds are those of `clock` that training took.
    """
    config.target.build().judge()  # made once a process: not this run's time
    start = clock()
    trainer = Trainer(config)
    seconds = clock() - start
    epochs = max(1, round(every / config.batches_per_epoch))
    trace = []
    while trainer.state == "running":
        start = clock()
        trainer.advance(epochs=epochs)
        seconds += clock() - start
        trace.append(Measurement(trainer.batches, seconds, look(trainer)))
    return trainer, trace


def final_values(trainer: Trainer) -> dict[str, float]:
    """The figures at the end: the mean over `FINAL_SAMPLES` samples, and of a curve those of 5,000 points as well."""
    samples = [measure(trainer, seed=2**31 + index) for index in range(FINAL_SAMPLES)]
    values = {name: float(np.mean([sample[name] for sample in samples])) for name in samples[0]}
    shape = trainer.target
    if isinstance(shape, Shape) and shape.x_range is not None:
        points = trainer.sample(5000, 2**31 - 1, trainer.shown)
        live = Evaluator(shape, 5000, seed=2).live(points)
        low, high = shape.x_range
        inside = np.clip(points[:, 0], low, high)
        values |= {
            "mse_5000": live["mse"],
            "x_coverage_5000": live["x_coverage"],
            "x_extent_5000": float(np.ptp(inside)) / (high - low),
        }
    return values


def one_thread() -> None:
    """A run has one thread, so that runs side by side do not disturb each other more than they must."""
    torch.set_num_threads(1)


def in_processes(function: Callable[..., Result], jobs: Iterable[tuple[Any, ...]], workers: int) -> Iterator[Result]:
    """``function(*job)`` for every job, `workers` at once, one thread each, in the order in which they end."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=one_thread) as pool:
        futures = [pool.submit(function, *job) for job in jobs]
        for future in as_completed(futures):
            yield future.result()


def written(config: RunConfig) -> dict[str, Any]:
    """A config as records have it."""
    return config.model_dump(mode="json", exclude_defaults=True)


def recorded(
    function: Callable[..., dict[str, Any]], jobs: Iterable[tuple[Any, ...]], workers: int, path: Path
) -> Iterator[dict[str, Any]]:
    """The same of records, each of which is added to a file, with the processor that made it, before it is returned."""
    for record in in_processes(function, jobs, workers):
        record["machine"] = machine()["processor"]
        append(path, record)
        yield record


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass  # not Linux: the platform's own name will do
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def save(name: str, **found: Any) -> None:
    """Write what a benchmark found, and on which machine, to ``benchmarks/results/<name>.json``."""
    RESULTS.mkdir(exist_ok=True)
    report = {"machine": machine(), **found}
    (RESULTS / f"{name}.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def append(path: Path, record: Mapping[str, Any]) -> None:
    """Add a record as a line of JSON, so that a run cut off loses nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record, separators=(",", ":")) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """The records that `append` wrote; none if there is no such file."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def rounded(values: Mapping[str, float], digits: int = 5) -> dict[str, float]:
    """Figures with so many significant digits, to keep files small."""
    return {name: float(f"{value:.{digits}g}") for name, value in values.items()}


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table with aligned columns."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [header, ["-" * width for width in widths], *rows]
    cells = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    return "\n".join("| " + " | ".join(line) + " |" for line in cells)
