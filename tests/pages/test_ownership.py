"""Whose run is on the page: what others can press, the control link, the list, and a browser without a cookie."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from gandash.core.config import RunConfig
from gandash.pages import server
from gandash.pages.wording import plain
from gandash.runs import access
from gandash.runs.service import RunService, UnknownRun
from tests.pages.conftest import ANNA, BEN, OpenPage, run_in_address, texts, widget
from tests.pages.hostile import HOSTILE
from tests.runs.conftest import ManualEngine, until

HEART = RunConfig(shape="heart", seed=8)


def keys(at: AppTest) -> set[str | None]:
    return {button.key for button in at.button}


def only_new(service: RunService, *known: str) -> str:
    (run_id,) = {run.run_id for run in service.runs()} - set(known)
    return run_id


def test_what_one_starts_is_ones_own(open_page: OpenPage, service: RunService) -> None:
    open_page(owner=BEN).button("train").click().run()
    run_id = only_new(service)
    assert service.snapshot(run_id).owners == (BEN,)
    at = open_page(owner=BEN, run=run_id)
    assert at.button("train").label == "Pause"
    at.button("train").click().run()
    assert service.snapshot(run_id).status == "paused"


def test_the_run_of_somebody_else_can_be_trained_anew_and_is_left_alone(
    open_page: OpenPage, service: RunService
) -> None:
    theirs = service.start(HEART, owner=ANNA)
    at = open_page(owner=BEN, run=theirs)
    before = service.snapshot(theirs)
    assert at.button("train").label == "Train this set-up yourself" and "belongs to somebody else" in texts(at)
    assert not keys(at) & {"phase", "step", "epoch", "train_next"}
    at.button("train").click().run()
    mine = only_new(service, theirs)
    assert run_in_address(at) == mine and service.snapshot(mine).config == HEART
    assert service.snapshot(mine).owners == (BEN,) and service.snapshot(theirs) == before
    assert at.button("train").label == "Pause" and "belongs to somebody else" not in texts(at)


def test_a_set_up_of_ones_own_never_touches_the_run_that_is_shown(open_page: OpenPage, service: RunService) -> None:
    theirs = service.start(HEART, owner=ANNA)
    before = service.snapshot(theirs)
    at = open_page(owner=BEN, run=theirs)
    widget(at, "seed").set_value("9").run()
    assert at.button("train").label == "Train" and "train_next" not in keys(at)
    at.button("train").click().run()
    assert service.snapshot(only_new(service, theirs)).config == HEART.model_copy(update={"seed": 9})
    assert service.snapshot(theirs) == before


def test_reset_clears_the_page_and_leaves_the_run_alone(open_page: OpenPage, service: RunService) -> None:
    theirs = service.start(HEART, owner=ANNA)
    at = open_page(owner=BEN, run=theirs)
    assert "left alone" in at.button("reset").help
    at.button("reset").click().run()
    assert run_in_address(at) is None and service.snapshot(theirs).status.active


def test_a_button_drawn_before_the_run_got_an_owner_is_refused_in_words(
    open_page: OpenPage, service: RunService
) -> None:
    run_id = service.start(HEART)
    at = open_page(owner=BEN, run=run_id)
    service.rename(run_id, "mine", "", owner=ANNA)
    at.button("train").click().run()
    assert "belongs to somebody else" in at.error[0].value and service.snapshot(run_id).status.active
    assert at.button("train").label == "Train this set-up yourself"


def test_anybody_trains_on_from_a_run_that_stands_still(
    open_page: OpenPage, service: RunService, engine: ManualEngine
) -> None:
    theirs = service.start(HEART, step=True, owner=ANNA)
    at = open_page(owner=BEN, run=theirs)
    assert "train_on" not in keys(at)
    engine.run_next()
    until(lambda: service.snapshot(theirs).status == "paused")
    at.run()
    at.session_state["fork"] = True
    at.run()
    at.button("train_on").click().run()
    assert service.snapshot(only_new(service, theirs)).owners == (BEN,)
    assert service.snapshot(theirs).status == "paused"


def test_who_waits_reads_the_place_and_can_pause(service: RunService, open_page: OpenPage) -> None:
    service._limits = service._limits.__class__(most_each=1)
    service.start(HEART, owner=BEN)
    run_id = service.start(HEART, owner=BEN)
    at = open_page(owner=BEN, run=run_id)
    assert "It is number 1 in the queue." in texts(at) and at.button("train").label == "Pause"
    at.button("train").click().run()
    assert service.snapshot(run_id).status == "paused"


# The control link


def shared_link(at: AppTest, run_id: str) -> dict[str, str]:
    """Copy a run's control link from the list, and return what its address asks for."""
    at.menu_button(f"more_{run_id}").click("Control link…").run()
    assert not at.exception
    (code,) = at.code
    return {name: values[0] for name, values in parse_qs(urlsplit(code.value).query).items()}


