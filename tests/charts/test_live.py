"""What a live chart is told, read as AppTest leaves it."""

from __future__ import annotations

import json
from typing import Any

from streamlit.testing.v1 import AppTest

from gandash.charts.scripts import PLOTLY
from gandash.live.assets import asset, asset_url


def page() -> None:
    """A page with one live chart of a run that the session names."""
    import numpy as np
    import streamlit as st

    from gandash.charts import figures
    from gandash.charts.live import live_chart
    from gandash.core.targets.shapes import SHAPES

    shape = SHAPES["circle"]
    scene = figures.overlay(shape, shape.sample(50, np.random.default_rng(0)))
    live_chart(scene, key="chart", height=300, label="A circle", run=st.text_input("run"))


def told(at: AppTest) -> tuple[str, dict[str, Any]]:
    """The chart's element, and what it is told."""
    (element,) = at.get("bidi_component")
    return element.proto.id, json.loads(element.proto.json)


def test_another_run_leaves_the_element_and_the_scene_as_they_are() -> None:
    at = AppTest.from_function(page).run()
    element, before = told(at)
    assert before["run"] == ""
    at.text_input[0].set_value("a run").run()
    same, after = told(at)
    assert same == element
    assert after == before | {"run": "a run"}


def test_a_scene_travels_as_text_and_scripts_as_addresses() -> None:
    _, data = told(AppTest.from_function(page).run())
    scene = json.loads(data["scene"])
    assert [trace["name"] for trace in scene["traces"]] == ["real", "generated"]
    assert (data["script"], data["plotly"]) == (asset_url("live.js"), asset_url(PLOTLY))
    assert len(json.dumps(data)) < 10_000  # Plotly itself least of all


def test_the_charts_script_imports_all_it_needs_by_names_that_change_with_their_content() -> None:
    source = asset("live.js").content.decode()
    for name in ("curves.js", "points.js", "stream.js"):
        assert f'from "./{asset(name).name}"' in source
    assert asset("series.js").name in asset("curves.js").content.decode()
