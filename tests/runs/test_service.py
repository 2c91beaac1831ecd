"""The service's rules, with a fake engine that does a chunk when the test says so, and fake training."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gandash.core.cost import CostLimits
from gandash.core.records import Measured
from gandash.runs import library, worker
from gandash.runs import run as runs
from gandash.runs import service as service_module
from gandash.runs.executors import EngineClosedError, EngineError
from gandash.runs.service import RunService, UnknownRun
from gandash.runs.snapshot import RECORD_COLUMNS, Snapshot, Status
from gandash.runs.store import RunStore, StoreError
from gandash.runs.worker import Budget, Chunk

from .conftest import CONFIG, REAL, Clock, FakeTraining, ManualEngine, forget, until


class Desk:
    """The fixtures together, with the one thing tests do all the time: let a chunk happen and see what came of it."""

    def __init__(self, service: RunService, engine: ManualEngine, store: RunStore) -> None:
        self.service, self.engine, self.store = service, engine, store

    def chunk(self, run_id: str) -> Snapshot:
        version = self.service.snapshot(run_id).version
        assert self.engine.run_next() == run_id
        until(lambda: self.service.snapshot(run_id).version > version)
        self.settle(run_id)
        return self.service.snapshot(run_id)

    def settle(self, run_id: str) -> None:
        """Wait until the store has the newest snapshot."""
        until(lambda: self.store.version(run_id) == self.service.snapshot(run_id).version)

    def saved(self, run_id: str) -> Snapshot:
        self.settle(run_id)
        stored = self.store.load(run_id)
        assert stored is not None
        return stored.snapshot


@pytest.fixture
def desk(service: RunService, engine: ManualEngine, store: RunStore) -> Desk:
    return Desk(service, engine, store)


def test_a_run_goes_from_chunk_to_chunk_until_it_is_finished(desk: Desk, training: FakeTraining) -> None:
    config = CONFIG.model_copy(update={"epochs": 6})
    run = desk.service.start(config)
    first = desk.service.snapshot(run)
    assert (first.status, first.epoch, first.progress, len(first.history)) == (Status.STARTING, 0, 0.0, 0)
    assert first.config == config and first.frames == () and first.variants == ()
    second = desk.chunk(run)
    assert (second.status, second.epoch, second.progress) == (Status.RUNNING, 2, 5 / 12)
    assert (second.best_epoch, second.variants) == (None, ("latest", "best"))
    np.testing.assert_array_equal(second.real, REAL)
    third = desk.chunk(run)
    assert (third.status, third.epoch, third.metrics["mse"], third.best_epoch) == (Status.RUNNING, 5, 10.0, 5)
    assert third.current == ({"mse": 1 / 5, "headline": 2 / 5}, 5), "the newest epoch's while it trains"
    last = desk.chunk(run)
    assert (last.status, last.epoch, last.progress, last.message) == (Status.FINISHED, 6, 1.0, "")
    assert last.current == ({"mse": 12.0, "headline": 12.5}, 6), "the appraisal at rest"
    assert last.history.epoch.tolist() == [1, 2, 3, 4, 5, 6]
    assert [frame.points[0, 0] for frame in last.frames] == [5, 10, 12]
    assert (first.epoch, len(second.history)) == (0, 2), "snapshots do not change"
    assert not desk.engine.calls, "a finished run asks for no more"
    assert desk.saved(run).history.epoch.tolist() == [1, 2, 3, 4, 5, 6]


def test_the_next_chunk_is_asked_for_before_anything_is_saved(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting: list[int] = []
    save = desk.store.save
    run = desk.service.start(CONFIG)
    desk.settle(run)

    def recording(*args: object, **kwargs: object) -> bool:
        waiting.append(len(desk.engine.calls))
        return save(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.store, "save", recording)
    desk.chunk(run)
    assert waiting == [1]


def test_runs_take_turns(desk: Desk) -> None:
    runs = [desk.service.start(CONFIG) for _ in range(3)]
    order = []
    for _ in range(9):
        until(lambda: len(desk.engine.calls) == 3)
        order.append(desk.engine.run_next())
    assert order == runs * 3


@pytest.mark.parametrize("workers", [1, 2])
def test_beside_one_slow_run_for_each_worker_a_quick_one_has_a_third_of_the_time(store: RunStore, workers: int) -> None:
    """Workers that a list of seconds stands for: a quick run beside those whose chunks take 8 times as long."""
    engine, training = ManualEngine(), FakeTraining()
    engine.max_workers = workers
    slow: set[str] = set()

    def advance(run_id: str, config_json: str, checkpoint: bytes | None, budget: Budget) -> Chunk:
        return replace(training(run_id, config_json, checkpoint, budget), seconds=2.0 if run_id in slow else 0.25)

    service = RunService(store, engine, idle_pause=None, advance=advance, fork=training.fork)
    config = CONFIG.model_copy(update={"epochs": 10_000})

    def come_back(run: str) -> None:
        version = service.snapshot(run).version
        engine.finish(run)
        until(lambda: service.snapshot(run).version > version)
        with service._lock:
            pass  # it has asked for what follows

    slow |= {service.start(config) for _ in range(workers)}
    quick = service.start(config)
    busy: list[tuple[float, str]] = []  # when each worker will be done, and with which run
    now, idle, spent = 0.0, 0, dict.fromkeys((*slow, quick), 0.0)
    for _ in range(300):
        while len(busy) < workers and engine.calls:
            run = str(engine.calls[0][2][0])
            seconds = 2.0 if run in slow else 0.25
            spent[run] += seconds
            busy.append((now + seconds, run))
            engine.started.append(engine.calls.pop(0))
        idle += len(busy) < workers
        now, run = min(busy)
        busy.remove((now, run))
        come_back(run)
    assert spent[quick] > now / 3
    assert all(spent[run] > now / 4 for run in slow), "nor are the slow ones held up"
    assert idle < 30, "no worker stands idle but at the beginning"
    service.close()


def film(number: int) -> int:
    """Something that keeps a worker busy for long."""
    return number


@pytest.mark.parametrize("slow_runs", [0, 1])
def test_beside_any_number_of_errands_a_quick_run_has_a_third_of_the_time(store: RunStore, slow_runs: int) -> None:
    """Two workers that a list of seconds stands for; ten errands of 5 s wait, and perhaps a slow run trains."""
    engine, training = ManualEngine(), FakeTraining()
    engine.max_workers = 2
    slow: set[str] = set()

    def advance(run_id: str, config_json: str, checkpoint: bytes | None, budget: Budget) -> Chunk:
        return replace(training(run_id, config_json, checkpoint, budget), seconds=2.0 if run_id in slow else 0.25)

    service = RunService(store, engine, idle_pause=None, advance=advance, fork=training.fork)
    config = CONFIG.model_copy(update={"epochs": 10_000})
    slow |= {service.start(config) for _ in range(slow_runs)}
    quick = service.start(config)
    errands = [service.submit(film, number) for number in range(10)]
    busy: list[tuple[float, int]] = []  # when each worker will be done, and which of the calls that were begun with
    begun: list[Any] = []
    now, spent = 0.0, dict.fromkeys((quick, *slow, "film"), 0.0)
    while not errands[-1].done() and now < 100:
        while len(busy) < 2 and engine.calls:
            call = engine.calls.pop(0)
            who = "film" if call[1] is film else str(call[2][0])
            seconds = 5.0 if who == "film" else 2.0 if who in slow else 0.25
            spent[who] += seconds
            busy.append((now + seconds, len(begun)))
            begun.append(call)
        now, place = min(busy)
        busy.remove((now, place))
        future, function, args = begun[place]
        future.set_result(function(*args))
        settled = threading.Event()
        service._inbox.put(settled.set)
        assert settled.wait(30)
    assert [errand.result(0) for errand in errands] == list(range(10))
    assert spent[quick] > now / 3
    assert all(spent[run] > now / 10 for run in slow), "nor are slow ones shut out"
    service.close()


def test_who_waits_with_an_errand_is_told_when_the_server_ends(store: RunStore, engine: ManualEngine) -> None:
    engine.max_workers = 2
    service = RunService(store, engine)
    first, second = service.submit(film, 1), service.submit(film, 2)
    assert len(engine.calls) == 1 and not first.done()
    service.close()
    assert second.cancelled()


def test_samples_come_in_pieces_between_which_others_have_their_turn(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    firsts: list[int] = []

    def piece(config: str, checkpoint: bytes, n: int, which: str, seed: int, first: int) -> Any:
        firsts.append(first)
        return np.arange(first, min(n, first + 400), dtype=np.float32)[:, None]

    monkeypatch.setattr(worker, "samples", piece)
    run = desk.service.start(CONFIG)
    desk.chunk(run)
    drawn: list[Any] = []
    asking = threading.Thread(target=lambda: drawn.append(desk.service.samples(run, 1000, "latest")))
    asking.start()
    until(lambda: len(desk.engine.calls) == 2)
    order = []
    while asking.is_alive() and not drawn:
        order.append(desk.engine.calls[0][1] is piece)
        desk.engine.run_next()
        until(lambda: len(desk.engine.calls) == 2 or drawn)
    asking.join()
    assert firsts == [0, 400, 800] and drawn[0][:, 0].tolist() == list(range(1000))
    assert order[:4] == [False, True, False, True]
    monkeypatch.setattr(service_module, "ANSWER_SECONDS", -1.0)
    with pytest.raises(ValueError, match=r"0 of 1,000 samples were drawn in .*: ask for fewer"):
        desk.service.samples(run, 1000, "latest")


def test_evaluations_and_frames_over_many_chunks(desk: Desk, training: FakeTraining) -> None:
    run = desk.service.start(CONFIG)
    for _ in range(20):
        desk.chunk(run)
    assert [frame.points[0, 0] for frame in desk.service.snapshot(run).frames] == list(range(65, 101, 5))
    asked = [index for index, budget in enumerate(training.budgets) if budget.evaluate]
    assert asked == [1, 10, 19]
    assert training.budgets[0].seconds < training.budgets[1].seconds, "the first points come early"


def test_pause_shows_at_once_and_the_chunk_in_flight_counts(desk: Desk) -> None:
    run = desk.service.start(CONFIG)
    desk.chunk(run)
    desk.service.pause(run)
    paused = desk.service.snapshot(run)
    assert (paused.status, paused.epoch, paused.epochs_per_second) == (Status.PAUSED, 2, None)
    assert desk.saved(run).status is Status.PAUSED
    after = desk.chunk(run)
    assert (after.status, after.epoch) == (Status.PAUSED, 5)
    assert desk.saved(run).epoch == 5
    assert not desk.engine.calls
    desk.service.resume(run)
    assert desk.service.snapshot(run).status is Status.RUNNING
    assert desk.chunk(run).history.epoch.tolist() == [1, 2, 3, 4, 5, 6, 7]


def test_pause_and_resume_during_a_chunk_start_no_second_chain(desk: Desk) -> None:
    run = desk.service.start(CONFIG)
    for _ in range(5):
        desk.service.pause(run)
        desk.service.resume(run)
    assert len(desk.engine.calls) == 1
    desk.chunk(run)
    assert len(desk.engine.calls) == 1


def test_pause_before_the_first_chunk_and_resume_after_it(desk: Desk) -> None:
    run = desk.service.start(CONFIG)
    desk.service.pause(run)
    assert desk.chunk(run).status is Status.PAUSED
    desk.service.resume(run)
    assert desk.chunk(run).epoch == 2, "it is appraised first"
    assert desk.chunk(run).epoch == 5


def test_a_pause_is_followed_by_an_appraisal_of_exactly_what_is_shown(desk: Desk, training: FakeTraining) -> None:
    run = desk.service.start(CONFIG)
    desk.chunk(run)
    desk.chunk(run)
    desk.service.pause(run)
    paused = desk.chunk(run)
    assert (paused.progress, paused.appraised) == (15 / 200, 10 / 200), "half-way through epoch 8"
    assert paused.current == ({"mse": 1 / 7, "headline": 2 / 7}, 7), "until the appraisal is there"
    after = desk.chunk(run)
    assert training.budgets[-1] == Budget(0.0, evaluate=True)
    assert (after.status, after.progress, after.appraised) == (Status.PAUSED, 15 / 200, 15 / 200)
    assert after.current == ({"mse": 15.0, "headline": 15.5}, 7)
    assert not desk.engine.calls
    (listed,) = desk.service.runs()
    assert (listed.headline, listed.headline_epoch) == (15.5, 7), "the list says the same"


def test_an_appraisal_that_fails_is_not_tried_again_and_again(desk: Desk) -> None:
    run = desk.service.start(CONFIG)
    desk.service.pause(run)
    desk.chunk(run)
    desk.engine.fail_next(EngineError("Three workers died with it."))
    until(lambda: desk.service._library[run].idle)
    assert desk.service.snapshot(run).status is Status.PAUSED
    assert not desk.engine.calls
    desk.service.resume(run)
    assert desk.chunk(run).epoch == 5


def test_a_stopped_run_is_appraised_too(desk: Desk) -> None:
    run = desk.service.start(CONFIG)
    desk.service.stop(run)
    desk.chunk(run)
    after = desk.chunk(run)
    assert (after.status, after.appraised) == (Status.STOPPED, after.progress)
    assert not desk.engine.calls


def test_start_paused_waits(desk: Desk) -> None:
    run = desk.service.start(CONFIG, paused=True)
    assert desk.service.snapshot(run).status is Status.PAUSED
    assert not desk.engine.calls
    desk.service.resume(run)
    assert desk.service.snapshot(run).status is Status.STARTING
    assert desk.chunk(run).status is Status.RUNNING


def test_step_trains_one_whole_epoch(desk: Desk, training: FakeTraining) -> None:
    run = desk.service.start(CONFIG, step=True)
    stepped = desk.chunk(run)
    assert (stepped.status, stepped.epoch, stepped.progress) == (Status.PAUSED, 1, 0.01)
    assert not desk.engine.calls
    desk.service.epoch(run)
    assert desk.service.snapshot(run).status is Status.RUNNING
    assert desk.chunk(run).epoch == 2
    assert [budget.until_epoch for budget in training.budgets] == [1, 2]


def test_a_step_asked_for_twice_is_two_epochs(desk: Desk) -> None:
    run = desk.service.start(CONFIG, step=True)
    desk.service.epoch(run)
    assert desk.chunk(run).status is Status.RUNNING
    after = desk.chunk(run)
    assert (after.status, after.epoch) == (Status.PAUSED, 2)


def test_a_long_epoch_is_stepped_in_several_chunks(store: RunStore, engine: ManualEngine) -> None:
    class Slow(FakeTraining):
        def __call__(self, *args: object) -> object:  # type: ignore[override]
            chunk = super().__call__(*args)  # type: ignore[arg-type]
            return chunk if len(self.budgets) % 4 == 0 else _before(chunk)

    def _before(chunk: object) -> object:
        from dataclasses import replace

        return replace(chunk, epoch=chunk.epoch - 1, records=())  # type: ignore[type-var, attr-defined]

    service = RunService(store, engine, advance=Slow())  # type: ignore[arg-type]
    run = service.start(CONFIG, step=True)
    for _ in range(3):
        engine.run_next()
        until(lambda: len(engine.calls) == 1)
        assert service.snapshot(run).status is Status.RUNNING
    engine.run_next()
    until(lambda: service.snapshot(run).status is Status.PAUSED)
    assert service.snapshot(run).epoch == 1
    service.close()


def test_step_while_a_paused_chunk_is_in_flight_counts_from_its_end(desk: Desk) -> None:
    run = desk.service.start(CONFIG)
    desk.service.pause(run)
    desk.service.epoch(run)
    assert desk.chunk(run).epoch == 2
    after = desk.chunk(run)
    assert (after.status, after.epoch) == (Status.PAUSED, 3)


def test_step_is_refused_while_the_run_goes_on(desk: Desk) -> None:
    run = desk.service.start(CONFIG)
    with pytest.raises(ValueError, match="pause it before you play it by hand"):
        desk.service.epoch(run)


def test_resume_turns_steps_into_a_run(desk: Desk) -> None:
    run = desk.service.start(CONFIG, step=True)
    desk.service.resume(run)
    desk.chunk(run)
    assert desk.chunk(run).status is Status.RUNNING


def test_pause_drops_steps_that_are_left(desk: Desk) -> None:
    run = desk.service.start(CONFIG, step=True)
    desk.service.epoch(run)
    desk.service.pause(run)
    assert desk.chunk(run).epoch == 1
    assert not desk.engine.calls
    desk.service.epoch(run)
    after = desk.chunk(run)
    assert (after.status, after.epoch) == (Status.PAUSED, 2)
    assert not desk.engine.calls


def test_stop_is_for_good(desk: Desk) -> None:
    run = desk.service.start(CONFIG)
    desk.chunk(run)
    desk.service.stop(run)
    assert desk.service.snapshot(run).status is Status.STOPPED
    last = desk.chunk(run)
    assert (last.status, last.epoch) == (Status.STOPPED, 5)
    for action in (desk.service.resume, desk.service.step):
        with pytest.raises(ValueError, match="it was stopped for good"):
            action(run)
    desk.service.stop(run)
    desk.service.pause(run)
    assert desk.service.snapshot(run) is last
    assert not desk.engine.calls


def test_a_stopped_run_stays_stopped_if_its_last_chunk_fails(desk: Desk) -> None:
    run, other = desk.service.start(CONFIG), desk.service.start(CONFIG)
    desk.service.stop(run)
    desk.engine.fail_next(EngineError("Three workers died with it."))
    desk.chunk(other)
    assert desk.service.snapshot(run).status is Status.STOPPED


def test_stop_ends_a_paused_run(desk: Desk) -> None:
    run = desk.service.start(CONFIG, paused=True)
    desk.service.stop(run)
    assert desk.saved(run).status is Status.STOPPED


@pytest.mark.parametrize(
    ("state", "status", "why"),
    [
        ("finished", Status.FINISHED, "all its epochs are done"),
        ("stopped_early", Status.STOPPED_EARLY, "early stopping"),
        ("diverged", Status.DIVERGED, "diverged"),
    ],
)
def test_the_trainers_end_is_the_runs_end(
    desk: Desk, training: FakeTraining, state: str, status: Status, why: str
) -> None:
    run = desk.service.start(CONFIG)
    training.ending = (state, "A sentence.")
    ended = desk.chunk(run)
    assert (ended.status, ended.message, ended.seconds_left) == (status, "A sentence.", None)
    assert desk.saved(run).message == "A sentence."
    assert not desk.engine.calls
    for action in (desk.service.resume, desk.service.step):
        with pytest.raises(ValueError, match=f"{why}.*Train on makes a new run that does"):
            action(run)
    assert len(desk.service.runs()) == 1 and desk.service.snapshot(run) is ended


def test_a_run_is_trained_on_in_a_new_one_and_stays_as_it_is(desk: Desk) -> None:
    parent = desk.service.start(CONFIG.model_copy(update={"epochs": 2}))
    before = desk.chunk(parent)
    assert before.status is Status.FINISHED
    child = desk.service.train_on(parent, {"epochs": 4, "generator_lr": 1e-4})
    begun = desk.service.snapshot(child)
    assert (begun.status, begun.parent, begun.first_epoch, begun.epoch) == (Status.RUNNING, parent, 2, 2)
    assert (begun.progress, begun.planned_epochs, begun.config.generator_lr) == (0.0, 6, 1e-4)
    assert begun.history.epoch.tolist() == [1, 2] and len(begun.frames) == 1 and begun.variants
    np.testing.assert_array_equal(begun.real, REAL)
    desk.settle(child)
    middle = desk.chunk(child)
    assert (middle.epoch, middle.progress) == (4, 5 / 8)
    last = desk.chunk(child)
    assert (last.status, last.epoch, last.history.epoch.tolist()) == (Status.FINISHED, 6, [1, 2, 3, 4, 5, 6])
    assert desk.service.snapshot(parent) is before
    assert desk.saved(parent).history.epoch.tolist() == [1, 2]
    listed = desk.service.runs()[0]
    assert (listed.run_id, listed.parent, listed.first_epoch, listed.planned_epochs) == (child, parent, 2, 6)


def test_a_child_outlives_its_parent(desk: Desk) -> None:
    parent = desk.service.start(CONFIG)
    desk.chunk(parent)
    desk.service.pause(parent)
    desk.chunk(parent)
    child = desk.service.train_on(parent, {}, step=True)
    desk.chunk(child)
    desk.service.delete(parent)
    until(lambda: desk.store.is_deleted(parent))
    desk.store.purge(datetime.now(UTC))
    forget(desk.service, child)
    back = desk.service.snapshot(child)
    assert (back.status, back.parent, back.first_epoch) == (Status.PAUSED, parent, 5)
    assert back.history.epoch.tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(back.real, REAL)
    desk.service.resume(child)
    assert desk.chunk(child).epoch == 8


def test_a_child_begins_with_a_whole_epoch_and_siblings_go_their_own_ways(desk: Desk) -> None:
    parent = desk.service.start(CONFIG)
    desk.service.pause(parent)
    assert desk.chunk(parent).progress == 5 / 200, "half-way through epoch 3"
    desk.chunk(parent)
    children = [desk.service.train_on(parent, {"seed": seed}, step=True) for seed in (7, 8)]
    assert [desk.chunk(child).history.epoch.tolist() for child in children] == [[1, 2, 3]] * 2
    assert [desk.service.snapshot(child).status for child in children] == [Status.PAUSED] * 2
    grandchild = desk.service.train_on(children[0], {"epochs": 1})
    assert desk.chunk(grandchild).history.epoch.tolist() == [1, 2, 3, 4]
    desk.service.resume(parent)
    assert desk.chunk(parent).history.epoch.tolist() == [1, 2, 3, 4, 5]


def test_what_cannot_be_trained_on_is_refused_in_words(desk: Desk) -> None:
    run = desk.service.start(CONFIG, paused=True)
    with pytest.raises(ValueError, match="no generator yet"):
        desk.service.train_on(run, {})
    desk.service.resume(run)
    desk.chunk(run)
    with pytest.raises(ValueError, match="pause it before"):
        desk.service.train_on(run, {})
    desk.service.stop(run)
    desk.chunk(run)
    with pytest.raises(ValueError, match=r"Batch size.*Start a new run to change it"):
        desk.service.train_on(run, {"batch_size": 64})
    with pytest.raises(ValueError, match="Epochs"):
        desk.service.train_on(run, {"epochs": 0})
    with pytest.raises(UnknownRun):
        desk.service.train_on("nonsense", {})
    assert len(desk.service.runs()) == 1


def test_a_run_that_costs_more_than_is_allowed_does_not_start(
    store: RunStore, engine: ManualEngine, training: FakeTraining
) -> None:
    engine.gpu = False
    service = RunService(store, engine, cost_limits=CostLimits(step_seconds=2.0), advance=training, fork=training.fork)
    huge = {"generator_widths": (1024,) * 4, "batch_size": 2048}
    with pytest.raises(
        ValueError, match=r"one step would take about .* 2 s is the most\. Take a smaller batch"
    ) as refused:
        service.start(CONFIG.model_copy(update={**huge, "discriminator_steps": 20}))
    assert len(str(refused.value)) < 2000
    run = service.start(CONFIG.model_copy(update=huge))
    engine.run_next()
    until(lambda: service.snapshot(run).epoch)
    service.pause(run)
    with pytest.raises(ValueError, match="one step would take"):
        service.train_on(run, {"discriminator_steps": 20})
    assert len(service.runs()) == 1
    service.close()


@pytest.mark.parametrize("go_on", ["resume", "play", "phase", "step", "epoch"])
def test_a_run_of_a_server_that_allowed_more_is_looked_at_but_does_not_go_on(
    tmp_path: Path, engine: ManualEngine, training: FakeTraining, go_on: str
) -> None:
    before = RunService(RunStore(tmp_path), engine, advance=training)
    run = before.start(CONFIG.model_copy(update={"generator_widths": (1024,) * 4, "batch_size": 2048}))
    engine.run_next()
    until(lambda: before.snapshot(run).epoch)
    before.close()
    engine = ManualEngine()
    engine.gpu = False
    after = RunService(RunStore(tmp_path), engine, cost_limits=CostLimits(step_seconds=0.5), advance=training)
    assert after.snapshot(run).appraised != after.snapshot(run).progress, "there is something to measure"
    after.rename(run, "looked at", "")
    with pytest.raises(ValueError, match=r"too large for this server: one step would take .*\. Take a smaller batch"):
        getattr(after, go_on)(run)
    assert after.snapshot(run).status is Status.PAUSED
    assert not engine.calls, "nor is it measured"
    after.close()


def test_a_failed_chunk_leaves_the_run_where_it_was_and_can_be_tried_again(desk: Desk, training: FakeTraining) -> None:
    run = desk.service.start(CONFIG)
    before = desk.chunk(run)
    desk.engine.fail_next(EngineError("Three workers died with it."))
    until(lambda: desk.service.snapshot(run).status is Status.FAILED)
    failed = desk.service.snapshot(run)
    assert (failed.message, failed.epoch) == ("Three workers died with it.", before.epoch)
    assert failed.history.epoch.tolist() == before.history.epoch.tolist()
    desk.service.resume(run)
    assert desk.service.snapshot(run).message == ""
    assert desk.chunk(run).epoch == 5


def test_an_unexpected_error_is_logged_and_told_in_a_sentence(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    run = desk.service.start(CONFIG)
    desk.engine.fail_next(ZeroDivisionError("secret detail"))
    until(lambda: desk.service.snapshot(run).status is Status.FAILED)
    assert desk.service.snapshot(run).message == "The work was lost (ZeroDivisionError). Press Resume to try again."
    assert "secret detail" in caplog.text


def changed(chunk: Chunk, **values: Any) -> Chunk:
    return replace(chunk, **values)


ODD_CHUNKS: dict[str, Callable[[Chunk], object]] = {
    "an unknown state": lambda chunk: changed(chunk, state="asleep"),
    "a state of runs": lambda chunk: changed(chunk, state="waiting"),
    "another state of runs": lambda chunk: changed(chunk, state="starting"),
    "records that are none": lambda chunk: changed(chunk, records=("epoch",)),
    "no numbers": lambda chunk: changed(chunk, progress=None),
    "something else": lambda chunk: {"state": "running"},
    "nothing": lambda chunk: None,
}


@pytest.mark.parametrize("odd", ODD_CHUNKS.values(), ids=ODD_CHUNKS)
def test_a_chunk_that_cannot_be_taken_in_ends_in_failed_and_can_be_tried_again(
    desk: Desk, training: FakeTraining, monkeypatch: pytest.MonkeyPatch, odd: Callable[[Chunk], object]
) -> None:
    run, other = desk.service.start(CONFIG), desk.service.start(CONFIG)
    before = desk.chunk(run)
    desk.chunk(other)
    future, call, args = desk.engine.calls.pop(0)
    future.set_result(odd(call(*args)))
    until(lambda: desk.service.snapshot(run).status is Status.FAILED)
    failed = desk.service.snapshot(run)
    assert failed.message.startswith("The work was lost (") and failed.message.endswith("Press Resume to try again.")
    assert (failed.epoch, failed.progress, failed.frames) == (before.epoch, before.progress, before.frames)
    assert desk.chunk(other).status is Status.RUNNING, "the others go on"
    assert desk.saved(run).status is Status.FAILED
    desk.service.resume(run)
    desk.chunk(other)
    assert desk.chunk(run).history.epoch.tolist() == [1, 2, 3, 4, 5]


MEASURED = Measured({}, {})
"""What a chunk had no time to finish."""


@pytest.mark.parametrize("odd", ODD_CHUNKS.values(), ids=ODD_CHUNKS)
def test_a_chunk_that_only_measures_and_cannot_be_taken_in_leaves_no_run_waiting_for_nothing(
    desk: Desk, training: FakeTraining, odd: Callable[[Chunk], object]
) -> None:
    run = desk.service.start(CONFIG)
    before = desk.chunk(run)
    future, call, args = desk.engine.calls.pop(0)
    future.set_result(replace(call(*args), measured=MEASURED))
    until(lambda: desk.engine.calls)
    future, call, args = desk.engine.calls.pop(0)
    assert args[-1] == Budget(0.0, evaluate=True, measured=MEASURED)
    future.set_result(odd(call(*args)))
    until(lambda: desk.service.snapshot(run).status is Status.FAILED)
    assert desk.service.snapshot(run).message.startswith("The work was lost (")
    assert not desk.engine.calls and not desk.service._flights
    assert desk.saved(run).status is Status.FAILED
    desk.service.resume(run)
    assert desk.chunk(run).epoch > before.epoch + 2, "trained, not measured again"


@pytest.mark.parametrize("odd", ODD_CHUNKS.values(), ids=ODD_CHUNKS)
def test_a_measurement_at_rest_that_cannot_be_taken_in_leaves_the_run_at_rest(
    desk: Desk, odd: Callable[[Chunk], object]
) -> None:
    run = desk.service.start(CONFIG)
    desk.service.pause(run)
    before = desk.chunk(run)
    future, call, args = desk.engine.calls.pop(0)
    assert not args[-1].seconds
    future.set_result(odd(call(*args)))
    until(lambda: desk.service._library[run].idle)
    assert desk.service.snapshot(run) == before
    assert not desk.engine.calls and not desk.service._flights
    desk.service.resume(run)
    assert desk.chunk(run).epoch == 5


def test_what_fails_around_a_chunk_leaves_no_run_waiting_for_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, other = desk.service.start(CONFIG), desk.service.start(CONFIG)
    with monkeypatch.context() as patch:
        patch.setattr(desk.service, "_unless_unwatched", lambda run: 1 / 0)
        desk.engine.run_next()
        until(lambda: desk.service.snapshot(run).status is Status.FAILED)
    with monkeypatch.context() as patch:
        patch.setattr(runs, "next_budget", lambda run: 1 / 0)
        desk.engine.run_next()
        until(lambda: desk.service.snapshot(other).status is Status.FAILED)
    assert not desk.engine.calls and not desk.service._flights
    for each in (run, other):
        desk.service.resume(each)
    assert [desk.chunk(each).epoch for each in (run, other)] == [2, 2]


@pytest.mark.parametrize("error", [EngineClosedError("x"), CancelledError()])
def test_a_run_whose_engine_goes_away_is_paused(desk: Desk, error: BaseException) -> None:
    run = desk.service.start(CONFIG)
    desk.chunk(run)
    desk.engine.fail_next(error)
    until(lambda: desk.service.snapshot(run).status is Status.PAUSED)
    assert desk.service.snapshot(run).message == "The server stopped; press Resume to go on from epoch 2."


def test_unwatched_runs_pause_and_watched_ones_do_not(desk: Desk, clock: Clock) -> None:
    seen, unseen = desk.service.start(CONFIG), desk.service.start(CONFIG)
    for _ in range(6):
        clock.now += 10
        desk.service.watch(seen)
        desk.chunk(seen)
        assert desk.chunk(unseen).status is Status.RUNNING
    clock.now += 0.1
    desk.chunk(seen)
    paused = desk.chunk(unseen)
    assert (paused.status, paused.message) == (
        Status.PAUSED,
        "Paused because no page watched the run for 60 seconds.",
    )
    assert desk.service.snapshot(seen).status is Status.RUNNING
    desk.service.resume(unseen)
    desk.chunk(seen)
    assert desk.chunk(unseen).status is Status.RUNNING, "pressing Resume is watching"


def test_the_idle_pause_can_be_off(store: RunStore, engine: ManualEngine, training: FakeTraining, clock: Clock) -> None:
    service = RunService(store, engine, idle_pause=None, clock=clock, advance=training)
    run = service.start(CONFIG)
    clock.now += 1e6
    engine.run_next()
    until(lambda: service.snapshot(run).epoch == 2)
    assert service.snapshot(run).status is Status.RUNNING
    service.close()


def test_speed_and_time_left_follow_the_clock(desk: Desk, clock: Clock) -> None:
    run = desk.service.start(CONFIG)
    for _ in range(30):
        clock.now += 0.5
        at = desk.chunk(run)
    assert at.epochs_per_second is not None and at.seconds_left is not None
    assert at.epochs_per_second == pytest.approx(5.0, rel=0.05)
    assert at.seconds_left == pytest.approx(25 / 5.0, rel=0.05)
    desk.service.pause(run)
    desk.chunk(run)
    desk.chunk(run)
    clock.now += 1000
    desk.service.resume(run)
    assert desk.service.snapshot(run).seconds_left is None
    at = desk.chunk(run)
    assert at.epochs_per_second == pytest.approx(2.5 / 0.25), "the pause does not count"


def test_unknown_runs_and_wrong_requests_are_refused_in_plain_words(desk: Desk) -> None:
    calls: list[Callable[[str], object]] = [
        desk.service.snapshot,
        desk.service.pause,
        desk.service.resume,
        desk.service.step,
        desk.service.stop,
        desk.service.delete,
        desk.service.history_frame,
        lambda run: desk.service.export(run, "latest"),
    ]
    for call in calls:
        with pytest.raises(UnknownRun, match=r"There is no run '\.\./nonsense': it was deleted, or the link is wrong"):
            call("../nonsense")
    run = desk.service.start(CONFIG, paused=True)
    with pytest.raises(ValueError, match="no generator yet"):
        desk.service.export(run, "latest")
    with pytest.raises(ValueError, match="Choose one of torchscript, pt2, portable, onnx"):
        desk.service.export(run, "latest", "pickle")
    with pytest.raises(ValueError, match="give a number from 1 to"):
        desk.service.samples(run, 0, "latest")
    desk.service.resume(run)
    desk.chunk(run)
    with pytest.raises(ValueError, match="no 'ema' generator: choose one of latest, best"):
        desk.service.samples(run, 5, "ema")


def test_delete_throws_the_chunk_in_flight_away(desk: Desk) -> None:
    run, other = desk.service.start(CONFIG), desk.service.start(CONFIG)
    desk.service.delete(run)
    desk.engine.run_next()
    desk.chunk(other)
    with pytest.raises(UnknownRun):
        desk.service.snapshot(run)
    assert [summary.run_id for summary in desk.service.runs()] == [other]
    assert desk.store.load(run) is None
    assert len(desk.engine.calls) == 1


def test_a_deleted_run_comes_back_paused_as_it_stood(desk: Desk) -> None:
    run = desk.service.start(CONFIG)
    desk.chunk(run)
    desk.service.delete(run)
    with pytest.raises(UnknownRun):
        desk.service.resume(run)
    desk.engine.run_next()  # comes too late to count
    desk.service.undelete(run)
    back = desk.service.snapshot(run)
    assert (back.status, back.epoch, back.history.epoch.tolist()) == (Status.PAUSED, 2, [1, 2])
    desk.chunk(run)
    desk.service.resume(run)
    assert desk.chunk(run).history.epoch.tolist() == [1, 2, 3, 4, 5]
    with pytest.raises(UnknownRun):
        desk.service.undelete(run)


def test_a_run_deleted_long_ago_is_gone_for_good(desk: Desk) -> None:
    old, new = desk.service.start(CONFIG, paused=True), desk.service.start(CONFIG, paused=True)
    desk.settle(old)
    desk.store.delete(old, datetime.now(UTC) - 2 * library.UNDO_TIME)
    desk.service.delete(new)
    until(lambda: desk.store.is_deleted(old) is None)
    with pytest.raises(UnknownRun):
        desk.service.undelete(old)
    desk.service.undelete(new)
    assert [summary.run_id for summary in desk.service.runs()] == [new]


def test_a_run_has_a_name_and_a_note(desk: Desk) -> None:
    run = desk.service.start(CONFIG)
    desk.service.rename(run, "  My  best\nring ", "wider <b>nets</b>\n")
    desk.chunk(run)
    for snapshot in (desk.service.snapshot(run), desk.saved(run)):
        assert (snapshot.name, snapshot.note) == ("My best ring", "wider <b>nets</b>")
    (listed,) = desk.service.runs()
    assert (listed.name, listed.note) == ("My best ring", "wider <b>nets</b>")
    with pytest.raises(ValueError, match="The name has 81 characters; 80 is the most"):
        desk.service.rename(run, "x" * 81, "")
    with pytest.raises(ValueError, match="The note has 2,001 characters"):
        desk.service.rename(run, "", "x" * 2001)
    desk.service.rename(run, "", "")
    assert desk.saved(run).name == ""


def test_a_thumbnail_is_a_part_of_the_newest_frame_that_loads_no_run(desk: Desk) -> None:
    run = desk.service.start(CONFIG)
    assert desk.service.thumbnail(run) is None
    desk.chunk(run)
    forget(desk.service, run)
    np.testing.assert_array_equal(desk.service.thumbnail(run), np.full((220, 2), 5, np.float32))
    assert run not in desk.service._library


def test_runs_are_listed_newest_first_with_their_state(desk: Desk) -> None:
    old = desk.service.start(CONFIG)
    new = desk.service.start(CONFIG, paused=True)
    desk.chunk(old)
    assert [(s.run_id, s.status, s.epoch) for s in desk.service.runs()] == [
        (new, Status.PAUSED, 0),
        (old, Status.RUNNING, 2),
    ]


def test_the_history_as_a_table(desk: Desk) -> None:
    run = desk.service.start(CONFIG)
    desk.chunk(run)
    table = desk.service.history_frame(run)
    assert list(table.columns) == ["epoch", *RECORD_COLUMNS, "mse", "headline"]
    assert table["epoch"].tolist() == [1, 2]
    assert table["mse"].tolist() == [1.0, 0.5]
    table.loc[0, "mse"] = 99.0
    assert desk.service.snapshot(run).history.columns["mse"][0] == 1.0


def test_only_some_idle_runs_stay_in_memory_and_the_others_come_back(desk: Desk, clock: Clock) -> None:
    going, runs = desk.service.start(CONFIG), []
    in_flight = desk.engine.calls.pop()
    for _ in range(library.IDLE_RUNS_IN_MEMORY + 5):
        clock.now += 1
        run = desk.service.start(CONFIG, step=True)
        desk.chunk(run)
        runs.append(run)
    until(lambda: len(list(desk.service._library)) == library.IDLE_RUNS_IN_MEMORY + 1)
    assert runs[0] not in desk.service._library and going in desk.service._library
    back = desk.service.snapshot(runs[0])
    assert (back.status, back.epoch, back.history.epoch.tolist()) == (Status.PAUSED, 1, [1])
    np.testing.assert_array_equal(back.frames[-1].points, np.full((1000, 2), 2, np.float32))
    np.testing.assert_array_equal(back.real, REAL)
    desk.engine.calls.append(in_flight)
    desk.service.pause(going)
    desk.chunk(going)
    desk.chunk(going)
    desk.service.resume(runs[0])
    assert desk.chunk(runs[0]).history.epoch.tolist() == [1, 2, 3]
    assert desk.saved(runs[0]).history.epoch.tolist() == [1, 2, 3]


def test_a_closed_service_leaves_paused_runs_that_another_goes_on_with(
    tmp_path: Path, engine: ManualEngine, training: FakeTraining
) -> None:
    service = RunService(RunStore(tmp_path), engine, advance=training)
    run = service.start(CONFIG)
    engine.run_next()
    until(lambda: service.snapshot(run).epoch == 2)
    service.close()
    service.close()
    assert engine.closed
    with pytest.raises(ValueError, match=r"shutting down|cannot be read"):
        service.start(CONFIG)
    engine.run_next()  # comes too late to count

    engine, store = ManualEngine(), RunStore(tmp_path)
    desk = Desk(RunService(store, engine, advance=training), engine, store)
    found = desk.service.snapshot(run)
    assert (found.status, found.epoch) == (Status.PAUSED, 2)
    assert found.message == "The server stopped; press Resume to go on from epoch 2."
    assert desk.chunk(run).metrics["mse"] == 5.0, "it is appraised when somebody looks at it"
    desk.service.resume(run)
    assert desk.chunk(run).history.epoch.tolist() == [1, 2, 3, 4, 5]
    desk.service.close()


def test_what_a_killed_server_left_running_is_paused(store: RunStore, engine: ManualEngine) -> None:
    service = RunService(store, ManualEngine(), advance=FakeTraining())
    run = service.start(CONFIG)
    until(lambda: store.version(run) is not None)
    with store._transaction() as db:
        db.execute("UPDATE runs SET server = '999999999:1.0:x', status = 'running', epoch = 7")
    restarted = RunService(store, engine, advance=FakeTraining())
    found = restarted.snapshot(run)
    assert (found.status, found.message) == (
        Status.PAUSED,
        "The server stopped; press Resume to go on from epoch 7.",
    )
    for each in (service, restarted):
        each.close()


def test_two_servers_on_one_store_do_not_train_the_same_run(tmp_path: Path, training: FakeTraining) -> None:
    desks = []
    for _ in range(2):
        engine, store = ManualEngine(), RunStore(tmp_path)
        desks.append(Desk(RunService(store, engine, advance=training), engine, store))
    here, there = desks
    run = there.service.start(CONFIG)
    there.settle(run)
    assert here.service.snapshot(run).status is Status.STARTING
    for action in (here.service.pause, here.service.resume, here.service.stop, here.service.delete):
        with pytest.raises(ValueError, match="Another gandash server"):
            action(run)
    there.chunk(run)
    assert here.service.snapshot(run).epoch == 2, "it is read again"
    there.service.pause(run)
    there.chunk(run)
    here.service.resume(run)
    here.settle(run)
    assert here.chunk(run).history.epoch.tolist() == [1, 2, 3, 4, 5, 6, 7]
    with pytest.raises(ValueError, match="Another gandash server"):
        there.service.resume(run)
    there.store.delete(run)
    here.engine.run_next()
    until(lambda: run not in here.service._library)
    for desk in desks:
        desk.service.close()


def test_a_run_goes_on_when_the_disk_is_full_and_catches_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = desk.service.start(CONFIG)
    desk.chunk(run)
    with monkeypatch.context() as patch:

        def full(*args: object, **kwargs: object) -> bool:
            raise StoreError("disk full")

        patch.setattr(desk.store, "save", full)
        desk.engine.run_next()
        until(lambda: desk.service.snapshot(run).unsaved)
        told = desk.service.snapshot(run)
        assert told.unsaved == "What this run did lately is not saved and would be lost with the server. disk full"
        assert (told.status, told.message) == (Status.RUNNING, "")
        desk.engine.run_next()
        until(lambda: desk.service.snapshot(run).epoch == 7)
        assert desk.service.snapshot(run).unsaved == told.unsaved, "for as long as it is so"
    until(lambda: not desk.service.snapshot(run).unsaved)
    assert desk.saved(run).history.epoch.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert caplog.text.count("could not be saved: disk full") == 1


def test_devices_and_readiness_come_from_the_warm_up(desk: Desk) -> None:
    assert desk.service.ready
    assert desk.service.devices() == ("cpu", "cuda")


def test_workers_are_warmed_up_late_once_when_asked_or_when_a_run_begins(
    store: RunStore, training: FakeTraining
) -> None:
    engine = ManualEngine()
    with contextlib.closing(RunService(store, engine, advance=training, warm_within=600)) as service:
        assert not service.ready and service.devices() is None and engine.warmed == 0
        service.start(CONFIG)
        assert service.ready and service.devices() == ("cpu", "cuda")
        service.warm_up()
        assert engine.warmed == 1


def test_many_threads_press_buttons_at_once(store: RunStore, training: FakeTraining) -> None:
    engine = ManualEngine()
    service = RunService(store, engine, advance=training)
    run = service.start(CONFIG.model_copy(update={"epochs": 10_000}))
    errors: list[BaseException] = []
    versions: dict[int, list[int]] = {}
    over = threading.Event()

    def press(number: int) -> None:
        seen = versions[number] = []
        try:
            while not over.is_set():
                (service.pause, service.resume)[number % 2](run)
                service.watch(run)
                seen.append(service.snapshot(run).version)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=press, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for _ in range(150):
        until(lambda: engine.calls)
        assert len(engine.calls) == 1, "one chunk in flight at a time"
        engine.run_next()
    over.set()
    for thread in threads:
        thread.join()
    service.pause(run)
    while not service._library[run].idle:
        if engine.calls:
            engine.run_next()
    assert not errors
    assert all(seen == sorted(seen) and len(seen) > 1 for seen in versions.values())
    history = service.snapshot(run).history.epoch.tolist()
    trained = sum(budget.seconds > 0 for budget in training.budgets)
    assert history == list(range(1, len(history) + 1)) and len(history) == trained * 5 // 2
    until(lambda: store.version(run) == service.snapshot(run).version)
    stored = store.load(run)
    assert stored is not None and stored.snapshot.history.epoch.tolist() == history
    service.close()


def test_the_timeline_of_a_run_grows_and_its_child_begins_with_a_copy(
    service: RunService, engine: ManualEngine, store: RunStore
) -> None:
    run_id = service.start(CONFIG)
    for _ in range(9):
        engine.run_next()
    until(lambda: service.snapshot(run_id).epoch == 22)
    service.pause(run_id)
    for _ in range(2):  # what was in flight, and an appraisal
        engine.run_next()
    until(lambda: not service._flights)
    last = service.snapshot(run_id).epoch
    assert service.timeline(run_id) == tuple(range(1, last + 1))
    assert service.timeline(run_id, weights=True) == (10, 20)
    assert service.kept(run_id, 10).weights == b"10" and service.kept(run_id, 11).weights is None
    assert service.kept(run_id, 10, weights=False).weights is None
    with pytest.raises(ValueError, match="Epoch 99 of the run is not kept"):
        service.kept(run_id, 99)
    with pytest.raises(UnknownRun):
        service.kept("nobody", 1)
    child = service.train_on(run_id, {"seed": 4})
    service.delete(run_id)
    assert (
        service.timeline(child) == tuple(range(1, last + 1)) == tuple(each.epoch for each in service.kept_frames(child))
    )
    assert service.timeline(child, weights=True) == (10, 20)
    forget_when_idle = service.snapshot(child).first_epoch
    assert forget_when_idle == last
    until(lambda: store.load(child) is not None)
    assert store.kept_weights(child) == [10, 20]
