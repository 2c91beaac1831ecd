"""The dashboard as a user meets it, in headless Chromium: ``python -m benchmarks.dashboard``.

Starts a server of its own for each round, presses Train, watches, looks away, and looks at what processes take.
Prints a table of medians and writes ``benchmarks/results/dashboard.json``; ``--picture`` takes the README's screenshot
instead.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import psutil
from playwright.sync_api import Browser, CDPSession, Page

from benchmarks.common import RESULTS, machine, table
from tests.browser.driver import (
    CHARTS,
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
    "first_page": "server start to the first page, Train at hand (s)",
    "whole_page": "the same, all charts drawn (s)",
    "first_points": "Train to first points (s)",
    "distinct_frames": "different pictures a second",
    "arrived_frames": "frames of the training a second",
    "mounts": "times a chart was mounted",
    "main_thread": "main thread's time a frame (ms)",
    "kilobytes": "sent to the browser a frame (KB)",
    "watched": "epochs a second, watched",
    "unwatched": "epochs a second, nobody watching",
    "unwatched_ratio": "the same, unwatched over watched",
    "server_memory": "memory of the idle server (MB)",
    "worker_memory": "memory of a worker that trains (MB)",
    "torch_in_server": "torch in the server",
}


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
        wait_until_drawn(page)
        for chart in CHARTS:
            page.wait_for_selector(f"[data-chart='{chart}'] .main-svg")
        found["whole_page"] = perf_counter() - start
        server = psutil.Process(pid)
        page.wait_for_function("!document.body.innerText.includes('warming up')")
        page.wait_for_timeout(2000)
        found["server_memory"] = server.memory_full_info().uss / MEGABYTE
        found["torch_in_server"] = float(any("libtorch" in mapped.path for mapped in server.memory_maps()))

        start = perf_counter()
        press(page, "Train")
        wait_for_epoch(page, 0)
        found["first_points"] = perf_counter() - start

        wait_for_epoch(page, 5)
        session = context.new_cdp_session(page)
        session.send("Performance.enable")
        session.send("Network.enable")
        received = [0]

        def count(event: dict[str, dict[str, str]]) -> None:
            received[0] += len(event["response"]["payloadData"])

        session.on("Network.webSocketFrameReceived", count)
        page.evaluate(WATCH_POINTS)
        frames, epoch, busy, start = (
            frames_so_far(page),
            epoch_on_screen(page),
            task_seconds(session),
            perf_counter(),
        )
        page.wait_for_timeout(1000 * seconds)
        passed = perf_counter() - start
        shown = frames_so_far(page) - frames
        found["arrived_frames"] = shown / passed
        found["distinct_frames"] = page.evaluate("window.seen.size") / passed
        found["watched"] = (epoch_on_screen(page) - epoch) / passed
        found["main_thread"] = 1000 * (task_seconds(session) - busy) / shown
        found["kilobytes"] = received[0] / shown / 1024
        found["mounts"] = max(
            page.evaluate("[...document.querySelectorAll('.gandash-chart')].map((chart) => +chart.dataset.mounts)")
        )
        workers = server.children(recursive=True)
        found["worker_memory"] = max(worker.memory_full_info().uss for worker in workers) / MEGABYTE

        address, epoch, start = page.url, epoch_on_screen(page), perf_counter()
        page.goto("about:blank")
        page.wait_for_timeout(1000 * seconds)
        page.goto(address)
        wait_for_epoch(page, epoch + 1)
        found["unwatched"] = (epoch_on_screen(page) - epoch) / (perf_counter() - start)
        found["unwatched_ratio"] = found["unwatched"] / found["watched"]
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
    report = {"machine": machine(), "seconds": options.seconds, "median": found, "rounds": rounds}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "dashboard.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
