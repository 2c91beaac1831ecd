"""How smoothly Explore follows the hand, in headless Chromium: ``python -m benchmarks.explore``.

Opens generators as files, one and two at a time, drags over the pad with a pointer that moves 200 times a second, plays
a path, and counts the frames in which the browser has drawn another place, beside all frames that it has shown. A
generator's speed does not depend on how long it has trained: they are trained for an epoch. Prints a table of medians
and writes ``benchmarks/results/explore.json``.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, Page

from benchmarks.common import one_thread, save, table
from gandash.core.presets import PRESETS
from gandash.core.trainer import Trainer
from tests.browser.driver import dashboard_server, headless_chromium, press, wait_until_drawn

CASES: Mapping[str, tuple[str, ...]] = {
    "textbook-exponential": ("textbook-exponential",),
    "best-ring8 (Fourier features, digits, average)": ("best-ring8",),
    "best-spiral (Fourier features, average)": ("best-spiral",),
    "best-multiples-of-5 (100 numbers of noise)": ("best-multiples-of-5",),
    "best-ring8 beside best-spiral": ("best-ring8", "best-spiral"),
}
SIZES = {"1280 × 900": (1280, 900), "1920 × 1080": (1920, 1080)}
FIGURES = {
    "drag": "frames a second, drag",
    "drag_shown": "of so many shown",
    "drag_slowest": "slowest of 20 (ms)",
    "path": "frames a second, path",
    "path_shown": "of so many shown",
    "path_slowest": "slowest of 20 (ms)",
}

COUNT = """() => {
  const { gandashPad: pad } = document.querySelector(".gandash-explore-pad");
  window.counted = { shown: [], drawn: [] };
  let last = JSON.stringify(pad.noise);
  const look = (now) => {
    window.counted.shown.push(now);
    const noise = JSON.stringify(pad.noise);
    if (noise !== last) window.counted.drawn.push(now);
    last = noise;
    window.counting = requestAnimationFrame(look);
  };
  window.counting = requestAnimationFrame(look);
}"""
COUNTED = """() => {
  cancelAnimationFrame(window.counting);
  return window.counted;
}"""
DRAG = """(ms) => new Promise((done) => {
  const canvas = document.querySelector("canvas.gandash-pad");
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const began = performance.now();
  const timer = setInterval(() => {
    const t = (performance.now() - began) / 1000;
    const clientX = left + width * (0.5 + 0.3 * Math.cos(2 * t));
    const clientY = top + height * (0.5 + 0.3 * Math.sin(3 * t));
    canvas.dispatchEvent(new PointerEvent("pointermove", { pointerId: 1, bubbles: true, clientX, clientY }));
    if (1000 * t < ms) return;
    clearInterval(timer);
    done();
  }, 5);
})"""
PATH_SECONDS = 4.0


def generators(folder: Path) -> dict[str, Path]:
    """A portable file of each preset's generator, the average where there is one."""
    one_thread()
    files = {}
    for name in dict.fromkeys(name for names in CASES.values() for name in names):
        trainer = Trainer(PRESETS[name].model_copy(update={"points": 512, "batch_size": 64}))
        trainer.advance(epochs=1)
        files[name] = folder / f"{name}.zip"
        files[name].write_bytes(trainer.export(format="portable"))
    return files


def opened(browser: Browser, url: str, size: tuple[int, int], files: Sequence[Path]) -> Page:
    """The page with these generators, their pictures at rest."""
    page = browser.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
    page.goto(url)
    wait_until_drawn(page)
    page.locator("[data-testid='stTopNavLink']").filter(has_text="Explore").click()
    for place, file in enumerate(files):
        if place:
            page.get_by_role("combobox", name="Beside it").click()
            page.get_by_role("option", name="A file").click()
        press(page, ("Open a file", "Open the second file")[place])
        page.locator("[data-testid='stPopoverBody'] input[type=file]").set_input_files(file)
        page.wait_for_function(f"document.querySelectorAll('canvas.gandash-made').length === {place + 1}")
        page.keyboard.press("Escape")
        wait_until_drawn(page)
    page.wait_for_timeout(2500)  # the meshes have grown
    return page


def rates(counted: Mapping[str, Sequence[float]], name: str) -> dict[str, float]:
    """Frames a second, drawn and shown, and the time that one in twenty of the drawn took or more."""
    shown, drawn = counted["shown"], counted["drawn"]
    seconds = (shown[-1] - shown[0]) / 1000
    gaps = sorted(late - early for early, late in pairwise(drawn))
    return {
        name: len(drawn) / seconds,
        f"{name}_shown": (len(shown) - 1) / seconds,
        f"{name}_slowest": gaps[int(0.95 * len(gaps))],
    }


def one_round(page: Page, seconds: float) -> dict[str, float]:
    """All figures once: what is on the page dragged, and its path played."""
    box = page.locator("canvas.gandash-pad").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.evaluate(COUNT)
    page.evaluate(DRAG, 1000 * seconds)
    found = rates(page.evaluate(COUNTED), "drag")
    page.mouse.up()
    page.get_by_label("Along the path").fill("0")
    press(page, "Play the path")
    page.evaluate(COUNT)
    page.wait_for_timeout(1000 * (PATH_SECONDS - 0.5))
    found |= rates(page.evaluate(COUNTED), "path")
    page.get_by_role("button", name="Play the path").wait_for()
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explore", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="for each size and generator (default 3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="to drag in each round (default 4)")
    options = parser.parse_args(arguments)
    medians: dict[str, dict[str, float]] = {}
    rounds: dict[str, list[dict[str, float]]] = {}
    with headless_chromium() as browser, tempfile.TemporaryDirectory() as folder:
        files = generators(Path(folder))
        with dashboard_server(Path(folder)) as (url, _):
            for size, pixels in SIZES.items():
                for case, names in CASES.items():
                    page = opened(browser, url, pixels, [files[name] for name in names])
                    found = rounds[f"{case}, {size}"] = [
                        one_round(page, options.seconds) for _ in range(options.rounds)
                    ]
                    page.context.close()
                    medians[f"{case}, {size}"] = {figure: median(each[figure] for each in found) for figure in FIGURES}
    rows = [[case, *(f"{found[figure]:.1f}" for figure in FIGURES)] for case, found in medians.items()]
    print(table(["generator and window", *FIGURES.values()], rows))
    save("explore", seconds=options.seconds, median=medians, rounds=rounds)


if __name__ == "__main__":
    main()
