"""The live chart's message to the browser, read as AppTest leaves it."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from gandash.charts import figures
from gandash.charts.live import encode
from gandash.charts.live import messages as messages_of
from gandash.runs.snapshot import Frame, History


def page() -> None:
    """A page with one live chart of as many frames as the session says."""
    import numpy as np
    import streamlit as st

    from gandash.charts import figures
    from gandash.charts.live import live_chart, plotly_loader
    from gandash.core.targets.shapes import SHAPES
    from gandash.runs.snapshot import Frame

    plotly_loader()
    shape = SHAPES["circle"]
    count = st.number_input("frames", 0, 10, 0)
    real = shape.sample(50, np.random.default_rng(0))
    frames = [Frame(epoch, epoch / 10, real + epoch) for epoch in range(1, int(count) + 1)]
    figure = figures.overlay(shape, real, "light")
    live_chart(figure, key="chart", height=300, label="A circle", frames=frames, motion="run")


def messages(at: AppTest) -> dict[str, dict[str, Any]]:
    """The JSON messages of the chart's two elements, by what they carry."""
    data = [json.loads(element.proto.json) for element in at.get("bidi_component") if element.proto.json]
    return {"figure" if "parked" in each else "frames": each for each in data}


def ids(at: AppTest) -> list[str]:
    return [element.proto.id for element in at.get("bidi_component")]


def test_new_frames_leave_the_elements_and_the_figure_as_they_are() -> None:
    at = AppTest.from_function(page).run()
    before, elements = messages(at), ids(at)
    assert before["frames"]["frames"] == []
    at.number_input[0].set_value(2).run()
    after = messages(at)
    assert ids(at) == elements
    assert after["figure"] == before["figure"]
    assert [frame["epoch"] for frame in after["frames"]["frames"]] == [1, 2]
    assert after["frames"]["version"] == after["figure"]["version"] == before["frames"]["version"]


def test_the_figure_holds_no_generated_points_of_its_own() -> None:
    at = AppTest.from_function(page).run()
    at.number_input[0].set_value(1).run()
    figure = json.loads(messages(at)["figure"]["figure"])
    assert figure["data"][-1]["name"] == "generated"
    assert figure["data"][-1]["x"] == []
    assert "run" in figure["layout"]["uirevision"]


def test_points_travel_as_float32_x_before_y() -> None:
    points = np.array([[1, 10], [2, 20], [3, 30]], np.float32)
    values = np.frombuffer(base64.b64decode(encode(points)), "<f4")
    assert values.tolist() == [1, 2, 3, 10, 20, 30]


def test_a_figure_is_another_one_with_its_run_its_theme_or_its_smoothing() -> None:
    def identity(theme: figures.Theme = "light", motion: str = "run", **options: Any) -> str:
        figure = figures.losses(History(), theme, **options)
        return str(messages_of(figure, key="chart", label="A chart", motion=motion)[0]["identity"])

    usual = identity()
    assert identity() == usual
    others = {identity("dark"), identity(motion="other"), identity(smoothing=0.5), identity(objective="hinge")}
    assert len(others | {usual}) == 5


def test_frames_travel_as_the_target_projects_them() -> None:
    points = np.arange(12, dtype=np.float32).reshape(4, 3)
    figure = figures.losses(History(), "light")
    told = messages_of(
        figure, key="chart", label="", frames=[Frame(1, 0.1, points)], project=lambda points: points[:, [2, 0]]
    )
    assert told[0]["frames"][0]["points"] == encode(points[:, [2, 0]])
