"""A dashboard, a headless browser and what a user does in it, as plain functions for tests and benchmarks."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from playwright.sync_api import Browser, Error, Page, sync_playwright

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLAYWRIGHTS = (
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "LensOverlay",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "TcpPortRandomizationWin",
    "ThirdPartyStoragePartitioning",
    "AimEnabled",
)
"""What Playwright switches off by itself: of several lists a browser takes the last alone."""
POPUPS = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup")
"""Pages of the address bar, which nobody sees here: each context would load them, in a second or more."""
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join((*PLAYWRIGHTS, *POPUPS))}",
)


CHARTS = ("overlay_chart", "loss_chart", "score_chart", "metric_chart")
OVERLAY = "[data-chart='overlay_chart']"
GROUND = "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
"""What colour the page itself has, as an expression."""
INK = "((word) => word && getComputedStyle(word).fill)(document.querySelector(`[data-chart='{key}'] .xtick text`))"
"""What colour the words of a chart have, likewise; null before it is drawn."""
EPOCH = f"+(document.querySelector(`{OVERLAY}`)?.dataset.epoch ?? -1)"
"""That of the points on screen, likewise."""

WATCH_POINTS = """() => {
  const chart = document.querySelector("[data-chart='overlay_chart']");
  window.seen = new Set();
  const look = () => {
    const { x, y } = chart.data.at(-1);
    window.seen.add(`${x[0]} ${y[0]} ${x[1]} ${y[1]}`);
    requestAnimationFrame(look);
  };
  look();
}"""
"""Collects in `window.seen` the places that the generated points have been in, as often as the browser paints."""


class NoBrowserError(RuntimeError):
    """There is no Chromium to be found."""


@contextmanager
def headless_chromium() -> Iterator[Browser]:
    """The Chromium that `GANDASH_CHROMIUM` names, or else the first on the path; raises `NoBrowserError`."""
    executable = os.environ.get("GANDASH_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        raise NoBrowserError(f"no browser: none of {', '.join(NAMES)} is on the path, and GANDASH_CHROMIUM names none")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield browser
        browser.close()


@contextmanager
def dashboard_server(
    home: Path,
    env: Mapping[str, str] | None = None,
    module: Sequence[str] = ("streamlit", "run", str(ROOT / "app.py")),
    folder: Path = ROOT,
) -> Iterator[tuple[str, int]]:
    """A dashboard on a free port that keeps its runs in `home`: its address and process id. It ends with the context.

    What the server printed is shown if it does not start. `module` is what ``python -m`` starts in `folder`.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home.mkdir(parents=True, exist_ok=True)
    base = (env or {}).get("STREAMLIT_SERVER_BASE_URL_PATH", "")
    url, log = f"http://127.0.0.1:{port}/{base}".rstrip("/"), home / "server.log"
    settings = {
        "GANDASH_HOME": str(home),
        "STREAMLIT_SERVER_PORT": str(port),
        "STREAMLIT_SERVER_ADDRESS": "127.0.0.1",
        "STREAMLIT_SERVER_HEADLESS": "true",
        "STREAMLIT_SERVER_FILE_WATCHER_TYPE": "none",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
        "PYTHONDONTWRITEBYTECODE": "",  # as where it is installed: its modules are compiled once
    }
    with log.open("wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", *module],
            cwd=folder,
            env={**os.environ, **settings, **(env or {})},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until = monotonic() + START_SECONDS
        while not _healthy(url):
            assert server.poll() is None, f"the server ended:\n{log.read_text()}"
            assert monotonic() < until, f"the server does not answer after {START_SECONDS} s:\n{log.read_text()}"
            sleep(0.05)
        yield url, server.pid
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def wait_until_drawn(page: Page) -> None:
    """Wait until the page's script has run to its end (a fragment that polls runs again and again)."""
    page.wait_for_selector("[data-testid='stApp'][data-test-script-state='notRunning']")


def until(page: Page, expression: str) -> None:
    """Wait for what an expression says; not in the page itself, whose policy may evaluate no text."""
    end = monotonic() + 60
    while not _true(page, expression):
        assert monotonic() < end, f"{expression} does not come true; the page says: {page.inner_text('body')}"
        page.wait_for_timeout(50)


def _true(page: Page, expression: str) -> bool:
    try:
        return bool(page.evaluate(expression))
    except Error as error:
        if "Execution context was destroyed" not in error.message:
            raise
        return False  # the page is just loading itself anew


def press(page: Page, name: str) -> None:
    """Press the button of this name."""
    page.get_by_role("button", name=name, exact=True).click()


def rgb(colour: str) -> str:
    """A colour ``#rrggbb`` as a browser says it."""
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


def slow_down(page: Page) -> None:
    """Have runs that are started here play a phase a second, which leaves the cores alone."""
    press(page, "Full speed")
    page.get_by_role("slider", name="Phases a second").press("Home")
    page.get_by_role("button", name="1/s").wait_for()
    page.keyboard.press("Escape")


def epoch(page: Page) -> int:
    """The epoch that the points on screen are from."""
    return int(page.locator(OVERLAY).get_attribute("data-epoch") or -1)


def wait_for_epoch(page: Page, at_least: int) -> None:
    """Wait until points of this epoch or a later one are on screen."""
    page.wait_for_function(f"{EPOCH} >= {at_least}", timeout=120_000)
