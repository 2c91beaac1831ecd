"""What comes from a link, a file or a name is text wherever a page shows it: no element has it as markup."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gandash.core import link
from gandash.core.config import RunConfig
from gandash.core.targets.table import TableSpec
from gandash.pages import explored, player
from gandash.runs.service import RunService
from tests.pages.conftest import ANNA, OpenPage, as_read
from tests.pages.test_runs import choose
from tests.pages.test_setup import upload
from tests.pages.test_train import train_some
from tests.portable_files import random_generator
from tests.runs.conftest import FakeTraining, ManualEngine, until

LINK = "[Click](https://example.org/x)"
TAG = "<img src=x onerror=alert(1)>"
HOSTILE = f"{LINK} {TAG} ![x](y) :red[z]"
MARKUP = ("body", "label", "help", "options", "content", "caption", "captions")
"""What Streamlit reads as Markdown, or, of its own element for that, as HTML."""
PLAIN = {"selectbox", "multiselect"}
"""Whose options are text."""


def shown(at: AppTest) -> str:
    """All that the page gives Streamlit to read as markup, in places where plain text goes as well left out."""
    found = []
    for node in at._tree:
        proto = getattr(node, "proto", None)
        if proto is not None:
            found += _texts(proto, node.type)
    return "\n".join(found)


def _texts(proto: Any, kind: str) -> list[str]:
    found: list[str] = []
    for field, value in proto.ListFields():
        for each in value if isinstance(value, list) or hasattr(value, "append") else [value]:
            if hasattr(each, "ListFields"):
                found += _texts(each, kind)
            elif isinstance(each, str) and field.name in MARKUP and not (field.name == "options" and kind in PLAIN):
                found.append(each)
    return found


def assert_text(at: AppTest, *, said: str = "Click") -> None:
    """The page shows it, and nothing of it is markup."""
    markup = shown(at)
    for raw in (LINK, TAG, "![x](y)", ":red[z]"):
        assert raw not in markup
    assert said in as_read(markup) + "".join(str(each.options) for each in at.selectbox)


def test_the_check_sees_what_is_not_escaped() -> None:
    def page() -> None:
        import streamlit

        from tests.pages.test_hostile import HOSTILE

        streamlit.button("Press", help=HOSTILE)
        streamlit.radio("Choose", [HOSTILE])

    at = AppTest.from_function(page).run()
    assert shown(at).count(LINK) == 2


@pytest.mark.parametrize("text", [f"1_{HOSTILE}", f"1_ring8_{HOSTILE}.3", f"1_ring8_act.{HOSTILE}", f"{HOSTILE}_1"])
def test_a_set_up_in_a_link(open_page: OpenPage, text: str) -> None:
    assert_text(open_page(setup=text))


@pytest.mark.parametrize("text", [f"1_{HOSTILE}", f"1_goal.{HOSTILE}", f"{HOSTILE}_shape"])
def test_a_link_of_a_class(open_page: OpenPage, text: str) -> None:
    assert_text(open_page(**{"class": text}))


@pytest.mark.parametrize("page", ["train", "explore"])
def test_a_run_in_a_link(open_page: OpenPage, page: str) -> None:
    assert_text(open_page(run=HOSTILE, page=None if page == "train" else page))


def test_what_is_looked_for_in_the_list(open_page: OpenPage, service: RunService) -> None:
    service.start(RunConfig(), paused=True)
    assert_text(open_page(page="runs", search=HOSTILE, target=HOSTILE, state=HOSTILE), said="")


def test_a_notice(open_page: OpenPage) -> None:
    at = open_page()
    at.session_state[player.NOTICE] = HOSTILE
    assert_text(at.run())


def test_a_set_up_in_a_file(open_page: OpenPage) -> None:
    at = open_page()
    upload(at, json.dumps({HOSTILE: 1, "epochs": HOSTILE}).encode(), f"{HOSTILE}.json")
    assert_text(at)


def test_the_names_of_runs(open_page: OpenPage, service: RunService) -> None:
    for _ in range(2):  # alike, so that their ids tell them apart
        run_id = service.start(RunConfig(shape="ring8"), paused=True, owner=ANNA)
        service.rename(run_id, HOSTILE[:80], HOSTILE, owner=ANNA)
    at = open_page(page="runs")
    assert_text(at)
    assert_text(choose(at, run_id, "Stop for good…"))
    at.button("keep_run").click().run()
    assert_text(choose(at, run_id, "Delete"))
    assert_text(open_page(run=run_id), said="")


def test_names_in_explore(
    open_page: OpenPage, service: RunService, engine: ManualEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page()
    run_id = train_some(at, engine, service)
    service.pause(run_id, owner=ANNA)
    service.rename(run_id, HOSTILE[:80], "", owner=ANNA)
    monkeypatch.setattr(service, "export", lambda *_: random_generator(title=HOSTILE, variant=HOSTILE))
    at = open_page(page="explore", run=run_id, beside=f"{run_id}.best")
    assert len(at.subheader) == 2
    assert_text(at)
    file = random_generator(title=HOSTILE, variant=HOSTILE, formula=HOSTILE, seed=1)
    at.file_uploader(explored._FILE).set_value((f"{HOSTILE}.zip", file, "application/zip")).run()
    assert_text(at)
    at.file_uploader(explored._FILE).set_value((f"{HOSTILE}.zip", b"PK", "application/zip")).run()
    assert_text(at)


def test_a_table_whose_rows_are_not_there(open_page: OpenPage) -> None:
    rows = np.random.default_rng(0).normal(size=(200, 2)) + 5
    spec = TableSpec.of(rows, name=HOSTILE, columns=(LINK, TAG))
    assert_text(open_page(setup=link.encode(RunConfig(target=spec))))


def test_what_a_worker_says(
    open_page: OpenPage,
    service: RunService,
    engine: ManualEngine,
    training: FakeTraining,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = open_page()
    run_id = train_some(at, engine, service)
    training.ending = ("failed", HOSTILE)
    engine.run_next()
    until(lambda: service.snapshot(run_id).status == "failed")

    def samples(*_: Any, **__: Any) -> None:
        raise ValueError(HOSTILE)

    monkeypatch.setattr(service, "samples", samples)
    at.session_state["variants_open"] = True
    at.run()
    assert not at.exception
    assert_text(at)
    assert_text(open_page(page="runs"))
