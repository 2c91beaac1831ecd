"""What our scenes are to Plotly itself: its Python package, which only tests need, is the oracle."""

from __future__ import annotations

import json
import re
from typing import get_args

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs_version

from gandash.charts.figures import Scene, losses, metric, overlay, scores
from gandash.charts.palettes import Theme, colours
from gandash.charts.scripts import PLOTLY
from gandash.core.metrics import METRICS
from gandash.core.targets.shapes import SHAPES
from gandash.live.assets import asset

BASIC = {"scatter", "bar", "pie"}
"""What the basic bundle can draw."""
SCENES: dict[str, Scene] = {
    "overlay": overlay(SHAPES["circle"], SHAPES["circle"].sample(100, np.random.default_rng(0))),
    "losses": losses(),
    "scores": scores(),
    "metric": metric(list(METRICS)[:1]),
}


def test_the_bundle_is_the_basic_one_of_the_packages_version() -> None:
    header = asset(PLOTLY).content[:200].decode()
    found = re.search(r"plotly\.js \(basic - minified\) v(\S+)", header)
    assert found is not None and found[1] == get_plotlyjs_version()


@pytest.mark.parametrize("scene", SCENES.values(), ids=list(SCENES))
@pytest.mark.parametrize("theme", get_args(Theme))
def test_plotly_knows_all_that_a_scene_says_and_the_bundle_draws_it(scene: Scene, theme: Theme) -> None:
    coloured = re.sub(r"var\(--([\w-]+)\)", lambda found: colours(theme)[found[1]], json.dumps(scene))
    scene = json.loads(coloured)
    figure = go.Figure(scene.get("traces", []), scene["layout"])
    assert {trace.type for trace in figure.data} <= BASIC


def test_plotly_would_say_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        go.Figure([], SCENES["losses"]["layout"] | {"nonsense": 1})
