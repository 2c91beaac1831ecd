"""Explore in a real browser: its forward pass against NumPy's, the pad under pointer and keys, files that come."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from gandash import portable
from gandash.charts import live
from gandash.charts.palettes import PALETTES
from gandash.core import link
from gandash.core.config import RunConfig
from gandash.live import watch
from gandash.pages import exploring, latent
from tests.browser.conftest import OpenPage
from tests.browser.driver import press, until, wait_for_epoch, wait_until_drawn
from tests.portable_files import random_generator
from tests.test_portable import away_from_edges

FOLDERS = (Path(exploring.__file__).parent, Path(watch.__file__).parent, Path(live.__file__).parent)
ADDRESS = "http://gandash.test/"

FEATURES = {"frequencies": [0.7853981633974483, 1.5707963267948966], "digits": 4}
MAKES: dict[str, dict[str, Any]] = {
    "relu": {},
    "leaky_relu": {"activation": "leaky_relu", "widths": (64, 64, 64), "latent_dim": 7},
    "silu": {"activation": "silu"},
    "tanh": {"activation": "tanh"},
    "uniform": {"uniform": True, "latent_dim": 3},
    "features": {"features": FEATURES},
    "gates": {"features": FEATURES | {"gates": [1.0, 0.25]}},
    "uniform features": {"features": FEATURES | {"digits": 7}, "uniform": True},
    "digits alone": {"features": {"frequencies": [], "digits": 3}},
    "no hidden layer": {"widths": ()},
    "exponential": {"activation": "tanh", "exponential": (1,)},
}

RUN = """async ([network, weights, noise, n]) => {
  const { load, floats } = await import("/forward.js");
  return [...load(JSON.parse(network), floats(weights)).run(floats(noise), n)];
}"""


@pytest.fixture(scope="module")
def scripts(browser: Browser) -> Iterator[Page]:
    """An empty page beside which the scripts lie."""
    context = browser.new_context()
    page = context.new_page()

    def answer(route: Route) -> None:
        name = route.request.url.removeprefix(ADDRESS)
        found = next((folder / name for folder in FOLDERS if name and (folder / name).exists()), None)
        body, kind = (found.read_text(), "text/javascript") if found else ("<!doctype html><body>", "text/html")
        route.fulfill(body=body, content_type=kind)

    page.route(f"{ADDRESS}**", answer)
    page.goto(ADDRESS)
    yield page
    context.close()


@pytest.mark.parametrize("make", MAKES)
def test_the_browser_computes_the_points_that_numpy_does(scripts: Page, make: str) -> None:
    generator = portable.read(random_generator(**MAKES[make]))
    noise = np.random.default_rng(5).standard_normal((2000, generator.latent_dim)).astype(np.float32)
    told = latent.browser_side(generator)
    found = scripts.evaluate(RUN, [told["network"], told["weights"], latent.text_of(noise), len(noise)])
    expected = generator(noise)
    ranks = noise
    digits = max((layer.numbers.get("digits", 0) for layer in generator.layers), default=0)
    kept = away_from_edges(ranks, digits)
    assert kept.mean() > 0.99
    gap = np.abs(np.reshape(found, expected.shape) - expected)[kept].max()
    assert gap < 1e-5 * expected.std(), f"{gap / expected.std():.1e} of the spread"


def test_every_kind_of_layer_is_compared() -> None:
    kinds = {layer.kind for make in MAKES.values() for layer in portable.read(random_generator(**make)).layers}
    assert kinds == set(portable.KINDS)


def test_paths_keep_to_the_line_and_to_the_sphere(scripts: Page) -> None:
    walk = """async ([a, b, sphere]) => {
      const { between } = await import("/latent.js");
      return [0, 0.25, 0.5, 1].map((share) => between(a, b, share, sphere));
    }"""
    a, b = [3.0, 0.0, 0.0], [0.0, 0.0, 3.0]
    straight, round_ = (np.array(scripts.evaluate(walk, [a, b, sphere])) for sphere in (False, True))
    np.testing.assert_allclose(straight[2], [1.5, 0, 1.5])
    np.testing.assert_allclose(np.linalg.norm(round_, axis=1), 3)
    np.testing.assert_allclose(round_[[0, -1]], [a, b], atol=1e-12)
    assert np.arctan2(round_[1, 2], round_[1, 0]) == pytest.approx(np.pi / 8)
    opposite = np.array(scripts.evaluate(walk, [a, [-3.0, 0, 0], True]))
    assert np.isfinite(opposite).all()


def test_a_plane_stays_square_while_it_turns(scripts: Page) -> None:
    turn = "async ([axes, angle]) => (await import('/latent.js')).turned(axes, angle)"
    for k in (2, 3, 4):
        for angle in (0, 0.7, np.pi / 2):
            plane = np.array(scripts.evaluate(turn, [np.eye(k, 6).tolist(), angle]))
            np.testing.assert_allclose(plane @ plane.T, np.eye(2), atol=1e-12)


def explore(page: Page) -> Page:
    """Go to the page by its link: an address with a folder makes the browser look for Streamlit's own paths there."""
    links = page.locator("[data-testid='stTopNavLink'], .st-key-pages a").filter(has_text="Explore")
    links.filter(visible=True).first.click()
    expect(page.get_by_role("button", name="Open a file")).to_be_visible()
    return page


