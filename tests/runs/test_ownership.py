"""A run belongs to who started it, and nobody takes more than a fair share: checked in the service at every call."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gandash.runs import queue
from gandash.runs import service as service_module
from gandash.runs.access import ADMINISTRATOR, NotYoursError
from gandash.runs.queue import Limits
from gandash.runs.service import RunService, UnknownRun
from gandash.runs.settings import Settings
from gandash.runs.snapshot import Snapshot, Status
from gandash.runs.store import RunStore

from .conftest import CONFIG, Clock, FakeTraining, ManualEngine, forget, until

ANNA, BEN, CARL = "a" * 64, "b" * 64, "c" * 64

NO_CONTROL = {"start", "train_on", "runs", "may_control"}
"""Have an owner but change no run that there is; anybody may."""
OF_THEIR_OWN = {"accept", "undelete"}
"""Change one, but need something first: each has a test below."""
WITH: dict[str, tuple[object, ...]] = {"play": (3.0, "generator"), "set_pace": (3.0,), "rename": ("mine", "")}
"""What else they are given."""


def controls() -> list[str]:
    """Everything of the service that an owner does to a run."""
    methods = inspect.getmembers(RunService, inspect.isfunction)
    owned = {name for name, method in methods if "owner" in inspect.signature(method).parameters}
    return sorted({name for name in owned if not name.startswith("_")} - NO_CONTROL - OF_THEIR_OWN)


def control(service: RunService, action: str, run_id: str, owner: str) -> object:
    return getattr(service, action)(run_id, *WITH.get(action, ()), owner=owner)


@pytest.mark.parametrize("action", controls())
@pytest.mark.parametrize("forgotten", [False, True], ids=["in memory", "in the store"])
def test_nobody_else_controls_a_run(service: RunService, action: str, forgotten: bool) -> None:
    run_id = service.start(CONFIG, paused=True, owner=ANNA)
    if forgotten:
        forget(service, run_id)
    before = service.snapshot(run_id)
    for owner in (BEN, ""):
        with pytest.raises(NotYoursError, match="belongs to somebody else"):
            control(service, action, run_id, owner)
    assert service.snapshot(run_id) == before
    control(service, action, run_id, ANNA)


@pytest.mark.parametrize("action", controls())
@pytest.mark.parametrize("forgotten", [False, True], ids=["in memory", "in the store"])
def test_whatever_somebody_does_first_to_a_run_without_an_owner_makes_it_theirs(
    service: RunService, store: RunStore, action: str, forgotten: bool
) -> None:
    run_id = service.start(CONFIG, paused=True)
    if forgotten:
        forget(service, run_id)
    control(service, action, run_id, ANNA)
    for every in ("delete", "undelete"):
        with pytest.raises(NotYoursError):
            control(service, every, run_id, BEN)
    until(lambda: store.owners(run_id) == (ANNA,))


def test_who_brings_a_run_back_that_nobody_owned_owns_it(service: RunService, store: RunStore) -> None:
    run_id = service.start(CONFIG, paused=True)
    service.delete(run_id)
    until(lambda: store.is_deleted(run_id))
    service.undelete(run_id, owner=ANNA)
    assert service.snapshot(run_id).owners == (ANNA,)
    with pytest.raises(NotYoursError):
        service.delete(run_id, owner=BEN)
    until(lambda: store.owners(run_id) == (ANNA,) and not store.is_deleted(run_id))


def test_what_was_deleted_is_brought_back_by_its_owner_alone(service: RunService) -> None:
    run_id = service.start(CONFIG, paused=True, owner=ANNA)
    service.delete(run_id, owner=ANNA)
    with pytest.raises(NotYoursError):
        service.undelete(run_id, owner=BEN)
    service.undelete(run_id, owner=ANNA)
    assert service.snapshot(run_id).owners == (ANNA,)
    with pytest.raises(UnknownRun):
        service.delete("no such run", owner=ANNA)


def test_a_run_without_an_owner_belongs_to_whoever_controls_it_first_for_good(
    service: RunService, store: RunStore
) -> None:
    run_id = service.start(CONFIG, paused=True)
    service.rename(run_id, "name", "")
    assert service.snapshot(run_id).owners == () and service.may_control(run_id, BEN)
    service.rename(run_id, "my name", "", owner=ANNA)
    assert service.may_control(run_id, ANNA) and not service.may_control(run_id, BEN)

    def saved() -> object:
        stored = store.load(run_id)
        return stored and stored.snapshot.owners == (ANNA,)

    until(saved)


def test_a_refused_request_claims_nothing(service: RunService) -> None:
    run_id = service.start(CONFIG)
    with pytest.raises(ValueError, match="pause it before"):
        service.epoch(run_id, owner=ANNA)
    assert service.snapshot(run_id).owners == ()


def test_who_runs_the_server_controls_every_run_and_owns_none(service: RunService) -> None:
    mine, nobodys = service.start(CONFIG, owner=ANNA), service.start(CONFIG)
    for run_id in (mine, nobodys):
        service.stop(run_id, owner=ADMINISTRATOR)
        assert service.snapshot(run_id).status is Status.STOPPED
    assert service.snapshot(mine).owners == (ANNA,) and service.snapshot(nobodys).owners == ()


def test_anybody_trains_on_from_a_run_and_owns_the_child(service: RunService, engine: ManualEngine) -> None:
    parent = service.start(CONFIG, step=True, owner=ANNA)
    engine.run_next()
    until(lambda: service.snapshot(parent).status is Status.PAUSED)
    before = service.snapshot(parent)
    child = service.train_on(parent, {}, owner=BEN)
    assert service.snapshot(child).owners == (BEN,) and service.snapshot(parent) == before


def test_a_control_link_lets_another_device_in(service: RunService) -> None:
    run_id, other = service.start(CONFIG, owner=ANNA), service.start(CONFIG, owner=ANNA)
    token = service.share(run_id, ANNA)
    with pytest.raises(NotYoursError, match="control link"):
        service.accept(other, token, BEN)
    with pytest.raises(NotYoursError, match="control link"):
        service.accept(run_id, "0" * len(token), BEN)
    service.accept(run_id, token, BEN)
    service.pause(run_id, owner=BEN)
    assert service.share(run_id, BEN) == token and service.snapshot(run_id).owners == (ANNA, BEN)
    with pytest.raises(ValueError, match="belongs to nobody"):
        service.share(service.start(CONFIG), "")


def test_the_list_is_of_all_runs_or_of_those_one_may_control(service: RunService) -> None:
    mine, theirs, nobodys = (service.start(CONFIG, paused=True, owner=owner) for owner in (ANNA, BEN, ""))
    assert {run.run_id for run in service.runs()} == {mine, theirs, nobodys}
    assert {run.run_id for run in service.runs(ANNA)} == {mine, nobodys}
    assert {run.owners for run in service.runs(BEN)} == {(BEN,), ()}


# Fair shares


@pytest.fixture
def shared(store: RunStore, engine: ManualEngine, training: FakeTraining, clock: Clock, stopwatch: Clock) -> RunService:
    """A service on which three runs may train at the same time, and two of one owner."""
    return RunService(
        store,
        engine,
        clock=clock,
        stopwatch=stopwatch,
        advance=training,
        fork=training.fork,
        most_runs=3,
        most_runs_each=2,
    )


def states(service: RunService, *run_ids: str) -> list[tuple[str, int | None]]:
    snapshots: list[Snapshot] = [service.snapshot(run_id) for run_id in run_ids]
    return [(snapshot.status.value, snapshot.place) for snapshot in snapshots]


def test_who_has_enough_waits_and_comes_in_when_another_run_comes_to_rest(
    shared: RunService, engine: ManualEngine
) -> None:
    first, second, third, fourth = (shared.start(CONFIG, owner=ANNA) for _ in range(4))
    assert states(shared, first, second, third, fourth) == [
        *[("starting", None)] * 2,
        *[("waiting", 1), ("waiting", 2)],
    ]
    assert len(engine.calls) == 2, "who waits asks for nothing"
    bens = shared.start(CONFIG, owner=BEN)
    assert states(shared, bens) == [("starting", None)], "another owner has a share"
    shared.pause(first, owner=ANNA)
    assert states(shared, first, third, fourth) == [("paused", None), ("starting", None), ("waiting", 1)]
    shared.resume(first, owner=ANNA)
    assert states(shared, fourth, first) == [("waiting", 1), ("waiting", 2)]
    shared.stop(second, owner=ANNA)
    shared.delete(third, owner=ANNA)
    assert states(shared, fourth, first) == [("starting", None)] * 2
    shared.close()


def test_there_is_an_end_to_all_runs_too_and_a_run_that_ends_makes_room(
    shared: RunService, engine: ManualEngine, training: FakeTraining
) -> None:
    anna, ben, carl = (shared.start(CONFIG, owner=owner) for owner in (ANNA, BEN, CARL))
    waiting = shared.start(CONFIG, owner=CARL)
    assert states(shared, waiting) == [("waiting", 1)]
    training.ending = ("finished", "")
    assert engine.run_next() == anna
    until(lambda: states(shared, anna, waiting) == [("finished", None), ("starting", None)])
    assert states(shared, ben, carl) == [("starting", None)] * 2
    shared.close()


def test_who_waits_can_be_paused_stopped_and_deleted_and_others_move_up(shared: RunService) -> None:
    for owner in (ANNA, ANNA, BEN):
        shared.start(CONFIG, owner=owner)
    line = [shared.start(CONFIG, owner=CARL) for _ in range(4)]
    assert states(shared, *line) == [("waiting", place) for place in (1, 2, 3, 4)]
    shared.pause(line[0], owner=CARL)
    shared.stop(line[1], owner=CARL)
    shared.delete(line[2], owner=CARL)
    assert states(shared, line[0], line[1], line[3]) == [("paused", None), ("stopped", None), ("waiting", 1)]
    shared.close()


def test_a_server_is_opened_with_the_shares_of_its_settings(
    tmp_path: Path, engine: ManualEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service_module, "engine", lambda settings: engine)
    given = {"GANDASH_HOME": str(tmp_path), "GANDASH_MOST_RUNS": "3", "GANDASH_MOST_RUNS_EACH": "2"}
    given |= {"GANDASH_MOST_STEP": "1.5", "GANDASH_IDLE_PAUSE": "7"}
    service = RunService.open(Settings.from_environment(given))
    assert service.cost_limits.step_seconds == 1.5 and service._idle_pause == 7
    first, second, third = (service.start(CONFIG, owner=ANNA) for _ in range(3))
    ben, carl = service.start(CONFIG, owner=BEN), service.start(CONFIG, owner=CARL)
    assert states(service, first, second, ben) == [("starting", None)] * 3
    assert states(service, carl, third) == [("waiting", 1), ("waiting", 2)]
    service.close()


def test_a_step_waits_its_turn_and_is_one_epoch_then(shared: RunService, engine: ManualEngine) -> None:
    running = [shared.start(CONFIG, owner=ANNA) for _ in range(2)]
    run_id = shared.start(CONFIG, step=True, owner=ANNA)
    assert states(shared, run_id) == [("waiting", 1)]
    for each in running:
        shared.pause(each, owner=ANNA)
    until(lambda: engine.run_next() == run_id)
    until(lambda: shared.snapshot(run_id).status is Status.PAUSED)
    assert shared.snapshot(run_id).epoch == 1
    shared.close()


def test_whose_page_was_closed_while_waiting_is_passed_over(shared: RunService, clock: Clock) -> None:
    running = [shared.start(CONFIG, owner=ANNA) for _ in range(2)]
    gone, there = (shared.start(CONFIG, owner=ANNA) for _ in range(2))
    clock.now += 61
    shared.watch(there)
    shared.pause(running[0], owner=ANNA)
    assert states(shared, gone, there) == [("paused", None), ("starting", None)]
    assert "no page watched" in shared.snapshot(gone).message
    shared.close()


def test_a_run_trained_on_waits_too(shared: RunService, engine: ManualEngine) -> None:
    parent = shared.start(CONFIG, step=True, owner=ANNA)
    engine.run_next()
    until(lambda: shared.snapshot(parent).status is Status.PAUSED)
    for _ in range(2):
        shared.start(CONFIG, owner=ANNA)
    assert states(shared, shared.train_on(parent, {}, owner=ANNA)) == [("waiting", 1)]
    shared.close()


def test_what_waited_when_the_server_ended_is_paused(shared: RunService, tmp_path: Path, engine: ManualEngine) -> None:
    run_id = [shared.start(CONFIG, owner=ANNA) for _ in range(3)][-1]
    shared.close()
    with_all = RunService(RunStore(tmp_path), ManualEngine(), advance=FakeTraining())
    assert states(with_all, run_id) == [("paused", None)]
    with_all.close()


NAMES = st.sampled_from(["", "anna", "ben", "carl"])
LIMITS = st.builds(Limits, st.none() | st.integers(1, 5), st.none() | st.integers(1, 3))


@given(LIMITS, st.lists(NAMES, max_size=6), st.lists(NAMES, max_size=8))
def test_shares_are_fair_whoever_waits(limits: Limits, training: list[str], owners: list[str]) -> None:
    waiting = [(str(number), owner) for number, owner in enumerate(owners)]
    turn, held = queue.serve(limits, training, waiting)
    assert sorted([*turn, *held]) == [run_id for run_id, _ in waiting]
    after = [*training, *(owners[int(run_id)] for run_id in turn)]
    assert limits.most is None or len(after) <= max(limits.most, len(training))
    for owner in set(owners) - {""}:
        assert limits.most_each is None or after.count(owner) <= max(limits.most_each, training.count(owner))
    assert not any(queue.has_room(limits, after, owners[int(run_id)]) for run_id in held), "nobody waits needlessly"
    for owner in set(owners):
        own = [run_id for run_id in [*turn, *held] if owners[int(run_id)] == owner]
        assert own == sorted(own, key=int), "who has waited longest goes first"
