"""The buttons: one for Train, Pause and Resume, and those that stand beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gandash.core.config import KNOBS, RunConfig
from gandash.core.fork import FREE
from gandash.pages import setup, train_on
from gandash.runs.service import RunService
from gandash.runs.snapshot import Snapshot, Status
from tests.pages.conftest import OpenPage, kind_of, run_in_address, texts, widget
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
    at.session_state["fork"] = True
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
    assert at.button("epoch").disabled and "ended" in at.button("epoch").help
    widget(at, "seed").set_value("3").run()
    assert at.button("epoch").disabled and at.button("train").label == "Train"
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


def on(at: AppTest, name: str) -> Any:
    """The widget of a knob in the form of Train on."""
    return getattr(at, kind_of(name))(setup.key(name, train_on.PREFIX))


def offered(at: AppTest) -> bool:
    return "train_on" in [button.key for button in at.button]


def test_a_finished_run_goes_on_as_a_new_one(
    open_page: OpenPage, engine: ManualEngine, training: FakeTraining, service: RunService
) -> None:
    at = open_page()
    assert not offered(at)
    parent = ended(at, engine, training, service)
    assert on(at, "epochs").value == str(train_on.MORE_EPOCHS)
    assert all(on(at, name).value == setup.typed(KNOBS[name].default) for name in FREE - {"epochs"})
    before = service.snapshot(parent)
    on(at, "epochs").set_value("20")
    on(at, "generator_lr").set_value("1e-4")
    at.button("train_on").click().run()
    assert not at.exception
    child = run_in_address(at)
    assert child is not None and child != parent
    snapshot = service.snapshot(child)
    assert snapshot.config == before.config.model_copy(update={"epochs": 20, "generator_lr": 1e-4})
    assert (snapshot.parent, snapshot.first_epoch) == (parent, before.epoch)
    assert service.snapshot(parent) == before
    assert widget(at, "epochs").value == "20" and at.button("train").label == "Pause" and not offered(at)


def test_what_a_child_cannot_have_is_told_at_the_knob(
    open_page: OpenPage, engine: ManualEngine, training: FakeTraining, service: RunService
) -> None:
    at = open_page()
    ended(at, engine, training, service)
    on(at, "dropout").set_value("2").run()
    assert "2 was given" in texts(at) and at.button("train_on").disabled
    assert not at.button("train").disabled
    on(at, "dropout").set_value("0.2").run()
    assert not at.button("train_on").disabled
    for opened in (False, True):  # what is in the form when it is closed is there when it is opened again
        at.session_state["fork"] = opened
        at.run()
        assert offered(at) is opened
    assert on(at, "dropout").value == "0.2"


def test_an_objective_brings_its_defaults_to_a_child_and_takes_them_back(
    open_page: OpenPage, engine: ManualEngine, training: FakeTraining, service: RunService
) -> None:
    at = open_page()
    widget(at, "dropout").set_value("0.15").run()
    ended(at, engine, training, service)
    on(at, "objective").set_value("wgan-gp").run()
    assert (on(at, "dropout").value, on(at, "penalty").value) == ("0", "wgan-gp")
    assert not at.button("train_on").disabled
    on(at, "objective").set_value("non-saturating").run()
    assert (on(at, "dropout").value, on(at, "penalty").value) == ("0.15", "none")


def test_a_refusal_of_a_worker_is_told_in_the_form(
    open_page: OpenPage,
    engine: ManualEngine,
    training: FakeTraining,
    service: RunService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise ValueError("The disk is full: make room.")

    at = open_page()
    parent = ended(at, engine, training, service)
    monkeypatch.setattr(service, "train_on", refuse)
    at.button("train_on").click().run()
    assert "The disk is full" in texts(at) and run_in_address(at) == parent


@pytest.mark.parametrize(
    ("status", "said"), [("running", "pause it first"), ("diverged", "has diverged"), ("failed", "has failed")]
)
def test_what_cannot_be_trained_on_says_why(status: str, said: str) -> None:
    run = Snapshot("id", 0, RunConfig(), Status(status), datetime.now(UTC), variants=("latest",))
    assert said in train_on.refusal(run)
    assert not train_on.refusal(replace(run, status=Status.PAUSED))
    assert train_on.refusal(replace(run, status=Status.PAUSED, variants=())) and train_on.refusal(None)
