"""Targets of one's own on the Train page: a formula that is typed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gandash.core import link
from gandash.core.config import RunConfig
from gandash.core.presets import best, textbook
from gandash.core.standalone import script
from gandash.core.targets import read_spec
from gandash.core.targets.formula import FormulaSpec
from gandash.pages import gallery, own, setup
from gandash.runs.service import RunService
from tests.pages.conftest import OpenPage, as_read, components, config_of, texts, widget
from tests.pages.test_train import train_some
from tests.runs.conftest import ManualEngine, until


def choose(at: AppTest, group: str, form: str | None = None) -> None:
    at.segmented_control(gallery.GROUP).set_value(group).run()
    if form:
        at.segmented_control(own.FORM).set_value(form).run()
    assert not at.exception


def type_in(at: AppTest, **fields: str) -> None:
    for name, text in fields.items():
        at.text_input(f"formula_{name}").set_value(text).run()
        assert not at.exception


def fields(at: AppTest) -> dict[str, str]:
    form: Any = at.segmented_control(own.FORM).value
    return {name: str(at.text_input(f"formula_{name}").value) for name in own.FIELDS[form]}


@pytest.fixture
def at(open_page: OpenPage) -> AppTest:
    at = open_page()
    choose(at, "own")
    return at


def test_every_example_is_a_target_of_its_form() -> None:
    for form, examples in own.EXAMPLES.items():
        for text in (*examples, own.START[form]):
            spec = read_spec(text)
            assert spec.text == text, "a card is chosen where the knob has its text"
            assert own.form_of(text) == form


def test_what_is_typed_is_the_target_with_the_recipe_that_is_chosen(at: AppTest) -> None:
    first = next(iter(own.EXAMPLES["curve"]))
    assert config_of(at) == textbook(first) and not at.button("train").disabled
    at.segmented_control("recipe").set_value("best").run()
    type_in(at, y="cos(2x)", start="-pi", end="2pi", noise="1e-2")
    typed = FormulaSpec(y="cos(2x)", start=-3.141592653589793, end=6.283185307179586, noise=0.01)
    assert config_of(at) == best(typed)
    assert fields(at) == {"y": "cos(2x)", "start": "-pi", "end": "2pi", "noise": "1e-2"}, "as it was typed"
    assert widget(at, "target").options[-1] == "Own formula"


def test_an_example_fills_the_fields_and_ones_own_stays_on_its_card(at: AppTest) -> None:
    type_in(at, y="x^3")
    mine = widget(at, "target").value
    widget(at, "target").set_value(list(own.EXAMPLES["curve"])[2]).run()
    assert fields(at) == {"y": "tanh(5x)", "start": "-2", "end": "2", "noise": "0.05"}
    widget(at, "target").set_value(mine).run()
    assert fields(at)["y"] == "x^3" and config_of(at).target == read_spec("y = x^3; x = -3..3; noise = 0.1")


@pytest.mark.parametrize(
    ("typed", "told", "place"),
    [
        ({"y": "sin(3x) + & 2"}, "'&' has no meaning in a formula", "sin(3x) + &amp; 2\n          ^"),
        ({"y": "sin(3x"}, "A bracket ')' is missing", "sin(3x\n   ^"),
        ({"y": ""}, "The formula is empty", "\n^"),
        ({"y": "1/x"}, "y is infinite at x = 0", None),
        ({"y": "x <b> $x$ :smile:"}, "'<' has no meaning", "x &lt;b&gt;"),
        ({"y": "x" * 300}, "at most 200 are allowed", None),
        ({"start": "4"}, "it must begin below its end", None),
        ({"end": "three"}, "'three' has no meaning here", None),
        ({"end": ""}, "Type a number here", None),
        ({"noise": "-1"}, "greater than or equal to 0", None),
        ({"noise": "1_0"}, "'_' has no meaning", None),
    ],
)
def test_what_is_wrong_is_said_below_its_field_and_nothing_is_lost(
    at: AppTest, typed: dict[str, str], told: str, place: str | None
) -> None:
    at.segmented_control("recipe").set_value("best").run()
    before = fields(at)
    type_in(at, **typed)
    assert told in texts(at) and at.button("train").disabled and at.button("step").disabled
    assert fields(at) == before | typed, "what was typed stays"
    assert at.segmented_control("recipe").value == "best"
    if place:
        assert any(place in str(html.proto.body) for html in at.get("html"))
    at.switch_page("runs.py").run()
    at.switch_page("train.py").run()
    assert not at.exception and at.button("train").disabled and fields(at) == before | typed
    type_in(at, **{name: before[name] for name in typed})
    assert not at.button("train").disabled and told not in texts(at)
    assert config_of(at) == best(next(iter(own.EXAMPLES["curve"])))


def test_the_other_form_has_a_field_more_and_each_form_keeps_what_it_held(at: AppTest) -> None:
    type_in(at, y="x^3 +")
    at.segmented_control(own.FORM).set_value("line").run()
    assert not at.button("train").disabled and config_of(at) == textbook(next(iter(own.EXAMPLES["line"])))
    type_in(at, x="t", y="t^2", noise="0")
    at.segmented_control(own.FORM).set_value("curve").run()
    assert fields(at)["y"] == "x^3 +" and at.button("train").disabled
    choose(at, "shapes")
    assert config_of(at) == RunConfig()
    choose(at, "own")
    assert fields(at)["y"] == "x^3 +", "the form that was there last"
    at.segmented_control(own.FORM).set_value("line").run()
    assert config_of(at).target == read_spec("x = t; y = t^2; t = 0..6.2832")


def test_a_change_of_a_knob_while_the_formula_is_wrong_leads_to_ones_own_recipe(at: AppTest) -> None:
    type_in(at, y="sin(")
    widget(at, "dropout").set_value("0.1").run()
    assert at.segmented_control("recipe").value == "own"
    type_in(at, y="sin(x)")
    assert config_of(at).dropout == 0.1 and at.segmented_control("recipe").value == "own"


def test_it_comes_by_link_and_from_a_run(open_page: OpenPage, service: RunService) -> None:
    config = best("x = cos(t); y = sin(2t); t = 0..6.3").model_copy(update={"seed": 4})
    at = open_page(setup=link.encode(config))
    assert config_of(at) == config and fields(at)["x"] == "cos(t)"
    other = textbook("y = -x^2; x = -0.001..3")
    at = open_page(run=service.start(other, paused=True))
    assert config_of(at) == other and fields(at) == {"y": "-x^2", "start": "-0.001", "end": "3", "noise": "0"}


@pytest.mark.parametrize("key", [gallery.GROUP, own.FORM])
def test_a_switch_of_which_the_browser_tells_no_choice_changes_nothing(at: AppTest, key: str) -> None:
    before = config_of(at)
    at.segmented_control(key).set_value(None).run()
    assert not at.exception and config_of(at) == before


@pytest.mark.parametrize(
    ("text", "position", "shown"),
    [
        ("sin(", 3, "sin(\n   ^"),
        ("a" * 60, 30, f"…{'a' * 26}…\n{' ' * 14}^"),
        ("abc", 900, "abc\n   ^"),
        ("<&>", 1, "&lt;&amp;&gt;\n ^"),
    ],
)
def test_the_caret_stands_under_its_character(text: str, position: int, shown: str) -> None:
    assert own.caret(text, position) == shown


def test_wrong_numbers_never_make_a_right_target() -> None:
    """What the page holds to be wrong is refused by the config as well."""
    cases: list[Any] = [{"y": "t; x = cos(t)"}, {"start": "1_0"}, {"noise": "0; y = 3"}, {"end": "1e999"}]
    for case in cases:
        typed = {"y": "x", "start": "0", "end": "1", "noise": "0"} | case
        assert isinstance(own.examine(typed), own.Wrong)
        assert setup.target(own.refused(typed)) is None


# ------------------------------------------------------------------------------------------------ a drawing


LOOP = '{"kind":"drawn","strokes":[{"width":40,"corners":[[-500,0],[0,500],[500,0]]}]}'
DOT = '{"kind":"drawn","strokes":[{"width":40,"corners":[[0,0]]}]}'


def canvas(at: AppTest) -> dict[str, Any]:
    """What the page tells the canvas."""
    return next(each for each in components(at) if each.get("script", "").startswith("/assets/draw."))


def draw(at: AppTest, text: str) -> None:
    """Put a drawing where the canvas's callback puts it."""
    at.session_state[setup.key("target")] = text
    at.run()
    assert not at.exception


