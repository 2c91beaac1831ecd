"""Links of the dashboard with a set-up in them."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from gandash.live import address as addresses
from gandash.pages import address, audience
from gandash.runs.settings import Settings


def of(place: str, text: str, **more: str) -> str:
    """The address of the dashboard with this set-up, below one of its addresses, with more parameters."""
    return f"{place}/?{urlencode({address.SETUP: text, **more})}"


def places() -> tuple[str, ...]:
    """The dashboard's addresses that links may begin with, the one to choose first; what is wrong with them is said."""
    found = audience.offered(Settings.from_environment().url)
    seen = audience.seen()
    own = (seen,) if seen else ()
    alone = addresses.is_loopback(st.get_option("server.address") or "")
    return tuple(dict.fromkeys((*own, *found) if alone else (*found, *own)))
