"""What is not on the disk is said on the pages at once, and for as long as it is so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gandash.core.config import RunConfig
from gandash.runs import saver
from gandash.runs.service import RunService
from gandash.runs.store import RunStore
from tests.pages.conftest import ANNA, OpenPage, texts
from tests.pages.test_runs import choose, titles
from tests.runs.conftest import FakeTraining, ManualEngine, until
from tests.runs.test_saver import locked

SAID = "is not saved and would be lost with the server. The saved runs cannot be read or written (database is locked)"


@pytest.fixture
def service(
    tmp_path: Path, engine: ManualEngine, training: FakeTraining, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunService]:
    monkeypatch.setattr(saver, "CLOSE_SECONDS", 0.2)
    service = RunService(RunStore(tmp_path, patience=0.01), engine, idle_pause=None, advance=training)
    yield service
    service.close()


@pytest.fixture
def run(service: RunService) -> str:
    run_id = service.start(RunConfig(shape="heart"), paused=True, owner=ANNA)
    until(lambda: service.unsaved is None)
    return run_id


@pytest.fixture
def store(service: RunService) -> RunStore:
    return service._library._store


def test_a_run_says_that_it_is_not_saved_until_it_is(
    open_page: OpenPage, service: RunService, store: RunStore, run: str
) -> None:
    at = open_page(run=run)
    assert "Not saved" not in texts(at)
    with locked(store):
        service.rename(run, "new", "", owner=ANNA)
        until(lambda: service.snapshot(run).unsaved)
        assert SAID in texts(at.run())
    until(lambda: service.unsaved is None and not service.snapshot(run).unsaved)
    assert SAID not in texts(at.run())


def test_the_list_says_what_is_not_saved_until_it_is(
    open_page: OpenPage, service: RunService, store: RunStore, run: str
) -> None:
    at = open_page(page="runs")
    assert not at.error
    with locked(store):
        service.rename(run, "new", "", owner=ANNA)
        until(lambda: service.unsaved)
        at.run()
        assert SAID in texts(at) and "Not saved" in texts(at) and titles(at) == ["new"]
    until(lambda: service.unsaved is None and not service.snapshot(run).unsaved)
    assert not at.run().error and "Not saved" not in texts(at)


@pytest.mark.parametrize("others", [0, 1])
def test_a_deletion_that_is_not_written_is_told(
    open_page: OpenPage, service: RunService, store: RunStore, run: str, others: int
) -> None:
    for _ in range(others):
        service.start(RunConfig(shape="star"), paused=True, owner=ANNA)
    until(lambda: service.unsaved is None)
    at = open_page(page="runs")
    with locked(store):
        choose(at, run, "Delete")
        until(lambda: service.unsaved)
        assert SAID in texts(at.run()) and len(titles(at)) == others
    until(lambda: service.unsaved is None)
    assert not at.run().error and store.is_deleted(run)
