"""What lies under the points: switched on by hand or by keys, of the moment that is shown, gone with its run."""

from __future__ import annotations

import math
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from gandash.charts.palettes import MISFIT, PALETTES
from gandash.core import link
from gandash.core.config import RunConfig
from gandash.live.messages import encode
from tests.browser.conftest import OpenPage
from tests.browser.driver import OVERLAY, press, until, wait_for_epoch
from tests.browser.stage import ADDRESS, empty_stage, turn
from tests.live.record import FOLDER

ALL = "discriminator manifold gradients density"
CONTOUR = """async (level) => {
  const { contour } = await import("/contours.js");
  const values = Float32Array.from({ length: 40 * 50 }, (_, k) => Math.hypot((k % 50) - 24, Math.floor(k / 50) - 19));
  return contour(values, 50, level);
}"""
SADDLE = """async ([values, level]) => {
  const { contour } = await import("/contours.js");
  return contour(Float32Array.from(values), 2, level);
}"""
STEPS = """async (played) => {
  const { inStep } = await import("/layers.js");
  const steps = inStep();
  return played.map(([at, shown, moving]) => {
    steps.take(at === null ? null : { at });
    return steps.at(shown, moving)?.at ?? null;
  });
}"""
LEGEND = """async (message) => {
  const { switches } = await import("/switches.js");
  const { decode, take } = await import("/real-stream.js");
  const offered = (name) => ({ name, title: name, help: "", legend: "drawn", quarters: 0 });
  sessionStorage.setItem("gandash-layers", JSON.stringify({ on: ["discriminator", "manifold"] }));
  const [parent, state] = [document.body.appendChild(document.createElement("div")), {}];
  const made = switches(parent, () => {});
  made.offer(["discriminator", "manifold"].map(offered));
  take(state, decode(Uint8Array.from(message).buffer));
  made.tell(made.chosen(state.views), state.views, "light");
  sessionStorage.clear();
  return [...parent.querySelectorAll(".gandash-legend > *")].map((each) => each.textContent);
}"""
COLOURS = """(selector) => {
  const canvas = document.querySelector(selector);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let place = 0; place < data.length; place += 4 * 97) {
    if (data[place + 3]) seen.add([data[place], data[place + 1], data[place + 2]].join());
  }
  return seen.size;
}"""
"""How many colours a sample of a canvas's pixels has, those that are not drawn left out."""
DRAWN = """async (look) => {
  const { paintLayers } = await import("/layers.js");
  const pen = Object.assign(document.createElement("canvas"), { width: 60, height: 60 }).getContext("2d");
  const box = { left: 0, top: 0, wide: 60, high: 60, x: (x) => 60 * x, y: (y) => 60 * y };
  const grid = { values: Float32Array.of(0, 1, 0, 1), shape: [2, 2] };
  const squeezed = (values) => ({ values: Float32Array.from(values, (side) => side * 1e-6) });
  return [
    { line: { values: Float32Array.of(0, 0.5, 1, 0.5) }, stretch: squeezed([1]) },
    { mesh: { values: Float32Array.of(0, 0, 1, 0, 0, 1, 1, 1), shape: [2, 2] }, stretch: squeezed([-1]) },
    { "contours:real": grid, "levels:real": { values: [0.5] } },
  ].map((parts) => {
    pen.clearRect(0, 0, 60, 60);
    paintLayers(pen, box, { views: [new Map(Object.entries(parts))], bounds: [[0, 1], [0, 1]], look }, {});
    const { data } = pen.getImageData(0, 30, 60, 1);
    const clear = [...Array(60).keys()].reduce((best, at) => (data[4 * at + 3] > data[4 * best + 3] ? at : best), 0);
    return [...data.subarray(4 * clear, 4 * clear + 3)];
  });
}"""
"""The colours of a line, of what is turned over, and of a contour of real points."""


