"""A server ends, whoever is just coming."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import connect

from gandash.live import ending


async def stay(client: WebSocket) -> None:
    await client.accept()
    await client.receive()


def test_who_comes_while_the_server_ends_does_not_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Uvicorn never hears of the one that comes just after it has closed all others: as if it forgot it."""
    monkeypatch.setattr(WebSocketsSansIOProtocol, "shutdown", lambda _: None)
    monkeypatch.setattr(ending, "LONGEST_END", 1)
    ended: list[str] = []
    visits: list[asyncio.Task[None]] = []

    async def visit() -> None:
        async with connect("ws://{}:{}/live".format(*listening.getsockname())):
            server.should_exit = True
            await asyncio.sleep(60)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        ending.bound_end()
        visits.append(asyncio.create_task(visit()))
        yield
        ended.append("the run service is closed")
        visits[0].cancel()

    app = Starlette(routes=[WebSocketRoute("/live", stay)], lifespan=lifespan)
    server = uvicorn.Server(uvicorn.Config(app, ws="websockets-sansio", log_level="critical"))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        began = time.monotonic()
        server.run(sockets=[listening])
    assert time.monotonic() - began < 10 and ended
    assert server.config.timeout_graceful_shutdown == 1


def test_a_process_without_a_server_is_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    ending.bound_end()
    assert signal.getsignal(signal.SIGTERM) is before
