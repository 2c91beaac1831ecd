"""Looking inside a run: computed for those who look, seldom enough, and also where a run stands still."""

from __future__ import annotations

import json
import threading
from functools import partial
from typing import Any

import numpy as np
import pytest

from gandash.core.config import RunConfig
from gandash.runs import worker
from gandash.runs.executors import LocalWorkers
from gandash.runs.looks import LOOKING_SECONDS, MOST_VIEWS, SHARE, SHORTEST_SECONDS, Looks, Sight
from gandash.runs.service import VIEWED_SECONDS, RunService
from gandash.runs.store import RunStore
from gandash.runs.worker import Budget
from tests.runs.conftest import CONFIG, Clock, FakeTraining, ManualEngine, until

QUICK = RunConfig(
    shape="ring8", points=256, batch_size=64, epochs=4, generator_widths=(8,), discriminator_widths=(8,), device="cpu"
)


def test_at_most_five_times_a_second_and_a_small_share_of_the_time() -> None:
    looks = Looks()
    assert looks.due("a", 0.0) == ()
    looks.look("a", ["discriminator"], 0.0)
    assert looks.due("a", 0.0) == ("discriminator",)
    assert looks.due("a", 0.4 * SHORTEST_SECONDS) == ()
    assert looks.due("a", 1.1 * SHORTEST_SECONDS) == ("discriminator",)
    looks.seen("a", Sight(1, 0.1), seconds=9.0)
    assert looks.due("a", 2.0 * SHORTEST_SECONDS) == ("discriminator",), "a worker that loads something counts nothing"
    looks.seen("a", Sight(1, 0.1), seconds=0.1)
    assert looks.due("a", 3.0 * SHORTEST_SECONDS) == ("discriminator",), "the next was due already"
    assert looks.due("a", 0.6 + 0.9 * 0.1 / SHARE) == ()
    assert looks.due("a", 0.6 + 1.0 * 0.1 / SHARE) == ("discriminator",)
    looks.look("a", ["discriminator"], 10.0)
    assert looks.wanted("a", 10.0 + LOOKING_SECONDS) and not looks.wanted("a", 10.1 + LOOKING_SECONDS)
    looks.look("b", ["discriminator"], 20.0)
    assert looks.sight("a") is None and looks.seen("a", Sight(1, 0.1)) is None, "nobody looks any more"
    looks.look("b", [], 20.0)
    assert looks.wanted("b", 20.0) == ()


@pytest.mark.parametrize(("chunk", "least", "most"), [(0.17, 4.9, 5.02), (0.2, 4.9, 5.02), (0.22, 4.5, 4.6)])
def test_chunks_of_any_length_bring_views_at_an_even_pace(chunk: float, least: float, most: float) -> None:
    looks, seconds = Looks(), 60.0
    ends = np.cumsum(np.random.default_rng(0).uniform(0.9 * chunk, 1.1 * chunk, round(seconds / chunk)))
    asked = []
    for now in ends.tolist():
        looks.look("a", ["discriminator"], now)
        if looks.due("a", now):
            asked.append(now)
    assert least <= (len(asked) - 1) / (asked[-1] - asked[0]) <= most
    assert np.diff(asked).min() > 0.1 and np.diff(asked).max() < 2.3 * chunk
    assert all(sum(start <= each < start + 1 for each in asked) <= 6 for start in asked)


def test_views_of_one_moment_come_together_and_those_of_another_do_not() -> None:
    looks, stand = Looks(), b"here"
    one, two = {"surface": np.ones((2, 2), np.float32)}, {"mesh": np.ones((2, 2, 2), np.float32)}
    looks.look("a", ["discriminator", "manifold"], 0.0)
    assert looks.missing("a", stand, 0.0) == ("discriminator", "manifold")
    looks.seen("a", Sight(1, 0.1, {"discriminator": one}, frozenset({"discriminator"}), stand))
    assert looks.missing("a", stand, 0.0) == ("manifold",)
    sight = looks.seen("a", Sight(1, 0.1, {"manifold": two}, frozenset({"manifold"}), stand))
    assert sight is not None and set(sight.views) == {"discriminator", "manifold"}
    assert looks.missing("a", stand, 0.0) == () and len(looks.missing("a", b"elsewhere", 0.0)) == 2
    sight = looks.seen("a", Sight(2, 0.2, {"manifold": two}, frozenset({"manifold"}), b"elsewhere"))
    assert sight is not None and set(sight.views) == {"manifold"}


