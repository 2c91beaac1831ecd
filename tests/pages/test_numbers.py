"""Patterns of numbers on the Train page: how one is chosen, what is said of a run, and what can be taken home."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gandash.core import link
from gandash.core.config import RunConfig
from gandash.core.formats import FORMATS
from gandash.core.presets import PRESETS, best, textbook
from gandash.core.records import EpochRecord
from gandash.core.targets import read_spec
from gandash.core.targets.patterns import PATTERNS, int_to_onehot
from gandash.pages import gallery, reading, setup
from gandash.pages.words import before, describe
from gandash.runs.service import RunService
from gandash.runs.snapshot import Frame, History, Snapshot, Status
from tests.pages.conftest import OpenPage, components, config_of, texts, widget


def choose(at: AppTest, group: str) -> None:
    at.segmented_control(gallery.GROUP).set_value(group).run()
    assert not at.exception


def board(at: AppTest) -> dict[str, object] | None:
    """The scene of the board, if the page has one."""
    return next((json.loads(each["scene"]) for each in components(at) if each.get("key") == "board_chart"), None)


def type_numbers(at: AppTest, typed: str) -> None:
    at.text_input(gallery.OWN_NUMBERS).set_value(typed).run()
    assert not at.exception


def test_the_group_of_numbers_takes_the_recipe_for_numbers_and_shapes_theirs(open_page: OpenPage) -> None:
    at = open_page()
    assert board(at) is None
    choose(at, "numbers")
    assert config_of(at) == PRESETS["textbook-multiples-of-5"]
    assert at.radio(setup.key("target")).options == [*(each.title for each in PATTERNS.values()), "Own numbers"]
    scene = board(at)
    assert scene is not None and scene["numbers"] == list(range(0, 100, 5))
    at.segmented_control("recipe").set_value("best").run()
    assert config_of(at) == PRESETS["best-multiples-of-5"]
    widget(at, "target").set_value("primes").run()
    assert config_of(at) == best("primes") and at.segmented_control("recipe").value == "best"
    choose(at, "shapes")
    assert config_of(at) == PRESETS["best-exponential"] and board(at) is None
    assert not at.button("train").disabled


@pytest.mark.parametrize(
    ("typed", "name"),
    [("21 3, 7", "numbers:3,7,21"), ("multiples-of-7", "multiples-of-7"), ("5", "numbers:5"), ("odd", "odd")],
)
def test_a_list_of_ones_own_is_typed(open_page: OpenPage, typed: str, name: str) -> None:
    at = open_page()
    choose(at, "numbers")
    widget(at, "target").set_value(gallery.EXAMPLE).run()
    assert config_of(at) == textbook("numbers:3,7,21")
    type_numbers(at, typed)
    assert config_of(at) == textbook(name) and at.segmented_control("recipe").value == "textbook"
    assert not at.button("train").disabled


@pytest.mark.parametrize(
    ("typed", "told"),
    [("3, 700", "700 was given"), ("", "is unknown"), ("a" * 700, "letters was given"), ("<b>:red[x]", "is unknown")],
)
def test_a_wrong_list_is_refused_beside_its_field_until_it_is_right(open_page: OpenPage, typed: str, told: str) -> None:
    at = open_page()
    choose(at, "numbers")
    widget(at, "target").set_value(gallery.EXAMPLE).run()
    type_numbers(at, typed)
    assert at.button("train").disabled and at.button("epoch").disabled and told in texts(at)
    at.segmented_control("recipe").set_value("best").run()
    assert not at.exception and at.button("train").disabled
    type_numbers(at, "8, 9")
    assert config_of(at) == textbook("numbers:8,9") and at.segmented_control("recipe").value == "textbook"
    assert not at.button("train").disabled and told not in texts(at)


def test_a_wrong_list_makes_room_for_a_shape(open_page: OpenPage) -> None:
    at = open_page()
    choose(at, "numbers")
    widget(at, "target").set_value(gallery.EXAMPLE).run()
    type_numbers(at, "100")
    widget(at, "target").set_value("squares").run()
    assert not at.exception and config_of(at) == textbook("squares") and not at.button("train").disabled
    assert at.segmented_control("recipe").value == "textbook"


def test_ones_own_set_up_goes_to_the_other_group_where_it_makes_sense_there(open_page: OpenPage) -> None:
    at = open_page()
    widget(at, "dropout").set_value("0.1").run()
    choose(at, "numbers")
    assert config_of(at) == RunConfig(shape="multiples-of-5", dropout=0.1)
    at.segmented_control("recipe").set_value("textbook").run()
    widget(at, "dropout").set_value("0.2").run()
    choose(at, "shapes")  # its rule to stop is for numbers alone
    assert config_of(at) == RunConfig() and at.segmented_control("recipe").value == "textbook"


def test_a_pattern_survives_the_other_page_and_comes_by_link(open_page: OpenPage) -> None:
    config = best("numbers:1,99").model_copy(update={"seed": 4})
    at = open_page(setup=link.encode(config))
    assert config_of(at) == config and at.text_input(gallery.OWN_NUMBERS).value == "1, 99"
    at.switch_page("runs.py").run()
    at.switch_page("train.py").run()
    assert not at.exception and config_of(at) == config


def test_the_rule_for_numbers_is_offered_for_numbers_alone(open_page: OpenPage) -> None:
    at = open_page()
    assert "Fit" not in widget(at, "early_stopping").options
    choose(at, "numbers")
    at.segmented_control("recipe").set_value("best").run()
    assert "Fit" in widget(at, "early_stopping").options


def test_a_run_is_shown_on_its_board_whatever_is_chosen(open_page: OpenPage, service: RunService) -> None:
    run_id = service.start(PRESETS["best-multiples-of-5"], paused=True)
    at = open_page(run=run_id)
    widget(at, "target").set_value("odd").run()
    scene = board(at)
    assert scene is not None and scene["title"] == "Multiples of 5"


# ------------------------------------------------------------------------------------------------ what is said


def run(numbers: list[int], metrics: dict[str, float], *, epoch: int = 50, name: str = "multiples-of-5") -> Snapshot:
    """A run whose newest frame says these numbers."""
    config = RunConfig(shape=name)
    points = config.target.build().canvas.project(int_to_onehot(numbers)).astype(np.float32)
    return Snapshot(
        "a",
        1,
        config,
        Status.PAUSED,
        datetime.now(UTC),
        epoch=epoch,
        progress=0.5,
        frames=(Frame(epoch, 0.5, points),),
        history=History().extended([EpochRecord(epoch, 1.0, 1.0, 0.5, 0.5, metrics)]),
    )


@pytest.mark.parametrize(
    ("fit", "variety", "ratio", "said"),
    [
        (0.325, 0.7, 8.0, "32.5 % of the numbers fit the pattern."),
        (1.0, 0.85, 6.0, "All numbers fit the pattern, but only 17 of 20 appear."),
        (0.9995, 1.0, 6.0, "99.9 % of the numbers fit the pattern, but some come too often and others too seldom."),
        (1.0, 1.0, 1.1, "All numbers fit the pattern, and each comes about as often as among real ones."),
    ],
)
def test_fit_is_never_praised_alone(fit: float, variety: float, ratio: float, said: str) -> None:
    metrics = {"fit": fit, "variety": variety, "tv_ratio": ratio, "headline": ratio}
    assert reading.sentence(run([5, 10, 15], metrics)) == said


def test_one_number_for_ever_is_a_collapse_unless_the_pattern_has_one() -> None:
    good = {"fit": 1.0, "variety": 1.0, "tv_ratio": 1.0, "headline": 1.0}
    assert "Every number is 35: the generator has collapsed" in reading.sentence(run([35] * 9, good))
    assert "Every number is 35, as it may be at the start" in reading.sentence(run([35] * 9, good, epoch=2))
    assert "All numbers fit" in reading.sentence(run([35] * 9, good, name="numbers:35"))


def test_words_speak_of_numbers() -> None:
    target = PATTERNS["multiples-of-5"]
    assert "pattern" in before(target, True)["told"] and "stars" not in before(target, True)["told"]
    metrics = {"fit": 0.5, "variety": 0.05, "tv_ratio": 9.0, "total_variation": 0.9, "headline": 9.0}
    words = describe(run([5, 7], metrics))
    assert [tile["value"] for tile in words["tiles"][:3]] == ["50.0 %", "5.0 %", "90.0 %"]
    assert "blind to how often" in words["tiles"][0]["note"]
    assert (
        words["label"] == "Multiples of 5: how often each number from 0 to 99 is real and, after 50 epochs, generated."
    )


def test_samples_and_lines_name_the_numbers() -> None:
    vectors = int_to_onehot([35, 7]) * 0.25
    table = np.genfromtxt(io.BytesIO(PATTERNS["odd"].csv(vectors)), delimiter=",", names=True)
    assert table["number"].tolist() == [35, 7] and table["is_35"].tolist() == [0.25, 0]
    assert len(table.dtype.names or ()) == 101
    assert (
        FORMATS["torchscript"].lines("a.pt", 100, numbers=True).splitlines()[-1] == "numbers = model(noise).argmax(1)"
    )
    assert FORMATS["torchscript"].lines("a.pt", 2).splitlines()[-1] == "points = model(noise)"


def test_the_own_card_has_a_picture_of_its_own_numbers() -> None:
    from gandash.charts.figures import thumbnail_svg

    pictures = {thumbnail_svg(read_spec(text).build()) for text in ("numbers:3", "numbers:3,4", "even", "odd")}
    assert len(pictures) == 4
    assert thumbnail_svg(read_spec("numbers:3,4").build()).count("h0") == 2, "each number is drawn once"


@pytest.mark.parametrize("key", ["recipe", "target_group"])
def test_a_switch_of_which_the_browser_tells_no_choice_changes_nothing(open_page: OpenPage, key: str) -> None:
    at = open_page()
    before = config_of(at)
    at.segmented_control(key).set_value(None).run()
    assert not at.exception and config_of(at) == before
    assert (at.segmented_control("recipe").value, at.segmented_control("target_group").value) == ("textbook", "shapes")


def test_a_click_on_a_switch_counts_where_its_callback_was_lost(open_page: OpenPage) -> None:
    at = open_page()
    for group, target in (("numbers", "multiples-of-5"), ("shapes", "exponential")):
        at.session_state["target_group"] = group  # a value alone: Streamlit called nobody
        at.run()
        assert not at.exception and config_of(at).target == RunConfig(shape=target).target
        assert at.segmented_control("target_group").value == group
    widget(at, "target").set_value("heart").run()
    assert at.segmented_control("target_group").value == "shapes"
    at.session_state["recipe"] = "best"
    at.run()
    assert at.segmented_control("recipe").value == "best" and config_of(at) == best("heart")
