"""The gallery of target shapes: a radio group whose options are cards with a thumbnail of real points."""

from __future__ import annotations

from urllib.parse import quote

import streamlit as st

from gandash.charts.figures import thumbnail_svg
from gandash.core.targets.shapes import SHAPES
from gandash.pages import recipes, setup

_PICTURE = '.st-key-knob_target [data-testid="stRadioGroup"] > div:nth-child({place}) label::before'


def show() -> None:
    """Draw the gallery; its choice is the knob `target`. Arrow keys move through it."""
    st.html(_pictures())
    st.radio(
        "Target shape",
        list(SHAPES),
        key=setup.key("target"),
        format_func=lambda name: SHAPES[name].title,
        on_change=recipes.take_shape,
    )
    shape = SHAPES.get(st.session_state[setup.key("target")])
    if shape is not None:
        st.caption(shape.formula)


@st.cache_data(show_spinner=False)
def _pictures() -> str:
    """A style sheet with one picture an option, because the labels of a radio group take none.

    The pictures are masks, so that the style sheet of the page gives them the colour that suits its theme.
    """
    rules = (
        f'{_PICTURE.format(place=place)}{{mask-image:url("data:image/svg+xml,{quote(thumbnail_svg(shape))}")}}'
        for place, shape in enumerate(SHAPES.values(), 1)
    )
    return f"<style>{''.join(rules)}</style>"
