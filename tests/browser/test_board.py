"""A pattern of numbers on its board: what is counted, on the Train page and on the viewers'."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from gandash.charts import figures, palettes
from gandash.core.targets import read_spec
from tests.browser.conftest import OpenPage
from tests.browser.driver import press, until, wait_until_drawn
from tests.browser.stage import empty_stage, play
from tests.browser.test_layout import FAINT, brightness

BOARD = "[data-chart='board_chart']"
RUN = "0a1b2c3d4e"
PATTERN = read_spec("numbers:3,7,42").build()

LOAD = """async () => {
  window.boards = await import("/board.js");
  window.host = document.createElement("div");
  host.style = "width: 480px; height: 640px";
  document.body.append(host);
  window.draw = (data) => boards.render({ data, parentElement: host });
}"""


HEAT_HAS = """(() => {
  const canvas = document.querySelector(".gandash-board-heat canvas");
  const pixels = canvas.getContext("2d").getImageData(3, canvas.height - 1, 1, 1).data; // 3 belongs
  return "COLOUR" === "#" + [...pixels.slice(0, 3)].map((part) => part.toString(16).padStart(2, "0")).join("");
})()"""


@pytest.fixture(scope="module")
def stage(browser: Browser) -> Iterator[Page]:
    """An empty page with the board's script."""
    with empty_stage(browser) as page:
        page.emulate_media(reduced_motion="reduce")
        page.add_style_tag(path=figures.__file__.replace("figures.py", "board.css"))
        page.evaluate(LOAD)
        yield page


def draw(page: Page, run: str = RUN) -> None:
    scene = json.dumps(figures.board(PATTERN))
    page.evaluate(
        "(data) => draw(data)", {"key": "board_chart", "label": "A board", "run": run, "base": "", "scene": scene}
    )


