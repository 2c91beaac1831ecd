"""One widget for each knob of a config, generated from its entry in `KNOBS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from gandash.core.config import KNOBS, Knob
from gandash.core.objectives import OBJECTIVES
from gandash.pages import setup

CHOICE_TITLES: Mapping[str, Mapping[str, str]] = {
    "activation": {"relu": "ReLU", "leaky_relu": "LeakyReLU", "silu": "SiLU", "tanh": "tanh"},
    "objective": {name: objective.title for name, objective in OBJECTIVES.items()},
    "penalty": {"none": "None", "wgan-gp": "Slope of 1 (WGAN-GP)", "r1": "R1", "r2": "R2", "r1+r2": "R1 and R2"},
    "device": {"auto": "Auto", "cpu": "CPU", "cuda": "CUDA", "mps": "MPS"},
}
"""Choices that have a better name on screen than in a config; the others are shown with a capital."""

_STEPS: Mapping[str, float] = {
    "points": 256,
    "batch_size": 32,
    "epochs": 100,
    "patience": 100,
    "generator_lr": 0.0001,
    "discriminator_lr": 0.0001,
    "beta2": 0.001,
    "ema_decay": 0.001,
    "min_change": 0.001,
    "penalty_weight": 0.1,
}
"""How far a click on plus or minus goes."""

_USED_WHEN: Mapping[str, tuple[str, Callable[[Any], bool]]] = {
    "penalty_weight": ("penalty", lambda penalty: penalty != "none"),
    "penalty_schedule": ("penalty", lambda penalty: penalty != "none"),
    "penalty_final": ("penalty_schedule", lambda schedule: schedule != "constant"),
    "label_smoothing_sides": ("label_smoothing", bool),
    "instance_noise_decay": ("instance_noise", bool),
    "lr_final": ("lr_schedule", lambda schedule: schedule != "constant"),
    "fourier_growth": ("discriminator_fourier", bool),
    "patience": ("early_stopping", lambda stopping: stopping != "off"),
    "min_change": ("early_stopping", lambda stopping: stopping == "threshold"),
}
"""Knobs that only count for some values of another one."""

_LONGEST_UNIT = 8


def show(
    name: str, checked: setup.Setup, *, choices: tuple[str, ...] = (), on_change: Callable[[], None] | None = None
) -> None:
    """Draw the widget of a knob, and under it what is wrong with its value. `choices` narrows the knob's own."""
    knob = KNOBS[name]
    disabled = name in _USED_WHEN and not _used(name)
    common: dict[str, Any] = {"key": setup.key(name), "help": _help(knob), "disabled": disabled, "on_change": on_change}
    match knob.kind:
        case "choice":
            titles = CHOICE_TITLES.get(name, {})
            st.selectbox(
                knob.label,
                choices or knob.choices,
                format_func=lambda choice: titles.get(choice, str(choice).capitalize()),
                **common,
            )
        case "bool":
            st.toggle(knob.label, **common)
        case "widths":
            st.text_input(_label(knob), placeholder="16, 32", **common)
        case _:
            _number(knob, common)
    if name in checked.wrong:
        st.markdown(f":red[:material/error: {checked.wrong[name]}]")


def _number(knob: Knob, common: dict[str, Any]) -> None:
    whole = knob.kind == "int"
    number: Callable[[float], float] = int if whole else float
    st.number_input(
        _label(knob),
        min_value=None if knob.minimum is None else number(knob.minimum),
        max_value=None if knob.maximum is None else number(knob.maximum),
        step=number(_STEPS.get(knob.name, 1 if whole else 0.05)),
        format="%d" if whole else "%.6g",
        required=True,
        **common,
    )


def _used(name: str) -> bool:
    other, needed = _USED_WHEN[name]
    return needed(st.session_state[setup.key(other)]) and (other not in _USED_WHEN or _used(other))


def _label(knob: Knob) -> str:
    return f"{knob.label} :gray[· {knob.unit}]" if 0 < len(knob.unit) <= _LONGEST_UNIT else knob.label


def _help(knob: Knob) -> str:
    unit = f" Unit: {knob.unit}." if len(knob.unit) > _LONGEST_UNIT else ""
    allowed = "" if knob.kind in ("bool", "choice") else f" Allowed: {knob.allowed}."
    return knob.help + unit + allowed
