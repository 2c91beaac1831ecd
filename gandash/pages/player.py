"""The player: a phase, a step or an epoch of a run by hand, how fast it plays, and whether one network plays alone.

Speed and players are the run's own (its `pace`), so they change while it trains, and whoever opens it sees them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import streamlit as st

from gandash.pages import address, classroom, presses, setup
from gandash.pages.server import Visitor
from gandash.runs.run import Unit
from gandash.runs.service import Only
from gandash.runs.snapshot import Pace, Snapshot

NOTICE = "notice"
"""Where the session keeps what went wrong, until it is told once."""

SPEEDS: dict[str, float | None] = {"1": 1.0, "3": 3.0, "10": 10.0, "30": 30.0, "100": 100.0, "Full": None}
"""Phases a second by what the slider says."""
PLAYERS: dict[str, str] = {"both": "Both", "discriminator": "D alone", "generator": "G alone"}

_SPEED, _ONLY, _SEEN = "player_speed", "player_only", "player_seen"
_HELP: dict[Unit, str] = {
    "phase": "Play the next phase, a single update of one network, then pause.",
    "step": "Play the phases up to the end of the step, each network in its turn, then pause.",
    "epoch": "Train to the end of the epoch, then pause.",
}


def show(visitor: Visitor, checked: setup.Setup, snapshot: Snapshot | None) -> None:
    """Draw the player for a run that the visitor controls; without a run it begins a new one."""
    _take(snapshot)
    on, why = allowed(checked, snapshot)
    for unit, told in _HELP.items():
        st.button(
            unit.capitalize(),
            key=unit,
            disabled=not on,
            help=why or told,
            on_click=press,
            args=(visitor, unit, snapshot.run_id if snapshot else None),
        )
    with st.popover(_label(), icon=":material/speed:", key="pace", help="How fast it plays, and who plays"):
        controlled = snapshot.run_id if snapshot and not snapshot.status.ended else None
        st.select_slider(
            "Phases a second",
            list(SPEEDS),
            key=_SPEED,
            on_change=_change,
            args=(visitor, controlled),
            help="From one phase a second to full speed. Up to 3 a second, each phase is shown as it is played.",
        )
        st.segmented_control(
            "Who plays",
            list(PLAYERS),
            format_func=PLAYERS.__getitem__,
            key=_ONLY,
            required=True,
            on_change=_change,
            args=(visitor, controlled),
            help="With one network alone, the other's phases are left out and it stands still. That is part of the "
            "run's record: its code and links then give the set-up alone.",
        )


def allowed(checked: setup.Setup, snapshot: Snapshot | None) -> tuple[bool, str]:
    """Whether something can be played by hand, or else why not, if a word is needed."""
    if snapshot is None:
        return checked.config is not None, ""
    status = snapshot.status
    if status.value == "paused" or snapshot.asked:
        return True, ""  # what is asked for while it plays comes next
    if status.ended:
        goes_on = "Train on goes on from it as a new run, Train starts one from scratch."
        return False, f"This run has ended: {goes_on if classroom.shows('on') else 'Train starts a new one.'}"
    if status.active:
        return False, "Pause the run first, then play it by hand."
    return False, "This run has failed: Resume tries again."


def pace() -> tuple[float | None, Only]:
    """What the widgets say: phases a second, None for full speed, and who plays."""
    only = st.session_state.get(_ONLY) or "both"
    return SPEEDS.get(st.session_state.get(_SPEED, "Full")), cast(Only, only if only in PLAYERS else "both")


def start(visitor: Visitor, replaced: str | None = None) -> str | None:
    """Make a run with what the widgets say at this very click, which stands still; the run that it replaces is paused.

    None, with a notice for the page, if that cannot be.
    """
    service, owner = visitor.service, visitor.owner
    checked = setup.read(service.devices(), service.cost_limits)
    if checked.config is None:
        return None
    book = presses.book()
    try:
        if replaced:
            service.pause(replaced, owner=owner)
        book.begun = run_id = service.start(checked.config, paused=True, owner=owner)
    except ValueError as error:
        st.session_state[NOTICE] = str(error)
        return None
    show_begun(book)
    return run_id


def show_begun(book: presses.Book) -> None:
    """Put the run into the address that was begun, which an earlier script may not have come to."""
    if book.begun:
        address.show_run(book.begun)
        book.begun = ""


def ask(request: Callable[..., None], *args: Any, owner: str) -> None:
    """Ask the service for something; what it refuses is told once."""
    try:
        request(*args, owner=owner)
    except ValueError as error:
        st.session_state[NOTICE] = str(error)


def press(visitor: Visitor, unit: Unit, run_id: str | None) -> None:
    """Ask for it, of this run or of a new one."""
    run_id = run_id or start(visitor)
    if run_id is None:
        return
    _, only = pace()
    service = visitor.service
    request = {"phase": service.phase, "step": service.step, "epoch": service.epoch}[unit]
    ask(request, run_id, only, owner=visitor.owner)


def _change(visitor: Visitor, run_id: str | None) -> None:
    if run_id:
        ask(visitor.service.set_pace, run_id, *pace(), owner=visitor.owner)


def _take(snapshot: Snapshot | None) -> None:
    """Have the widgets say what the run's pace is, once it is another run or has another pace."""
    told = (snapshot.run_id, snapshot.pace) if snapshot else None
    if st.session_state.get(_SEEN, ()) != told:
        shown = snapshot.pace if snapshot else Pace()
        names = [name for name, speed in SPEEDS.items() if speed == shown.phases_per_second]
        st.session_state[_SEEN] = told
        st.session_state[_SPEED] = names[0] if names else "Full"
        st.session_state[_ONLY] = shown.only or "both"
    # said anew each time: what is in the popover is made when that is opened, and would begin at its default
    st.session_state[_SPEED] = st.session_state.get(_SPEED, "Full")
    st.session_state[_ONLY] = st.session_state.get(_ONLY) or "both"


def _label() -> str:
    speed, only = pace()
    fast = "Full" if speed is None else f"{speed:g}/s"
    if only != "both":
        return f"{fast}, {PLAYERS[only]}"
    return "Full speed" if speed is None else fast
