"""A run's past under the hand: on the Train page, on the viewers', and in a film without a network."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from gandash.charts import film
from gandash.charts.film import Film, Moment
from gandash.core.targets import read_spec
from tests.browser.conftest import OpenPage
from tests.browser.driver import OVERLAY, press, wait_for_epoch

SLIDER = ".gandash-timeline input"


def drag(page: Page, share: float) -> None:
    """Take the slider's thumb from where it is to a place along it."""
    box = page.locator(SLIDER).bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] - 8, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * share, y, steps=4)
    page.mouse.up()


def epoch_said(page: Page) -> int:
    words = page.locator(SLIDER).get_attribute("aria-valuetext") or ""
    return int(re.findall(r"Epoch ([\d,]+)", words)[0].replace(",", ""))


def test_everything_shows_the_epoch_that_is_dragged_to_until_it_is_live_again(
    dashboard: str, open_page: OpenPage
) -> None:
    page = open_page(dashboard)
    expect(page.locator(SLIDER)).to_be_disabled()
    press(page, "Train")
    wait_for_epoch(page, 12)
    drag(page, 0.3)
    past = epoch_said(page)
    assert past < 12
    expect(page.locator(OVERLAY)).to_have_attribute("data-epoch", str(past))
    expect(page.locator(".gandash-tile").first).to_contain_text(f"Gap to real, epoch {past}")
    expect(page.locator(".gandash-timeline-epoch")).to_have_text(f"Epoch {past}")
    expect(page.locator(".gandash-cursor:visible")).to_have_count(3)
    wait_for_epoch_said = page.locator(".st-key-status").inner_text()
    page.wait_for_timeout(700)
    assert page.locator(".st-key-status").inner_text() != wait_for_epoch_said, "meanwhile it trains"
    assert epoch_said(page) == past
    page.locator(SLIDER).focus()
    page.keyboard.press("ArrowLeft")
    expect(page.locator(OVERLAY)).to_have_attribute("data-epoch", str(past - 1))
    with page.expect_download() as download:
        page.locator(".gandash-timeline a").click()
    assert download.value.suggested_filename == f"p{past - 1}.png"
    viewer = open_page(page.url.split("?")[0].rstrip("/") + "/watch/" + page.url.split("run=")[1][:10], session=False)
    expect(viewer.locator(SLIDER)).to_be_enabled()
    viewer.locator(SLIDER).focus()
    viewer.keyboard.press("Home")
    expect(viewer.locator("#cloud")).to_have_attribute("data-epoch", "0")
    viewer.keyboard.press("ArrowRight")
    expect(viewer.locator("#tiles")).to_contain_text("Gap to real, epoch 1")
    assert epoch_said(page) == past - 1, "each viewer drags on their own"
    viewer.get_by_role("button", name="Live").click()
    expect(viewer.locator("#tiles")).not_to_contain_text("epoch 1G")
    page.get_by_role("button", name="Live").click()
    expect(page.locator(".gandash-cursor:visible")).to_have_count(0)
    page.wait_for_function(f"document.querySelector({OVERLAY!r}).dataset.epoch > {past}")
    press(page, "Pause")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_film_plays_from_a_file_without_a_network(browser: Browser, tmp_path: Path, theme: str) -> None:
    clouds = np.random.default_rng(0).normal(20, 8, size=(30, 50, 2)).astype(np.float32)
    spec, picture = read_spec("exponential"), "#cloud"
    if theme == "dark":  # the other one is of numbers
        spec, picture = read_spec("numbers:3,7,42"), ".gandash-board"
        clouds = np.clip(np.round(clouds / 4), 0, 9)
    moments = tuple(Moment(4 * i, cloud, f"Gap to real {i}") for i, cloud in enumerate(clouds))
    path = tmp_path / "film.html"
    path.write_bytes(film.html(Film(spec, moments)))
    context = browser.new_context(color_scheme=theme)  # type: ignore[arg-type]
    context.set_offline(True)
    page = context.new_page()
    asked: list[str] = []
    problems: list[str] = []
    page.on("request", lambda request: asked.append(request.url.split(",")[0]))
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_function(f"document.querySelector('{picture}').dataset.epoch > 3")
    page.get_by_role("button", name="Pause").click()
    page.locator("#slider").focus()
    page.keyboard.press("End")
    expect(page.locator(picture)).to_have_attribute("data-epoch", "116")
    expect(page.locator(picture)).to_be_visible()
    expect(page.locator("#epoch")).to_have_text("Epoch 116")
    expect(page.locator("#words")).to_have_text("Gap to real 29")
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    page.get_by_role("button", name="Light or dark").click()
    assert page.evaluate(ground) != before
    assert problems == [] and {url for url in asked if not url.startswith("data:")} == {path.as_uri()}
    context.close()
