"""The list of runs: one card each, with what it was, how far it came, and what can be done with it."""

from __future__ import annotations

import streamlit as st

from gandash.core.metrics import METRICS
from gandash.core.targets.shapes import SHAPES
from gandash.pages import TRAIN, address, knobs, style, wording
from gandash.runs.service import RunService
from gandash.runs.snapshot import RunSummary

RUNS_A_PAGE = 12
REFRESH_SECONDS = 2.0
_DOOMED = "run_to_delete"
_NOTICE = "runs_notice"


def show(service: RunService) -> None:
    """Draw the list. While something trains it refreshes by itself."""
    st.markdown("#### Runs")
    if notice := st.session_state.pop(_NOTICE, ""):
        st.error(notice, icon=":material/error:")
    try:
        runs = service.runs()
    except ValueError as error:
        st.error(str(error), icon=":material/error:")
        return
    if not runs:
        _nothing_yet()
        return
    trains = any(run.status.value in ("starting", "running") for run in runs)
    st.fragment(_cards, run_every=REFRESH_SECONDS if trains else None)(service)
    if doomed := next((run for run in runs if run.run_id == st.session_state.get(_DOOMED)), None):
        _confirm(service, doomed)


def _nothing_yet() -> None:
    with st.container(border=True, horizontal_alignment="center", key="no_runs"):
        st.markdown("##### No runs yet", width="content")
        st.markdown("Every run that you start is kept here.", width="content")
        st.page_link(TRAIN, label="Train the first one", icon=":material/play_arrow:", width="content")


def _cards(service: RunService) -> None:
    try:
        runs = service.runs()
    except ValueError as error:
        st.error(str(error), icon=":material/error:")
        return
    if not runs:
        st.rerun()
    pages = -(-len(runs) // RUNS_A_PAGE)
    place = min(st.session_state.get("runs_page", 1), pages)
    for run in runs[(place - 1) * RUNS_A_PAGE : place * RUNS_A_PAGE]:
        _card(service, run)
    if pages > 1:
        st.pagination(pages, key="runs_page")


def _card(service: RunService, run: RunSummary) -> None:
    with st.container(border=True, key=f"run_{run.run_id}"):
        text, buttons = st.columns([5, 3], vertical_alignment="center")
        with text, st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if run.shape in SHAPES:
                st.image(style.thumbnail(SHAPES[run.shape]), width=52, alt="")
            with st.container(gap=None):
                _headline(run)
                st.caption(_in_short(run))
        with buttons, st.container(horizontal=True, gap="xsmall", horizontal_alignment="right"):
            if st.button("Open", icon=":material/open_in_new:", key=f"open_{run.run_id}"):
                st.switch_page(TRAIN, query_params={address.PARAMETER: run.run_id})
            if run.status.value in ("starting", "running", "paused"):
                st.button(
                    "Stop",
                    icon=":material/stop:",
                    key=f"stop_{run.run_id}",
                    help="End this run for good.",
                    on_click=_stop,
                    args=(service, run.run_id),
                )
            if st.button("Delete", icon=":material/delete:", key=f"delete_{run.run_id}"):
                st.session_state[_DOOMED] = run.run_id
                st.rerun()


def _headline(run: RunSummary) -> None:
    look = wording.LOOKS[run.status]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.markdown(f"**{wording.title(run.shape)}**", width="content")
        st.badge(look.label, icon=look.icon, color=look.colour)
        st.markdown(f":gray[{wording.ago(run.created)}]", width="content")


def _in_short(run: RunSummary) -> str:
    objective = knobs.CHOICE_TITLES["objective"].get(run.objective, run.objective)
    parts = [objective, f"epoch {run.epoch:,} of {run.epochs:,}", f"seed {run.seed}"]
    if "headline" in run.metrics:
        parts.append(f"{METRICS['headline'].title.lower()} {wording.figure(run.metrics['headline'])}")
    return " · ".join(parts)


def _stop(service: RunService, run_id: str) -> None:
    try:
        service.stop(run_id)
    except ValueError as error:
        st.session_state[_NOTICE] = str(error)


def _forget_doomed() -> None:
    st.session_state.pop(_DOOMED, None)


def _confirm(service: RunService, run: RunSummary) -> None:
    @st.dialog("Delete this run?", icon=":material/delete:", on_dismiss=_forget_doomed)
    def ask() -> None:
        st.markdown(
            f"**{wording.title(run.shape)}**, epoch {run.epoch:,}, {wording.ago(run.created)}. Its generator and its "
            "history go with it; this cannot be undone."
        )
        with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
            if st.button("Keep it", key="keep_run"):
                _forget_doomed()
                st.rerun()
            if st.button("Delete for good", type="primary", icon=":material/delete:", key="delete_run"):
                _forget_doomed()
                try:
                    service.delete(run.run_id)
                except ValueError as error:
                    st.session_state[_NOTICE] = str(error)
                address.forget_run(run.run_id)
                st.rerun()

    ask()
