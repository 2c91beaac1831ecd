"""Targets of one's own in a real browser: drawn with mouse and finger, typed, and trained live."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser, Page, expect

from gandash.core import link
from gandash.core.config import RunConfig
from gandash.core.targets import TargetSpec
from gandash.core.targets.drawn import DrawnSpec
from gandash.core.targets.table import TableSpec
from tests.browser.conftest import OpenPage
from tests.browser.driver import OVERLAY, wait_for_epoch, wait_until_drawn
from tests.browser.stage import empty_stage

CANVAS = ".gandash-draw canvas"
TRAIN = ".st-key-train button:visible"
SMALL = RunConfig(points=256, generator_widths=(8,), discriminator_widths=(8,), epochs=100_000, seed=3)


def target_of(page: Page) -> TargetSpec:
    """The target that the address holds."""
    config, wrong = link.decode(parse_qs(urlparse(page.url).query)["setup"][0])
    assert not wrong
    return config.target


def places(page: Page, corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Where these places of the canvas, from -1 to 1, are on the screen."""
    box = page.locator(CANVAS).bounding_box()
    assert box is not None
    return [(box["x"] + (1 + x) / 2 * box["width"], box["y"] + (1 - y) / 2 * box["height"]) for x, y in corners]


def drag(page: Page, corners: list[tuple[float, float]]) -> None:
    first, *rest = places(page, corners)
    page.mouse.move(*first)
    page.mouse.down()
    for place in rest:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def swipe(page: Page, corners: list[tuple[float, float]]) -> None:
    """The same with a finger."""
    session = page.context.new_cdp_session(page)
    for i, (x, y) in enumerate(places(page, corners)):
        kind = "touchMove" if i else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def choose_own(page: Page, form: str) -> None:
    """Choose a form of *Own* among what to learn, not the recipe of that name, once the page is there."""
    wait_until_drawn(page)
    page.locator(".st-key-target_group").get_by_role("radio", name="Own", exact=True).click()
    page.get_by_role("radio", name=form, exact=True).click()


def choose_drawing(page: Page) -> None:
    choose_own(page, "Draw")
    page.wait_for_selector(CANVAS)


def test_a_drawing_and_a_formula_are_trained_live(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(f"{dashboard}/?setup={link.encode(SMALL)}")
    strip = page.locator(".st-key-status")
    expect(page.locator(TRAIN)).to_be_enabled()
    wait_until_drawn(page)
    page.wait_for_selector(f"{OVERLAY} .main-svg")  # the charts come last
    place = strip.bounding_box()
    choose_drawing(page)
    expect(page.locator(TRAIN)).to_be_disabled()
    expect(strip).to_contain_text("Draw a line in the sidebar")
    assert strip.bounding_box() == place, "nothing moves because Train is off"
    drag(page, [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5)])
    expect(page.locator(TRAIN)).to_be_enabled()
    page.wait_for_function("location.href.includes('drawn.')")
    spec = target_of(page)
    assert isinstance(spec, DrawnSpec)
    (stroke,) = spec.strokes
    assert stroke.width == 40 and len(stroke.corners) == 3, "straight lines need no corners between"
    for (x, y), (a, b) in zip(stroke.corners, [(-500, -500), (500, -500), (500, 500)], strict=True):
        assert math.hypot(x - a, y - b) < 15
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(TRAIN)).to_be_disabled()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(TRAIN)).to_be_enabled()
    page.get_by_role("button", name="Eraser").click()
    drag(page, [(0, -0.6), (0, -0.4)])
    expect(page.locator(CANVAS)).to_have_attribute("aria-label", "Your drawing: 2 strokes")
    page.get_by_role("button", name="Larger").click()
    page.get_by_role("button", name="Brush").click()
    drag(page, [(-0.8, 0.8), (0.8, 0.8)])
    page.keyboard.press("Escape")
    expect(page.locator(CANVAS)).to_have_attribute("aria-label", "Your drawing: 3 strokes")
    page.locator(TRAIN).click()
    wait_for_epoch(page, 3)
    expect(page.locator(OVERLAY).get_by_text("A drawing")).to_be_visible()
    page.reload()
    wait_until_drawn(page)
    expect(page.locator(CANVAS)).to_have_attribute("aria-label", "Your drawing: 3 strokes")
    page.locator(".st-key-own_form").get_by_text("y = f(x)").click()
    field = page.get_by_role("textbox", name="y(x) =")
    field.fill("")
    field.press_sequentially("sin(x)")  # nobody presses Enter
    page.wait_for_function("location.href.includes('formula.')")
    field.press_sequentially("/(")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    field.press_sequentially("1+x^2)")
    expect(page.locator(".st-key-wrong_formula_y")).to_have_count(0)
    expect(field).to_have_value("sin(x)/(1+x^2)")
    page.get_by_role("button", name="Train next run").press("Enter")
    wait_for_epoch(page, 3)
    expect(page.locator(OVERLAY).get_by_text("y = sin(x)/(1+x^2)")).to_be_visible()


