"""The stream as clients get it over a socket: from runs that train, on a real server."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from gandash.live import hub as live_hub
from gandash.live import routes as live_routes
from gandash.live.messages import Cursor, decode
from gandash.live.routes import asked, looked_at
from gandash.runs.service import RunService
from gandash.runs.snapshot import Frame
from gandash.runs.store import RunStore
from tests.live.serving import LONGEST_END, reading_nothing, streaming
from tests.live.snapshots import RUN, FakeService, snapshot
from tests.runs.conftest import CONFIG, FakeTraining, ManualEngine, until


def receive(client: ClientConnection) -> dict[str, Any]:
    """The header of the next message."""
    message = client.recv(30)
    assert isinstance(message, bytes)
    return decode(message)[0]


def test_a_run_that_trains_is_streamed(tmp_path: Path) -> None:
    engine, training = ManualEngine(), FakeTraining()
    service = RunService(RunStore(tmp_path), engine, idle_pause=None, advance=training)
    with streaming(service) as (host, _):
        run = service.start(CONFIG)
        with connect(f"ws://{host}/live?run={run}") as client:
            assert (first := receive(client))["kind"] == "picture" and first["state"]["status"] == "starting"
            engine.run_next()
            while (header := receive(client))["rows"] < 2:
                pass
            assert header["words"] == {"progress": "Epoch 2"}
            service.pause(run)
            while header["state"]["status"] != "paused":
                header = receive(client)
            service.delete(run)
            while header["kind"] != "missing":
                header = receive(client)
            service.undelete(run)
            assert receive(client)["kind"] == "picture"
    service.close()


def test_a_run_that_waits_tells_its_place_as_it_moves_up(tmp_path: Path) -> None:
    engine = ManualEngine()
    service = RunService(RunStore(tmp_path), engine, idle_pause=None, advance=FakeTraining(), most_runs=1)
    with streaming(service) as (host, _):
        first, second, run = (service.start(CONFIG) for _ in range(3))
        with connect(f"ws://{host}/live?run={run}") as client:
            told = [receive(client)["state"]]
            for before in (second, first):
                service.pause(before)
                told.append(receive(client)["state"])
    service.close()
    assert [(state["status"], state["place"]) for state in told] == [("waiting", 2), ("waiting", 1), ("starting", None)]


def test_an_open_page_keeps_its_run_from_being_paused(tmp_path: Path) -> None:
    now = [0.0]
    engine = ManualEngine()
    service = RunService(RunStore(tmp_path), engine, idle_pause=10.0, clock=lambda: now[0], advance=FakeTraining())
    run = service.start(CONFIG)
    with streaming(service) as (host, hub):
        with connect(f"ws://{host}/live?run={run}"):
            until(lambda: hub.watched)
            now[0] = 100.0
            until(lambda: service._watched[run] == 100.0)
        until(lambda: not hub.watched)
        engine.run_next()
        until(lambda: engine.calls)
        assert service.snapshot(run).status.active
        now[0] = 200.0
        engine.run_next()
        until(lambda: not service.snapshot(run).status.active)
    service.close()


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({}, True),
        ({"Origin": "http://{host}"}, True),
        ({"Origin": "http://localhost:8501"}, True),
        ({"Origin": "http://elsewhere.example"}, False),
        ({"Origin": "null"}, False),
    ],
)
def test_other_sites_are_refused_as_streamlit_refuses_them(headers: dict[str, str], allowed: bool) -> None:
    with streaming(FakeService(snapshot(1, 1))) as (host, _):
        named = {name: value.format(host=host) for name, value in headers.items()}
        address = f"ws://{host}/live?run={RUN}"
        if allowed:
            with connect(address, additional_headers=named, origin=None) as client:
                assert receive(client)["kind"] == "picture"
        else:
            with pytest.raises(InvalidStatus, match="403"), connect(address, additional_headers=named):
                pass


@pytest.mark.parametrize(
    "query",
    ["run=" + 65 * "a", "run=a&rows=1", "run=a&version=1", "run=a&rows=-1&version=2", "run=a&rows=1e3&version=2",
     "run=a&rows=1&version=" + 5000 * "9", "views=a,b,c,d,e,f,g,h,i", "views=" + 41 * "a",
     "run=a&rows=\u0661&version=2", "run=a&rows=&version="],
)  # fmt: skip
def test_a_query_without_sense_is_refused(query: str) -> None:
    with streaming(FakeService(snapshot(1, 1))) as (host, hub), connect(f"ws://{host}/live?{query}") as client:
        with pytest.raises(ConnectionClosed):
            client.recv(30)
        assert client.close_code == 1008
        assert hub.watched == {}


def test_what_a_query_asks_for() -> None:
    assert asked({"run": RUN}) == (RUN, None)
    assert asked({"run": RUN, "rows": "12", "version": "34"}) == (RUN, Cursor(12, 34))
    assert asked({"run": RUN, "rows": "12", "version": "34", "life": "ab"}) == (RUN, Cursor(12, 34, life="ab"))
    assert asked({"run": RUN, "rows": "0", "version": "34"}) == (RUN, None), "it may lack the real points"
    assert asked({}) == ("", None)
    assert looked_at({"run": RUN}) is None and looked_at({"views": ""}) == ()
    assert looked_at({"views": "manifold@1.25,discriminator,"}) == ("discriminator", "manifold@1.25")


def test_a_client_that_talks_is_refused() -> None:
    with (
        streaming(FakeService(snapshot(1, 1))) as (host, hub),
        connect(f"ws://{host}/live?run={RUN}") as client,
    ):
        receive(client)
        client.send("hello")
        with pytest.raises(ConnectionClosed):
            client.recv(30)
        assert client.close_code == 1008
        until(lambda: not hub.watched)


def test_the_server_ends_though_clients_listen() -> None:
    with ExitStack() as clients, ExitStack() as server:
        host, hub = server.enter_context(streaming(FakeService(snapshot(1, 1))))
        listening = [clients.enter_context(connect(f"ws://{host}/live?run={run}")) for run in (RUN, RUN, "unknown", "")]
        for client in listening:
            receive(client)
        assert hub.watched == {RUN: 2, "unknown": 1}
        server.close()
        for client in listening:
            with pytest.raises(ConnectionClosed):
                client.recv(30)
            assert client.close_code == 1012


@pytest.mark.parametrize("longest", [0.5, 1000.0])
def test_a_client_that_reads_nothing_holds_up_neither_others_nor_the_end(
    longest: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_routes, "LONGEST_SEND", longest)
    monkeypatch.setattr(live_hub, "SHORTEST_GAP", 0.0)
    kept: list[int] = []  # bytes that wait for a client as it goes

    def cut_off(socket: Any) -> None:
        kept.append(socket._receive.__self__.transport.get_write_buffer_size())
        give_up(socket)

    give_up = live_routes._cut_off
    monkeypatch.setattr(live_routes, "_cut_off", cut_off)
    service = FakeService(snapshot(1, 1))
    points = np.zeros((20_000, 2), np.float32)
    with ExitStack() as clients, ExitStack() as server:
        host, hub = server.enter_context(streaming(service))
        clients.enter_context(reading_nothing(host, RUN))
        until(lambda: hub.watched)
        client = clients.enter_context(connect(f"ws://{host}/live?run={RUN}"))
        for version in range(2, 20):  # 3 MB, more than the system keeps for a connection
            service.tell(snapshot(version, version, frames=(Frame(version, version / 200, points),)))
            while receive(client)["version"] < version:
                pass
        if longest < 1:
            until(lambda: hub.watched == {RUN: 1})
        else:
            assert hub.watched == {RUN: 2}
        began = time.monotonic()
        server.close()
        assert time.monotonic() - began < LONGEST_END, "nobody had to be cut off by the clock"
    assert 0 < max(kept) < 2 * points.nbytes, "no more than it was being sent"