def test_contours_go_round_and_layers_keep_step_with_the_points(browser: Browser) -> None:
    with empty_stage(browser) as page:
        segments = page.evaluate(CONTOUR, 10.3)
        ends = list(zip(segments[::2], segments[1::2], strict=True))
        assert len(ends) > 100 and all(math.hypot(x - 24, y - 19) == pytest.approx(10.3, abs=0.02) for x, y in ends)
        counted = {(round(x, 4), round(y, 4)): 0 for x, y in ends}
        for x, y in ends:
            counted[round(x, 4), round(y, 4)] += 1
        assert set(counted.values()) == {2}, "each end of a segment is the beginning of another one"
        length = sum(math.dist(*pair) for pair in zip(ends[::2], ends[1::2], strict=True))
        assert length == pytest.approx(2 * math.pi * 10.3, rel=0.01)
        # a saddle is parted as its middle says: its lower left corner on one side of each line, or joined to the other
        assert page.evaluate(SADDLE, [[1, 0, 0, 1], 0.7]) == pytest.approx([0, 0.3, 0.3, 0, 1, 0.7, 0.7, 1], abs=1e-6)
        joined = page.evaluate(SADDLE, [[1, 0, 0, 1], 0.3])
        assert joined == pytest.approx([0, 0.7, 0.3, 1, 0.7, 0, 1, 0.3], abs=1e-6)

        played = [
            [0.1, 0.05, True],
            [0.2, 0.1, True],
            [0.2, 0.15, True],
            [0.3, 0.2, True],
            [0.3, 0.2, False],
            [None, 1, False],
        ]
        assert page.evaluate(STEPS, played) == [None, 0.1, 0.1, 0.2, 0.3, None]

        behind = (FOLDER / "views-behind.bin").read_bytes()
        told = ["Epoch 4", "still epoch 3: discriminator: drawn", "manifold: drawn"]
        assert page.evaluate(LEGEND, list(behind)) == told, "what there was no time for says of which epoch it is"


def test_layers_have_the_colours_of_the_page(browser: Browser) -> None:
    with empty_stage(browser) as page:
        for theme, palette in PALETTES.items():
            turn(page, theme)
            wanted = (palette.generated, palette.lines[MISFIT], palette.real)
            for found, colour in zip(page.evaluate(DRAWN, theme), wanted, strict=True):
                assert found == pytest.approx([*bytes.fromhex(colour[1:])], abs=3), (theme, colour)


