"""Runs that are played phase by phase, by hand or slowly: what they are asked for, and that the bits stay the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gandash.core.config import RunConfig
from gandash.core.trainer import Trainer
from gandash.runs import run as runs
from gandash.runs import worker
from gandash.runs.service import RunService
from gandash.runs.snapshot import Pace, Snapshot, Status
from gandash.runs.store import RunStore
from gandash.runs.worker import Budget

from .conftest import Clock, ManualEngine, until
from .test_run import begun

BASIC: dict[str, Any] = {
    **{"shape": "two-moons", "points": 128, "batch_size": 32, "epochs": 3, "seed": 2},
    **{"generator_widths": (8,), "discriminator_widths": (8,)},
}
SMALL = RunConfig(**BASIC)
RECIPES = {
    "textbook": SMALL,
    "two turns of the discriminator": RunConfig(**BASIC, objective="wgan-gp", discriminator_steps=2),
    "joint": RunConfig(**BASIC, objective="hinge", dropout=0.2, ema_decay=0.9),
    "numbers": RunConfig(**{**BASIC, "shape": "multiples-of-5", "latent_dim": 5}),
}


class Prompt(ManualEngine):
    """An engine that has done a call before it is asked what came of it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future = super().submit(fn, *args, **kwargs)
        while self.calls:
            self.run_next()
        return future


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def prompt(tmp_path: Path, clock: Clock, stopwatch: Clock) -> Iterator[RunService]:
    service = RunService(RunStore(tmp_path), Prompt(), clock=clock, stopwatch=stopwatch, advance=worker.advance)
    yield service
    service.close()


def at_rest(service: RunService, run: str) -> Snapshot:
    """The run once it stands still and has been measured and saved."""
    until(lambda: service._library[run].idle and service._library._entries[run].clean)
    return service.snapshot(run)


def weights(config: RunConfig, checkpoint: bytes | None) -> list[list[float]]:
    assert checkpoint is not None
    trainer = Trainer.resume(config, checkpoint)
    return [parameter.tolist() for network in trainer.networks for parameter in network.parameters()]


@pytest.mark.parametrize("name", RECIPES)
def test_phase_by_phase_through_store_and_new_servers_it_ends_as_one_call_does(name: str, tmp_path: Path) -> None:
    config = RECIPES[name]
    whole = Trainer(config)
    whole.advance(epochs=config.epochs)
    service = RunService(RunStore(tmp_path), Prompt(), advance=worker.advance)
    run = service.start(config, paused=True)
    presses = 0
    while not service.snapshot(run).status.ended:
        service.phase(run) if presses % 5 else service.step(run)
        presses += 1
        assert presses < 200
        until(lambda here=service: not here.snapshot(run).status.active)  # type: ignore[misc]
        if presses % 4 == 0:  # this server is killed, and another one goes on
            at_rest(service, run)
            worker._trainers.clear()
            service = RunService(RunStore(tmp_path), Prompt(), advance=worker.advance)
    end = at_rest(service, run)
    assert (end.status, end.left_out) == (Status.FINISHED, 0), end.message
    assert end.hand_played == whole.position.step * len(whole.game.phases)
    assert end.history.epoch.tolist() == [1, 2, 3]
    figures = [record.generator_loss for record in whole.history]
    np.testing.assert_array_equal(end.history.columns["generator_loss"], figures)
    assert weights(config, service._library[run].checkpoint) == weights(config, whole.checkpoint())
    service.close()


def test_a_phase_is_told_and_the_next_one_is_ready(prompt: RunService) -> None:
    run = prompt.start(SMALL, paused=True)
    told = []
    for _ in range(4):
        prompt.phase(run)
        snapshot = at_rest(prompt, run)
        assert snapshot.status is Status.PAUSED and snapshot.phase is not None
        phase = snapshot.phase
        told.append((phase.step, phase.loss, phase.next))
        assert phase.before != phase.after
    names = [phase.name for phase in Trainer(SMALL).game.phases]
    assert told == [
        (1, "on_real", names[1]),
        (1, "on_fake", names[2]),
        (1, "generator", names[0]),
        (2, "on_real", names[1]),
    ]
    assert snapshot.hand_played == 4 and len(snapshot.frames) == 2, "points move where the generator has played"
    prompt.step(run)
    after = at_rest(prompt, run)
    assert after.phase is None and after.hand_played == 6
    prompt.epoch(run)
    assert at_rest(prompt, run).epoch == 1 and at_rest(prompt, run).hand_played == 6


