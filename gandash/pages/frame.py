"""What every page has: a heading for those who hear the page, and its links where the sidebar hides them."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st
from streamlit.navigation.page import Page


def show(pages: Sequence[Page], shown: Page) -> None:
    """Draw what surrounds the page that is shown; the style sheet says where."""
    with st.container(key="title"):
        st.html(f"<h1>gandash: {escape(shown.title)}</h1>")
    with st.container(key="pages", horizontal=True):
        for page in pages:
            st.page_link(page, width="content")
