"""A real server for routes, in a thread of the test, and requests to it."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from email.message import Message
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from gandash.live.hub import Describe, Hub
from gandash.live.routes import routes
from tests.runs.conftest import until

LONGEST_END = 10
"""Seconds after which a server that is to end cuts off who came just then."""


@contextmanager
def serve(app: Any, port: int = 0) -> Iterator[str]:
    """An ASGI app, as Streamlit's own server runs it, on a port that is free or else given: "127.0.0.1:…"."""
    listening = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(app, ws="websockets-sansio", log_level="warning", timeout_graceful_shutdown=LONGEST_END)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield "{}:{}".format(*listening.getsockname())
    finally:
        server.should_exit = True
        thread.join(30)
        assert not thread.is_alive(), "the server does not end"


@contextmanager
def streaming(
    service: Any,
    port: int = 0,
    *more: BaseRoute,
    describe: Describe = lambda shown: {"progress": f"Epoch {shown.epoch}"},
) -> Iterator[tuple[str, Hub]]:
    """The address of a server that streams this service's runs, with more routes, and its hub."""
    hub = Hub(describe)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with hub.over(service):
            yield

    with serve(Starlette(routes=[*more, *routes(hub)], lifespan=lifespan), port) as host:
        yield host, hub


@contextmanager
def reading_nothing(host: str, run: str) -> Iterator[None]:
    """A client that watches a run and takes nothing but what the system takes for it, which is little."""
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        client.connect(("127.0.0.1", int(host.partition(":")[2])))
        client.sendall(
            f"GET /live?run={run} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        yield


def get(address: str, **headers: str) -> tuple[int, Message, bytes]:
    """Status, headers and body of an answer; header names with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://{address}", headers=named), timeout=30) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()
