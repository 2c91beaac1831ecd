"""The dashboard as a user meets it, in headless Chromium: ``python -m benchmarks.dashboard``.

Starts a server of its own for each round, presses Train, watches, looks away, and looks at what processes take.
Prints a table of medians and writes ``benchmarks/results/dashboard.json``; ``--picture`` takes the README's screenshot
instead.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter
from urllib.parse import parse_qs, urlsplit

import psutil
from playwright.sync_api import Browser, CDPSession, Page
from websockets.sync.client import connect

from benchmarks.common import RESULTS, save, table
from benchmarks.seen import seen
from gandash.live.messages import decode
from tests.browser.driver import (
    CHARTS,
    EPOCH,
    OVERLAY,
    WATCH_POINTS,
    dashboard_server,
    headless_chromium,
    press,
    wait_for_epoch,
    wait_until_drawn,
)
from tests.browser.driver import epoch as epoch_on_screen

SETTINGS = {"GANDASH_IDLE_PAUSE": "off"}
MEGABYTE = 2**20

TITLES = {
    "empty_page": "server start to an empty Streamlit page (s)",
    "first_page": "server start to Train at hand: a press counts, and is carried out once the page is drawn (s)",
    "first_ratio": "the same, over the empty page's",
    "drawn_page": "server start to the page itself drawn, all its buttons at hand (s)",
    "drawn_ratio": "the same, over the empty page's",
    "whole_page": "server start to all charts drawn (s)",
    "whole_ratio": "the same, over the empty page's",
    "pressed_at_once": "server start to first points, Train pressed as soon as it is at hand (s)",
    "first_points": "Train to first points (s)",
    "pause": "Pause to Paused (s)",
    "positions": "different positions of the points a second",
    "arrived_frames": "frames of the training a second",
    "mounts": "times a chart was mounted",
    "main_thread": "share of its time that the page's main thread works",
    "kilobytes": "sent to the browser a second (KB)",
    "watched": "epochs a second, watched",
    "unwatched": "epochs a second, nobody watching",
    "watched_ratio": "the same, watched over unwatched",
    "server_memory": "memory of the idle server (MB)",
    "worker_memory": "memory of a worker that trains (MB)",
    "torch_in_server": "torch in the server",
}


def epoch_of(url: str, run_id: str) -> tuple[int, float]:
    """How far a run is by its stream, and when that was asked."""
    with connect(f"{url.replace('http', 'ws', 1)}/live?run={run_id}", max_size=None) as stream:
        message = stream.recv()
    assert isinstance(message, bytes)
    header, _ = decode(message)
    return int(header["state"]["epoch"]), perf_counter()


def rate(url: str, run_id: str, page: Page, seconds: float) -> float:
    """Epochs a second of a run while so many seconds pass for the page."""
    before, start = epoch_of(url, run_id)
    page.wait_for_timeout(1000 * seconds)
    after, end = epoch_of(url, run_id)
    return (after - before) / (end - start)


def frames_so_far(page: Page) -> int:
    """How many frames of the training have been on screen."""
    return int(page.locator(OVERLAY).get_attribute("data-frames") or 0)


def task_seconds(session: CDPSession) -> float:
    """What the main thread has worked so far."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration")


