"""The dashboard: `streamlit run app.py`, or `gandash` once it is installed, which runs the copy in the package."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware

from gandash.charts import scripts
from gandash.live.base import base_path
from gandash.live.cookie import OwnerCookie
from gandash.live.hints import Hints
from gandash.live.hub import Hub
from gandash.live.routes import routes
from gandash.pages import NAVIGATION, film, server
from gandash.pages.words import describe

hub = Hub(describe)


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """There is a run service, and its runs are streamed, for as long as the server lives."""
    with server.serving() as service:
        async with hub.over(service):
            server.open_browser()
            yield


app = st.App(
    NAVIGATION,
    lifespan=lifespan,
    routes=routes(hub, film.draw),
    middleware=[
        Middleware(OwnerCookie, path=base_path()),
        Middleware(Hints, path=base_path(), scripts=[scripts.PLOTLY], modules=scripts.MODULES),
    ],
)
