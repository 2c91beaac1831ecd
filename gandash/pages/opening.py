"""What takes the server longest to begin with: our modules and the saved runs, on a thread once the server answers.

The first browser takes a second to load Streamlit's own page, which needs neither. Who needs them sooner waits. Nothing
that is heavy is imported here at the top.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from streamlit import cli_util
from streamlit.web.server import server_util

from gandash.live.base import base_path
from gandash.live.ending import bound_end
from gandash.live.late import LateRoutes

if TYPE_CHECKING:
    from gandash.live.hub import Hub

_PATHS = ("/assets", "/live", "/watch", "/frames", "/uploads", "/ahead")

_log = logging.getLogger(__name__)
_nothing_comes = threading.Event()
_nothing_comes.set()


class Opening:
    """One server's routes and run service, which begin to come with `over`."""

    def __init__(self) -> None:
        self._coming: Future[Sequence[BaseRoute]] = Future()

    def routes(self) -> list[BaseRoute]:
        """What the server answers besides Streamlit's own paths."""
        return [LateRoutes(paths(), self._coming)]

    @asynccontextmanager
    async def over(self) -> AsyncIterator[None]:
        """There is a run service, and its runs are streamed, from soon on for as long as the context lasts."""
        bound_end()
        _nothing_comes.clear()
        over = asyncio.Event()
        serving = asyncio.create_task(self._serve(over))
        try:
            yield
        finally:
            over.set()
            await serving

    async def _serve(self, over: asyncio.Event) -> None:
        try:
            hub, routes = await asyncio.to_thread(_load)
            from gandash.pages import server

            with ExitStack() as stack:
                service = await asyncio.to_thread(stack.enter_context, server.serving())
                async with hub.over(service):
                    self._coming.set_result(routes)
                    _nothing_comes.set()
                    await over.wait()
        except Exception as error:
            _log.exception("The dashboard cannot be opened")
            if not self._coming.done():
                self._coming.set_exception(error)
        finally:
            _nothing_comes.set()


def paths() -> list[str]:
    """What is not Streamlit's on this server: these paths, and all that is below them."""
    return [base_path() + path for path in _PATHS]


def wait() -> None:
    """Wait for a server that is just opening the saved runs."""
    _nothing_comes.wait()


def open_browser() -> None:
    """Show the dashboard to whoever started it, as Streamlit does with a script, but not with an app."""
    if st.get_option("server.headless"):
        return
    listening = st.get_option("server.address")
    address = "localhost" if listening is None else server_util.get_display_address(listening)
    cli_util.open_browser(server_util.get_url(address))


def _load() -> tuple[Hub, list[BaseRoute]]:
    """Import what is heavy: a quarter of a second, and a fifth more if garbage were looked for meanwhile."""
    gc.disable()
    try:
        return _parts()
    finally:
        gc.enable()
        gc.freeze()  # modules stay


def _ahead(request: Request) -> Response:
    from gandash.pages import ahead  # as the page's own script, only once it is asked for

    return ahead.answer(request)


def _parts() -> tuple[Hub, list[BaseRoute]]:
    from gandash.live.hub import Hub
    from gandash.live.routes import routes
    from gandash.pages import film, server  # noqa: F401  (for whoever serves the runs)
    from gandash.pages.words import describe

    hub = Hub(describe)
    return hub, [*routes(hub, film.draw), Route(f"{base_path()}/ahead/{{target}}", _ahead)]
