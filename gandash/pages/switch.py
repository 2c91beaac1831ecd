"""A switch between a few forms of one thing, as wide as the sidebar."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st


def show(label: str, titles: Mapping[Any, str], *, key: str, held: str, on_change: Callable[[], None]) -> None:
    """Draw a switch whose options are these titles, with the one that is held now chosen; `label` is read, not seen.

    `on_change` takes the choice. Streamlit forgets to call it where the page's script has to begin anew in that moment,
    as it does once workers are ready; then it is called here.
    """
    drawn = f"{key}_drawn"
    chosen, before = st.session_state.get(key), st.session_state.get(drawn, held)
    if chosen in titles and chosen not in (held, before):
        st.session_state[drawn] = chosen
        on_change()
        st.rerun()
    st.session_state[key] = st.session_state[drawn] = held
    st.segmented_control(
        label,
        list(titles),
        key=key,
        format_func=titles.__getitem__,
        required=True,
        width="stretch",
        label_visibility="collapsed",
        on_change=on_change,
    )
