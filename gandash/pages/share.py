"""*Share*: the link of the set-up that is in the knobs, to copy; for a class; and the page as a presentation."""

from __future__ import annotations

import streamlit as st

from gandash.core import link
from gandash.core.config import RunConfig
from gandash.pages import audience, class_dialog, copying, setup, setup_link
from gandash.pages.server import Visitor
from gandash.pages.wording import by_hand, plain
from gandash.runs.snapshot import Snapshot

_CLASS = "class_opened"
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
            st.button(
                "For a class…",
                icon=":material/school:",
                key="class",
                help="Choose what students see and set them a goal: a link, a frame for a page of yours, and a code.",
                width="stretch",
                disabled=checked.config is None,
                on_click=_open_class,
            )
            # `browser.js` does what this button says
            st.button("Present", icon=":material/present_to_all:", key="present", help=_PRESENT, width="stretch")
    if st.session_state.get(_CLASS) and checked.config is not None:
        opened = st.dialog("For a class", icon=":material/school:", width="large", on_dismiss=_close_class)
        opened(class_dialog.show)(visitor, checked.config, snapshot)


def _open_class() -> None:
    """The dialog comes instead of what is behind the button, and stays until it is closed: also while a run goes on."""
    st.session_state["share"] = False
    st.session_state[_CLASS] = True


def _close_class() -> None:
    st.session_state.pop(_CLASS, None)


def leave() -> None:
    """Draw the button that the style sheet shows in a presentation alone."""
    st.button("Leave the presentation", icon=":material/close:", key="leave", type="tertiary")


def _set_up(visitor: Visitor, checked: setup.Setup) -> None:
    if checked.config is None:
        st.caption("The set-up has to be put right first; then it has a link.")
        return
    text = setup_link.written(visitor, checked.config)
    if text is None:
        return
    drawn = st.container(gap="small")
    chosen = audience.choose(setup_link.places(), key="share_address")
    with drawn:
        copying.show(setup_link.of(chosen, text), label="Link to this set-up", key="copy_link", button="Copy link")
        st.caption(told(checked.config, text))


def told(config: RunConfig, text: str) -> str:
    """What the link brings to whoever opens it."""
    ready = "Whoever opens it has the same shape and the same knobs, ready to train."
    if link.is_kept(text):
        return f"{ready} {plain(config.target.build().title)} is too large for a link: this server keeps it."
    return ready