def test_views_that_a_chunk_has_no_time_for_come_with_the_next_ones_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "VIEWING_SECONDS", -1.0)
    names = ("discriminator", "manifold", "gradients", "density")
    looks, checkpoint, came = Looks(), None, []
    for number in range(6):
        looks.look("a", names, float(number))
        asked = looks.due("a", float(number))
        assert set(asked) == set(names)
        chunk = worker.advance("a", QUICK.to_json(), checkpoint, Budget(0.01, views=asked))
        assert set(chunk.views) == {asked[0]} and chunk.unseen == asked[1:], "one at least"
        checkpoint = chunk.checkpoint
        assert checkpoint is not None
        tried = frozenset(asked).difference(chunk.unseen)
        sight = looks.seen("a", Sight(number, 0.1, chunk.views, tried, checkpoint), 0.0, chunk.unseen)
        came.append(asked[0])
        assert sight is not None and set(sight.views) == set(came), "the others stay as they were"
        assert sight.views[asked[0]] is chunk.views[asked[0]]
        assert sight.older == {name: number - past for past, name in enumerate(came[::-1]) if 0 < past < len(names)}
        assert set(looks.missing("a", checkpoint, float(number))) == set(asked[1:]), "if it stood still now"
    assert came == [*names, *names[:2]]
    looks.look("a", names[2:], 6.0)
    assert looks.due("a", 6.0) == names[2:]


def test_views_of_a_run_that_stands_still_come_in_as_many_calls_as_it_takes(
    service: RunService, engine: ManualEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, ...]] = []

    def one(config: str, checkpoint: bytes, names: tuple[str, ...], weights: bytes | None = None) -> object:
        calls.append(names)
        return {names[0]: {"surface": np.zeros((2, 2), np.float32)}}, names[1:]

    monkeypatch.setattr(worker, "views", one)
    run = service.start(CONFIG, step=True)
    engine.run_next()
    until(lambda: not service.snapshot(run).status.active)
    names = ("discriminator", "manifold", "density")
    service.watch(run, names)
    for left in (3, 2, 1):
        until(lambda: engine.calls)
        assert engine.calls[0][2][2] == names[-left:]
        engine.run_next()
    until(lambda: (sight := service.sight(run)) is not None and set(sight.views) == set(names))
    assert engine.calls == [] and len(calls) == 3


