"""The one run service of this server, shared by all its pages and visitors."""

from __future__ import annotations

import streamlit as st

from gandash.runs.service import RunService


@st.cache_resource(show_spinner=False)
def _open() -> RunService:
    return RunService.open()


def run_service() -> RunService:
    """The server's run service; where it cannot be opened, the page says why and ends."""
    try:
        return _open()
    except ValueError as error:
        st.error(f"gandash cannot start. {error}", icon=":material/error:")
        st.stop()
