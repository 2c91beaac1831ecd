"""The list of runs."""

from __future__ import annotations

from gandash.core.config import RunConfig
from gandash.runs.service import RunService
from tests.pages.conftest import OpenPage, run_in_address, texts
from tests.runs.conftest import ManualEngine


def test_without_runs_the_page_says_what_to_do(open_page: OpenPage) -> None:
    assert "No runs yet" in texts(open_page(page="runs"))


def test_runs_are_listed_newest_first(open_page: OpenPage, service: RunService) -> None:
    service.start(RunConfig(shape="heart"))
    service.start(RunConfig(shape="star", objective="rpgan"), paused=True)
    said = texts(open_page(page="runs"))
    assert said.index("**Star**") < said.index("**Heart**")
    assert "Paused" in said and "Starting" in said and "Relativistic pairing" in said


def test_open_shows_the_run_on_the_main_page(open_page: OpenPage, service: RunService) -> None:
    run_id = service.start(RunConfig(shape="heart", seed=8), paused=True)
    at = open_page(page="runs")
    at.button(f"open_{run_id}").click().run()
    assert not at.exception
    assert run_in_address(at) == run_id
    assert at.radio("knob_target").value == "heart"
    assert at.text_input("knob_seed").value == "8"


def test_delete_asks_first(open_page: OpenPage, service: RunService) -> None:
    kept = service.start(RunConfig(shape="heart"), paused=True)
    doomed = service.start(RunConfig(shape="star"), paused=True)
    at = open_page(page="runs")
    at.button(f"delete_{doomed}").click().run()
    assert "cannot be undone" in texts(at) and len(service.runs()) == 2
    at.button("keep_run").click().run()
    assert "cannot be undone" not in texts(at) and len(service.runs()) == 2
    at.button(f"delete_{doomed}").click().run()
    at.button("delete_run").click().run()
    assert [run.run_id for run in service.runs()] == [kept]
    assert "**Star**" not in texts(at)


def test_stop_ends_a_run_for_good(open_page: OpenPage, service: RunService, engine: ManualEngine) -> None:
    run_id = service.start(RunConfig(shape="heart"))
    at = open_page(page="runs")
    at.button(f"stop_{run_id}").click().run()
    assert service.snapshot(run_id).status == "stopped"
    assert "Stopped" in texts(at)


def test_many_runs_come_in_pages(open_page: OpenPage, service: RunService) -> None:
    for seed in range(15):
        service.start(RunConfig(seed=seed), paused=True)
    at = open_page(page="runs")
    assert "seed 14" in texts(at) and "seed 0" not in texts(at)
    at.pagination("runs_page").set_value(2).run()
    assert "seed 0" in texts(at) and "seed 14" not in texts(at)