@pytest.fixture(autouse=True)
def public_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest has no address of its own to put into links."""
    monkeypatch.setenv("GANDASH_URL", "https://example.org/gans")


def test_a_control_link_hands_control_to_another_device_and_leaves_the_address(
    open_page: OpenPage, service: RunService
) -> None:
    run_id = service.start(HEART, owner=ANNA)
    query = shared_link(open_page(owner=ANNA, page="runs"), run_id)
    assert query.keys() == {"run", "control"} and query["run"] == run_id
    at = open_page(owner=BEN, **query)
    assert "control" not in at.query_params and run_in_address(at) == run_id
    assert at.button("train").label == "Pause" and "You control this run" in at.toast[0].value
    at.button("train").click().run()
    assert service.snapshot(run_id).status == "paused" and service.may_control(run_id, ANNA)


@pytest.mark.parametrize("token", ["nonsense", *HOSTILE])
def test_a_made_up_control_link_is_refused_in_words_and_its_text_is_never_shown(
    open_page: OpenPage, service: RunService, token: str
) -> None:
    run_id = service.start(HEART, owner=ANNA)
    at = open_page(owner=BEN, run=run_id, control=token)
    assert "control link is not one of this run" in at.error[0].value and "control" not in at.query_params
    assert at.button("train").label == "Train this set-up yourself"


@pytest.mark.parametrize("run", HOSTILE)
def test_what_a_link_calls_a_run_is_text(open_page: OpenPage, run: str) -> None:
    at = open_page(run=run, control=run)
    (warning,) = at.warning
    assert str(warning.value).startswith(plain(str(UnknownRun(run))))
    assert not [element for element in (*at.markdown, *at.caption, *at.error, *at.toast) if run in str(element.value)]


# The list


def titles(at: AppTest) -> list[str]:
    return [link.value.split("**")[1] for link in at.page_link if link.value.startswith("*Open*")]


def test_the_list_has_ones_own_runs_and_those_of_nobody(open_page: OpenPage, service: RunService) -> None:
    for shape, owner in (("heart", ANNA), ("star", BEN), ("circle", "")):
        service.start(RunConfig(shape=shape), paused=True, owner=owner)
    assert titles(open_page(page="runs", owner=ANNA)) == ["Circle", "Heart"]
    assert titles(open_page(page="runs", owner=BEN)) == ["Circle", "Star"]


def test_a_server_may_list_everybodys_runs_to_look_at(
    open_page: OpenPage, service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANDASH_LIST", "all")
    mine, theirs = (service.start(HEART, owner=owner) for owner in (ANNA, BEN))
    at = open_page(page="runs", owner=ANNA)
    assert len(titles(at)) == 2 and texts(at).count("Somebody else's") == 1
    assert f"toggle_{mine}" in keys(at) and f"toggle_{theirs}" not in keys(at)
    assert [menu.key for menu in at.menu_button] == [f"more_{mine}"]


def test_an_empty_list_says_why(open_page: OpenPage, service: RunService) -> None:
    assert "others" not in texts(open_page(page="runs", owner=ANNA))
    service.start(HEART, owner=BEN)
    said = texts(open_page(page="runs", owner=ANNA))
    assert "No runs yet" in said and "Runs of others are not listed" in said


def test_a_child_of_somebody_elses_run_still_names_it(
    open_page: OpenPage, service: RunService, engine: ManualEngine
) -> None:
    theirs = service.start(HEART, step=True, owner=ANNA)
    engine.run_next()
    until(lambda: service.snapshot(theirs).status == "paused")
    service.train_on(theirs, {}, owner=BEN)
    at = open_page(page="runs", owner=BEN)
    assert any(link.value.startswith("Goes on from Heart") for link in at.page_link)


# A browser without a cookie


def test_without_a_cookie_the_session_is_the_owner_and_the_page_says_for_how_long(
    open_page: OpenPage, service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    def owner() -> tuple[str, bool]:
        return access.key_of(st.session_state.setdefault("owner_secret", access.new_secret())), False

    monkeypatch.setattr(server, "_owner", owner)
    at = open_page()
    assert "keeps no cookie" in texts(open_page(page="runs")) and "keeps no cookie" not in texts(at)
    at.button("train").click().run()
    run_id = only_new(service)
    assert "until you close or reload this page" in texts(at) and at.button("train").label == "Pause"
    at.session_state["control"] = True  # opened
    at.run()
    (link,) = at.code
    assert f"/?run={run_id}&control=" in link.value, "the way to control it after that, where there is no list of runs"
    assert open_page(run=run_id).button("train").label == "Train this set-up yourself", "another session is another"


@pytest.mark.parametrize("cookie", ["", "short", None, "![x](http://example.org)"])
def test_the_owner_is_the_cookies_secret_or_else_one_of_the_session(
    monkeypatch: pytest.MonkeyPatch, cookie: str | None
) -> None:
    secret, state = access.new_secret(), dict[str, str]()
    cookies = {access.COOKIE: secret}
    monkeypatch.setattr(st, "session_state", state)
    monkeypatch.setattr(type(st.context), "cookies", property(lambda _: cookies))
    assert server._owner() == (access.key_of(secret), True) and not state
    cookies = {} if cookie is None else {access.COOKIE: cookie}
    first = server._owner()
    assert first == server._owner() and not first[1] and first[0] != access.key_of(secret)
