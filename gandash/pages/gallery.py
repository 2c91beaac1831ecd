"""The gallery of targets: a radio group whose options are cards with a thumbnail of real points, in groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal
from urllib.parse import quote

import streamlit as st

from gandash.charts.figures import thumbnail_svg
from gandash.core.targets import read_spec
from gandash.core.targets.patterns import PATTERNS, PatternSpec
from gandash.core.targets.shapes import SHAPES
from gandash.pages import own, recipes, setup, switch, upload
from gandash.pages.wording import plain

Group = Literal["shapes", "numbers", "own"]

TITLES: dict[Group, str] = {"shapes": "Shapes", "numbers": "Numbers", "own": "Own"}
FIRST: dict[Group, Callable[[], str]] = {
    "shapes": lambda: "exponential",
    "numbers": lambda: "multiples-of-5",
    "own": own.first,
}
"""What is chosen where a group is: the chapter's own, or what was one's own before."""

LIST = "numbers:"
"""How a list of one's own begins, as a target's text."""
EXAMPLE = "numbers:3,7,21"
GROUP, OWN_NUMBERS = "target_group", "own_numbers"

_PICTURE = '.st-key-knob_target [data-testid="stRadioGroup"] > div:nth-child({place}) label::before'


def show(checked: setup.Setup) -> None:
    """Draw the gallery; its choice is the knob `target`. Arrow keys move through it."""
    name: str = st.session_state[setup.key("target")]
    group = group_of(name)
    switch.show("What to learn", TITLES, key=GROUP, held=group, on_change=_take_group)
    if group == "shapes":
        _cards("Target shape", dict.fromkeys(SHAPES))
        if name in SHAPES:
            st.caption(SHAPES[name].formula)
        return
    if group == "own":
        form = own.show_forms(name)
        if form == "drawing":
            own.show_drawing(name, checked.wrong.get("target"))
            return
        if form == "table":
            used = upload.cards(name)
            if name in used:
                _cards("Data", dict.fromkeys(used), upload.labels(used), upload.take_table)
            if spec := setup.target(name):
                st.caption(plain(spec.build().formula))
            own.show_table(name, None if checked.meant else checked.wrong.get("target"))  # that is said above Train
            return
        _cards("Formula", own.cards(name, form))
        own.show_formula(name)
        return
    mine = name if name not in PATTERNS else EXAMPLE
    _cards("Pattern of numbers", {**dict.fromkeys(PATTERNS), mine: None})
    if name == mine:
        _own(name, checked)
    else:
        st.caption(PATTERNS[name].formula)


def has_card(name: str) -> bool:
    """Whether a target's text is that of a built-in one."""
    return name in SHAPES or name in PATTERNS


def cards_beside(name: str) -> tuple[str, ...]:
    """The built-in targets among whose cards a target's is, in their order; none for what is one's own."""
    return {"shapes": tuple(SHAPES), "numbers": tuple(PATTERNS), "own": ()}[group_of(name)]


def group_of(name: str) -> Group:
    """The group that a target's text belongs to."""
    if own.is_own(name):
        return "own"
    return "numbers" if PatternSpec.knows(name) else "shapes"


def title(name: str) -> str:
    """What a target's text is called, right or wrong, for people."""
    spec = setup.target(name)
    return spec.build().title if spec else _title(name)


def _cards(
    label: str,
    names: Mapping[str, str | None],
    called: Mapping[str, str] | None = None,
    take: Callable[[], None] = recipes.take_shape,
) -> None:
    """The cards of these targets' texts, each with its own picture or another text's; `called` are other titles."""
    st.html(_pictures(tuple(pictured or name for name, pictured in names.items())))
    st.radio(
        label,
        list(names),
        setup.place_of(st.session_state[setup.key("target")], list(names)),
        key=setup.key("target"),
        format_func=lambda name: plain((called or {}).get(name) or _title(name)),
        on_change=take,
        label_visibility="collapsed",
    )


def _title(name: str) -> str:
    if own.is_own(name):
        return own.title(name)
    known = SHAPES.get(name) or PATTERNS.get(name)
    return known.title if known else "Own numbers"


def _own(name: str, checked: setup.Setup) -> None:
    """The field for a pattern that has no card; what is wrong with it stands below."""
    st.session_state[OWN_NUMBERS] = name.removeprefix(LIST).replace(",", ", ").replace(",  ", ", ")
    st.text_input(
        "Numbers that belong",
        key=OWN_NUMBERS,
        placeholder=EXAMPLE.removeprefix(LIST),
        help="Whole numbers from 0 to 99, such as 3, 7, 21; or multiples-of-7, digit-sum-9.",
        on_change=_take_numbers,
    )
    if "target" in checked.wrong:
        with st.container(key="wrong_target"):
            st.markdown(f":red[:material/error: {plain(checked.wrong['target'])}]")


def _take_group() -> None:
    if st.session_state[GROUP] in FIRST:  # a busy browser may tell of no choice at all
        st.session_state[setup.key("target")] = FIRST[st.session_state[GROUP]]()
        recipes.take_group()


def _take_numbers() -> None:
    """Take what is typed for the target, right or wrong: a wrong one is refused where it is checked."""
    typed = st.session_state[OWN_NUMBERS].strip()
    text = typed if PatternSpec.knows(typed) else f"{LIST}{typed}"
    spec = setup.target(text)
    st.session_state[setup.key("target")] = setup.typed(spec.model_dump()) if spec else text
    if spec:
        recipes.take_shape()


@st.cache_data(show_spinner=False, max_entries=64)
def _pictures(names: tuple[str, ...]) -> str:
    """A style sheet with one picture an option, because the labels of a radio group take none.

    The pictures are masks, so that the style sheet of the page gives them the colour that suits its theme.
    """
    rules = []
    for place, name in enumerate(names, 1):
        try:
            picture = thumbnail_svg(read_spec(name).build())
        except ValueError:  # what is typed is not right yet
            picture = thumbnail_svg(read_spec(EXAMPLE).build())
        rules.append(f'{_PICTURE.format(place=place)}{{mask-image:url("data:image/svg+xml,{quote(picture)}")}}')
    return f"<style>{''.join(rules)}</style>"
