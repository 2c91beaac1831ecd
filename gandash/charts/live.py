"""The chart that stays: a Plotly figure in the browser that new data redraws but never mounts again.

`st.plotly_chart` gives every new figure a new element, so zoom is lost and the page flickers. This is a Components-v2
element with a fixed key instead, whose script (`live.js`) calls ``Plotly.react`` on the element that is there. Plotly's
own JavaScript comes from the installed package, through a loader that is mounted once a page load; nothing is fetched
from elsewhere.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import streamlit as st
from plotly.offline import get_plotlyjs

from gandash.runs.snapshot import Frame

_HERE = Path(__file__).parent


@cache
def _loader_script() -> str:
    """Plotly's source, run once as a classic script in the page."""
    return (
        "export default function ({ data }) {\n"
        "  if (window.Plotly || document.getElementById('gandash-plotly')) return;\n"
        "  const script = document.createElement('script');\n"
        "  script.id = 'gandash-plotly';\n"
        "  script.textContent = data;\n"
        "  document.head.append(script);\n"
        "}\n"
    )


def plotly_loader() -> None:
    """Bring Plotly's JavaScript to the browser. Call it once a page, outside every fragment, before the charts."""
    loader = st.components.v2.component("gandash_plotly", js=_loader_script())
    loader(key="plotly_loader", data=get_plotlyjs(), height=0)


def live_chart(
    figure: go.Figure,
    *,
    key: str,
    height: int,
    label: str,
    frames: Sequence[Frame] = (),
    motion: str = "",
    zoom: bool = False,
) -> None:
    """Draw a figure, or redraw it in the element that this key already has.

    `height` is in pixels; `label` is what a screen reader says. With `frames`, the newest few of a run, oldest first,
    the figure's last trace is a cloud of points that glides through them instead of jumping to the newest; `motion`
    names what moves, the run's id: where it changes, the points jump. `zoom` lets the mouse wheel zoom.
    """
    chart = st.components.v2.component(
        "gandash_chart", js=(_HERE / "live.js").read_text(), css=(_HERE / "live.css").read_text(), isolate_styles=False
    )
    chart(
        key=key,
        height=height,
        data={
            "key": key,
            "label": label,
            "figure": figure.to_json(),
            "frames": [
                {"epoch": frame.epoch, "at": frame.progress, "points": _base64(frame.points)} for frame in frames
            ],
            "motion": motion,
            "zoom": zoom,
        },
    )


def _base64(points: np.ndarray) -> str:  # type: ignore[type-arg]
    """All x, then all y, as little-endian float32."""
    return base64.b64encode(np.ascontiguousarray(points.T, dtype="<f4").tobytes()).decode()
