"""The browser's end of the stream: what it makes of messages, and how it comes back."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Page
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from websockets.sync.client import connect

from gandash.live import messages
from gandash.live.assets import asset_url
from gandash.live.messages import Cursor, decode
from gandash.live.thin import thin
from gandash.runs.looks import Sight
from gandash.runs.snapshot import History, Status
from tests.browser.conftest import OpenPage
from tests.browser.driver import press, slow_down, wait_for_epoch
from tests.live.record import FOLDER, WORDS
from tests.live.serving import streaming
from tests.live.snapshots import REAL, RUN, FakeService, record, snapshot

TAKE = """async ([state, text]) => {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt());
  window.state = state === null ? window.state : window.stream.emptyState(state);
  window.stream.take(window.state, window.stream.decode(bytes.buffer));
}"""

READ = """(name) => {
  const plain = (value) => {
    if (ArrayBuffer.isView(value) || Array.isArray(value)) return [...value].map(plain);
    if (!value || typeof value !== "object") return value;
    const pairs = value instanceof Map ? [...value] : Object.entries(value);
    return Object.fromEntries(pairs.map(([key, each]) => [key, plain(each)]));
  };
  return plain(window[name]);
}"""

FOLLOW = """([name, run]) => {
  window[`${name}Told`] = [];
  window[`${name}Watch`] = window.stream.watch(run, (state) => {
    window[name] = state;
    window[`${name}Told`].push([state.connected, state.kind, state.version]);
  });
}"""

HIDE = """() => {
  const later = window.setTimeout;
  let nested = false;
  const within = (act) => () => { nested = true; act(); nested = false; };
  window.setTimeout = (act, ms) => later(within(act), Math.max(ms, nested ? 60_000 : 1000));
  Object.defineProperty(document, "hidden", { get: () => window.isHidden, configurable: true });
  window.isHidden = true;
  window.seen = () => { window.isHidden = false; document.dispatchEvent(new Event("visibilitychange")); };
}"""
"""Makes a tab hidden, as far as a page notices, until `seen()`."""


def blank(_: Request) -> HTMLResponse:
    return HTMLResponse("<!doctype html><body>")


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[Page]:
    """A window that is told of no errors: those of connections that fail are meant."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def page(window: Page) -> Iterator[Page]:
    """The window, which the test leaves blank."""
    yield window
    window.goto("about:blank")


def load(page: Page, host: str) -> None:
    page.goto(f"http://{host}/")
    page.evaluate("async (url) => { window.stream = await import(url); }", asset_url("stream.js"))


def wait_for(page: Page, condition: str) -> None:
    page.wait_for_function(f"() => {condition}", timeout=60_000)


def test_recorded_messages_become_a_state(page: Page) -> None:
    def take(name: str, run: str | None = None) -> dict[str, Any]:
        page.evaluate(TAKE, [run, base64.b64encode((FOLDER / f"{name}.bin").read_bytes()).decode()])
        state: dict[str, Any] = page.evaluate(READ, "state")
        return state

    with streaming(FakeService(), 0, Route("/", blank)) as (host, _):
        load(page, host)
        state = take("missing", RUN)
        assert (state["kind"], state["sentence"]) == ("missing", "There is no such run.")
        state = take("picture")
        assert (state["kind"], state["version"], state["rows"], state["words"]) == ("picture", 3, 4, WORDS)
        assert state["sentence"] == WORDS["sentence"]
        assert state["scene"]["name"] == "Ünïted" and state["state"]["status"] == "running"
        np.testing.assert_array_equal(np.stack((state["real"]["x"], state["real"]["y"]), 1), REAL)
        assert state["curves"]["headline"] == {"x": [2, 4], "y": [1, 2]}
        assert [frame["points"]["x"][0] for frame in state["frames"]] == [1, 2, 3, 4]
        state = take("news")
        assert (state["kind"], state["version"], state["rows"]) == ("news", 7, 6)
        assert state["changes"] == [[6, "running"], [7, "paused"]]
        assert state["curves"]["generator_loss"]["y"] == [1.25, 2.25, 3.25, 4.25, 5.25, 1e300]
        assert state["curves"]["headline"] == {"x": [2, 4], "y": [1, 2]}, "not measured, not drawn"
        assert state["curves"]["coverage"] == {"x": [6], "y": [0.5]}
        assert [frame["epoch"] for frame in state["frames"]] == [1, 2, 3, 4, 5, 6]
        assert state["frames"][-1]["points"]["x"][:2] == [1.5, float(np.float32(3e38))]
        assert state["real"]["x"] == REAL[:, 0].tolist(), "stays"
        take("no-news")
        assert take("server")["ready"] is True
        state = take("missing")
        assert (state["curves"], state["frames"], state["real"], state["state"]) == ({}, [], None, None)
        state = take("played")
        assert (state["life"], state["kept"], state["changes"]) == ("1f2e3d4c", [0, 4, 2], [[7, "paused"]])
        phase = state["phase"]
        assert (phase["step"], phase["next"], phase["before"], phase["after"]) == (3, "on real", 0.5, None)
        assert phase["generated"] == {"x": [0, 2, 4], "y": [1, 3, 5]} and phase["moved"]["x"] == [1, 3, 5]
        assert phase["real"] == {"x": [], "y": []} and phase["wanted"] == list(range(12))
        state = take("views")
        assert (state["kind"], state["rows"]) == ("picture", 4), "all else is left alone"
        assert (state["views"]["epoch"], state["views"]["at"]) == (4, 0.25)
        assert state["views"]["arrays"] == {
            "discriminator": {"surface": {"values": [0, 1, 2, 3, 4, 5], "shape": [2, 3]}},
            "manifold": {"mesh": {"values": list(range(8)), "shape": [2, 2, 2]}},
        }
        state = take("no-views")
        assert state["offers"][0]["name"] == "discriminator" and state["views"]["epoch"] == 4, "what was seen stays"
        state = take("numbers")
        assert (state["scene"]["numbers"], state["real"], state["views"]) == (list(range(0, 100, 2)), None, None)
        outputs = [frame.get("outputs") for frame in state["frames"]]
        assert outputs[0] is None and len(outputs[1]) == 200 and outputs[1][-1] == -1
        assert state["kept"] is None and state["phase"] is None


