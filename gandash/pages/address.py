"""Which run the page shows, and which set-up: both are in the address, so a refresh or a shared link finds them again.

The run is there by its id. The set-up is there where it is neither the run's nor the one that everybody begins with.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic

import streamlit as st

from gandash.core import link
from gandash.core.config import KNOBS, RunConfig
from gandash.pages import recipes, setup
from gandash.runs.service import RunService
from gandash.runs.snapshot import Snapshot

PARAMETER = "run"
SETUP = "setup"
LATE = 2.0
"""Seconds in which a browser may not have heard yet that its address has changed, and still tells the old one."""

_SHOWN, _LEFT = "shown_run", "left_run"
_READ = "read_setup"


@dataclass(frozen=True)
class Found:
    """The run that the address names, if there is one; `problem` says in plain words why it cannot be shown."""

    snapshot: Snapshot | None = None
    problem: str = ""


def find_run(service: RunService) -> Found:
    """Look up the run that the address names. Its config fills the widgets when the page first meets it.

    A set-up that the address names too counts more, where a session begins with it.
    """
    found = _find(service)
    if _READ not in st.session_state:
        text = st.query_params.get(SETUP, "")
        config, problems = link.decode(text, service.targets.read)
        if text:
            recipes.load(config)
        told = (
            f"{KNOBS[problem.knob].label}: {problem.text}" if problem.knob else problem.text for problem in problems
        )
        st.session_state[_READ] = (config, tuple(told))
    return found


def ignored(checked: setup.Setup) -> tuple[str, ...]:
    """What the set-up in the link had wrong, one sentence each, for as long as the widgets hold the rest of it."""
    config, told = st.session_state[_READ]
    return told if checked.config == config else ()


def link_of(checked: setup.Setup, snapshot: Snapshot | None, keep: link.Keep | None = None) -> str | None:
    """The set-up as the address should have it: empty where it needs none, None where it stays as it is.

    It stays where the widgets hold no set-up, or one that no link has room for and that `keep` does not take.
    """
    if checked.config is None:
        return None
    text = "" if checked.config == (snapshot.config if snapshot else RunConfig()) else link.encode(checked.config, keep)
    return text if len(text) <= link.LONGEST else None


def _find(service: RunService) -> Found:
    run_id = st.query_params.get(PARAMETER)
    left, when = st.session_state.get(_LEFT, ("", 0.0))
    if run_id == left and monotonic() - when < LATE:
        run_id = None
        st.query_params.pop(PARAMETER, None)
    if run_id is None and st.session_state.get(_SHOWN):  # back from another page
        run_id = st.query_params[PARAMETER] = st.session_state[_SHOWN]
    if not run_id:
        return Found()
    try:
        snapshot = service.snapshot(run_id)
    except ValueError as error:
        return Found(problem=str(error))
    if st.session_state.get(_SHOWN) != run_id:
        recipes.load(snapshot.config)
        st.session_state[_SHOWN] = run_id
    return Found(snapshot)


def shown_run() -> str | None:
    """The run that the Train page of this session shows, or showed last."""
    run_id: str | None = st.session_state.get(_SHOWN)
    return run_id


def show_run(run_id: str) -> None:
    """Put a run into the address that was started from this page's own widgets."""
    _leave()
    st.session_state[_SHOWN] = run_id
    st.query_params[PARAMETER] = run_id


def open_run(run_id: str) -> None:
    """Put any other run into the address; its config will fill the widgets."""
    st.session_state.pop(_LEFT, None)
    st.query_params[PARAMETER] = run_id


def forget_run(run_id: str | None = None) -> None:
    """Take the run out of the address, or only if it is this one; it stays in the list of runs."""
    if run_id is not None and st.session_state.get(_SHOWN) != run_id:
        return
    _leave()
    st.session_state.pop(_SHOWN, None)
    st.query_params.pop(PARAMETER, None)


def _leave() -> None:
    """Remember what the address has named so far."""
    if run_id := st.query_params.get(PARAMETER):
        st.session_state[_LEFT] = (run_id, monotonic())
