"""How soon the page shows what it is asked for, as the page itself notes it."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page

from tests.browser.driver import until, wait_until_drawn

REST_MS = 1500
SEEN = """(...untils) => {
  const seen = (window.gandashSeen = { begun: performance.now(), painted: [] });
  const note = ({ timeStamp }) => (seen.begun = timeStamp);
  for (const kind of ["click", "keydown"]) addEventListener(kind, note, { capture: true, once: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", note, { once: true });
  const look = async () => {
    for (const until of untils) {
      do await new Promise(requestAnimationFrame); while (!until());
      await scheduler.postTask(() => {}, { priority: "user-blocking" }); // that frame is painted
      seen.painted.push(performance.now());
    }
  };
  look();
}"""
"""Notes from now on when something is asked for, and when the page has painted what functions say one after another."""


def seen(page: Page, begin: Callable[[], object], *shown: str) -> list[float]:
    """The seconds from what `begin` does until the page shows each of some expressions, one after the other.

    They count from the click, the key or the system's word itself, which the driver of the browser takes a while to
    come to.
    """
    page.wait_for_timeout(REST_MS)
    wait_until_drawn(page)
    page.evaluate(f"() => ({SEEN})({', '.join(f'() => {expression}' for expression in shown)})")
    begin()
    until(page, f"gandashSeen.painted.length === {len(shown)}")
    seconds: list[float] = page.evaluate("gandashSeen.painted.map((at) => (at - gandashSeen.begun) / 1000)")
    return seconds