def test_recorded_past_epochs_become_moments(page: Page) -> None:
    asked: list[str] = []

    def frames(request: Request) -> Response:
        asked.append(str(request.query_params))
        return Response((FOLDER / "frames.bin").read_bytes())

    with streaming(FakeService(), 0, Route("/", blank), Route("/frames/{run}", frames)) as (host, _):
        load(page, host)
        page.evaluate(
            """async ([url, run]) => {
              const { moment } = await import(url);
              window.moment = moment(run);
              window.moment.listen(() => (window.frame = window.moment.frame));
              window.moment.know([0, 8, 8]);
              window.moment.go(8);
            }""",
            [asset_url("moment.js"), RUN],
        )
        wait_for(page, "window.frame")
        frame = page.evaluate(READ, "frame")
        assert (frame["epoch"], frame["words"]) == (8, {"tiles": []}) and asked == ["epochs=0%2C8"]
        assert (frame["points"]["x"][0], frame["points"]["y"][0]) == (1.5, -2.25)
        page.evaluate("window.moment.go(0)")
        assert page.evaluate("window.frame.words.label") == "Epoch 0" and len(asked) == 1


def test_of_statuses_that_passed_meanwhile_it_is_told_which_were_new(page: Page) -> None:
    def take(kind: str, version: int, life: str, *changes: tuple[int, str]) -> tuple[list[list[Any]], str]:
        run = snapshot(version, 1)
        known = Cursor(1, version, life=life)
        message = (
            messages.picture(run, {}, changes, life) if kind == "picture" else messages.news(run, {}, known, changes)
        )
        page.evaluate(TAKE, [RUN if version == 5 else None, base64.b64encode(message).decode()])
        return tuple(page.evaluate("[state.changes, stream.announced({ announce: 'Line.' }, state.changes)]"))

    with streaming(FakeService(), 0, Route("/", blank)) as (host, _):
        load(page, host)
        first = take("picture", 5, "a", (1, "paused"), (3, "stopped"), (4, "running"))
        assert first == ([[4, "running"]], "Line."), "who comes late has missed nothing"
        one = take("news", 6, "a", (6, "paused"))
        assert one == ([[6, "paused"]], "Line.")
        three = ([[7, "running"], [8, "stopped_early"], [9, "running"]], "Meanwhile: stopped early. Line.")
        assert take("news", 9, "a", (7, "running"), (8, "stopped_early"), (9, "running")) == three
        assert take("news", 10, "a") == three, "it is said once, not taken back"
        assert (
            take("picture", 12, "a", (9, "running"), (11, "failed"), (12, "running"))[1] == "Meanwhile: failed. Line."
        )
        assert take("picture", 14, "b", (13, "paused"), (14, "running")) == ([[14, "running"]], "Line."), "another life"


