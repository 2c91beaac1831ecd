"""*For a class*: what students see, the goal that they are set, and the link, the frame and the code that bring it."""

from __future__ import annotations

import math
from html import escape

import streamlit as st

from gandash.core import lesson, link
from gandash.core.config import KNOBS, RunConfig
from gandash.core.lesson import Goal, Lesson
from gandash.core.link import KEYS
from gandash.pages import audience, classroom, copying, goal, knobs, setup_link
from gandash.pages.server import Visitor
from gandash.pages.wording import plain
from gandash.runs.snapshot import Snapshot

FRAME = (700, 500)
"""Width and height in pixels of the frame that is offered."""
SHORT_ENOUGH = 900
"""Characters of a link that a phone reads as a code from the back row."""
TARGET_IN_CODE = 200
"""Characters of a target that a code has room for; a longer one is kept by the server."""
STEPS = 2000

_SIDES = ("generator_widths", "discriminator_widths", "generator_lr", "discriminator_lr", "dropout")
_TICKED = ("shape", "recipe", "player")


def show(visitor: Visitor, config: RunConfig, snapshot: Snapshot | None) -> None:
    """Draw the dialog for the set-up that is in the knobs."""
    left, right = st.columns(2, gap="medium")
    with left:
        controls = _controls()
        aim = _goal(config, snapshot)
    with right:
        _links(visitor, config, Lesson(controls, aim))


def _controls() -> frozenset[str]:
    st.markdown("**What students see**")
    shown = set()
    with st.container(key="class_controls", gap="xxsmall"), st.grid(2, min_column_width=150, gap="xxsmall"):
        for name in ("shape", "recipe", "player", "on", *_SIDES, "networks", "home"):
            title = lesson.PLACES.get(name) or knobs.SHORT[name]
            if st.checkbox(title, name in _TICKED, key=f"class_shows_{name}"):
                shown.add(name)
    others = [name for name in KEYS if name not in _SIDES]
    more = st.multiselect(
        "More knobs",
        others,
        key="class_more",
        format_func=lambda name: KNOBS[name].label,
        placeholder="None",
    )
    st.caption("Train is always there. What is not shown stays as it is in the knobs now.")
    return frozenset(shown | set(more))


def _goal(config: RunConfig, snapshot: Snapshot | None) -> Goal | None:
    metric, unit = goal.HEADLINE, goal.unit()
    if not st.toggle("Set a goal", True, key="class_goal"):
        return None
    value, steps = st.columns(2, gap="small")
    held = value.number_input(
        f"{metric.title} at most" + (f" ({unit.name})" if unit.name else ""),
        0.0,
        value=unit.shown(goal.start(snapshot)),
        format="%g",
        key="class_value",
        help=metric.help,
    )
    most = steps.number_input("Within steps", 1, lesson.MOST_STEPS, STEPS, 100, key="class_steps")
    try:
        found = Goal(unit.kept(math.nan if held is None else float(held)), int(most or 0))
    except ValueError as error:
        st.error(f"{plain(str(error))[:1].upper()}{plain(str(error))[1:]}.", icon=":material/flag:")
        return None
    epochs = found.steps / config.batches_per_epoch
    st.caption(
        f"{plain(goal.said(found))}: {epochs:,.0f} epochs of this set-up. It counts once {lesson.HELD} measurements in "
        "a row are as good, or all where there are fewer: a single one may be luck."
    )
    return found


def _links(visitor: Visitor, config: RunConfig, found: Lesson) -> None:
    st.markdown("**For the students**")
    text = setup_link.written(visitor, config)
    if text is None:
        return
    more = {classroom.PARAMETER: lesson.encode(found)}
    drawn = st.container(gap="small")
    place = audience.choose(setup_link.places(), key="class_address")
    with drawn:
        page = setup_link.of(place, text, **more)
        copying.show(page, label="Link", key="class_link", button="Copy link")
        copying.show(frame(page), label="Frame for a page of yours", key="class_frame", button="Copy frame")
        kept = link.encode(config, visitor.service.targets.keep, room=TARGET_IN_CODE)
        short = setup_link.of(place, kept, **more)
        if len(short) > SHORT_ENOUGH:
            st.caption("The link is too long for a code that phones can read.")
            return
        with st.container(key="class_code"):
            st.html(f'<img src="{audience.code(short)}" alt="QR code of the link">')


def frame(page: str) -> str:
    """The HTML of a frame that shows a page of the dashboard."""
    width, height = FRAME
    address = escape(f"{page}&embed=true")
    return (
        f'<iframe src="{address}" width="{width}" height="{height}" title="gandash: train a GAN" '
        'style="border:0" loading="lazy"></iframe>'
    )
