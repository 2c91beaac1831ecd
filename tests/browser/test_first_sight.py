"""What is seen before Streamlit has loaded: the page's own Train is at the same place, and a press counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import OpenPage
from tests.browser.driver import wait_for_epoch, wait_until_drawn

SIGHT = "#gandash-first"
LOOKS = """() => {
    const buttons = document.querySelectorAll("#gandash-first button, .st-key-train button");
    const button = [...buttons].find((each) => each.offsetParent);
    const words = button.querySelector("p") ?? button.lastElementChild;
    const [box, word] = [button, words].map((each) => each.getBoundingClientRect());
    const { backgroundColor, color } = getComputedStyle(button);
    const page = document.querySelector("#gandash-first") ?? document.querySelector("[data-testid=stApp]");
    const place = [box.x, box.y, box.width, box.height, word.x, word.width].map(Math.round);
    return { place, backgroundColor, color, ground: getComputedStyle(page).backgroundColor };
}"""


@contextmanager
def first_seen(
    open_page: OpenPage, address: str, scripts: str = "index", **options: Any
) -> Iterator[tuple[Page, Callable[..., None]]]:
    """A window in which Streamlit's own script, or those of some widgets, are held back until the function is called
    that comes with it; those that are asked for afterwards are held back if it is told so.
    """
    page, held, free = open_page("about:blank", session=False, height=844, **options), list[Route](), False

    def hold(route: Route) -> None:
        if free:
            route.continue_()
        else:
            held.append(route)

    def go_on(*, hold_again: bool = False) -> None:
        nonlocal free
        free = not hold_again
        while held:
            held.pop().continue_()

    page.route(re.compile(rf"/static/js/({scripts})\."), hold)
    try:
        page.goto(address, wait_until="commit")
        yield page, go_on
    finally:
        page.unroute_all()


@pytest.fixture(scope="module")
def bare(dashboard: str, browser: Browser) -> Iterator[Page]:
    """A window that reads none of Streamlit's files: of a page there is what it begins with."""
    context = browser.new_context()
    page = context.new_page()
    page.route("**/static/**", lambda route: route.abort())
    page.goto(dashboard)
    page.locator(f"{SIGHT} button").wait_for()
    yield page
    context.close()


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_train_is_where_and_as_the_page_has_it_then(
    dashboard: str, open_page: OpenPage, width: int, theme: Any
) -> None:
    with first_seen(open_page, dashboard, width=width, theme=theme) as (page, go_on):
        page.locator(f"{SIGHT} button").wait_for()
        page.evaluate("document.fonts.ready")
        first = page.evaluate(LOOKS)
        assert page.title() == "gandash"
        go_on()
        page.locator(SIGHT).wait_for(state="detached")
        wait_until_drawn(page)
        assert page.evaluate(LOOKS) == first


@pytest.mark.parametrize("key", [False, True])
def test_a_press_starts_the_run_once_the_page_is_there(dashboard: str, open_page: OpenPage, key: bool) -> None:
    with first_seen(open_page, dashboard) as (page, go_on):
        train = page.get_by_role("button", name="Train", exact=True)
        train.wait_for()
        if key:
            page.keyboard.press(" ")
        else:
            train.dblclick()  # counts once
        expect(page.locator(f"{SIGHT} button")).to_have_text("Starting…")
        go_on()
        wait_for_epoch(page, 0)
        assert "run=" in page.url and not page.locator(SIGHT).count()
        expect(page.locator(".st-key-train").get_by_role("button")).to_contain_text("Pause")


def test_widgets_that_a_slow_browser_draws_last_hold_what_the_link_says(dashboard: str, open_page: OpenPage) -> None:
    link = f"{dashboard}/?setup=1_heart_g.8"
    with first_seen(open_page, link, "TextInput|Radio|Selectbox|ButtonGroup|Checkbox") as (page, go_on):
        page.get_by_role("button", name="Train", exact=True).click()  # a second run of the script comes before them
        wait_for_epoch(page, 0)
        go_on()
        page.get_by_role("button", name="Pause", exact=True).click()  # and a third hears what they hold
        page.get_by_role("button", name="Resume", exact=True).wait_for()
        expect(page.locator(".st-key-knob_generator_widths input")).to_have_value("8")
        expect(page.locator(".st-key-knob_discriminator_lr input")).to_have_value("0.0005")
        expect(page.get_by_role("radio", name="Heart")).to_be_checked()
        expect(page.locator(".st-key-recipe").get_by_role("radio", name="Own")).to_be_checked()
        expect(page.locator(".st-key-knob_device").get_by_role("radio", name="Auto")).to_be_checked()
        assert "setup=" not in page.url, "the run has what the link says"


def test_a_press_does_not_wait_for_ever_for_the_pages_own_code(dashboard: str, open_page: OpenPage) -> None:
    with first_seen(open_page, dashboard, "BidiComponent") as (page, go_on):
        page.evaluate("() => { window.now = performance.now(); performance.now = () => window.now; }")
        page.get_by_role("button", name="Train", exact=True).click()
        trains = page.locator(".st-key-train").get_by_role("button")
        expect(trains).to_contain_text("Train")
        expect(page.locator(SIGHT)).to_be_visible()
        page.evaluate("window.now += 11_000")
        expect(trains).to_contain_text("Pause")
        expect(page.locator(SIGHT)).to_have_count(0)
        page.evaluate("delete performance.now")
        go_on()
        wait_for_epoch(page, 0)


def test_a_key_counts_but_starts_nothing_where_the_page_has_something_to_say_first(
    dashboard: str, open_page: OpenPage
) -> None:
    with first_seen(open_page, f"{dashboard}/?setup=1_no-such-shape") as (page, go_on):
        page.get_by_role("button", name="Train", exact=True).wait_for()
        page.keyboard.press(" ")
        expect(page.locator(f"{SIGHT} button")).to_have_text("Starting…")
        go_on()
        page.locator(SIGHT).wait_for(state="detached")
        expect(page.locator(".st-key-messages")).to_contain_text("no-such-shape")
        page.wait_for_timeout(500)
        assert "run=" not in page.url
        page.get_by_role("button", name="Train", exact=True).click()
        wait_for_epoch(page, 0)


@pytest.mark.parametrize("path", ["/?run=gone", "/explore", "/runs", "/?class=x", "/?embed=true"])
def test_a_page_that_begins_with_something_else_has_none(dashboard: str, bare: Page, path: str) -> None:
    bare.goto(dashboard + path)
    bare.locator("#root").wait_for(state="attached")
    assert not bare.locator(SIGHT).count()


def test_the_theme_that_was_chosen_and_a_sidebar_that_was_closed_are_kept(dashboard: str, open_page: OpenPage) -> None:
    with first_seen(open_page, dashboard, theme="light") as (page, go_on):
        go_on()
        page.locator(SIGHT).wait_for(state="detached")
        page.locator("[data-testid=stSidebar]").hover()
        page.locator("[data-testid=stSidebarCollapseButton] button").click()
        page.wait_for_selector("[data-testid=stSidebar][data-collapsed=true]", state="attached")
        wait_until_drawn(page)
        page.keyboard.press("t")
        go_on(hold_again=True)
        page.reload(wait_until="commit")
        page.locator(f"[data-theme=dark] {SIGHT} button").wait_for()
        first = page.evaluate(LOOKS)
        assert (first["ground"], first["place"][0]) == ("rgb(17, 23, 26)", 26)
        go_on()
        page.locator(SIGHT).wait_for(state="detached")
        wait_until_drawn(page)
        assert page.evaluate(LOOKS) == first
