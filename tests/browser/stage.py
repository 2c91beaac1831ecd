"""An empty page with our scripts and a stream that the test itself plays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, Route

from gandash.charts import live, palettes
from gandash.charts.scripts import PLOTLY
from gandash.live import assets
from gandash.pages import monitor
from gandash.runs.snapshot import Frame, History

CHARTS = Path(live.__file__).parent
PAGES = Path(monitor.__file__).parent
LIVE = Path(assets.__file__).parent
ADDRESS = "http://gandash.test/"

FAKE_STREAM = """
export { announced, decode, points, take } from "./real-stream.js";
const watchers = new Map();
const told = new Map();
export function watch(run, onState) {
  const all = watchers.get(run) ?? new Set();
  watchers.set(run, all.add(onState));
  if (told.has(run)) queueMicrotask(() => all.has(onState) && onState(told.get(run)));
  const look = (names) => ((window.looked ??= {})[run] = names);
  return { close: () => all.delete(onState), look };
}
window.forget = () => told.clear();
window.watched = () => [...watchers].filter(([, all]) => all.size).map(([run, all]) => [run, all.size]);
window.play = (run, news) => {
  const state = Object.assign(told.get(run) ?? { run, connected: true, kind: "picture", version: 0, curves: new Map(),
    frames: [], rows: 0, real: null, words: null, state: { stage: "" } }, news);
  for (const [name, [x, y]] of Object.entries(news.columns ?? {})) {
    const curve = state.curves.get(name) ?? { x: [], y: [] };
    curve.x.splice(0, Infinity, ...x); // the arrays stay, as they do in the stream
    curve.y.splice(0, Infinity, ...y);
    state.curves.set(name, curve);
  }
  const typed = ([x, y]) => ({ x: Float32Array.from(x), y: Float32Array.from(y) });
  if (news.cloud) state.real = typed(news.cloud);
  if (news.points) state.frames = news.points.map(([epoch, at, xy, outputs]) =>
    ({ epoch, at, points: typed(xy), ...(outputs && { outputs: Float32Array.from(outputs) }) }));
  told.set(run, state);
  for (const onState of watchers.get(run) ?? []) onState(state);
};
"""

LOAD = """async (plotly) => {
  window.modules = { charts: await import("/live.js"), words: await import("/words.js") };
  window.render = (module, host, data) => {
    window.hosts ??= {};
    let parent = window.hosts[host];
    if (!parent) {
      parent = window.hosts[host] = document.createElement("div");
      if (module === "charts") parent.style = "width: 600px; height: 400px";
      document.body.append(parent);
    }
    parent.module = module;
    const setTriggerValue = (name, value) => (window.triggers ??= []).push([name, value]);
    window.modules[module].render({ data, parentElement: parent, setTriggerValue });
  };
}"""

REMOVE = """() => {
  for (const host of Object.values(window.hosts ?? {})) {
    host.remove();
    window.modules[host.module].unmount(host);
  }
  window.hosts = {};
  delete document.documentElement.dataset.theme;
  window.triggers = [];
  window.forget();
}"""


LOOK = """() => [...document.querySelectorAll(".gandash-frame")].map((frame) => [
  ...[...frame.querySelectorAll("svg [style]")].map(
    ({ style }) => [style.fill, style.fillOpacity || 1, style.stroke, style.strokeOpacity || 1].join()),
  ...[...frame.querySelectorAll("canvas")].map((canvas) => canvas.width && canvas.toDataURL()),
])"""


@contextmanager
def empty_stage(browser: Browser) -> Iterator[Page]:
    """A page with nothing but the scripts."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="no-preference")
    page = context.new_page()
    page.route(f"{ADDRESS}**", _answer)
    page.goto(ADDRESS)
    page.evaluate("(style) => document.head.insertAdjacentHTML('beforeend', style)", palettes.style())
    for style in (CHARTS / "live.css", PAGES / "style.css"):
        page.add_style_tag(path=style)
    page.evaluate(LOAD)
    yield page
    context.close()


def _answer(route: Route) -> None:
    name = route.request.url.removeprefix(ADDRESS)
    if not name:
        route.fulfill(body="<!doctype html><body>", content_type="text/html")
        return
    if name == "plotly.js":
        body = assets.asset(PLOTLY).content.decode()
    elif name == "stream.js":
        body = FAKE_STREAM
    else:
        name = name.replace("real-stream.js", "stream.js")
        path = next(folder / name for folder in (CHARTS, PAGES, LIVE) if (folder / name).exists())
        body = path.read_text(encoding="utf-8")
    route.fulfill(body=body, content_type="text/javascript")


def play(page: Page, run: str, **news: Any) -> None:
    """Tell all who watch this run what is new, as `told` puts it."""
    page.evaluate("([run, news]) => window.play(run, news)", [run, news])


def turn(page: Page, theme: palettes.Theme) -> list[list[str]]:
    """Turn the page from light to dark, or back, and take how its charts look in the very frame."""
    told = "document.documentElement.dataset.theme = theme; dispatchEvent(new Event('gandash-theme'))"
    found: list[list[str]] = page.evaluate(f"(theme) => {{ {told}; return ({LOOK})(); }}", theme)
    return found


def look(page: Page) -> list[list[str]]:
    """In what colours all charts are, line by line and word by word, and their canvases."""
    found: list[list[str]] = page.evaluate(LOOK)
    return found


def told(data: Sequence[Frame] | History) -> dict[str, Any]:
    """Frames or curves as the stream's state has them."""
    if isinstance(data, History):
        return {"rows": len(data), "columns": columns(data.epoch, data.columns)}
    return {"points": [[frame.epoch, frame.progress, np.asarray(frame.points, float).T.tolist()] for frame in data]}


def columns(epoch: NDArray[np.int64], values: Mapping[str, NDArray[np.float64]]) -> dict[str, Any]:
    """What is finite of columns over the epochs."""
    finite = {name: np.isfinite(column) for name, column in values.items()}
    return {name: [epoch[kept].tolist(), values[name][kept].tolist()] for name, kept in finite.items() if kept.any()}


def chart_data(scene: Mapping[str, Any], key: str, run: str) -> dict[str, Any]:
    """What the page's script tells a chart."""
    text = json.dumps(scene)
    return {"key": key, "label": "A chart", "run": run, "base": "", "scene": text, "plotly": "/plotly.js"}
