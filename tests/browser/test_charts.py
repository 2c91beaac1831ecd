"""The charts' scripts in a real browser: on an empty page, with a stream that the test plays, and on the dashboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import count
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, Page

from gandash.charts import figures, palettes
from gandash.charts.figures import Scene
from gandash.charts.palettes import Theme
from gandash.core.targets.shapes import SHAPES
from gandash.runs.snapshot import Frame, History
from tests.browser import stage
from tests.browser.conftest import OpenPage
from tests.browser.driver import OVERLAY, press, until, wait_for_epoch
from tests.browser.stage import chart_data, play

SLOW = 120_000
"""Milliseconds that a busy machine may take."""

WATCH = """(selector) => {
  window.looks = [];
  const kept = (element, name) => (!element || element[name] ? element?.[name] : kept(element.parentElement, name));
  const KINDS = [[".gandash-state, .gandash-course, .gandash-tiles, .gandash-qualities", "gandashPart"]];
  KINDS.push(["[data-chart]", "gandashChart"], [".gandash-timeline", "gandashTimeline"]);
  const look = () => {
    const runs = KINDS.flatMap(([elements, name]) =>
      [...document.querySelectorAll(elements)]
        .filter((element) => element.checkVisibility({ visibilityProperty: true }))
        .map((element) => kept(element, name).data.run));
    const chart = document.querySelector(selector);
    const stars = chart.data.at(-1);
    window.looks.push({
      title: chart.querySelector(".gtitle")?.textContent ?? "",
      real: chart._fullData[0].x[0],
      dots: Number(chart.parentElement.querySelector(".gandash-sky").dataset.dots),
      reach: Math.max(0, ...Array.from(stars.x, Math.abs), ...Array.from(stars.y, Math.abs)),
      stars: stars.x.length,
      epoch: Number(chart.dataset.epoch ?? -1),
      runs: [...new Set(runs)],
      parts: runs.length,
      curves: Math.max(...document.querySelector("[data-chart='loss_chart']").data.map(({ x }) => x?.length ?? 0)),
      page: document.querySelector(".st-key-status")?.innerText ?? "",
    });
    window.watching = requestAnimationFrame(look);
  };
  look();
}"""
"""Writes down in `window.looks` what a chart shows, and what the page around it says, each time the browser paints."""


@dataclass
class Chart:
    """A chart on the empty page, by its key."""

    page: Page
    key: str

    @property
    def selector(self) -> str:
        return f"[data-chart='{self.key}']"

    def show(self, scene: Scene, data: Sequence[Frame] | History | None = None, run: str = "") -> None:
        """Tell the browser what page and stream would, in this order; a run is another one in each test's chart."""
        run = f"{run} {self.key}" if run else ""
        told = chart_data(scene, self.key, run)
        self.page.evaluate("([host, data]) => window.render('charts', host, data)", [self.key, told])
        self.page.wait_for_function("() => window.Plotly")
        if data is not None:
            self.tell(data, run)

    def tell(self, data: Sequence[Frame] | History, run: str) -> None:
        """Tell the browser what the stream alone would."""
        run = run if run.endswith(self.key) else f"{run} {self.key}"
        play(self.page, run, **stage.told(data))
        if isinstance(data, History):
            self.page.evaluate("() => new Promise((seen) => requestAnimationFrame(() => setTimeout(seen, 5)))")

    def evaluate(self, expression: str) -> Any:
        """What an expression of `chart`, the element, comes to."""
        return self.page.evaluate(
            f"(selector) => {{ const chart = document.querySelector(selector); return {expression}; }}", self.selector
        )

    def drawn(self) -> int:
        """How often its figure, or its cloud, was brought up to date."""
        return int(self.evaluate("chart.dataset.frames"))

    def ranges(self) -> list[list[float]]:
        found: list[list[float]] = self.evaluate("[chart._fullLayout.xaxis.range, chart._fullLayout.yaxis.range]")
        return found

    def points(self) -> list[int]:
        """How many dots and stars it shows."""
        found: list[int] = self.evaluate(
            "['dots', 'stars'].map((name) => +chart.parentElement.querySelector('.gandash-sky').dataset[name])"
        )
        return found

    def pixels(self, places: Sequence[tuple[float, float]]) -> list[list[int]]:
        """What is on screen at places of its axes: red, green and blue."""
        to_pixel = """(() => {
          const { xaxis, yaxis } = chart._fullLayout;
          return [xaxis, yaxis].map(({ _offset, _length, range: [low, high] }) => [_offset, _length, low, high]);
        })()"""
        (left, wide, x0, x1), (top, high, y0, y1) = self.evaluate(to_pixel)
        image = self.image()
        at = [(left + wide * (x - x0) / (x1 - x0), top + high * (y1 - y) / (y1 - y0)) for x, y in places]
        return [image[round(y), round(x)].tolist() for x, y in at]

    def image(self) -> NDArray[np.uint8]:
        """What is on screen: height, width, and red, green and blue."""
        return picture_of(self.page.locator(self.selector).screenshot())

    @property
    def frame(self) -> Locator:
        """The chart with what is said beside it."""
        return self.page.locator(f".gandash-frame:has({self.selector})")

    def note(self) -> str:
        """What it says of what it does not show; nothing if it says nothing."""
        return "".join(self.frame.locator(".gandash-note > span:visible").all_inner_texts())

    def button(self, name: str) -> Locator:
        return self.frame.get_by_role("button", name=name, exact=True)


@pytest.fixture(scope="module")
def empty_page(browser: Browser) -> Iterator[Page]:
    """A page with nothing but the scripts; an error on it fails the test that it happens in."""
    with stage.empty_stage(browser) as page:
        yield page


@pytest.fixture
def new_chart(empty_page: Page) -> Iterator[Callable[[], Chart]]:
    """Make charts that go with the test."""
    errors: list[str] = []
    empty_page.on("pageerror", listen := lambda error: errors.append(str(error)))
    yield lambda: Chart(empty_page, f"chart{next(_NUMBERS)}")
    empty_page.remove_listener("pageerror", listen)
    empty_page.evaluate(stage.REMOVE)
    assert errors == []


