"""How a file of data comes from a browser: it is streamed to the disk, read and kept by a worker, never held here.

``POST /uploads`` takes the file as the body and answers ``{"id"}``. ``POST /uploads/<id>/read?name=…`` answers with
what a worker has found in it, ``POST /uploads/<id>/use`` of ``{"name", "x", "y", "logarithm"}`` with ``{"target",
"notices"}``, the text of the target that two of its columns are. ``DELETE /uploads/<id>`` removes it. What is refused
is answered with ``{"error"}``, a sentence. Files belong to the browser that sent them, by its cookie.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from typing import Any, Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gandash.live.base import origin_allowed
from gandash.runs import access, reading
from gandash.runs.incoming import Incoming, RefusedError

WRITTEN_AT_ONCE = 2**20
"""Bytes that are gathered before a thread writes them."""
PATIENCE = 60.0
"""Seconds without a byte after which a file counts as broken off."""
LONGEST_NAME = 1000
NO_COOKIE = "The browser keeps no cookie of this page, so the file would be nobody's: open the page by itself."
LONGEST_CHOICE = 20_000

_log = logging.getLogger(__name__)
_FRESH = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Service(Protocol):
    """What is asked of the run service."""

    @property
    def incoming(self) -> Incoming: ...
    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]: ...


def routes(base: str, service: Callable[[], Service | None]) -> list[Route]:
    """The routes under a base path."""

    def answering(work: Callable[[Request, Service, str], Awaitable[Mapping[str, Any]]]) -> Callable[..., Any]:
        async def answer(request: Request) -> Response:
            if not origin_allowed(request.headers.get("origin"), request.headers.get("host")):
                return _refused(403, "Files can only be sent from the dashboard's own page.")
            secret = request.cookies.get(access.COOKIE)
            if not access.is_secret(secret):
                return _refused(401, NO_COOKIE)
            there = service()
            if there is None:
                return _refused(503, "The server is shutting down: try again when it is back.")
            try:
                return JSONResponse(await work(request, there, access.key_of(secret)), headers=_FRESH)
            except RefusedError as error:
                return _refused(error.status, str(error))
            except ValueError as error:
                return _refused(422, str(error))

        return answer

    return [
        Route(f"{base}/uploads", answering(_take), methods=["POST"]),
        Route(f"{base}/uploads/{{id}}", answering(_discard), methods=["DELETE"]),
        Route(f"{base}/uploads/{{id}}/read", answering(_read), methods=["POST"]),
        Route(f"{base}/uploads/{{id}}/use", answering(_use), methods=["POST"]),
    ]


async def _take(request: Request, service: Service, owner: str) -> Mapping[str, Any]:
    announced = request.headers.get("content-length", "")
    size = int(announced) if announced.isdecimal() and len(announced) < 16 else None
    gathered = bytearray()
    with contextlib.ExitStack() as held:  # to begin looks through the folder: not on the thread of all streams
        arrival = await asyncio.to_thread(held.enter_context, service.incoming.take(owner, size))
        body = aiter(request.stream())
        try:
            while (chunk := await asyncio.wait_for(anext(body, None), PATIENCE)) is not None:
                gathered += chunk
                if len(gathered) >= WRITTEN_AT_ONCE:
                    await asyncio.to_thread(arrival.write, bytes(gathered))
                    gathered.clear()
        except (ClientDisconnect, TimeoutError) as error:
            raise RefusedError("The file broke off: send it once more.", 400) from error
        await asyncio.to_thread(arrival.write, bytes(gathered))
        if not arrival.size:
            raise RefusedError("The file is empty: choose one with rows in it.", 422)
        await asyncio.to_thread(arrival.finish)
    return {"id": arrival.upload_id}


async def _discard(request: Request, service: Service, owner: str) -> Mapping[str, Any]:
    await asyncio.to_thread(service.incoming.discard, owner, request.path_params["id"])
    return {}


async def _read(request: Request, service: Service, owner: str) -> Mapping[str, Any]:
    path = service.incoming.find(owner, request.path_params["id"])
    name = request.query_params.get("name", "")[-LONGEST_NAME:]
    found: Mapping[str, Any] = await _done(service, reading.read, str(path), name)
    return found


async def _use(request: Request, service: Service, owner: str) -> Mapping[str, Any]:
    chosen = reading.choice(await _json(request))
    path = service.incoming.find(owner, request.path_params["id"])
    kept = await _done(service, reading.keep, str(path), str(service.incoming.folder), chosen)
    await asyncio.to_thread(service.incoming.kept, owner, kept.hash)
    return {"target": kept.target, "notices": kept.notices}


async def _done(service: Service, function: Callable[..., Any], *args: Any) -> Any:
    """What a worker answers; raises `ValueError` in words."""
    try:
        coming = await asyncio.to_thread(service.submit, function, *args)  # it may have to start a worker
        return await asyncio.wait_for(asyncio.wrap_future(coming), reading.LONGEST_WAIT)
    except TimeoutError as error:
        raise RefusedError("The workers have not read the file in time: try again, or take fewer rows.", 503) from error
    except ValueError:
        raise
    except Exception as error:
        _log.exception("A file could not be read")
        raise RefusedError(
            f"The file could not be read ({type(error).__name__}); the server's log says more.", 500
        ) from error


async def _json(request: Request) -> object:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_CHOICE:
            raise RefusedError("That is no choice of columns.", 413)
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise RefusedError("That is no choice of columns.", 400) from error


def _refused(status: int, sentence: str) -> Response:
    return JSONResponse({"error": sentence[:1500]}, status, _FRESH)
