"""Runs that were saved before the third schema: a file written by the code of that time, opened by today's."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gandash.core.judge import JUDGE_VERSION
from gandash.runs.executors import LocalWorkers
from gandash.runs.service import RunService
from gandash.runs.snapshot import Status
from gandash.runs.store import FILE_NAME, RunStore

from .conftest import until
from .test_processes import Borrowed
from .test_schema_1 import layout

FINISHED, PAUSED, CHILD = "8b97c57a9f", "d5b020743d", "bcaec5c3c5"
UNTRAINED, DELETED, KILLED = "7c72b29a0c", "1284ba8616", "b932b09575"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    data = (Path(__file__).parent / "schema-2.sqlite3.gz").read_bytes()
    (tmp_path / FILE_NAME).write_bytes(gzip.decompress(data))
    return tmp_path


@pytest.fixture
def old(workers: LocalWorkers, home: Path) -> Iterator[RunService]:
    service = RunService(RunStore(home), Borrowed(workers))
    yield service
    service.close()


def test_it_has_the_tables_of_a_new_file(home: Path, tmp_path: Path) -> None:
    for folder in (home, home, tmp_path / "new"):
        RunStore(folder).close()
    assert layout(home) == layout(tmp_path / "new")


def test_it_is_listed_and_belongs_to_nobody_yet(home: Path) -> None:
    store = RunStore(home)
    found = {run.run_id: run for run in store.summaries()}
    assert {run_id: (run.target, run.status, run.epoch, run.name) for run_id, run in found.items()} == {
        FINISHED: ("exponential", Status.FINISHED, 12, ""),
        PAUSED: ("ring8", Status.PAUSED, 2, "A ring"),
        CHILD: ("exponential", Status.FINISHED, 15, ""),
        UNTRAINED: ("line", Status.PAUSED, 0, ""),
        KILLED: ("exponential", Status.RUNNING, 3, ""),
    }
    assert all(run.owners == () for run in found.values())
    assert (found[CHILD].parent, found[CHILD].first_epoch) == (FINISHED, 12)
    assert store.servers() == {"999999999:1.00:x"}
    assert store.undelete(DELETED)
    store.close()


def test_a_finished_run_makes_what_it_showed(old: RunService) -> None:
    snapshot = old.snapshot(FINISHED)
    assert set(snapshot.appraisals) == set(snapshot.variants)
    np.testing.assert_allclose(old.samples(FINISHED, 1000, "ema", 0), snapshot.frames[0].points, rtol=1e-5, atol=1e-5)


def test_what_an_earlier_judge_measured_is_told_apart_until_it_is_measured_anew(home: Path, old: RunService) -> None:
    store = RunStore(home)
    listed = {run.run_id: run for run in store.summaries()}[FINISHED]
    loaded = store.load(FINISHED)
    store.close()
    assert listed.judge == 1 and listed.headline is not None
    assert loaded is not None
    assert {each.judge for each in loaded.snapshot.appraisals.values()} == {1}
    assert "headline" not in loaded.snapshot.metrics and loaded.snapshot.metrics["earlier_gap"] == listed.headline
    assert "headline" not in loaded.snapshot.history.columns and "earlier_gap" in loaded.snapshot.history.columns
    until(lambda: old.snapshot(FINISHED).appraised is not None)
    snapshot = old.snapshot(FINISHED)
    assert snapshot.appraised == snapshot.progress
    assert {each.judge for each in snapshot.appraisals.values()} == {JUDGE_VERSION}
    assert 0 < snapshot.metrics["headline"] < 3 and snapshot.appraisals[snapshot.shown].verdict == "told apart"


@pytest.mark.parametrize("run_id", [PAUSED, UNTRAINED, KILLED])
def test_a_run_goes_on(old: RunService, run_id: str) -> None:
    before = old.snapshot(run_id)
    assert before.status is Status.PAUSED
    old.epoch(run_id)
    until(lambda: old.snapshot(run_id).epoch == before.epoch + 1 and not old.snapshot(run_id).status.active)
    after = old.snapshot(run_id)
    assert after.status is Status.PAUSED, after.message
    assert after.history.epoch.tolist() == list(range(1, before.epoch + 2))
    assert (after.name, after.note) == (before.name, before.note)
