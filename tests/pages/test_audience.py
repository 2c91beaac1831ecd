"""*Show to an audience*: the button, the link and its code."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

import pytest
import segno
import streamlit as st
from streamlit.testing.v1 import AppTest

from gandash.live import address
from gandash.pages import audience
from tests.pages.conftest import OpenPage, texts

LINK = "http://192.168.0.7:8501/watch/0a1b2c3d4e"


def modules(uri: str) -> list[list[int]]:
    """A code's dark modules as they are drawn, row by row, the light ones around it included."""
    svg = unquote(uri.removeprefix("data:image/svg+xml;charset=utf-8,"))
    size = int(re.findall(r"viewBox='0 0 (\d+) \1'", svg)[0])
    drawn = [[0] * size for _ in range(size)]
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([\d. -]+)", re.findall(r"stroke='#000' d='([^']+)'", svg)[0]):
        given = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        if command == "h":
            for column in range(int(x), int(x + given[0])):
                drawn[int(y)][column] = 1
            x += given[0]
        else:
            x, y = (given[0], given[1]) if command == "M" else (x + given[0], y + given[1])
    return drawn


def test_the_code_says_the_link() -> None:
    quiet = 4
    expected = segno.make_qr(LINK, error="m").matrix
    size = len(expected)
    found = modules(audience.code(LINK))
    assert [row[quiet:-quiet] for row in found[quiet:-quiet]] == [list(row) for row in expected]
    around = sum(map(sum, found)) - sum(map(sum, expected))
    assert (len(found), around) == (size + 2 * quiet, 0)
    assert found != modules(audience.code(LINK + "f"))


def test_the_code_is_dark_on_white_in_every_theme() -> None:
    svg = unquote(audience.code(LINK))
    assert re.findall(r"(?:fill|stroke)='(#\w+)'", svg) == ["#fff", "#000"]


def invitation(public: str | None) -> None:
    """A page with nothing but what the button opens."""
    from gandash.pages import audience

    audience.invite("0a1b2c3d4e", public)


def invited(public: str | None = None) -> AppTest:
    at = AppTest.from_function(invitation, args=(public,)).run()
    assert not at.exception
    return at


def test_link_and_code_follow_the_address_that_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        address, "offer", lambda *_: address.Offer(("http://192.168.0.7:8501", "http://10.0.0.2:8501"), "Not *yet*.")
    )
    at = invited()
    assert at.code[0].value == LINK
    assert audience.code(LINK) in at.get("html")[0].proto.body
    assert "Not *yet*." in texts(at)
    at.selectbox("audience_address").set_value("http://10.0.0.2:8501").run()
    assert at.code[0].value == "http://10.0.0.2:8501/watch/0a1b2c3d4e"


def test_one_address_leaves_nothing_to_choose() -> None:
    at = invited("https://gans.example.org/g")
    assert at.code[0].value == "https://gans.example.org/g/watch/0a1b2c3d4e"
    assert not at.selectbox and not at.warning


def test_without_a_run_the_button_is_off_and_says_why(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[dict[str, Any]] = []
    popover = st.popover

    def recorded(label: str, **options: Any) -> Any:
        drawn.append({"label": label, **options})
        return popover(label, **options)

    monkeypatch.setattr(st, "popover", recorded)
    at = open_page()
    at.button("train").click().run()
    before, after = (each for each in drawn if each["label"] == "Show to an audience")
    assert before["disabled"] and "press Train first" in before["help"]
    assert not after["disabled"]
