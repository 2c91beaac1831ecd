"""What this server answers besides Streamlit's own paths."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from gandash.live import assets, frames, uploads, watch
from gandash.live.base import base_path, origin_allowed
from gandash.live.hub import Hub
from gandash.live.messages import Cursor

LONGEST_RUN = 64
MOST_DIGITS = 15
MOST_VIEWS = 8
LONGEST_VIEW = 40
LONGEST_SEND = 30.0
"""Seconds after which a client that takes nothing is cut off."""
REFUSED = 1008
"""The WebSocket's own code for a violation of policy: it is of no use to ask for the same again."""

assets.register(Path(__file__).with_name("stream.js"))

_log = logging.getLogger(__name__)


def routes(hub: Hub, draw: frames.Draw | None = None) -> list[BaseRoute]:
    """All routes, under the base path of this server; `draw` makes pictures of past epochs."""
    base = base_path()

    async def live(socket: WebSocket) -> None:
        await stream(socket, hub)

    past = frames.routes(base, lambda: hub.service, hub.describe, draw)
    files = uploads.routes(base, lambda: hub.service)
    return [*assets.routes(base), *watch.routes(base), *past, *files, WebSocketRoute(f"{base}/live", live)]


async def stream(socket: WebSocket, hub: Hub) -> None:
    """Send a run (the query's ``run``, ``views``, and ``rows``, ``version``, ``life``) to a client until it leaves."""
    if not origin_allowed(socket.headers.get("origin"), socket.headers.get("host")):
        await socket.close(REFUSED)
        return
    await socket.accept()
    try:
        run_id, cursor = asked(socket.query_params)
        views = looked_at(socket.query_params)
    except ValueError as error:
        await socket.close(REFUSED, str(error))
        return

    async def send(message: bytes) -> None:
        async with asyncio.timeout(LONGEST_SEND):
            await socket.send_bytes(message)

    sending = asyncio.create_task(hub.send(run_id, cursor, send, views))
    listening = asyncio.create_task(socket.receive())
    tasks = (sending, listening)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if listening.done() and listening.result()["type"] != "websocket.disconnect":
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # it has left meanwhile
                await socket.close(REFUSED, "Clients of the stream only listen.")
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        _cut_off(socket)
    for end in ends:
        if isinstance(end, Exception) and not isinstance(end, WebSocketDisconnect | TimeoutError):
            _log.error("The stream of run %s broke off", run_id, exc_info=end)


def _cut_off(socket: WebSocket) -> None:
    """Give up what the client has not taken. Uvicorn would wait for it for ever, also when the server is to end."""
    transport = getattr(getattr(socket._receive, "__self__", None), "transport", None)
    if transport is not None and transport.get_write_buffer_size():
        transport.abort()


def asked(query: Mapping[str, str]) -> tuple[str, Cursor | None]:
    """The run that a query names, empty for none, and the cursor in it; `ValueError` for a query that has no sense."""
    run_id, rows, version = query.get("run", ""), query.get("rows"), query.get("version")
    if len(run_id) > LONGEST_RUN:
        raise ValueError(f"A run's id has at most {LONGEST_RUN} characters.")
    if rows is None and version is None:
        return run_id, None
    for number in (rows, version):
        if number is None or not (number.isascii() and number.isdecimal() and len(number) <= MOST_DIGITS):
            raise ValueError("rows and version are whole numbers, and belong together.")
    known = Cursor(int(rows or 0), int(version or 0), life=query.get("life", ""))
    return run_id, known if known.rows else None


def looked_at(query: Mapping[str, str]) -> tuple[str, ...] | None:
    """The views that a query names, separated by commas; None if it does not speak of views."""
    text = query.get("views")
    if text is None:
        return None
    names = tuple(sorted({name for name in text.split(",", MOST_VIEWS) if name}))
    if len(names) > MOST_VIEWS or any(len(name) > LONGEST_VIEW for name in names):
        raise ValueError(f"At most {MOST_VIEWS} views can be looked at.")
    return names
