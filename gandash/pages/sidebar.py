"""The sidebar: the shape, the recipe, the five choices that matter most, and every other knob folded under them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from gandash.core.config import KNOBS, RunConfig
from gandash.core.cost import CostLimits
from gandash.core.setup_file import MOST_BYTES, read_config
from gandash.pages import classroom, gallery, knobs, recipes, setup
from gandash.pages.wording import plain

FIRST = ("generator_widths", "discriminator_widths", "generator_lr", "discriminator_lr", "dropout", "device")
"""Knobs that are seen at once, two in a row."""

GROUP_TITLES: Mapping[str, tuple[str, str]] = {
    "data": ("Data", ":material/scatter_plot:"),
    "networks": ("Networks", ":material/hub:"),
    "objective": ("Objective", ":material/target:"),
    "training": ("Training", ":material/fitness_center:"),
    "stopping": ("Stopping & measuring", ":material/timer:"),
    "device": ("Seed", ":material/casino:"),
}

FOLDED: Mapping[str, list[str]] = {
    group: [name for name, knob in KNOBS.items() if knob.group == group and name not in (*FIRST, "target")]
    for group in GROUP_TITLES
}
"""The other knobs, by their group."""

_MORE, _WRONG, _OUTCOME = "more", "wrong_groups", "load_outcome"
_MIN_COLUMN_PIXELS = 110


def check(devices: tuple[str, ...] | None, limits: CostLimits) -> setup.Setup:
    """The set-up that the widgets hold, drawn or to be drawn, checked. `devices` is None while unknown."""
    setup.restore()
    checked = setup.read(devices, limits)
    while recipes.follow(checked):
        checked = setup.read(devices, limits)
    return checked


def show(checked: setup.Setup, devices: tuple[str, ...] | None) -> None:
    """Draw the sidebar for a set-up that was checked in this run of the script."""
    with st.sidebar:
        if classroom.shows("shape"):
            gallery.show(checked)
        if classroom.shows("recipe"):
            recipes.show()
        lesson = classroom.now()
        if names := [
            name for name in (FIRST if lesson is None else KNOBS) if classroom.shows(name) and name != "target"
        ]:
            with st.grid(2, min_column_width=_MIN_COLUMN_PIXELS, gap="small"):
                for name in names:
                    with st.container(gap=None):
                        _knob(name, checked, devices)
        if lesson is None:
            _more(checked, devices)
            _load()
    setup.keep()


def _more(checked: setup.Setup, devices: tuple[str, ...] | None) -> None:
    """The folded knobs. Of a section that is closed only what is wrong is drawn: all of them would be most of what a
    run of the script costs, and much of the first page in the browser."""
    wrong = {group: [name for name in names if name in checked.wrong] for group, names in FOLDED.items()}
    _open_what_went_wrong({group for group, names in wrong.items() if names})
    more = st.expander("More knobs", icon=":material/tune:", key=_MORE, on_change="rerun")
    for group, names in FOLDED.items():
        within, shown = more, wrong[group]
        if more.open:
            title, icon = GROUP_TITLES[group]
            within = more.expander(title, icon=icon, type="compact", key=_section(group), on_change="rerun")
            shown = names if within.open else shown
        for name in names:
            if name in shown:
                with within:
                    _knob(name, checked, devices)
            else:
                setup.hold(name)


def _section(group: str) -> str:
    """The key of a section of the folded knobs; its state says whether that is open."""
    return f"group_{group}"


def _open_what_went_wrong(wrong: set[str]) -> None:
    """Open the sections in which something has become wrong since the page was drawn last."""
    fresh = wrong - st.session_state.get(_WRONG, set())
    st.session_state[_WRONG] = wrong
    for key in [_section(group) for group in fresh] + [_MORE] * bool(fresh):
        st.session_state[key] = True


def _knob(name: str, checked: setup.Setup, devices: tuple[str, ...] | None) -> None:
    if name == "device":
        chosen = st.session_state[setup.key(name)]
        knobs.show(name, checked, choices=tuple(dict.fromkeys(("auto", *(devices or ("cpu",)), chosen))))
    elif name == "objective":
        knobs.show(name, checked, on_change=setup.use_objective_defaults)
        _objective_note(checked.config)
    else:
        knobs.show(name, checked)


def _objective_note(config: RunConfig | None) -> None:
    """Say which knobs the choice of an objective has set, for as long as they are so."""
    note: Mapping[str, Any] | None = st.session_state.get("objective_note")
    if note and config is not None and all(getattr(config, name) == value for name, value in note.items()):
        told = ", ".join(f"{KNOBS[name].label.lower()} {_told(value)}" for name, value in note.items())
        st.caption(f"Set with this objective: {told}.")


def _told(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)


def _load() -> None:
    """A file with a set-up in it sets all widgets; one without is refused in a sentence."""
    popover = st.popover("Load a set-up", icon=":material/upload_file:", width="stretch", key="load", on_change="rerun")
    if not popover.open:
        st.session_state.pop(_OUTCOME, None)
        return
    with popover:
        st.caption("The config, the history or the generator of a run, as it was downloaded.")
        st.file_uploader(
            "File with a set-up",
            type=["json", "pt"],
            max_upload_size=MOST_BYTES // 2**20,
            key="config_file",
            on_change=_use_file,
            label_visibility="collapsed",
        )
        outcome = st.session_state.get(_OUTCOME)
        if outcome:
            loaded, sentence = outcome
            (st.success if loaded else st.error)(plain(sentence))


def _use_file() -> None:
    file = st.session_state["config_file"]
    if file is None:
        st.session_state[_OUTCOME] = None
        return
    try:
        recipes.load(read_config(file.name, file.getvalue()))
    except ValueError as error:
        st.session_state[_OUTCOME] = (False, str(error))
    else:
        st.session_state[_OUTCOME] = (True, f"{file.name} is in the knobs. Press Train to use it.")
