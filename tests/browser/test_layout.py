"""The page as one sees and hears it: room, places that stay, contrast, sizes of text, headings, the live region."""

from __future__ import annotations

from time import monotonic
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from gandash.charts.palettes import PALETTES
from gandash.core.metrics import METRICS
from gandash.core.targets.shapes import ShapeSpec
from gandash.pages import report
from tests.browser import stage
from tests.browser.conftest import OpenPage
from tests.browser.driver import CHARTS, epoch, press, until, wait_for_epoch, wait_until_drawn

PARTS = ("status", *CHARTS, "timeline", "tiles")

PLACES = """(keys) => Object.fromEntries(keys.map((key) => {
  const { x, y, width, height } = document.querySelector(`.st-key-${key}`).getBoundingClientRect();
  return [key, [x, y, width, height].map(Math.round)];
}))"""

FAINT = """() => {
  const parse = (text) => {
    const found = text.match(/[\\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    const scale = text.startsWith("color(") ? 255 : 1;
    return [found[0] * scale, found[1] * scale, found[2] * scale, found[3] ?? 1];
  };
  const over = (top, below) => [0, 1, 2].map((i) => top[i] * top[3] + below[i] * (1 - top[3]));
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const opacity = (element) => {
    let all = 1;
    for (let at = element; at; at = at.parentElement) all *= Number(getComputedStyle(at).opacity);
    return all;
  };
  const faint = [];
  const walker = document.createTreeWalker(document.querySelector("[data-testid=stApp]"), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility({ visibilityProperty: true })) continue;
    if (element.closest("style, script, [disabled], [aria-disabled=true], [data-testid=stIconMaterial]")) continue;
    if (element.closest(".modebar, .st-key-title, .st-key-announce")) continue;
    if (element.closest("[role=slider], [data-testid=stSlider]")) continue; // a value hangs outside its thumb
    const style = getComputedStyle(element);
    const box = element.getBoundingClientRect();
    if (box.width < 2 || box.height < 2 || !opacity(element) || !parse(style.color)[3]) continue;
    const below = ground(element);
    const colour = parse(element.closest("svg") ? style.fill : style.color);
    colour[3] *= opacity(element);
    const [a, b] = [light(over(colour, below)), light(below)].sort((x, y) => y - x);
    const contrast = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5) || size < 11)
      faint.push(`${text.slice(0, 40)}: ${contrast.toFixed(2)}, ${size} px`);
  }
  return [...new Set(faint)];
}"""


SMALL_FOR_A_FINGER = """() => [
  ...document.querySelectorAll(":is(.st-key-controls, .st-key-choose) button, .st-key-pages a")]
  .map((each) => [each.innerText, each.getBoundingClientRect()])
  .filter(([, { width }]) => width)
  .filter(([, { top, bottom, width, height }]) => height < 40 || width < 40 || top < 0 || bottom > innerHeight)
  .map(([text]) => text)"""

COUNT_WORDS = """() => {
  window.said = 0;
  const region = document.querySelector(".st-key-announce [role=status]");
  const every = { childList: true, characterData: true, subtree: true };
  new MutationObserver(() => (window.said += 1)).observe(region, every);
}"""


def places(page: Page) -> Any:
    return page.evaluate(PLACES, list(PARTS))


def brightness(page: Page) -> float:
    """How bright the page's background is, from 0 to 255."""
    background = page.evaluate("getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor")
    red, green, blue = background.removeprefix("rgb(").removesuffix(")").split(",")
    return (int(red) + int(green) + int(blue)) / 3


def share_of_styling(page: Page, seconds: float = 1.5) -> float:
    """How much of what the page's thread does goes into finding out which rules of style are for which element."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    found = []
    for wait in (seconds, 0):
        metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
        found.append((metrics["RecalcStyleDuration"], metrics["TaskDuration"]))
        page.wait_for_timeout(1000 * wait)
    session.detach()
    (styled, worked), (styled_then, worked_then) = found
    return float(styled_then - styled) / float(worked_then - worked)


def until_charts_are_drawn(page: Page) -> None:
    for key in CHARTS:
        page.wait_for_selector(f"[data-chart='{key}'] .main-svg >> nth=0")


def until_places_rest(page: Page) -> Any:
    """Wait until nothing has moved for a quarter of a second, and return where everything is."""
    seen: list[Any] = []
    while len(seen) < 4 or any(each != seen[-1] for each in seen[-4:]):
        seen.append(places(page))
        page.wait_for_timeout(80)
    return seen[-1]


def until_it_can_be_read(page: Page) -> None:
    """Check that all text can be read, once the colours of what has just changed have come to rest."""
    end = monotonic() + 10
    while (faint := page.evaluate(FAINT)) and monotonic() < end:
        page.wait_for_timeout(100)
    assert faint == []


def can_be_read_by_day_and_night(page: Page, theme: Literal["light", "dark"]) -> None:
    """Check that all text can be read, and once the page has turned to this theme with the system's, at sunset."""
    assert page.evaluate(FAINT) == []
    page.emulate_media(color_scheme=theme)
    for key in CHARTS:
        colour = f"document.querySelector(`[data-chart='{key}']`).layout.font.color"
        until(page, f"{colour} === '{PALETTES[theme].text}'")
    assert (brightness(page) > 128) == (theme == "light")
    until_it_can_be_read(page)


