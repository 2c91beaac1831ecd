"""*Show to an audience*: the link of the run's page for viewers, to copy and as a code for the cameras of phones."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from html import escape
from urllib.parse import urlsplit

import streamlit as st

from gandash.live import address
from gandash.live.base import base_path
from gandash.pages.wording import by_hand, plain
from gandash.runs.settings import Settings
from gandash.runs.snapshot import Snapshot

_QUIET = 4
"""Light modules around the code, which readers need (ISO/IEC 18004)."""


def show(snapshot: Snapshot | None) -> None:
    """Draw the button. What is behind it is made when it is opened: the code takes a while."""
    popover = st.popover(
        "Show to an audience",
        icon=":material/qr_code_2:",
        key="audience",
        disabled=snapshot is None,
        help="A page for viewers, by a link or a code: on a projector, or on everybody's phone."
        if snapshot
        else "There is no run to show yet: press Train first.",
        on_change="rerun",
    )
    if snapshot is not None and popover.open:
        with popover:
            if record := by_hand(snapshot):
                st.caption(record)
            invite(snapshot.run_id, Settings.from_environment().url)


def invite(run_id: str, public: str | None) -> None:
    """Draw the link to a run's page for viewers and its code. `public` is the server's address if one was set."""
    addresses = offered(public)
    drawn = st.container(gap="small")
    chosen = choose(addresses, key="audience_address")
    st.caption("Whoever has the link can watch this run, and change nothing.")
    with drawn:
        show_link(address.watch_link(chosen, run_id))


def offered(public: str | None) -> tuple[str, ...]:
    """The dashboard's addresses for other machines, never none; what keeps others from them is said."""
    found = address.offer(
        public,
        st.context.url,
        st.get_option("server.address"),
        st.get_option("server.port"),
        st.get_option("server.baseUrlPath"),
    )
    if found.warning:
        st.warning(plain(found.warning), icon=":material/lan:")
    return found.addresses


def seen() -> str | None:
    """The dashboard's address as this browser has it; None if that is not known."""
    if not st.context.url:
        return None
    found = urlsplit(st.context.url)
    return f"{found.scheme}://{found.netloc}{base_path()}"


def choose(addresses: Sequence[str], *, key: str) -> str:
    """The one address, or of several the one that is chosen in a widget of this key."""
    if len(addresses) == 1:
        return addresses[0]
    return st.selectbox(
        "Address of this machine",
        addresses,
        key=key,
        help="The one in the network that the other machines are in.",
    )


def show_link(link: str) -> None:
    """Draw a link, to copy and as a code for cameras."""
    st.code(link, language=None, wrap_lines=True)
    with st.container(key="audience_code"):
        st.html(f'<img src="{code(link)}" alt="{escape(f"QR code of {link}")}">')


@lru_cache(maxsize=16)
def code(link: str) -> str:
    """A link's QR code as the address of an image: dark on white in every theme, as readers expect it."""
    import segno  # takes a tenth of a second, and only who opens the popover needs it

    made = segno.make_qr(link, error="m")
    uri: str = made.svg_data_uri(border=_QUIET, dark="#000", light="#fff", omitsize=True, xmldecl=False, nl=False)
    return uri
