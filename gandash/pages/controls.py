"""Train, Pause and Resume in one button; the player, Train on and Reset beside it.

They stand outside the live part of the page, so they answer at once. A run of somebody else has none that control it:
there one button trains the same set-up in a run of one's own, which leaves the other alone.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic, sleep
from typing import Any, NamedTuple, cast

import streamlit as st

from gandash.pages import (
    address,
    audience,
    browser,
    classroom,
    control_link,
    gallery,
    own,
    player,
    presses,
    recipes,
    setup,
    share,
    train_on,
)
from gandash.pages.server import Visitor
from gandash.pages.wording import plain
from gandash.runs.run import Unit
from gandash.runs.snapshot import Snapshot

NOT_YOURS = (
    "This run belongs to somebody else: watch it, download what it has made, and train its set-up, or on from it, in a "
    "run of your own."
)
NOT_LASTING = (
    "This browser keeps no cookie here, so you control this run until you close or reload this page. After that you "
    "need its control link."
)


ANSWER_SECONDS = 0.3
"""How long the page waits to be drawn anew for what was asked for by hand: the buttons are the same afterwards."""
SEEN_SECONDS = 0.12
"""How long it waits further, until the points have come to rest: drawing it keeps the browser from moving them."""


class _Press(NamedTuple):
    """What the primary button says and does now."""

    label: str
    icon: str
    help: str
    on: bool
    do: Callable[..., None]
    args: tuple[Any, ...]


def take(visitor: Visitor) -> None:
    """Do what was pressed, before the page is drawn that comes of it."""

    def shown() -> str:
        return _id(address.find_run(visitor.service).snapshot)

    player.show_begun(presses.book())
    before = shown()
    taken = presses.take(shown, lambda name: _do(visitor, name))
    if taken and before and before == shown() and visitor.service.snapshot(before).asked:
        _let_answer(visitor, before)  # of a run that has just begun the browser has no stream yet


def _let_answer(visitor: Visitor, run_id: str) -> None:
    """Have the answer come first, which goes to the browser by the stream."""
    until = monotonic() + ANSWER_SECONDS
    while visitor.service.snapshot(run_id).asked:
        if monotonic() > until:
            return
        sleep(0.005)
    sleep(SEEN_SECONDS)


def _do(visitor: Visitor, name: str) -> None:
    """What a button does now, unless it is off or not there."""
    service = visitor.service
    found, checked = address.find_run(service), setup.read(service.devices(), service.cost_limits)
    snapshot = found.snapshot
    if name == "train":
        press = _primary(visitor, checked, snapshot)
        if press.on:
            press.do(*press.args)
    elif name == "reset":
        if snapshot or found.problem:
            _reset(visitor, _active(visitor, snapshot))
    elif _has_player(visitor, snapshot) and player.allowed(checked, snapshot)[0]:
        player.press(visitor, cast(Unit, name), _id(snapshot) or None)


def _id(snapshot: Snapshot | None) -> str:
    return snapshot.run_id if snapshot else ""


def _active(visitor: Visitor, snapshot: Snapshot | None) -> str | None:
    """The run on the page, if it is the visitor's to pause."""
    return snapshot.run_id if snapshot and visitor.controls(snapshot) and snapshot.status.active else None


def _has_player(visitor: Visitor, snapshot: Snapshot | None) -> bool:
    return (snapshot is None or visitor.controls(snapshot)) and classroom.shows("player")


