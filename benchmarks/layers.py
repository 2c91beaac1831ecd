"""What it costs to look inside, in headless Chromium: ``python -m benchmarks.layers``.

One run trains while its page is watched, with the layers of the picture off and with all of them on, taking turns.
Before, without a browser, the share of a worker's time that views take five times a second. Prints tables, of medians,
and writes ``benchmarks/results/layers.json``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Page

from benchmarks.common import save, table
from benchmarks.dashboard import SETTINGS, rate
from gandash.core import link
from gandash.core.config import RunConfig
from gandash.core.views import VIEWS
from gandash.runs.service import VIEWED_SECONDS
from gandash.runs.worker import Budget, advance
from tests.browser.driver import (
    OVERLAY,
    WATCH_POINTS,
    dashboard_server,
    headless_chromium,
    press,
    wait_for_epoch,
    wait_until_drawn,
)

COSTLY = ("Discriminator", "Manifold")
ALL = (*COSTLY, "Gradients", "Density", "Trails")

WATCH_LAYERS = """() => {
  const chart = document.querySelector("[data-chart='overlay_chart']");
  window.inside = new Set();
  const look = () => {
    if (chart.dataset.layersEpoch) window.inside.add(chart.dataset.layersAt);
    requestAnimationFrame(look);
  };
  look();
}"""

TITLES = {
    "epochs": "epochs a second",
    "share": "the same, over that without layers",
    "positions": "different positions of the points a second",
    "pictures": "different pictures of the layers a second",
}


def share_of_time(names: tuple[str, ...], chunks: int = 20) -> float:
    """The share of a worker's time that these views take, with the textbook's set-up and once a chunk."""
    config, checkpoint, shares = RunConfig().to_json(), None, []
    for _ in range(chunks + 1):
        chunk = advance("layers", config, checkpoint, Budget(VIEWED_SECONDS, views=names))
        checkpoint = chunk.checkpoint
        shares.append(chunk.view_seconds / chunk.seconds)
    return median(shares[1:])


def switch(page: Page, names: Sequence[str]) -> None:
    """Press the switches of these layers."""
    for name in names:
        page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_timeout(1500)


def watched(page: Page, url: str, run_id: str, seconds: float) -> dict[str, float]:
    """The figures of so many seconds, with the layers that are on."""
    page.evaluate("[window.seen, window.inside].forEach((set) => set.clear())")
    epochs = rate(url, run_id, page, seconds)
    found = {"positions": "window.seen.size", "pictures": "window.inside.size"}
    return {"epochs": epochs} | {name: page.evaluate(what) / seconds for name, what in found.items()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="turns of each (default 3)")
    parser.add_argument("--seconds", type=float, default=10.0, help="to watch in each (default 10)")
    options = parser.parse_args(arguments)
    shares = {" + ".join(names): share_of_time(names) for names in (("discriminator", "manifold"), tuple(VIEWS))}
    print(table(["views", "share of the time"], [[name, f"{share:.3f}"] for name, share in shares.items()]))
    kinds: dict[str, Sequence[str]] = {"off": (), "surface and manifold": COSTLY, "all on": ALL}
    rounds: dict[str, list[dict[str, float]]] = {kind: [] for kind in kinds}
    with (
        headless_chromium() as browser,
        tempfile.TemporaryDirectory() as folder,
        dashboard_server(Path(folder), SETTINGS) as (url, _),
    ):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"{url}/?setup={link.encode(RunConfig(early_stopping='off'))}")  # it would end within three rounds
        wait_until_drawn(page)
        page.wait_for_selector(f"{OVERLAY} .main-svg")
        press(page, "Train")
        wait_for_epoch(page, 5)
        run_id = parse_qs(urlsplit(page.url).query)["run"][0]
        page.evaluate(WATCH_POINTS)
        page.evaluate(WATCH_LAYERS)
        for _ in range(options.rounds):
            for kind, names in kinds.items():
                switch(page, names)
                rounds[kind].append(watched(page, url, run_id, options.seconds))
                switch(page, names)
    for turns in rounds.values():
        for found, without in zip(turns, rounds["off"], strict=True):
            found["share"] = found["epochs"] / without["epochs"]
    medians = {kind: {name: median(each[name] for each in turns) for name in TITLES} for kind, turns in rounds.items()}
    print(table(["figure", *kinds], [[title, *(f"{medians[k][n]:.3g}" for k in kinds)] for n, title in TITLES.items()]))
    save("layers", seconds=options.seconds, shares=shares, median=medians, rounds=rounds)


if __name__ == "__main__":
    main()
