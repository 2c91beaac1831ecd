"""The main path in a real browser: choose, train, watch, zoom, pause, come back, download."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import torch
from playwright.sync_api import Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg

from gandash.core.config import RunConfig
from gandash.core.standalone import script
from gandash.pages.browser import KEYS
from tests.browser.conftest import OpenPage
from tests.browser.driver import CHARTS, OVERLAY, WATCH_POINTS, epoch, press, wait_for_epoch, wait_until_drawn

WATCHED_SECONDS = 8


def train(page: Page, until: int = 1) -> None:
    """Press Train and wait until points of this epoch are on screen."""
    press(page, "Train")
    wait_for_epoch(page, until)


def expect_status(page: Page, status: str) -> None:
    expect(page.locator(".st-key-status")).to_contain_text(status)


def ranges(page: Page) -> list[list[float]]:
    """The axes' ranges of the overlay, as they are on screen."""
    found: list[list[float]] = page.evaluate(
        f"[...'xy'].map((axis) => document.querySelector(`{OVERLAY}`)._fullLayout[axis + 'axis'].range)"
    )
    return found


def wait_until_still(page: Page) -> int:
    """Wait until the points on screen have been from the epoch that is told, which is returned, for a second.

    After Pause the chunk in flight still counts, and its points come in and glide a little later.
    """
    page.wait_for_function(
        f"""() => {{
          const now = [document.querySelector(`{OVERLAY}`).dataset.epoch, performance.now()];
          const words = document.querySelector(".st-key-status").innerText;
          const told = words.match(/Epoch ([\\d,]+)/)?.[1].replace(",", "");
          if (window.still?.[0] !== now[0] || told !== now[0]) window.still = now;
          return now[1] - window.still[1] >= 1000;
        }}"""
    )
    return epoch(page)


def pause(page: Page) -> int:
    """Press Pause and return the epoch at which the points come to rest."""
    press(page, "Pause")
    expect_status(page, "Paused")
    return wait_until_still(page)


def download(page: Page, name: str) -> bytes:
    """What the button that this key of `gandash.pages.downloads` names hands over."""
    with page.expect_download() as found:
        page.locator(f".st-key-download_{name.lower()} button").first.click()
    return Path(found.value.path()).read_bytes()


def test_pause_step_resume_and_reset(dashboard: str, open_page: OpenPage) -> None:
    page = open_page(dashboard)
    train(page)
    paused = pause(page)
    press(page, "Epoch")
    wait_for_epoch(page, paused + 1)
    assert wait_until_still(page) == paused + 1
    place = page.locator(".st-key-reset button").first.bounding_box()
    lamp = page.locator(".st-key-overlay .gandash-lamp")
    phase = next(key for key, what in KEYS if what.startswith("one phase"))
    for presses, told, loss in ((phase, "1 phase was", "on_real"), (2 * phase, "3 phases were", "generator")):
        for key in presses:
            page.keyboard.press(key)
        expect(page.locator(".gandash-course p").first).to_contain_text(f"{told} played by hand")
        expect(lamp).to_have_attribute("data-phase", loss)
        expect(lamp).to_have_attribute("data-wanted", "128")
    for _ in range(3):  # nobody who presses fast loses one
        page.locator(".st-key-step button").first.click()
    expect(page.locator(".gandash-course p").first).to_contain_text("12 phases were played by hand")
    expect(lamp).to_have_attribute("data-phase", "")
    press(page, "Resume")
    wait_for_epoch(page, paused + 3)
    assert page.locator(".st-key-reset button").first.bounding_box() == place, "nothing moves with the state"
    press(page, "Reset")
    expect_status(page, "Ready")
    assert "run=" not in page.url


def test_a_refresh_and_a_second_page_find_the_run_again(dashboard: str, open_page: OpenPage) -> None:
    first = open_page(dashboard)
    train(first)
    paused = pause(first)
    second = open_page(first.url)  # of the same browser: the run is its own
    wait_for_epoch(second, paused)
    press(second, "Resume")
    expect_status(first, "Training")
    address = second.url
    first.reload()
    wait_for_epoch(first, paused + 1)
    second.goto("about:blank")
    assert first.url == address
    expect_status(first, "Training")
    press(first, "Pause")  # the second page has taken no cookie from it
    expect_status(first, "Paused")


