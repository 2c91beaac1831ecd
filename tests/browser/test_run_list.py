"""The list of runs in a real browser: there and back, its names for those who hear it, its width on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from gandash.charts.palettes import PALETTES
from gandash.core.config import RunConfig
from gandash.runs.service import RunService
from gandash.runs.store import RunStore
from tests.browser.conftest import OpenPage
from tests.browser.driver import dashboard_server, until, wait_until_drawn
from tests.runs.conftest import ManualEngine

SMALL_TEXT = """() => [...document.querySelectorAll("[data-testid='stMain'] *")].filter((element) =>
  [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim())
  && parseFloat(getComputedStyle(element).fontSize) < 11).map((element) => element.outerHTML.slice(0, 200))"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a dashboard with fourteen runs that never trained, one of them named at length."""
    home = tmp_path_factory.mktemp("runs")
    service = RunService(RunStore(home), ManualEngine())  # nothing trains
    for seed in range(14):
        run_id = service.start(RunConfig(shape="heart" if seed % 2 else "ring8", seed=seed), paused=True)
    service.rename(run_id, "An unbreakable name: " + "x" * 59, "A note with an unbreakable word: " + "y" * 200)
    service.close()
    with dashboard_server(home, {"GANDASH_WORKERS": "1"}) as (url, _):
        yield url


def cards(page: Page) -> Any:
    return page.locator("[class*='st-key-run_']")


def go_to_list(page: Page, count: int = 12) -> None:
    # the header's, or on a phone the page's own: a closed sidebar has one too, outside the screen
    links = page.locator("[data-testid='stTopNavLink'], .st-key-pages a").filter(has_text="Runs")
    links.filter(visible=True).first.click()
    expect(cards(page)).to_have_count(count)


def search(page: Page, text: str, count: int) -> None:
    field = page.get_by_role("searchbox", name="Search runs")
    field.fill(text)
    field.press("Enter")
    expect(cards(page)).to_have_count(count)


def open_first(page: Page) -> None:
    page.get_by_role("link", name="Open ").first.click()
    page.wait_for_url("**/?run=*")
    wait_until_drawn(page)


def test_the_browsers_back_finds_the_place_in_the_list(runs: str, open_page: OpenPage) -> None:
    page = open_page(runs)
    go_to_list(page)
    page.get_by_role("button", name="Page 2").click()
    expect(cards(page)).to_have_count(2)
    open_first(page)
    page.go_back()
    expect(cards(page)).to_have_count(2)
    assert "page=2" in page.url
    search(page, "heart", 7)
    open_first(page)
    go_to_list(page, 7)
    expect(page.get_by_role("searchbox", name="Search runs")).to_have_value("heart")


def test_a_page_that_was_asked_for_comes_whatever_is_told_of_the_one_before(runs: str, open_page: OpenPage) -> None:
    page = open_page(runs)
    page.wait_for_function("window.gandashPage?.begun")
    links = page.locator("[data-testid='stTopNavLink']")
    links.filter(has_text="Runs").evaluate("link => { gandashPage.tell('theme', 'again'); link.click(); }")
    expect(cards(page)).to_have_count(12)
    page.wait_for_timeout(500)
    assert page.url == f"{runs}/runs"


def test_undo_is_beside_what_was_deleted(runs: str, open_page: OpenPage) -> None:
    page = open_page(runs)
    go_to_list(page)
    search(page, "heart", 7)
    page.get_by_role("button", name="More for").last.click()
    page.get_by_role("menuitem", name="Delete").click()
    expect(cards(page)).to_have_count(6)
    undo = page.get_by_role("button", name="Undo")
    expect(undo).to_be_in_viewport()
    undo.click()
    expect(cards(page)).to_have_count(7)


def test_the_list_fits_a_phone(runs: str, open_page: OpenPage) -> None:
    page = open_page(runs, width=390, height=844, touch=True)
    go_to_list(page)
    page.wait_for_function("document.querySelector('[data-testid=stMain]').scrollWidth === 390")
    for box in (card.bounding_box() for card in cards(page).all()):
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert page.evaluate(SMALL_TEXT) == []
    assert page.locator("h1").count() == 1
    long = page.get_by_role("link", name="Open An unbreakable name").bounding_box()
    short = page.get_by_role("link", name="Open Heart").first.bounding_box()
    assert long and short and long["height"] > 2 * short["height"], "a name is told whole"
    page.keyboard.press("p")  # there is nothing to present
    expect(page.get_by_role("searchbox", name="Search runs")).to_be_visible()
    page.keyboard.press("t")
    until(page, f"getComputedStyle(document.documentElement).getPropertyValue('--real') === '{PALETTES['dark'].real}'")
