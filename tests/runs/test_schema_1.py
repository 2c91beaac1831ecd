"""Runs that were saved before the second schema: a file written by the code of that time, opened by today's."""

from __future__ import annotations

import gzip
import io
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from gandash.runs.executors import LocalWorkers
from gandash.runs.library import Library
from gandash.runs.service import RunService
from gandash.runs.snapshot import Status
from gandash.runs.store import FILE_NAME, SCHEMA_VERSION, RunStore

from .conftest import until
from .test_processes import Borrowed

FINISHED, PAUSED, UNTRAINED, DIVERGED, MID = "3e928acb02", "3a98a50bfe", "caca0c8017", "528abf8ef6", "4d233931fa"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    data = (Path(__file__).parent / "schema-1.sqlite3.gz").read_bytes()
    (tmp_path / FILE_NAME).write_bytes(gzip.decompress(data))
    return tmp_path


@pytest.fixture
def old(workers: LocalWorkers, home: Path) -> Iterator[RunService]:
    service = RunService(RunStore(home), Borrowed(workers))
    yield service
    service.close()


def layout(folder: Path) -> dict[str, set[str]]:
    """The columns of each table of a file of today's schema."""
    with sqlite3.connect(folder / FILE_NAME) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found = {table: {row[1] for row in db.execute(f"PRAGMA table_info({table})")} for table in tables}
    db.close()
    return found


def test_it_is_listed(home: Path) -> None:
    store = RunStore(home)
    found = {run.run_id: run for run in store.summaries()}
    store.close()
    assert {run_id: (run.target, run.status, run.epoch) for run_id, run in found.items()} == {
        FINISHED: ("exponential", Status.FINISHED, 12),
        PAUSED: ("ring8", Status.PAUSED, 3),
        UNTRAINED: ("line", Status.PAUSED, 0),
        DIVERGED: ("exponential", Status.DIVERGED, 1),
        MID: ("exponential", Status.PAUSED, 15),
    }
    finished = found[FINISHED]
    assert (finished.title, finished.objective, finished.seed) == ("Exponential growth", "non-saturating", 5)
    assert (finished.epochs, finished.headline_epoch, round(finished.headline or 0)) == (12, 12, 13895)
    assert found[MID].headline_epoch == 15 and found[UNTRAINED].headline is None
    assert all((run.name, run.note, run.parent, run.first_epoch) == ("", "", None, 0) for run in found.values())


def test_it_has_the_tables_of_a_new_file_and_is_brought_over_once(home: Path, tmp_path: Path) -> None:
    RunStore(home).close()
    RunStore(home).close()
    RunStore(tmp_path / "new").close()
    assert layout(home) == layout(tmp_path / "new")


def test_a_run_whose_set_up_cannot_be_read_is_listed_as_such(home: Path) -> None:
    with sqlite3.connect(home / FILE_NAME) as db:
        db.execute("UPDATE runs SET config = json_set(config, '$.shape', 'atlantis') WHERE id = ?", (PAUSED,))
    db.close()
    store = RunStore(home)
    (lost,) = [run for run in store.summaries() if run.run_id == PAUSED]
    assert lost.damaged and store.delete(PAUSED)
    store.close()


def test_nothing_is_lost(home: Path) -> None:
    library = Library(RunStore(home), lambda: 0.0)
    run = library.read(FINISHED)
    library.close()
    snapshot = run.snapshot
    assert (snapshot.epoch, snapshot.progress, snapshot.variants) == (12, 1.0, ("latest", "ema", "best"))
    assert snapshot.history.epoch.tolist() == list(range(1, 13))
    assert snapshot.frames[0].points.shape == (1000, 2) and run.checkpoint
    assert snapshot.appraisals["ema"].epoch == 12 and snapshot.metrics["c2st"] == 0.998
    assert snapshot.message == "All 12 epochs are done."


def test_a_finished_run_exports_what_it_showed_and_gets_figures_for_all_its_generators(old: RunService) -> None:
    (frame,) = old.snapshot(FINISHED).frames
    np.testing.assert_allclose(old.samples(FINISHED, 1000, "ema", 0), frame.points, rtol=1e-5, atol=1e-5)
    module = torch.jit.load(io.BytesIO(old.export(FINISHED, "ema")))  # type: ignore[no-untyped-call]
    noise = torch.randn(1000, 2, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(module(noise).detach().numpy(), frame.points, rtol=1e-5, atol=1e-5)
    until(lambda: old.snapshot(FINISHED).appraised is not None)
    snapshot = old.snapshot(FINISHED)
    assert set(snapshot.appraisals) == set(snapshot.variants)
    assert snapshot.status is Status.FINISHED and snapshot.real is not None and snapshot.real.shape == (256, 2)


@pytest.mark.parametrize("run_id", [PAUSED, MID, UNTRAINED])
def test_a_paused_run_goes_on(old: RunService, run_id: str) -> None:
    before = old.snapshot(run_id)
    old.epoch(run_id)
    until(lambda: old.snapshot(run_id).epoch == before.epoch + 1 and not old.snapshot(run_id).status.active)
    until(lambda: old.snapshot(run_id).appraised == old.snapshot(run_id).progress)  # soon after the epoch itself
    after = old.snapshot(run_id)
    assert after.status is Status.PAUSED, after.message
    assert after.history.epoch.tolist() == list(range(1, before.epoch + 2))
    assert after.real is not None and set(after.appraisals) == set(after.variants)


def test_a_diverged_run_keeps_its_healthy_generator(old: RunService) -> None:
    assert old.snapshot(DIVERGED).variants == ("latest",)
    assert np.isfinite(old.samples(DIVERGED, 100, "latest")).all()
    with pytest.raises(ValueError, match="diverged"):
        old.train_on(DIVERGED, {})


def test_a_finished_run_is_trained_on(old: RunService) -> None:
    child = old.train_on(FINISHED, {"epochs": 2})
    until(lambda: not old.snapshot(child).status.active)
    end = old.snapshot(child)
    assert (end.status, end.epoch, end.first_epoch) == (Status.FINISHED, 14, 12), end.message
    assert end.history.epoch.tolist() == list(range(1, 15))
