"""The list of runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from gandash.core.config import RunConfig
from gandash.core.metrics import METRICS
from gandash.pages import RUNS, wording
from gandash.runs.service import RunService
from gandash.runs.store import FILE_NAME, StoreError
from tests.pages.conftest import OpenPage, config_of, texts
from tests.pages.hostile import HOSTILE
from tests.runs.conftest import ManualEngine, forget, until


def start(service: RunService, shape: str = "heart", seed: int = 0) -> str:
    return service.start(RunConfig(shape=shape, seed=seed), paused=True)


def titles(at: AppTest) -> list[str]:
    """The names of the runs on the page, in their order."""
    return [label.split("**")[1] for label in links(at) if label.startswith("*Open*")]


def links(at: AppTest) -> list[str]:
    return [link.value for link in at.page_link]


def choose(at: AppTest, run_id: str, what: str) -> AppTest:
    """Choose from a run's menu."""
    at.menu_button(f"more_{run_id}").click(what).run()
    assert not at.exception
    return at


def leave_and_come_back(at: AppTest) -> AppTest:
    at.query_params.clear()
    at.switch_page(str(RUNS.with_name("train.py"))).run()
    at.query_params.clear()
    return at.switch_page(str(RUNS)).run()


def test_without_runs_the_page_says_what_to_do(open_page: OpenPage) -> None:
    assert "No runs yet" in texts(open_page(page="runs"))


def test_runs_are_listed_newest_first_each_with_its_state_and_set_up(open_page: OpenPage, service: RunService) -> None:
    service.start(RunConfig(shape="heart"))
    service.start(RunConfig(shape="star", objective="rpgan"), paused=True)
    at = open_page(page="runs")
    said = texts(at)
    assert titles(at) == ["Star", "Heart"]
    assert "Paused" in said and "Starting" in said and "Relativistic pairing" in said


def test_a_run_opens_on_the_main_page(open_page: OpenPage, service: RunService) -> None:
    run_id = service.start(RunConfig(shape="heart", seed=8), paused=True)
    (link,) = [link for link in open_page(page="runs").page_link if link.value.startswith("*Open*")]
    assert link.proto.query_string == f"run={run_id}"
    at = open_page(run=run_id)
    assert config_of(at) == RunConfig(shape="heart", seed=8)


def test_a_card_shows_what_was_generated_and_its_gap_with_the_epoch(
    open_page: OpenPage, service: RunService, engine: ManualEngine
) -> None:
    run_id = service.start(RunConfig(shape="heart", epochs=2))
    engine.run_next()
    until(lambda: service.snapshot(run_id).status == "finished")
    until(lambda: service.thumbnail(run_id) is not None)
    metrics, epoch = service.snapshot(run_id).current
    at = open_page(page="runs")
    gap = wording.measured(METRICS["headline"], metrics["headline"])
    assert f"**Gap to real {gap}** at epoch {epoch} · epoch 2 of 2" in texts(at)
    pictures = [html.value for html in at.html if "data:image/svg+xml" in html.value]
    assert len(pictures) == 1 and pictures[0].count("%3Cpath") == 2  # real points, and generated ones


def test_search_filters_and_order_narrow_the_list_and_can_be_cleared(open_page: OpenPage, service: RunService) -> None:
    start(service, "heart")
    start(service, "star")
    service.stop(start(service, "circle"))
    at = open_page(page="runs")
    at.selectbox("runs_state").set_value("paused").run()
    at.selectbox("runs_sort").set_value("oldest").run()
    assert titles(at) == ["Heart", "Star"] and "2 of 3 runs" in texts(at)
    at.text_input("runs_search").set_value("star").run()
    assert titles(at) == ["Star"]
    at.text_input("runs_search").set_value("nowhere").run()
    assert titles(at) == [] and "None of 3 runs" in texts(at)
    at.button("clear_filters").click().run()
    assert titles(at) == ["Heart", "Star", "Circle"]
    assert at.text_input("runs_search").value == "" and at.selectbox("runs_state").value == ""
    at.selectbox("runs_target").set_value("circle").run()
    assert titles(at) == ["Circle"]


def test_the_place_is_in_the_address_and_kept_for_who_comes_back(open_page: OpenPage, service: RunService) -> None:
    for seed in range(15):
        start(service, "heart", seed)
    start(service, "star")
    at = open_page(page="runs")
    at.text_input("runs_search").set_value("heart").run()
    at.pagination("runs_page").set_value(2).run()
    assert len(titles(at)) == 3
    assert at.query_params["search"] in ("heart", ["heart"]) and at.query_params["page"] in ("2", ["2"])
    leave_and_come_back(at)
    assert len(titles(at)) == 3 and at.text_input("runs_search").value == "heart"
    at.query_params.clear()  # the browser's Back, to before the search
    at.run()
    assert titles(at)[0] == "Star" and at.text_input("runs_search").value == ""


