"""Windows that the tests of this folder share, one after the other.

A window that is new has to read Streamlit and Plotly again, which takes seconds. So a test is handed a window that an
earlier one has left, without its cookies, its storage and its run.
"""

from __future__ import annotations

from typing import Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.browser.driver import wait_until_drawn

LEAVE = """() => {
  const button = document.querySelector(".st-key-train button");
  const training = Boolean(button?.innerText.includes("Pause"));
  if (training) button.click();
  try {
    localStorage.clear();
    sessionStorage.clear();
  } catch {} // a page without an address has none
  return training;
}"""
"""Pauses what is training, and forgets what a page has kept in its browser; true if there was something to pause."""


class Tabs:
    """All windows, of a few browsers that know nothing of each other: by mouse, by finger, and another one each."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._contexts: dict[tuple[bool, bool], BrowserContext] = {}
        self._free: dict[BrowserContext, list[Page]] = {}
        self._used: list[Page] = []
        self._told: list[str] = []

    def open(
        self,
        url: str,
        complaints: list[str],
        *,
        width: int = 1280,
        height: int = 900,
        theme: Literal["light", "dark"] = "light",
        touch: bool = False,
        session: bool = True,
        motion: bool = False,
        another: bool = False,
        kept: bool = True,
    ) -> Page:
        """Open an address; what the console complains about goes to `complaints`.

        The page is there once Streamlit's first script run has ended, unless it has no `session`. Points jump from
        epoch to epoch unless there is `motion`: they glide at the cost of a core. `another` is a browser that does not
        share the cookies of the test's first one. A window is not `kept` if what is done to it cannot be undone: it is
        closed at the end.
        """
        self._told = complaints
        context = self._contexts.get((touch, another))
        if context is None:
            context = self._contexts[touch, another] = self._browser.new_context(has_touch=touch, is_mobile=touch)
            self._free[context] = []
        page = self._free[context].pop() if kept and self._free[context] else self._new(context)
        if kept:
            self._used.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=theme, reduced_motion="no-preference" if motion else "reduce")
        page.goto(url)
        if session:
            wait_until_drawn(page)
        return page

    def leave(self) -> None:
        """End what the test has begun: its runs are paused, its cookies forgotten, its windows free for the next."""
        ready = [page for pages in self._free.values() for page in pages]
        left = [page for context in self._contexts.values() for page in context.pages if page not in ready]
        paused = [page.evaluate(LEAVE) for page in left]
        if any(paused):
            left[0].wait_for_timeout(200)  # the click is on its way
        for page in left:
            if page in self._used:
                page.goto("about:blank")
                self._free[page.context].append(page)
            else:
                page.close()
        self._used = []
        for context in self._contexts.values():
            context.clear_cookies()

    def _new(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self._told.append(str(error)))
        return page

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._told.append(f"{message.text} ({message.location})")
