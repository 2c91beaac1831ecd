"""The list of runs: one card each, with what it made, how far it came, and what can be done with it.

The address is the one truth of what the list shows (`gandash.pages.place`); widgets write it and are filled from it.
Whatever is done to a run can be undone, or asks first. Everybody sees their own runs and those that nobody owns; a
server may show everybody's, and those of others are only to look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import numpy as np
import streamlit as st

from gandash.charts import figures
from gandash.core.judge import JUDGE_VERSION
from gandash.core.metrics import METRICS
from gandash.core.targets import TargetSpec
from gandash.pages import TRAIN, address, wording
from gandash.pages.control_link import offer
from gandash.pages.place import LONGEST_SEARCH, ORDERS, PARAMETERS, STATES, Place, objective_title, select
from gandash.pages.server import Visitor
from gandash.runs.service import LONGEST_NAME, LONGEST_NOTE, RunService
from gandash.runs.settings import Settings
from gandash.runs.snapshot import RunSummary, Status

RUNS_A_PAGE = 12
REFRESH_SECONDS = 2.0

_STYLE = Path(__file__).with_suffix(".css")
_PLACE, _PAGE = "runs_place", "runs_page"
_SEARCH, _STATE, _TARGET, _SORT = "runs_search", "runs_state", "runs_target", "runs_sort"
_PROBLEM = "runs_problem"
_DELETED = "runs_deleted"
_ASKED = "runs_asked"
_CHANGED = "runs_changed"

_NO_PICTURE = "<div></div>"
_EDIT, _LINK, _STOP, _DELETE = "Name and note…", "Control link…", "Stop for good…", "Delete"


class _Asked(NamedTuple):
    """Which dialog is open, and for which run."""

    what: str
    run_id: str


class _Deleted(NamedTuple):
    """A run that can be brought back."""

    run_id: str
    label: str


def show(visitor: Visitor) -> None:
    """Draw the list. While something trains or is not saved it refreshes by itself."""
    st.session_state.pop(_CHANGED, None)
    st.html(_STYLE)
    st.header("Runs", anchor=False)
    _notices(visitor)
    try:
        with st.spinner("Looking for runs…"):
            everybodys = visitor.service.runs()
    except ValueError as error:
        _unreadable(error)
        return
    runs = _listed(visitor, everybodys)
    refreshes = _refreshes(visitor, runs)
    every = REFRESH_SECONDS if refreshes else None
    if not runs:
        st.fragment(_nothing_yet, run_every=every)(visitor, others=bool(everybodys), refreshes=refreshes)
        return
    _toolbar(runs, _place(runs))
    st.fragment(_cards, run_every=every)(visitor, refreshes=refreshes)
    _dialog(visitor, runs)


def _refreshes(visitor: Visitor, runs: Sequence[RunSummary]) -> bool:
    """Whether the page has something to wait for: a run that trains, or what is not on the disk yet."""
    return any(run.status.active for run in runs) or visitor.service.unsaved is not None


def _listed(visitor: Visitor, runs: Sequence[RunSummary]) -> list[RunSummary]:
    """Of these runs those that the visitor is shown."""
    everybodys = Settings.from_environment().list_all
    return [run for run in runs if everybodys or visitor.controls(run)]


def _unreadable(error: ValueError) -> None:
    st.error(wording.plain(str(error)), icon=":material/error:")
    st.button("Try again", icon=":material/refresh:", key="read_again")


def _unsaved(visitor: Visitor) -> None:
    """Say what is not on the disk, for as long as it is so: of what is deleted nothing else would."""
    if problem := visitor.service.unsaved:
        told = f"What was done here lately is not saved and would be lost with the server. {problem}"
        st.error(wording.plain(told), icon=":material/error:")


def _nothing_yet(visitor: Visitor, *, others: bool, refreshes: bool) -> None:
    if _refreshes(visitor, ()) != refreshes:
        st.rerun()
    _unsaved(visitor)
    with st.container(border=True, horizontal_alignment="center", key="no_runs"):
        st.markdown("**No runs yet**", width="content")
        st.markdown("Every run that you start is kept here.", width="content")
        if others:
            st.markdown("Runs of others are not listed; a link opens them.", width="content")
        if not visitor.lasting:
            st.markdown(
                "This browser keeps no cookie here: what you start is yours until you close or reload this page.",
                width="content",
            )
        st.page_link(TRAIN, label="Train the first one", icon=":material/play_arrow:", width="content")


# What is shown


def _place(runs: Sequence[RunSummary]) -> Place:
    """Where the visitor is: the address says. Who comes back from another page is where they left."""
    place = Place.from_query(st.query_params)
    came_back = _SEARCH not in st.session_state  # other pages do not draw the widget, so its state is gone
    if came_back and not any(name in st.query_params for name in PARAMETERS):
        place = st.session_state.get(_PLACE, place)
    if place.target and all(run.target != place.target for run in runs):
        place = replace(place, target="")
    _go_to(place)
    return place


def _go_to(place: Place) -> None:
    """Put a place into the address, from where the rest of the page takes it."""
    st.session_state[_PLACE] = place
    query = place.query()
    for name in PARAMETERS:
        if name in query and st.query_params.get(name) != query[name]:
            st.query_params[name] = query[name]
        elif name not in query and name in st.query_params:
            del st.query_params[name]


def _narrow() -> None:
    state = st.session_state
    _go_to(Place(state[_SEARCH].strip(), state[_STATE], state[_TARGET], state[_SORT]))


def _turn() -> None:
    _go_to(replace(st.session_state[_PLACE], page=st.session_state[_PAGE]))


def _clear() -> None:
    _go_to(Place(sort=st.session_state[_PLACE].sort))
    st.session_state[_CHANGED] = True


def _toolbar(runs: Sequence[RunSummary], place: Place) -> None:
    state = st.session_state
    state[_SEARCH], state[_STATE], state[_TARGET], state[_SORT] = place.search, place.state, place.target, place.sort
    titles = {
        run.target: wording.plain(run.title) for run in reversed(runs) if run.target
    }  # an unreadable one has none
    targets = sorted(titles, key=lambda target: titles[target].casefold())
    with st.container(horizontal=True, gap="xsmall", key="runs_toolbar"):
        st.text_input(
            "Search runs",
            key=_SEARCH,
            type="search",
            max_chars=LONGEST_SEARCH,
            icon=":material/search:",
            placeholder="Name, note, target, objective, id",
            on_change=_narrow,
            label_visibility="collapsed",
        )
        _choice("State", _STATE, ["", *STATES], lambda name: name.capitalize() or "Any state")
        _choice("Target", _TARGET, ["", *targets], lambda name: titles.get(name, "Any target"))
        _choice("Order", _SORT, list(ORDERS), lambda name: ORDERS[name][0])


def _choice(label: str, key: str, options: Sequence[str], title: Callable[[str], str]) -> None:
    st.selectbox(label, options, key=key, format_func=title, on_change=_narrow, label_visibility="collapsed")


def _cards(visitor: Visitor, *, refreshes: bool) -> None:
    """The cards of a page. What changes more than them draws the whole page anew."""
    try:
        everybodys = visitor.service.runs()
    except ValueError as error:
        _unreadable(error)
        return
    runs = _listed(visitor, everybodys)
    if not runs or _refreshes(visitor, runs) != refreshes or st.session_state.pop(_CHANGED, False):
        st.rerun()
    _unsaved(visitor)
    place: Place = st.session_state[_PLACE]
    found = select(runs, place)
    pages = max(1, -(-len(found) // RUNS_A_PAGE))
    page = min(place.page, pages)
    shown = found[(page - 1) * RUNS_A_PAGE : page * RUNS_A_PAGE]
    _count(len(found), len(runs), place)
    moments, by_id = _moments(shown), {run.run_id: run for run in everybodys}
    for run in shown:
        if run.status.active:
            visitor.service.watch(run.run_id)
        _card(visitor, run, moments[run.run_id], by_id)
    if pages > 1:
        st.session_state[_PAGE] = page
        st.pagination(pages, key=_PAGE, on_change=_turn)


def _count(found: int, of: int, place: Place) -> None:
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="runs_count"):
        everything = f"{of:,} run{'s' if of > 1 else ''}"
        if not found:
            st.markdown(f"None of {everything} is what you look for.", width="content")
        else:
            st.markdown(f"{found:,} of {everything}" if place.narrowed else everything, width="content")
        if place.narrowed:
            st.button("Show all", icon=":material/filter_alt_off:", key="clear_filters", on_click=_clear)


# A card


def _moments(runs: Sequence[RunSummary]) -> dict[str, str]:
    """What tells each of these runs from others of its name: how old it is and, if that is not enough, its id."""
    ages = {run.run_id: _age(run) for run in runs}
    counts = Counter((_title(run), ages[run.run_id]) for run in runs)
    return {
        run.run_id: ages[run.run_id]
        if counts[_title(run), ages[run.run_id]] == 1
        else f"{ages[run.run_id]}, {wording.plain(run.run_id)}"
        for run in runs
    }


def _age(run: RunSummary) -> str:
    return wording.plain(run.run_id) if run.damaged else wording.ago(run.created)


def _title(run: RunSummary) -> str:
    return wording.plain(run.name or run.title)


def _card(visitor: Visitor, run: RunSummary, moment: str, by_id: Mapping[str, RunSummary]) -> None:
    """Emphasis in labels is for screen readers alone: the style sheet takes it out of sight."""
    run_id, look, mine = run.run_id, wording.LOOKS[run.status], visitor.controls(run)
    with st.container(border=True, horizontal=True, gap="small", vertical_alignment="center", key=f"run_{run_id}"):
        with st.container(width="content", key=f"picture_{run_id}"):
            st.html(_picture(visitor.service, run_id, run.spec, run.progress))
        with st.container(gap=None, key=f"about_{run_id}"):
            with st.container(horizontal=True, gap="small", vertical_alignment="center", key=f"title_{run_id}"):
                st.page_link(
                    TRAIN,
                    label=f"*Open* **{_title(run)}** *{moment}*",
                    icon="",
                    query_params={address.PARAMETER: run_id},
                    width="content",
                )
                if not run.damaged:  # whose state nobody knows
                    st.badge(look.label, icon=look.icon, color=look.colour)
                if run.unsaved:
                    st.badge("Not saved", icon=":material/error:", color="red")
                if not mine:
                    st.badge("Somebody else's", icon=":material/person:", color="gray")
                st.markdown(_age(run), width="content")
            st.markdown("  \n".join(_facts(run)))
            if run.parent is not None:
                _parent(by_id.get(run.parent))
        if mine:
            _actions(visitor, run, moment)


def _actions(visitor: Visitor, run: RunSummary, moment: str) -> None:
    """What the owner of a run can do. Pause and Resume are one button, so that the focus stays on it."""
    run_id, service, owner = run.run_id, visitor.service, visitor.owner
    label = f"*{_title(run)}, {moment}*"
    with st.container(horizontal=True, gap="xsmall", width="content", key=f"actions_{run_id}"):
        if not run.status.ended and not run.damaged:
            verb, icon, action = (
                ("Pause", ":material/pause:", service.pause)
                if run.status.active
                else ("Resume", ":material/play_arrow:", service.resume)
            )
            st.button(f"{verb} {label}", icon=icon, key=f"toggle_{run_id}", on_click=_do, args=(action, run_id, owner))
        st.menu_button(
            f"*More for* {label}",
            _choices(run),
            icon=":material/more_horiz:",
            key=f"more_{run_id}",
            on_click=_choose,
            args=(visitor, run_id, f"{_title(run)}, {moment},"),
        )


def _choices(run: RunSummary) -> list[str]:
    if run.damaged:
        return [_DELETE]
    return [_EDIT, _LINK, _DELETE] if run.status.ended else [_EDIT, _LINK, _STOP, _DELETE]


def _facts(run: RunSummary) -> list[str]:
    """Lines that say what the run is: its figures and its set-up, what went wrong, its note."""
    if run.damaged:
        return [f":red[{wording.plain(run.message)}]"]
    parts = []
    if run.headline is not None:
        measured = "" if run.headline_epoch is None else f" at epoch {run.headline_epoch:,}"
        metric = METRICS["headline"]
        if run.judge == JUDGE_VERSION:
            parts.append(f"**{metric.title} {wording.measured(metric, run.headline)}**{measured}")
        else:
            parts.append(
                f"{metric.title} measured by an earlier judge{measured}: open the run to have it measured anew"
            )
    parts.append(f"epoch {run.epoch:,} of {run.planned_epochs:,}")
    if run.name:
        parts.append(wording.plain(run.title))
    parts += [wording.plain(objective_title(run.objective)), f"seed {run.seed}"]
    figures = " · ".join(parts)
    lines = [figures[0].upper() + figures[1:]]
    if run.message and run.status in (Status.FAILED, Status.DIVERGED):
        lines.append(f":red[{wording.plain(run.message)}]")
    if run.note:
        lines.append(wording.plain(run.note))
    return lines


def _parent(parent: RunSummary | None) -> None:
    if parent is None:
        st.markdown("Goes on from a run that was deleted")
        return
    st.page_link(
        TRAIN,
        label=f"Goes on from {_title(parent)} *{wording.ago(parent.created)}*",
        icon=":material/subdirectory_arrow_right:",
        query_params={address.PARAMETER: parent.run_id},
        width="content",
    )


@st.cache_data(show_spinner=False, max_entries=512)
def _picture(_service: RunService, run_id: str, _spec: TargetSpec | None, progress: float) -> str:
    """What a run has made so far over what is real, as an image; drawn once for each `progress`."""
    if _spec is None:
        return _NO_PICTURE
    try:
        target, points = _spec.build(), _service.thumbnail(run_id)
        picture = figures.result_svg(target, np.empty((0, target.dim), np.float32) if points is None else points)
    except ValueError:
        return _NO_PICTURE
    return f'<img alt="" src="data:image/svg+xml,{quote(picture)}">'


# What can be done


def _do(action: Callable[..., None], run_id: str, owner: str) -> None:
    """Do something to a run; if that cannot be, the page will say why."""
    try:
        action(run_id, owner=owner)
    except ValueError as error:
        st.session_state[_PROBLEM] = str(error)
    st.session_state[_CHANGED] = True


def _choose(visitor: Visitor, run_id: str, label: str) -> None:
    match st.session_state[f"more_{run_id}"]:
        case "Delete":
            _do(partial(_delete, visitor.service, label), run_id, visitor.owner)
        case what:
            st.session_state[_ASKED] = _Asked(what, run_id)
            st.session_state[_CHANGED] = True


def _delete(service: RunService, label: str, run_id: str, owner: str) -> None:
    service.delete(run_id, owner=owner)
    address.forget_run(run_id)
    st.session_state[_DELETED] = (*st.session_state.get(_DELETED, ()), _Deleted(run_id, label))


def _undo(visitor: Visitor) -> None:
    *others, last = st.session_state[_DELETED]
    st.session_state[_DELETED] = tuple(others)
    _do(visitor.service.undelete, last.run_id, visitor.owner)


def _forget_deleted() -> None:
    st.session_state.pop(_DELETED, None)


def _notices(visitor: Visitor) -> None:
    """What went wrong, once; and what was deleted, until it is brought back or dismissed."""
    if problem := st.session_state.pop(_PROBLEM, ""):
        st.error(wording.plain(problem), icon=":material/error:")
    if deleted := st.session_state.get(_DELETED):
        more = f" So {'are' if len(deleted) > 2 else 'is'} {len(deleted) - 1} more." if len(deleted) > 1 else ""
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key="deleted_notice"):
            st.info(f"{deleted[-1].label} is deleted.{more}", icon=":material/delete:")
            st.button("Undo", icon=":material/undo:", key="undo_delete", on_click=_undo, args=(visitor,))
            st.button("*Dismiss*", icon=":material/close:", key="forget_deleted", on_click=_forget_deleted)


def _forget_asked() -> None:
    st.session_state.pop(_ASKED, None)


def _dialog(visitor: Visitor, runs: Sequence[RunSummary]) -> None:
    """The dialog that was asked for, unless its run has gone."""
    asked: _Asked | None = st.session_state.get(_ASKED)
    run = next((run for run in runs if asked is not None and run.run_id == asked.run_id), None)
    if asked is None or run is None:
        _forget_asked()
    elif asked.what == _EDIT:
        st.dialog("Name and note", icon=":material/edit:", on_dismiss=_forget_asked)(_edit)(visitor, run)
    elif asked.what == _LINK:
        st.dialog("Control link", icon=":material/devices:", on_dismiss=_forget_asked)(offer)(visitor, run.run_id)
    else:
        st.dialog("Stop this run for good?", icon=":material/stop:", on_dismiss=_forget_asked)(_ask_to_stop)(
            visitor, run
        )


def _edit(visitor: Visitor, run: RunSummary) -> None:
    with st.form(f"edit_{run.run_id}", border=False):
        name = st.text_input("Name", run.name, max_chars=LONGEST_NAME, placeholder=run.title)
        note = st.text_area("Note", run.note, max_chars=LONGEST_NOTE, placeholder="What you tried, what came of it")
        if st.form_submit_button("Save", icon=":material/check:", type="primary", key="save_name"):
            try:
                visitor.service.rename(run.run_id, name, note, owner=visitor.owner)
            except ValueError as error:
                st.error(wording.plain(str(error)), icon=":material/error:")
            else:
                _forget_asked()
                st.rerun()


def _ask_to_stop(visitor: Visitor, run: RunSummary) -> None:
    st.markdown(
        f"**{_title(run)}**, epoch {run.epoch:,} of {run.planned_epochs:,}. A run that is stopped keeps its generator "
        "and its history, but does not go on; a paused one can."
    )
    with st.container(horizontal=True, horizontal_alignment="right", gap="xsmall"):
        if st.button("Do not stop", key="keep_run"):
            _forget_asked()
            st.rerun()
        if st.button("Stop for good", icon=":material/stop:", key="stop_run"):
            _forget_asked()
            _do(visitor.service.stop, run.run_id, visitor.owner)
            st.rerun()
