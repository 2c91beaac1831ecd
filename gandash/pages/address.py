"""Which run the page shows: its id is in the address, so a refresh or a shared link finds it again."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from gandash.pages import recipes
from gandash.runs.service import RunService
from gandash.runs.snapshot import Snapshot

PARAMETER = "run"
_SHOWN = "shown_run"


@dataclass(frozen=True)
class Found:
    """The run that the address names, if there is one; `problem` says in plain words why it cannot be shown."""

    snapshot: Snapshot | None = None
    problem: str = ""


def find_run(service: RunService) -> Found:
    """Look up the run that the address names. Its config fills the widgets when the page first meets it."""
    run_id = st.query_params.get(PARAMETER)
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


def show_run(run_id: str) -> None:
    """Put a run into the address that was started from this page's own widgets."""
    st.session_state[_SHOWN] = run_id
    st.query_params[PARAMETER] = run_id


def forget_run(run_id: str | None = None) -> None:
    """Take the run out of the address, or only if it is this one; it stays in the list of runs."""
    if run_id is not None and st.session_state.get(_SHOWN) != run_id:
        return
    st.session_state.pop(_SHOWN, None)
    st.query_params.pop(PARAMETER, None)
