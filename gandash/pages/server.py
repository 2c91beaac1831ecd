"""The one run service of this server, shared by all its pages and visitors.

The app opens it when the server starts and closes it when the server ends. It is kept here because the app's own module
is not: Streamlit imports that one from its file, under a name of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st
from streamlit import cli_util
from streamlit.web.server import server_util

from gandash.runs.service import RunService

_opened: RunService | ValueError = ValueError("No server has opened the saved runs: begin with `gandash`.")


@contextmanager
def serving() -> Iterator[RunService | None]:
    """A run service for the pages, which ends with the context; None, and the pages say why, if it cannot be opened."""
    try:
        service = RunService.open()
    except ValueError as error:
        opened(error)
        yield None
        return
    opened(service)
    try:
        yield service
    finally:
        service.close()


def opened(service: RunService | ValueError) -> None:
    """Say which service the pages use from now on, or why there is none."""
    global _opened
    _opened = service


def run_service() -> RunService:
    """The server's run service; where it cannot be opened, the page says why and ends."""
    try:
        return _open()
    except ValueError as error:
        st.error(f"gandash cannot start. {error} Then start the server again.", icon=":material/error:")
        st.stop()


def open_browser() -> None:
    """Show the dashboard to whoever started it, as Streamlit does with a script, but not with an app."""
    if st.get_option("server.headless"):
        return
    listening = st.get_option("server.address")
    address = "localhost" if listening is None else server_util.get_display_address(listening)
    cli_util.open_browser(server_util.get_url(address))


def _open() -> RunService:
    if isinstance(_opened, ValueError):
        raise _opened
    return _opened
