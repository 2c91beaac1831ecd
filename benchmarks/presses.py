"""How soon what is pressed is on screen, in headless Chromium: ``python -m benchmarks.presses``.

Of Phase, Step and Epoch from the key going down to the picture of what was played, on a paused run of the textbook's
set-up; and how much of that is not the training itself, which is timed before, in this process. Of a shape, Train,
Reset and another theme, of a run that trains, from the click to the frame in which the page shows it. Prints tables of
medians and writes ``benchmarks/results/presses.json``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from playwright.sync_api import Page

from benchmarks.common import save, table
from benchmarks.dashboard import SETTINGS
from benchmarks.seen import REST_MS, seen
from gandash.charts.palettes import PALETTES, Theme
from gandash.core.config import RunConfig
from gandash.pages.browser import KEYS
from gandash.runs.run import CHUNK_SECONDS
from gandash.runs.worker import Budget, advance
from tests.browser.driver import (
    CHARTS,
    GROUND,
    INK,
    OVERLAY,
    dashboard_server,
    headless_chromium,
    press,
    rgb,
    until,
    wait_for_epoch,
    wait_until_drawn,
)

PRESS = """async ([key, selector, name]) => {
  const element = document.querySelector(selector);
  const before = element.dataset[name];
  const began = performance.now();
  const drawn = new Promise((done) => {
    const look = new MutationObserver(() => {
      if (element.dataset[name] === before) return;
      look.disconnect();
      done(performance.now());
    });
    look.observe(element, { attributes: true, attributeFilter: [`data-${name}`] });
  });
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  return (await drawn - began) / 1000;
}"""
"""Presses a key, and takes the seconds until the picture's element says something else of itself."""
SHAPES = ("Heart", "Spiral")
ASKED: Mapping[str, str] = {
    "shape": "a shape, until its points are there",
    "train": "Train, until the strip says that it starts",
    "run": "Train, until the strip tells of the run",
    "points": "Train, until its first points are there",
    "reset": "Reset, until the page is empty",
    "key": "another theme by its key, until the page and all charts have it",
    "system": "another theme of the system, until the page and all charts have it",
}
THEMES: Sequence[Theme] = ("dark", "light")


@dataclass(frozen=True)
class Unit:
    """What is played by hand: what the keys' help begins with, where the page shows it, and what workers are asked."""

    help: str
    selector: str
    name: str
    budget: Budget


UNITS: Mapping[str, Unit] = {
    "phase": Unit("one phase", ".gandash-lamp", "phase", Budget(CHUNK_SECONDS, by_hand=True, phases=1, show=True)),
    "step": Unit("one step", OVERLAY, "frames", Budget(CHUNK_SECONDS, by_hand=True, steps=1)),
    "epoch": Unit("one epoch", OVERLAY, "epoch", Budget(60.0, by_hand=True)),
}


def own_seconds(unit: Unit, count: int) -> float:
    """How long a worker takes for one of these."""
    config, checkpoint, seconds = RunConfig().to_json(), None, []
    for epoch in range(count + 1):
        until = epoch + 1 if unit.name == "epoch" else None
        budget = Budget(unit.budget.seconds, until, by_hand=True, phases=unit.budget.phases, steps=unit.budget.steps)
        chunk = advance("presses", config, checkpoint, budget)
        checkpoint = chunk.checkpoint
        seconds.append(chunk.seconds)
    return median(seconds[1:])


def pressed(page: Page, unit: Unit, count: int) -> list[float]:
    """The seconds of so many presses, each after the page has come to rest."""
    key, seconds = next(key for key, what in KEYS if what.startswith(unit.help)), []
    for _ in range(count):
        page.wait_for_timeout(REST_MS)
        wait_until_drawn(page)
        seconds.append(page.evaluate(PRESS, [key, unit.selector, unit.name]))
    return seconds


def asked(page: Page, count: int) -> dict[str, list[float]]:
    """The seconds of so many shapes, presses of Train and Reset, and changes of the theme."""
    picture, status = f"document.querySelector(`{OVERLAY}`)", "document.querySelector('.st-key-status')?.innerText"
    found: dict[str, list[float]] = {name: [] for name in ASKED}

    def coloured(theme: Theme) -> str:
        inks = " && ".join(f"{INK.format(key=key)} === '{rgb(PALETTES[theme].text)}'" for key in CHARTS)
        return f"{GROUND} === '{rgb(PALETTES[theme].background)}' && {inks}"

    for number in range(count):
        shape = SHAPES[number % 2]
        label = page.locator("label").filter(has_text=shape).first
        found["shape"] += seen(page, label.click, f"{picture}?.querySelector('.gtitle')?.textContent === '{shape}'")
        told = f"{status}?.includes('Epoch')"
        says = f"{told} || {status}?.includes('Starting')"
        train = seen(page, lambda: press(page, "Train"), says, told, f"{picture}?.dataset.epoch > 0")
        for name, seconds in zip(("train", "run", "points"), train, strict=True):
            found[name].append(seconds)
        for theme in THEMES:
            found["key"] += seen(page, lambda: page.keyboard.press("t"), coloured(theme))
        page.evaluate("localStorage.clear()")
        page.reload()
        until(page, coloured("light"))
        dark, light = (
            partial(page.emulate_media, color_scheme="dark"),
            partial(page.emulate_media, color_scheme="light"),
        )
        found["system"] += [*seen(page, dark, coloured("dark")), *seen(page, light, coloured("light"))]
        press(page, "Pause")
        found["reset"] += seen(
            page, lambda: press(page, "Reset"), f"{status}?.includes('Ready') && !{picture}.dataset.epoch"
        )
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.presses", description=__doc__)
    parser.add_argument("--presses", type=int, default=9, help="of each (default 9)")
    parser.add_argument("--clicks", type=int, default=5, help="on a shape, Train and Reset (default 5)")
    options = parser.parse_args(arguments)
    own = {name: own_seconds(unit, options.presses) for name, unit in UNITS.items()}
    with (
        headless_chromium() as browser,
        tempfile.TemporaryDirectory() as folder,
        dashboard_server(Path(folder), SETTINGS) as (url, _),
    ):
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(url)
        wait_until_drawn(page)
        page.wait_for_selector(f"{OVERLAY} .main-svg")
        press(page, "Train")
        wait_for_epoch(page, 2)
        press(page, "Pause")
        page.locator(".st-key-status").get_by_text("Paused", exact=True).wait_for()
        found = {name: pressed(page, unit, options.presses) for name, unit in UNITS.items()}
        press(page, "Reset")
        clicked = asked(page, options.clicks)
    rows = [
        [name, f"{own[name]:.3f}", f"{median(seconds):.3f}", f"{median(seconds) - own[name]:.3f}"]
        for name, seconds in found.items()
    ]
    print(table(["press", "training (s)", "to the picture (s)", "beyond the training (s)"], rows))
    print(table(["asked for", "to the screen (s)"], [[ASKED[name], f"{median(s):.3f}"] for name, s in clicked.items()]))
    save("presses", own=own, presses=found, asked=clicked)


if __name__ == "__main__":
    main()