def test_an_empty_canvas_and_a_dot_say_what_to_do_and_train_is_off(at: AppTest) -> None:
    at.segmented_control("recipe").set_value("best").run()
    choose(at, "own", "drawing")
    assert canvas(at)["target"] == own.EMPTY
    assert "Nothing is drawn yet: draw a line" in texts(at) and at.button("train").disabled
    assert at.segmented_control("recipe").value == "best"
    draw(at, DOT)
    assert canvas(at)["target"] == DOT, "it stays on the canvas"
    assert "draw a line" in texts(at) and at.button("train").disabled
    draw(at, LOOP)
    assert not at.button("train").disabled and "draw a line" not in texts(at)


def test_a_drawing_comes_by_link_and_stays_while_another_group_or_page_is_shown(open_page: OpenPage) -> None:
    config = best(LOOP).model_copy(update={"seed": 4})
    at = open_page(setup=link.encode(config))
    assert canvas(at)["target"] == LOOP and not at.button("train").disabled
    assert at.segmented_control("recipe").value == "best"
    at.switch_page("runs.py").run()
    at.switch_page("train.py").run()
    assert canvas(at)["target"] == LOOP
    choose(at, "shapes")
    assert config_of(at) == best("exponential").model_copy(update={"seed": 4})
    choose(at, "own")
    assert canvas(at)["target"] == LOOP and at.segmented_control("recipe").value == "best"
    at.button("train").click().run()
    assert not at.exception


