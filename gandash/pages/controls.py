"""Train, Pause, Step and Reset. They stand outside the live part of the page, so they answer at once."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from gandash.pages import address, setup
from gandash.pages.wording import plain
from gandash.runs.service import RunService

_NOTICE = "notice"


def show(service: RunService, checked: setup.Setup, found: address.Found) -> None:
    """Draw the buttons as the run allows them, and what keeps Train from being pressed."""
    snapshot = found.snapshot
    status = snapshot.status.value if snapshot else None
    active = status in ("starting", "running")
    waiting = status in ("paused", "failed")
    changed = snapshot is not None and checked.config is not None and checked.config != snapshot.config
    run_id = snapshot.run_id if snapshot else None
    with st.container(horizontal=True, gap="xsmall", key="controls", vertical_alignment="center"):
        st.button(
            "Train",
            icon=":material/play_arrow:",
            type="secondary" if waiting and not changed else "primary",
            key="train",
            disabled=checked.config is None or (active and not changed),
            help=_train_help(checked, active, changed),
            on_click=_train,
            args=(service, run_id if active else None),
        )
        if waiting:
            st.button(
                "Resume",
                icon=":material/resume:",
                type="secondary" if changed else "primary",
                key="resume",
                on_click=_ask,
                args=(service.resume, run_id),
            )
        else:
            st.button(
                "Pause",
                icon=":material/pause:",
                key="pause",
                disabled=not active,
                on_click=_ask,
                args=(service.pause, run_id),
            )
        steps_on = status == "paused"
        st.button(
            "Step",
            icon=":material/skip_next:",
            key="step",
            disabled=not steps_on and (active or status == "failed" or checked.config is None),
            help="Train one epoch, then pause.",
            on_click=_ask if steps_on else _train,
            args=(service.step, run_id) if steps_on else (service, None, True),
        )
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            key="reset",
            disabled=snapshot is None and not found.problem,
            help="Clear the page. The run stays in the list of runs, paused if it was training.",
            on_click=_reset,
            args=(service, run_id if active else None),
        )
        if changed:
            st.badge("Set-up changed: applies at the next Train", icon=":material/edit:", color="orange")
    # always there, or else what comes below would change its place with each message, and charts would be mounted anew
    with st.container(key="messages"):
        if checked.problems:
            st.error(
                "Train is off until the set-up is right. " + "  \n".join(map(plain, checked.reasons)),
                icon=":material/tune:",
            )
        if found.problem:
            st.warning(
                f"{plain(found.problem)} Press **Train** for that, or open a saved run under *Runs*.",
                icon=":material/link_off:",
            )
        if notice := st.session_state.pop(_NOTICE, ""):
            st.error(plain(notice), icon=":material/error:")


def _train_help(checked: setup.Setup, active: bool, changed: bool) -> str:
    if checked.config is None:
        return "The set-up has to be put right first."
    if active and not changed:
        return "This set-up is training now."
    return "Start a new run with this set-up." + (" The one that is training is paused." if active else "")


def _train(service: RunService, replaced: str | None, step: bool = False) -> None:
    """Start a run with what the widgets say at this very click; the run that it replaces is paused."""
    checked = setup.read(service.devices())
    if checked.config is None:
        return
    try:
        if replaced:
            service.pause(replaced)
        address.show_run(service.start(checked.config, step=step))
    except ValueError as error:
        st.session_state[_NOTICE] = str(error)


def _ask(request: Callable[[str], None], run_id: str) -> None:
    try:
        request(run_id)
    except ValueError as error:
        st.session_state[_NOTICE] = str(error)


def _reset(service: RunService, active: str | None) -> None:
    if active:
        _ask(service.pause, active)
    address.forget_run()
