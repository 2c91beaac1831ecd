"""Whole runs in real worker processes, some of which are killed, and servers that end in every way."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch

from gandash.core.config import RunConfig
from gandash.core.records import EpochRecord
from gandash.core.trainer import Trainer
from gandash.runs import worker
from gandash.runs.executors import LocalWorkers
from gandash.runs.service import RunService
from gandash.runs.snapshot import Snapshot, Status, columns_of
from gandash.runs.store import RunStore

from .conftest import until

CONFIG = RunConfig(shape="exponential", points=512, epochs=60, ema_decay=0.99, early_stopping="off", seed=11)


class Borrowed(Executor):
    """Workers that outlive the service that uses them."""

    def __init__(self, workers: LocalWorkers) -> None:
        self.workers = workers

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self.workers.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        pass


@pytest.fixture
def real(workers: LocalWorkers, tmp_path: Path) -> Iterator[RunService]:
    # no page watches, so on a slow machine a run would be paused for it
    service = RunService(RunStore(tmp_path), Borrowed(workers), idle_pause=None)
    yield service
    service.close()


@pytest.fixture(scope="module")
def whole() -> tuple[Trainer, list[EpochRecord]]:
    """CONFIG trained in one call in this process, with as many threads as a worker has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    trainer = Trainer(CONFIG)
    records = trainer.advance(epochs=CONFIG.epochs)
    trainer.verdict()  # which a run asks for at its end
    torch.set_num_threads(threads)
    return trainer, records


def worker_processes(server: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(server).children() if "popen_loky" in " ".join(child.cmdline())]


def finish(service: RunService, run: str) -> Snapshot:
    """The run at rest and measured, which may take more chunks than the one that it ended in."""

    def at_rest() -> bool:
        snapshot = service.snapshot(run)
        return not snapshot.status.active and (
            snapshot.appraised == snapshot.progress or snapshot.status is Status.FAILED
        )

    until(at_rest, seconds=90)
    return service.snapshot(run)


def assert_like(service: RunService, end: Snapshot, whole: tuple[Trainer, list[EpochRecord]]) -> None:
    trainer, records = whole
    assert (end.status, end.epoch, end.progress) == (Status.FINISHED, CONFIG.epochs, 1.0), end.message
    epochs, columns = columns_of(records)
    assert end.history.epoch.tolist() == epochs.tolist()
    assert end.history.columns.keys() == columns.keys()
    for name, column in columns.items():
        np.testing.assert_array_equal(end.history.columns[name], column, name)
    assert end.variants == trainer.variants
    for which in trainer.variants:
        samples = service.samples(end.run_id, 2000, which, seed=9)
        np.testing.assert_array_equal(samples, trainer.sample(2000, seed=9, which=which))
    assert dict(end.appraisals) == {which: trainer.appraise(which) for which in trainer.variants}
    assert end.appraised == end.progress


def test_a_run_in_chunks_ends_like_one_call_bit_for_bit(
    real: RunService, whole: tuple[Trainer, list[EpochRecord]]
) -> None:
    run = real.start(CONFIG)
    versions = set()
    while real.snapshot(run).status.active:
        versions.add(real.snapshot(run).version)
        time.sleep(0.002)  # the workers need the core
    end = finish(real, run)
    assert len(versions) >= 3, "it came in several chunks"
    assert_like(real, end, whole)
    module = torch.jit.load(io.BytesIO(real.export(run, "best")))  # type: ignore[no-untyped-call]
    assert module(torch.zeros(7, CONFIG.latent_dim)).shape == (7, 2)


def test_pausing_stepping_and_two_runs_at_once_change_nothing(
    real: RunService, whole: tuple[Trainer, list[EpochRecord]]
) -> None:
    run = real.start(CONFIG, step=True)
    first = finish(real, run)
    assert (first.status, first.epoch, first.history.epoch.tolist()) == (Status.PAUSED, 1, [1])
    other = real.start(CONFIG.model_copy(update={"shape": "ring8"}))
    real.resume(run)
    until(lambda: real.snapshot(run).epoch >= 5)
    real.pause(run)
    real.resume(run)
    assert_like(real, finish(real, run), whole)
    real.delete(other)


def test_after_a_pause_in_mid_epoch_the_figures_are_of_exactly_what_is_shown(real: RunService) -> None:
    config = CONFIG.model_copy(update={"points": 100_000, "batch_size": 100})  # an epoch takes seconds
    run = real.start(config)
    until(lambda: real.snapshot(run).appraised is not None)
    stale = real.snapshot(run).appraised
    until(lambda: real.snapshot(run).progress > (stale or 0.0))
    real.pause(run)
    until(lambda: real.snapshot(run).appraised == real.snapshot(run).progress and real._library[run].idle)
    paused = real.snapshot(run)
    assert paused.status is Status.PAUSED and paused.progress * config.epochs % 1 > 0, "in mid-epoch"
    trainer = Trainer.resume(config, real.checkpoint(run))
    assert trainer.progress == paused.progress == paused.frames[-1].progress
    np.testing.assert_array_equal(real.samples(run, 1000, "ema", worker.FRAME_SEED), paused.frames[-1].points)
    assert dict(paused.appraisals) == {which: trainer.appraise(which) for which in trainer.variants}
    assert paused.current == (paused.appraisals["ema"].metrics, paused.epoch)
    (listed,) = real.runs()
    assert (listed.headline, listed.headline_epoch) == (paused.metrics["headline"], paused.epoch)
    np.testing.assert_array_equal(paused.real, trainer.real_points(worker.REAL_POINTS))