def test_what_the_canvas_sends_is_distrusted() -> None:
    assert own.drawn(json.dumps({"seq": 3, "target": LOOP})) == (3, LOOP)
    assert own.drawn(json.dumps({"seq": 3, "target": LOOP.replace(":", ": ", 1)})) is None
    assert own.drawn(json.dumps({"seq": 3, "target": DOT})) == (3, DOT)
    spaced = LOOP.replace(",", ", ", 1)
    for told in (None, 3, "", "[", "[" * 100_000, "[]", "{}", '{"seq": "a", "target": "b"}', "x" * 10**6, spaced):
        assert own.drawn(told) is None
    assert own.drawn(json.dumps({"seq": 1, "target": "ring8"})) is None


@pytest.mark.parametrize(("text", "title"), [(LOOP, "A drawing"), ("y = x^2; x = 0..2; noise = 0.1", "y = x^2")])
def test_a_run_of_ones_own_is_listed_and_has_its_script(
    open_page: OpenPage, engine: ManualEngine, service: RunService, text: str, title: str
) -> None:
    config = textbook(text).model_copy(update={"points": 64, "batch_size": 16})
    at = open_page(setup=link.encode(config))
    run_id = train_some(at, engine, service)
    assert service.snapshot(run_id).config == config
    at.toggle("show_code").set_value(True).run()
    assert script(config).rstrip() in [code.value for code in at.code]
    until(lambda: service.thumbnail(run_id) is not None)
    at.switch_page("runs.py").run()
    assert not at.exception
    assert title in as_read(" ".join(link.value for link in at.page_link))
    assert any("data:image/svg+xml" in html.value for html in at.html)
