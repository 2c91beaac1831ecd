"""What the browser makes of values over the epochs, against the recurrence and the percentiles that it stands for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page

from gandash.charts import figures
from gandash.charts.figures import Scene
from gandash.core.metrics import METRICS
from tests.browser import stage

Floats = NDArray[np.float64]


@pytest.fixture(scope="module")
def empty_page(browser: Browser) -> Iterator[Page]:
    with stage.empty_stage(browser) as page:
        page.evaluate(
            """async () => {
              window.series = await import('/series.js');
              window.curves = await import('/curves.js');
            }"""
        )
        yield page


@pytest.fixture
def call(empty_page: Page) -> Callable[..., Any]:
    """Call a function of series.js by its name."""
    return lambda name, *given: empty_page.evaluate(f"(given) => window.series.{name}(...given)", given)


@pytest.fixture
def figure(empty_page: Page) -> Callable[..., Any]:
    """What Plotly would be given for a scene and columns of one length over the epochs from 1."""

    def make(scene: Scene, **values: Floats) -> Any:
        epoch = np.arange(1, 1 + max(map(len, values.values()), default=0))
        told = stage.columns(epoch, values)
        return empty_page.evaluate(
            """([scene, columns]) => {
              const curves = Object.entries(columns).map(([name, [x, y]]) => [name, { x, y }]);
              return window.curves.curveFigure(scene, new Map(curves));
            }""",
            [scene, told],
        )

    return make


def tensorboard(values: Floats, weight: float) -> list[float]:
    """The recurrence in TensorBoard's own words (its `resmoothDataset`)."""
    last, smoothed = 0.0, []
    for place, value in enumerate(values.tolist(), 1):
        last = last * weight + (1 - weight) * value
        smoothed.append(last / (1 - weight**place))
    return smoothed


@pytest.mark.parametrize("weight", [0.0, 0.3, 0.9, 0.99])
@pytest.mark.parametrize("n", [0, 1, 2, 3, 600])
def test_smoothing_every_epoch_is_tensorboards(call: Callable[..., Any], n: int, weight: float) -> None:
    values = np.random.default_rng(n).normal(3, 2, n)
    found = call("smooth", list(range(5, 5 + n)), values.tolist(), weight)
    np.testing.assert_allclose(found, tensorboard(values, weight), rtol=1e-9, atol=1e-9)


def test_no_smoothing_changes_nothing_and_all_of_it_is_the_mean_so_far(call: Callable[..., Any]) -> None:
    values = [3.0, -1.0, 4.0, 1e13, 2.0]
    assert call("smooth", [1, 2, 3, 4, 5], values, 0) == values
    np.testing.assert_allclose(call("smooth", [1, 2, 3, 4, 5], values, 1), np.cumsum(values) / np.arange(1, 6))


@pytest.mark.parametrize("weight", [0.5, 0.95, 1.0])
def test_a_value_counts_for_all_epochs_since_the_one_before(call: Callable[..., Any], weight: float) -> None:
    """As if each value stood at every epoch from behind the one before it up to its own."""
    rng = np.random.default_rng(1)
    epochs = np.cumsum(rng.integers(1, 9, 40))
    epochs = epochs - epochs[0] + (epochs[1] - epochs[0])  # the first counts for as many as the second
    values = rng.normal(size=40)
    repeated = np.repeat(values, np.diff(epochs, prepend=0))
    whole = np.cumsum(repeated) / np.arange(1, len(repeated) + 1) if weight == 1 else tensorboard(repeated, weight)
    np.testing.assert_allclose(call("smooth", epochs.tolist(), values.tolist(), weight), np.array(whole)[epochs - 1])