def test_a_link_opens_the_list_at_its_place(open_page: OpenPage, service: RunService) -> None:
    start(service, "heart")
    start(service, "star")
    at = open_page(page="runs")
    at.query_params.update({"target": "heart", "sort": "sideways", "page": "99"})
    at.run()
    assert not at.exception and titles(at) == ["Heart"]
    at.query_params["target"] = "of no run"
    at.run()
    assert not at.exception and titles(at) == ["Star", "Heart"]


def test_many_runs_come_in_pages(open_page: OpenPage, service: RunService) -> None:
    for seed in range(15):
        start(service, seed=seed)
    at = open_page(page="runs")
    assert "seed 14" in texts(at) and "seed 0" not in texts(at)
    at.pagination("runs_page").set_value(2).run()
    assert "seed 0" in texts(at) and "seed 14" not in texts(at)


def test_every_label_says_which_run_it_is_for(open_page: OpenPage, service: RunService) -> None:
    for _ in range(3):
        service.start(RunConfig(shape="heart"))
    at = open_page(page="runs")
    for labels in (links(at), [button.label for button in at.button], [menu.label for menu in at.menu_button]):
        of_runs = [label for label in labels if "Heart" in label]
        assert len(of_runs) == len(set(of_runs)) == 3


def test_a_run_gets_a_name_and_a_note_which_stay_text(open_page: OpenPage, service: RunService) -> None:
    run_id = start(service)
    at = choose(open_page(page="runs"), run_id, "Name and note…")
    at.text_input[1].set_value(HOSTILE[0])
    at.text_area[0].set_value(HOSTILE[9])
    at.button("save_name").click().run()
    assert not at.exception and not at.text_area
    (run,) = service.runs()
    assert (run.name, run.note) == (HOSTILE[0], HOSTILE[9])
    assert f"*Open* **{wording.plain(run.name)}** *just now*" in links(at)
    assert wording.plain(run.note) in "\n".join(str(markdown.value) for markdown in at.markdown)
    assert "Heart" in texts(at)


