"""Whose run it is, by the cookies of real browsers: one's own after a reload, another browser's, a frame's."""

from __future__ import annotations

import re

from playwright.sync_api import FrameLocator, Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.driver import press, slow_down

ANOTHERS = "Train this set-up yourself"


def named(page: Page | FrameLocator, button: str) -> Locator:
    return page.get_by_role("button", name=button, exact=True)


def started(page: Page) -> str:
    """Start a run, a slow one, and return its address."""
    slow_down(page)
    press(page, "Train")
    expect(named(page, "Pause")).to_be_visible()
    page.wait_for_url("**/?run=*")
    return page.url


def test_a_run_is_its_browsers_own_after_a_reload_and_nobody_elses(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(dashboard)
    address = started(page)
    page.reload()
    expect(named(page, "Pause")).to_be_visible()
    assert "gandash_owner" not in page.evaluate("document.cookie"), "no script can read it"
    expect(page.get_by_text("keeps no cookie")).to_have_count(0)

    other = open_page(address, width=390, height=844, another=True)
    expect(named(other, ANOTHERS)).to_be_visible()
    expect(other.get_by_role("button", name="Step", exact=True)).to_have_count(0)
    assert other.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it fits a phone"
    other.keyboard.press("s")
    named(other, ANOTHERS).click()
    expect(named(other, "Pause")).to_be_visible()
    assert other.url != address
    expect(named(page, "Pause")).to_be_visible()
    for each in (page, other):
        press(each, "Pause")
        expect(each.get_by_role("button", name="Resume", exact=True)).to_be_visible()


def test_a_control_link_is_good_in_another_browser_and_leaves_its_address(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(dashboard)
    address = started(page)
    page.locator("[data-testid='stTopNavLink']").filter(has_text="Runs").click()
    page.get_by_role("button", name=re.compile("More for")).first.click()
    page.get_by_text("Control link…").click()
    link = page.locator("[role=dialog] code").inner_text()
    assert "control=" in link
    other = open_page(dashboard + link[link.index("/?") :], another=True)
    expect(named(other, "Pause")).to_be_visible()
    other.wait_for_url(address)
    press(other, "Pause")
    expect(other.get_by_role("button", name="Resume", exact=True)).to_be_visible()


def test_in_a_frame_of_another_site_control_ends_with_the_page_which_says_so(
    dashboard: str, open_page: OpenPage, console_errors: list[str]
) -> None:
    page = open_page(dashboard, session=False)  # which gives it a cookie
    page.goto(f"{dashboard.replace('127.0.0.1', 'localhost')}/_stcore/health")
    page.set_content(f"<iframe src='{dashboard}/?embed=true' width=1200 height=800></iframe>")
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Train", exact=True).click()
    expect(named(frame, "Pause")).to_be_visible()
    sentence = frame.get_by_text("keeps no cookie here")
    expect(sentence).to_be_visible()
    frame.get_by_role("button", name="Control link").click()
    expect(frame.locator("[data-testid=stPopoverBody] code")).to_contain_text("&control=")
    frame.locator("body").press("Escape")
    named(frame, "Pause").click()
    expect(named(frame, "Resume")).to_be_visible()
    frame.locator("body").press("p")
    expect(named(frame, "Leave the presentation")).to_be_visible()
    expect(sentence).to_be_visible()
    picture = frame.locator(".st-key-overlay").bounding_box()
    assert picture and picture["height"] > 700, "the sentence takes nothing of it"
    console_errors.clear()  # a frame without cookies complains of what Streamlit itself tries
