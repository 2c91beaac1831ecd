"""The sidebar: shapes, recipes and knobs, and what is told when something is wrong with them."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gandash.core import link
from gandash.core.config import KNOBS, RunConfig
from gandash.core.cost import CostLimits
from gandash.core.objectives import OBJECTIVES
from gandash.core.presets import PRESETS
from gandash.core.targets.shapes import SHAPES
from gandash.pages import address, knobs, setup, sidebar
from gandash.runs.service import RunService
from gandash.runs.snapshot import Snapshot, Status
from tests.pages.conftest import OpenPage, config_of, texts, widget


def recipe(at: AppTest) -> Any:
    """The switch of recipes."""
    return at.segmented_control("recipe")


def test_first_visit_shows_the_textbook_recipe_ready_to_train(open_page: OpenPage) -> None:
    at = open_page()
    assert recipe(at).value == "textbook"
    assert config_of(at) == PRESETS["textbook-exponential"]
    assert at.radio(setup.key("target")).options == [shape.title for shape in SHAPES.values()]
    assert not at.button("train").disabled
    assert at.button("train").label == "Train" and at.button("reset").disabled
    assert "press Train" in texts(at)


def test_every_knob_has_a_widget_with_its_label_and_help_and_no_markup_in_the_label(open_page: OpenPage) -> None:
    at = open_page()
    for name, knob in KNOBS.items():
        if knob.kind == "target":
            continue
        label = widget(at, name).label
        assert label.startswith(knobs.SHORT.get(name, knob.label))
        assert not set(label) & set(":[]*`")
        assert knob.help in widget(at, name).help


def test_a_set_up_that_is_too_large_for_the_server_is_refused_beside_the_button(
    open_page: OpenPage, service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "_cost_limits", CostLimits(step_seconds=1.0, memory=0.5))
    at = open_page()
    widget(at, "generator_widths").set_value("1024, 1024, 1024").run()
    assert at.button("train").disabled and at.button("epoch").disabled
    assert "a worker would need about" in texts(at) and "0.5 GB is the most" in texts(at)
    assert "Not ready" in texts(at) and "Pick a shape" not in texts(at)
    widget(at, "generator_widths").set_value("16, 32").run()
    assert not at.button("train").disabled


def drawn(at: AppTest) -> set[str]:
    """The knobs that have a widget now."""
    widgets = (*at.text_input, *at.selectbox, *at.toggle, *at.radio, *at.segmented_control)
    return {name for name in KNOBS if setup.key(name) in {each.key for each in widgets}}


def test_knobs_in_a_closed_section_are_not_drawn_and_hold_what_they_held(open_page: OpenPage) -> None:
    at = open_page()
    assert drawn(at) == {"target", *sidebar.FIRST}
    widget(at, "latent_dim").set_value("7").run()
    assert drawn(at) == set(KNOBS)
    at.session_state["group_networks"] = False
    at.run()
    assert drawn(at) == set(KNOBS) - set(sidebar.FOLDED["networks"])
    at.session_state["more"] = False
    at.run()
    widget(at, "dropout").set_value("0.2").run()
    assert drawn(at) == {"target", *sidebar.FIRST}
    assert config_of(at) == RunConfig(latent_dim=7, dropout=0.2)
    assert widget(at, "latent_dim").value == "7"


def test_what_becomes_wrong_in_a_closed_section_opens_it_once(open_page: OpenPage) -> None:
    at = open_page(setup=link.encode(RunConfig(shape="heart", batch_size=300)))
    at.session_state[setup.key("points")] = "200"  # as if a file had brought it: wrong for the batch beside it
    at.run()
    assert drawn(at) == {"target", *sidebar.FIRST, *sidebar.FOLDED["data"]}
    assert "larger than the data" in texts(at)
    at.session_state["more"] = False
    at.run()
    wrong = drawn(at) - {"target", *sidebar.FIRST}
    assert wrong and wrong < set(sidebar.FOLDED["data"]), "the user may close it: what is wrong marks it"
    widget(at, "points").set_value("2000").run()
    assert not at.button("train").disabled


def test_a_click_on_a_shape_takes_the_recipe_for_that_shape(open_page: OpenPage) -> None:
    at = open_page()
    for name in reversed(list(SHAPES)):
        widget(at, "target").set_value(name).run()
        assert (config_of(at), recipe(at).value) == (RunConfig(shape=name), "textbook")
    recipe(at).set_value("best").run()
    for name in SHAPES:
        widget(at, "target").set_value(name).run()
        assert (config_of(at), recipe(at).value) == (PRESETS[f"best-{name}"], "best")
        assert not at.button("train").disabled
    recipe(at).set_value("quick").run()
    assert (config_of(at), recipe(at).value) == (PRESETS[f"quick-{name}"], "quick")
    recipe(at).set_value("textbook").run()
    assert config_of(at) == RunConfig(shape=name)


def test_seed_and_device_belong_to_no_recipe(open_page: OpenPage) -> None:
    at = open_page()
    widget(at, "seed").set_value("7")
    widget(at, "device").set_value("cpu").run()
    assert recipe(at).value == "textbook"
    recipe(at).set_value("best").run()
    widget(at, "target").set_value("star").run()
    assert config_of(at) == PRESETS["best-star"].model_copy(update={"seed": 7, "device": "cpu"})


def test_a_changed_knob_is_ones_own_set_up_and_a_shape_keeps_it(open_page: OpenPage) -> None:
    at = open_page()
    widget(at, "latent_dim").set_value("7").run()
    assert recipe(at).value == "own"
    widget(at, "target").set_value("heart").run()
    assert config_of(at) == RunConfig(shape="heart", latent_dim=7)
    recipe(at).set_value("textbook").run()
    assert config_of(at) == RunConfig(shape="heart")
    assert recipe(at).value == "textbook"


def test_a_knob_changed_in_the_same_moment_as_the_shape_is_not_lost(open_page: OpenPage) -> None:
    at = open_page()
    widget(at, "dropout").set_value("0.1")
    widget(at, "target").set_value("heart").run()
    assert config_of(at) == RunConfig(shape="heart", dropout=0.1)
    assert recipe(at).value == "own"


def test_own_keeps_the_knobs_of_the_recipe_that_was_chosen_before(open_page: OpenPage) -> None:
    at = open_page()
    recipe(at).set_value("best").run()
    recipe(at).set_value("own").run()
    widget(at, "target").set_value("ring8").run()
    assert config_of(at) == PRESETS["best-exponential"].model_copy(update={"shape": "ring8"})
    assert recipe(at).value == "own"


def test_a_wrong_knob_makes_room_for_a_recipe(open_page: OpenPage) -> None:
    """The field shows what is in the new set-up, not what was wrong before."""
    at = open_page()
    widget(at, "batch_size").set_value("-1").run()
    assert "-1 was given" in texts(at) and recipe(at).value == "own"
    widget(at, "target").set_value("star").run()
    assert widget(at, "batch_size").value == "-1" and at.button("train").disabled
    recipe(at).set_value("best").run()
    assert config_of(at) == PRESETS["best-star"]
    assert "-1 was given" not in texts(at) and not at.button("train").disabled


def test_an_objective_brings_its_defaults_and_takes_the_former_ones_away(open_page: OpenPage) -> None:
    at = open_page()
    for objective in reversed(list(OBJECTIVES)):
        widget(at, "objective").set_value(objective).run()
        assert config_of(at) == RunConfig.model_validate({"objective": objective})
        assert "Set with this objective" in texts(at)
        assert not at.button("train").disabled


@pytest.mark.parametrize(
    ("knob", "value", "said"),
    [
        ("generator_widths", "", "1 to 6 whole numbers"),
        ("generator_widths", "0", "from 1 to 1,024"),
        ("discriminator_widths", "100000", "from 1 to 1,024"),
        ("discriminator_widths", "16, x", "whole numbers"),
        ("discriminator_widths", "1, 2, 3, 4, 5, 6, 7", "1 to 6"),
        ("batch_size", "4096", "larger than the data"),
        ("penalty", "r1", "joint discriminator updates"),
    ],
)
def test_bad_values_are_refused_beside_their_widget_and_train_is_off(
    open_page: OpenPage, service: RunService, knob: str, value: Any, said: str
) -> None:
    at = open_page()
    widget(at, knob).set_value(value)
    at.button("train").click().run()  # as fast as if it was clicked before the page has refused the value
    assert not at.exception
    assert service.runs() == []
    assert said.lower() in texts(at).lower()
    assert at.button("train").disabled and at.button("epoch").disabled


@pytest.mark.parametrize("bad", ["-1e15", "1e15", "nan", "inf", "", " ", "ten", "0x10", "1,5", "9" * 5000, ":red[1]"])
def test_what_is_no_allowed_number_is_refused_in_every_field(open_page: OpenPage, bad: str) -> None:
    at = open_page()
    numbers = [name for name, knob in KNOBS.items() if knob.kind in ("int", "float") and not widget(at, name).disabled]
    for some in (numbers[::2], numbers[1::2]):
        for name in some:
            widget(at, name).set_value(bad)
        at.run()
        assert not at.exception
        said = [element.value for element in at.sidebar.markdown]
        assert len([sentence for sentence in said if "must be a" in sentence]) == len(some)
        assert all(len(sentence) < 300 for sentence in said)
        assert at.button("train").disabled
        recipe(at).set_value("textbook").run()
        assert config_of(at) == RunConfig()


def test_a_wrong_value_can_be_put_right_where_it_does_not_count(open_page: OpenPage) -> None:
    at = open_page()
    widget(at, "instance_noise").set_value("1").run()
    widget(at, "instance_noise_decay").set_value("x").run()
    widget(at, "instance_noise").set_value("0").run()
    assert at.button("train").disabled and not widget(at, "instance_noise_decay").disabled
    widget(at, "instance_noise_decay").set_value("0.5").run()
    assert not at.button("train").disabled and widget(at, "instance_noise_decay").disabled


@pytest.mark.parametrize(
    ("knob", "text", "value"),
    [("batch_size", " 64 ", 64), ("points", "1e3", 1000), ("dropout", ".25", 0.25), ("generator_lr", "1e-4", 1e-4)],
)
def test_a_number_may_be_written_in_any_usual_way(
    open_page: OpenPage, service: RunService, knob: str, text: str, value: float
) -> None:
    at = open_page()
    widget(at, knob).set_value(text)
    at.button("train").click().run()
    assert service.snapshot(service.runs()[0].run_id).config == RunConfig.model_validate({knob: value})


def test_a_device_that_the_machine_lacks_is_refused(open_page: OpenPage) -> None:
    at = open_page()
    assert widget(at, "device").options == ["Auto", "CPU", "CUDA"]
    upload(at, b'{"device": "mps"}')
    assert "This machine has no mps" in texts(at)
    assert at.button("train").disabled


def upload(at: AppTest, content: bytes, name: str = "config.json") -> None:
    at.session_state["load"] = True
    at.run()
    at.file_uploader("config_file").set_value((name, content, "application/octet-stream")).run()
    assert not at.exception


def test_a_set_up_from_a_file_fills_the_widgets(open_page: OpenPage) -> None:
    config = RunConfig(shape="star", generator_widths=(8, 9), seed=5, standardize=True)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("star/extra/config.json", config.to_json())
    history = json.dumps({"config": json.loads(config.to_json()), "epochs": []})
    for name, content in (
        ("config.json", config.to_json().encode()),
        ("history.json", history.encode()),
        ("star.pt", archive.getvalue()),
    ):
        at = open_page()
        upload(at, content, name)
        assert config_of(at) == config, name


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("config.json", b"{", "not valid JSON"),
        ("config.json", b"[1]", "JSON object of knobs"),
        ("config.json", b'{"epochs": 0}', "Epochs"),
        ("config.json", b"\xff\xfe\x00", "holds no set-up"),
        ("model.pt", b"PK\x03\x04", "damaged archive"),
        (":red[x] **y**.json", b"no", ":red[x] **y**.json holds no set-up"),
    ],
)
def test_a_wrong_file_is_refused_in_a_sentence_and_changes_nothing(
    open_page: OpenPage, name: str, content: bytes, said: str
) -> None:
    at = open_page()
    upload(at, content, name)
    assert said in texts(at)
    assert config_of(at) == PRESETS["textbook-exponential"]
    assert not at.button("train").disabled


def test_the_setup_survives_a_visit_to_the_other_page(open_page: OpenPage) -> None:
    at = open_page()
    widget(at, "target").set_value("grid25")
    widget(at, "generator_widths").set_value("5, 6, 7").run()
    at.switch_page("runs.py").run()
    at.switch_page("train.py").run()
    assert config_of(at) == RunConfig(shape="grid25", generator_widths=(5, 6, 7))


def test_the_set_up_in_a_link_is_in_the_knobs(open_page: OpenPage) -> None:
    config = RunConfig(shape="star", objective="wgan-gp", generator_lr=1e-4, seed=3)
    at = open_page(setup=link.encode(config))
    assert config_of(at) == config and recipe(at).value == "own"
    at = open_page(setup=link.encode(PRESETS["best-ring8"]))
    assert config_of(at) == PRESETS["best-ring8"] and recipe(at).value == "best"


def test_a_pattern_in_a_link_does_not_upset_the_page(open_page: OpenPage) -> None:
    at = open_page(setup=link.encode(PRESETS["textbook-multiples-of-5"]))
    assert not at.exception


@pytest.mark.parametrize("text", ["x", "9_ring8", "1_nowhere_drop.5", "1_ring8_drop.-1_foo.:red[x]", "é" * 9000])
def test_what_a_link_has_wrong_is_told_and_the_rest_is_used(open_page: OpenPage, text: str) -> None:
    at = open_page(setup=text)
    config, problems = link.decode(text)
    assert config_of(at) == config
    assert all(problem.text in texts(at) for problem in problems) and problems
    assert not at.button("train").disabled
    widget(at, "dropout").set_value("0.2").run()
    assert not any(problem.text in texts(at) for problem in problems)


def test_a_run_and_a_set_up_in_one_link_show_both(open_page: OpenPage, service: RunService) -> None:
    run_id = service.start(RunConfig(shape="heart"), paused=True)
    at = open_page(run=run_id, setup=link.encode(RunConfig(shape="heart", dropout=0.1)))
    assert config_of(at) == RunConfig(shape="heart", dropout=0.1)
    assert [button.label for button in at.button if button.key in ("train", "train_next")] == [
        "Resume",
        "Train next run",
    ]


def test_the_address_has_the_set_up_where_it_says_something_new() -> None:
    own = setup.Setup(RunConfig(shape="star", seed=5))
    run = Snapshot("id", 0, RunConfig(shape="star", seed=5), Status.RUNNING, datetime.now(UTC))
    other = replace(run, config=RunConfig(shape="star"))
    assert address.link_of(setup.Setup(RunConfig()), None) == address.link_of(own, run) == ""
    assert address.link_of(setup.Setup(None), run) is None
    for snapshot in (None, other):
        assert link.decode(address.link_of(own, snapshot) or "") == (own.config, ())
