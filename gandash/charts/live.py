"""The chart that stays: a Plotly figure in the browser that new data redraws but never mounts again.

`st.plotly_chart` gives every new figure a new element, so zoom is lost and the page flickers. This is a Components-v2
element with a fixed key instead. The page's script gives it a scene of `figures` and the run to show; what there is of
the run comes to `live.js` by the stream, past the script. Scripts, Plotly's own among them, have addresses that change
with their content, so a browser fetches them once; nothing is fetched from elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from gandash.charts.figures import Scene
from gandash.charts.scripts import BOARD, PLOTLY, TIMELINE
from gandash.live.assets import asset_url
from gandash.live.base import base_path


@cache
def _glue() -> str:
    return Path(__file__).with_name("glue.js").read_text(encoding="utf-8")


def element(
    name: str,
    script: str,
    data: dict[str, Any],
    *,
    key: str,
    height: int | str = "content",
    **callbacks: Callable[[], None],
) -> None:
    """Mount an element that a module of ours draws: its ``render(component)`` is called with this data.

    `script` is the module's name among the assets, `name` one for elements of this kind; `callbacks` are Streamlit's.
    Their style sheets are in the page from the beginning (`gandash.pages.first_sight`).
    """
    mount = st.components.v2.component(name, js=_glue(), isolate_styles=False)
    told = {"script": asset_url(script), "base": base_path(), **data}
    mount(key=key, height=height, data=told, **callbacks)  # type: ignore[arg-type]


def live_chart(
    scene: Scene,
    *,
    key: str,
    height: int,
    label: str,
    run: str = "",
    layers: list[dict[str, Any]] | None = None,
    film: str = "",
) -> None:
    """Draw a scene, or redraw it in the element that this key already has, and keep it up to date with a run.

    `height` is in pixels, and a style sheet may give another to ``.st-key-<key>``; `label` is what a screen reader
    says. A zoom lasts for as long as `run` and the layout's ``uirevision`` stay the same. Newer data of the same scene
    may wait a little, so that a busy browser still answers; another `run`, ``uirevision`` or ``meta["look"]`` is drawn
    at once, and without the data of the one before. Without a run nothing but the scene is drawn. `layers` are the
    views that can be switched on under a cloud of points (`gandash.core.views.offered`); a chart has them always or
    never. `film` is where a recording is served that is shown for as long as there is no run. On a page::

        live_chart(overlay(target, real), key="overlay", height=500, label="Real and generated points",
                   run=snapshot.run_id)
    """
    data = chart_data(scene, key=key, label=label, run=run, layers=layers, film=film)
    element("gandash_chart", "live.js", data | {"plotly": asset_url(PLOTLY)}, key=key, height=height)


def chart_data(
    scene: Scene,
    *,
    key: str,
    label: str,
    run: str = "",
    layers: list[dict[str, Any]] | None = None,
    film: str = "",
) -> dict[str, str]:
    """What an element is told of a scene, as `live_chart` and `live_board` take it."""
    # as text: of a list within the data Streamlit asks pandas and Arrow whether it is a data frame
    text = json.dumps(scene, separators=(",", ":"), ensure_ascii=False)
    data = {"key": key, "label": label, "run": run, "scene": text}
    if film:
        data["film"] = film
    if layers is not None:
        data["layers"] = json.dumps(layers)
    return data


def timeline(*, key: str, height: int, run: str = "") -> None:
    """Draw the timeline of a run, by which all that shows the run on the page can be brought to a past epoch."""
    element("gandash_timeline", TIMELINE, {"key": key, "run": run}, key=key, height=height)


def live_board(scene: Scene, *, key: str, height: int, label: str, run: str = "") -> None:
    """Draw the board of a pattern of numbers and keep it up to date with a run, as `live_chart` does."""
    element("gandash_board", BOARD, chart_data(scene, key=key, label=label, run=run), key=key, height=height)
