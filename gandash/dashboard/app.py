"""The dashboard: `streamlit run app.py`, or `gandash` once it is installed, which runs the copy in the package."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from gandash.live.routes import routes
from gandash.pages import NAVIGATION, server


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """There is a run service for as long as the server lives."""
    with server.serving():
        server.open_browser()
        yield


app = st.App(NAVIGATION, lifespan=lifespan, routes=routes())
