"""All of a page turns over to another run in one frame, though its elements are told of it one after the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import stage

LOAD = """async () => {
  const { together } = await import("/follow.js");
  window.setTimeout = (due) => { window.due = due; return 1; }; // a turn is late when the test says so
  window.setInterval = (due) => { window.look = due; return 2; };
  window.clearInterval = () => { window.look = null; };
  window.app = document.body.appendChild(document.createElement("div"));
  window.app.dataset.testid = "stApp";
  window.drawn = [];
  window.parents = {};
  window.tell = (...told) => {
    for (const each of told) {
      const [name, run, more] = each.split(" ");
      const parentElement = (window.parents[name] ??= document.body.appendChild(document.createElement("div")));
      const component = { data: { name, run, more }, parentElement };
      together(component, ({ data }) => window.drawn.push(`${name} ${data.run}`), more !== "aside");
    }
    return window.drawn.splice(0);
  };
  window.late = () => Object.keys(window.parents).filter((name) => window.parents[name].dataset.late === "true");
}"""


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    with stage.empty_stage(browser) as page:
        yield page


@pytest.fixture
def page(window: Page) -> Page:
    """A page that knows nothing of the test before."""
    window.goto(stage.ADDRESS)
    window.evaluate(LOAD)
    return window


def tell(page: Page, *told: str) -> list[str]:
    """Tell elements, such as "strip run words", and return what was drawn by the end of that; "aside" holds up none."""
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


AHEAD = """async (patches) => {
  const { foresee } = await import("/follow.js");
  foresee(({ name }) => patches[name] ?? null);
  return window.drawn.splice(0);
}"""


def script_is(page: Page, state: str, looks: int) -> list[str]:
    """Streamlit's script is in this state for so many looks; returns what is drawn by then."""
    drawn: list[str] = page.evaluate(
        """([state, looks]) => {
          window.app.dataset.testScriptState = state;
          for (let look = 0; look < looks; look++) window.look?.();
          return window.drawn.splice(0);
        }""",
        [state, looks],
    )
    return drawn


def test_what_a_press_leads_to_is_drawn_at_once_and_what_was_told_before_no_more(page: Page) -> None:
    tell(page, "strip a", "chart a", "quality a aside")
    assert page.evaluate(AHEAD, {"strip": {"run": ""}, "chart": {"run": ""}}) == ["strip ", "chart "]
    assert page.evaluate("window.late()") == ["quality"], "what belongs to the run before is not seen"
    assert tell(page, "strip a", "chart a") == [], "by a script that had begun before the press"
    assert tell(page, "strip b", "chart b") == ["strip b", "chart b"]
    assert script_is(page, "notRunning", 1000) == []
    assert tell(page, "strip a", "chart a") == ["strip a", "chart a"], "it is the script's answer now"


def test_news_of_the_run_before_is_not_the_answer_to_a_press(page: Page) -> None:
    tell(page, "strip a", "chart a")
    assert page.evaluate(AHEAD, {"strip": {"run": ""}, "chart": {"run": ""}}) == ["strip ", "chart "]
    assert tell(page, "strip a words", "chart a words") == []
    assert page.evaluate("window.late()") == []


def test_one_press_after_the_other_is_drawn_ahead(page: Page) -> None:
    tell(page, "chart a")
    assert page.evaluate(AHEAD, {"chart": {"run": "b"}}) == ["chart b"]
    assert page.evaluate(AHEAD, {"chart": {"run": "c"}}) == ["chart c"]
    assert tell(page, "chart b") == [], "the answer to the first"
    assert tell(page, "chart c") == ["chart c"]


def test_nothing_is_drawn_ahead_where_one_element_is_the_scripts_alone(page: Page) -> None:
    tell(page, "strip a", "goal a")
    assert page.evaluate(AHEAD, {"strip": {"run": ""}}) == []
    assert tell(page, "strip a") == ["strip a"]


def test_the_script_has_the_last_word(page: Page) -> None:
    tell(page, "strip a", "chart a")
    page.evaluate(AHEAD, {"strip": {"run": ""}, "chart": {"run": ""}})
    assert script_is(page, "notRunning", 600) == [], "it has not begun"
    assert script_is(page, "running", 1000) == [], "however long it takes"
    assert tell(page, "strip a") == []
    assert script_is(page, "notRunning", 8) == [], "something may still come"
    assert script_is(page, "notRunning", 1) == ["strip a", "chart a"], "the press was refused"
    assert page.evaluate("window.look") is None
    page.evaluate(AHEAD, {"strip": {"run": ""}, "chart": {"run": ""}})
    assert script_is(page, "notRunning", 601) == ["strip a", "chart a"], "the script was not asked at all"