def test_presses_wait_for_each_other(store: RunStore, engine: ManualEngine) -> None:
    service = RunService(store, engine, advance=worker.advance)
    run = service.start(SMALL.model_copy(update={"epochs": 10_000}))  # of which one chunk leaves the most
    service.pause(run)  # with a chunk in flight, which is none of what follows
    service.phase(run, "generator")
    service.epoch(run)
    service.step(run)
    budgets = []
    while service.snapshot(run).status.active:
        until(lambda: engine.calls)
        budgets.append(engine.calls[0][2][3])
        version = service.snapshot(run).version
        engine.run_next()
        until(lambda before=version: service.snapshot(run).version > before)  # type: ignore[misc]
    assert [(b.phases, b.until_epoch, b.steps) for b in budgets[1:4]] == [
        (1, None, None),
        (None, service.snapshot(run).epoch, None),
        (None, None, 1),
    ]
    service.close()


@pytest.mark.parametrize(("only", "moving"), [("generator", 0), ("discriminator", 1)])
def test_one_network_alone_is_part_of_the_runs_record(
    prompt: RunService, tmp_path: Path, only: Any, moving: int
) -> None:
    run = prompt.start(SMALL, paused=True)
    prompt.phase(run)
    at_rest(prompt, run)
    before = Trainer.resume(SMALL, prompt._library[run].checkpoint or b"")
    prompt.phase(run, only)
    prompt.epoch(run, only)
    after = at_rest(prompt, run)
    trainer = Trainer.resume(SMALL, prompt._library[run].checkpoint or b"")
    for place in (0, 1):
        pairs = zip(before.networks[place].parameters(), trainer.networks[place].parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in pairs) == (place != moving)
    assert after.left_out == trainer.left_out > 0 and after.epoch == 1
    stored = RunStore(tmp_path).load(run)
    assert stored is not None
    assert (stored.snapshot.left_out, stored.snapshot.hand_played) == (after.left_out, after.hand_played)


def test_a_slow_run_plays_on_the_clock(store: RunStore, engine: ManualEngine, clock: Clock) -> None:
    service = RunService(store, engine, clock=clock, advance=worker.advance)
    run = service.start(SMALL, paused=True)
    service.play(run, 2.0)
    for beat in range(3):
        until(lambda: engine.calls)
        budget = engine.calls[0][2][3]
        assert (budget.phases, budget.show) == (1, True)
        engine.run_next()
        until(lambda: not service._flights)
        assert not engine.calls, "it is not time yet"
        assert service.snapshot(run).status is Status.RUNNING
        clock.now += 0.5 if beat < 2 else 0.1
    service.play(run, 100.0)  # at once
    until(lambda: engine.calls)
    assert (engine.calls[0][2][3].phases, engine.calls[0][2][3].show) == (10, False)
    assert service.snapshot(run).pace == Pace(100.0)
    engine.run_next()
    service.resume(run)
    until(lambda: engine.calls)
    assert engine.calls[0][2][3].phases is None
    service.pause(run)
    service.close()


def test_the_beat_is_kept_and_what_was_missed_is_not_made_up_for() -> None:
    run = replace(runs.go(begun(), pace=Pace(2.0)), checkpoint=b"x")
    budget = runs.next_budget(run)
    assert budget is not None and runs.rest(run, 10.0) == 0
    run = replace(runs.launch(run, budget, 10.0), flight=None)
    assert runs.rest(run, 10.2) == pytest.approx(0.3)
    run = replace(runs.launch(run, budget, 10.6), flight=None)
    assert run.due == 11.0, "a little late: the beat goes on"
    run = replace(runs.launch(run, budget, 15.0), flight=None)
    assert run.due == 15.5
    assert runs.rest(runs.pause(run), 15.0) == 0


@pytest.mark.parametrize(
    "call", [lambda s, r: s.play(r, 0.0), lambda s, r: s.play(r, float("nan")), lambda s, r: s.play(r, 1e9)]
)
def test_what_is_no_pace_is_refused_in_words(prompt: RunService, call: Callable[[RunService, str], None]) -> None:
    run = prompt.start(SMALL, paused=True)
    with pytest.raises(ValueError, match=r"phases a second .* give a number from 0\.1 to 1,000"):
        call(prompt, run)
    with pytest.raises(ValueError, match="choose one of both, generator, discriminator"):
        prompt.phase(run, "nobody")  # type: ignore[arg-type]
    assert prompt.snapshot(run).status is Status.PAUSED


def test_a_chunk_of_phases_ends_where_the_time_does() -> None:
    chunk = worker.advance("slow", SMALL.to_json(), None, Budget(1e-6, phases=50))
    assert chunk.played == 1 and chunk.phase is None
    chunk = worker.advance("slow", SMALL.to_json(), chunk.checkpoint, Budget(10.0, phases=4, show=True))
    assert chunk.played == 4 and chunk.phase is not None and chunk.phase.loss == "on_fake"