@pytest.mark.parametrize("n", [3, 2001, 4000, 12_345])
def test_the_browser_thins_as_the_server_does(n: int, page: Page) -> None:
    x, y = np.arange(n), np.random.default_rng(n).normal(size=n)
    with streaming(FakeService(), 0, Route("/", blank)) as (host, _):
        load(page, host)
        found = page.evaluate("([x, y]) => window.stream.thin({ x, y }, 2000)", [x.tolist(), y.tolist()])
    kept = thin(x, y, 2000)
    assert (found["x"], found["y"]) == (kept[0].tolist(), kept[1].tolist())


def test_all_who_watch_a_run_on_a_page_share_a_connection(page: Page) -> None:
    service = FakeService(snapshot(1, 2))
    with streaming(service, 0, Route("/", blank)) as (host, hub):
        load(page, host)
        page.evaluate(FOLLOW, ["first", RUN])
        wait_for(page, "window.first?.version === 1")
        page.evaluate(FOLLOW, ["second", RUN])
        wait_for(page, "window.second?.version === 1")  # though nothing new was sent
        assert page.evaluate("window.first === window.second") and hub.watched == {RUN: 1}
        service.tell(snapshot(2, 5))
        wait_for(page, "window.secondTold.length === 2 && window.firstTold.length === 2")
        assert page.evaluate("window.first.curves.get('d_real').x") == [1, 2, 3, 4, 5]
        page.evaluate("window.firstWatch.close()")
        service.tell(snapshot(3, 6))
        wait_for(page, "window.secondTold.length === 3")
        assert page.evaluate("window.firstTold.length") == 2
        page.evaluate("window.secondWatch.close()")
        for _ in range(200):
            if not hub.watched:
                break
            page.wait_for_timeout(50)
        assert not hub.watched


def test_who_is_cut_off_comes_back_and_goes_on(page: Page) -> None:
    with streaming(FakeService(snapshot(5, 4)), 0, Route("/", blank)) as (host, hub):
        load(page, host)
        page.evaluate(FOLLOW, ["run", RUN])
        wait_for(page, "window.run?.version === 5")
    wait_for(page, "window.run.connected === false")
    port = int(host.split(":")[1])
    life = hub.life
    with streaming(FakeService(snapshot(6, 6, Status.PAUSED)), port) as (_, hub):
        hub.life = life  # it was the network
        wait_for(page, "window.run.version === 6")
        assert page.evaluate("window.runTold.at(-1)") == [True, "news", 6]
        assert page.evaluate("window.run.curves.get('d_real').x") == [1, 2, 3, 4, 5, 6]
    wait_for(page, "window.run.connected === false")
    other = History().extended([replace(record(epoch), d_real=9.0) for epoch in range(1, 8)])
    again = snapshot(8, 7, history=other)
    with streaming(FakeService(again), port):  # it was killed, had not saved the rest, and the run went another way
        wait_for(page, "window.run.version === 8")
        assert page.evaluate("window.runTold.at(-1)") == [True, "picture", 8]
        assert page.evaluate("window.run.curves.get('d_real').y") == [9] * 7


def test_who_is_hidden_comes_back_by_a_slow_timer_or_at_once_when_seen(page: Page) -> None:
    """Browsers let the timers of hidden tabs fire once a second, those that timers set once a minute."""
    with streaming(FakeService(snapshot(5, 4)), 0, Route("/", blank)) as (host, _):
        load(page, host)
        page.evaluate(HIDE)
        page.evaluate(FOLLOW, ["run", RUN])
        wait_for(page, "window.run?.version === 5")
    wait_for(page, "window.run.connected === false")
    port = int(host.split(":")[1])
    with streaming(FakeService(snapshot(6, 6)), port):
        wait_for(page, "window.run.version === 6")
        page.evaluate("window.setTimeout = () => 1")
    wait_for(page, "window.run.connected === false")
    with streaming(FakeService(snapshot(7, 8)), port):
        page.wait_for_timeout(1500)
        assert page.evaluate("window.run.version") == 6
        page.evaluate("window.seen()")
        wait_for(page, "window.run.version === 7")


