"""Train on: a run that stands still goes on as a new one, with other knobs where one likes."""

from __future__ import annotations

import streamlit as st
from pydantic import ValidationError

from gandash.core.config import KNOBS, RunConfig, problems
from gandash.core.fork import FREE, child_config
from gandash.pages import address, classroom, knobs, setup
from gandash.pages.server import Visitor
from gandash.pages.wording import plain
from gandash.runs.snapshot import Snapshot

PREFIX = "on"
FIRST = (
    *("epochs", "generator_lr", "discriminator_lr", "dropout", "objective", "penalty", "penalty_weight"),
    *("ema_decay", "early_stopping", "seed"),
)
"""Knobs that are seen at once, two in a row; the others that may change are folded under them."""
MORE_EPOCHS = 500
_KEPT = "train_on_kept"
"""Where the session keeps the run that the form was filled for, and what its widgets held when it was drawn last."""
_REFUSED = "train_on_refused"


def show(visitor: Visitor, snapshot: Snapshot | None) -> None:
    """Draw the button and, behind it, what may change. It is off where there is nothing to go on from."""
    why_not = refusal(snapshot, mine=snapshot is None or visitor.controls(snapshot))
    icon = ":material/fork_right:"
    popover = st.popover(
        "Train on", icon=icon, help=why_not or _HELP, disabled=bool(why_not), key="fork", on_change="rerun"
    )
    if snapshot is not None and not why_not and popover.open:
        with popover:
            _form(visitor, snapshot)


_HELP = "Go on from this run as a new one, with other knobs where you like. This run stays as it is."


def refusal(snapshot: Snapshot | None, *, mine: bool = True) -> str:
    """Why a run cannot be trained on now; empty if it can."""
    match snapshot.status.value if snapshot else None:
        case "waiting" | "starting" | "running" if not mine:
            return "The run is training: once it stands still, it can be trained on as a run of your own."
        case "waiting":
            return "The run waits for its turn: pause it first, then it can be trained on as a new run."
        case "starting" | "running":
            return "The run is training: pause it first, then it can be trained on as a new run."
        case "failed" if not mine:
            return "This run has failed, so there is nothing to go on from."
        case "diverged":
            return "This run has diverged, so there is nothing to go on from: Train starts a new one."
        case "failed":
            return "This run has failed: Resume tries again."
        case _:
            return "" if snapshot and snapshot.variants else "Nothing is trained yet that could go on."


def _form(visitor: Visitor, snapshot: Snapshot) -> None:
    config = snapshot.config
    of, kept = st.session_state.get(_KEPT, ("", {}))
    if of != snapshot.run_id:
        _fill(config.model_copy(update={"epochs": min(config.epochs, MORE_EPOCHS)}))
        st.session_state.pop(_REFUSED, None)
    for key, value in kept.items():  # Streamlit has dropped them if the form was closed
        st.session_state.setdefault(key, value)
    checked = read(config)
    st.markdown(f"A new run goes on from epoch {snapshot.epoch:,} of this one, which stays. Epochs are those to come.")
    with st.grid(2, min_column_width=110, gap="small"):
        for name in filter(_shown, FIRST):
            with st.container(gap=None):
                _knob(name, checked, config)
    if others := [name for name in KNOBS if name in FREE and name not in FIRST and _shown(name)]:
        with st.expander("More knobs", type="compact"):
            for name in others:
                _knob(name, checked, config)
    keys = [setup.key(name, PREFIX) for name in FREE]
    st.session_state[_KEPT] = (snapshot.run_id, {key: st.session_state[key] for key in keys})
    st.caption("Points, batches and the networks' shapes are the run's own and stay.")
    if refused := st.session_state.get(_REFUSED):
        st.error(plain(refused), icon=":material/error:")
    st.button(
        "Start",
        type="primary",
        icon=":material/play_arrow:",
        key="train_on",
        width="stretch",
        disabled=checked.config is None,
        help="Start the new run." if checked.config else "The knobs have to be put right first.",
        on_click=_start,
        args=(visitor, snapshot.run_id, config),
    )


def read(parent: RunConfig) -> setup.Setup:
    """Check what the widgets say for a child of a run with this config; `epochs` are its own."""
    try:
        return setup.Setup(RunConfig.model_validate(parent.model_dump() | _changes(parent)))
    except ValidationError as error:
        return setup.Setup(None, tuple(problems(error)))


def _changes(parent: RunConfig) -> dict[str, object]:
    """What the widgets say. What a class does not see stays, or is what an objective that it sees brings."""
    changes = {name: setup.value(name, PREFIX) for name in KNOBS if name in FREE and _shown(name)}
    if classroom.now() is None or "objective" not in changes:
        return changes
    return _brought(str(changes["objective"]), parent) | changes


def _shown(name: str) -> bool:
    """Whether a knob can be turned here: how many epochs more always can."""
    return name == "epochs" or classroom.shows(name)


def _brought(objective: str, parent: RunConfig) -> dict[str, object]:
    """What comes with an objective; the run's own one brings back what the run has."""
    try:
        child = child_config(parent, {"objective": objective})
    except ValueError:  # the rest of the set-up contradicts it: the fields say where
        return {}
    return {name: getattr(child, name) for name in setup.objective_defaults(objective) if name in FREE}


def _knob(name: str, checked: setup.Setup, parent: RunConfig) -> None:
    knobs.show(
        name,
        checked,
        on_change=_take_defaults if name == "objective" else None,
        args=(parent,) if name == "objective" else (),
        prefix=PREFIX,
    )


def _fill(config: RunConfig) -> None:
    for name in FREE:
        st.session_state[setup.key(name, PREFIX)] = setup.typed(getattr(config, name))


def _take_defaults(parent: RunConfig) -> None:
    """Another objective brings its own defaults; the run's own one brings back what the run has."""
    for name, value in _brought(st.session_state[setup.key("objective", PREFIX)], parent).items():
        st.session_state[setup.key(name, PREFIX)] = setup.typed(value)


def _start(visitor: Visitor, run_id: str, parent: RunConfig) -> None:
    if read(parent).config is None:
        return
    try:
        address.open_run(visitor.service.train_on(run_id, _changes(parent), owner=visitor.owner))
    except ValueError as error:
        st.session_state[_REFUSED] = str(error)
