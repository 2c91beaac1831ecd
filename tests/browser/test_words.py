"""What is said around the charts: drawn from a stream that the test plays, first with what the page's script says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from gandash.core.targets.shapes import SHAPES
from gandash.pages import words
from tests.browser import stage
from tests.browser.stage import play

HOSTILE = "<img src=x onerror=alert(1)> [Click](http://x.test) **bold** :material/home:"
BEFORE = words.before(SHAPES["circle"], True)


def said(**changes: Any) -> words.Words:
    """Words of a run as the server would find them."""
    status = {"label": "Training", "icon": "play_circle", "colour": "green"}
    return BEFORE | {"status": status, "progress": "Epoch 5 of 10", "share": 0.5} | changes


@pytest.fixture(scope="module")
def empty_page(browser: Browser) -> Iterator[Page]:
    with stage.empty_stage(browser) as page:
        yield page


@pytest.fixture
def show(empty_page: Page) -> Iterator[Callable[..., None]]:
    """Tell an element, by its part, what the page's script would."""

    def show_(part: str, told: words.Words, run: str = "run", version: int = 1, **data: Any) -> None:
        given = {"run": run, "version": version, "words": json.dumps(told), "mine": True, "live": bool(run), "base": ""}
        message = given | {"part": part} | data
        empty_page.evaluate("([host, data]) => window.render('words', host, data)", [part, message])

    yield show_
    empty_page.evaluate(stage.REMOVE)


def test_the_strip_begins_with_the_scripts_words_and_goes_on_with_the_streams(
    empty_page: Page, show: Callable[..., None]
) -> None:
    show("state", said(), run="first", version=3)
    strip = empty_page.locator(".gandash-state")
    expect(strip).to_contain_text("Training")
    expect(strip).to_contain_text("Epoch 5 of 10")
    play(empty_page, "first", version=2, words=said(progress="Epoch 4 of 10"))
    expect(strip).to_contain_text("Epoch 5 of 10")  # older than what the script has said
    play(empty_page, "first", version=4, words=said(progress="Epoch 6 of 10", warning="Not saved"))
    expect(strip).to_contain_text("Epoch 6 of 10")
    expect(strip).to_contain_text("Not saved")
    show("state", said(progress="Epoch 5 of 10"), run="first", version=3)
    expect(strip).to_contain_text("Epoch 6 of 10")
    show("state", BEFORE, run="", version=0)
    play(empty_page, "first", version=5, words=said(progress="Epoch 7 of 10"))
    expect(strip).to_contain_text("Ready")
    expect(strip).not_to_contain_text("Epoch")


def test_what_to_press_is_told_to_those_who_may(empty_page: Page, show: Callable[..., None]) -> None:
    told = said(told="All done.", sentence="All done. Download it below.")
    show("course", told)
    course = empty_page.locator(".gandash-course")
    expect(course).to_have_text("All done. Download it below.")
    expect(course.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "50")
    show("course", told, mine=False)
    expect(course).to_have_text("All done.")


def test_what_happened_meanwhile_and_that_the_page_is_outdated_is_told(
    empty_page: Page, show: Callable[..., None]
) -> None:
    show("announce", said(announce="Circle: training."))
    show("course", said(sentence="All is well."))
    changes = [[2, "paused"], [3, "running"]]
    play(empty_page, "run", version=3, kind="news", changes=changes, words=said(announce="Circle: training."))
    expect(empty_page.get_by_role("status")).to_have_text("Meanwhile: paused. Circle: training.")
    play(empty_page, "run", kind="outdated", sentence="Load the page again.")
    expect(empty_page.locator(".gandash-course")).to_have_text("Load the page again.")


def test_words_are_text_whatever_they_hold(empty_page: Page, show: Callable[..., None]) -> None:
    tile = {"label": HOSTILE, "value": HOSTILE, "note": HOSTILE, "help": HOSTILE}
    told = said(told=HOSTILE, sentence=HOSTILE, announce=HOSTILE, progress=HOSTILE, pace=HOSTILE, tiles=[tile])
    for part in ("state", "course", "tiles", "announce"):
        show(part, told)
    empty_page.locator(".gandash-tile button").focus()
    shown = empty_page.evaluate(
        """() => Object.values(window.hosts).map((host) =>
          [host.querySelectorAll("img, a, b, em, code").length, host.textContent])"""
    )
    assert [count for count, _ in shown] == [0] * 4
    assert all(HOSTILE in text for _, text in shown)


def test_a_tile_tells_what_it_means_to_pointer_keyboard_and_finger(empty_page: Page, show: Callable[..., None]) -> None:
    show("tiles", BEFORE)
    tip = empty_page.get_by_role("tooltip")
    help_ = [tile["help"] for tile in BEFORE["tiles"]]
    button = empty_page.locator(".gandash-tile button")
    expect(tip).to_be_hidden()
    button.nth(1).hover()
    expect(tip).to_have_text(help_[1])
    empty_page.mouse.move(0, 0)
    expect(tip).to_be_hidden()
    button.nth(0).focus()
    expect(tip).to_have_text(help_[0])
    empty_page.keyboard.press("Tab")
    expect(tip).to_have_text(help_[1])
    assert button.nth(1).evaluate(
        "(each) => document.getElementById(each.getAttribute('aria-describedby')).textContent"
    )
    empty_page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    button.nth(4).click()
    expect(tip).to_have_text(help_[4])
    play(empty_page, "run", version=2, words=BEFORE)
    expect(tip).to_have_text(help_[4])
    box = tip.bounding_box()
    assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 1280


