"""The set-up that the widgets hold: from their state to a checked config and back.

Every widget of a knob keeps its value in the session state under `key(name)`. Streamlit drops the state of widgets
that are not on the page, so `keep` puts the values aside and `restore` brings them back from another page.

What is set in the session state reaches the browser in that run of the script alone. A browser that has not drawn a
widget by the next run begins it at its default and tells that back; so what a widget holds is its default, too, unless
it is set in every run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import streamlit as st
from pydantic import ValidationError

from gandash.core.config import KNOBS, NO_WIDTHS, RunConfig, problems
from gandash.core.cost import CostLimits, too_dear
from gandash.core.objectives import OBJECTIVES
from gandash.core.problems import Problem
from gandash.core.rows import MissingRowsError
from gandash.core.targets import TargetSpec, read_spec
from gandash.core.targets.table import TableSpec
from gandash.pages import classroom

_KEPT = "kept_setup"


@dataclass(frozen=True)
class Setup:
    """What the widgets say. `config` is None where it is refused: `problems` says why.

    `meant` is what would be trained if the rows that it names were on this server.
    """

    config: RunConfig | None
    problems: tuple[Problem, ...] = ()
    meant: RunConfig | None = None

    @property
    def wrong(self) -> Mapping[str, str]:
        """What to show beside each knob that has to be put right, as a sentence."""
        return {problem.knob: _sentence(problem) for problem in reversed(self.problems) if problem.knob}

    @property
    def reasons(self) -> tuple[str, ...]:
        """Everything that keeps this set-up from being trained, one sentence each."""
        return tuple(
            f"{KNOBS[problem.knob].label}: {_sentence(problem)}" if problem.knob else _sentence(problem)
            for problem in self.problems
        )


def key(name: str, prefix: str = "knob") -> str:
    """Where the session state keeps the value of a knob's widget; a form of its own has a prefix of its own."""
    return f"{prefix}_{name}"


def fill(config: RunConfig) -> None:
    """Set all widgets to a config."""
    classroom.settle({name: getattr(config, name) for name in KNOBS})
    for name, value in config.model_dump().items():
        st.session_state[key(name)] = typed(value)


def restore() -> None:
    """Give every widget a value: the one it has, the one from before another page was shown, or the textbook's."""
    before = st.session_state.get(_KEPT) or {name: typed(value) for name, value in RunConfig().model_dump().items()}
    for name in KNOBS:
        if key(name) not in st.session_state:
            st.session_state[key(name)] = before[name]


def keep() -> None:
    """Put the values of all widgets aside."""
    st.session_state[_KEPT] = {name: st.session_state[key(name)] for name in KNOBS}


def hold(name: str) -> None:
    """Keep what a knob holds without its widget, which is not drawn now."""
    st.session_state[key(name)] = st.session_state[key(name)]


def kept(name: str) -> Any:
    """What the widget of a knob held when the page was drawn last."""
    return st.session_state[_KEPT][name]


def target(held: str | None = None) -> TargetSpec | None:
    """The target that the widgets hold, or that `held` is; None where it is refused, as a list of numbers may be."""
    held = held or st.session_state[key("target")]
    try:
        spec = read_spec(held) if held else None
    except ValueError:
        return None
    return None if spec is None or absent(spec) else spec


def absent(spec: TargetSpec) -> str:
    """Why a target that is data is not on this server, in words; empty if it is, or needs no data."""
    if not isinstance(spec, TableSpec):
        return ""
    try:
        _ = spec.make().all_rows  # raises
    except MissingRowsError:
        return (
            f"The rows of {spec.name} are not on this server: links and set-ups name them, but do not hold them. "
            "Upload the file here, or open the link on the server that it comes from."
        )
    except ValueError as error:
        return str(error)
    return ""


def place_of(held: Any, options: Sequence[Any]) -> int:
    """The place of what a widget holds among its options, as its default; the first where it is none of them."""
    return options.index(held) if held in options else 0


def value(name: str, prefix: str = "knob") -> Any:
    """What the widget of a knob says; text where it should be a number and is none, to be refused by the config."""
    held = st.session_state[key(name, prefix)]
    if KNOBS[name].kind not in ("int", "float"):
        return held
    for number in (int, float):
        with suppress(ValueError):
            return number(held)
    return held.strip() or None


def read(devices: tuple[str, ...] | None, limits: CostLimits | None = None, **others: Any) -> Setup:
    """Check what the widgets say, or `others` in their place.

    `devices` are those of this machine, None if unknown; `limits` what a run may cost on it, None for any amount.
    """
    values = {name: value(name) for name in KNOBS} | classroom.held()
    try:
        config = RunConfig.model_validate(values | others)
    except ValidationError as error:
        return Setup(None, tuple(problems(error)))
    if missing := absent(config.target):
        return Setup(None, (Problem("target", missing),), meant=config)
    if devices is not None and config.device not in ("auto", *devices):
        missing = f"this machine has no {config.device}: choose auto or {' or '.join(devices)}"
        return Setup(None, (Problem("device", missing),))
    if limits and (problem := too_dear(config, limits)):
        return Setup(None, (problem,))
    return Setup(config)


def use_objective_defaults() -> None:
    """Set the knobs that depend on the objective to what the objective now chosen recommends."""
    st.session_state["objective_note"] = recommended = objective_defaults(st.session_state[key("objective")])
    classroom.settle(recommended)
    for name, value in recommended.items():
        st.session_state[key(name)] = typed(value)


def objective_defaults(objective: str) -> dict[str, Any]:
    """The knobs that any objective has a recommendation for, with this one's; the textbook's where it has none."""
    concerned = dict.fromkeys(name for each in OBJECTIVES.values() for name in each.defaults)
    return {name: OBJECTIVES[objective].defaults.get(name, KNOBS[name].default) for name in concerned}


def typed(value: Any) -> Any:
    """A knob's value as its widget holds it: numbers and widths are text, so that a field can hold what is wrong too.

    >>> typed(0.0005), typed(10.0), typed((16, 32)), typed(True)
    ('0.0005', '10', '16, 32', True)
    """
    match value:
        case bool():
            return value
        case int() | float():
            return str(value).removesuffix(".0")
        case tuple():
            return ", ".join(map(str, value)) or NO_WIDTHS
        case {"kind": _}:
            return read_spec(value).text
        case _:
            return value


def _sentence(problem: Problem) -> str:
    text = problem.text.replace("None was given", "nothing was given").rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
