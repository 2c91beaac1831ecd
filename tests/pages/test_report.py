"""The report of a run that rests: every metric that was measured, and the verdict in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import numpy as np
import pytest

from gandash.core.config import RunConfig
from gandash.core.metrics import METRICS
from gandash.core.records import Appraisal, Verdict
from gandash.core.targets.shapes import SHAPES
from gandash.core.trainer import Trainer
from gandash.pages import report
from gandash.runs.service import RunService
from gandash.runs.snapshot import Snapshot, Status
from tests.pages.conftest import OpenPage, texts
from tests.pages.test_train import train_some
from tests.runs.conftest import FakeTraining, ManualEngine, until


@pytest.mark.parametrize("verdict", get_args(Verdict))
def test_the_verdict_is_said_with_the_gap_and_how_sure_it_is(verdict: Verdict) -> None:
    said = report.verdict(Appraisal("latest", 1, 1.0, {"headline": 0.123}, 0.02, verdict))
    assert said.lower().startswith(f"**{verdict}:**") and "12.3 % ± 2.0 %" in said
    assert report.verdict(Appraisal("latest", 1, 1.0, {"headline": 0.123}, 0.02)) == ""
    for share, told in ((0.5, False), (0.9, True)):
        said = report.verdict(Appraisal("latest", 1, 1.0, {"headline": 0.123, "copying": share}, 0.02, verdict))
        assert ("repeats rows of the training" in said) == told


@pytest.mark.parametrize("shape", ["exponential", "ring8", "heart"])
def test_a_finished_run_reports_every_metric_of_its_shape(shape: str) -> None:
    trainer = Trainer(RunConfig.model_validate({"shape": shape, "points": 128, "epochs": 1}))
    before = trainer.evaluate()
    trainer.advance(epochs=1)
    measured = trainer.evaluate()
    assert set(measured) == set(before)
    assert 0.4 < measured["nn_accuracy"] <= 1 and np.isfinite(measured["energy_distance"])
    now = datetime.now(UTC)
    appraisal = Appraisal("latest", 1, 1.0, measured, 0.1)
    snapshot = Snapshot("a", 1, trainer.config, Status.FINISHED, now, appraisals={"latest": appraisal})
    table = report.table(snapshot).splitlines()
    assert [line.split(" | ")[0] for line in table[2:]] == [
        f"| {metric.title}" for name, metric in METRICS.items() if name in measured
    ]
    assert ("Modes covered" in report.table(snapshot)) == (SHAPES[shape].modes is not None)


def test_the_report_comes_when_the_run_rests(
    open_page: OpenPage, engine: ManualEngine, service: RunService, training: FakeTraining
) -> None:
    at = open_page()
    run_id = train_some(at, engine, service)
    assert "How good is it?" not in texts(at)
    training.ending = ("finished", "")
    engine.run_next()
    until(lambda: service.snapshot(run_id).status is Status.FINISHED)
    at.run()
    assert "How good is it?" in texts(at)
    assert METRICS["mse"].help in texts(at)