def tell(page: Page, numbers: Sequence[float], *, epoch: int = 1, outputs: list[float] | None = None) -> None:
    """Tell the run's newest frame, of these numbers in their order; NaN is no place."""
    told = np.array(numbers, float)
    places = [(told % 10).tolist(), (told // 10).tolist()]
    play(page, RUN, points=[[epoch, epoch / 100, places, *([] if outputs is None else [outputs])]], state={"stage": ""})
    expect(page.locator(BOARD)).to_have_attribute("data-epoch", str(epoch))


def square(page: Page, number: int) -> Locator:
    return page.locator(f"{BOARD} [data-number='{number}']")


def level(page: Page, number: int) -> float:
    """How full a number's square is, from 0 to 1, which it is at once on a page that wants no motion."""
    share = """(square) => {
      const [all, bar] = [square, square.querySelector("i")].map((each) => each.getBoundingClientRect());
      return Math.max(0, (all.bottom - 1 - bar.top) / (all.height - 1)); // without the grid's line
    }"""
    return float(square(page, number).evaluate(share))


def test_a_full_square_is_twice_as_often_as_among_real_ones(stage: Page) -> None:
    draw(stage)
    tell(stage, [3] * 30 + [7] * 15 + [42] * 1 + [0] * 44, epoch=1)
    # of 90 numbers a third each are real: 30 is just as often, 15 half of it
    assert level(stage, 3) == pytest.approx(0.5, abs=0.05)
    assert level(stage, 7) == pytest.approx(0.25, abs=0.05)
    assert 0 < level(stage, 42) < 0.12, "what is generated at all can be seen"
    assert level(stage, 43) == 0
    expect(stage.locator(".gandash-board-foot")).to_have_text("Of these 90 numbers 51.1 % fit; 3 of 3 appear")
    tell(stage, [3] * 90, epoch=2)
    assert level(stage, 3) == pytest.approx(1, abs=0.02)
    expect(square(stage, 3)).to_have_class(re.compile("gandash-board-over"))
    expect(stage.locator(".gandash-board-foot")).to_have_text("Of these 90 numbers 100.0 % fit; 1 of 3 appear")


def test_misfits_are_marked_by_more_than_a_colour(stage: Page) -> None:
    draw(stage)
    tell(stage, [3, 8, 42, 7, 7, 7, 3, 3, 99, 42] * 9, epoch=3)
    row = stage.locator(".gandash-board-row").first.locator("span")
    assert row.all_inner_texts() == ["3", "8", "42", "7", "7", "7", "3", "3", "99", "42"]
    wrong = [place for place in range(10) if "wrong" in (row.nth(place).get_attribute("class") or "")]
    assert wrong == [1, 8]
    mark = "(element) => getComputedStyle(element, '::after').content"
    assert row.nth(1).evaluate(mark) == square(stage, 99).evaluate(mark) == '"×"'
    assert row.nth(0).evaluate(mark) == square(stage, 98).evaluate(mark) == "none"


def test_keys_and_mouse_tell_of_a_number(stage: Page) -> None:
    draw(stage)
    tell(stage, [3] * 45 + [8] * 45, epoch=4)
    foot, said = stage.locator(".gandash-board-foot"), stage.locator(".gandash-board-said")
    square(stage, 8).hover()
    expect(foot).to_have_text("8 does not fit: generated 50.0 % (45 of 90), real 0.0 %")
    stage.mouse.move(0, 0)
    expect(foot).to_contain_text("Of these 90")
    cells = stage.locator(".gandash-board-cells")
    cells.press("ArrowRight")
    expect(said).to_have_text("3: generated 50.0 % (45 of 90), real 33.3 %")
    cells.press("ArrowUp")
    expect(said).to_have_text("13 does not fit: generated 0.0 % (0 of 90), real 0.0 %")
    cells.press("Escape")
    expect(foot).to_contain_text("Of these 90")


def test_what_a_phase_did_is_on_the_board(stage: Page) -> None:
    draw(stage)
    tell(stage, [3] * 45 + [8] * 45, epoch=20)

    def phase(loss: str, **clouds: list[int]) -> None:
        stage.evaluate(
            """([run, loss, clouds]) => {
              const cloud = (all = []) => ({ x: all.map((n) => n % 10), y: all.map((n) => Math.floor(n / 10)) });
              const [real, generated, moved] = ["real", "generated", "moved"].map((kind) => cloud(clouds[kind]));
              play(run, { phase: loss && { loss, real, generated, moved, wanted: [] } });
            }""",
            [RUN, loss, clouds],
        )

    foot, marks = stage.locator(".gandash-board-foot"), stage.locator(".gandash-board-cell b")
    phase("discriminator", real=[3, 3, 42], generated=[8, 3])
    assert marks.evaluate_all("(all) => all.map((each) => [each.parentElement.dataset.number, each.textContent])") == [
        *(["42", "1"], ["3", "2"], ["3", "1"], ["8", "1"])
    ]
    expect(foot).to_have_text("Played on numbers of a batch: 3 real ones (red) and 2 generated ones (green)")
    phase("generator", generated=[8, 8, 8, 3], moved=[3, 7, 8, 3])
    assert sorted(square(stage, n).locator("b").inner_text() for n in (3, 7, 8)) == ["+1", "+1", "−2"]
    expect(foot).to_have_text("The update made 2 of 4 numbers others: 8 −2, 3 +1, 7 +1")
    phase("generator", generated=[8, 3], moved=[8, 3])
    expect(foot).to_have_text("The update left each of the batch's 2 numbers what it is")
    phase("")
    expect(marks).to_have_count(0)
    expect(foot).to_contain_text("Of these 90")


def test_the_outputs_are_a_heatmap_where_there_are_any(stage: Page) -> None:
    draw(stage)
    outputs = np.zeros((10, 100))
    numbers = [3, 8, 42, 7, 7, 7, 3, 3, 99, 42]
    outputs[range(10), numbers] = 4
    outputs[0, 50] = 2
    tell(stage, numbers * 9, epoch=30)
    expect(stage.locator(".gandash-board-heat")).to_be_hidden()
    before = stage.locator(".gandash-board-cells").bounding_box()
    tell(stage, numbers * 9, epoch=31, outputs=outputs.ravel().tolist())
    heat = stage.locator(".gandash-board-heat canvas")
    expect(heat).to_be_visible()
    expect(heat).to_have_attribute("aria-label", re.compile("largest entries are at 3, 8, 42, 7, 7, 7, 3, 3, 99, 42$"))
    pixels = np.array(heat.evaluate("(c) => [...c.getContext('2d').getImageData(0, 0, 100, 12).data]"))
    alpha = pixels.reshape(12, 100, 4)[..., 3]
    assert alpha[0, 3] == alpha[1, 8] == 255 and 120 < alpha[0, 50] < 135 and alpha[0, 4] == 0
    colour = pixels.reshape(12, 100, 4)[..., :3]
    assert (colour[1, 8] == colour[8, 99]).all() and (colour[1, 8] != colour[0, 3]).any(), "misfits have their colour"
    assert np.flatnonzero(alpha[11]).tolist() == [3, 7, 42], "below them what belongs"
    cells, box = stage.locator(".gandash-board-cells").bounding_box(), heat.bounding_box()
    assert before and cells and box and cells["width"] >= 0.8 * before["width"], "the board counts for more"
    assert box["y"] + box["height"] <= cells["y"] or box["x"] + box["width"] <= cells["x"], "nothing lies on another"


def test_what_is_no_number_is_told(stage: Page) -> None:
    draw(stage)
    tell(stage, [3] * 50, epoch=5)
    play(stage, RUN, points=[[6, 0.06, [[3.0] * 9 + [400.0], [0.0] * 9 + [0.0]]]])
    expect(stage.locator(".gandash-board-foot")).to_have_text(
        "Of these 10 numbers 90.0 % fit; 1 of 3 appear; 1 not finite"
    )
    assert stage.locator(".gandash-board-row").first.inner_text().split()[-1] == "?"


def test_nothing_is_left_of_another_run(stage: Page) -> None:
    draw(stage)
    tell(stage, [3] * 90, epoch=7)
    draw(stage, run="another")
    expect(stage.locator(".gandash-board-foot")).to_have_text("Nothing generated yet")
    expect(stage.locator(BOARD)).not_to_have_attribute("data-epoch", "7")
    assert level(stage, 3) == 0
    assert stage.evaluate("window.watched()") == [["another", 1]]


SIZES = {"phone": (390, 844), "screen": (1280, 900), "projector": (1920, 1080)}


def test_a_pattern_is_chosen_trained_and_watched(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(dashboard)
    page.get_by_role("radio", name="Numbers").click()
    expect(page.locator(BOARD)).to_be_visible()
    page.get_by_text("Own numbers", exact=True).click()
    field = page.get_by_role("textbox", name="Numbers that belong")
    field.fill("42, 700")
    field.press("Enter")
    expect(page.locator(".st-key-wrong_target")).to_contain_text("700 was given")
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_disabled()
    field.fill("42 3 7")
    field.press("Enter")
    expect(field).to_have_value("3, 7, 42")
    expect(page.locator(".st-key-wrong_target")).to_have_count(0)
    wait_until_drawn(page)
    press(page, "Epoch")
    expect(page.locator(BOARD)).to_have_attribute("data-epoch", "1", timeout=60_000)
    expect(page.locator(f"{BOARD} .gandash-board-foot")).to_contain_text("Of these 1,000 numbers")
    run = page.evaluate("new URL(location).searchParams.get('run')")
    viewer = open_page(f"{dashboard}/watch/{run}", session=False)
    expect(viewer.locator(".gandash-board")).to_have_attribute("data-epoch", "1")
    expect(viewer.locator("#cloud")).to_be_hidden()
    expect(viewer.locator("#tiles")).to_contain_text("Numbers that fit")
    for each in (page, viewer):
        words = re.compile(r"largest entries are at \d+(, \d+){9}$")
        expect(each.locator(".gandash-board-heat canvas")).to_have_attribute("aria-label", words)
    press(page, "Phase")
    for each in (page, viewer):
        expect(each.locator(".gandash-board")).to_have_attribute("data-phase", re.compile("real|discriminator"))
        assert each.locator(".gandash-board-cell b").count() >= 3
    fits_and_can_be_read(page, viewer)
    viewer.keyboard.press("t")
    expect(viewer.locator("html")).to_have_attribute("data-theme", "dark")
    assert viewer.evaluate(HEAT_HAS.replace("COLOUR", palettes.PALETTES["dark"].real))
    page.keyboard.press("t")
    until(page, HEAT_HAS.replace("COLOUR", palettes.PALETTES["dark"].real))
    assert brightness(page) < 128
    fits_and_can_be_read(page, viewer)


def fits_and_can_be_read(page: Page, viewer: Page) -> None:
    """Check the board on both pages and in all sizes: its width, what lies on what, and the contrast of its words."""
    for name, (width, height) in SIZES.items():
        for each, ground in (
            (page, FAINT.replace("[data-testid=stApp]", ".gandash-board")),
            (viewer, FAINT.replace("[data-testid=stApp]", "body")),
        ):
            each.set_viewport_size({"width": width, "height": height})
            until_it_rests(each)
            assert each.evaluate("document.documentElement.scrollWidth") <= width, name
            until(each, INSIDE)
            if name != "phone":
                expect(each.locator(".gandash-board-heat canvas")).to_be_visible()
            frame, head, heat = each.evaluate(PLACES)
            if heat["width"]:
                assert frame["left"] <= heat["left"] and heat["right"] <= frame["right"] + 1, name
                assert heat["bottom"] <= frame["bottom"], name
                assert head["bottom"] <= heat["top"], "nothing lies on another"
            assert each.evaluate(ground) == [], name


INSIDE = """() => {
  const [cells, frame] = ["-cells", ""].map((part) =>
    document.querySelector(`.gandash-board${part}`).getBoundingClientRect());
  const beside = frame.left <= cells.left && cells.right <= frame.right + 1;
  return cells.width > 250 && beside && cells.bottom <= frame.bottom;
}"""
PLACES = """["", "-head", "-heat canvas"].map((part) =>
  document.querySelector(`.gandash-board${part}`).getBoundingClientRect().toJSON())"""
"""Where the board, its head and its heatmap are, at one moment: a sidebar that comes moves them all."""
PARTS = """[...document.querySelectorAll(".gandash-board, .gandash-board-cells, .gandash-board canvas")]
  .map((part) => part.getBoundingClientRect().toJSON())"""


def until_it_rests(page: Page) -> None:
    """Wait until the board and its parts have been in their places and sizes for a third of a second."""
    boxes: list[object] = []
    while len(boxes) < 6 or any(box != boxes[-1] for box in boxes[-6:]):
        boxes.append(page.evaluate(PARTS))
        page.wait_for_timeout(70)
