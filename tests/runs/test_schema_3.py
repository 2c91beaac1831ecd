"""Runs that were saved before runs kept their past: a file written by the code of that time, opened by today's."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from gandash.runs.executors import LocalWorkers
from gandash.runs.service import RunService
from gandash.runs.snapshot import Status
from gandash.runs.store import FILE_NAME, RunStore

from .conftest import until
from .test_processes import Borrowed
from .test_schema_1 import layout

FINISHED, PAUSED, UNTRAINED = "b2841badd8", "1c7470efdb", "7d19a8cc86"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    data = (Path(__file__).parent / "schema-3.sqlite3.gz").read_bytes()
    (tmp_path / FILE_NAME).write_bytes(gzip.decompress(data))
    return tmp_path


def test_it_has_the_tables_of_a_new_file(home: Path, tmp_path: Path) -> None:
    for folder in (home, home, tmp_path / "new"):
        RunStore(folder).close()
    assert layout(home) == layout(tmp_path / "new")


def test_the_timeline_is_empty_and_begins_where_the_run_goes_on(home: Path, workers: LocalWorkers) -> None:
    service = RunService(RunStore(home), Borrowed(workers))
    try:
        assert service.snapshot(FINISHED).status is Status.FINISHED
        assert service.timeline(FINISHED) == service.timeline(PAUSED) == service.timeline(UNTRAINED) == ()
        assert service.kept_frames(PAUSED) == ()
        service.epoch(PAUSED)
        until(lambda: service.snapshot(PAUSED).epoch == 4)
        service.epoch(UNTRAINED)
        until(lambda: service.snapshot(UNTRAINED).epoch == 1)
        assert service.timeline(PAUSED) == (4,) and service.timeline(UNTRAINED) == (0, 1)
        kept = service.kept(UNTRAINED, 0)
        assert kept.points.shape == (1000, 2) and kept.weights is not None
        seen = service.views_at(UNTRAINED, 1, ["discriminator"])
        assert (seen.epoch, {*seen.views}) == (0, {"discriminator"}), "the nearest whose networks are kept"
        assert service.views_at(PAUSED, 4, ["discriminator"]).views == {}, "there is none"
        child = service.train_on(FINISHED, {"epochs": 2}, step=True)
        until(lambda: service.snapshot(child).epoch == 13)
        assert service.timeline(child) == (13,)
    finally:
        service.close()
