"""Engines and training for the tests of runs: fakes that obey the test, and one set of real workers for all of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gandash.core.config import RunConfig
from gandash.core.fork import child_config
from gandash.core.records import Appraisal, EpochRecord
from gandash.runs import timeline, worker
from gandash.runs.executors import LocalWorkers
from gandash.runs.service import RunService
from gandash.runs.snapshot import Frame
from gandash.runs.store import RunStore
from gandash.runs.timeline import Kept
from gandash.runs.worker import Budget, Chunk

CONFIG = RunConfig(shape="line", epochs=100, seed=3)

REAL = np.random.default_rng(0).normal(size=(2048, 2)).astype(np.float32)


def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Wait for what another thread or process will do; fail if it does not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def forget(service: RunService, run_id: str) -> None:
    """Have a run only in the store, as if nobody had looked at it for long."""
    library = service._library
    until(lambda: library._entries[run_id].clean)
    del library._entries[run_id]


class ManualEngine(Executor):
    """Keeps the calls that are submitted until the test lets the next one happen."""

    def __init__(self) -> None:
        self.calls: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []
        self.closed = False
        self.gpu = True
        self.warmed = 0
        self.max_workers: int | None = None
        self.started: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if fn is worker.warm_up:
            self.warmed += 1
            future.set_result(("cpu", "cuda") if self.gpu else ("cpu",))
        elif getattr(fn, "__name__", "") == "fork":  # whoever asks waits for the answer
            future.set_result(fn(*args))
        else:
            self.calls.append((future, fn, args))
        return future

    def run_next(self) -> str:
        """Do the oldest call and return the id of its run."""
        until(lambda: self.calls)
        future, fn, args = self.calls.pop(0)
        try:
            future.set_result(fn(*args))
        except Exception as error:
            future.set_exception(error)
        return str(args[0])

    def finish(self, run_id: str) -> None:
        """Do a call that the test has put among those that were started."""
        place = next(place for place, (_, _, args) in enumerate(self.started) if args[0] == run_id)
        future, fn, args = self.started.pop(place)
        future.set_result(fn(*args))

    def fail_next(self, error: BaseException) -> None:
        until(lambda: self.calls)
        self.calls.pop(0)[0].set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.closed = True


class FakeTraining:
    """In place of `worker.advance`: a chunk is two and a half epochs, the checkpoint tells how many halves are done."""

    def __init__(self) -> None:
        self.budgets: list[Budget] = []
        self.ending: tuple[str, str] | None = None
        self.variants: tuple[str, ...] = ("latest", "best")

    def __call__(self, run_id: str, config_json: str, checkpoint: bytes | None, budget: Budget) -> Chunk:
        self.budgets.append(budget)
        config = RunConfig.from_json(config_json)
        state = json.loads(checkpoint) if checkpoint else {"halves": 0, "first_epoch": 0}
        start, first_epoch = state["halves"], state["first_epoch"]
        last_epoch = first_epoch + config.epochs
        goal = 2 * (last_epoch if budget.until_epoch is None else min(budget.until_epoch, last_epoch))
        end = min(start + 5, goal) if budget.seconds else start
        records = tuple(record(epoch) for epoch in range(start // 2 + 1, end // 2 + 1))
        ending, message = self.ending or ("finished" if end == 2 * last_epoch else "running", "")
        progress = (end - 2 * first_epoch) / (2 * config.epochs)
        return Chunk(
            state=ending,  # type: ignore[arg-type]
            message=message,
            checkpoint=json.dumps({"halves": end, "first_epoch": first_epoch}).encode(),
            epoch=end // 2,
            progress=progress,
            records=records,
            frames=(Frame(end // 2, progress, np.full((1000, 2), end, np.float32)),),
            kept=tuple(kept(each.epoch) for each in records if timeline.is_kept(each.epoch)),
            appraisals=appraisals(end, progress) if budget.evaluate or ending != "running" or end == goal else (),
            variants=self.variants,
            real=REAL if budget.real else None,
            seconds=budget.seconds,
            appraisal_seconds=0.0,
        )

    def fork(self, config_json: str, checkpoint: bytes, changes: Mapping[str, Any]) -> tuple[str, Chunk]:
        """In place of `worker.fork`."""
        child = child_config(RunConfig.from_json(config_json), changes).to_json()
        epoch = json.loads(checkpoint)["halves"] // 2
        begun = json.dumps({"halves": 2 * epoch, "first_epoch": epoch}).encode()
        return child, FakeTraining()("", child, begun, Budget(0.0, real=True))


def kept(epoch: int) -> Kept:
    return Kept(epoch, np.full((1000, 2), epoch, np.float32), b"%d" % epoch if epoch % 10 == 0 else None)


def record(epoch: int) -> EpochRecord:
    return EpochRecord(
        epoch, epoch + 0.1, epoch + 0.2, epoch + 0.3, epoch + 0.4, {"mse": 1 / epoch, "headline": 2 / epoch}
    )


def appraisals(halves: int, progress: float) -> tuple[Appraisal, Appraisal]:
    epoch = halves // 2
    metrics = {"mse": float(halves), "headline": halves + 0.5}
    return Appraisal("latest", epoch, progress, metrics, 0.1), Appraisal("best", epoch, progress, metrics, 0.1)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def engine() -> ManualEngine:
    return ManualEngine()


@pytest.fixture
def training() -> FakeTraining:
    return FakeTraining()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stopwatch() -> Clock:
    """What the service measures saves by: they take no time, though the test moves the clock meanwhile."""
    return Clock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    store = RunStore(tmp_path)
    yield store
    store.close()


@pytest.fixture
def service(
    store: RunStore, engine: ManualEngine, training: FakeTraining, clock: Clock, stopwatch: Clock
) -> Iterator[RunService]:
    service = RunService(store, engine, clock=clock, stopwatch=stopwatch, advance=training, fork=training.fork)
    yield service
    service.close()


@pytest.fixture(scope="session")
def workers() -> Iterator[LocalWorkers]:
    """Two real worker processes, which take seconds to start."""
    workers = LocalWorkers(2)
    yield workers
    workers.shutdown(cancel_futures=True)