def test_a_range_of_ordinary_values_is_all_of_them(call: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    textbook = np.concatenate((np.linspace(0.7, 3.7, 10), np.linspace(3.7, 0.7, 60), np.full(9000, 0.7)))
    for columns in (
        [rng.normal(size=1000), rng.uniform(size=10)],
        [2 * np.exp(-np.arange(100) / 30)],
        [textbook, np.full(9000, 1.39)],  # its first epochs are not wild
        [np.ones(50)],
        [np.array([1.0])],
    ):
        assert call("robustRange", [column.tolist() for column in columns]) is None


@pytest.mark.parametrize("below", [False, True])
@pytest.mark.parametrize("wild", [1e3, 1e13])
@pytest.mark.parametrize("n", [20, 300, 5000])
def test_wild_values_leave_most_of_the_range_to_the_others(
    call: Callable[..., Any], n: int, wild: float, below: bool
) -> None:
    rng = np.random.default_rng(n)
    values = rng.normal(size=n)
    values[rng.integers(n)] = -wild if below else wild
    low, high = call("robustRange", [values.tolist()])
    usual = np.sort(values)[1:-1]
    assert low <= np.quantile(usual, 0.05) and np.quantile(usual, 0.95) <= high
    assert (np.quantile(usual, 0.95) - np.quantile(usual, 0.05)) / (high - low) > 0.18


def test_the_bulk_is_what_numpys_percentiles_say(call: Callable[..., Any]) -> None:
    rng = np.random.default_rng(3)
    columns = [rng.normal(size=n) * scale for n, scale in ((1, 1.0), (7, 9.0), (1999, 3.0))]
    ends = np.array([np.quantile(column, (0.05, 0.95)) for column in columns])
    found = call("bulk", [column.tolist() for column in columns])
    np.testing.assert_allclose(found, [ends[:, 0].min(), ends[:, 1].max()], rtol=1e-12)


def test_a_line_that_is_flat_but_for_a_peak_is_not_flattened_to_nothing(call: Callable[..., Any]) -> None:
    low, high = call("robustRange", [[1.0] * 500 + [50.0] + [1.0] * 499])
    assert low < 1 < high < 3


def test_numbers_are_short(call: Callable[..., Any]) -> None:
    told = {
        1.2e13: "1.2e13",
        -3.41e-5: "-3.4e-5",
        67155.2: "67,155",
        12.345: "12.3",
        0.0: "0",
        -250.4: "-250",
        0.0123: "0.0123",
    }
    assert {value: call("short", value) for value in told} == told


# ------------------------------------------------------------------------------------------------ figures

BOTH = ("discriminator_loss", "generator_loss")


def wave(n: int) -> Floats:
    return 1 + np.sin(np.arange(n) / 1000)


def test_what_was_not_measured_or_is_not_finite_is_left_out(figure: Callable[..., Any]) -> None:
    found = figure(figures.losses(), generator_loss=np.array([1.0, np.nan, 2.0, np.inf, 3.0]))
    assert [(trace["x"], trace["y"]) for trace in found["data"]] == [([], []), ([1, 3, 5], [1, 2, 3])]


def test_a_single_value_is_a_dot(figure: Callable[..., Any]) -> None:
    assert [trace["mode"] for trace in figure(figures.losses(), generator_loss=wave(1))["data"]] == ["markers"] * 2
    assert figure(figures.losses(), generator_loss=wave(2))["data"][1]["mode"] == "lines"


def test_levels_that_mean_something_are_marked_only_where_they_do(figure: Callable[..., Any]) -> None:
    def marks(scene: Scene) -> list[str]:
        layout = figure(scene, **dict.fromkeys(("generator_loss", "d_real"), wave(10)))["layout"]
        return [note["text"] for note in layout.get("annotations", [])]

    assert marks(figures.losses()) == ["ln 2", "2 ln 2"]
    two = figure(figures.losses(), generator_loss=wave(10))["layout"]["annotations"]
    assert two[0]["xshift"] - two[1]["xshift"] > 25, "beside each other: on a long axis their lines lie together"
    assert marks(figures.losses("wgan-gp")) == []
    assert marks(figures.scores()) == ["can only guess"]
    assert marks(figures.scores("hinge")) == []


def test_probabilities_have_their_own_axis_whatever_comes(figure: Callable[..., Any]) -> None:
    wild = np.array([0.5] * 50 + [900.0])
    axis = figure(figures.scores(), d_real=wild)["layout"]["yaxis"]
    assert axis["range"] == [0, 1] and "type" not in axis


def test_metrics_that_differ_in_size_get_a_logarithmic_axis_and_their_ideal(figure: Callable[..., Any]) -> None:
    assert METRICS["headline"].log_scale and not METRICS["coverage"].log_scale
    data = {"headline": np.geomspace(1000, 1, 100), "coverage": np.linspace(0, 1, 100)}
    alone = figure(figures.metric(["headline"]), **data)["layout"]
    assert alone["yaxis"]["type"] == "log"
    assert (alone["shapes"][0]["y0"], alone["annotations"][0]["text"]) == (5, "like real"), "an ideal of 0 has no place"
    nothing = figure(figures.metric(["headline"]), headline=np.array([1.0, 0.0]))["data"][0]["y"]
    assert nothing == [100, 0.1], "in per cent, and where nobody can tell, at the least that is told"
    assert "type" not in figure(figures.metric(["headline", "coverage"]), **data)["layout"]["yaxis"]


def test_a_metric_not_measured_yet_says_so_and_none_chosen_says_nothing(figure: Callable[..., Any]) -> None:
    found = figure(figures.metric(["headline"]), generator_loss=wave(3))
    assert found["data"] == [] and found["layout"]["annotations"][0]["text"] == "Not measured yet"
    assert found["layout"]["title"]["text"] == "Gap to real"
    assert "annotations" not in figure(figures.metric([]))["layout"]


def test_metrics_say_their_units(figure: Callable[..., Any]) -> None:
    data = dict.fromkeys(("headline", "coverage", "recall"), np.ones(9))

    def title(*names: str) -> str:
        return str(figure(figures.metric(names), **data)["layout"]["title"]["text"])

    alone = METRICS["headline"]
    assert title("headline") == title("headline", "density") == f"{alone.title} ({alone.unit})"  # one of them measured
    assert title("coverage", "recall") == METRICS["coverage"].unit
    assert title("headline", "coverage") == ""
    mixed = figure(figures.metric(["headline", "coverage"]), **data)
    assert [trace["name"] for trace in mixed["data"]] == [
        f"{METRICS[name].title} ({METRICS[name].unit})" for name in ("headline", "coverage")
    ]
    assert mixed["layout"]["showlegend"]


def test_a_smoothed_line_has_the_raw_one_faint_behind_it(figure: Callable[..., Any]) -> None:
    loss = np.random.default_rng(0).normal(size=500)
    loss[[3, 100]] = np.nan, np.inf
    for scene in (figures.losses(smoothing=0.8), figures.metric(["headline"], smoothing=0.8)):
        raw, average = figure(scene, generator_loss=loss, headline=loss + 9)["data"][-2:]
        assert (raw["showlegend"], raw["hoverinfo"], raw["legendgroup"]) == (False, "skip", average["legendgroup"])
        assert raw["line"]["width"] < average["line"]["width"] and raw["line"]["color"] == average["line"][
            "color"
        ].replace(")", "-faint)")
        assert raw["x"] == average["x"] and np.std(average["y"]) < 0.8 * np.std(raw["y"])
    assert len(figure(figures.losses())["data"]) == 2
    assert len(figure(figures.scores(smoothing=0.5))["data"]) == 4


def test_a_peak_does_not_flatten_the_rest_and_is_told(figure: Callable[..., Any]) -> None:
    loss = 1 + np.random.default_rng(0).uniform(size=200)
    loss[20] = 1.2e13
    layout = figure(figures.losses(), generator_loss=loss, discriminator_loss=wave(200))["layout"]
    assert "type" not in layout["yaxis"] and layout["yaxis"]["range"][1] < 10
    assert layout["meta"]["cut"] == "Peaks up to 1.2e13 are cut off"
    layout = figure(figures.scores("wgan-gp"), d_real=-loss)["layout"]
    assert layout["yaxis"]["range"][0] > -10
    assert layout["meta"]["cut"] == "Dips down to -1.2e13 are cut off"
    layout = figure(figures.metric(["headline"]), headline=loss)["layout"]
    assert layout["yaxis"]["type"] == "log" and layout["yaxis"]["range"][1] < 3
    assert "1.2e15" in layout["meta"]["cut"]
    calm = figure(figures.losses(), **dict.fromkeys(BOTH, wave(200)))["layout"]
    assert "range" not in calm["yaxis"] and "cut" not in calm["meta"]


def test_losses_over_many_decades_get_a_logarithmic_axis(figure: Callable[..., Any]) -> None:
    loss = np.geomspace(1e13, 1, 100)
    layout = figure(figures.losses(), generator_loss=loss)["layout"]
    assert layout["yaxis"]["type"] == "log" and "cut" not in layout["meta"]
    assert layout["annotations"][0]["y"] == pytest.approx(math.log10(math.log(2)))
    loss[3] = -1
    assert "type" not in figure(figures.losses(), generator_loss=loss)["layout"]["yaxis"]


def test_a_logarithmic_axis_is_neither_bare_nor_crowded(figure: Callable[..., Any]) -> None:
    """Plotly's rule: steps are whole powers of ten if more than 0.7 of one is asked for, else 1, 2 and 5 of each."""
    for decades in (1, 2, 3, 4, 5, 8, 33):
        axis = figure(figures.metric(["headline"]), headline=np.logspace(0, decades, 90))["layout"]["yaxis"]
        rough = decades / axis["nticks"]
        marks = decades / math.ceil(rough) if rough > 0.7 else 3 * decades
        assert axis["type"] == "log" and rough > 0.3 and 2 <= marks <= 7, decades
        assert axis["tickformat"] == ".4~g", "marks between powers of ten are whole numbers, not their first digits"


def test_where_a_run_goes_on_from_another_is_marked(figure: Callable[..., Any]) -> None:
    for scene in (
        figures.losses(since=12),
        figures.scores(since=12),
        figures.metric(["headline"], since=12),
    ):
        layout = figure(scene, headline=np.ones(30))["layout"]
        line, word = layout["shapes"][0], layout["annotations"][0]
        assert (line["x0"], line["x1"], word["x"], word["text"]) == (12, 12, 12, "trained on")
    for since in (None, 0):
        assert "trained on" not in str(figure(figures.losses(since=since)))


def test_a_scene_is_the_same_after_it_was_drawn(empty_page: Page) -> None:
    scene = figures.losses(since=3, smoothing=0.5)
    assert scene == empty_page.evaluate(
        """(scene) => {
          const curves = new Map([["generator_loss", { x: [1, 2], y: [1, 1e9] }]]);
          window.curves.curveFigure(scene, curves);
          window.curves.curveFigure(scene, curves);
          return scene;
        }""",
        scene,
    )
