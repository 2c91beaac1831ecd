"""Which recipe the knobs follow: the textbook's, a quick one, the best one known, or the user's own.

A click on a shape keeps the recipe and takes what it says for that shape; with one's own, only the shape changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import streamlit as st

from gandash.core.config import RunConfig
from gandash.core.presets import RECIPES
from gandash.core.targets import TargetSpec
from gandash.pages import classroom, setup

RECIPE = "recipe"
OWN = "own"
_RIGHT = "right_target"
"""Where the session keeps the last target that was not refused."""
_SETTLED = "settled_recipe"
"""And what the switch was settled on."""
MACHINE = ("seed", "device")
"""Knobs that belong to no recipe."""

TITLES: Mapping[str, str] = {"textbook": "Textbook", "quick": "Quick", "best": "Best", OWN: "Own"}

_HELP = (
    "**Textbook**: the recipe of the chapter, the same for every shape.  \n"
    "**Quick**: a fair picture of the shape within ten seconds.  \n"
    "**Best**: the best recipe known for the shape, within a minute.  \n"
    "**Own**: yours; a click on a shape changes only the shape. A changed knob leads here too."
)


def show() -> None:
    """Draw the switch. It says what the knobs hold, as `follow` has settled."""
    st.segmented_control(
        "Recipe",
        list(TITLES),
        default=st.session_state[RECIPE],
        key=RECIPE,
        format_func=TITLES.__getitem__,
        required=True,
        width="stretch",
        help=_HELP,
        on_change=_take_recipe,
    )


def follow(checked: setup.Setup) -> bool:
    """Settle which recipe is chosen: the one that the knobs are, where none is yet; *Own* as soon as they are not.

    Returns whether it has set the knobs instead: a recipe was chosen, and Streamlit has called nobody, as where the
    page's script has to begin anew in that moment.
    """
    config, chosen = checked.config or checked.meant, st.session_state.get(RECIPE)
    if checked.config:
        st.session_state[_RIGHT] = checked.config.target
    elif config is None and setup.target() is None:
        config = _with_the_last()  # as it is typed or drawn, the knobs stay what they are for the one before
    settled = st.session_state.get(_SETTLED, chosen)
    if chosen is None:
        st.session_state[RECIPE] = recipe_of(config)
    elif chosen != OWN and not _is(config, chosen):
        if chosen != settled:
            st.session_state[_SETTLED] = chosen
            _fill(chosen)
            return True
        st.session_state[RECIPE] = OWN
    st.session_state[_SETTLED] = st.session_state[RECIPE]
    return False


def recipe_of(config: RunConfig | None) -> str:
    """The recipe that a config is, seed and device apart."""
    return next((name for name in RECIPES if _is(config, name)), OWN)


def take_shape() -> None:
    """What a click on a shape does to the knobs; nothing where a class has no recipe to choose."""
    if not classroom.shows("recipe"):
        return
    if setup.target(setup.kept("target")) is None:
        last = _with_the_last()
        # without one, what is left are rows that are not on this server: then the switch says whose recipe it is
        st.session_state[RECIPE] = chosen = recipe_of(last) if last else st.session_state.get(RECIPE) or OWN
        if chosen == OWN and last and setup.target() and not setup.read(None).config:
            st.session_state[RECIPE] = chosen = "textbook"
        if chosen in RECIPES:
            _fill(chosen)
        return
    chosen = st.session_state.get(RECIPE) or OWN
    if chosen not in RECIPES:
        return
    # a knob may have been changed in the very same moment
    before = setup.read(None, target=setup.kept("target"))
    if _is(before.config, chosen):
        _fill(chosen)
    else:
        st.session_state[RECIPE] = OWN


def load(config: RunConfig) -> None:
    """Put a set-up into the widgets, from wherever it comes; the switch follows it."""
    setup.fill(config)
    st.session_state.pop(RECIPE, None)


def take_group() -> None:
    """What another kind of target does to the knobs: as a shape, but where they are refused for it the textbook's."""
    right = setup.read(None, target=setup.kept("target")).config is not None
    take_shape()
    if right and classroom.shows("recipe") and setup.target() and setup.read(None).config is None:
        st.session_state[RECIPE] = "textbook"
        _fill("textbook")


def last_target() -> TargetSpec | None:
    """The last target that was not refused, while another one is typed or drawn."""
    held: TargetSpec | None = st.session_state.get(_RIGHT)
    return held


def _with_the_last() -> RunConfig | None:
    """The set-up with the last target that was not refused."""
    return setup.read(None, target=last_target()).config


def _take_recipe() -> None:
    if st.session_state[RECIPE] in RECIPES:  # a busy browser may tell of no choice at all
        _fill(st.session_state[RECIPE])


def _fill(recipe: str) -> None:
    """Set all knobs to what a recipe says for the chosen shape. Seed and device stay as they are, unless wrong."""
    if setup.target() is None:  # no recipe is for what is refused
        return
    config = RECIPES[recipe](st.session_state[setup.key("target")])
    for name in MACHINE:
        with suppress(ValueError):
            config = config.model_copy(update={name: setup.value(name)})
    setup.fill(config)


def _is(config: RunConfig | None, recipe: str) -> bool:
    if config is None:
        return False
    machine = {name: getattr(config, name) for name in MACHINE}
    return config == RECIPES[recipe](config.target).model_copy(update=machine)
