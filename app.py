"""The dashboard: `streamlit run app.py`, or `gandash` once it is installed, which runs the copy in the package."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st
from starlette.middleware import Middleware

from gandash.live.base import base_path
from gandash.live.cookie import OwnerCookie
from gandash.live.first_sight import FirstSight
from gandash.live.frontend import Frontend
from gandash.pages import NAVIGATION, first_sight, opening

coming = opening.Opening()


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """There is a run service, and its runs are streamed, for as long as the server lives."""
    async with coming.over():
        opening.open_browser()
        yield


app = st.App(
    NAVIGATION,
    lifespan=lifespan,
    routes=coming.routes(),
    middleware=[
        Middleware(Frontend, path=base_path()),
        Middleware(OwnerCookie, path=base_path()),
        Middleware(FirstSight, html=first_sight.html(), besides=opening.paths()),
    ],
)
