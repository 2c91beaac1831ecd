"""One widget for each knob of a config, generated from its entry in `KNOBS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from gandash.core.config import KNOBS, Knob
from gandash.core.objectives import OBJECTIVES
from gandash.pages import setup
from gandash.pages.wording import plain

CHOICE_TITLES: Mapping[str, Mapping[str, str]] = {
    "generator_output": {"linear": "Linear", "relu": "ReLU"},
    "activation": {"relu": "ReLU", "leaky_relu": "LeakyReLU", "silu": "SiLU", "tanh": "tanh"},
    "objective": {name: objective.title for name, objective in OBJECTIVES.items()},
    "penalty": {"none": "None", "wgan-gp": "Slope of 1 (WGAN-GP)", "r1": "R1", "r2": "R2", "r1+r2": "R1 and R2"},
    "device": {"auto": "Auto", "cpu": "CPU", "cuda": "CUDA", "mps": "MPS"},
}
"""Choices that have a better name on screen than in a config; the others are shown with a capital."""

IN_A_ROW = ("device",)
"""Choices so few and short that all of them are seen at once, and one is a single press away."""

SHORT: Mapping[str, str] = {
    "generator_widths": "Generator widths",
    "discriminator_widths": "Discriminator widths",
    "generator_lr": "Learning rate G",
    "discriminator_lr": "Learning rate D",
    "dropout": "Dropout",
}
"""Labels where there is little room; the help says the rest."""

_USED_WHEN: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "penalty_weight": ("penalty", lambda penalty: penalty != "none"),
    "penalty_schedule": ("penalty", lambda penalty: penalty != "none"),
    "penalty_final": ("penalty_schedule", lambda schedule: schedule != "constant"),
    "label_smoothing_sides": ("label_smoothing", bool),
    "instance_noise_decay": ("instance_noise", bool),
    "lr_final": ("lr_schedule", lambda schedule: schedule != "constant"),
    "fourier_growth": ("discriminator_fourier", bool),
    "patience": ("early_stopping", lambda stopping: stopping in ("patience", "threshold")),
    "min_change": ("early_stopping", lambda stopping: stopping == "threshold"),
}
"""Knobs that only count for some values of another one."""

PATTERNS_ALONE = ("early_stopping", "fit")
_LONGEST_UNIT = 8


def show(
    name: str,
    checked: setup.Setup,
    *,
    choices: tuple[str, ...] = (),
    on_change: Callable[..., None] | None = None,
    args: tuple[Any, ...] = (),
    prefix: str = "knob",
) -> None:
    """Draw the widget of a knob, and under it what is wrong with its value. `choices` narrows the knob's own.

    A number's field takes any text: one that checks by itself keeps to itself what it refuses, and the page would go on
    with the value before (Streamlit's number field does).
    """
    knob, key = KNOBS[name], setup.key(name, prefix)
    held = st.session_state[key]
    common: dict[str, Any] = {
        "key": key,
        "help": _help(knob),
        "disabled": name in _USED_WHEN and not _used(name, prefix) and name not in checked.wrong,
        "on_change": on_change,
        "args": args,
    }
    match knob.kind:
        case "choice":
            titles = CHOICE_TITLES.get(name, {})
            options = choices or _choices(knob, key)
            common["format_func"] = lambda choice: titles.get(choice, str(choice).capitalize())
            if name in IN_A_ROW:
                st.segmented_control(_label(knob), options, default=held, required=True, **common)
            else:
                st.selectbox(_label(knob), options, index=setup.place_of(held, options), **common)
        case "bool":
            st.toggle(_label(knob), held, **common)
        case _:
            st.text_input(_label(knob), held, placeholder=setup.typed(knob.default), **common)
    if name in checked.wrong:
        with st.container(key=f"wrong_{key}"):
            st.markdown(f":red[:material/error: {plain(checked.wrong[name])}]")


def _choices(knob: Knob, key: str) -> tuple[str, ...]:
    """All choices; the rule for patterns of numbers only where one is chosen, or held already."""
    held, spec = st.session_state[key], setup.target()
    if spec and spec.build().numbers:
        return knob.choices
    return tuple(choice for choice in knob.choices if choice == held or (knob.name, choice) != PATTERNS_ALONE)


def _used(name: str, prefix: str) -> bool:
    other, needed = _USED_WHEN[name]
    return needed(setup.value(other, prefix)) and (other not in _USED_WHEN or _used(other, prefix))


def _label(knob: Knob) -> str:
    if knob.name in SHORT:
        return SHORT[knob.name]
    told = len(knob.unit) > _LONGEST_UNIT or knob.unit in knob.label.lower()
    return knob.label if told else f"{knob.label} ({knob.unit})"


def _help(knob: Knob) -> str:
    name = "" if SHORT.get(knob.name, knob.label) == knob.label else f"**{knob.label}.** "
    unit = f" Unit: {knob.unit}." if len(knob.unit) > _LONGEST_UNIT else ""
    allowed = "" if knob.kind in ("bool", "choice") else f" Allowed: {knob.allowed}."
    return name + knob.help + unit + allowed