def test_what_is_downloaded_works_without_gandash_and_nothing_is_sent_elsewhere(
    dashboard: str, open_page: OpenPage
) -> None:
    page = open_page(dashboard)
    page.wait_for_selector(f"{OVERLAY} .modebar-btn", state="attached")
    buttons = page.evaluate("[...document.querySelectorAll('.modebar-btn')].map((button) => button.dataset.title)")
    assert buttons and not [title for title in buttons if "hare" in title]
    train(page, until=2)
    pause(page)
    files: dict[str, Any] = {"config.json": ""}
    model = torch.jit.load(io.BytesIO(download(page, "generator")), _extra_files=files)  # type: ignore[no-untyped-call]
    points = model(torch.randn(7, 2))
    assert points.shape == (7, 2) and points.dtype == torch.float32 and bool(points.isfinite().all())
    assert b'"exponential"' in files["config.json"]
    assert download(page, "Config").decode().strip() == files["config.json"].decode().strip()
    history = list(csv.DictReader(io.StringIO(download(page, "History").decode())))
    assert [row["epoch"] for row in history] == [str(i + 1) for i in range(len(history))] and len(history) >= 2
    samples = download(page, "Samples").decode().splitlines()
    assert samples[0] == "x,y" and len(samples) == 2001
    read_the_script(page)


def read_the_script(page: Page) -> None:
    """Unfold the script, on a screen and on a phone, and take it home."""
    section = page.locator(".st-key-code")
    section.get_by_text("Show the code").click()
    code = section.locator("[data-testid=stCode]")
    expect(code).to_contain_text("discriminator = nn.Sequential(")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
        box, inner = section.bounding_box(), code.bounding_box()
        assert box is not None and inner is not None and box["width"] <= width
        assert box["x"] <= inner["x"] and inner["x"] + inner["width"] <= box["x"] + box["width"]
    with page.expect_download() as found:
        section.locator(".st-key-download_code button").first.click()
    assert found.value.suggested_filename == "exponential.py"
    assert Path(found.value.path()).read_text(encoding="utf-8") == script(RunConfig())


def test_a_nonsense_link_says_so_and_a_knob_changed_while_training_waits_for_the_next_train(
    dashboard: str, open_page: OpenPage
) -> None:
    page = open_page(f"{dashboard}/?run=../../etc/passwd")
    expect(page.get_by_test_id("stAlert")).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0
    train(page)
    for key in CHARTS:  # the message has gone, and what is below it has not moved to another place
        expect(page.locator(f"[data-chart='{key}']")).to_have_attribute("data-mounts", "1")
    run = page.url
    strip = page.locator(".st-key-status")
    place = strip.bounding_box()
    page.locator("label").filter(has_text="Circle").first.click()
    expect(page.get_by_role("button", name="Train next run")).to_be_visible()
    assert strip.bounding_box() == place, "one more button moves nothing"
    wait_for_epoch(page, epoch(page) + 2)
    assert page.url.startswith(run)
    press(page, "Train next run")
    page.wait_for_function(f"document.querySelector(`{OVERLAY}`).getAttribute('aria-label').includes('ircle')")
    assert not page.url.startswith(run)


def scripts_asked_for(page: Page) -> list[str]:
    """Fills with what the pages that are opened from now on ask Streamlit's server for their script to be run for."""
    asked: list[str] = []

    def sent(data: str | bytes) -> None:
        message = BackMsg.FromString(data) if isinstance(data, bytes) else BackMsg()
        if message.HasField("rerun_script"):
            asked.append(str(message.rerun_script))

    page.on("websocket", lambda socket: socket.on("framesent", sent))
    return asked


def test_a_run_that_is_watched_is_never_mounted_again_and_keeps_its_zoom(dashboard: str, open_page: OpenPage) -> None:
    page = open_page("about:blank", session=False, motion=True)
    asked = scripts_asked_for(page)
    page.goto(dashboard)
    wait_until_drawn(page)
    train(page)
    assert asked
    box = page.locator(f"{OVERLAY} .nsewdrag").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 80, box["y"] + box["height"] / 2 + 40, steps=4)
    page.mouse.up()
    panned = ranges(page)
    assert panned[0][0] < 0
    page.evaluate(f"document.querySelector(`{OVERLAY}`).dataset.marked = 'the same element'")
    page.evaluate(WATCH_POINTS)
    page.wait_for_timeout(1000)  # the stages of its beginning are past
    wait_until_drawn(page)
    before = epoch(page)
    asked.clear()
    page.wait_for_timeout(1000 * WATCHED_SECONDS)
    assert epoch(page) > before
    assert asked == [], "a run that trains on asks for nothing"
    for key in CHARTS:
        expect(page.locator(f"[data-chart='{key}']")).to_have_attribute("data-mounts", "1")
    expect(page.locator(OVERLAY)).to_have_attribute("data-marked", "the same element")
    assert ranges(page) == panned
    # a tenth of what benchmarks/dashboard.py measures: below that the picture hangs
    assert page.evaluate("window.seen.size") >= WATCHED_SECONDS
