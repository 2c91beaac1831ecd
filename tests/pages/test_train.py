"""The main page: set-up, controls, states of a run, and what is told when something is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest
import streamlit
from streamlit.testing.v1 import AppTest

from gandash.core.config import RunConfig
from gandash.pages import address
from gandash.runs.service import RunService
from tests.pages.conftest import ANNA, OpenPage, config_of, parts, run_in_address, texts, tile, widget
from tests.runs.conftest import FakeTraining, ManualEngine, until


def test_train_starts_a_run_of_this_setup_and_puts_it_into_the_address(
    open_page: OpenPage, service: RunService
) -> None:
    at = open_page()
    widget(at, "seed").set_value("4")
    at.button("train").click().run()
    (run,) = service.runs()
    assert run_in_address(at) == run.run_id
    assert service.snapshot(run.run_id).config == RunConfig(shape="exponential", seed=4)
    assert at.button("train").label == "Pause" and not at.button("train").disabled


def train_some(at: AppTest, engine: ManualEngine, service: RunService, chunks: int = 2) -> str:
    """Press Train, let so many chunks happen, and draw the page again."""
    at.button("train").click().run()
    run_id = run_in_address(at)
    assert run_id is not None
    for _ in range(chunks):
        version = service.snapshot(run_id).version
        engine.run_next()
        until(lambda version=version: service.snapshot(run_id).version > version)  # type: ignore[misc]
    at.run()
    assert not at.exception
    return run_id


def test_a_running_run_shows_its_figures(open_page: OpenPage, engine: ManualEngine, service: RunService) -> None:
    at = open_page()
    train_some(at, engine, service)
    assert tile(at, "Curve error") == "0.200"
    assert tile(at, "Loss G / D") == "5.10 / 5.20"
    assert tile(at, "D real / fake") == "5.30 / 5.40"
    assert "Epoch 5 of 10,000" in texts(at)


def test_a_changed_knob_is_for_the_next_run_and_leaves_this_one_alone(
    open_page: OpenPage, engine: ManualEngine, service: RunService
) -> None:
    at = open_page()
    run_id = train_some(at, engine, service)
    before = service.snapshot(run_id)
    widget(at, "seed").set_value("9").run()
    assert at.button("train").label == "Pause"
    assert service.snapshot(run_id).config == before.config and service.snapshot(run_id).status == "running"
    at.button("train_next").click().run()
    new, old = service.runs()
    assert (old.run_id, old.status, new.seed) == (run_id, "paused", 9)
    assert run_in_address(at) == new.run_id
    assert "train_next" not in [button.key for button in at.button]


def test_pause_resume_and_step(open_page: OpenPage, engine: ManualEngine, service: RunService) -> None:
    at = open_page()
    run_id = train_some(at, engine, service)
    at.button("train").click().run()
    assert service.snapshot(run_id).status == "paused"
    assert "Paused" in texts(at) and "Resume goes on from here" in texts(at)
    engine.run_next()  # the chunk that was in flight still counts
    until(lambda: service.snapshot(run_id).epoch == 7)
    engine.run_next()  # what is shown is appraised
    at.run()
    at.button("epoch").click().run()
    engine.run_next()
    until(lambda: service.snapshot(run_id).status == "paused")
    assert service.snapshot(run_id).epoch == 8
    at.run()
    at.button("train").click().run()
    assert service.snapshot(run_id).status == "running"


def test_step_without_a_run_does_one_epoch(open_page: OpenPage, engine: ManualEngine, service: RunService) -> None:
    at = open_page()
    at.button("epoch").click().run()
    run_id = run_in_address(at)
    assert run_id is not None
    engine.run_next()
    until(lambda: service.snapshot(run_id).status == "paused")
    assert service.snapshot(run_id).epoch == 1


def test_a_browser_that_has_not_heard_of_a_reset_does_not_bring_the_run_back(
    open_page: OpenPage, engine: ManualEngine, service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page()
    run_id = train_some(at, engine, service)
    at.button("reset").click().run()
    at.query_params["run"] = run_id
    at.run()
    assert run_in_address(at) is None and at.button("train").label == "Train"
    monkeypatch.setattr(address, "LATE", 0.0)  # some time later it is the user who goes back
    at.query_params["run"] = run_id
    at.run()
    assert run_in_address(at) == run_id and at.button("train").label != "Train"


def test_reset_clears_the_page_and_keeps_the_run(
    open_page: OpenPage, engine: ManualEngine, service: RunService
) -> None:
    at = open_page()
    run_id = train_some(at, engine, service)
    at.button("reset").click().run()
    assert run_in_address(at) is None
    assert tile(at, "Curve error") == "–"
    assert service.snapshot(run_id).status == "paused"


@pytest.mark.parametrize(
    ("state", "message", "badge"),
    [
        ("finished", "All 10,000 epochs are done.", "Finished"),
        ("stopped_early", "Stopped early at epoch 2.", "Stopped early"),
        ("diverged", "The run diverged in epoch 2.", "Diverged"),
        ("failed", "The worker has died three times.", "Failed"),
    ],
)
def test_the_end_of_a_run_is_told_and_train_is_on_again(
    open_page: OpenPage,
    engine: ManualEngine,
    training: FakeTraining,
    service: RunService,
    state: str,
    message: str,
    badge: str,
) -> None:
    training.ending = (state, message)
    at = open_page()
    train_some(at, engine, service, chunks=1)
    assert message in texts(at) and badge in texts(at)
    assert not at.button("train").disabled


def test_the_page_says_which_run_it_shows_and_at_which_stage(
    open_page: OpenPage, engine: ManualEngine, training: FakeTraining, service: RunService
) -> None:
    """What the browser asks for the whole page by, once the run is at another stage."""
    at = open_page()
    run_id = train_some(at, engine, service)
    drawn = parts(at)["follow"]
    assert (drawn["run"], drawn["stage"]) == (run_id, service.snapshot(run_id).stage)
    training.ending = ("finished", "All done.")
    engine.run_next()
    until(lambda: service.snapshot(run_id).status == "finished")
    assert service.snapshot(run_id).stage != drawn["stage"]
    at.run()
    assert parts(at)["follow"]["stage"] == service.snapshot(run_id).stage
    for told in parts(at).values():
        assert (told["run"], told["version"]) == (run_id, service.snapshot(run_id).version)


def test_nothing_on_the_page_asks_again_and_again(
    open_page: OpenPage, engine: ManualEngine, service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    polled: list[float] = []
    fragment = streamlit.fragment

    def watched(*given: Any, run_every: float | None = None, **options: Any) -> Any:
        polled.extend([] if run_every is None else [run_every])
        return fragment(*given, run_every=run_every, **options)

    monkeypatch.setattr(streamlit, "fragment", watched)
    train_some(open_page(), engine, service)
    assert polled == []


def test_a_new_session_finds_the_run_in_the_address_with_its_config(
    open_page: OpenPage, engine: ManualEngine, service: RunService
) -> None:
    first = open_page()
    widget(first, "target").set_value("star")
    widget(first, "dropout").set_value("0.1")
    run_id = train_some(first, engine, service)
    second = open_page(run=run_id)
    assert config_of(second) == RunConfig(shape="star", dropout=0.1)
    assert "Epoch 5 of 10,000" in texts(second)
    assert "train_next" not in [button.key for button in second.button]


@pytest.mark.parametrize("run_id", ["nonsense", "'; drop table runs; --", "../../etc/passwd", "x" * 5000, "👻"])
def test_an_unknown_run_is_told_and_the_page_stays_usable(
    open_page: OpenPage, service: RunService, run_id: str
) -> None:
    at = open_page(run=run_id)
    assert "There is no run" in texts(at) and "Press **Train**" in texts(at)
    at.button("train").click().run()
    assert "There is no run" not in texts(at)
    (run,) = service.runs()
    assert run_in_address(at) == run.run_id


def test_a_run_deleted_elsewhere_is_told(open_page: OpenPage, engine: ManualEngine, service: RunService) -> None:
    at = open_page()
    run_id = train_some(at, engine, service)
    service.delete(run_id, owner=ANNA)
    at.run()
    assert "There is no run" in texts(at)
    assert not at.button("train").disabled


def test_a_workers_refusal_reads_as_a_sentence(
    open_page: OpenPage, service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise ValueError("The disk is full: make room.")

    monkeypatch.setattr(service, "start", refuse)
    at = open_page()
    at.button("train").click().run()
    assert not at.exception
    assert "The disk is full" in texts(at)


def test_what_was_downloaded_as_config_reads_back(
    open_page: OpenPage, engine: ManualEngine, service: RunService
) -> None:
    from gandash.pages import downloads

    at = open_page()
    run_id = train_some(at, engine, service)
    snapshot = service.snapshot(run_id)
    assert RunConfig(**json.loads(snapshot.config.to_json())) == snapshot.config
    assert downloads.history_csv(service, run_id).decode().splitlines()[0].startswith("epoch,generator_loss")
    assert 'torch.jit.load("exponential-latest.pt")' in at.code[0].value


def test_a_page_watches_its_run_from_its_first_moment(
    open_page: OpenPage, service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[str] = []
    monkeypatch.setattr(service, "watch", watched.append)
    open_page()
    assert watched == []
    run_id = service.start(RunConfig())
    open_page(run=run_id)
    assert watched == [run_id], "its stream may take longer to come than an unwatched run goes on"