def test_what_cannot_be_saved_is_said_and_the_dialog_stays(
    open_page: OpenPage, service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = start(service)
    at = choose(open_page(page="runs"), run_id, "Name and note…")

    def refuse(run_id: str, name: str, note: str, *, owner: str) -> None:
        raise ValueError("The disk is full: *make room*.")

    monkeypatch.setattr(service, "rename", refuse)
    at.button("save_name").click().run()
    assert "make room" in at.error[0].value and at.text_area


def test_delete_can_be_undone(open_page: OpenPage, service: RunService) -> None:
    kept, first, second = (start(service, shape) for shape in ("heart", "star", "circle"))
    at = choose(choose(open_page(page="runs"), first, "Delete"), second, "Delete")
    assert [run.run_id for run in service.runs()] == [kept] and titles(at) == ["Heart"]
    assert "Circle, just now, is deleted. So is 1 more." in texts(at)
    at.button("undo_delete").click().run()
    assert titles(at) == ["Circle", "Heart"] and "Star, just now, is deleted." in texts(at)
    at.button("undo_delete").click().run()
    assert titles(at) == ["Circle", "Star", "Heart"] and "is deleted" not in texts(at)


def test_the_last_run_can_be_brought_back_too_and_a_notice_dismissed(open_page: OpenPage, service: RunService) -> None:
    run_id = start(service)
    at = choose(open_page(page="runs"), run_id, "Delete")
    assert "No runs yet" in texts(at)
    at.button("undo_delete").click().run()
    assert titles(at) == ["Heart"]
    choose(at, run_id, "Delete")
    at.button("forget_deleted").click().run()
    assert "is deleted" not in texts(at)


def test_a_training_run_that_is_deleted_and_brought_back_is_paused(open_page: OpenPage, service: RunService) -> None:
    run_id = service.start(RunConfig(shape="heart"))
    at = choose(open_page(page="runs"), run_id, "Delete")
    at.button("undo_delete").click().run()
    assert service.snapshot(run_id).status == "paused"


def test_the_plain_action_pauses_and_resumes(open_page: OpenPage, service: RunService) -> None:
    run_id = service.start(RunConfig(shape="heart"))
    at = open_page(page="runs")
    assert at.button(f"toggle_{run_id}").label.startswith("Pause ")
    at.button(f"toggle_{run_id}").click().run()
    assert service.snapshot(run_id).status == "paused"
    assert at.button(f"toggle_{run_id}").label.startswith("Resume ")
    at.button(f"toggle_{run_id}").click().run()
    assert service.snapshot(run_id).status.active


def test_stopping_for_good_asks_first(open_page: OpenPage, service: RunService) -> None:
    run_id = service.start(RunConfig(shape="heart"))
    at = choose(open_page(page="runs"), run_id, "Stop for good…")
    assert service.snapshot(run_id).status.active
    at.button("keep_run").click().run()
    assert service.snapshot(run_id).status.active and "does not go on" not in texts(at)
    choose(at, run_id, "Stop for good…").button("stop_run").click().run()
    assert service.snapshot(run_id).status == "stopped" and "Stopped" in texts(at)
    assert at.menu_button[0].options == ["Name and note…", "Control link…", "Delete"]


def test_nothing_here_that_ends_something_is_the_green_button(open_page: OpenPage, service: RunService) -> None:
    run_id = start(service)
    at = choose(open_page(page="runs"), run_id, "Stop for good…")
    assert [button.label for button in at.button if button.proto.type == "primary"] == []


def test_a_child_names_its_parent(open_page: OpenPage, service: RunService, tmp_path: Path) -> None:
    parent, child = start(service), start(service, "star")
    service.rename(parent, "Grand", "")
    for run_id in (parent, child):
        forget(service, run_id)
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("UPDATE runs SET parent = ?, first_epoch = 100 WHERE id = ?", (parent, child))
    at = open_page(page="runs")
    (link,) = [link for link in at.page_link if link.value.startswith("Goes on from Grand")]
    assert link.proto.query_string == f"run={parent}" and "epoch 0 of 10,100" in texts(at).lower()
    choose(at, parent, "Delete")
    assert "Goes on from a run that was deleted" in texts(at)


@pytest.mark.parametrize(
    "damage",
    [
        "status = 'asleep'",
        "created = 'once'",
        "epoch = 'many'",
        "progress = 9e999",
        "config = '[1'",
        "config = json_set(config, '$.colour', 'red')",
        """variants = '["newest"]'""",
    ],
)
def test_a_damaged_run_takes_no_other_with_it_and_can_be_deleted(
    open_page: OpenPage, service: RunService, tmp_path: Path, damage: str
) -> None:
    start(service, "heart")
    damaged = start(service, "star")
    forget(service, damaged)
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute(f"UPDATE runs SET {damage} WHERE id = ?", (damaged,))
    at = open_page(page="runs")
    assert len(titles(at)) == 2 and "Heart" in titles(at)
    assert "it can only be deleted" in texts(at) and "years ago" not in texts(at)
    assert at.menu_button(f"more_{damaged}").options == ["Delete"]
    assert at.selectbox("runs_target").options == ["Any target", "Heart"]
    assert "Failed" not in texts(at), "nobody knows its state"
    with pytest.raises(KeyError):
        at.button(f"toggle_{damaged}")
    at.switch_page(str(RUNS.with_name("train.py")))
    at.query_params["run"] = damaged
    at.run()
    assert not at.exception and f"Run {damaged} " in texts(at)
    at.query_params.clear()
    at.switch_page(str(RUNS)).run()
    choose(at, damaged, "Delete")
    assert titles(at) == ["Heart"]


def test_what_cannot_be_done_is_said(open_page: OpenPage, service: RunService) -> None:
    run_id = start(service)
    at = open_page(page="runs")
    service.delete(run_id)
    at.button(f"toggle_{run_id}").click().run()
    assert not at.exception and "There is no run" in texts(at)


def test_a_file_of_runs_that_cannot_be_read_is_said_and_read_again(
    open_page: OpenPage, service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    start(service)

    def fail() -> None:
        raise StoreError("The saved runs cannot be read.")

    with monkeypatch.context() as broken:
        broken.setattr(service, "runs", fail)
        at = open_page(page="runs")
        assert "The saved runs cannot be read" in texts(at)
    at.button("read_again").click().run()
    assert titles(at) == ["Heart"] and not at.error


def test_a_run_that_the_list_shows_is_watched(
    open_page: OpenPage, service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, paused = service.start(RunConfig(shape="heart")), start(service, "star")
    watched: list[str] = []
    monkeypatch.setattr(service, "watch", watched.append)
    open_page(page="runs")
    assert training in watched and paused not in watched
