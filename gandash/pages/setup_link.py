"""Links of the dashboard with a set-up in them."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from gandash.core import link
from gandash.core.config import RunConfig
from gandash.live import address as addresses
from gandash.pages import address, audience
from gandash.pages.server import Visitor
from gandash.runs.settings import Settings


def written(visitor: Visitor, config: RunConfig) -> str | None:
    """A set-up as a link has it; None where there is no room for it, which is said."""
    text = link.encode(config, visitor.service.targets.keep)
    if len(text) <= link.LONGEST:
        return text
    st.caption("This target is too large for a link, and this server has no room to keep it.")
    return None


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