def test_what_a_past_epoch_looks_like_inside_is_asked_for_until_it_comes(browser: Browser) -> None:
    asked: list[dict[str, list[str]]] = []

    def answer(route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        if "epochs" in query:
            told = [{"epoch": int(epoch), "words": {}} for epoch in query["epochs"][0].split(",")]
            points = {f"frame:{place}": np.zeros((3, 2), np.float32) for place in range(len(told))}
            route.fulfill(body=encode({"kind": "frames", "frames": told}, points))
            return
        asked.append(query)
        if len(asked) == 1:
            route.fulfill(status=503, body="The workers have not answered.")
            return
        (name,) = query["views"]
        header = {"kind": "views", "epoch": 2, "at": 0.5, "names": [name], "offers": []}
        route.fulfill(body=encode(header, {f"view:{name}:mesh": np.zeros((2, 2, 2), np.float32)}))

    with empty_stage(browser) as page:
        page.clock.install()
        page.route(f"{ADDRESS}frames/**", answer)
        page.evaluate(
            """async () => {
              const { moment } = await import("/moment.js");
              window.at = moment("run");
              window.seen = () => [...(window.at.views?.arrays.keys() ?? [])].join();
              window.at.listen(() => {});
              window.at.know([0, 4, 1]);
              window.at.look(["manifold"]);
              window.at.go(2);
            }"""
        )
        until(page, "window.at.asked !== ''")
        while not asked:
            page.wait_for_timeout(20)
        page.wait_for_timeout(50)
        page.clock.fast_forward(3000)
        until(page, "window.seen() === 'manifold'")
        page.evaluate("() => { window.at.look(['manifold@1']); window.kept = window.seen(); }")
        assert page.evaluate("window.kept") == "manifold", "what was seen there stays until the turn has come"
        page.clock.fast_forward(200)
        until(page, "window.seen() === 'manifold@1'")
        assert [query["views"] for query in asked] == [["manifold"], ["manifold"], ["manifold@1"]]
        page.evaluate("window.at.go(null)")
        assert page.evaluate("window.at.views") is None


def chip(page: Page, name: str) -> None:
    """Switch a layer as with the keyboard."""
    button = page.get_by_role("group", name="Layers of the picture").get_by_role("button", name=name, exact=True)
    button.focus()
    page.keyboard.press("Enter")


def wait_for_layers(page: Page, names: str, at_least: int = 0, at_most: int = 10**9) -> None:
    """Wait until these layers are drawn, all of an epoch in these bounds, and so are the points."""
    page.wait_for_function(
        """([chart, names, least, most]) => {
          const { layers, epoch, layersEpoch } = document.querySelector(chart).dataset;
          return layers === names && epoch === layersEpoch && +epoch >= least && +epoch <= most;
        }""",
        arg=[OVERLAY, names, at_least, at_most],
    )


def test_layers_are_switched_follow_the_run_and_go_with_it(dashboard: str, open_page: OpenPage) -> None:
    setup = link.encode(RunConfig(latent_dim=4))  # whose plane can be turned
    page = open_page(f"{dashboard}/?setup={setup}")
    overlay, legend = page.locator(OVERLAY), page.locator(".gandash-legend")
    canvas = ".gandash-under"
    expect(page.get_by_role("button", name="Discriminator", exact=True)).to_have_attribute("aria-pressed", "false")
    expect(legend).to_be_hidden()
    chip(page, "Density")
    expect(legend).to_have_text("Seen as soon as a run trains")
    chip(page, "Density")
    press(page, "Train")
    wait_for_epoch(page, 1)
    assert page.evaluate(COLOURS, canvas) == 0
    for name in ("Discriminator", "Manifold", "Gradients", "Density", "Trails"):
        chip(page, name)
        expect(page.get_by_role("button", name=name, exact=True)).to_have_attribute("aria-pressed", "true")
    expect(overlay).to_have_attribute("data-layers", ALL)
    page.wait_for_function(f"+document.querySelector(`{OVERLAY}`).dataset.layersEpoch >= 1")
    expect(legend).to_contain_text("generated0")
    assert page.evaluate(COLOURS, canvas) > 50
    earlier = int(overlay.get_attribute("data-layers-epoch") or 0)
    page.wait_for_function(f"+document.querySelector(`{OVERLAY}`).dataset.layersEpoch > {earlier}")

    press(page, "Pause")
    expect(page.locator(".st-key-status")).to_contain_text("Paused")
    page.wait_for_function(  # the same moment for both, once the points have come to rest
        f"""() => {{
          const {{ epoch, layersEpoch }} = document.querySelector(`{OVERLAY}`).dataset;
          const words = document.querySelector(".st-key-status").innerText;
          const told = words.match(/Epoch ([\\d,]+) of/)[1].replace(",", "");
          return epoch === layersEpoch && epoch === told;
        }}"""
    )
    paused = overlay.get_attribute("data-layers-epoch")
    image = f"document.querySelector('{canvas}').toDataURL()"
    turn = page.locator(".gandash-turn input")
    turn.focus()
    page.keyboard.press("End")  # its picture may be as it was: all of the grid can still be in one place
    wait_for_layers(page, "discriminator manifold@2 gradients density", at_least=int(paused or 0))
    before = page.evaluate(image)
    page.locator(".gandash-timeline input").focus()
    page.keyboard.press("Home")
    wait_for_layers(page, "discriminator manifold@2 gradients density", at_most=0)
    assert page.evaluate(image) != before
    turn.focus()
    page.keyboard.press("Home")
    wait_for_layers(page, ALL, at_most=0)
    page.get_by_role("button", name="Latest", exact=True).click()
    wait_for_layers(page, ALL, at_least=int(paused or 0))  # a chunk that was on its way counts after the pause, too
    before = page.evaluate(image)
    overlay.focus()
    page.keyboard.press("+")
    page.wait_for_function(f"before => {image} !== before", arg=before)
    expect(overlay).to_have_attribute("data-mounts", "1")

    watched = page.url.split("run=")[1].split("&")[0]
    page.locator("label").filter(has_text="Circle").first.click()
    press(page, "Train next run")
    page.wait_for_function(f"document.querySelector(`{OVERLAY}`).getAttribute('aria-label').includes('ircle')")
    assert overlay.get_attribute("data-layers-epoch") != paused, "nothing of another run stays on screen"
    page.wait_for_function(f"+document.querySelector(`{OVERLAY}`).dataset.layersEpoch >= 0")
    press(page, "Pause")

    page.goto(f"{dashboard}/watch/{watched}")  # a paused run, in the same tab: what was on stays on
    cloud = page.locator("#cloud")
    expect(cloud).to_have_attribute("data-layers", ALL)
    newest = int(cloud.get_attribute("data-layers-epoch") or 0)
    expect(page.locator(".gandash-legend")).to_contain_text("Epoch")
    page.locator(".gandash-timeline input").focus()
    page.keyboard.press("Home")
    for what in ("data-epoch", "data-layers-epoch"):
        expect(cloud).to_have_attribute(what, "0")
    expect(cloud).to_have_attribute("data-layers", ALL)
    with page.expect_download() as download:
        page.get_by_role("link", name="PNG").click()
    assert download.value.suggested_filename == "p0.png"
    page.get_by_role("button", name="Latest", exact=True).click()
    for what in ("data-epoch", "data-layers-epoch"):
        expect(cloud).to_have_attribute(what, str(newest))
    chip(page, "Discriminator")
    expect(cloud).to_have_attribute("data-layers", "manifold gradients density")
    for name in ("Manifold", "Gradients", "Density", "Trails"):
        chip(page, name)
    expect(cloud).to_have_attribute("data-layers", "")
    expect(page.locator(".gandash-legend")).to_be_hidden()
