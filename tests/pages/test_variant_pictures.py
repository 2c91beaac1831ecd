"""The pictures of a run's generators: each shows its own points, drawn only for whoever looks, only while it rests."""

from __future__ import annotations

import base64
import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from gandash.charts.picture import thumbnail
from gandash.pages import variant_pictures
from gandash.runs.service import RunService
from gandash.runs.snapshot import Status
from tests.pages.conftest import ANNA, OpenPage, texts
from tests.pages.test_train import train_some
from tests.runs.conftest import FakeTraining, ManualEngine, until

VALUES = {"latest": 5.0, "ema": 20.0, "best": 40.0}


def points_of(which: str) -> NDArray[np.float32]:
    return np.full((variant_pictures.POINTS, 2), VALUES[which], np.float32)


@pytest.fixture
def asked(service: RunService, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which generators were asked for points."""
    found: list[str] = []

    def samples(run_id: str, n: int, which: str, seed: int = 0) -> NDArray[np.float32]:
        assert (n, seed) == (variant_pictures.POINTS, 0)
        found.append(which)
        return points_of(which)

    monkeypatch.setattr(service, "samples", samples)
    return found


def finished(at: AppTest, engine: ManualEngine, service: RunService, training: FakeTraining) -> str:
    run_id = train_some(at, engine, service)
    training.ending = ("finished", "")
    engine.run_next()
    until(lambda: service.snapshot(run_id).status is Status.FINISHED)
    at.run()
    return run_id


def html(at: AppTest) -> str:
    return next((each.proto.body for each in at.get("html") if 'class="gandash-variants"' in each.proto.body), "")


def open_section(at: AppTest) -> None:
    at.session_state["variants_open"] = True
    at.run()
    assert not at.exception


def test_each_generator_shows_its_own_points_beside_its_quality(
    open_page: OpenPage, engine: ManualEngine, service: RunService, training: FakeTraining, asked: list[str]
) -> None:
    at = open_page()
    run_id = finished(at, engine, service, training)
    assert asked == [] and not html(at), "nobody looks"
    open_section(at)
    assert asked == ["latest", "best"]
    snapshot = service.snapshot(run_id)
    target = snapshot.config.target.build()
    found = re.findall(r'base64,([^"]+)" alt="([^"]+)"><figcaption>([^<]+)<', html(at))
    assert len(found) == 2
    for (data, about, said), which in zip(found, ("latest", "best"), strict=True):
        drawn = thumbnail(points_of(which), target, real=snapshot.real, pixels=variant_pictures.PIXELS)
        assert base64.b64decode(data) == drawn
        assert which in about.lower() and f"epoch {snapshot.appraisals[which].epoch}" in said and "gap to real" in said
    assert found[0][0] != found[1][0]
    at.run()
    assert asked == ["latest", "best"], "once for each change of the run"


def test_while_it_trains_there_are_none_and_it_says_so(
    open_page: OpenPage, engine: ManualEngine, service: RunService, asked: list[str]
) -> None:
    at = open_page()
    train_some(at, engine, service)
    open_section(at)
    assert asked == [] and not html(at)
    assert "Pause it to see what each one makes" in texts(at)


def test_a_run_that_goes_on_meanwhile_shows_none(
    open_page: OpenPage,
    engine: ManualEngine,
    service: RunService,
    training: FakeTraining,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = open_page()
    run_id = finished(at, engine, service, training)

    def samples(*_: Any, **__: Any) -> NDArray[np.float32]:
        service.rename(run_id, f"changed {next(names)}", "", owner=ANNA)
        return points_of("latest")

    names = iter(range(9))
    monkeypatch.setattr(service, "samples", samples)
    open_section(at)
    assert not html(at) and "The run has gone on meanwhile" in texts(at)


def test_workers_that_cannot_are_told_in_words(
    open_page: OpenPage,
    engine: ManualEngine,
    service: RunService,
    training: FakeTraining,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    at = open_page()
    finished(at, engine, service, training)

    def samples(*_: Any, **__: Any) -> NDArray[np.float32]:
        raise ValueError("The workers have not answered for 120 s: try again later.")

    monkeypatch.setattr(service, "samples", samples)
    open_section(at)
    assert not html(at) and "have not answered for 120 s" in texts(at)
