"""The state machine of a run, pressed at random: what must hold whatever happens in whatever order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gandash.core.config import RunConfig
from gandash.core.judge import Pair
from gandash.core.records import Measured
from gandash.runs import run as runs
from gandash.runs.run import Ask, Run
from gandash.runs.snapshot import Pace, Snapshot, Status
from gandash.runs.worker import Budget, Chunk

from .conftest import FakeTraining

EPOCHS = 12
CONFIG = RunConfig(shape="line", epochs=EPOCHS)

EVENTS = (
    *("go", "step", "a phase", "a step", "slowly", "fully", "queue", "queue step", "admit", "place", "pause", "stop"),
    *("launch", "answer", "answer", "answer", "fail", "lose", "rename", "claim"),
)


def begun(**changes: object) -> Run:
    snapshot = Snapshot("a", 1, CONFIG, Status.PAUSED, datetime.now(UTC))
    return Run(replace(snapshot, **changes))  # type: ignore[arg-type]


@dataclass
class World:
    """A run, and the workers that answer it."""

    run: Run
    now: float = 0.0

    def happen(self, event: str) -> None:
        """Let one thing happen, if it can."""
        before = self.run
        match event:
            case "go" | "step" | "queue" | "queue step":
                self.go(Ask() if "step" in event else None, wait="queue" in event)
            case "a phase" | "a step":
                self.go(Ask("phase" if event == "a phase" else "step", "generator"))
            case "slowly" | "fully" if not before.snapshot.status.ended:
                self.run = runs.go(before, pace=Pace(2.0 if event == "slowly" else None, "discriminator"))
            case "admit" if before.waiting:
                self.run = runs.admit(before)
            case "place" if before.waiting:
                self.run = runs.placed(before, before.snapshot.version % 5 + 1)
            case "pause":
                self.run = runs.pause(before)
            case "stop":
                self.run = runs.stop(before)
            case "launch":
                budget = runs.next_budget(before)
                if budget is not None:
                    self.run = runs.launch(before, budget)
            case "answer" if before.flight is not None:
                self.answer(before.flight)
            case "fail" if before.flight is not None:
                self.run = runs.take_in(before, Chunk("failed", "It went wrong."), self.now)
            case "lose" if before.flight is not None:
                self.run = runs.server_stops(before)
            case "claim":
                self.run = runs.claim(before, "anna")
            case "rename":
                self.run = runs.rename(before, f"name {before.snapshot.version}", "")

    def go(self, ask: Ask | None, *, wait: bool = False) -> None:
        before = self.run
        if before.snapshot.status.ended or (before.active and ask and not before.asks):
            with pytest.raises(ValueError, match=r"cannot go on|pause it before"):
                runs.go(before, ask)
        else:
            self.run = runs.go(before, ask, wait=wait)

    def answer(self, budget: Budget) -> None:
        self.now += 0.3
        chunk = FakeTraining()("a", CONFIG.to_json(), self.run.checkpoint, budget)
        self.run = runs.take_in(self.run, chunk, self.now)

    def settle(self) -> int:
        """Let the workers do all there is to do; the number of chunks that took."""
        for count in range(100):
            self.happen("launch")
            if self.run.flight is None:
                return count
            self.happen("answer")
        raise AssertionError("there is no end to it")


def check(run: Run, old: Run) -> None:
    """What holds after each event."""
    snapshot, before = run.snapshot, old.snapshot
    assert snapshot.version >= before.version
    assert (snapshot.version == before.version) == (snapshot is before), "each change has a version of its own"
    assert snapshot.epoch >= before.epoch and snapshot.progress >= before.progress
    assert snapshot.history.epoch.tolist() == list(range(1, snapshot.epoch + 1))
    assert len(before.history) == before.epoch, "a state that is past does not change"
    assert len(snapshot.frames) <= runs.KEPT_FRAMES
    assert snapshot.timeline == tuple(range(1, snapshot.epoch + 1)), "every epoch of so short a run is kept"
    assert {each.epoch for each in run.kept} == {*snapshot.timeline}, "until it is saved"
    if before.status.ended and not snapshot.status.ended:
        raise AssertionError("an ended run has risen")
    assert snapshot.owners == before.owners or before.owners == (), "a run keeps its owners"
    assert run.training == (run.active and not run.waiting)
    if run.waiting:
        assert runs.next_budget(run) is None, "who waits asks for nothing"
        assert (snapshot.epochs_per_second, snapshot.seconds_left) == (None, None)
        assert before.status is Status.WAITING or snapshot.place is None
    else:
        assert snapshot.place is None
    if before.status is Status.WAITING and snapshot.epoch > before.epoch:
        assert old.flight is not None, "it has been trained out of its turn"
    if run.training:
        assert run.flight is not None or runs.next_budget(run) is not None, "a run that goes on has something to do"
    elif not run.waiting:
        assert (snapshot.epochs_per_second, snapshot.seconds_left, run.asks, run.goal, run.due) == (
            *(None, None),
            *((), None, None),
        )
    if run.flight is not None:
        assert runs.next_budget(run) is None, "one chunk in flight at a time"
    if snapshot.appraised == snapshot.progress and snapshot.appraisals:
        assert snapshot.appraisals["latest"].progress == snapshot.progress


@given(st.lists(st.sampled_from(EVENTS), max_size=60))
def test_whatever_happens_the_run_stays_sound(events: list[str]) -> None:
    world = World(begun())
    for event in events:
        old = world.run
        world.happen(event)
        check(world.run, old)


@given(st.lists(st.sampled_from(EVENTS), max_size=40))
def test_left_alone_it_comes_to_rest_with_figures_of_what_is_shown(events: list[str]) -> None:
    world = World(begun())
    for event in events:
        world.happen(event)
    if world.run.waiting:
        assert world.settle() <= 1 and (world.run.waiting or not world.run.active), "it waits, or has come to rest"
        world.happen("admit")
    went_on = world.run.active
    count = world.settle()
    end = world.run.snapshot
    assert not end.status.active
    assert went_on or count <= 2, "what was in flight, and an appraisal"
    if world.run.checkpoint and end.status is not Status.FAILED and not world.run.unappraisable:
        assert end.appraised == end.progress and end.real is not None


def test_a_run_waits_for_its_turn_and_can_be_paused_and_stopped_meanwhile() -> None:
    waiting = runs.placed(runs.go(begun(), wait=True), 3)
    assert (waiting.snapshot.status, waiting.snapshot.place) == (Status.WAITING, 3)
    assert runs.placed(waiting, 3) is waiting
    for end, status in ((runs.pause(waiting), Status.PAUSED), (runs.stop(waiting), Status.STOPPED)):
        assert (end.snapshot.status, end.snapshot.place) == (status, None)
    admitted = runs.admit(waiting)
    assert (admitted.snapshot.status, admitted.snapshot.place) == (Status.STARTING, None)
    assert runs.next_budget(admitted) is not None
    assert runs.admit(runs.go(replace(begun(), checkpoint=b"x"), wait=True)).snapshot.status is Status.RUNNING


def test_what_was_in_flight_when_a_run_began_to_wait_counts() -> None:
    world = World(begun())
    for event in ("go", "launch", "pause", "queue", "answer"):
        world.happen(event)
    assert (world.run.snapshot.status, world.run.snapshot.epoch) == (Status.WAITING, 2)


@given(st.lists(st.sampled_from(("step", "launch", "answer")), max_size=60), st.integers(1, EPOCHS))
def test_as_many_epochs_are_trained_as_were_asked_for_one_by_one(events: list[str], first: int) -> None:
    world, asked = World(begun()), 0
    for event in ["step"] * first + events:
        if event == "step" and world.run.snapshot.status.ended:
            break
        world.happen(event)
        asked += event == "step"
    world.settle()
    assert world.run.snapshot.epoch == min(asked, EPOCHS)
    assert world.run.snapshot.status is (Status.FINISHED if asked >= EPOCHS else Status.PAUSED)


@pytest.mark.parametrize("status", [status for status in Status if status.ended])
def test_an_ended_run_cannot_go_on_and_is_told_what_can(status: Status) -> None:
    for ask in (None, Ask(), Ask("phase")):
        with pytest.raises(ValueError, match=r"cannot go on: .*\. Train on makes a new run that does\."):
            runs.go(begun(status=status), ask)


def test_appraisals_take_their_share_of_the_time() -> None:
    world = World(replace(begun(), appraisal_seconds=0.3))
    world.happen("go")
    spent = trained = 0.0
    run = replace(world.run, checkpoint=b"x")
    for _ in range(4000):
        budget = runs.next_budget(run)
        assert budget is not None
        cost = 0.3 if budget.evaluate else 0.0
        spent, trained = spent + cost, trained + 0.25
        appraisals = (FakeTraining()("a", CONFIG.to_json(), None, budget).appraisals) if budget.evaluate else ()
        chunk = Chunk("running", checkpoint=b"x", appraisals=appraisals, seconds=0.25 + cost, appraisal_seconds=cost)
        run = runs.take_in(runs.launch(run, budget), chunk, 0.0)
    assert 0.01 < spent / trained < 0.02


def test_an_appraisal_that_takes_several_chunks_is_finished_before_the_run_trains_on() -> None:
    world = World(begun())
    world.happen("go")
    run = replace(world.run, checkpoint=b"x", unappraised=1000.0)
    budget = runs.next_budget(run)
    assert budget is not None and budget.evaluate and budget.seconds
    begun_ = Measured({"latest": (Pair(1.0, 0.0),)}, {})
    run = runs.take_in(
        runs.launch(run, budget), Chunk("running", checkpoint=b"y", measured=begun_, appraisal_seconds=0.25), 0.0
    )
    further = Measured({"latest": (Pair(1.0, 0.0), Pair(2.0, 0.0))}, {})
    for known in (begun_, further):
        budget = runs.next_budget(run)
        assert budget is not None
        assert (budget.seconds, budget.evaluate, budget.measured) == (0.0, True, known)
        stands, same = run.checkpoint, bytes(bytearray(b"y"))
        run = runs.take_in(
            runs.launch(run, budget), Chunk("running", checkpoint=same, measured=further, appraisal_seconds=0.25), 0.0
        )
        assert run.checkpoint is stands, "it stands where it stood: nothing to save or to look into again"
    budget = runs.next_budget(run)
    assert budget is not None
    answer = FakeTraining()("a", CONFIG.to_json(), None, budget)
    run = runs.take_in(runs.launch(run, budget), replace(answer, appraisal_seconds=0.25), 0.0)
    assert (run.measured, run.unappraised, run.appraisal_seconds) == (None, 0.0, 1.0)
    budget = runs.next_budget(run)
    assert budget is not None and budget.seconds and not budget.evaluate


@pytest.mark.parametrize("active", [True, False])
def test_a_measurement_that_fails_is_not_gone_on_with(active: bool) -> None:
    run = replace(begun(), checkpoint=b"x", measured=Measured({"latest": (Pair(1.0, 0.0),)}, {}))
    run = runs.go(run) if active else run
    budget = runs.next_budget(run)
    assert budget is not None and budget.measured is not None
    run = runs.take_in(runs.launch(run, budget), Chunk("failed", "It went wrong."), 0.0)
    budget = runs.next_budget(run)
    assert (budget is not None and budget.seconds > 0) if active else budget is None