def upload(page: Page, data: bytes, name: str = "ring.zip", button: str = "Open a file") -> None:
    page.get_by_role("button", name=button).click()
    field = page.locator("[data-testid='stPopoverBody'] input[type=file]")
    field.set_input_files({"name": name, "mimeType": "application/zip", "buffer": data})


SEEN = "document.querySelector('.gandash-explore-pad')?.gandashPad"


def pad_state(page: Page) -> dict[str, Any]:
    """How often the pad was drawn, the place of the noise, and the points that are made of it."""
    told = f"({{ draws: {SEEN}.draws, noise: [...{SEEN}.noise], points: {SEEN}.points.map((each) => [...each]) }})"
    found: dict[str, Any] = page.evaluate(told)
    return found


def wait_for_points(page: Page, count: int = 1) -> None:
    page.wait_for_function(f"{SEEN}?.points.length === {count}")


def test_a_program_is_refused_a_file_is_opened_and_its_noise_follows_pointer_and_keys(
    dashboard: str, open_page: OpenPage
) -> None:
    page = explore(open_page(dashboard))
    expect(page.get_by_text("No generator yet")).to_be_visible()
    upload(page, b"\x80\x04K\x01.", "model.pt")
    expect(page.get_by_text("no program from a file is run here")).to_be_visible()
    wait_until_drawn(page)
    assert page.locator("canvas.gandash-pad").count() == 0
    page.keyboard.press("Escape")
    data = random_generator("tanh", widths=(128, 128, 128))
    upload(page, data)
    pad = page.locator("canvas.gandash-pad")
    expect(pad).to_be_visible()
    page.keyboard.press("Escape")
    wait_for_points(page)
    generator = portable.read(data)
    box = pad.bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    before = pad_state(page)["draws"]
    for i in range(30):
        page.mouse.move(middle[0] + 2 * i, middle[1] - i)
        page.wait_for_timeout(16)
    page.mouse.up()
    page.wait_for_timeout(100)
    state = pad_state(page)
    assert state["draws"] - before >= 15, "it is drawn while it is dragged"
    np.testing.assert_allclose(state["points"][0], generator(np.array([state["noise"]]))[0], rtol=1e-4, atol=1e-5)
    pad.press("0")
    pad.press("ArrowRight")
    pad.press("Shift+ArrowUp")
    page.wait_for_timeout(100)
    np.testing.assert_allclose(pad_state(page)["noise"], [0.1, 0.02], atol=1e-9)
    page.get_by_role("button", name="Path begins here").click()
    page.get_by_role("button", name="Play the path").click()
    page.wait_for_timeout(700)
    assert np.linalg.norm(np.array(pad_state(page)["noise"]) - [0.1, 0.02]) > 0.05
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".gandash-explore-sample")).to_have_attribute("data-shown", "1000")


