"""*Share*: the link of the set-up that is in the knobs, to copy, and the page as a presentation."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st

from gandash.core import link
from gandash.core.config import RunConfig
from gandash.live import address as addresses
from gandash.pages import address, audience, copying, setup
from gandash.pages.server import Visitor
from gandash.pages.wording import by_hand, plain
from gandash.runs.settings import Settings
from gandash.runs.snapshot import Snapshot

_PRESENT = (
    "Picture, player and headline alone, in large type for a projector. The key p does it too, and Escape leaves."
)
_HELP = "A link with this whole set-up in it: shape, recipe and every knob."


def show(visitor: Visitor, checked: setup.Setup, snapshot: Snapshot | None = None) -> None:
    """Draw the button. What is behind it is made when it is opened."""
    popover = st.popover("Share", icon=":material/share:", key="share", help=_HELP, on_change="rerun")
    if popover.open:
        with popover:
            _set_up(visitor, checked)
            if snapshot and (record := by_hand(snapshot)):
                st.caption(f"The link gives the set-up alone. {record}")
            # `browser.js` does what these two buttons say
            st.button("Present", icon=":material/present_to_all:", key="present", help=_PRESENT, width="stretch")
    st.button("Leave the presentation", icon=":material/close:", key="leave", type="tertiary")


def _set_up(visitor: Visitor, checked: setup.Setup) -> None:
    if checked.config is None:
        st.caption("The set-up has to be put right first; then it has a link.")
        return
    text = link.encode(checked.config, visitor.service.targets.keep)
    if len(text) > link.LONGEST:
        st.caption("This target is too large for a link, and this server has no room to keep it.")
        return
    drawn = st.container(gap="small")
    chosen = audience.choose(places(), key="share_address")
    with drawn:
        copying.show(setup_link(chosen, text), label="Link to this set-up", key="copy_link", button="Copy link")
        st.caption(told(checked.config, text))


def told(config: RunConfig, text: str) -> str:
    """What the link brings to whoever opens it."""
    ready = "Whoever opens it has the same shape and the same knobs, ready to train."
    if link.is_kept(text):
        return f"{ready} {plain(config.target.build().title)} is too large for a link: this server keeps it."
    return ready


def setup_link(place: str, text: str, **more: str) -> str:
    """The address of the dashboard with this set-up, below one of its addresses, with more parameters."""
    return f"{place}/?{urlencode({address.SETUP: text, **more})}"


def places() -> tuple[str, ...]:
    """The dashboard's addresses that links may begin with, the one to choose first; what is wrong with them is said."""
    found = audience.offered(Settings.from_environment().url)
    seen = audience.seen()
    own = (seen,) if seen else ()
    alone = addresses.is_loopback(st.get_option("server.address") or "")
    return tuple(dict.fromkeys((*own, *found) if alone else (*found, *own)))