def test_the_live_region_is_silent_until_the_state_is_another(empty_page: Page, show: Callable[..., None]) -> None:
    show("announce", said(announce="Circle: Training."))
    region = empty_page.locator("[role=status]")
    expect(region).to_have_text("Circle: Training.")
    region.evaluate(
        """(region) => {
          window.said = 0;
          new MutationObserver(() => (window.said += 1)).observe(region, { childList: true, subtree: true });
        }"""
    )
    for version in range(2, 6):
        play(empty_page, "run", version=version, words=said(announce="Circle: Training.", pace=f"{version}"))
    assert empty_page.evaluate("new Promise((done) => setTimeout(() => done(window.said), 50))") == 0
    play(empty_page, "run", version=7, words=said(announce="Circle: Paused at epoch 5."))
    expect(region).to_have_text("Circle: Paused at epoch 5.")


def triggers(page: Page) -> list[list[str]]:
    page.wait_for_timeout(600)
    found: list[list[str]] = page.evaluate("(window.triggers ?? []).splice(0)")
    return found


def test_the_script_is_asked_for_once_when_the_stage_is_another(empty_page: Page, show: Callable[..., None]) -> None:
    show("follow", BEFORE, run="a run", stage="one")
    play(empty_page, "a run", state={"stage": "one"})
    assert triggers(empty_page) == []
    for version in range(2, 9):
        play(empty_page, "a run", version=version, state={"stage": "two"})
        empty_page.wait_for_timeout(100)
    assert triggers(empty_page) == [["stage", "two"]]
    show("follow", BEFORE, run="a run", stage="two")
    assert triggers(empty_page) == []
    play(empty_page, "a run", state={"stage": "three"})  # a click here: the script draws it by itself
    show("follow", BEFORE, run="a run", stage="three")
    assert triggers(empty_page) == []
    empty_page.evaluate("window.clicks = setInterval(() => document.body.click(), 50)")
    play(empty_page, "a run", kind="missing")
    assert triggers(empty_page) == [], "who clicks is answered first"
    empty_page.evaluate("clearInterval(window.clicks)")
    assert triggers(empty_page) == [["stage", ""]]


def test_the_first_points_of_a_run_come_before_what_to_take_home(empty_page: Page, show: Callable[..., None]) -> None:
    show("follow", BEFORE, run="a run", stage="one")
    play(empty_page, "a run", state={"stage": "two", "active": True})
    assert triggers(empty_page) == [], "it can wait"
    play(empty_page, "a run", version=2, state={"stage": "three", "active": False})
    assert triggers(empty_page) == [["stage", "three"]], "it has other buttons now"


def test_the_script_is_not_asked_for_while_a_link_leads_to_another_page(
    empty_page: Page, show: Callable[..., None]
) -> None:
    show("follow", BEFORE, run="a run", stage="one")
    empty_page.evaluate(
        """() => {
          const link = Object.assign(document.createElement("a"), { href: "/runs" });
          link.addEventListener("click", (event) => event.preventDefault());
          document.body.append(link);
          link.click();
        }"""
    )
    play(empty_page, "a run", state={"stage": "two"})
    assert triggers(empty_page) == [], "Streamlit would stay on this page"
    empty_page.evaluate("history.replaceState(null, '', '/runs'); document.body.click()")
    assert triggers(empty_page) == [["stage", "two"]]


def test_the_script_is_asked_for_when_the_server_gets_ready(empty_page: Page, show: Callable[..., None]) -> None:
    show("follow", BEFORE, run="", stage="", live=True)
    play(empty_page, "", kind="server", ready=False)
    assert triggers(empty_page) == []
    play(empty_page, "", kind="server", ready=True)
    assert triggers(empty_page) == [["stage", "ready"]]
    show("follow", BEFORE, run="", stage="ready", live=False)
    assert "" not in [run for run, _ in empty_page.evaluate("window.watched()")]


ROOM = """() => {
  const strip = document.querySelector(".gandash-course");
  const { top, height } = strip.querySelector("p").getBoundingClientRect();
  return [strip.scrollHeight, document.documentElement.scrollHeight, top, height];
}"""
"""What the strip takes, all of the page with it, and where the sentence is."""


def test_notes_stand_beside_the_sentence_and_move_nothing(empty_page: Page, show: Callable[..., None]) -> None:
    note = {"seen": f"All points lie in one spot. {HOSTILE}", "advice": "Try smaller learning rates."}
    show("course", said(sentence="Training."), run="noted", version=1)
    empty_page.locator(".gandash-course").evaluate("(each) => (each.style.height = '4rem')")  # as the page's strip does
    notes = empty_page.locator(".gandash-notes")
    expect(notes).to_be_hidden()
    room = empty_page.evaluate(ROOM)
    play(empty_page, "noted", version=2, words=said(sentence="Training.", notes=[note, {**note, "seen": "Another."}]))
    expect(notes.locator(".gandash-note-first")).to_contain_text(HOSTILE)
    lines = notes.get_by_role("listitem")
    expect(lines).to_have_count(0)  # of what can be seen
    assert empty_page.evaluate(ROOM) == room
    notes.get_by_role("button", name="+1 more").click()
    expect(lines).to_have_count(2)
    expect(lines.first).to_contain_text(HOSTILE)
    expect(lines.nth(1)).to_contain_text("Another.")
    assert empty_page.evaluate(ROOM) == room
    empty_page.keyboard.press("Escape")
    expect(lines).to_have_count(0)
    play(empty_page, "noted", version=3, words=said(sentence="Training.", notes=[]))
    expect(notes).to_be_hidden()
