"""The sidebar: presets, the gallery of shapes, and every knob."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from gandash.core.config import KNOBS, RunConfig
from gandash.core.presets import PRESET_TITLES, PRESETS
from gandash.pages import gallery, knobs, setup

PRESET = "preset"

GROUP_TITLES: Mapping[str, tuple[str, str]] = {
    "data": ("Data", ":material/scatter_plot:"),
    "networks": ("Networks", ":material/hub:"),
    "objective": ("Objective", ":material/target:"),
    "training": ("Training", ":material/fitness_center:"),
    "stopping": ("Stopping & measuring", ":material/timer:"),
    "device": ("Device & seed", ":material/memory:"),
}

SIMPLE = frozenset(
    {
        "points",
        "batch_size",
        "generator_widths",
        "discriminator_widths",
        "activation",
        "dropout",
        "latent_dim",
        "objective",
        "penalty",
        "penalty_weight",
        "epochs",
        "generator_lr",
        "discriminator_lr",
        "ema_decay",
        "early_stopping",
        "patience",
        "monitor",
        "device",
        "seed",
    }
)
"""Knobs that are seen at once; the others of their group are under *Advanced*."""


def show(devices: tuple[str, ...] | None) -> setup.Setup:
    """Draw the sidebar and return the set-up that its widgets hold, checked. `devices` is None while unknown."""
    setup.restore()
    checked = setup.read(devices)
    st.session_state[PRESET] = setup.preset_of(checked.config)
    with st.sidebar:
        st.selectbox(
            "Preset",
            list(PRESETS),
            index=None,
            key=PRESET,
            format_func=lambda name: PRESET_TITLES[name],
            placeholder="A set-up of your own",
            help="A recipe for all knobs at once. Change any of them afterwards.",
            on_change=_use_preset,
        )
        gallery.show()
        if checked.reasons:
            st.error("  \n".join(checked.reasons), icon=":material/error:")
        for group in GROUP_TITLES:
            _group(group, checked, devices)
        _load()
    setup.keep()
    return checked


def _group(group: str, checked: setup.Setup, devices: tuple[str, ...] | None) -> None:
    title, icon = GROUP_TITLES[group]
    names = [name for name, knob in KNOBS.items() if knob.group == group and knob.kind != "target"]
    if any(name in checked.wrong for name in names):
        icon = ":material/error:"
    with st.expander(title, icon=icon, key=f"group_{group}"):
        for name in names:
            if name in SIMPLE:
                _knob(name, checked, devices)
        advanced = [name for name in names if name not in SIMPLE]
        if advanced:
            with st.expander("Advanced", type="compact", key=f"advanced_{group}"):
                for name in advanced:
                    _knob(name, checked, devices)


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


def _use_preset() -> None:
    if (preset := st.session_state[PRESET]) is not None:
        setup.fill(PRESETS[preset])


def _load() -> None:
    """A file with a config sets all widgets; a file that is none is refused in plain words."""
    with st.popover("Load a set-up", icon=":material/upload_file:", width="stretch", key="load"):
        st.caption("A config that was downloaded from a run, or any JSON object of knobs.")
        st.file_uploader(
            "Config as JSON",
            type="json",
            max_upload_size=1,
            key="config_file",
            on_change=_use_file,
            label_visibility="collapsed",
        )
        outcome = st.session_state.get("load_outcome")
        if outcome:
            loaded, sentence = outcome
            (st.success if loaded else st.error)(sentence)


def _use_file() -> None:
    file = st.session_state["config_file"]
    if file is None:
        st.session_state["load_outcome"] = None
        return
    try:
        setup.fill(RunConfig.from_json(file.getvalue()))
    except ValueError as error:
        st.session_state["load_outcome"] = (False, str(error).replace("\n", "  \n"))
    else:
        st.session_state["load_outcome"] = (True, f"{file.name} is in the widgets. Press Train to use it.")
