"""The buttons: one for Train, Pause and Resume, and those that stand beside it."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from gandash.core.config import RunConfig
from gandash.runs.service import RunService
from tests.pages.conftest import OpenPage, run_in_address, widget
from tests.runs.conftest import FakeTraining, ManualEngine, until


def ended(at: AppTest, engine: ManualEngine, training: FakeTraining, service: RunService) -> str:
    """Start a run that ends with its first chunk."""
    training.ending = ("finished", "All done.")
    at.button("train").click().run()
    run_id = run_in_address(at)
    assert run_id is not None
    engine.run_next()
    until(lambda: service.snapshot(run_id).status.ended)
    at.run()
    return run_id


def test_one_button_says_what_it_does_in_each_state(
    open_page: OpenPage, engine: ManualEngine, training: FakeTraining, service: RunService
) -> None:
    at = open_page()
    said = [at.button("train").label]
    at.button("train").click().run()
    run_id = service.runs()[0].run_id
    said.append(at.button("train").label)
    at.button("train").click().run()
    assert service.snapshot(run_id).status == "paused"
    said.append(at.button("train").label)
    at.button("train").click().run()
    assert service.snapshot(run_id).status.active and len(service.runs()) == 1
    said.append(at.button("train").label)
    assert said == ["Train", "Pause", "Resume", "Pause"]


def test_step_on_a_run_that_has_ended_starts_nothing(
    open_page: OpenPage, engine: ManualEngine, training: FakeTraining, service: RunService
) -> None:
    at = open_page()
    ended(at, engine, training, service)
    assert at.button("step").disabled and "ended" in at.button("step").help
    widget(at, "seed").set_value("3").run()
    assert at.button("step").disabled and at.button("train").label == "Train"
    assert len(service.runs()) == 1


def test_a_shape_clicked_while_a_run_trains_is_the_next_run(open_page: OpenPage, service: RunService) -> None:
    at = open_page()
    at.button("train").click().run()
    widget(at, "target").set_value("heart").run()
    assert at.button("train").label == "Pause"
    at.button("train_next").click().run()
    new, old = service.runs()
    assert service.snapshot(new.run_id).config == RunConfig(shape="heart")
    assert (old.status, run_in_address(at)) == ("paused", new.run_id)


@pytest.mark.parametrize("bad", ["-1", ""])
def test_a_wrong_set_up_leaves_the_run_that_trains_in_hand(open_page: OpenPage, service: RunService, bad: str) -> None:
    at = open_page()
    at.button("train").click().run()
    widget(at, "batch_size").set_value(bad).run()
    assert not at.button("train").disabled
    at.button("train").click().run()
    assert service.runs()[0].status == "paused"