_NUMBERS = count()


def cloud(x: float, y: float, n: int = 50) -> NDArray[np.float32]:
    """Points around a place."""
    return np.random.default_rng(0).normal((x, y), 0.1, (n, 2)).astype(np.float32)


def picture(name: str) -> Scene:
    shape = SHAPES[name]
    return figures.overlay(shape, shape.sample(100, np.random.default_rng(0)))


def curve(*values: float) -> History:
    columns = dict.fromkeys(("generator_loss", "discriminator_loss", "d_real", "d_fake"), np.array(values, np.float64))
    return History(np.arange(1, len(values) + 1), MappingProxyType(columns))


# ------------------------------------------------------------------------------------------------ pure parts


@pytest.fixture(scope="module")
def points(empty_page: Page) -> Callable[..., Any]:
    """Call a function of points.js by its name."""
    empty_page.evaluate("async () => { window.points = await import('/points.js') }")

    def call(name: str, *arguments: Any) -> Any:
        return empty_page.evaluate(f"(given) => window.points.{name}(...given)", arguments)

    return call


def test_points_arrive_as_they_were_sent(empty_page: Page, points: Callable[..., Any]) -> None:
    sent = np.array([[1.5, -2.25], [3e38, 1e-30], [np.nan, np.inf]], np.float32)
    found = empty_page.evaluate(
        """(text) => Object.values(window.points.decode(text)).map(
          (each) => [each.constructor.name, [...each].map(String)])""",
        figures.encode(sent),
    )
    assert [kind for kind, _ in found] == ["Float32Array", "Float32Array"]
    arrived = np.array([[float(value.replace("Infinity", "inf")) for value in column] for _, column in found]).T
    np.testing.assert_array_equal(arrived.astype(np.float32), sent)


def test_points_between_two_frames_are_on_the_straight_way(points: Callable[..., Any]) -> None:
    assert points("between", {"x": [0, 10], "y": [0, 0]}, {"x": [4, 20], "y": [-8, 1]}, 0.25) == {
        "x": [1, 12.5],
        "y": [-2, 0.25],
    }


def test_each_point_outside_is_counted_once_on_the_side_it_is_farthest_beyond(points: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 2, (2, 500))
    found = points("outside", {"x": x.tolist(), "y": y.tolist()}, [-1, 1], [-2, 4])
    beyond_x = np.clip(x, None, -1) + 1 + np.clip(x, 1, None) - 1
    beyond_y = (np.clip(y, None, -2) + 2 + np.clip(y, 4, None) - 4) / 3  # spans are 2 and 6
    upright = np.abs(beyond_y) >= np.abs(beyond_x)
    assert found == {
        "total": 500,
        "above": int((upright & (beyond_y > 0)).sum()),
        "below": int((upright & (beyond_y < 0)).sum()),
        "left": int((~upright & (beyond_x < 0)).sum()),
        "right": int((~upright & (beyond_x > 0)).sum()),
        "notFinite": 0,
    }


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ({}, ""),
        ({"above": 200, "right": 112}, "312 of 1,000 points are outside: 200 above, 112 right"),
        ({"left": 1}, "1 of 1,000 points is outside: 1 left"),
        ({"notFinite": 3}, "3 of 1,000 points are not finite"),
        ({"below": 7, "notFinite": 1}, "7 of 1,000 points are outside: 7 below; 1 of 1,000 points is not finite"),
    ],
)
def test_what_is_outside_is_said_in_words(points: Callable[..., Any], found: dict[str, int], text: str) -> None:
    none = dict.fromkeys(("above", "below", "left", "right", "notFinite"), 0)
    assert points("outsideText", {"total": 1000} | none | found) == text


def test_points_that_are_not_finite_are_on_no_side(empty_page: Page, points: Callable[..., Any]) -> None:
    found = empty_page.evaluate(
        "window.points.outside({x: [NaN, Infinity, 0, 9], y: [0, 0, -Infinity, 0]}, [-1, 1], [-1, 1])"
    )
    assert (found["notFinite"], found["right"], found["left"], found["below"]) == (3, 1, 0, 0)


def test_fitted_axes_hold_all_that_is_finite_and_keep_one_unit_where_there_is_one(
    empty_page: Page, points: Callable[..., Any]
) -> None:
    home = {"x": [0, 10], "y": [0, 1]}
    clouds = [{"x": [5, 30], "y": [0.5, 0.2]}, {"x": [-2], "y": [1]}]
    fit = points("fittedRanges", home, clouds, False)
    assert fit["y"] == [0, 1]
    assert -4 < fit["x"][0] < -2 and 30 < fit["x"][1] < 32
    equal = points("fittedRanges", home, clouds, True)
    assert (equal["x"][1] - equal["x"][0]) / 10 == pytest.approx(equal["y"][1] - equal["y"][0])
    for axis in "xy":
        assert equal[axis][0] <= fit[axis][0] and fit[axis][1] <= equal[axis][1]
    wild = "window.points.fittedRanges({x: [0, 1], y: [0, 1]}, [{x: [NaN, 2], y: [50, Infinity]}], false)"
    assert empty_page.evaluate(wild) == {"x": [0, 1], "y": [0, 1]}


# ------------------------------------------------------------------------------------------------ another figure


