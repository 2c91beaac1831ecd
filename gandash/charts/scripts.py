"""The scripts of the charts, as files that browsers ask for once.

Plotly's own is in the installed package. It is found without importing plotly, which would cost the server's start a
third of a second.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from gandash.live import assets

PLOTLY = "plotly.js"
MODULES = (
    "live.js",
    "contours.js",
    "curves.js",
    "elements.js",
    "follow.js",
    "layers.js",
    "phase.js",
    "points.js",
    "recording.js",
    "series.js",
    "stars.js",
    "switches.js",
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

_spec = find_spec("plotly")
assert _spec is not None and _spec.origin is not None
assets.register(Path(_spec.origin).with_name("package_data") / "plotly.min.js", PLOTLY, eager=True)

_HERE = Path(__file__).parent
for _name in (*MODULES[:-2], BOARD, TIMELINE, NETWORKS):
    assets.register(_HERE / _name)
for _name in MODULES[-2:]:
    assets.register(Path(assets.__file__).with_name(_name))
