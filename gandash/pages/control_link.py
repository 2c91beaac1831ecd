"""The control link: an address by which another device of the owner, or whoever is given it, controls a run too."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from gandash.pages import address, audience, player
from gandash.pages.server import Visitor
from gandash.pages.wording import plain
from gandash.runs.service import UnknownRun
from gandash.runs.settings import Settings

PARAMETER = "control"


def take(visitor: Visitor) -> None:
    """Let the visitor in who has opened a control link. Its token leaves the address, so that nobody passes it on."""
    token = st.query_params.pop(PARAMETER, None)
    run_id = st.query_params.get(address.PARAMETER)
    if token is None or not run_id:
        return
    try:
        visitor.service.accept(run_id, token, visitor.owner)
    except UnknownRun:  # the page says so
        return
    except ValueError as error:
        st.session_state[player.NOTICE] = str(error)
        return
    until = "" if visitor.lasting else ", until this page is closed or reloaded"
    st.toast(f"You control this run from here now{until}.", icon=":material/devices:")


def keep(visitor: Visitor, run_id: str) -> None:
    """Draw a button with the run's control link behind it, for where there is no way to the list of runs."""
    popover = st.popover("Control link", icon=":material/devices:", key="control", on_change="rerun")
    if popover.open:
        with popover:
            offer(visitor, run_id)


def offer(visitor: Visitor, run_id: str) -> None:
    """Draw a run's control link, to copy."""
    try:
        token = visitor.service.share(run_id, visitor.owner)
    except ValueError as error:
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.markdown("Open it on another device of yours to control this run from there too.")
    addresses = audience.offered(Settings.from_environment().url)
    drawn = st.container(gap="small")
    dashboard = audience.choose(addresses, key="control_address")
    st.caption("Whoever has this link controls the run. For others to watch it there is *Show to an audience*.")
    link = f"{dashboard}/?{urlencode({address.PARAMETER: run_id, PARAMETER: token})}"
    with drawn:
        audience.show_link(link)