def test_views_of_a_past_moment_come_in_as_many_calls_as_it_takes(
    service: RunService, engine: ManualEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    surface = {"surface": np.zeros((2, 2), np.float32)}
    monkeypatch.setattr(worker, "views", lambda config, checkpoint, names, weights: ({names[0]: surface}, names[1:]))
    run = service.start(CONFIG)
    while service.snapshot(run).epoch < 10:
        engine.run_next()
        until(lambda: engine.calls)
    engine.calls.clear()
    found: list[Sight] = []
    names = ("discriminator", "manifold", "density")
    asking = threading.Thread(target=lambda: found.append(service.views_at(run, 9, names)))
    asking.start()
    for _ in names:
        engine.run_next()
    asking.join(30)
    assert found[0].epoch == 10 and tuple(found[0].views) == names and found[0].tried == frozenset(names)


def test_only_while_somebody_looks_views_are_asked_for(
    service: RunService, engine: ManualEngine, training: FakeTraining, clock: Clock
) -> None:
    run = service.start(CONFIG)
    for _ in range(3):
        service.watch(run)
        clock.now += 1.0
        engine.run_next()
    until(lambda: len(engine.calls) == 1)
    assert all(budget.views == () for budget in training.budgets)
    service.watch(run, ["discriminator", "nonsense"])
    engine.run_next()
    until(lambda: len(engine.calls) == 1)
    (_, _, (*_, budget)) = engine.calls[0]
    assert budget.views == ("discriminator",) and budget.seconds == VIEWED_SECONDS
    engine.run_next()
    until(lambda: len(engine.calls) == 1)
    (_, _, (*_, budget)) = engine.calls[0]
    assert budget.views == (), "it is too soon"
    clock.now += 10
    engine.run_next()
    until(lambda: len(engine.calls) == 1)
    (_, _, (*_, budget)) = engine.calls[0]
    assert budget.views == (), "nobody has looked for long"


def test_a_run_that_stands_still_is_looked_into_once(
    service: RunService, engine: ManualEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = {"surface": np.zeros((2, 2), np.float32)}
    monkeypatch.setattr(worker, "views", lambda config, checkpoint, names: ({names[0]: arrays}, ()))
    told: list[tuple[str, Sight]] = []
    leave = service.subscribe_views(lambda run_id, sight: told.append((run_id, sight)))
    run = service.start(CONFIG)
    service.pause(run)
    engine.run_next()
    until(lambda: engine.calls)
    (_, _, (*_, budget)) = engine.calls[0]
    assert budget.evaluate and not budget.seconds and not budget.views
    service.watch(run, ["discriminator"])
    assert len(engine.calls) == 2, "who looks does not wait for what is only measured"
    engine.run_next()
    until(lambda: service._library[run].idle)
    for _ in range(2):
        service.watch(run, ["discriminator"])
    (_, function, (config, checkpoint, names)) = engine.calls[0]
    assert function is worker.views and names == ("discriminator",)
    assert RunConfig.from_json(config) == CONFIG and json.loads(checkpoint)["halves"] == 5
    engine.run_next()
    until(lambda: told)
    assert told[0][0] == run and told[0][1].epoch == 2 and dict(told[0][1].views) == {"discriminator": arrays}
    assert service.sight(run) == told[0][1]
    service.watch(run, ["discriminator"])
    assert engine.calls == [] and len(told) == 1
    leave()
    other = service.start(CONFIG)
    engine.run_next()
    until(lambda: engine.calls)
    service.pause(other)
    service.watch(other, ["discriminator"])
    assert len(engine.calls) == 1, "what is on its way will take it elsewhere"
    service.watch(other, [])
    engine.run_next()
    until(lambda: service._library[other].idle)
    service.watch(other, ["discriminator"])
    engine.fail_next(RuntimeError("a worker died"))
    until(lambda: not service._looking)
    service.watch(other, ["discriminator"])
    assert len(told) == 1 and engine.calls == [], "what cannot be had is not asked for again and again"


def test_a_plane_that_is_turned_again_and_again_ends_where_it_was_turned_to_last(
    service: RunService, engine: ManualEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    mesh = {"mesh": np.zeros((2, 2, 2), np.float32)}
    monkeypatch.setattr(worker, "views", lambda config, checkpoint, names: (dict.fromkeys(names, mesh), ()))
    told: list[Sight] = []
    service.subscribe_views(lambda _, sight: told.append(sight))
    run = service.start(CONFIG.model_copy(update={"latent_dim": 4}), step=True)
    engine.run_next()
    until(lambda: not service.snapshot(run).status.active)
    turns = [f"manifold@{turn / 20:g}" for turn in range(1, 40)]
    for turn in turns:
        service.watch(run, [turn, "density"])
        service.watch(run)  # a page's script runs, which knows nothing of what its stream looks at
    assert len(engine.calls) == 1, "one at a time"
    for asked in (turns[0], turns[-1]):  # what was asked for between them is left out
        assert engine.calls[0][2][2][0] == asked
        engine.run_next()
        until(partial(lambda turn: told and turn in told[-1].views, asked))
    assert engine.calls == [] and told[-1].tried >= {turns[0], turns[-1], "density"}
    service.watch(run, turns)
    assert engine.calls[0][2][2] == tuple(turns[1:MOST_VIEWS]), "of too many those that were asked for last"


def test_a_failing_view_ends_no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    from gandash.core.trainer import Trainer

    def fail(*_: Any) -> Any:
        raise RuntimeError("no")

    monkeypatch.setattr(Trainer, "view", fail)
    chunk = worker.advance("r", QUICK.to_json(), None, Budget(0.0, views=("discriminator",)))
    assert chunk.state == "running" and chunk.views == {}


def test_chunks_bring_views_and_the_same_bits(workers: LocalWorkers) -> None:
    asked, blind = (
        workers.submit(worker.advance, name, QUICK.to_json(), None, Budget(10.0, until_epoch=4, views=names))
        for name, names in (("looked", ("discriminator", "nonsense")), ("blind", ()))
    )
    chunk, other = asked.result(60), blind.result(60)
    assert set(chunk.views) == {"discriminator"} and other.views == {} and chunk.view_seconds > 0
    assert chunk.checkpoint == other.checkpoint and chunk.epoch == 4
    assert chunk.checkpoint is not None
    again, _ = workers.submit(worker.views, QUICK.to_json(), chunk.checkpoint, ("discriminator",)).result(60)
    np.testing.assert_array_equal(again["discriminator"]["surface"], chunk.views["discriminator"]["surface"])


def test_a_finished_run_out_of_the_store_is_looked_into(store: RunStore, workers: LocalWorkers) -> None:
    class Lent(LocalWorkers):
        """The workers stay when the service goes."""

        def __init__(self) -> None:
            self.max_workers = 2

        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            return workers.submit(fn, *args, **kwargs)

        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None: ...

    service = RunService(store, Lent())
    try:
        told: list[Sight] = []
        service.subscribe_views(lambda _, sight: told.append(sight))
        run = service.start(QUICK)
        until(lambda: service.snapshot(run).status.ended and service._library[run].idle)
        assert told == []
        service.watch(run, ["discriminator"])
        until(lambda: told)
        assert told[0].epoch == 4 and told[0].views["discriminator"]["surface"].shape == (64, 64)
    finally:
        service.close()


def test_what_is_not_finite_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    from gandash.core.trainer import Trainer

    arrays = {"surface": np.full((2, 2), np.nan, np.float32)}
    monkeypatch.setattr(Trainer, "view", lambda trainer, name: arrays if name == "manifold" else {})
    chunk = worker.advance("r", QUICK.to_json(), None, Budget(0.0, views=("manifold", "density")))
    assert set(chunk.views) == {"density"}
