"""Many dashboards open at once, and one real browser that clicks: ``python -m benchmarks.sessions``.

Each session is a client of Streamlit's own protocol, in this process, with a cookie of its own and the live stream
beside it, as a page has them; it runs the page's script again whenever its run changes its stage. Sixteen runs train,
one of them in headless Chromium, where Pause and Resume are pressed in turn. Prints how long a click took until the
page said so, and how far every run came; writes ``benchmarks/results/sessions.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from urllib.parse import parse_qs
from urllib.request import urlopen

import numpy as np
import psutil
from playwright.sync_api import Page, expect
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.common import save, table
from gandash.live.messages import decode
from tests.browser.driver import dashboard_server, epoch, headless_chromium, press, wait_for_epoch, wait_until_drawn

SETTINGS = {"GANDASH_IDLE_PAUSE": "off"}
LONGEST_WAIT = 120.0


@dataclass(eq=False)
class Session:
    """One page without a browser: its cookie, its run, and what it has seen of it."""

    url: str
    run: str = ""
    cookie: str = ""
    buttons: dict[str, str] = field(default_factory=dict)
    epochs: list[int] = field(default_factory=list)
    ready: float = 0.0
    messages: int = 0
    _socket: ClientConnection | None = None
    _finished: asyncio.Event = field(default_factory=asyncio.Event)
    _drawn: str = ""

    async def open(self) -> None:
        """Get the page, and run its script for the first time."""
        start = perf_counter()
        self.cookie = await asyncio.to_thread(self._get_cookie)
        headers = {"Cookie": self.cookie} if self.cookie else {}
        self._socket = await connect(
            f"ws{self.url.removeprefix('http')}/_stcore/stream",
            subprotocols=["streamlit"],  # type: ignore[list-item]
            additional_headers=headers,
            max_size=None,
        )
        await self.script()
        self.ready = perf_counter() - start

    async def script(self, pressed: str = "") -> None:
        """Run the page's script to its end, after a button was pressed if one is named by its key."""
        assert self._socket is not None
        message = BackMsg()
        state = message.rerun_script
        state.query_string = f"run={self.run}" if self.run else ""
        if pressed:
            widget = state.widget_states.widgets.add()
            widget.id, widget.trigger_value = self.buttons[pressed], True
        await self._socket.send(message.SerializeToString())
        finished = False
        while not finished:
            data = await asyncio.wait_for(self._socket.recv(), LONGEST_WAIT)
            assert isinstance(data, bytes)
            finished = self._take(data)

    async def train(self) -> None:
        """Press Train."""
        await self.script("train")
        assert self.run, "Train brought no run into the address"

    async def watch(self) -> None:
        """Read the live stream until this task is cancelled."""
        address = f"ws{self.url.removeprefix('http')}/live?run={self.run}"
        async with connect(address, max_size=None) as stream:
            async for data in stream:
                assert isinstance(data, bytes)
                header, _ = decode(data)
                self.messages += 1
                state = header.get("state")
                if not state:
                    continue
                self.epochs.append(state["epoch"])
                if state["stage"] != self._drawn:
                    self._drawn = state["stage"]
                    await self.script()

    def _take(self, data: bytes) -> bool:
        """Take in a message of the server's; True at the end of the script."""
        message = ForwardMsg.FromString(data)
        match message.WhichOneof("type"):
            case "delta":
                element = message.delta.new_element
                if element.WhichOneof("type") == "button" and "train" in element.button.id:
                    self.buttons["train"] = element.button.id
            case "page_info_changed":
                found = parse_qs(message.page_info_changed.query_string)
                self.run = found.get("run", [self.run])[0]
            case "script_finished":
                return bool(message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN)
        return False

    def _get_cookie(self) -> str:
        with urlopen(self.url) as answer:
            cookies = answer.headers.get_all("Set-Cookie") or []
        return "; ".join(cookie.split(";")[0] for cookie in cookies)


class Crowd:
    """The sessions, on an event loop in a thread of their own."""

    def __init__(self, url: str, sessions: int, runs: int) -> None:
        self.sessions = [Session(url) for _ in range(sessions)]
        self._runs = runs
        self._loop = asyncio.new_event_loop()
        self._tasks: list[asyncio.Task[None]] = []
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def start(self) -> None:
        """Open all pages at once, let the first ones train, and let all watch."""
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result()

    def stop(self) -> None:
        """Close the streams; raises what went wrong in one of them."""
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()

    async def _start(self) -> None:
        await asyncio.gather(*(session.open() for session in self.sessions))
        await asyncio.gather(*(session.train() for session in self.sessions[: self._runs]))
        for index, session in enumerate(self.sessions):
            session.run = session.run or self.sessions[index % self._runs].run
            self._tasks.append(asyncio.create_task(session.watch()))

    async def _stop(self) -> None:
        for task in self._tasks:
            if task.done():
                task.result()
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def clicks(page: Page, seconds: float) -> list[float]:
    """Press Pause and Resume in turn; how long each took, in seconds, until the strip said so."""
    took = []
    until = perf_counter() + seconds
    while perf_counter() < until:
        for name, says in (("Pause", "Paused"), ("Resume", "Training")):
            start = perf_counter()
            press(page, name)
            expect(page.locator(".st-key-status")).to_contain_text(says, timeout=1000 * LONGEST_WAIT)
            took.append(perf_counter() - start)
            page.wait_for_timeout(1000)
    return took


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sessions", description=__doc__)
    parser.add_argument("--sessions", type=int, default=30, help="dashboards beside the browser's (default 30)")
    parser.add_argument("--runs", type=int, default=16, help="runs that train, the browser's included (default 16)")
    parser.add_argument("--seconds", type=float, default=60.0, help="to click (default 60)")
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        dashboard_server(Path(folder), SETTINGS) as (url, pid),
        headless_chromium() as browser,
    ):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(url)
        wait_until_drawn(page)
        press(page, "Train")
        wait_for_epoch(page, 1)
        crowd = Crowd(url, options.sessions, options.runs - 1)
        crowd.start()
        page.wait_for_timeout(3000)
        before, browsers = [session.epochs[-1] if session.epochs else 0 for session in crowd.sessions], epoch(page)
        server = psutil.Process(pid)
        busy, start = sum(server.cpu_times()[:2]), perf_counter()
        took = clicks(page, options.seconds)
        share = (sum(server.cpu_times()[:2]) - busy) / (perf_counter() - start)
        gained = [(s.epochs[-1] if s.epochs else 0) - b for s, b in zip(crowd.sessions, before, strict=True)]
        gained.append(epoch(page) - browsers)
        crowd.stop()
    found = {
        "page_median": float(np.median([session.ready for session in crowd.sessions])),
        "page_worst": max(session.ready for session in crowd.sessions),
        "click_median": float(np.median(took)),
        "click_p95": float(np.percentile(took, 95)),
        "clicks": len(took),
        "fewest_epochs": min(gained),
        "server_core": share,
    }
    titles = {
        "page_median": f"a page, {options.sessions} opened at once, median (s)",
        "page_worst": "the same, the last one (s)",
        "click_median": "a click until the page says so, median (s)",
        "click_p95": "the same, 95th percentile (s)",
        "clicks": "clicks",
        "fewest_epochs": f"epochs in {options.seconds:g} s of the run that had the fewest",
        "server_core": "the server's share of a core",
    }
    print(table(["figure", "value"], [[title, f"{found[name]:.3g}"] for name, title in titles.items()]))
    save("sessions", settings=vars(options), found=found, clicks=took, epochs=gained)


if __name__ == "__main__":
    main()