def test_newer_data_of_a_figure_waits_and_another_run_does_not(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(figures.losses(), curve(1, 2), run="run")
    assert (chart.drawn(), chart.evaluate("[...chart._fullData[0].y]")) == (2, [1, 2])  # the scene, then what there is
    chart.tell(curve(1, 2, 3), "run")
    assert chart.drawn() == 2
    chart.show(figures.losses(), curve(7), run="another")
    assert (chart.drawn(), chart.evaluate("[...chart._fullData[0].y]")) == (4, [7])
    stage.turn(chart.page, "dark")
    assert chart.drawn() == 5
    chart.show(figures.losses(smoothing=0.5), run="another")
    assert chart.drawn() == 6
    chart.tell(curve(7, 8), "another")
    assert chart.drawn() == 6
    chart.page.wait_for_function(
        "(selector) => document.querySelector(selector)._fullData[1].x.length === 2", arg=chart.selector
    )
    chart.page.wait_for_timeout(500)
    assert chart.drawn() == 7  # what was still to come of the first run came to nothing


def test_a_bare_scene_is_not_drawn_again_for_a_run_that_has_nothing_yet(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(figures.losses())
    chart.show(figures.losses(), curve(), run="run")
    assert chart.drawn() == 1
    chart.tell(curve(5), "run")
    assert (chart.drawn(), chart.evaluate("[...chart._fullData[0].y]")) == (2, [5])


def test_a_runs_first_points_are_drawn_once_with_its_real_ones(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("circle"))
    chart.page.evaluate(
        """() => {
          window.plots = [];
          window.untouched = { ...window.Plotly };
          for (const name of ["newPlot", "react", "restyle"]) {
            const plot = window.Plotly[name];
            window.Plotly[name] = (...given) => (window.plots.push(name), plot(...given));
          }
        }"""
    )
    chart.show(picture("circle"), run="run")
    first = {**stage.told([Frame(0, 0.0, cloud(0, 0))]), "cloud": [[0.5, 0.25], [0.125, 0]]}
    play(chart.page, f"run {chart.key}", **first)
    chart.page.evaluate("Object.assign(window.Plotly, window.untouched)")
    assert chart.evaluate("[window.plots, chart.dataset.epoch, chart._fullData[1].x.length]") == [["restyle"], "0", 50]


def test_other_points_of_a_scene_are_drawn_without_plotly_however_many(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("circle"), [Frame(1, 0.1, cloud(0, 0))], "run")
    chart.evaluate(
        """["newPlot", "react", "restyle"].forEach((name) => {
          const plot = window.Plotly[name];
          window.Plotly[name] = () => { throw new Error(name) };
          setTimeout(() => (window.Plotly[name] = plot), 400);
        })"""
    )
    for n in (300, 20):
        chart.tell([Frame(n, float(n) if n == 300 else 999.0, np.full((n, 2), 0.5, np.float32))], "run")
        play(chart.page, f"run {chart.key}", cloud=[[-0.25] * (n + 1), [0.75] * (n + 1)])
        chart.page.wait_for_function(f"() => document.querySelector(`{chart.selector}`).dataset.epoch === '{n}'")
        assert chart.points() == [n + 1, n]
        assert chart.evaluate("[0, 1].map((cloud) => chart.calcdata[cloud].length)") == [n + 1, n]
        point_at(chart, 0.5, 0.5)
        label = chart.page.locator(f"{chart.selector} .hoverlayer .hovertext").first
        label.wait_for()
        assert label.text_content() == "(0.500, 0.500)"
        chart.page.mouse.move(0, 0)
    chart.page.wait_for_timeout(500)


def test_a_zoom_from_before_a_runs_first_points_stays(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("circle"))
    chart.show(picture("circle"), run="run")
    chart.page.locator(chart.selector).press("+")
    zoomed = chart.ranges()
    chart.tell([Frame(0, 0.0, cloud(0, 0))], "run")
    play(chart.page, f"run {chart.key}", cloud=[[0.5, 0.25], [0.125, 0]])
    assert chart.ranges() == zoomed


def test_figures_drawn_in_one_task_come_to_an_end(new_chart: Callable[[], Chart]) -> None:
    """A chart that begins to watch a run of which the page knows already is drawn twice before the browser does else.

    Two plots that go on undoing each other in microtasks hang the page for good: here an error ends that.
    """
    chart = new_chart()
    chart.show(figures.losses(), curve(1, 2), run="first")
    chart.page.evaluate(
        """(selector) => {
          const [chart, height] = [document.querySelector(selector), document.querySelector(selector).clientHeight];
          chart.asked = 0; // by Plotly, a few times for each plot
          const get = () => {
            if (++chart.asked > 200) throw new Error("The page would have hung.");
            return height;
          };
          Object.defineProperty(chart, "clientHeight", { get });
        }""",
        chart.selector,
    )
    play(chart.page, f"second {chart.key}", **stage.told(curve(3, 4, 5)))
    chart.show(figures.losses(), run="second")
    chart.page.wait_for_timeout(200)
    assert chart.evaluate("[...chart._fullData[0].y]") == [3, 4, 5]


def test_a_chart_watches_the_run_that_it_shows_and_no_other(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    watched = "window.watched().map(([run, count]) => [run.split(' ')[0], count])"
    chart.show(picture("circle"))
    assert chart.page.evaluate(watched) == []
    chart.show(picture("circle"), [Frame(1, 0.1, cloud(0, 0))], run="first")
    stage.turn(chart.page, "dark")
    assert chart.page.evaluate(watched) == [["first", 1]]
    assert chart.points() == [100, 50]
    chart.show(picture("heart"), run="second")
    assert chart.page.evaluate(watched) == [["second", 1]]
    chart.tell([Frame(2, 0.2, cloud(30, 30))], "first")
    assert (chart.points(), chart.evaluate("chart.dataset.epoch")) == ([100, 0], None)
    chart.page.evaluate(stage.REMOVE)
    assert chart.page.evaluate(watched) == []


def test_a_page_that_turns_dark_takes_its_charts_along_and_nothing_else_of_them(
    new_chart: Callable[[], Chart],
) -> None:
    cloud_chart, curves = new_chart(), new_chart()
    cloud_chart.show(picture("circle"), [Frame(1, 0.1, cloud(0, 0))], run="run")
    curves.show(figures.losses(smoothing=0.5, since=2), curve(1, 2, 3), run="run")
    for chart in (cloud_chart, curves):
        chart.page.locator(chart.selector).press("+")
    zoomed, points = [chart.ranges() for chart in (cloud_chart, curves)], cloud_chart.points()
    turns: tuple[tuple[Theme, Theme], ...] = (("dark", "light"), ("light", "dark"))
    for theme, other in turns:
        at_once = stage.turn(cloud_chart.page, theme)
        for chart in (cloud_chart, curves):
            until(
                chart.page,
                f"document.querySelector(`{chart.selector}`).layout.font.color === '{palettes.PALETTES[theme].text}'",
            )
        here, there = set(palettes.colours(theme).values()), set(palettes.colours(other).values())
        for chart in (cloud_chart, curves):
            text = chart.evaluate("JSON.stringify([chart.data, chart.layout], (_, each) => each?.buffer ? null : each)")
            assert "var(" not in text
            used = {colour for colour in here | there if f'"{colour}"' in text}
            assert len(used) > 5 and used <= here, used - here
        assert [chart.ranges() for chart in (cloud_chart, curves)] == zoomed
        assert (cloud_chart.points(), cloud_chart.evaluate("chart.dataset.epoch")) == (points, "1")
        (ground,) = cloud_chart.pixels([(0, 0)])
        assert np.argmax(ground) == 1, "a green star"
        assert at_once == stage.look(cloud_chart.page), "before Plotly has drawn it"


def test_the_first_curves_of_a_run_come_once_its_points_are_seen(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(figures.losses(), run="run")
    lengths = chart.page.evaluate(
        """async ([run, news, selector]) => {
          const lengths = () => document.querySelector(selector).data.map(({ x }) => x.length);
          window.play(run, news);
          const first = lengths();
          await new Promise((seen) => requestAnimationFrame(() => setTimeout(seen, 5)));
          return [first, lengths()];
        }""",
        [f"run {chart.key}", stage.told(curve(1, 2, 3)), chart.selector],
    )
    assert not any(lengths[0]) and max(lengths[1]) == 3


def test_a_name_that_looks_like_a_colours_is_text(new_chart: Callable[[], Chart]) -> None:
    chart, scene = new_chart(), picture("circle")
    scene["layout"]["title"]["text"] = "var(--real)"
    chart.show(scene)
    assert chart.evaluate("chart.querySelector('.gtitle').textContent") == "var(--real)"


def test_a_run_shows_the_very_points_that_it_trains_on(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("circle"), [Frame(1, 0.1, cloud(0, 0))], run="run")
    play(chart.page, f"run {chart.key}", cloud=[[0.5, 0.25], [0.125, 0]])
    assert chart.evaluate("[[...chart._fullData[0].x], [...chart._fullData[0].y]]") == [[0.5, 0.25], [0.125, 0]]
    assert chart.points() == [2, 50]


def test_the_points_of_the_last_run_go_with_its_shape(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("exponential"), [Frame(5, 0.5, cloud(25, 80))], "first")
    assert chart.evaluate("chart.dataset.epoch") == "5"
    chart.show(picture("circle"))
    assert (chart.points(), chart.evaluate("chart.dataset.epoch")) == ([100, 0], None)
    chart.show(picture("circle"), [Frame(1, 0.1, cloud(0, 0))], "second")
    assert (chart.points(), chart.evaluate("chart.dataset.epoch")) == ([100, 50], "1")
    assert chart.evaluate("Math.max(...chart.data.at(-1).x)") < 1


def test_the_grid_lies_below_the_stars_and_the_stars_below_the_dots(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("circle"), [Frame(1, 0.1, np.zeros((50, 2), np.float32))], "first")
    play(chart.page, f"first {chart.key}", cloud=[[-1.0, 1.0], [0.5, 0.5]])
    star, line, none = chart.pixels([(0, 0), (0.25, 1), (0.25, 0.75)])
    assert none == [255, 255, 255] and np.ptp(line) < 10 and line != none and star[1] > star[0] + 50
    chart.show(picture("circle"), [Frame(1, 0.1, np.zeros((50, 2), np.float32))], "second")
    play(chart.page, f"second {chart.key}", cloud=[[0.0, 1.0], [0.0, 0.5]])
    ((red, green, _),) = chart.pixels([(0, 0)])
    assert red > green + 50


def test_points_and_grid_go_along_while_they_are_dragged(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("circle"), [Frame(1, 0.1, np.zeros((50, 2), np.float32))], "first")
    play(chart.page, f"first {chart.key}", cloud=[[0.5], [0.25]])
    places = [(0, 0), (0.5, 0.25), (0.25, 1), (0.25, 0.75)]
    before, home = chart.pixels(places), chart.ranges()
    assert len({tuple(each) for each in before}) == 4
    box = chart.page.locator(chart.selector).bounding_box()
    assert box is not None
    mouse = chart.page.mouse
    mouse.move(box["x"] + 300, box["y"] + 200)
    mouse.down()
    mouse.move(box["x"] + 340, box["y"] + 220, steps=3)
    mouse.move(box["x"] + 350, box["y"] + 240)
    assert chart.evaluate("chart._dragging") is True and chart.ranges() != home
    assert chart.pixels(places) == pytest.approx(np.array(before), abs=12)
    chart.tell(
        [Frame(1, 0.1, np.zeros((50, 2), np.float32)), Frame(2, 0.2, np.full((50, 2), -0.75, np.float32))], "first"
    )
    chart.page.wait_for_function(
        "(selector) => document.querySelector(selector).dataset.epoch === '2'", arg=chart.selector
    )
    moved = chart.pixels([(-0.75, -0.75), *places[1:]])
    assert chart.evaluate("chart._dragging") is True and moved == pytest.approx(np.array(before), abs=12)
    mouse.up()
    after = chart.pixels([(-0.75, -0.75), *places[1:]])
    assert after == pytest.approx(np.array(before), abs=12)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("shape", ["exponential", "circle"])
def test_points_look_as_plotly_draws_them(new_chart: Callable[[], Chart], shape: str, theme: Theme) -> None:
    chart = new_chart()
    stage.turn(chart.page, theme)
    points = SHAPES[shape].sample(200, np.random.default_rng(1)).astype(np.float32)
    chart.show(picture(shape), [Frame(1, 0.1, points)], "run")
    hidden = "[...chart.querySelectorAll('.trace path.point')].map((each) => getComputedStyle(each).visibility)"
    assert chart.evaluate(hidden) == ["hidden"] * 2
    ours = chart.image()
    chart.evaluate(
        """(() => {
          chart.parentElement.querySelector(".gandash-sky").remove();
          chart.querySelectorAll(".mlayer, .gridlayer").forEach((each) => (each.style.visibility = "visible"));
          return window.Plotly.restyle(chart, { "marker.maxdisplayed": 0 }).then(() => true);
        })()"""
    )
    assert chart.evaluate("chart.querySelectorAll('.trace path.point').length") == 300
    theirs = chart.image()
    beside = np.roll(theirs, 1, axis=1)
    away, by_a_pixel = (np.abs(image.astype(int) - theirs).mean(axis=2) for image in (ours, beside))
    assert away.mean() < 0.25 * by_a_pixel.mean() and away.max() < by_a_pixel.max()


def test_who_points_at_a_star_reads_where_it_is_and_later_where_it_has_gone(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("circle"), [Frame(1, 0.1, np.array([[0.5, -0.25], [-0.5, 0.75]], np.float32))], "run")
    point_at(chart, 0.5, -0.25)
    label = chart.page.locator(f"{chart.selector} .hoverlayer .hovertext")
    label.wait_for()
    assert label.text_content() == "(0.500, -0.250)"
    point_at(chart, 0, -1)
    label.wait_for(state="detached")
    chart.tell(
        [Frame(1, 0.1, np.zeros((2, 2), np.float32)), Frame(2, 0.2, np.array([[0.1, 0.7], [1, 1]], np.float32))], "run"
    )
    chart.page.wait_for_function(
        "(selector) => document.querySelector(selector).dataset.epoch === '2'", arg=chart.selector
    )
    point_at(chart, 0.1, 0.7)
    label.wait_for()
    assert label.text_content() == "(0.100, 0.700)"


def point_at(chart: Chart, x: float, y: float) -> None:
    """Move the mouse to a place of the axes, from a little beside it."""
    to_pixel = f"""(() => {{
      const {{ xaxis, yaxis }} = chart._fullLayout;
      return [xaxis._offset + xaxis.l2p({x}), yaxis._offset + yaxis.l2p({y})];
    }})()"""
    across, down = chart.evaluate(to_pixel)
    box = chart.page.locator(chart.selector).bounding_box()
    assert box is not None
    chart.page.mouse.move(box["x"] + across + 4, box["y"] + down)
    chart.page.mouse.move(box["x"] + across, box["y"] + down, steps=2)


def test_the_legend_hides_and_shows_each_cloud(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("exponential"), [Frame(1, 0.1, scattered())], "run")
    place = [(5.0, 10.0)]
    assert chart.points() == [100, 10] and chart.note()
    (seen,) = chart.pixels(place)
    entries = chart.page.locator(f"{chart.selector} .legendtoggle")
    for entry, hidden in ((1, [100, 0]), (0, [0, 10])):
        entries.nth(entry).click()
        chart.page.wait_for_timeout(500)  # in which a second click would be a double one
        assert chart.points() == hidden
        assert (chart.pixels(place) == [seen], bool(chart.note())) == (entry == 0, entry == 0), hidden
        entries.nth(entry).click()
        chart.page.wait_for_timeout(500)
        assert chart.points() == [100, 10] and chart.pixels(place) == [seen] and chart.note()


def test_the_picture_that_is_downloaded_has_both_clouds_as_they_are_on_screen(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("exponential"), [Frame(1, 0.1, cloud(10, 40))], "run")
    chart.tell([Frame(1, 0.1, cloud(10, 40)), Frame(2, 0.2, cloud(40, 10))], "run")
    chart.page.wait_for_function(
        "(selector) => document.querySelector(selector).dataset.epoch === '2'", arg=chart.selector
    )
    chart.page.locator(chart.selector).press("ArrowRight")
    chart.page.mouse.move(0, 0)
    screen = chart.image()

    def saved() -> NDArray[np.uint8]:
        chart.page.locator(f"{chart.selector} .nsewdrag").hover()
        with chart.page.expect_download() as download:
            chart.page.locator(f"{chart.selector} .modebar-btn[data-title='Download plot as a PNG']").click()
        assert download.value.suggested_filename == f"{chart.key}.png"
        return picture_of(download.value.path().read_bytes())

    def coloured(image: NDArray[np.uint8]) -> list[float]:
        """The shares of the plot, without the legend, that are red and green."""
        red, green = (image[len(image) // 8 :, :, channel].astype(int) for channel in (0, 1))
        return [float(np.mean(red > green + 30)), float(np.mean(green > red + 30))]

    whole = saved()
    assert whole.shape == (2 * screen.shape[0], 2 * screen.shape[1], 3)
    assert min(coloured(screen)) > 0 and coloured(whole) == pytest.approx(coloured(screen), rel=0.3)
    chart.page.locator(f"{chart.selector} .legendtoggle").last.click()
    chart.page.wait_for_timeout(500)
    red, green = coloured(saved())
    assert red == pytest.approx(coloured(whole)[0], rel=0.3) and green == 0


def picture_of(png: bytes) -> NDArray[np.uint8]:
    """A picture's red, green and blue on white ground."""
    with Image.open(BytesIO(png)) as image:
        ground = Image.new("RGBA", image.size, "white")
        return np.asarray(Image.alpha_composite(ground, image.convert("RGBA")).convert("RGB"))


def test_another_run_ends_a_drag_and_comes_with_its_own_axes(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("exponential"), [Frame(5, 0.5, cloud(25, 80))], "first")
    mouse = chart.page.mouse
    box = chart.page.locator(chart.selector).bounding_box()
    assert box is not None
    mouse.move(box["x"] + 300, box["y"] + 200)
    mouse.down()
    mouse.move(box["x"] + 340, box["y"] + 220, steps=3)
    assert chart.evaluate("chart._dragging") is True
    chart.show(picture("circle"), [Frame(1, 0.1, cloud(0, 0))], "second")
    mouse.move(box["x"] + 400, box["y"] + 260, steps=3)
    mouse.up()
    assert chart.evaluate("chart.querySelector('.gtitle').textContent") == SHAPES["circle"].title
    assert [tuple(each) for each in chart.ranges()] == list(SHAPES["circle"].canvas.bounds)


def test_a_run_that_begins_with_the_scene_on_screen_can_be_moved(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("exponential"))
    chart.show(picture("exponential"), [Frame(1, 0.1, cloud(25, 30))], run="run")
    play(chart.page, f"run {chart.key}", cloud=[[1.0], [2.0]])
    box = chart.page.locator(chart.selector).bounding_box()
    assert box is not None
    chart.page.mouse.move(box["x"] + 300, box["y"] + 200)
    chart.page.mouse.down()
    chart.page.mouse.move(box["x"] + 380, box["y"] + 200, steps=3)
    chart.page.mouse.up()
    assert chart.ranges()[0][0] < 0


def test_a_drag_goes_on_while_the_script_draws_the_same_run_anew(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("exponential"), [Frame(5, 0.5, cloud(25, 80))], "run")
    box = chart.page.locator(chart.selector).bounding_box()
    assert box is not None
    chart.page.mouse.move(box["x"] + 300, box["y"] + 200)
    chart.page.mouse.down()
    chart.page.mouse.move(box["x"] + 340, box["y"] + 200, steps=3)
    another = picture("exponential") | {"real": figures.encode(cloud(9, 9))}
    chart.show(another, run="run")
    assert chart.evaluate("chart._dragging") is True
    chart.page.mouse.move(box["x"] + 380, box["y"] + 200, steps=3)
    chart.page.mouse.up()
    chart.page.wait_for_function(
        "(selector) => document.querySelector(selector)._fullData[0].x.length === 50", arg=chart.selector
    )
    assert chart.ranges()[0][0] < 0


# ------------------------------------------------------------------------------------------------ what is not shown


def scattered() -> NDArray[np.float32]:
    """Ten points of the exponential's picture, x from 0 to 50 and y from 0 to 50, of which six are inside."""
    inside = [(x, 10) for x in (5, 10, 15, 20, 25, 30)]
    return np.array([*inside, (20, 90), (20, 1e6), (80, 10), (-60, 0)], np.float32)


def test_points_outside_are_counted_fitted_and_left_again(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    home = [list(bounds) for bounds in SHAPES["exponential"].canvas.bounds]
    chart.show(picture("exponential"), [Frame(1, 0.1, scattered()[:6])], "run")
    assert (chart.note(), chart.button("Fit").is_visible()) == ("", False)
    chart.show(picture("exponential"), [Frame(2, 0.2, scattered())], "other")
    assert chart.note() == "4 of 10 points are outside: 2 above, 1 left, 1 right"
    lines = "[...document.querySelectorAll('.gandash-note > :not([hidden])')].map((each) => [each.tagName, "
    lines += "getComputedStyle(each).textDecorationLine])"  # only what can be pressed looks like it
    assert chart.page.evaluate(lines) == [["SPAN", "none"], ["BUTTON", "underline"]]
    chart.button("Fit").click()
    assert chart.note() == ""
    (left, right), (bottom, top) = chart.ranges()
    assert left < -60 and right > 80 and bottom == 0 and top > 1e6
    chart.button("Back").click()
    assert chart.ranges() == home
    assert chart.note().startswith("4 of 10")
    assert not chart.button("Back").is_visible()


def test_points_outside_are_counted_as_they_glide_out(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    start = np.full((40, 2), 10, np.float32)
    end = start.copy()
    end[:, 1] += np.linspace(0, 200, 40, dtype=np.float32)
    chart.show(picture("exponential"), [Frame(1, 0.1, start)], "run")
    chart.page.evaluate(
        """(selector) => {
          window.said = new Set();
          const note = document.querySelector(selector).parentElement.querySelector(".gandash-note span");
          const look = () => { window.said.add(note.textContent); if (note.isConnected) requestAnimationFrame(look); };
          look();
        }""",
        chart.selector,
    )
    chart.show(picture("exponential"), [Frame(1, 0.1, start), Frame(2, 0.2, end)], "run")
    expected = f"{int((end[:, 1] > 50).sum())} of 40 points are outside: {int((end[:, 1] > 50).sum())} above"
    chart.page.wait_for_function("(text) => window.said.has(text)", arg=expected)
    assert len(chart.page.evaluate("[...window.said]")) >= 4  # nothing, the last, and some on the way


def test_the_last_points_before_a_rest_are_there_soon_whatever_is_on_the_way(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("exponential"), [Frame(1, 0.1, cloud(0, 0))], "run")
    coming = [stage.told([Frame(epoch, epoch / 10, cloud(epoch, 0))]) for epoch in (2, 3)]
    coming[1]["state"] = {"stage": "", "active": False}
    seen = chart.page.evaluate(
        """async ([run, coming, selector]) => {
          const [chart, seen] = [document.querySelector(selector), new Set()];
          for (const news of coming) window.play(run, news);
          do {
            await new Promise(requestAnimationFrame);
            seen.add(chart.dataset.epoch);
          } while (chart.dataset.epoch !== "3");
          return [...seen];
        }""",
        [f"run {chart.key}", coming, chart.selector],
    )
    assert seen == ["1", "3"]
    glided = """async () => {
      const cloud = (await import("/glide.js")).glider();
      const frame = (epoch) => ({ epoch, at: epoch, points: { x: [epoch], y: [0] } });
      const places = [];
      const look = (now) => (cloud.move(now), places.push([cloud.epoch, cloud.points.x[0]]));
      cloud.take([frame(1)], 0, false);
      cloud.take([frame(2)], 1000, false); // whose way takes longer
      cloud.take([frame(3)], 1010, false, 100);
      for (const now of [1060, 1110]) look(now);
      return places;
    }"""
    assert chart.page.evaluate(glided) == [[1, 2], [3, 3]]


def test_points_that_are_not_finite_are_told_apart_and_all_of_them_can_come_and_go(
    new_chart: Callable[[], Chart],
) -> None:
    chart = new_chart()
    points = scattered()
    points[:2] = np.nan, np.inf
    chart.show(picture("exponential"), [Frame(1, 0.1, points)], "run")
    assert chart.note() == "4 of 10 points are outside: 2 above, 1 left, 1 right; 2 of 10 points are not finite"
    chart.button("Fit").click()
    assert chart.note() == "2 of 10 points are not finite"
    chart.show(picture("exponential"), [Frame(1, 0.1, np.full((10, 2), np.nan, np.float32))], "other")
    assert chart.note() == "10 of 10 points are not finite"
    assert not chart.button("Fit").is_visible()


def test_one_unit_on_both_axes_stays_one_when_fitted(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("circle"), [Frame(1, 0.1, cloud(100, 0))], "run")
    before = chart.evaluate("[chart._fullLayout.xaxis._length, chart._fullLayout.yaxis._length]")
    chart.button("Fit").click()
    (left, right), (bottom, top) = chart.ranges()
    assert right > 100 and right - left == pytest.approx(top - bottom)
    after = chart.evaluate("[chart._fullLayout.xaxis._length, chart._fullLayout.yaxis._length]")
    assert after == pytest.approx(before)


def test_a_cut_curve_says_so_and_shows_all_on_request_for_as_long_as_it_is_asked(
    new_chart: Callable[[], Chart],
) -> None:
    chart = new_chart()
    values = [1 + (i % 7) / 10 for i in range(60)]
    chart.show(figures.losses(), curve(*values, 1.2e13, *values), run="run")
    assert chart.note() == "Peaks up to 1.2e13 are cut off"
    assert chart.ranges()[1][1] < 10
    chart.button("Fit").click()
    assert chart.ranges()[1][1] > 1e13
    chart.show(figures.losses(), curve(*values, 1.2e13, *values, *values), run="run")
    chart.page.wait_for_function(
        "(selector) => document.querySelector(selector)._fullData[0].x.length === 181", arg=chart.selector
    )
    assert chart.ranges()[1][1] > 1e13
    chart.button("Back").click()
    assert chart.ranges()[1][1] < 10 and chart.note()


def test_a_zoom_of_ones_own_outlives_new_data_though_the_axis_would_now_be_another(
    new_chart: Callable[[], Chart],
) -> None:
    chart = new_chart()
    wild = [1 + (i % 7) / 10 for i in range(60)]
    chart.show(figures.losses(), curve(*wild, 50), run="run")
    box = chart.page.locator(f"{chart.selector} .nsewdrag").bounding_box()
    assert box is not None
    mouse = chart.page.mouse
    mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
    mouse.down()
    mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.6 * box["height"], steps=4)
    mouse.up()
    own = chart.ranges()
    chart.show(figures.losses(), curve(*wild, 50, *(value + 3 for value in wild)), run="run")
    chart.page.wait_for_function(
        "(selector) => document.querySelector(selector)._fullData[0].x.length === 121", arg=chart.selector
    )
    assert chart.ranges() == own
    chart.page.wait_for_timeout(350)  # sooner, the press of the drag counts as the first of two
    chart.page.mouse.dblclick(box["x"] + 50, box["y"] + 50)
    assert chart.ranges()[0][1] > 120
    assert chart.evaluate("chart._fullLayout.yaxis.range[1]") > own[1][1]


# ------------------------------------------------------------------------------------------------ hands


def test_a_chart_is_one_stop_for_the_keyboard_and_can_be_moved_by_it(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("exponential"), [Frame(1, 0.1, scattered())], "run")
    stops = """(selector) => [...document.querySelector(selector).parentElement.querySelectorAll("*")]
      .filter((each) => each.tabIndex >= 0 && each.checkVisibility())
      .map((each) => each.className || each.textContent)"""
    names = chart.page.evaluate(stops, chart.selector)
    assert [name.split()[0] for name in names] == ["gandash-chart", "Fit"]
    assert chart.evaluate("[chart.getAttribute('role'), chart.getAttribute('aria-label')]") == ["img", "A chart"]
    chart.page.locator(chart.selector).focus()
    home = chart.ranges()
    chart.page.keyboard.press("ArrowRight")
    assert chart.ranges() == [[5, 55], home[1]]
    chart.page.keyboard.press("+")
    assert chart.ranges()[0] == pytest.approx([10, 50])
    chart.page.keyboard.press("0")
    assert chart.ranges() == home
    chart.page.keyboard.press("f")
    assert chart.ranges()[1][1] > 1e6
    chart.page.keyboard.press("Tab")
    assert chart.page.evaluate("document.activeElement.textContent") == "Back"
    chart.page.keyboard.press("Enter")
    assert chart.ranges() == home
    assert chart.page.evaluate("document.activeElement.textContent") == "Fit"  # focus is not lost with the button
    for key in ("ArrowLeft", "-", "f"):
        chart.page.keyboard.press(key)
    assert chart.ranges() == home  # keys are the chart's own, not the button's


def test_after_every_redraw_the_toolbar_is_out_of_the_way_of_the_keyboard(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(figures.losses(), curve(1, 2), run="run")
    stage.turn(chart.page, "dark")
    chart.page.locator(f"{chart.selector} .nsewdrag").hover()
    chart.page.locator(f"{chart.selector} .modebar-btn").first.click()
    tabs = "[...chart.querySelectorAll('.modebar-btn')].map((button) => button.tabIndex)"
    assert chart.evaluate(tabs) == [-1] * 4


@pytest.mark.parametrize("figure", ["losses", "overlay"])
def test_the_toolbar_leaves_the_legend_to_be_clicked(new_chart: Callable[[], Chart], figure: str) -> None:
    chart = new_chart()
    if figure == "overlay":
        chart.show(picture("exponential"), [Frame(1, 0.1, scattered()[:6])], "run")
    else:
        chart.show(figures.losses(), curve(*range(9)), run="run")
    legend = chart.page.locator(f"{chart.selector} .legendtoggle").last
    legend.hover()
    toolbar = chart.page.locator(f"{chart.selector} .modebar").bounding_box()
    words = chart.page.locator(f"{chart.selector} .legend").bounding_box()
    assert toolbar is not None and words is not None
    assert toolbar["y"] >= words["y"] + words["height"] and toolbar["y"] + toolbar["height"] < 400
    legend.click()
    chart.page.wait_for_function(
        "(selector) => document.querySelector(selector)._fullData.at(-1).visible === 'legendonly'", arg=chart.selector
    )


def test_on_a_phone_every_entry_of_a_long_legend_can_be_read(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    names = ["headline", "batch_mse", "coverage"]
    data = History(np.arange(1, 9), MappingProxyType({name: np.arange(1.0, 9.0) for name in names}))
    for width, top in ((900, 32), (374, 51)):
        chart.show(figures.metric(names))
        chart.page.evaluate(f"window.hosts['{chart.key}'].style.width = '{width}px'")
        chart.show(figures.metric(names), data, run=f"run{width}")
        assert chart.evaluate("chart._fullLayout.margin.t") >= top
        assert (chart.evaluate("chart._fullLayout.margin.t") == 32) == (width == 900)
        frame = chart.page.locator(chart.selector).bounding_box()
        plot = chart.page.locator(f"{chart.selector} .nsewdrag").bounding_box()
        assert frame is not None and plot is not None
        for entry in chart.page.locator(f"{chart.selector} .legendtext").all():
            box = entry.bounding_box()
            assert box is not None
            assert frame["y"] <= box["y"] and box["y"] + box["height"] <= plot["y"] + 3
            assert frame["x"] <= box["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"]


def test_a_legend_that_fits_into_a_line_takes_no_more(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    names = ["headline", "batch_mse"]
    data = History(np.arange(1, 9), MappingProxyType({name: np.arange(1.0, 9.0) for name in names}))
    chart.show(figures.metric(names))
    chart.page.evaluate(f"window.hosts['{chart.key}'].style.width = '400px'")
    chart.show(figures.metric(names), data, run="narrow")
    boxes = [entry.bounding_box() for entry in chart.page.locator(f"{chart.selector} .legendtext").all()]
    assert len({box["y"] for box in boxes if box}) == 1 and len(boxes) == 2
    assert chart.evaluate("chart._fullLayout.margin.t") == 32


def test_epochs_cannot_be_zoomed_into_parts(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(figures.losses(), curve(*range(40)), run="run")
    ticks = "[...chart.querySelectorAll('.xtick')].map((tick) => tick.textContent)"
    chart.page.locator(chart.selector).focus()
    for _ in range(20):
        chart.page.keyboard.press("+")
    labels = chart.evaluate(ticks)
    assert len(labels) >= 3 and all(float(label).is_integer() for label in labels)
    assert len(set(labels)) == len(labels)
    chart.page.keyboard.press("0")
    box = chart.page.locator(f"{chart.selector} .nsewdrag").bounding_box()
    assert box is not None
    chart.page.mouse.move(box["x"] + 200, box["y"] + 100)
    chart.page.mouse.down()
    chart.page.mouse.move(box["x"] + 220, box["y"] + 200, steps=4)
    chart.page.mouse.up()
    chart.page.wait_for_function(
        "(selector) => document.querySelector(selector)._fullLayout.xaxis.range.reduce((a, b) => b - a) >= 4.99",
        arg=chart.selector,
    )
    assert all(float(label).is_integer() for label in chart.evaluate(ticks))


def test_a_chart_takes_the_height_that_its_container_has(new_chart: Callable[[], Chart]) -> None:
    chart = new_chart()
    chart.show(picture("circle"), [Frame(1, 0.1, cloud(0, 0))], "run")
    for height in (900, 180):
        chart.page.evaluate(f"window.hosts['{chart.key}'].style.height = '{height}px'")
        chart.page.wait_for_function(
            "([selector, height]) => document.querySelector(selector)._fullLayout.height === height",
            arg=[chart.selector, height],
        )
        box = chart.page.locator(f"{chart.selector} .main-svg").first.bounding_box()
        assert box is not None and box["height"] == height


# ------------------------------------------------------------------------------------------------ the dashboard


@pytest.mark.timeout(300)
def test_at_every_paint_all_that_is_seen_is_of_one_run(dashboard: str, open_page: OpenPage) -> None:
    """The exponential's points are some tens from 0; the circle's, and those of its untrained generator, stay near."""
    page = open_page(dashboard, motion=True)
    page.locator("label").filter(has_text="Exponential").first.click()
    press(page, "Train")
    wait_for_epoch(page, 2)
    page.evaluate(WATCH, OVERLAY)
    page.wait_for_function("window.looks.at(-1).reach > 20", timeout=SLOW)
    page.locator("label").filter(has_text="Circle").first.click()
    press(page, "Train next run")
    page.wait_for_function("window.looks.at(-1).title === 'Circle' && window.looks.at(-1).epoch >= 1", timeout=SLOW)
    press(page, "Reset")
    page.wait_for_function(
        "window.looks.at(-1).page.includes('Ready') && window.looks.at(-1).stars === 0", timeout=SLOW
    )
    page.locator("label").filter(has_text="Exponential").first.click()
    page.wait_for_function("window.looks.at(-1).title.startsWith('Exp')", timeout=SLOW)
    looks = page.evaluate("window.looks")
    titles = {title: [look for look in looks if look["title"] == title] for title in {each["title"] for each in looks}}
    assert set(titles) == {SHAPES["exponential"].title, "Circle"}
    for title, shown in titles.items():
        low, high = next(shape for shape in SHAPES.values() if shape.title == title).canvas.bounds[0]
        assert len({look["real"] for look in shown}) <= 2 and all(low <= look["real"] <= high for look in shown)
        assert {look["dots"] for look in shown} <= {2048, 1024, 1000}
    assert max(look["reach"] for look in titles["Circle"]) < 20
    assert [look["runs"] for look in looks if len(look["runs"]) != 1] == [], "all that is seen is of one run"
    assert {look["parts"] for look in looks} <= {8, 9}, (
        "strip, tiles, timeline, charts, and how good the generators are"
    )
    # the page's own word, its picture and its curves turn over in the same paint
    told = [int(number.replace(",", "")) if number else -1 for number in map(epoch_told, looks)]
    another = next(i for i in range(1, len(told)) if 0 <= told[i] < told[i - 1])
    ready = next(i for i, look in enumerate(looks) if "Ready" in look["page"])
    assert (looks[another]["title"], looks[another]["curves"]) == ("Circle", 0)
    assert (looks[ready]["stars"], looks[ready]["curves"]) == (0, 0)


def epoch_told(look: dict[str, str]) -> str:
    """The epoch that the page tells at a paint; empty where it tells none."""
    found = re.search(r"Epoch ([\d,]+)", look["page"])
    return found[1] if found else ""
