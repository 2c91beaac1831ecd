"""A real browser on a real server: what every test in this folder is built from.

A test asks for `serve` and `open_page`; pages whose console tells of an error fail their test. Wait with
`page.wait_for_timeout` or `wait_until_drawn`, never with `time.sleep`, which stops the browser's events as well.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).parents[2]
START_SECONDS = 60
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

Serve = Callable[..., str]
OpenPage = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Headless Chromium, one for the folder: left open it would keep other tests from using asyncio."""
    executable = os.environ.get("GANDASH_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        reason = f"no browser: none of {', '.join(NAMES)} is on the path, and GANDASH_CHROMIUM names none"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start Streamlit servers: `serve(script, env={"GANDASH_…": "…"}) -> url`. They end with the test."""
    with _servers(tmp_path) as serve_:
        yield serve_


@pytest.fixture(scope="package")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one dashboard for the folder; a run whose page has gone is paused a little later."""
    folder = tmp_path_factory.mktemp("dashboard")
    with _servers(folder) as serve_:
        yield serve_(ROOT / "app.py", env={"GANDASH_HOME": str(folder / "home"), "GANDASH_IDLE_PAUSE": "4"})


@contextmanager
def _servers(folder: Path) -> Iterator[Serve]:
    """A function that starts servers, which see the project's packages and settings and end with the context.

    What a server printed is shown if it does not start.
    """
    servers: list[subprocess.Popen[bytes]] = []

    def serve_(script: str | Path, env: Mapping[str, str] | None = None, arguments: Sequence[str] = ()) -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        url, log = f"http://127.0.0.1:{port}", folder / f"server-{port}.log"
        options = {
            "server.port": port,
            "server.address": "127.0.0.1",
            "server.headless": "true",
            "server.fileWatcherType": "none",
            "browser.gatherUsageStats": "false",
        }
        with log.open("wb") as output:
            server = subprocess.Popen(
                [
                    *(sys.executable, "-m", "streamlit", "run", str(script)),
                    *(f"--{name}={value}" for name, value in options.items()),
                    *arguments,
                ],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), **(env or {})},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        servers.append(server)
        until = monotonic() + START_SECONDS
        while not _healthy(url):
            assert server.poll() is None, f"the server ended:\n{log.read_text()}"
            assert monotonic() < until, f"the server does not answer after {START_SECONDS} s:\n{log.read_text()}"
            sleep(0.1)
        return url

    try:
        yield serve_
    finally:
        for server in servers:
            server.send_signal(signal.SIGINT)
        for server in servers:
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


@pytest.fixture
def console_errors() -> list[str]:
    """What the consoles of this test's pages have complained about so far; a test that provokes errors clears it."""
    return []


@pytest.fixture
def open_page(browser: Browser, console_errors: list[str]) -> Iterator[OpenPage]:
    """Open an address in a window of its own: `open_page(url, width=390, theme="dark") -> Page`.

    The page is there once Streamlit's first script run has ended. An error in its console fails the test at the end.
    """
    contexts = []

    def open_(
        url: str,
        *,
        width: int = 1280,
        height: int = 900,
        theme: Literal["light", "dark"] = "light",
        touch: bool = False,
    ) -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, has_touch=touch, is_mobile=touch
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: console_errors.extend(_complaints(message)))
        page.on("pageerror", lambda error: console_errors.append(str(error)))
        page.goto(url)
        wait_until_drawn(page)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert console_errors == []


def _complaints(message: ConsoleMessage) -> list[str]:
    return [f"{message.text} ({message.location})"] if message.type == "error" else []


def wait_until_drawn(page: Page) -> None:
    """Wait until the page's script has run to its end (a fragment that polls runs again and again)."""
    page.wait_for_selector("[data-testid='stApp'][data-test-script-state='notRunning']")
