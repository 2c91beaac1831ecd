"""Routes that come after the server answers."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from gandash.live.late import LateRoutes
from tests.live.serving import get, serve


def late(_: Request) -> Response:
    return PlainTextResponse("late")


def page(_: Request) -> Response:
    return PlainTextResponse("page")


async def hello(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("hello")
    await socket.close()


ROUTES: list[BaseRoute] = [Route("/runs/{id}", late, methods=["POST", "GET"]), WebSocketRoute("/live", hello)]


def test_who_asks_before_the_routes_are_there_waits_and_all_else_does_not() -> None:
    coming: Future[Sequence[BaseRoute]] = Future()
    answers: list[str] = []

    def ask() -> None:
        answers.append(get(f"{host}/runs/1")[2].decode())
        with connect(f"ws://{host}/live") as socket:
            answers.append(str(socket.recv(10)))

    app = Starlette(routes=[LateRoutes(["/runs", "/live"], coming), Route("/{path:path}", page)])
    with serve(app) as host:
        asking = threading.Thread(target=ask)
        asking.start()
        assert [get(host + path)[2] for path in ("/", "/runsome", "/other/runs")] == [b"page"] * 3
        asking.join(0.2)
        assert asking.is_alive() and not answers
        coming.set_result(ROUTES)
        asking.join(10)
        assert answers == ["late", "hello"]
        assert [get(host + path)[2] for path in ("/runs/2", "/runs", "/runs/2/3")] == [b"late", b"page", b"page"]


def test_routes_that_never_come_are_an_error_of_the_server() -> None:
    coming: Future[Sequence[BaseRoute]] = Future()
    with serve(Starlette(routes=[LateRoutes(["/runs"], coming)])) as host:
        coming.set_exception(ValueError("no"))
        assert get(f"{host}/runs/1")[0] == 500
