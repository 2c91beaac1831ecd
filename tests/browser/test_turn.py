"""All of a page turns over to another run in one frame, though its elements are told of it one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import stage

LOAD = """async () => {
  const { together } = await import("/follow.js");
  window.setTimeout = (due) => { window.due = due; return 1; }; // a turn is late when the test says so
  window.drawn = [];
  window.parents = {};
  window.tell = (...told) => {
    for (const each of told) {
      const [name, run, counts] = each.split(" ");
      const parentElement = (window.parents[name] ??= document.body.appendChild(document.createElement("div")));
      const component = { data: { run }, parentElement };
      together(component, ({ data }) => window.drawn.push(`${name} ${data.run}`), !counts);
    }
    return window.drawn.splice(0);
  };
  window.late = () => Object.keys(window.parents).filter((name) => window.parents[name].dataset.late === "true");
}"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with stage.empty_stage(browser) as page:
        page.evaluate(LOAD)
        yield page


def tell(page: Page, *told: str) -> list[str]:
    """Tell elements, such as "strip run", and return what was drawn by the end of that; "aside" holds up none."""
    drawn: list[str] = page.evaluate("(told) => window.tell(...told)", told)
    return drawn


def test_what_is_told_of_another_run_waits_until_all_are(page: Page) -> None:
    first = ["strip a", "tiles a", "chart a"]
    assert [tell(page, each) for each in first] == [[each] for each in first], "what comes to a page is there at once"
    assert tell(page, "tiles a") == ["tiles a"]
    assert tell(page, "strip b", "tiles b", "strip b") == []
    assert tell(page, "strip b", "tiles b", "chart b") == ["strip b", "tiles b", "chart b"]
    assert page.evaluate("window.late()") == []


def test_who_is_told_too_late_is_not_seen_and_holds_up_none(page: Page) -> None:
    tell(page, "strip a", "chart a", "quality a aside")
    assert tell(page, "strip b", "chart b") == ["strip b", "chart b"]
    assert page.evaluate("window.late()") == ["quality"]
    assert tell(page, "quality b aside") == ["quality b"]
    assert page.evaluate("window.late()") == []
    assert tell(page, "strip c") == []
    assert page.evaluate("[window.due(), window.drawn.splice(0), window.late()].slice(1)") == [
        ["strip c"],
        ["chart", "quality"],
    ]
    assert tell(page, "chart c", "quality c aside") == ["chart c", "quality c"]


def test_what_has_left_the_page_is_not_waited_for(page: Page) -> None:
    tell(page, "strip a", "chart a")
    page.evaluate("window.parents.chart.remove()")
    assert tell(page, "strip b") == ["strip b"]


def test_only_the_newest_run_is_turned_to(page: Page) -> None:
    tell(page, "strip a", "chart a")
    assert tell(page, "strip b", "strip c", "chart b") == []
    assert tell(page, "strip c", "chart c") == ["strip c", "chart c"]


def test_an_element_that_fails_is_not_anothers_matter(page: Page) -> None:
    page.evaluate(
        """async () => {
          const { together } = await import("/follow.js");
          const parentElement = document.body.appendChild(document.createElement("div"));
          together({ data: { run: "a" }, parentElement }, () => { throw new Error("mine"); });
        }"""
    )
    assert tell(page, "strip a") == ["strip a"]
