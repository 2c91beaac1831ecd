"""The set-up that the widgets hold: from their state to a checked config and back.

Every widget of a knob keeps its value in the session state under `key(name)`. Streamlit drops the state of widgets
that are not on the page, so `keep` puts the values aside and `restore` brings them back from another page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from pydantic import ValidationError

from gandash.core.config import KNOBS, RunConfig, problems
from gandash.core.objectives import OBJECTIVES
from gandash.core.presets import PRESETS
from gandash.core.problems import Problem

_KEPT = "kept_setup"
_MACHINE = frozenset({"seed", "device"})
"""Knobs that a preset sets too but that do not make it another recipe."""


@dataclass(frozen=True)
class Setup:
    """What the widgets say. `config` is None where it is refused: `wrong` says why by knob, `reasons` as a whole."""

    config: RunConfig | None
    wrong: Mapping[str, str] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that keeps this set-up from being trained, one sentence each."""
        return tuple(f"{KNOBS[name].label}: {sentence}" for name, sentence in self.wrong.items()) + self.reasons


def key(name: str) -> str:
    """Where the session state keeps the value of a knob's widget."""
    return f"knob_{name}"


def fill(config: RunConfig) -> None:
    """Set all widgets to a config."""
    for name, value in config.model_dump().items():
        st.session_state[key(name)] = _as_typed(value)


def restore() -> None:
    """Give every widget a value: the one it has, the one from before another page was shown, or the first preset's."""
    kept = st.session_state.get(_KEPT) or {
        name: _as_typed(value) for name, value in next(iter(PRESETS.values())).model_dump().items()
    }
    for name in KNOBS:
        if key(name) not in st.session_state:
            st.session_state[key(name)] = kept[name]


def keep() -> None:
    """Put the values of all widgets aside."""
    st.session_state[_KEPT] = {name: st.session_state[key(name)] for name in KNOBS}


def read(devices: tuple[str, ...] | None) -> Setup:
    """Check what the widgets say. `devices` are those of this machine, None while unknown."""
    values = {name: st.session_state[key(name)] for name in KNOBS}
    try:
        config = RunConfig.model_validate(values)
    except ValidationError as error:
        return _refused(problems(error))
    if devices is not None and config.device not in ("auto", *devices):
        return Setup(None, {"device": f"This machine has no {config.device}: choose auto or {' or '.join(devices)}."})
    return Setup(config)


def use_objective_defaults() -> None:
    """Set the knobs that depend on the objective to what the objective now chosen recommends."""
    st.session_state["objective_note"] = recommended = objective_defaults(st.session_state[key("objective")])
    for name, value in recommended.items():
        st.session_state[key(name)] = value


def objective_defaults(objective: str) -> dict[str, Any]:
    """The knobs that any objective has a recommendation for, with this one's; the textbook's where it has none."""
    concerned = dict.fromkeys(name for each in OBJECTIVES.values() for name in each.defaults)
    return {name: OBJECTIVES[objective].defaults.get(name, KNOBS[name].default) for name in concerned}


def preset_of(config: RunConfig | None) -> str | None:
    """The preset that a config is, seed and device apart; None for a set-up of one's own."""
    if config is None:
        return None
    return next((name for name, preset in PRESETS.items() if _recipe(preset) == _recipe(config)), None)


def _recipe(config: RunConfig) -> dict[str, Any]:
    return config.model_dump(exclude=set(_MACHINE))


def _as_typed(value: Any) -> Any:
    match value:
        case tuple():
            return ", ".join(map(str, value))
        case {"kind": "shape", "name": name}:
            return name
        case _:
            return value


def _refused(found: list[Problem]) -> Setup:
    wrong: dict[str, str] = {}
    for problem in found:
        if problem.knob is not None:
            wrong.setdefault(problem.knob, f"{_capital(problem.text.replace('None was', 'nothing was')).rstrip('.')}.")
    return Setup(None, wrong, tuple(f"{_capital(problem.text)}." for problem in found if problem.knob is None))


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