def test_nothing_moves_its_place_and_all_text_can_be_read_in_every_state(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(dashboard)
    until_charts_are_drawn(page)
    expect(page.locator(".st-key-status")).to_contain_text("Pick a shape")
    before = places(page)
    spoken = page.locator("[role=status]").filter(has_text="Ready")
    expect(spoken).to_have_count(1)
    assert brightness(page) > 128
    can_be_read_by_day_and_night(page, "dark")
    press(page, "Train")
    wait_for_epoch(page, 2)
    assert places(page) == before
    expect(page.locator(".st-key-announce [role=status]")).to_have_text("Exponential growth: Training.")
    can_be_read_by_day_and_night(page, "light")
    page.evaluate(COUNT_WORDS)
    wait_for_epoch(page, epoch(page) + 13)
    assert page.evaluate("window.said") == 0, "the live region does not chatter"
    press(page, "Pause")
    expect(page.locator(".st-key-status")).to_contain_text("Resume goes on from here")
    expect(page.locator(".st-key-report")).to_be_visible()
    assert places(page) == before
    expect(page.locator(".st-key-announce [role=status]")).to_contain_text("Exponential growth: Paused at epoch")
    can_be_read_by_day_and_night(page, "dark")
    assert places(page) == before
    assert page.locator("h1").count() == 1


def test_picture_figures_and_curves_fill_the_first_screen(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(dashboard)
    until_charts_are_drawn(page)
    for width, height in ((1280, 900), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        found = until_places_rest(page)
        for key in PARTS:
            x, y, wide, high = found[key]
            assert x >= 0 and x + wide <= width and y + high <= height, key
        assert found["overlay_chart"][3] + found["timeline"][3] >= height - 260, (
            "the picture, with the way through its past"
        )
        curves_end = found["metric_chart"][1] + found["metric_chart"][3]
        assert abs(curves_end - found["timeline"][1] - found["timeline"][3]) <= 16


def test_a_phone_has_one_column_in_the_order_of_reading_and_finds_the_runs(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(dashboard, width=390, height=844, touch=True)
    until_charts_are_drawn(page)
    found = places(page)
    small = page.evaluate(SMALL_FOR_A_FINGER)
    assert small == [], "40 pixels for a finger"
    order = ("status", "overlay_chart", "tiles", "loss_chart", "score_chart", "metric_chart")
    assert sorted(order, key=lambda key: float(found[key][1])) == list(order)
    assert found["overlay_chart"][1] + found["overlay_chart"][3] <= 844
    page.locator(".st-key-pages a", has_text="Runs").click()
    page.wait_for_url("**/runs**")
    wait_until_drawn(page)
    assert page.locator("h1").count() == 1
    page.locator(".st-key-pages a", has_text="Train").click()
    page.wait_for_selector(".st-key-stage")
    bar = page.locator(".gandash-course .gandash-bar")
    ready = bar.bounding_box()
    press(page, "Train")
    wait_for_epoch(page, 1)
    assert places(page) == found and bar.bounding_box() == ready, "though the line that says how fast it goes is new"
    assert share_of_styling(page) < 0.5, "points that move are no reason to style the page anew"
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") == 390
    for key in CHARTS:
        box = page.locator(f"[data-chart='{key}']").bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= 390


def test_a_phone_held_across_shows_the_picture(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(dashboard, width=844, height=390, touch=True)
    until_charts_are_drawn(page)
    x, y, wide, high = places(page)["overlay_chart"]
    assert x >= 0 and x + wide <= 844 and wide >= 240
    assert y >= 0 and y + high <= 390 and high >= 200
    assert page.evaluate("document.documentElement.scrollWidth") == 844


@pytest.mark.parametrize("generators", [["value"], ["first", "second"]], ids=len)
def test_a_reports_figures_keep_to_their_columns_on_a_phone(browser: Browser, generators: list[str]) -> None:
    every = dict.fromkeys(METRICS, 1.234)
    lines = report.lines(ShapeSpec(name="exponential").build(), dict.fromkeys(generators, (every, 4.5)))
    head, _, *rows = [line.strip("| ").split(" | ") for line in lines.splitlines()]
    tagged = [("th", head), *(("td", row) for row in rows)]
    parts = [f"<tr>{''.join(f'<{tag}>{cell}</{tag}>' for cell in row)}</tr>" for tag, row in tagged]
    table = f"<table><thead>{parts[0]}</thead><tbody>{''.join(parts[1:])}</tbody></table>"
    with stage.empty_stage(browser) as page:
        page.set_viewport_size({"width": 390, "height": 844})
        page.evaluate("(table) => { document.body.innerHTML = `<div class=st-key-report>${table}</div>`; }", table)
        cells = "[...document.querySelectorAll('td')].filter((each) => each.offsetWidth)"
        assert page.evaluate(f"{cells}.length") >= 3 * len(rows)
        cut = f"{cells}.filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.innerText)"
        assert page.evaluate(cut) == []