def test_who_looks_inside_goes_on_where_the_stream_was(page: Page) -> None:
    surface = np.arange(6, dtype=np.float32).reshape(2, 3)
    service = FakeService(snapshot(5, 4))
    service.sights[RUN] = Sight(4, 0.25, {"manifold@0.5": {"mesh": surface}, "discriminator": {"surface": surface}})
    with streaming(service, 0, Route("/", blank)) as (host, hub):
        load(page, host)
        asked: list[str] = []
        page.on("websocket", lambda socket: asked.append(urlsplit(socket.url).query))
        page.evaluate(f"(run) => {{ ({FOLLOW})(run); window.runWatch.look([]); }}", ["run", RUN])
        wait_for(page, "window.run?.offers")
        assert page.evaluate("window.run.offers[0].name") == "discriminator"
        assert page.evaluate("window.run.views.arrays.size") == 0 and asked == [f"run={RUN}&views="]
        page.evaluate("() => { window.mark = window.run.curves; window.runWatch.look(['manifold@0.5']); }")
        wait_for(page, "window.run.views.arrays.size")
        page.evaluate("() => { window.seen = window.run.views; }")
        told = page.evaluate(READ, "seen")
        assert told == {
            "epoch": 4,
            "at": 0.25,
            "older": {},
            "arrays": {"manifold@0.5": {"mesh": {"values": [0, 1, 2, 3, 4, 5], "shape": [2, 3]}}},
        }
        cursor = {"rows": ["4"], "version": ["5"], "life": [hub.life]}
        assert parse_qs(asked[1]) == {"run": [RUN], **cursor, "views": ["manifold@0.5"]}
        assert page.evaluate("window.run.curves === window.mark") and page.evaluate("window.run.kind") == "news"
        assert all(connected for connected, _, _ in page.evaluate("window.runTold")), "nothing was lost"
        page.evaluate(FOLLOW, ["blind", RUN])
        page.evaluate("() => window.runWatch.close()")
        wait_for(page, "window.blind")
        while len(asked) < 3:
            page.wait_for_timeout(20)
        assert "views" not in parse_qs(asked[2]), "who is left does not look inside"


def test_what_is_on_its_way_is_not_given_up_for_other_views(page: Page) -> None:
    with streaming(FakeService(snapshot(5, 4)), 0, Route("/", blank)) as (host, _):
        load(page, host)
        known: list[str] = page.evaluate(
            """async (run) => {
              const [known, plain] = [[], window.WebSocket];
              window.WebSocket = class extends plain {
                constructor(url) {
                  super(url);
                  known.push(window.run?.kind ?? "");
                  if (known.length > 1) return;
                  let open = () => {}; // the first takes its time
                  Object.defineProperty(this, "onmessage", { set: (then) => (open = then) });
                  this.addEventListener("message", (event) => setTimeout(() => open(event), 300));
                }
              };
              const feed = window.stream.watch(run, (state) => (window.run = state));
              await new Promise((done) => setTimeout(done));
              feed.look(["discriminator"]);
              while (!window.run?.offers) await new Promise((done) => setTimeout(done, 20));
              return known;
            }""",
            RUN,
        )
        assert known == ["", "picture"]


def test_long_curves_stay_short(page: Page) -> None:
    service = FakeService(snapshot(1, 1))
    with streaming(service, 0, Route("/", blank)) as (host, _):
        load(page, host)
        page.evaluate(FOLLOW, ["run", RUN])
        wait_for(page, "window.run?.version === 1")
        for version in range(2, 7):
            service.tell(snapshot(version, 1000 * version))
            wait_for(page, f"window.run.version === {version}")
        kinds = {kind for _, kind, _ in page.evaluate("window.runTold.slice(1)")}
        x = page.evaluate("window.run.curves.get('d_real').x")
        assert kinds == {"news"} and len(x) <= 4000 and (x[0], x[-1]) == (1, 6000)


def test_one_who_fails_is_not_anothers_matter(page: Page) -> None:
    service = FakeService(snapshot(1, 2))
    with streaming(service, 0, Route("/", blank)) as (host, _):
        load(page, host)
        page.evaluate("(run) => { window.stream.watch(run, () => { throw new Error('mine'); }); }", RUN)
        page.evaluate(FOLLOW, ["other", RUN])
        service.tell(snapshot(2, 3))
        wait_for(page, "window.other?.version === 2")


def test_what_makes_no_sense_is_not_asked_for_again(page: Page) -> None:
    with streaming(FakeService(), 0, Route("/", blank)) as (host, _):
        load(page, host)
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        page.evaluate(FOLLOW, ["run", "a" * 65])
        page.wait_for_timeout(3000)
        assert len(sockets) == 1


def test_a_hidden_tab_keeps_its_run_training(open_page: OpenPage, dashboard: str) -> None:
    """Browsers slow the timers of hidden tabs; here they stop. The server pauses what is unwatched for 8 seconds."""
    page = open_page(dashboard)
    slow_down(page)
    press(page, "Train")
    wait_for_epoch(page, 0)
    page.evaluate("window.setTimeout = window.setInterval = window.requestAnimationFrame = () => 0")
    page.wait_for_timeout(12_000)
    run = parse_qs(urlsplit(page.url).query)["run"][0]
    with connect(f"{dashboard.replace('http', 'ws')}/live?run={run}") as client:
        assert decode(client.recv(60, decode=False))[0]["state"]["status"] == "running"
