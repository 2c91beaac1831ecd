"""A real browser on a real server: what every test in this folder is built from.

A page whose console tells of an error fails its test. Wait with `page.wait_for_timeout`, never with `time.sleep`, which
stops the browser's events as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from tests.browser.driver import NoBrowserError, dashboard_server, headless_chromium, wait_until_drawn

OpenPage = Callable[..., Page]

expect.set_options(timeout=30_000)  # as long as everything else: a busy machine is no defect


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Headless Chromium, one for the folder: left open it would keep other tests from using asyncio."""
    try:
        with headless_chromium() as chromium:
            yield chromium
    except NoBrowserError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))


@pytest.fixture(scope="package")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one dashboard for the folder; a run whose page has gone is paused a little later."""
    with dashboard_server(tmp_path_factory.mktemp("dashboard"), {"GANDASH_IDLE_PAUSE": "8"}) as (url, _):
        yield url


@pytest.fixture
def console_errors() -> list[str]:
    """What the consoles of this test's pages have complained about so far; a test that provokes errors clears it."""
    return []


@pytest.fixture
def open_page(browser: Browser, console_errors: list[str]) -> Iterator[OpenPage]:
    """Open an address in a window of its own: `open_page(url, width=390, theme="dark") -> Page`.

    The page is there once Streamlit's first script run has ended, unless it has no `session`. An error in its console
    fails the test at the end.
    """
    contexts = []

    def open_(
        url: str,
        *,
        width: int = 1280,
        height: int = 900,
        theme: Literal["light", "dark"] = "light",
        touch: bool = False,
        session: bool = True,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, has_touch=touch, is_mobile=touch
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: console_errors.extend(_complaints(message)))
        page.on("pageerror", lambda error: console_errors.append(str(error)))
        page.goto(url)
        if session:
            wait_until_drawn(page)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert console_errors == []


def _complaints(message: ConsoleMessage) -> list[str]:
    return [f"{message.text} ({message.location})"] if message.type == "error" else []
