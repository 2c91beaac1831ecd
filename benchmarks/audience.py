"""A lecture hall: hundreds of browsers' worth of clients watch one run: ``python -m benchmarks.audience``.

Two runs train on a server of its own. Clients in one process of this benchmark open the stream of one of them, and
count what arrives. Prints a table and writes ``benchmarks/results/audience.json``. The clients take their share of the
same cores, which is reported: what an audience has at home comes on top of it here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import struct
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median, quantiles
from time import perf_counter
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
from playwright.sync_api import Browser
from websockets.asyncio.client import connect
from websockets.sync.client import connect as connect_now

from benchmarks.common import save, table
from gandash.core import link
from gandash.core.config import RunConfig
from tests.browser.driver import dashboard_server, headless_chromium, press, wait_for_epoch, wait_until_drawn

SETTINGS = {"GANDASH_IDLE_PAUSE": "off", "GANDASH_WORKERS": "2"}
RUNS = (
    RunConfig(shape="exponential", epochs=1_000_000, early_stopping="off"),
    RunConfig(shape="ring8", epochs=1_000_000, early_stopping="off"),
)
SETTLED_SECONDS = 30.0
"""After which the server's memory is taken the first time."""
MEGABYTE = 2**20

TITLES = {
    "watchers": "watchers of one run",
    "connected": "until all were connected (s)",
    "frames": "frames a second each (median)",
    "fewest_frames": "the same, the one with the fewest",
    "lag": "lag, median (s)",
    "lag_95": "lag, 95th percentile (s)",
    "errors": "connections refused, lost or out of order",
    "speed": "epochs a second of both runs, with watchers",
    "speed_alone": "the same, without",
    "ratio": "with watchers over without",
    "server_cores": "cores that the server took",
    "clients_cores": "cores that the clients took",
    "memory": "memory of the server after half a minute (MB)",
    "memory_end": "the same at the end (MB)",
    "memory_growth": "the end over that",
}


@dataclass
class Watcher:
    """What one client has been sent."""

    connected: float = 0.0
    frames: int = 0
    rows: int = 0
    lags: list[float] = field(default_factory=list)
    problem: str = ""


def header_of(message: bytes) -> dict[str, Any]:
    """The header of a message; the arrays are left alone, as hundreds of clients share one process."""
    (length,) = struct.unpack_from("<I", message, 4)
    header: dict[str, Any] = json.loads(message[8 : 8 + length])
    return header


async def watch(address: str, watcher: Watcher, start: float, counting: asyncio.Event, ended: asyncio.Event) -> None:
    """Watch a run until the end, and count while that is asked for."""
    try:
        async with connect(address, compression=None, max_size=None, open_timeout=60) as socket:
            message = await socket.recv(decode=False)
            watcher.connected = perf_counter() - start
            while not ended.is_set():
                header = header_of(message)
                if counting.is_set():
                    watcher.lags.append(time.time() - header["time"])
                    watcher.frames += len(header["frames"])
                if header["rows"] < watcher.rows:
                    watcher.problem = "rows went back"
                watcher.rows = header["rows"]
                message = await socket.recv(decode=False)
    except Exception as error:
        watcher.problem = f"{type(error).__name__}: {error}"


async def audience(address: str, number: int, seconds: float, sending: Any) -> None:
    """Have so many clients watch, and tell the other end of a pipe: first that all are there, then what they got."""
    counting, ended = asyncio.Event(), asyncio.Event()
    watchers = [Watcher() for _ in range(number)]
    start = perf_counter()
    tasks = [asyncio.create_task(watch(address, watcher, start, counting, ended)) for watcher in watchers]
    while not all(watcher.connected or watcher.problem for watcher in watchers):
        await asyncio.sleep(0.05)
    sending.send(None)
    counting.set()
    cpu, start = time.process_time(), perf_counter()
    await asyncio.sleep(seconds)
    cores, passed = (time.process_time() - cpu) / (perf_counter() - start), perf_counter() - start
    counting.clear()
    ended.set()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    sending.send((watchers, passed, cores))


def be_an_audience(address: str, number: int, seconds: float, sending: Any) -> None:
    """`audience`, as a process."""
    asyncio.run(audience(address, number, seconds, sending))


