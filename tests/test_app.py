"""The app as a process: it starts, answers, and ends with all that it started."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.testing.v1 import AppTest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from gandash.live.assets import asset
from gandash.live.messages import decode
from gandash.pages import NAVIGATION, opening, server
from gandash.runs.service import RunService
from gandash.runs.snapshot import History, Status
from gandash.runs.store import FILE_NAME, RunStore
from tests.browser.driver import dashboard_server
from tests.live.serving import get, reading_nothing
from tests.live.snapshots import RUN, record, snapshot
from tests.pages.conftest import as_read
from tests.runs.conftest import until


def test_ctrl_c_ends_the_server_and_its_workers_whoever_watches(tmp_path: Path) -> None:
    many = {f"metric {number}": 1.0 for number in range(40)}
    rows = [replace(record(epoch), metrics=many) for epoch in range(1, 2001)]
    long = snapshot(2, 2000, Status.PAUSED, history=History().extended(rows))  # some 700 KB as a message
    store = RunStore(tmp_path)
    store.create(snapshot(1, 0), "me")
    assert store.save(long, since=1, server="me", rows=long.history)
    store.close()
    with (
        dashboard_server(tmp_path, {"GANDASH_WORKERS": "1"}) as (url, pid),
        reading_nothing(url.removeprefix("http://"), RUN),
        connect(url.replace("http", "ws") + "/live?run=unknown") as watcher,
        connect(url.replace("http", "ws") + "/_stcore/stream", max_size=None) as visitor,
    ):
        dashboard = psutil.Process(pid)
        assert decode(watcher.recv(60, decode=False))[0]["kind"] == "missing"
        run_script(visitor, BackMsg(rerun_script=ClientState()))
        until(lambda: workers(pid))
        started = dashboard.children(recursive=True)
        os.killpg(pid, signal.SIGINT)  # a terminal sends it to all
        _, alive = psutil.wait_procs(started, timeout=30)
        assert not alive
        until(lambda: dashboard.status() == psutil.STATUS_ZOMBIE)
    assert "Traceback" not in (tmp_path / "server.log").read_text()


def test_all_of_it_is_under_the_base_path(tmp_path: Path) -> None:
    settings = {"GANDASH_WORKERS": "1", "STREAMLIT_SERVER_BASE_URL_PATH": "gans"}
    with dashboard_server(tmp_path, settings) as (url, _):
        assert url.endswith("/gans")
        host = url.removeprefix("http://")
        with connect(f"ws://{host}/live?run=unknown") as watcher:
            assert decode(watcher.recv(60, decode=False))[0]["kind"] == "missing"
        elsewhere = Origin("http://elsewhere.example")
        with pytest.raises(InvalidStatus, match="403"), connect(f"ws://{host}/live?run=unknown", origin=elsewhere):
            pass
        status, headers, script = get(f"{host}/assets/{asset('stream.js').name}")
        assert status == 200 and script == asset("stream.js").content
        status, _, viewers = get(f"{host}/watch/x")
        assert status == 200 and b'data-base="/gans"' in viewers and b'src="/gans/assets/watch' in viewers
        _, headers, page = get(f"{host}/")
        assert b'<div id="root">' in page and "; Path=/gans; " in headers["Set-Cookie"]
        secret = headers["Set-Cookie"].partition(";")[0]
        browser = {"Accept": "text/html,application/xhtml+xml", "Cookie": secret}
        _, headers, page = get(f"{host}/watch/unknown", **browser)
        status, again, body = get(f"{host}/watch/another", **browser, If_None_Match=headers["ETag"])
        assert (status, body) == (304, b"") and b'id="cloud"' in page, "a second visit"
        assert again["Set-Cookie"].startswith(f"{secret}; Path=/gans; Max-Age="), "for another year"
        with pytest.raises(InvalidStatus), connect(f"ws://{host.removesuffix('/gans')}/live?run=unknown"):
            pass


def test_a_server_without_a_service_says_why_on_its_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_opened", server._opened)  # put back afterwards
    monkeypatch.setenv("GANDASH_WORKERS", "many")
    with server.serving() as service:
        assert service is None
        (error,) = AppTest.from_file(NAVIGATION, default_timeout=30).run().error
    assert as_read(error.value).startswith("gandash cannot start. GANDASH_WORKERS is 'many'; give a whole number")
    assert as_read(error.value).endswith("from 1 to 256. Then start the server again.")


def test_pages_wait_for_a_server_that_is_just_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go, load = threading.Event(), opening._load
    monkeypatch.setattr(opening, "_load", lambda: load() if go.wait(10) else None)
    monkeypatch.setattr(server, "_opened", server._opened)
    monkeypatch.setenv("GANDASH_HOME", str(tmp_path))

    async def visit() -> None:
        async with opening.Opening().over():
            visitor = asyncio.create_task(asyncio.to_thread(server.run_service))
            await asyncio.wait([visitor], timeout=0.2)
            assert not visitor.done()
            go.set()
            assert isinstance(await visitor, RunService)

    asyncio.run(visit())


def run_script(client: ClientConnection, message: BackMsg) -> list[str]:
    """Send a message that runs the page's script, and return all texts of its elements once it has ended."""
    client.send(message.SerializeToString())
    texts = []
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(client.recv(60))
        if answer.WhichOneof("type") == "delta":
            texts.append(str(answer.delta))
        if answer.WhichOneof("type") == "script_finished":
            return texts


def test_whoever_clears_the_cache_gets_no_second_service(tmp_path: Path) -> None:
    """Streamlit's protocol lets every visitor clear the server's caches, menu or no menu."""
    with (
        dashboard_server(tmp_path, {"GANDASH_WORKERS": "1"}) as (url, pid),
        connect(url.replace("http", "ws") + "/_stcore/stream", max_size=None) as client,
    ):
        assert any("Train" in text for text in run_script(client, BackMsg(rerun_script=ClientState())))
        assert services(pid) == 1
        for _ in range(2):
            client.send(BackMsg(clear_cache=True).SerializeToString())
            assert any("Train" in text for text in run_script(client, BackMsg(rerun_script=ClientState())))
        assert services(pid) == 1


def services(pid: int) -> float:
    """How many services have the saved runs open: each reads by one connection and writes by another."""
    return [Path(file.path).name for file in psutil.Process(pid).open_files()].count(FILE_NAME) / 2


def workers(pid: int) -> list[int]:
    """The processes in which a server trains."""
    children = psutil.Process(pid).children()
    return [child.pid for child in children if "popen_loky" in " ".join(child.cmdline())]