def show(visitor: Visitor, checked: setup.Setup, found: address.Found) -> None:
    """Draw the buttons as the run allows them, and what keeps Train from being pressed."""
    snapshot = found.snapshot
    mine = snapshot is not None and visitor.controls(snapshot)
    active = _active(visitor, snapshot)
    with st.container(horizontal=True, gap="xsmall", key="controls", vertical_alignment="center"):
        press = _primary(visitor, checked, snapshot)
        # one element for all that it can say: the focus stays on it
        st.button(
            press.label,
            icon=press.icon,
            type="primary",
            key="train",
            disabled=not press.on,
            help=press.help,
            on_click=press.do,
            args=press.args,
        )
        lesson = classroom.now()
        if _has_player(visitor, snapshot):
            player.show(visitor, checked, snapshot)
        if classroom.shows("on"):
            train_on.show(visitor, snapshot)
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            key="reset",
            disabled=snapshot is None and not found.problem,
            help="Clear the page for a new run. This one stays in the list of runs, paused if it was training."
            if snapshot is None or mine
            else "Clear the page for a run of your own. This one is left alone.",
            on_click=_reset,
            args=(visitor, active),
        )
        if snapshot and mine and differs(checked, snapshot) and not snapshot.status.ended:
            st.button(
                "Train next run",
                icon=":material/play_arrow:",
                key="train_next",
                help="Start a new run with the changed set-up."
                + (" The one that is training is paused." if active else ""),
                on_click=_train,
                args=(visitor, active),
            )
        if lesson is None:
            audience.show(snapshot)
            share.show(visitor, checked, snapshot)
            browser.keys()
        share.leave()
    if lesson is None or lesson.controls - classroom.BESIDE:
        _choose()
    # always there, or else what comes below would change its place with each message, and charts would be mounted anew
    with st.container(key="messages"):
        if checked.reasons:
            wrong = "  \n".join(map(plain, checked.reasons))
            # what is being typed or drawn says so itself, where that can be seen
            typing = own.is_own(st.session_state[setup.key("target")]) and checked.wrong.keys() == {"target"}
            typing = typing and checked.meant is None and classroom.shows("target")
            with st.container(key="wrong_own" if typing else "wrong"):
                st.error(f"Train is off until the set-up is right. {wrong}", icon=":material/tune:")
        if found.problem:
            st.warning(
                f"{plain(found.problem)} Press **Train** for a new one, or open a saved run under *Runs*.",
                icon=":material/link_off:",
            )
        if ignored := address.ignored(checked):
            told = "  \n".join(map(plain, ignored))
            st.warning(f"Of the set-up in the link, the rest is in the knobs. {told}", icon=":material/link_off:")
        if unread := classroom.ignored():
            st.warning("  \n".join(map(plain, unread)), icon=":material/link_off:")
        if notice := st.session_state.pop(player.NOTICE, ""):
            st.error(plain(notice), icon=":material/error:")
        if snapshot and not mine:
            st.caption(NOT_YOURS)
        elif snapshot and snapshot.owners and not visitor.lasting:
            with st.container(horizontal=True, gap="xsmall", key="not_lasting", vertical_alignment="center"):
                st.caption(NOT_LASTING, width="content")
                control_link.keep(visitor, snapshot.run_id)
    browser.show(address.link_of(checked, snapshot, visitor.service.targets.keep), _id(snapshot))


def differs(checked: setup.Setup, snapshot: Snapshot | None) -> bool:
    """Whether the widgets hold another set-up than the run that is shown was started with."""
    return snapshot is not None and checked.config is not None and checked.config != snapshot.config


def begins(visitor: Visitor, checked: setup.Setup, snapshot: Snapshot | None) -> bool:
    """Whether the primary button starts a new run now."""
    press = _primary(visitor, checked, snapshot)
    return press.on and press.do is _train


def _choose() -> None:
    """On a phone, where the sidebar hides the page: what is chosen, and the way there (`browser.js` opens it)."""
    shape = gallery.title(st.session_state[setup.key("target")])
    st.button(
        f"{plain(shape)} · {recipes.TITLES[st.session_state[recipes.RECIPE]]}",
        icon=":material/tune:",
        key="choose",
        width="stretch",
        help="Choose a shape or numbers and a recipe, and turn the knobs.",
    )


def _primary(visitor: Visitor, checked: setup.Setup, snapshot: Snapshot | None) -> _Press:
    if snapshot and not visitor.controls(snapshot):
        label = "Train" if differs(checked, snapshot) else "Train this set-up yourself"
        train = "Start a run of your own with this set-up. The one that is shown is left alone."
        return _Press(label, ":material/play_arrow:", train, checked.config is not None, _train, (visitor, None))
    match snapshot.status.value if snapshot else None:
        case "waiting" | "starting" | "running":
            assert snapshot is not None
            pause = "Pause this run. It goes on from where it stands whenever you want."
            return _Press("Pause", ":material/pause:", pause, True, _pause, (visitor, snapshot.run_id))
        case "paused" | "failed":
            assert snapshot is not None
            resume = "Go on with this run, with the set-up that it was started with."
            return _Press("Resume", ":material/resume:", resume, True, _play, (visitor, snapshot.run_id))
        case _:
            train = "Start a new run with this set-up." if checked.config else "The set-up has to be put right first."
            return _Press("Train", ":material/play_arrow:", train, checked.config is not None, _train, (visitor, None))


def _train(visitor: Visitor, replaced: str | None) -> None:
    """Start a run with what the widgets say at this very click; the run that it replaces is paused."""
    if run_id := player.start(visitor, replaced):
        _play(visitor, run_id)


def _play(visitor: Visitor, run_id: str) -> None:
    player.ask(visitor.service.play, run_id, *player.pace(), owner=visitor.owner)


def _pause(visitor: Visitor, run_id: str) -> None:
    player.ask(visitor.service.pause, run_id, owner=visitor.owner)


def _reset(visitor: Visitor, active: str | None) -> None:
    if active:
        _pause(visitor, active)
    address.forget_run()