def one_round(browser: Browser, folder: Path, seconds: float) -> dict[str, float]:
    """All figures once, on a fresh server."""
    empty = folder / "empty.py"
    folder.mkdir()
    empty.write_text("import streamlit\n\nstreamlit.button('Train')\n", encoding="utf-8")
    start = perf_counter()
    with dashboard_server(folder, module=("streamlit", "run", str(empty))) as (url, _):
        page = browser.new_page()
        page.goto(url)
        page.get_by_role("button", name="Train", exact=True).wait_for()
        found = {"empty_page": perf_counter() - start}
        page.close()

    start = perf_counter()
    with dashboard_server(folder, SETTINGS) as (url, pid):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.goto(url)
        page.get_by_role("button", name="Train", exact=True).wait_for()
        found["first_page"] = perf_counter() - start
        page.locator(".st-key-train").get_by_role("button", name="Train", exact=True).wait_for()
        page.locator(".st-key-knob_dropout").wait_for()
        found["drawn_page"] = perf_counter() - start
        wait_until_drawn(page)
        for chart in CHARTS:
            page.wait_for_selector(f"[data-chart='{chart}'] .main-svg")
        found["whole_page"] = perf_counter() - start
        server = psutil.Process(pid)
        page.wait_for_function("!document.body.innerText.includes('warming up')")
        page.wait_for_timeout(2000)
        found["server_memory"] = server.memory_full_info().uss / MEGABYTE
        found["torch_in_server"] = float(any("libtorch" in mapped.path for mapped in server.memory_maps()))

        (found["first_points"],) = seen(page, lambda: press(page, "Train"), f"{EPOCH} >= 0")

        run_id = parse_qs(urlsplit(page.url).query)["run"][0]
        wait_for_epoch(page, 5)
        page.wait_for_selector(".st-key-download_generator")  # what there is to take home is drawn once
        wait_until_drawn(page)
        session = context.new_cdp_session(page)
        session.send("Performance.enable")
        session.send("Network.enable")
        received = [0]

        def count(event: dict[str, dict[str, str]]) -> None:
            received[0] += len(event["response"]["payloadData"])

        session.on("Network.webSocketFrameReceived", count)
        page.evaluate(WATCH_POINTS)
        frames, busy, start = frames_so_far(page), task_seconds(session), perf_counter()
        found["watched"] = rate(url, run_id, page, seconds)
        passed = perf_counter() - start
        found["arrived_frames"] = (frames_so_far(page) - frames) / passed
        found["positions"] = page.evaluate("window.seen.size") / passed
        found["main_thread"] = (task_seconds(session) - busy) / passed
        found["kilobytes"] = received[0] / passed / 1024
        found["mounts"] = max(
            page.evaluate("[...document.querySelectorAll('.gandash-chart')].map((chart) => +chart.dataset.mounts)")
        )
        workers = server.children(recursive=True)
        found["worker_memory"] = max(worker.memory_full_info().uss for worker in workers) / MEGABYTE

        paused = "document.querySelector('.st-key-status').innerText.includes('Paused')"
        (found["pause"],) = seen(page, lambda: press(page, "Pause"), paused)
        press(page, "Resume")
        wait_for_epoch(page, epoch_on_screen(page) + 2)

        page.goto("about:blank")
        page.wait_for_timeout(1000)
        found["unwatched"] = rate(url, run_id, page, seconds)
        found["watched_ratio"] = found["watched"] / found["unwatched"]
        found["first_ratio"] = found["first_page"] / found["empty_page"]
        found["drawn_ratio"] = found["drawn_page"] / found["empty_page"]
        found["whole_ratio"] = found["whole_page"] / found["empty_page"]
        context.close()

    start = perf_counter()
    with dashboard_server(folder / "pressed", SETTINGS) as (url, _):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.goto(url)
        press(page, "Train")  # which waits for the button
        wait_for_epoch(page, 0)
        found["pressed_at_once"] = perf_counter() - start
        context.close()
    return found


def take_picture(browser: Browser, folder: Path) -> None:
    """The README's picture: the best preset of the spiral on its way."""
    with dashboard_server(folder, SETTINGS) as (url, _):
        page = browser.new_page(viewport={"width": 1280, "height": 900}, device_scale_factor=1.5, color_scheme="dark")
        page.goto(url)
        wait_until_drawn(page)
        page.wait_for_selector(f"{OVERLAY} .main-svg")
        page.locator("label").filter(has_text="Spiral").first.click()
        page.get_by_role("radio", name="Best").click()
        wait_until_drawn(page)
        press(page, "Train")
        page.mouse.move(640, 800)  # off the button, whose help would be in the picture
        wait_for_epoch(page, 8)
        RESULTS.mkdir(exist_ok=True)
        page.screenshot(path=RESULTS / "dashboard.png")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="servers to start (default 3)")
    parser.add_argument("--seconds", type=float, default=20.0, help="to watch in each round (default 20)")
    parser.add_argument("--picture", action="store_true", help="take the README's screenshot instead")
    options = parser.parse_args(arguments)
    with headless_chromium() as browser, tempfile.TemporaryDirectory() as folder:
        if options.picture:
            take_picture(browser, Path(folder))
            return
        rounds = [one_round(browser, Path(folder) / str(i), options.seconds) for i in range(options.rounds)]
    found = {name: median(each[name] for each in rounds) for name in TITLES}
    print(table(["figure", "median"], [[title, f"{found[name]:.3g}"] for name, title in TITLES.items()]))
    save("dashboard", seconds=options.seconds, median=found, rounds=rounds)


if __name__ == "__main__":
    main()