def start_runs(browser: Browser, url: str) -> list[str]:
    """Press Train for each of the runs, close the pages, and return the runs' ids."""
    ids = []
    for config in RUNS:
        page = browser.new_page()
        page.goto(f"{url}/?setup={link.encode(config)}")
        wait_until_drawn(page)
        press(page, "Train")
        wait_for_epoch(page, 5)
        ids += parse_qs(urlsplit(page.url).query)["run"]
        page.close()
    return ids


def epochs(stream: str, runs: Sequence[str]) -> list[tuple[int, float]]:
    """The epoch of each run, and when it was there."""

    found = []
    for run in runs:
        with connect_now(f"{stream}?run={run}", compression=None, max_size=None) as socket:
            message = socket.recv(decode=False)
            found.append((header_of(message)["state"]["epoch"], perf_counter()))
    return found


def speed(before: list[tuple[int, float]], after: list[tuple[int, float]]) -> float:
    """Epochs a second of all runs together."""
    return sum((b[0] - a[0]) / (b[1] - a[1]) for a, b in zip(before, after, strict=True))


def measure(folder: Path, number: int, seconds: float, alone: float) -> dict[str, float]:
    """All figures once: the runs alone, before an audience, and alone again."""
    with dashboard_server(folder, SETTINGS) as (url, pid):
        stream = f"{url.replace('http', 'ws')}/live"
        server = psutil.Process(pid)
        with headless_chromium() as browser:
            runs = start_runs(browser, url)
        looks = [epochs(stream, runs)]
        time.sleep(alone)
        looks.append(epochs(stream, runs))

        spawn = get_context("spawn")
        receiving, sending = spawn.Pipe(duplex=False)
        clients = spawn.Process(
            target=be_an_audience, args=(f"{stream}?run={runs[0]}", number, seconds, sending), daemon=True
        )
        clients.start()
        receiving.recv()
        looks.append(epochs(stream, runs))
        cpu, start = sum(server.cpu_times()[:2]), perf_counter()
        time.sleep(min(SETTLED_SECONDS, seconds / 2))
        memory = server.memory_info().rss
        time.sleep(max(seconds - 1 - (perf_counter() - start), 0))
        memory_end = server.memory_info().rss
        cores = (sum(server.cpu_times()[:2]) - cpu) / (perf_counter() - start)
        looks.append(epochs(stream, runs))
        watchers, passed, clients_cores = receiving.recv()
        clients.join()

        looks.append(epochs(stream, runs))
        time.sleep(alone)
        looks.append(epochs(stream, runs))
    lags = [lag for watcher in watchers for lag in watcher.lags]
    frames = [watcher.frames / passed for watcher in watchers]
    for problem in sorted({watcher.problem for watcher in watchers if watcher.problem}):
        print(problem)
    watched, unwatched = speed(*looks[2:4]), mean((speed(*looks[:2]), speed(*looks[4:])))
    return {
        "watchers": number,
        "connected": max(watcher.connected for watcher in watchers),
        "frames": median(frames),
        "fewest_frames": min(frames),
        "lag": median(lags),
        "lag_95": quantiles(lags, n=20)[-1],
        "errors": sum(bool(watcher.problem) for watcher in watchers),
        "speed": watched,
        "speed_alone": unwatched,
        "ratio": watched / unwatched,
        "server_cores": cores,
        "clients_cores": clients_cores,
        "memory": memory / MEGABYTE,
        "memory_end": memory_end / MEGABYTE,
        "memory_growth": memory_end / memory,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audience", description=__doc__)
    parser.add_argument("--watchers", type=int, default=300, help="clients (default 300)")
    parser.add_argument("--seconds", type=float, default=120.0, help="that they watch (default 120)")
    parser.add_argument("--alone", type=float, default=30.0, help="seconds without them, twice (default 30)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder) / "home", options.watchers, options.seconds, options.alone)
    print(table(["figure", "measured"], [[title, f"{found[name]:.3g}"] for name, title in TITLES.items()]))
    save("audience", seconds=options.seconds, figures=found)


if __name__ == "__main__":
    main()
