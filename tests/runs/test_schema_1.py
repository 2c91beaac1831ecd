"""Runs that were saved before the second schema: a file written by the code of that time, opened by today's."""

from __future__ import annotations

import gzip
import sqlite3
from pathlib import Path

import pytest

from gandash.runs.library import Library
from gandash.runs.snapshot import Status
from gandash.runs.store import FILE_NAME, SCHEMA_VERSION, RunStore

FINISHED, PAUSED, UNTRAINED, DIVERGED, MID = "3e928acb02", "3a98a50bfe", "caca0c8017", "528abf8ef6", "4d233931fa"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    data = (Path(__file__).parent / "schema-1.sqlite3.gz").read_bytes()
    (tmp_path / FILE_NAME).write_bytes(gzip.decompress(data))
    return tmp_path


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
    layouts = []
    for folder in (home, tmp_path / "new"):
        with sqlite3.connect(folder / FILE_NAME) as db:
            tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            layouts.append({table: {row[1] for row in db.execute(f"PRAGMA table_info({table})")} for table in tables})
            assert db.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        db.close()
    assert layouts[0] == layouts[1]


def test_a_run_whose_set_up_cannot_be_read_is_listed_still(home: Path) -> None:
    with sqlite3.connect(home / FILE_NAME) as db:
        db.execute("UPDATE runs SET config = json_set(config, '$.shape', 'atlantis') WHERE id = ?", (PAUSED,))
    db.close()
    store = RunStore(home)
    (lost,) = [run for run in store.summaries() if run.run_id == PAUSED]
    store.close()
    assert (lost.target, lost.title, lost.epochs) == ("atlantis", "atlantis", 40)


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