def test_many_dimensions_are_a_plane_that_turns_and_fits_every_screen(dashboard: str, open_page: OpenPage) -> None:
    page = explore(open_page(dashboard))
    upload(page, random_generator(latent_dim=8))
    wait_for_points(page)
    page.keyboard.press("Escape")
    before = pad_state(page)["noise"]
    turn = page.get_by_label("Turn the plane")
    turn.focus()
    for _ in range(20):
        turn.press("ArrowRight")
    page.wait_for_timeout(100)
    after = pad_state(page)["noise"]
    assert len(after) == 8 and np.abs(np.subtract(after, before)).max() > 0.05
    page.get_by_role("button", name="Another place").click()
    page.wait_for_timeout(100)
    assert np.abs(np.subtract(pad_state(page)["noise"], after)).max() > 0.05
    for width in (1920, 1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_function(f"document.documentElement.scrollWidth <= {width}")
    pictures = "[...document.querySelectorAll('.gandash-explore canvas')].map((canvas) => canvas.toDataURL())"
    by_day = page.evaluate(pictures)
    page.emulate_media(color_scheme="dark")  # at sunset
    until(page, f"getComputedStyle(document.documentElement).getPropertyValue('--real') === '{PALETTES['dark'].real}'")
    until(page, f"{pictures}.every((picture, i) => picture !== {json.dumps(by_day)}[i])")


def test_two_generators_follow_one_hand(dashboard: str, open_page: OpenPage) -> None:
    page = explore(open_page(dashboard))
    files = [random_generator("tanh", latent_dim=2, seed=seed) for seed in (0, 1)]
    upload(page, files[0])
    wait_for_points(page)
    page.keyboard.press("Escape")
    page.get_by_role("combobox", name="Beside it").click()
    page.get_by_role("option", name="A file").click()
    upload(page, random_generator(latent_dim=3), "three.zip", "Open the second file")
    expect(page.get_by_text("takes 2 numbers of noise, the second 3 numbers")).to_be_visible()
    assert len(pad_state(page)["points"]) == 1
    field = page.locator("[data-testid='stPopoverBody'] input[type=file]")
    field.set_input_files({"name": "other.zip", "mimeType": "application/zip", "buffer": files[1]})
    wait_for_points(page, 2)
    page.keyboard.press("Escape")
    page.locator("canvas.gandash-pad").press("ArrowLeft")
    page.wait_for_timeout(100)
    state = pad_state(page)
    for file, point in zip(files, state["points"], strict=True):
        expected = portable.read(file)(np.array([state["noise"]]))[0]
        np.testing.assert_allclose(point, expected, rtol=1e-4, atol=1e-5)
    expect(page.locator(".gandash-explore-sample[data-shown='1000']")).to_have_count(2)
    page.get_by_role("button", name="Measure everything").click()
    expect(page.locator(".st-key-report th").filter(has_text="second")).to_be_visible()
    expect(page.get_by_role("button", name="Measure everything")).to_have_count(0)


def test_a_run_is_explored_and_a_phone_finds_the_page(dashboard: str, open_page: OpenPage) -> None:
    config = RunConfig(shape="ring8", points=256, batch_size=64, latent_dim=5)
    page = open_page(f"{dashboard}/?setup={link.encode(config)}", width=390, height=844, touch=True)
    press(page, "Epoch")
    wait_for_epoch(page, 1)
    run = page.evaluate("new URL(location).searchParams.get('run')")
    explore(page)
    wait_for_points(page)
    assert len(pad_state(page)["noise"]) == 5
    assert f"run={run}" in page.url
    page.get_by_text("Best", exact=True).click()
    expect(page.get_by_text("Best, epoch 1")).to_be_visible()
    upload(page, random_generator(latent_dim=5))
    expect(page.get_by_text("which says so of itself")).to_be_visible()
    expect(page.get_by_role("combobox", name="Run", exact=True)).to_be_disabled()  # the file counts
