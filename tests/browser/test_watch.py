"""The page for viewers: told what a server would tell, and of a run in training.

Most tests hand the page its messages themselves, encoded as the server does it, so they need no run.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, BrowserContext, Locator, Page, WebSocketRoute, expect

from gandash.live.messages import encode
from gandash.pages.words import describe
from gandash.runs.service import RunService
from gandash.runs.store import RunStore
from tests.browser.conftest import OpenPage
from tests.browser.driver import press, until
from tests.browser.test_layout import FAINT
from tests.live.serving import streaming
from tests.runs.conftest import CONFIG, FakeTraining, ManualEngine

RUN = "0a1b2c3d4e"
SIZES = {"phone": (390, 844), "across": (844, 390), "screen": (1280, 900), "projector": (1920, 1080)}

DRAWS = """() => {
  window.seen = new Set();
  const canvas = document.getElementById("cloud");
  const look = () => {
    if (!window.seen) return;
    window.seen.add(canvas.toDataURL());
    requestAnimationFrame(look);
  };
  look();
}"""
"""Collects in `window.seen` the pictures that were there, as often as the browser paints, until that is null."""


def cloud(x: float, y: float, n: int = 200) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal((x, y), 0.1, (n, 2)).astype(np.float32)


def message(
    epoch: int = 10,
    *,
    points: NDArray[np.float32] | None = None,
    kind: str = "picture",
    title: str = "Ring",
    bounds: float = 2.0,
    status: str = "running",
    label: str = "Training",
    colour: str = "green",
    told: str = "The points are close.",
    record: str = "",
) -> bytes:
    """A run at this epoch, as the stream tells it."""
    epochs = np.arange(1, epoch + 1, dtype=np.float32)
    curves = {"discriminator_loss": 1 + 1 / epochs, "generator_loss": 0.5 + 1 / epochs, "headline": 1 + 90 / epochs}
    arrays: dict[str, NDArray[Any]] = {"frame:0": cloud(0, 0) if points is None else points}
    if kind == "picture":
        arrays |= {"real": cloud(1, 1)}
        arrays |= {f"x:{name}": epochs for name in curves} | {f"y:{name}": values for name, values in curves.items()}
    else:
        arrays |= {"epoch": epochs[-1:]} | {f"column:{name}": values[-1:] for name, values in curves.items()}
    header = {
        "kind": kind,
        "run": RUN,
        "version": epoch,
        "time": 0.0,
        "state": {"status": status, "active": status == "running", "epoch": epoch, "progress": epoch / 100},
        "changes": [],
        "words": {
            "status": {"label": label, "colour": colour, "icon": ""},
            "progress": f"Epoch {epoch} of 100",
            "pace": "20 epochs a second, 7 min 3 s left at most",
            "told": told,
            "record": record,
            "sentence": f"{told} Press Resume.",
            "announce": f"{title}: {label}.",
            "label": f"Real and generated points of {title}",
            "tiles": [
                {
                    "label": f"Gap to real, epoch {epoch}",
                    "value": "7.1 %",
                    "note": "0 % = nobody can tell",
                    "help": "h",
                },
                {"label": "Loss G / D", "value": "0.92 / 1.31", "note": "a tie: 0.69 / 1.39", "help": "h"},
            ],
        },
        "scene": {
            "title": title,
            "name": "",
            "axes": ["x", "y"],
            "bounds": [[-bounds, bounds], [-bounds, bounds]],
            "equal": True,
            "objective": "non-saturating",
            "probability": True,
            "since": 0,
            "shown": "latest",
        },
        "rows": epoch,
        "columns": list(curves),
        "frames": [{"epoch": epoch, "at": epoch / 100}],
    }
    return encode(header, arrays)


def gone(sentence: str = "There is no such run.") -> bytes:
    return encode({"kind": "missing", "run": RUN, "sentence": sentence, "time": 0.0}, {})


@dataclass
class Told:
    """A viewer's page and the server's end of its streams, newest last."""

    page: Page
    sockets: list[WebSocketRoute] = field(default_factory=list)

    def tell(self, *messages: bytes) -> None:
        for each in messages:
            self.sockets[-1].send(each)

    def at(self, name: str) -> Locator:
        return self.page.locator(f"#{name}")

    def picture(self) -> str:
        """What the picture shows, once it has been painted."""
        paints = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        return str(self.at("cloud").evaluate(f"async (canvas) => {{ await {paints}; return canvas.toDataURL(); }}"))

    def until_connected(self, times: int) -> None:
        while len(self.sockets) < times:
            self.page.wait_for_timeout(50)

    def until_epoch(self, epoch: int) -> None:
        expect(self.at("cloud")).to_have_attribute("data-epoch", str(epoch))


Watch = Callable[..., Told]


@pytest.fixture
def watch(dashboard: str, open_page: OpenPage) -> Watch:
    """Open the page for viewers at a server that says what the test has it say: `watch(width=390) -> Told`."""

    def open_(*messages: bytes, run: str = RUN, **options: Any) -> Told:
        def connected(socket: WebSocketRoute) -> None:
            sockets.append(socket)
            for each in messages if len(sockets) == 1 else ():
                socket.send(each)

        sockets: list[WebSocketRoute] = []
        page = open_page("about:blank", session=False, kept=False, **options)
        page.route_web_socket(lambda url: "/live?" in url, connected)
        page.goto(f"{dashboard}/watch/{run}")
        told = Told(page, sockets)
        expect(told.at("sentence")).not_to_have_text("Connecting to the run.")
        return told

    return open_


# ------------------------------------------------------------------------------------------------ told by the test


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_fits_every_screen_and_all_text_can_be_read(watch: Watch, theme: Literal["light", "dark"]) -> None:
    told = watch(message(), theme=theme)
    told.until_epoch(10)
    page = told.page
    for name, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate(FAINT.replace("[data-testid=stApp]", "body")) == [], name
        box = told.at("cloud").bounding_box()
        assert box and box["width"] > 250 and box["height"] > 200 and box["y"] + box["height"] <= height, name
        if name in ("screen", "projector"):
            assert page.evaluate("document.documentElement.scrollHeight") <= height, name
    assert page.locator("h1").all_inner_texts() == ["Ring"]


def test_words_figures_and_states_are_shown_and_said(watch: Watch) -> None:
    told = watch(message())
    expect(told.at("badge")).to_have_text("Training")
    expect(told.at("sentence")).to_have_text("The points are close.")
    expect(told.at("progress")).to_have_text("Epoch 10 of 100")
    expect(told.at("tiles").locator("dd").first).to_have_text("7.1 %")
    expect(told.page.locator("[role=status]")).to_have_text("Ring: Training.")
    expect(told.at("cloud")).to_have_attribute("aria-label", "Real and generated points of Ring")
    losses, gap = "Losses, epoch 10: discriminator 1.1, generator 0.6", "Gap to real, epoch 10: 1000 %"
    expect(told.at("losses")).to_have_attribute("aria-label", losses)
    expect(told.at("gap")).to_have_attribute("aria-label", gap)
    assert told.at("bar").evaluate("(bar) => bar.value") == pytest.approx(0.1)
    colours = {told.at("badge").evaluate("(badge) => getComputedStyle(badge).color")}
    for epoch, (label, colour) in enumerate((("Waiting", "gray"), ("Paused", "orange"), ("Diverged", "red")), 11):
        told.tell(message(epoch, kind="news", label=label, colour=colour))
        expect(told.at("badge")).to_have_text(label)
        expect(told.page).to_have_title(f"{label} · Ring · gandash")
        colours.add(told.at("badge").evaluate("(badge) => getComputedStyle(badge).color"))
    assert len(colours) == 4
    expect(told.at("by_hand")).to_be_hidden()
    told.tell(message(14, kind="news", record="3 phases were played by hand."))
    expect(told.at("by_hand")).to_have_text("by hand")
    expect(told.at("sentence")).to_have_text("The points are close. 3 phases were played by hand.")


def test_what_comes_from_others_is_text(watch: Watch, console_errors: list[str]) -> None:
    odd = "<img src=x onerror=alert(1)> ![x](http://a.test)"
    told = watch(message(told=odd, title=odd, label=odd), run="%3Cimg%20src=x%3E")
    expect(told.at("sentence")).to_have_text(odd)
    expect(told.at("title")).to_have_text(odd)
    assert told.page.locator("img").count() == 1, "the logo"
    told.tell(gone(odd))
    expect(told.at("sentence")).to_contain_text(odd)


def test_points_glide_and_stand_still_for_who_wants_that(watch: Watch) -> None:
    told = watch(message(10, points=cloud(-1, -1)), motion=True)
    told.until_epoch(10)
    told.page.evaluate(DRAWS)
    told.tell(message(11, points=cloud(1, -1), kind="news"))
    told.until_epoch(11)
    assert told.page.evaluate("window.seen.size") > 3
    told.page.emulate_media(reduced_motion="reduce")
    told.page.evaluate("window.seen.clear()")
    told.tell(message(12, points=cloud(-1, 1), kind="news"))
    told.until_epoch(12)
    assert told.page.evaluate("window.seen.size") <= 2


def test_the_keys_move_and_fit_the_picture(watch: Watch) -> None:
    told = watch(message(points=cloud(3, 0)))
    told.until_epoch(10)
    note, canvas = told.at("note"), told.at("cloud")
    expect(note.locator("span")).to_have_text("200 of 200 points are outside: 200 right")
    home = told.picture()
    canvas.focus()
    seen = {home}
    for key in ("ArrowLeft", "ArrowUp", "+", "-", "f", "0"):
        canvas.press(key)
        expect(canvas).to_have_attribute("data-view", {"f": "fit", "0": "home"}.get(key, "own"))
        seen.add(told.picture())
    assert len(seen) == 5 and told.picture() == home, "plus and minus undo each other"
    note.get_by_role("button", name="Fit").click()
    expect(note.locator("span")).to_have_text("")
    expect(note.get_by_role("button", name="Back")).to_be_focused()
    note.get_by_role("button", name="Back").click()
    expect(note.get_by_role("button", name="Fit")).to_be_visible()
    assert told.picture() == home


def test_t_changes_the_theme_and_the_browser_keeps_it(watch: Watch) -> None:
    told = watch(message(), theme="dark")
    told.until_epoch(10)
    ground = "getComputedStyle(document.body).backgroundColor"
    dark, picture = told.page.evaluate(ground), told.picture()
    told.page.keyboard.press("t")
    light = told.page.evaluate(ground)
    assert (dark, light) == ("rgb(17, 23, 26)", "rgb(255, 255, 255)") and told.picture() != picture
    told.page.reload()
    told.until_connected(2)
    assert told.page.evaluate(ground) == light
    told.at("theme").click()
    assert told.page.evaluate(ground) == dark


def test_nothing_is_left_of_another_scale(watch: Watch) -> None:
    told = watch(message(10, points=cloud(-1, -1)))
    told.until_epoch(10)
    told.at("cloud").press("+")
    told.tell(message(20, points=cloud(0, 0), title="Star", bounds=1.0))
    told.until_epoch(20)
    expect(told.at("cloud")).to_have_attribute("data-view", "home")
    fresh = watch(message(20, points=cloud(0, 0), title="Star", bounds=1.0))
    assert told.picture() == fresh.picture()


def test_a_run_that_is_not_there_is_a_sentence_until_it_is(watch: Watch) -> None:
    told = watch(gone("There is no run 0a1b2c3d4e."))
    expect(told.at("sentence")).to_contain_text("There is no run 0a1b2c3d4e. This page goes on by itself")
    assert told.at("sentence").evaluate("(sentence) => sentence.offsetHeight") > 20
    expect(told.at("picture")).to_be_hidden()
    expect(told.page.locator("[role=status]")).to_contain_text("There is no run")
    told.tell(message())
    told.until_epoch(10)
    expect(told.at("badge")).to_have_text("Training")
    told.tell(gone())
    expect(told.at("picture")).to_be_hidden()
    assert told.page.evaluate(FAINT.replace("[data-testid=stApp]", "body")) == []


@pytest.mark.parametrize("run", ["", "x" * 65])
def test_an_address_that_names_no_run_says_where_there_is_one(watch: Watch, run: str) -> None:
    told = watch(run=run)
    expect(told.at("sentence")).to_contain_text("names no run")
    assert told.sockets == []


def test_a_server_of_another_version_has_the_page_loaded_anew_once_and_is_told_of(
    watch: Watch, console_errors: list[str]
) -> None:
    other = b"GD\x02\x00" + message(11)[4:]
    told = watch(message())
    told.until_epoch(10)
    told.page.evaluate("window.old = true")
    told.tell(other)
    told.until_connected(2)
    assert told.page.evaluate("window.old") is None
    told.tell(other, other)
    expect(told.at("sentence")).to_contain_text("different versions of gandash. Load the page again")
    expect(told.at("said")).to_contain_text("different versions")
    expect(told.at("connection")).to_be_hidden()
    told.tell(message(12))
    told.until_epoch(12)
    expect(told.at("sentence")).to_have_text("The points are close.")
    told.tell(b"GD\x03\x00" + message(13)[4:])  # and then another
    told.until_connected(3)
    assert len(console_errors) == 1 and "no message of version 1" in console_errors.pop()


def test_a_lost_connection_is_told_quietly_and_comes_back(watch: Watch) -> None:
    told = watch(message())
    told.until_epoch(10)
    expect(told.at("connection")).to_be_hidden()
    told.sockets[0].close(code=1011)
    expect(told.at("connection")).to_be_visible()
    expect(told.at("picture")).to_be_visible()
    told.until_connected(2)
    told.tell(message(11, kind="news"))
    expect(told.at("connection")).to_be_hidden()
    told.until_epoch(11)


# ------------------------------------------------------------------------------------------------ a run that comes


def test_it_goes_on_by_itself_from_no_run_through_the_queue_to_training(
    open_page: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = ManualEngine()
    service = RunService(RunStore(tmp_path), engine, idle_pause=None, advance=FakeTraining(), most_runs=1)
    with streaming(service, describe=describe) as (host, _):
        page = open_page(f"http://{host}/watch/{RUN}", session=False, width=390, height=844)
        badge, sentence = page.locator("#badge"), page.locator("#sentence")
        expect(sentence).to_contain_text(f"There is no run '{RUN}'")
        before = [service.start(CONFIG) for _ in range(2)]
        with monkeypatch.context() as named:
            named.setattr(secrets, "token_hex", lambda _: RUN)
            assert service.start(CONFIG, paused=True) == RUN
        expect(badge).to_have_text("Paused")
        service.resume(RUN)
        expect(badge).to_have_text("Waiting")
        expect(sentence).to_contain_text("It is number 2 in the queue.")
        service.pause(before[1])
        expect(sentence).to_contain_text("It is number 1 in the queue.")
        service.pause(before[0])
        expect(badge).to_have_text("Starting")
        while engine.run_next() != RUN:
            pass
        expect(badge).to_have_text("Training")
        expect(page.locator("#cloud")).to_have_attribute("data-epoch", "2")
        page.goto("about:blank")  # or else it would miss the server
    service.close()


# ------------------------------------------------------------------------------------------------ a run in training


def bytes_of(context: BrowserContext, url: str) -> tuple[int, list[str]]:
    """What a visit transfers before the stream, headers included, and the addresses that it asks for."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[float] = []
    asked: list[str] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    session.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    page.goto(url)
    until(page, "document.getElementById('cloud').dataset.epoch > 0")
    page.close()
    return int(sum(sizes)), asked