DROP = """(element, [name, text]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], name));
  for (const type of ["dragover", "drop"])
    element.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
}"""


def test_a_file_is_sent_and_two_of_its_columns_are_trained_live(
    dashboard: str, open_page: OpenPage, console_errors: list[str], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    incomes, heights = np.exp(rng.normal(9, 1.5, 400)), rng.normal(100_000, 1000, 400)
    both = zip(incomes, heights, strict=True)
    lines = [f"{i},<img src=x>,{income:.3f},{height:.1f}" for i, (income, height) in enumerate(both)]
    file = tmp_path / "![x](evil) <img src=x>.csv"
    file.write_text("\n".join(["id,name,[income](http://a),<b>height</b>", *lines, "400,nobody,,"]))
    page = open_page(f"{dashboard}/?setup={link.encode(SMALL)}")
    outside: list[str] = []
    page.on("request", lambda asked: outside.append(asked.url) if "127.0.0.1" not in asked.url else None)
    choose_own(page, "Upload")
    area, said = page.locator(".gandash-upload"), page.locator(".gandash-upload [role=status]")
    area.wait_for()
    page.route("**/uploads", lambda _: None)  # it never comes to an end
    page.set_input_files(".gandash-upload input[type=file]", file)
    expect(said).to_contain_text("% sent")
    area.get_by_role("button", name="Cancel").click()
    expect(area.get_by_role("button", name="Choose a file")).to_be_focused()
    page.unroute("**/uploads")
    area.evaluate(DROP, ["picture.csv", "\x89PNG..............."])
    expect(area.get_by_role("alert")).to_contain_text("picture.csv")
    console_errors.clear()
    expect(page.locator(TRAIN)).to_be_disabled()

    page.set_input_files(".gandash-upload input[type=file]", file)
    expect(area.get_by_role("cell", name="<img src=x>").first).to_be_visible()
    page.reload()
    choose_own(page, "Upload")
    expect(said).to_contain_text(f"{file.name}: choose two columns")
    x, y = area.get_by_label("Column of the x axis"), area.get_by_label("Column of the y axis")
    assert x.locator("option:checked").text_content() == "[income](http://a)"
    assert y.locator("option").all_text_contents() == ["id", "[income](http://a)", "<b>height</b>"]
    area.get_by_role("checkbox").check()
    area.get_by_role("button", name="Use this data").press("Enter")
    expect(area.get_by_text("1 row of 401 without a finite number")).to_be_visible()
    page.wait_for_function("location.href.includes('table.')")
    spec = target_of(page)
    assert isinstance(spec, TableSpec)
    assert spec.columns == ("[income](http://a)", "<b>height</b>") and spec.logarithm == (0,)
    page.locator(TRAIN).click()
    wait_for_epoch(page, 3)
    expect(page.locator(OVERLAY).get_by_text("[income](http://a)", exact=True)).to_be_visible()
    expect(page.locator(f"{OVERLAY} .xtick text", has_text="1e4")).to_be_visible()  # by its logarithm, as it is learnt
    with page.expect_download() as coming:
        page.locator(".st-key-download_generator button").first.click()
    generator = torch.jit.load(coming.value.path())  # type: ignore[no-untyped-call]
    points = generator(torch.randn(500, 2)).numpy()
    assert (points[:, 0] > 0).all() and abs(np.median(np.log(points[:, 0])) - 9) < 4
    assert abs(np.median(points[:, 1]) - 100_000) < 5000
    assert outside == []


def test_a_finger_draws_and_the_page_stays(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(f"{dashboard}/?setup={link.encode(SMALL)}", width=390, height=844, theme="dark", touch=True)
    page.locator(".st-key-choose button:visible").click()
    choose_drawing(page)
    box = page.locator(CANVAS).bounding_box()
    assert box is not None and box["width"] > 250
    swipe(page, [(-0.5, 0.5), (0, 0), (0.5, -0.5), (0.6, -0.8)])
    expect(page.locator(CANVAS)).to_have_attribute("aria-label", "Your drawing: 1 stroke")
    page.wait_for_function("location.href.includes('drawn.')")
    assert page.locator(CANVAS).bounding_box() == box, "a finger on the canvas does not scroll"
    for button in page.locator(".gandash-draw button").all():
        size = button.bounding_box()
        assert size is not None and size["height"] >= 40


@pytest.fixture(scope="module")
def stage(browser: Browser) -> Iterator[Page]:
    with empty_stage(browser) as page:
        page.evaluate("async () => { window.drawing = await import('/draw.js'); }")
        yield page


def call(page: Page, name: str, *arguments: Any) -> Any:
    return page.evaluate("([name, given]) => window.drawing[name](...given)", [name, list(arguments)])


def test_a_simplified_line_is_never_far_from_what_was_drawn(stage: Page) -> None:
    circle = [[500 * math.cos(i / 50), 500 * math.sin(i / 50)] for i in range(315)]
    found = call(stage, "simplified", circle, 4)
    assert 15 < len(found) < 45 and found[0] == circle[0] and found[-1] == circle[-1]
    for x, y in circle:
        assert min(distance((x, y), a, b) for a, b in pairwise(found)) <= 4 + 1e-9
    assert call(stage, "simplified", [[0, 0]], 4) == [[0, 0]]
    assert call(stage, "simplified", [[0, 0], [9, 0], [0, 0]], 4) == [[0, 0], [9, 0], [0, 0]], "there and back"


def distance(point: tuple[float, float], a: list[float], b: list[float]) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    share = ((point[0] - a[0]) * dx + (point[1] - a[1]) * dy) / (dx * dx + dy * dy)
    share = min(1.0, max(0.0, share))
    return math.hypot(point[0] - a[0] - share * dx, point[1] - a[1] - share * dy)


def test_the_eraser_cuts_what_lies_under_it(stage: Page) -> None:
    line = {"width": 20, "corners": [[-100, 0], [100, 0]]}
    left, right = call(stage, "cut", line, [0, 0], 50)
    assert left == {"width": 20, "corners": [[-100, 0], [-50, 0]]}
    assert right == {"width": 20, "corners": [[50, 0], [100, 0]]}
    assert call(stage, "cut", line, [0, 80], 50) == [line]
    assert call(stage, "cut", line, [0, 0], 500) == []
    assert call(stage, "cut", line, [100, 0], 50) == [{"width": 20, "corners": [[-100, 0], [50, 0]]}]
    dot = {"width": 20, "corners": [[0, 0]]}
    assert call(stage, "cut", dot, [0, 5], 10) == [] and call(stage, "cut", dot, [0, 15], 10) == [dot]


def test_a_scribble_fits_into_a_link_and_lies_on_the_canvas(stage: Page) -> None:
    scribble = [
        {"width": 40, "corners": [[1300 * math.sin(i / 25 + k), 900 * math.cos(i / 18 + k)] for i in range(400)]}
        for k in range(5)
    ]
    strokes = call(stage, "tidied", scribble)
    spec = DrawnSpec.model_validate({"kind": "drawn", "strokes": strokes})
    config = RunConfig(target=spec)
    assert link.decode(link.encode(config)) == (config, ())
