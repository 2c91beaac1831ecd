"""The page as a student of a class has it: the controls that the link shows, the goal, and nothing else to turn.

What is not shown keeps the value of the link, or the one that a shown recipe or objective brings with it: that is
settled here and not in the browser.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from gandash.core import lesson
from gandash.core.config import KNOBS, RunConfig

PARAMETER = "class"
BESIDE = {"player", "on", "networks", "home"}
"""Controls that are not in the sidebar."""

_LESSON, _TOLD, _TEXT = "class_lesson", "class_told", "class_text"
_BASE = "class_base"


def read() -> None:
    """Take what the address says of a class; coming back from another page, the address is told again."""
    text = st.query_params.get(PARAMETER)
    if text is None and st.session_state.get(_LESSON):
        st.query_params[PARAMETER] = st.session_state[_TEXT]
        return
    if text != st.session_state.get(_TEXT):
        found, wrong = lesson.decode(text or "")
        st.session_state[_TEXT], st.session_state[_LESSON] = text, found
        st.session_state[_TOLD] = tuple(problem.text for problem in wrong)


def now() -> lesson.Lesson | None:
    """The lesson of this page, if it is a class's."""
    held: lesson.Lesson | None = st.session_state.get(_LESSON)
    return held


def ignored() -> tuple[str, ...]:
    """What the link had wrong about the class, one sentence each."""
    told: tuple[str, ...] = st.session_state.get(_TOLD, ())
    return told


def shows(control: str) -> bool:
    """Whether a control is there for who looks; without a class all are. The target goes by *shape*."""
    held = now()
    return held is None or ("shape" if control == "target" else control) in held.controls


def settle(values: Mapping[str, Any]) -> None:
    """Say what the knobs are that nobody turns: a link, a recipe, an objective brings them."""
    st.session_state[_BASE] = {**_base(), **values}


def held() -> dict[str, Any]:
    """The knobs that are not shown, with their values; none without a class."""
    return {} if now() is None else {name: value for name, value in _base().items() if not shows(name)}


def _base() -> dict[str, Any]:
    base: dict[str, Any] | None = st.session_state.get(_BASE)
    if base is not None:
        return base
    usual = RunConfig()
    return {name: getattr(usual, name) for name in KNOBS}
