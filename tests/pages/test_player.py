"""The player: phases, steps and epochs by hand, the pace of a run, and what is said of all that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from gandash.core.config import RunConfig
from gandash.core.records import PlayedPhase
from gandash.core.standalone import script
from gandash.pages import code, wording
from gandash.pages.words import describe
from gandash.runs.service import RunService
from gandash.runs.snapshot import Pace, Snapshot, Status
from tests.pages.conftest import BEN, OpenPage, run_in_address, texts
from tests.runs.conftest import FakeTraining, ManualEngine, until

NONE = np.empty((0, 2), np.float32)
PHASE = PlayedPhase(
    *(12, "discriminator on real points", "discriminator", "on_real", "discriminator on generated points"),
    *(0.651, 0.6132, np.ones((3, 2), np.float32), NONE, NONE),
)


def snapshot(**changes: Any) -> Snapshot:
    made = Snapshot("a", 1, RunConfig(shape="line"), Status.PAUSED, datetime.now(UTC))
    return replace(made, **changes)


@pytest.fixture
def asked(service: RunService, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the page asks the service for."""
    calls: list[tuple[Any, ...]] = []
    for name in ("phase", "step", "epoch", "play", "set_pace"):
        plain = getattr(service, name)

        def call(*args: Any, _name: str = name, _plain: Any = plain, **named: Any) -> None:
            calls.append((_name, *args[1:]))
            _plain(*args, **named)

        monkeypatch.setattr(service, name, call)
    return calls


@pytest.mark.parametrize("unit", ["phase", "step", "epoch"])
def test_each_begins_a_run_where_there_is_none(
    open_page: OpenPage, engine: ManualEngine, service: RunService, training: FakeTraining, unit: str
) -> None:
    at = open_page()
    at.button(unit).click().run()
    run_id = run_in_address(at)
    assert run_id is not None and not at.exception
    assert service.snapshot(run_id).asked and not at.button(unit).disabled, "the next press waits for its turn"
    engine.run_next()
    until(lambda: service.snapshot(run_id).status == "paused")
    assert not service.snapshot(run_id).asked
    budget = training.budgets[0]
    assert (budget.phases, budget.steps, budget.until_epoch) == {
        "phase": (1, None, None),
        "step": (None, 1, None),
        "epoch": (None, None, 1),
    }[unit]


def test_the_pace_is_the_runs_own(open_page: OpenPage, service: RunService, asked: list[tuple[Any, ...]]) -> None:
    at = open_page()
    at.select_slider("player_speed").set_value("3").run()
    at.button("train").click().run()
    run_id = run_in_address(at)
    assert run_id is not None
    assert service.snapshot(run_id).pace == Pace(3.0) and asked == [("play", 3.0, "both")]
    at.segmented_control("player_only").set_value("discriminator").run()
    at.select_slider("player_speed").set_value("Full").run()
    assert service.snapshot(run_id).pace == Pace(None, "discriminator")
    assert not service.snapshot(run_id).asked
    assert at.button("phase").disabled and at.button("train").label == "Pause"
    at.button("train").click().run()
    at.button("phase").click().run()
    assert asked[-1] == ("phase", "discriminator")
    # whoever opens it sees the run's pace, and another run has its own
    again = open_page(run=run_id)
    assert (again.select_slider("player_speed").value, again.segmented_control("player_only").value) == (
        "Full",
        "discriminator",
    )
    at.button("reset").click().run()
    assert (at.select_slider("player_speed").value, at.segmented_control("player_only").value) == ("Full", "both")


def test_viewers_have_no_player(open_page: OpenPage, service: RunService) -> None:
    at = open_page()
    at.button("phase").click().run()
    theirs = open_page(run=run_in_address(at), owner=BEN)
    assert not {button.key for button in theirs.button} & {"phase", "step", "epoch"}
    with pytest.raises(KeyError):
        theirs.select_slider("player_speed")


def test_links_say_that_they_give_the_set_up_alone(
    open_page: OpenPage, service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page()
    at.button("train").click().run()
    run_id = run_in_address(at)
    assert run_id is not None
    found = replace(service.snapshot(run_id), hand_played=40, left_out=3)
    at.session_state["share"] = at.session_state["audience"] = True
    assert "played by hand" not in texts(at.run())
    monkeypatch.setattr(service, "snapshot", lambda _: found)
    assert texts(at.run()).count("40 phases were played by hand and 3 phases were left out") >= 2
    assert "The link gives the set-up alone. 40 phases" in texts(at)


def test_what_a_phase_did_is_said() -> None:
    told = describe(snapshot(phase=PHASE, hand_played=1))
    assert told["told"] == (
        "Step 12, discriminator on real points: on this very batch, with the same noise and dropout, its loss fell "
        "from 0.651 to 0.613. Next: discriminator on generated points."
    )
    assert told["record"] == "1 phase was played by hand, in order, so the run stays the same, bit for bit."
    plain = snapshot(config=RunConfig(shape="line", dropout=0.0), phase=replace(PHASE, before=0.5, after=0.50001))
    assert "with the same noise, its loss rose from 0.5 to 0.50001." in wording.played(plain)
    assert "stayed at 0.5." in wording.played(snapshot(phase=replace(PHASE, before=0.5, after=0.5)))
    assert "went from 1 to nan" in wording.played(snapshot(phase=replace(PHASE, before=1.0, after=float("nan"))))
    assert "Next" not in wording.played(snapshot(status=Status.FINISHED, phase=PHASE))
    assert describe(snapshot())["record"] == wording.played(snapshot()) == ""


def test_the_pace_is_said_while_the_run_plays() -> None:
    slow = snapshot(status=Status.RUNNING, pace=Pace(1.0, "generator"), epochs_per_second=0.01)
    assert wording.pace(slow) == "1 phase a second"
    assert describe(slow)["told"].startswith("The generator alone plays, the discriminator stands still.")
    assert wording.pace(replace(slow, status=Status.PAUSED)) == "0.0100 epochs a second"


def test_a_run_with_phases_left_out_is_not_what_its_script_does() -> None:
    played = snapshot(hand_played=40, left_out=1_012)
    record = (
        "40 phases were played by hand and 1,012 phases were left out while one network played alone, so code and "
        "links give the set-up alone, which does not repeat this run."
    )
    assert wording.by_hand(played) == record
    assert code.about(played).startswith(record) and "trains as this run did" not in code.about(played)
    in_order = code.about(snapshot(hand_played=40))
    assert in_order.startswith("40 phases were played by hand, in order") and "trains as this run did" in in_order
    text = script(played.config, record)
    assert " ".join(record.split()) in " ".join(text.split())
    compile(text, "line.py", "exec")
