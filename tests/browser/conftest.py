"""A real browser on a real server: what every test in this folder is built from.

A page whose console tells of an error fails its test. Wait with `page.wait_for_timeout`, never with `time.sleep`, which
stops the browser's events as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.driver import NoBrowserError, dashboard_server, headless_chromium
from tests.browser.tabs import Tabs

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


@pytest.fixture(scope="package")
def tabs(browser: Browser) -> Tabs:
    """The folder's windows, which keep what they have loaded."""
    return Tabs(browser)


@pytest.fixture
def open_page(tabs: Tabs, console_errors: list[str]) -> Iterator[OpenPage]:
    """Open an address in a window: `open_page(url, width=390, theme="dark") -> Page`; see `Tabs.open`.

    An error in its console fails the test at the end.
    """

    def open_(url: str, **options: Any) -> Page:
        return tabs.open(url, console_errors, **options)

    yield open_
    tabs.leave()
    assert console_errors == []
