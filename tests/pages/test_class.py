"""For a class: the dialog, a student's page, and the goal."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from streamlit.testing.v1 import AppTest

from gandash.core import lesson, link
from gandash.core.config import KNOBS, RunConfig
from gandash.core.fork import child_config
from gandash.core.lesson import CONTROLS, Goal, Lesson
from gandash.core.presets import PRESETS
from gandash.pages import classroom, goal, recipes, setup, train_on
from gandash.runs.service import RunService
from tests.pages.conftest import OpenPage, components, config_of, run_in_address, texts, widget
from tests.pages.test_controls import ended
from tests.pages.test_share import copied
from tests.pages.test_train import train_some
from tests.runs.conftest import FakeTraining, ManualEngine

HEART = RunConfig(shape="heart", dropout=0.15, seed=8, objective="hinge", epochs=40)


def of(*controls: str, value: float | None = None, steps: int = 2000) -> str:
    return lesson.encode(Lesson(frozenset(controls), None if value is None else Goal(value, steps)))


def keys(at: AppTest) -> set[str]:
    """The keys of all widgets that can be turned or pressed."""
    kinds = (at.radio, at.segmented_control, at.text_input, at.selectbox, at.toggle, at.button, at.select_slider)
    return {str(each.key) for kind in kinds for each in kind}


def goal_of(at: AppTest) -> dict[str, Any]:
    return next(each for each in components(at) if "most" in each)


def test_a_student_sees_the_controls_of_the_link_and_no_other(open_page: OpenPage) -> None:
    at = open_page(setup=link.encode(HEART), **{"class": of("shape", "dropout", "epochs")})
    knobs = {key for key in keys(at) if key.startswith("knob_")}
    assert knobs == {"knob_target", "knob_dropout", "knob_epochs"}
    assert keys(at) >= {"train", "reset"} and not keys(at) & {"phase", "step", "epoch", recipes.RECIPE, "share"}
    assert not at.get("file_uploader")
    at = open_page(setup=link.encode(HEART), **{"class": of()})
    assert not any(key.startswith("knob_") for key in keys(at)) and "choose" not in keys(at)
    at = open_page(setup=link.encode(HEART), **{"class": of(*CONTROLS)})
    assert {key for key in keys(at) if key.startswith("knob_")} == {setup.key(name) for name in KNOBS}
    assert keys(at) >= {"phase", recipes.RECIPE}


def test_what_is_hidden_keeps_the_links_value_whatever_the_session_holds(
    open_page: OpenPage, service: RunService
) -> None:
    at = open_page(setup=link.encode(HEART), **{"class": of("shape", "dropout")})
    widget(at, "target").set_value("star").run()
    widget(at, "dropout").set_value("0.4").run()
    at.session_state[setup.key("generator_lr")] = "0.5"
    at.session_state[setup.key("seed")] = "99"
    at.button("train").click().run()
    config = service.runs()[0]
    assert service.snapshot(config.run_id).config == HEART.model_copy(
        update={"target": RunConfig(shape="star").target, "dropout": 0.4}
    )


def test_a_recipe_that_is_shown_brings_what_is_hidden_and_one_that_is_not_changes_nothing(
    open_page: OpenPage, service: RunService
) -> None:
    at = open_page(setup=link.encode(PRESETS["best-ring8"]), **{"class": of("shape", "recipe", "dropout")})
    widget(at, "target").set_value("grid25").run()
    at.button("train").click().run()
    assert service.snapshot(service.runs()[0].run_id).config == PRESETS["best-grid25"]
    at = open_page(setup=link.encode(PRESETS["best-ring8"]), **{"class": of("shape")})
    widget(at, "target").set_value("grid25").run()
    at.button("train").click().run()
    grid = PRESETS["best-grid25"].target
    assert service.snapshot(run_in_address(at) or "").config == PRESETS["best-ring8"].model_copy(
        update={"target": grid}
    )


def test_an_objective_that_is_shown_brings_what_it_recommends(open_page: OpenPage) -> None:
    at = open_page(**{"class": of("objective")})
    widget(at, "objective").set_value("rpgan").run()
    assert not at.button("train").disabled


def test_a_class_stays_through_another_page_and_a_wrong_link_says_so(open_page: OpenPage) -> None:
    at = open_page(**{"class": of("dropout") + "_<b>x</b>"})
    assert "'<b>x</b>'" in texts(at)
    at.switch_page("runs.py").run()
    at.switch_page("train.py").run()
    assert "knob_dropout" in keys(at) and "knob_seed" not in keys(at)
    assert at.query_params["class"] in ([of("dropout") + "_<b>x</b>"], of("dropout") + "_<b>x</b>")
    at = open_page(**{"class": "9_dropout"})
    assert "all controls are shown" in texts(at) and config_of(at) == RunConfig()


@pytest.mark.parametrize(
    ("value", "steps", "state", "told"),
    [
        (2.0, 2000, "reached", "Reached after 80 of 2,000 steps"),
        (1.0, 2000, "open", ""),  # the last four alone are as good
        (0.1, 64, "missed", "Not reac"),
    ],
)
def test_the_goal_is_followed(
    open_page: OpenPage, engine: ManualEngine, service: RunService, value: float, steps: int, state: str, told: str
) -> None:
    at = open_page(**{"class": of(value=value, steps=steps)})
    assert goal_of(at)["state"] == "open" and goal_of(at)["steps"] == 0
    assert goal_of(at)["title"] == goal.said(Goal(value, steps))
    train_some(at, engine, service)
    found = goal_of(at)
    assert (found["state"], found["each"]) == (state, 16) and found["told"].startswith(told)


def test_a_class_that_is_shown_train_on_turns_in_it_what_it_sees(
    open_page: OpenPage, engine: ManualEngine, training: FakeTraining, service: RunService
) -> None:
    at = open_page(setup=link.encode(HEART), **{"class": of("on", "dropout", "objective")})
    parent = ended(at, engine, training, service)
    of_form = {key for key in keys(at) if key.startswith(f"{train_on.PREFIX}_")}
    assert of_form == {setup.key(name, train_on.PREFIX) for name in ("epochs", "dropout", "objective")}
    at.session_state[setup.key("generator_lr", train_on.PREFIX)] = "0.5"
    at.text_input(setup.key("epochs", train_on.PREFIX)).set_value("20")
    at.selectbox(setup.key("objective", train_on.PREFIX)).set_value("wgan-gp").run()
    at.button("train_on").click().run()
    child = service.snapshot(run_in_address(at) or "")
    assert child.parent == parent
    wanted = child_config(service.snapshot(parent).config, {"epochs": 20, "objective": "wgan-gp"})
    assert child.config == wanted and wanted.penalty == "wgan-gp"


def test_the_dialog_gives_link_frame_and_code(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANDASH_URL", "https://example.org")
    at = open_page(setup=link.encode(HEART))
    copied(at)
    at.button("class").click().run()
    assert not at.exception
    at.checkbox("class_shows_dropout").check()
    at.number_input("class_steps").set_value(500)
    at.number_input("class_value").set_value(3.0).run()
    assert "Gap to real 3.0 % or less, within 500 steps" in texts(at)
    texts_of = {each["label"]: each["text"] for each in components(at) if "button" in each}
    query = parse_qs(urlparse(texts_of["Link"]).query)
    assert link.decode(query["setup"][0]) == (HEART, ())
    found, wrong = lesson.decode(query[classroom.PARAMETER][0])
    assert found == Lesson(frozenset({"shape", "recipe", "player", "dropout"}), Goal(goal.unit().kept(3.0), 500))
    assert wrong == () and "embed=true" in texts_of["Frame for a page of yours"]
    assert any("QR code" in html.value for html in at.html)