def test_a_child_that_changes_nothing_goes_on_as_its_parent_would_have(
    real: RunService, whole: tuple[Trainer, list[EpochRecord]]
) -> None:
    parent = real.start(CONFIG.model_copy(update={"epochs": 10}))
    finish(real, parent)
    child = real.train_on(parent, {"epochs": CONFIG.epochs - 10})
    end = finish(real, child)
    trainer, records = whole
    assert (end.status, end.epoch, end.first_epoch, end.parent) == (Status.FINISHED, CONFIG.epochs, 10, parent)
    epochs, columns = columns_of(records)
    assert end.history.epoch.tolist() == epochs.tolist()
    np.testing.assert_array_equal(end.history.columns["generator_loss"], columns["generator_loss"])
    np.testing.assert_array_equal(real.samples(child, 2000, "ema", 9), trainer.sample(2000, seed=9, which="ema"))
    resumed = Trainer.resume(end.config, real.checkpoint(child))
    assert [record.epoch for record in resumed.history] == epochs.tolist()


def test_killed_workers_cost_no_more_than_their_chunk(
    real: RunService, whole: tuple[Trainer, list[EpochRecord]]
) -> None:
    run = real.start(CONFIG)
    until(lambda: real.snapshot(run).epoch >= 5)
    killed = worker_processes(os.getpid())
    assert killed
    for process in killed:
        process.kill()
    psutil.wait_procs(killed, timeout=10)
    assert real.snapshot(run).status is Status.RUNNING
    assert_like(real, finish(real, run), whole)
    assert not {process.pid for process in killed} & {process.pid for process in worker_processes(os.getpid())}


def test_workers_killed_while_phases_are_played_by_hand_change_no_bit(
    real: RunService, whole: tuple[Trainer, list[EpochRecord]]
) -> None:
    run = real.start(CONFIG, paused=True)
    for _ in range(4):
        real.phase(run)
    real.step(run)
    for process in worker_processes(os.getpid()):  # what was asked for is in flight or waits
        process.kill()
    real.phase(run)
    until(lambda: not real.snapshot(run).status.active)
    played = real.snapshot(run)
    phases = whole[0].game.phases
    assert (played.status, played.left_out) == (Status.PAUSED, 0), played.message
    # a phase each, the rest of the second step, and one more
    assert played.phase is not None and played.phase.name == phases[0].name and played.phase.step == 3
    assert played.hand_played == 2 * len(phases) + 1
    real.resume(run)
    assert_like(real, finish(real, run), whole)


SERVER = """
    import contextlib, sys, time
    from gandash.core.config import RunConfig
    from gandash.runs.service import RunService

    with contextlib.closing(RunService.open()) as service:
        assert service.devices() is None and not service.ready
        run = service.start(RunConfig(shape="exponential", early_stopping="off"))
        while not service.snapshot(run).frames:
            time.sleep(0.01)
        assert service.ready and "cpu" in service.devices()
        service.export(run, "latest")
        service.history_frame(run)
        print(run, "torch" in sys.modules, "scipy" in sys.modules, flush=True)
        time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill -9"])
def test_a_server_that_ends_leaves_no_process_and_its_run_waits(how: signal.Signals, tmp_path: Path) -> None:
    environment = {**os.environ, "GANDASH_HOME": str(tmp_path), "GANDASH_WORKERS": "1"}
    command = [sys.executable, "-c", textwrap.dedent(SERVER)]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stdout is not None and server.stderr is not None
        line = server.stdout.readline().split()
        assert line[1:] == ["False", "False"], f"the server must not load torch or SciPy: {line}"
        left = psutil.Process(server.pid).children(recursive=True)
        assert worker_processes(server.pid)
        if how is signal.SIGINT:
            os.killpg(server.pid, how)  # a terminal sends it to all
        else:
            server.kill()
        _, alive = psutil.wait_procs(left, timeout=10)
        assert not alive
        server.wait(10)
        if how is signal.SIGINT:
            assert server.stderr.read().count("Traceback") == 1, "the interrupt's own, and none of the engine's"

    store = RunStore(tmp_path)
    if how is signal.SIGKILL:
        assert store.load(line[0]).snapshot.status is Status.RUNNING  # type: ignore[union-attr]
    service = RunService(store, Idle())
    found = service.snapshot(line[0])
    service.close()
    assert found.status is Status.PAUSED and found.frames and found.variants
    assert found.message == f"The server stopped; press Resume to go on from epoch {found.epoch}."


class Idle(Executor):
    """An engine that is not meant to do anything."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        return Future()
