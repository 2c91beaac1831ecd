"""What the downloads say and offer: the generator on screen first, each with its own epoch and figure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from gandash.core.config import RunConfig
from gandash.core.formats import FORMATS
from gandash.core.metrics import percent
from gandash.core.records import Appraisal
from gandash.pages import downloads, film, wording
from gandash.runs.service import RunService
from gandash.runs.snapshot import Snapshot, Status
from tests.pages.conftest import OpenPage, texts, tile, widget
from tests.pages.test_train import train_some
from tests.runs.conftest import FakeTraining, ManualEngine, until


def appraisal(which: str, epoch: int, gap: float) -> Appraisal:
    return Appraisal(which, epoch, 1.0, {"headline": gap}, 0.25)


def snapshot(status: Status = Status.FINISHED, **changes: Any) -> Snapshot:
    appraisals = {"ema": appraisal("ema", 80, 2.1), "latest": appraisal("latest", 80, 69.0)}
    given: dict[str, Any] = {
        "config": RunConfig(shape="circle", ema_decay=0.99),
        "epoch": 80,
        "progress": 1.0,
        "appraised": 1.0,
        "variants": ("latest", "ema", "best"),
        "appraisals": appraisals | {"best": appraisal("best", 63, 1.9)},
    } | changes
    return Snapshot(run_id="a", version=1, status=status, created=datetime.now(UTC), **given)


def test_a_generator_says_whether_it_is_on_screen_and_of_which_epoch() -> None:
    rests, trains = snapshot(), snapshot(Status.RUNNING)
    assert downloads.variant_title(rests, "ema") == "EMA, as shown, epoch 80"
    assert downloads.variant_title(rests, "latest") == "Latest, epoch 80"
    assert downloads.variant_title(rests, "best") == "Best, epoch 63"
    assert downloads.variant_title(trains, "ema") == "EMA, as shown"
    diverged = snapshot(Status.DIVERGED)
    assert downloads.variant_title(diverged, "latest") == "Latest, as shown, epoch 80"


def test_each_generator_has_its_own_figure_and_epoch() -> None:
    assert wording.quality(snapshot(), "ema") == "EMA (as shown), epoch 80: gap to real 210 % ± 25.0 %"
    assert wording.quality(snapshot(), "best") == "Best, epoch 63: gap to real 190 % ± 25.0 %"
    assert wording.quality(snapshot(appraisals={}), "ema") == "EMA (as shown): not measured yet"


def test_file_names_tell_target_variant_and_epoch() -> None:
    assert downloads.file_stem(snapshot(), "ema") == "circle-ema-epoch80"
    assert downloads.file_stem(snapshot(), "latest") == "circle-latest-epoch80"
    assert downloads.file_stem(snapshot(), "best") == "circle-best-epoch63"
    assert downloads.file_stem(snapshot()) == "circle-epoch80"
    assert downloads.file_stem(snapshot(Status.RUNNING), "best") == "circle-best"


@pytest.mark.parametrize(("decay", "shown"), [(0.0, "latest"), (0.99, "ema")])
def test_the_generator_on_screen_is_offered_first_and_a_new_run_begins_with_it_again(
    open_page: OpenPage,
    engine: ManualEngine,
    service: RunService,
    training: FakeTraining,
    decay: float,
    shown: str,
) -> None:
    training.variants = ("latest", "ema", "best") if decay else ("latest", "best")
    at = open_page()
    widget(at, "ema_decay").set_value(str(decay))
    run_id = train_some(at, engine, service)
    assert service.snapshot(run_id).shown == shown
    assert at.segmented_control("variant").value == shown
    at.segmented_control("variant").set_value("best").run()
    assert at.segmented_control("variant").value == "best"
    at.button("reset").click().run()
    engine.calls.clear()
    train_some(at, engine, service)
    assert at.segmented_control("variant").value == shown


def test_a_run_that_begins_has_a_sentence_in_place_of_the_buttons_which_come_with_its_points_or_a_pause(
    open_page: OpenPage, engine: ManualEngine, service: RunService
) -> None:
    def offered(at: AppTest) -> bool:
        return "variant" in [switch.key for switch in at.segmented_control]

    at = open_page()
    at.button("train").click().run()
    assert "once the first points are on screen" in texts(at) and not offered(at)
    at.button("train").click().run()
    assert "once the first points are on screen" in texts(at) and offered(at)
    engine.calls.clear()
    at = open_page()
    train_some(at, engine, service)
    assert offered(at)


def test_tiles_report_and_downloads_give_one_figure_of_one_epoch(
    open_page: OpenPage, engine: ManualEngine, service: RunService, training: FakeTraining
) -> None:
    at = open_page()
    run_id = train_some(at, engine, service)
    training.ending = ("finished", "")
    engine.run_next()
    until(lambda: service.snapshot(run_id).status is Status.FINISHED)
    at.run()
    metrics, epoch = service.snapshot(run_id).current
    gap = tile(at, f"Gap to real, epoch {epoch}")
    assert gap == percent(metrics["headline"])
    said = texts(at)
    assert f"as shown, at epoch {epoch}" in said
    assert f"Latest (as shown), epoch {epoch}: gap to real {gap} ± 10.0 %" in said
    assert f"| Gap to real | {gap} ± 10.0 % |" in said


def test_the_format_is_chosen_beside_the_generator_and_comes_with_its_own_lines(
    open_page: OpenPage, engine: ManualEngine, service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page()
    train_some(at, engine, service)

    def lines() -> str:
        return next(code.value for code in at.code if "noise" in code.value)

    for name, needed in {"torchscript": "torch.jit.load", "pt2": "torch.export.load", "onnx": "onnxruntime"}.items():
        at.segmented_control("format").set_value(name).run()
        assert needed in lines() and f'{FORMATS[name].suffix}"' in lines() and FORMATS[name].about in texts(at)
        assert not at.exception
    monkeypatch.setattr("gandash.core.formats.find_spec", lambda name: None)
    at.run()
    assert "The package onnx is missing here" in texts(at)
    at.segmented_control("format").set_value("portable").run()
    assert "is missing here" not in texts(at)


def test_a_film_says_epochs_and_figures_and_ends_where_the_run_stands(
    service: RunService, engine: ManualEngine, training: FakeTraining
) -> None:
    run_id = service.start(RunConfig(shape="line", epochs=100))
    for _ in range(3):
        engine.run_next()
    until(lambda: service.snapshot(run_id).epoch == 7)
    shown = film.of(service, run_id)
    assert [moment.epoch for moment in shown.moments] == [1, 2, 3, 4, 5, 6, 7]
    assert shown.moments[3].words == "Gap to real 50.0 %"
    assert shown.real is not None
    service.rename(run_id, "A <b>", "")
    assert film.of(service, run_id, [2, 5]).title == "Line · A <b>"
    assert [moment.epoch for moment in film.of(service, run_id, [2, 5]).moments] == [2, 5]


def test_the_pictures_of_a_run_are_those_nearest_to_every_25th_epoch() -> None:
    assert film.pictured(snapshot(timeline=tuple(range(81)))) == [25, 50, 75]
    assert film.pictured(snapshot(epoch=9, timeline=tuple(range(10)))) == [9], "of a young run the newest"
    assert film.pictured(snapshot()) == []


def test_the_film_and_the_pictures_are_made_by_a_worker_at_the_click(
    service: RunService, engine: ManualEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = service.start(RunConfig(shape="line", epochs=100))
    engine.run_next()
    until(lambda: service.snapshot(run_id).epoch == 2)
    monkeypatch.setattr(service, "_ask", lambda function, *args: function(*args))
    assert film.gif(service, run_id, "dark").startswith(b"GIF89a")
    assert film.pictures(service, run_id, "light").startswith(b"PK")
    assert b"gandash/film" in film.html(service, run_id)
    now = service.snapshot(run_id)
    assert film.draw(now, now.frames[-1].points, 2, "light").startswith(b"\x89PNG")
