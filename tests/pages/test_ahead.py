"""What the page draws ahead of its script is what the script then says."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from starlette.requests import Request
from streamlit.testing.v1 import AppTest

from gandash.core.config import RunConfig
from gandash.pages import ahead, words
from gandash.runs.snapshot import Status
from tests.pages.conftest import OpenPage, components, parts
from tests.pages.test_words import snapshot

WORDS = ("state", "course", "tiles", "announce")


def told(at: AppTest, key: str) -> dict[str, Any]:
    """What the element with this key is told."""
    return next(each for each in components(at) if each.get("key") == key)


def page(at: AppTest) -> dict[str, Any]:
    """What the script that draws ahead is told."""
    return next(each for each in components(at) if "begins" in each)


def asked(target: str, packed: bool = False) -> Any:
    headers = [(b"accept-encoding", b"gzip")] if packed else []
    scope = {"type": "http", "headers": headers, "path_params": {"target": target}}
    return ahead.answer(Request(scope))


@pytest.mark.parametrize("target", ["heart", "ring8", "primes"])
def test_a_card_leads_to_what_its_file_says(open_page: OpenPage, target: str) -> None:
    at = open_page(setup=f"1_{target}")
    file = json.loads(asked(target).body)
    drawn = told(at, file["picture"]["key"])
    assert {name: drawn[name] for name in file["picture"]} == file["picture"] and drawn["run"] == ""
    assert drawn.keys() - file["picture"].keys() == {"script", "base"} | ({"plotly"} & drawn.keys())
    for name in WORDS:
        assert parts(at)[name].items() >= {"words": file["words"], "run": "", "version": 0, "live": False}.items()


def test_a_run_that_starts_is_told_of_as_it_will_be() -> None:
    target = RunConfig().target.build()
    said, will = words.starting(target), words.describe(snapshot(Status.STARTING, 0))
    for name in ("status", "told", "sentence", "announce"):
        assert said[name] == will[name]
    assert said["tiles"] == words.before(target, ready=True)["tiles"]


def test_the_page_knows_what_its_buttons_lead_to(open_page: OpenPage) -> None:
    at = open_page()
    assert page(at)["target"] == "exponential" and page(at)["cards"][:2] == ["exponential", "inverted-u"]
    assert (page(at)["run"], page(at)["begins"]) == ("", True)
    at.button(key="train").click().run()
    assert page(at)["run"] and not page(at)["begins"], "the button pauses"
    at = open_page(setup="1_primes")
    assert page(at)["target"] == "primes" and "primes" in page(at)["cards"]


def test_nothing_is_drawn_ahead_of_ones_own_or_of_a_set_up_that_is_wrong(open_page: OpenPage) -> None:
    own = page(open_page(setup="1_numbers:3,7"))
    assert own["target"] == "" and "numbers:3,7" not in own["cards"]
    at = open_page()
    at.text_input(key="knob_dropout").set_value("2").run()
    assert not page(at)["right"] and not page(at)["begins"]


@pytest.mark.parametrize("target", ["nothing", "numbers:3", "../heart", ""])
def test_a_file_that_is_not_there_is_said_not_to_be(target: str) -> None:
    answer = asked(target)
    assert answer.status_code == 404 and b"load the page again" in answer.body


def test_a_file_is_packed_for_who_takes_that() -> None:
    plain, packed = asked("heart"), asked("heart", packed=True)
    assert gzip.decompress(packed.body) == plain.body and packed.headers["content-encoding"] == "gzip"
