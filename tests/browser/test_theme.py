"""Light and dark: by the key, by the system, by the address, in another tab, and what an earlier version has kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from gandash.charts.palettes import PALETTES
from gandash.pages import first_sight
from tests.browser.conftest import OpenPage
from tests.browser.driver import CHARTS, GROUND, INK, OVERLAY, rgb, until, wait_for_epoch, wait_until_drawn

DARK = "rgb(17, 23, 26)"
ORIGIN = "http://gandash.invalid"
EARLIER = "stActiveTheme-/-v2"
"""Where Streamlit keeps a choice, as the page had it do once."""
TOLD = """
  window.told = [];
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) =>
    told.push([event.matches, event.matches === matchMedia("(prefers-color-scheme: dark)").matches]));
"""
IS_DARK = 'matchMedia("(prefers-color-scheme: dark)").matches'


def test_t_in_mid_training_turns_the_page_that_is_there(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(dashboard)
    more = page.locator(".st-key-more details").first
    more.locator("summary").first.click()
    page.locator(".st-key-train button:visible").click()
    wait_for_epoch(page, 2)
    page.locator(OVERLAY).focus()
    page.keyboard.press("+")
    zoomed = f"document.querySelector(`{OVERLAY}`)._fullLayout.xaxis.range.join()"
    page.evaluate("window.marker = true")
    before = page.evaluate(zoomed)
    inks = ", ".join(INK.format(key=key) for key in CHARTS)
    page.evaluate(
        f"() => {{ const look = () => {GROUND} === '{DARK}' ? (window.inks = [{inks}]) : requestAnimationFrame(look); "
        "look(); }"
    )
    page.keyboard.press("t")
    until(page, "window.inks")
    assert set(page.evaluate("window.inks")) == {rgb(PALETTES["dark"].text)}, "in the same frame"
    for key in CHARTS:
        until(
            page, f"document.querySelector(`[data-chart='{key}']`)._fullLayout.font.color === '{PALETTES['dark'].text}'"
        )
    assert page.evaluate("window.marker") and page.evaluate(zoomed) == before
    expect(more).to_have_attribute("open", "")
    wait_for_epoch(page, int(page.locator(OVERLAY).get_attribute("data-epoch") or 0) + 2)
    page.reload()
    wait_until_drawn(page)
    assert page.evaluate(GROUND) == DARK


def test_an_address_that_says_which_theme_it_is_has_the_last_word(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(f"{dashboard}/?embed=true&embed_options=dark_theme")
    page.wait_for_function("window.gandashPage?.begun")
    page.keyboard.press("t")
    page.wait_for_timeout(300)
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate(GROUND) == DARK and not page.evaluate("localStorage.getItem('gandash-theme')")


@pytest.fixture
def bare(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Pages of one browser that have the script alone, and what was kept before."""
    context = browser.new_context(color_scheme="light")
    script = (Path(first_sight.__file__).parent / "theme.js").read_text(encoding="utf-8")

    def serve(body: str) -> None:
        context.unroute("**/*")
        context.route("**/*", lambda route: route.fulfill(content_type="text/html", body=body))

    def open_(before: str = "", path: str = "/") -> Page:
        serve(f"<script>{before}</script><script>{script}</script><script>{TOLD}</script>")
        page = context.new_page()
        page.goto(ORIGIN + path)
        return page

    yield open_
    context.close()


def test_a_choice_is_told_as_the_systems_is_and_stays_whatever_the_system_does(bare: Callable[..., Page]) -> None:
    page = bare()
    assert not page.evaluate(IS_DARK)
    page.emulate_media(color_scheme="dark")
    until(page, "told.length === 1")
    assert page.evaluate(IS_DARK) and page.evaluate("told") == [[True, True]]
    page.evaluate("gandashTheme.turn()")
    assert not page.evaluate(IS_DARK) and page.evaluate("told") == [[True, True], [False, True]]
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_timeout(100)
    assert not page.evaluate(IS_DARK) and len(page.evaluate("told")) == 2
    assert page.evaluate("matchMedia('(prefers-color-scheme: light)').media") == "(prefers-color-scheme: light)"
    page.reload()
    assert not page.evaluate(IS_DARK)


def test_the_other_tabs_of_a_browser_turn_too(bare: Callable[..., Page]) -> None:
    first, second = bare(), bare()
    first.evaluate("gandashTheme.turn()")
    until(second, IS_DARK)
    assert second.evaluate("told") == [[True, True]]


@pytest.mark.parametrize(("ours", "wanted"), [("", True), ("light", False)])
def test_what_an_earlier_version_has_kept_is_taken_over_once(
    bare: Callable[..., Page], ours: str, wanted: bool
) -> None:
    kept = f"localStorage.setItem('{EARLIER}', '\"Dark\"'); localStorage.setItem('gandash-theme', '{ours}')"
    page = bare(kept)
    assert page.evaluate(IS_DARK) == wanted
    assert page.evaluate(f"localStorage.getItem('{EARLIER}')") is None


@pytest.mark.parametrize("odd", ["System", "Purple", "", "{"])
def test_what_is_no_theme_is_no_choice(bare: Callable[..., Page], odd: str) -> None:
    page = bare(f"for (const key of ['{EARLIER}', 'gandash-theme']) localStorage.setItem(key, JSON.stringify('{odd}'))")
    assert not page.evaluate(IS_DARK)
    page.emulate_media(color_scheme="dark")
    until(page, "told.length === 1")
    assert page.evaluate(IS_DARK)


def test_a_browser_that_keeps_nothing_turns_all_the_same(bare: Callable[..., Page]) -> None:
    page = bare("Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } })")
    page.evaluate("gandashTheme.turn()")
    assert page.evaluate(IS_DARK) and page.evaluate("told") == [[True, True]]
