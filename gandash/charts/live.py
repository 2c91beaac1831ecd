"""The chart that stays: a Plotly figure in the browser that new data redraws but never mounts again.

`st.plotly_chart` gives every new figure a new element, so zoom is lost and the page flickers. This is a Components-v2
element with a fixed key instead, whose script calls ``Plotly.react`` on the element that is there. Plotly's own
JavaScript comes from the installed package, through a loader that is mounted once a page; nothing is fetched from
elsewhere. Streamlit sends a message of 10 KB or more that the browser has already had as a mere reference, so what
seldom changes travels apart from what changes at every tick.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.io.json import to_json_plotly
from plotly.offline import get_plotlyjs

from gandash.core.targets.target import Points
from gandash.runs.snapshot import Frame

Project = Callable[[Points], Points]

_HERE = Path(__file__).parent


@cache
def _source(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _plotly() -> bytes:
    source: str = get_plotlyjs()
    return source.encode()


def script() -> str:
    """The loader's script, one ES module: it exports a function that takes ``{data: Plotly's source}``."""
    return _source("points.js") + _source("live.js")


def plotly_loader() -> None:
    """Bring Plotly and the charts' script to the browser. Call it once a page, outside every fragment.

    Charts that come before it wait for it.
    """
    load = st.components.v2.component("gandash_loader", js=script(), isolate_styles=False)
    load(key="gandash_loader", data=_plotly(), height=1)


def live_chart(
    figure: go.Figure,
    *,
    key: str,
    height: int,
    label: str,
    frames: Sequence[Frame] | None = None,
    project: Project = np.asarray,
    motion: str = "",
) -> None:
    """Draw a figure, or redraw it in the element that this key already has.

    `height` is in pixels, and a style sheet may give another to ``.st-key-<key>``; `label` is what a screen reader
    says. `motion` names what is watched, such as a run's id: a zoom lasts for as long as it and the figure's
    ``uirevision`` stay the same. Newer data of the same figure may wait a little, so that a busy browser still answers;
    another `motion`, ``uirevision`` or ``meta["look"]`` is drawn at once.

    With `frames`, the newest few of a run, oldest first (none yet is fine), the figure's last trace is a cloud of
    points that glides through the frames that the browser has not shown yet, over the time between two ticks. The
    cloud's points are taken from the frames alone; `project` makes ``(n, 2)`` of their ``(n, dim)``. On a page::

        live_chart(overlay(target, real, "light"), key="overlay", height=500, label="Real and generated points",
                   frames=snapshot.frames, project=target.canvas.project, motion=snapshot.run_id)
    """
    mount = st.components.v2.component(
        "gandash_chart", js=_source("chart.js"), css=_source("live.css"), isolate_styles=False
    )
    chart, *parked = messages(figure, key=key, label=label, frames=frames, project=project, motion=motion)
    mount(key=key, height=height, data=chart)
    for message in parked:
        mount(key=f"{key}_figure", height=1, data=message)


def messages(
    figure: go.Figure,
    *,
    key: str,
    label: str,
    frames: Sequence[Frame] | None = None,
    project: Project = np.asarray,
    motion: str = "",
) -> list[dict[str, Any]]:
    """What the browser is told of a chart: one message, or with `frames` two, the second with the figure itself."""
    content = figure.to_plotly_json()
    layout = content["layout"]
    layout["uirevision"] = f"{layout.get('uirevision', '')} {motion}"
    identity = f"{layout['uirevision']} {layout.get('meta', {}).get('look', '')}"
    data = {"key": key, "label": label, "identity": identity}
    if frames is None:
        return [data | {"figure": to_json_plotly(content)}]
    content["data"][-1] = {**content["data"][-1], "x": [], "y": []}
    text: str = to_json_plotly(content)
    version = hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
    # a tuple: with a list, Streamlit loads pandas and Arrow to see whether it is a data frame
    shown = tuple(
        {"epoch": frame.epoch, "at": frame.progress, "points": encode(project(frame.points))} for frame in frames
    )
    return [
        data | {"version": version, "frames": shown},
        {"parked": True, "key": key, "version": version, "figure": text},
    ]


def encode(points: Points) -> str:
    """Points ``(n, 2)`` as base64 text: all x, then all y, in little-endian float32."""
    return base64.b64encode(np.ascontiguousarray(points.T, dtype="<f4").tobytes()).decode("ascii")
