"""A page driven without a browser, on a service whose training obeys the test."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest

from gandash.core.config import KNOBS, RunConfig
from gandash.pages import NAVIGATION, knobs, server, setup, sidebar
from gandash.runs.service import RunService
from gandash.runs.store import RunStore
from tests.runs.conftest import FakeTraining, ManualEngine

OpenPage = Callable[..., AppTest]

ANNA, BEN = "a" * 64, "b" * 64
"""Keys of owners: of who opens a page, and of somebody else."""

_AS = "opened_by"


@pytest.fixture(scope="session", autouse=True)
def _scan_once() -> Iterator[None]:
    """Each AppTest looks for components in all installed packages, which takes longer than most of our scripts."""
    with pytest.MonkeyPatch.context() as patch:
        scan = manifest_scanner.scan_component_manifests
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(scan))
        yield


@pytest.fixture
def engine() -> ManualEngine:
    return ManualEngine()


@pytest.fixture
def training() -> FakeTraining:
    return FakeTraining()


@pytest.fixture
def service(tmp_path: Path, engine: ManualEngine, training: FakeTraining) -> Iterator[RunService]:
    service = RunService(RunStore(tmp_path), engine, idle_pause=None, advance=training, fork=training.fork)
    yield service
    service.close()


@pytest.fixture
def open_page(service: RunService, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Open the dashboard in a new session: `open_page(run="id", page="runs")`, `open_page(owner=BEN)`."""
    monkeypatch.setattr(server, "_open", lambda: service)
    monkeypatch.setattr(server, "_owner", lambda: (st.session_state[_AS], True))

    def open_(*, page: str | None = None, owner: str = ANNA, **query: str) -> AppTest:
        at = AppTest.from_file(NAVIGATION, default_timeout=30)
        at.session_state[_AS] = owner
        at.query_params.update(query)
        at.run()
        if page:
            at.switch_page(f"{page}.py").run()
        assert not at.exception
        return at

    return open_


def texts(at: AppTest) -> str:
    """Everything that the page says in words, the sidebar included, as it reads on screen where it is escaped."""
    kinds: tuple[Any, ...] = (at.markdown, at.caption, at.error, at.warning, at.success, at.info)
    said = [as_read(str(element.value)) for kind in kinds for element in kind]
    for part in parts(at).values():
        words = json.loads(part["words"])
        said += [words["status"]["label"], words["progress"], words["sentence"], *words["qualities"]]
    return "\n".join(said)


def components(at: AppTest) -> list[dict[str, Any]]:
    """What each element of ours on the page is told."""
    return [json.loads(element.proto.json) for element in at.get("bidi_component") if element.proto.json]


def parts(at: AppTest) -> dict[str, dict[str, Any]]:
    """What the elements that watch a run are told, by their names."""
    return {each["part"]: each for each in components(at) if "part" in each}


def tile(at: AppTest, label: str) -> str:
    """How the tile of this name reads."""
    tiles = json.loads(parts(at)["tiles"]["words"])["tiles"]
    return str(next(each["value"] for each in tiles if each["label"] == label))


def as_read(markdown: str) -> str:
    """What `wording.plain` has escaped, as it reads."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown).replace("\u2060", "")


def run_in_address(at: AppTest) -> str | None:
    """The run that the address names."""
    value: str | list[str] | None = at.query_params.get("run")
    return value[0] if isinstance(value, list) else value


def unfold(at: AppTest) -> None:
    """Open *More knobs* and all that is folded in it."""
    for key in ("more", *(f"group_{group}" for group in sidebar.FOLDED)):
        at.session_state[key] = True
    at.run()


def widget(at: AppTest, name: str) -> Any:
    """The widget of a knob; the section that it is folded into is opened."""
    kind, key = kind_of(name), setup.key(name)
    try:
        return getattr(at, kind)(key)
    except KeyError:
        unfold(at)
        return getattr(at, kind)(key)


def kind_of(name: str) -> str:
    """What AppTest calls the widget of a knob."""
    if name in knobs.IN_A_ROW:
        return "segmented_control"
    return {"bool": "toggle", "choice": "selectbox", "target": "radio"}.get(KNOBS[name].kind, "text_input")


def config_of(at: AppTest) -> RunConfig:
    """What the widgets hold, read as the page does not: by the field names of the config."""
    return RunConfig(**{name: at.session_state[setup.key(name)] for name in KNOBS})
