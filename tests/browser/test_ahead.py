"""What is pressed is on screen before the server has answered, and the answer changes nothing of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.driver import OVERLAY, press, until, wait_for_epoch, wait_until_drawn

TITLE = f"document.querySelector(`{OVERLAY}`)?.querySelector('.gtitle')?.textContent"
SEEN = f"""() => {{
  const picture = document.querySelector(`{OVERLAY}`);
  const {{ stars, dots }} = document.querySelector(".gandash-sky").dataset;
  const words = (key) => document.querySelector(`.st-key-${{key}}`).innerText.replace(/\\s+/g, " ");
  const curves = (name) => document.querySelector(`[data-chart=${{name}}_chart]`).data.map(({{ x }}) => x.length);
  return {{
    title: {TITLE}, label: picture.getAttribute("aria-label"), epoch: picture.dataset.epoch ?? "", stars, dots,
    strip: words("status"), tiles: words("tiles"), curves: ["loss", "score"].map(curves),
  }};
}}"""


HOLD = """() => {
  const add = WebSocket.prototype.addEventListener;
  WebSocket.prototype.addEventListener = function (kind, listener, ...rest) {
    const hear = (event) => {
      if (window.held) window.held.push(() => listener.call(this, event));
      else listener.call(this, event);
    };
    const ours = kind === "message" && this.url.includes("/_stcore/stream");
    return add.call(this, kind, ours ? hear : listener, ...rest);
  };
}"""
GO_ON = """() => {
  const held = window.held;
  window.held = null;
  for (const hear of held) hear();
}"""


class Slow:
    """A dashboard whose server's answers are held back on demand, until `end`."""

    def __init__(self, open_page: OpenPage, address: str) -> None:
        self.page = open_page("about:blank", session=False)
        self._session = self.page.context.new_cdp_session(self.page)  # what it adds goes with it, the window is kept
        self._session.send("Page.enable")
        self._session.send("Page.addScriptToEvaluateOnNewDocument", {"source": f"({HOLD})()"})
        self.page.goto(address)
        wait_until_drawn(self.page)
        self.page.wait_for_selector(f"{OVERLAY} .main-svg")
        until(self.page, "document.querySelector('.st-key-status').innerText.includes('Pick a shape')")
        self.rest()

    def rest(self) -> None:
        """Until nothing more comes of what was asked for."""
        self.page.wait_for_timeout(400)
        wait_until_drawn(self.page)

    def hold(self) -> None:
        self.page.evaluate("window.held = []")

    def go_on(self) -> None:
        until(self.page, "window.held.length")
        self.page.evaluate(GO_ON)
        self.rest()

    def seen(self) -> dict[str, object]:
        found: dict[str, object] = self.page.evaluate(SEEN)
        return found

    def end(self) -> None:
        self._session.detach()


@pytest.fixture
def slow(open_page: OpenPage, dashboard: str) -> Iterator[Slow]:
    page = Slow(open_page, dashboard)
    yield page
    page.end()


def plots(page: Page) -> int:
    """How often Plotly has drawn the picture since this was asked for first; curves it draws by `react`."""
    count: int = page.evaluate(
        """() => {
          if (window.plots === undefined) {
            window.plots = 0;
            const { newPlot } = window.Plotly;
            window.Plotly.newPlot = (...told) => { window.plots += 1; return newPlot(...told); };
          }
          return window.plots;
        }"""
    )
    return count


def test_a_shape_train_and_reset_do_not_wait_for_the_server(slow: Slow) -> None:
    page = slow.page
    plots(page)
    for by_key in (False, True):
        slow.hold()
        if by_key:
            page.keyboard.press("ArrowRight")
        else:
            page.locator("label").filter(has_text="Heart").first.click()
        shape = "Star" if by_key else "Heart"
        until(page, f"{TITLE} === '{shape}'")
        ahead = slow.seen()
        assert ahead["label"] == f"Real points of {shape}; nothing is generated yet." and ahead["dots"] == "2048"
        assert "Curve error" not in str(ahead["tiles"])
        drawn = plots(page)
        slow.go_on()
        assert {**slow.seen(), "stars": ""} == {**ahead, "stars": ""}, "but for its film"
        assert plots(page) == drawn, "the picture is not drawn twice"

    slow.hold()
    page.keyboard.press("ArrowLeft")
    until(page, f"{TITLE} === 'Heart'")
    page.keyboard.press("ArrowRight")
    until(page, f"{TITLE} === 'Star'")
    press(page, "Train")
    until(page, "document.querySelector('.st-key-status').innerText.includes('Starting')")
    assert "builds the networks" in str(slow.seen()["strip"]) and slow.seen()["title"] == "Star"
    slow.go_on()
    wait_for_epoch(page, 1)
    press(page, "Pause")
    page.locator(".st-key-status").get_by_text("Paused", exact=True).wait_for()
    page.get_by_role("button", name="Resume").wait_for()
    slow.rest()

    slow.hold()
    press(page, "Reset")
    until(page, "document.querySelector('.st-key-status').innerText.includes('Ready')")
    until(page, f"{TITLE} === 'Star' && !document.querySelector(`{OVERLAY}`).dataset.epoch")
    ahead = slow.seen()
    assert ahead["curves"] == [[0, 0], [0, 0]] and "Gap to real ? –" in str(ahead["tiles"])
    expect(page.locator(".st-key-downloads")).not_to_be_visible()
    slow.go_on()
    expect(page.locator(".st-key-downloads")).to_have_count(0)
    assert {**slow.seen(), "stars": ""} == {**ahead, "stars": ""}
    assert "run=" not in page.url


def test_a_press_that_is_refused_is_taken_back(slow: Slow) -> None:
    page = slow.page
    press(page, "Train")
    wait_for_epoch(page, 1)
    press(page, "Pause")
    page.get_by_role("button", name="Resume").wait_for()
    slow.rest()
    before = slow.seen()
    # as if the press were told to nobody
    page.evaluate("document.dispatchEvent(new CustomEvent('gandash-press', { detail: 'reset' }))")
    until(page, "document.querySelector('.st-key-status').innerText.includes('Ready')")
    press(page, "Share")  # for which the script draws the run
    until(page, "document.querySelector('.st-key-status').innerText.includes('Paused')")
    until(page, f"document.querySelector(`{OVERLAY}`).dataset.epoch === '{before['epoch']}'")
    after = slow.seen()
    assert {**after, "curves": ""} == {**before, "curves": ""}


def test_a_shape_beside_a_run_leaves_the_picture_to_the_run(slow: Slow) -> None:
    page = slow.page
    press(page, "Train")
    wait_for_epoch(page, 1)
    page.locator("label").filter(has_text="Heart").first.click()
    page.locator(".st-key-next_run").get_by_text("Heart").wait_for()
    assert slow.seen()["title"] == "Exponential growth"