def invited(page: Page, button: Locator) -> str:
    """The link that *Show to an audience* gives, once its code is there and large."""
    button.click()
    link = page.locator("[data-testid=stPopoverBody] code")
    expect(link).to_contain_text("/watch/")
    told = link.inner_text()
    code = page.get_by_role("img", name=f"QR code of {told}")
    box = code.bounding_box()
    assert box and box["width"] == box["height"] > 400
    assert code.evaluate("(image) => image.complete && image.naturalWidth > 0")
    page.keyboard.press("Escape")
    return told


def test_an_audience_follows_the_link_and_sees_the_run_train_and_pause(
    dashboard: str, open_page: OpenPage, browser: Browser, console_errors: list[str]
) -> None:
    trainer = open_page(dashboard)
    button = trainer.get_by_role("button", name="Show to an audience").locator("visible=true")
    expect(button).to_be_disabled()
    press(trainer, "Train")
    expect(button).to_be_enabled()
    run = trainer.evaluate("new URL(location).searchParams.get('run')")
    assert invited(trainer, button).endswith(f"/watch/{run}")
    address = f"{dashboard}/watch/{run}"
    page = open_page(address, session=False, width=390, height=844)
    until(page, "document.getElementById('cloud').dataset.epoch > 0")
    page.evaluate(DRAWS)
    until(page, "window.seen.size > 5")
    page.evaluate("window.seen = null")
    losses = "document.getElementById('losses').toDataURL()"
    earlier = page.evaluate(losses)
    until(page, f"{losses} !== '{earlier}'")
    expect(page.locator("#badge")).to_have_text("Training")
    expect(page.locator("#tiles")).to_contain_text("Gap to real")
    expect(page.locator("h1")).to_have_text("Exponential growth")

    context = browser.new_context()
    first, asked = bytes_of(context, address)
    second, _ = bytes_of(context, address)
    context.close()
    assert second < 50_000 and second < first / 2, (first, second)
    assert all(url.startswith(dashboard) for url in asked)

    press(trainer, "Pause")
    expect(page.locator("#badge")).to_have_text("Paused")
    expect(page.locator("#said")).to_contain_text("Paused at epoch")
    expect(page.locator("#sentence")).not_to_contain_text("Resume")
