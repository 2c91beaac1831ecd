"""The looks that a theme cannot set: spacing, the logo, tiles, and cards in place of radio buttons."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from gandash.charts.palettes import Theme

_HERE = Path(__file__).parent
ICON = str(_HERE / "logo.svg")
LOGO = str(_HERE / "wordmark.svg")
SIDEBAR_PIXELS = 340


def apply() -> None:
    """Add to the page what of the dashboard's style sheets is not in it from the beginning (`first_sight`)."""
    if st.context.is_embedded:
        st.html(_HERE / "embed.css")


def theme() -> Theme:
    """Which theme is on in the visitor's browser: "light" or "dark"."""
    return "dark" if st.context.theme.type == "dark" else "light"
