"""The scripts of the charts, as files that browsers ask for once.

Plotly's own is its "basic" bundle, all that our charts draw: the whole of it, which is what Python's package carries,
has four times the code, and a browser that compiles and runs it shows Train a quarter later and the charts a third. The
file is that of the npm package `plotly.js-basic-dist-min`, as it is, with its licence beside it.
"""

from __future__ import annotations

from pathlib import Path

from gandash.live import assets

PLOTLY = "plotly.js"
MODULES = (
    "live.js",
    "colours.js",
    "contours.js",
    "curves.js",
    "elements.js",
    "follow.js",
    "layers.js",
    "phase.js",
    "points.js",
    "recolour.js",
    "recording.js",
    "series.js",
    "stars.js",
    "switches.js",
    "symbols.js",
    "moment.js",
    "stream.js",
)
"""The script that draws charts, and all that it imports."""
BOARD = "board.js"
"""The script that draws a pattern of numbers, which imports some of the same."""
TIMELINE = "timeline.js"
"""The script of the timeline below the picture, likewise."""
NETWORKS = "networks.js"
"""The script of the networks' diagram, likewise."""

_HERE = Path(__file__).parent
assets.register(_HERE / "plotly" / "plotly-basic.min.js", PLOTLY, eager=True)
for _name in (*MODULES[:-2], BOARD, TIMELINE, NETWORKS):
    assets.register(_HERE / _name)
for _name in MODULES[-2:]:
    assets.register(Path(assets.__file__).with_name(_name))
