"""Plotly's own script, from the installed package, as a file that browsers ask for once.

Found without importing plotly, which would cost the server's start a third of a second.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from gandash.live import assets

PLOTLY = "plotly.js"

_spec = find_spec("plotly")
assert _spec is not None and _spec.origin is not None
assets.register(Path(_spec.origin).with_name("package_data") / "plotly.min.js", PLOTLY)
