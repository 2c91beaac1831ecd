"""What is not on the disk is said at once, for as long as it is so, of deletions too, and no path of the server's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from gandash.pages import words
from gandash.runs import saver
from gandash.runs.service import RunService
from gandash.runs.store import RunStore, StoreError
from tests.live.serving import streaming
from tests.live.test_stream import receive

from .conftest import CONFIG, FakeTraining, ManualEngine, until
from .test_saver import locked


@pytest.fixture
def hasty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunService]:
    """A service whose saves find the lock of others at once, and whose end does not take long."""
    monkeypatch.setattr(saver, "CLOSE_SECONDS", 0.2)
    service = RunService(RunStore(tmp_path, patience=0.01), ManualEngine(), advance=FakeTraining())
    yield service
    service.close()


def test_a_run_that_cannot_be_saved_is_listed_as_such(hasty: RunService, store: RunStore) -> None:
    run = hasty.start(CONFIG, paused=True)
    until(lambda: hasty.unsaved is None)
    with locked(store):
        hasty.rename(run, "new", "")
        until(lambda: hasty.unsaved)
        assert "database is locked" in (hasty.unsaved or "")
        (listed,) = hasty.runs()
        assert listed.name == "new" and "database is locked" in listed.unsaved
    until(lambda: hasty.unsaved is None)
    until(lambda: not hasty.runs()[0].unsaved)


def test_a_deletion_that_cannot_be_written_is_told(hasty: RunService, store: RunStore) -> None:
    run = hasty.start(CONFIG, paused=True)
    until(lambda: hasty.unsaved is None)
    with locked(store):
        hasty.delete(run)
        assert hasty.unsaved is not None, "it is not known yet"
        until(lambda: hasty.unsaved)
        assert not hasty.runs()
    until(lambda: hasty.unsaved is None)
    assert store.is_deleted(run)


def test_whoever_watches_is_told_at_once_for_as_long_as_it_is_so_and_of_no_folder(
    hasty: RunService, store: RunStore
) -> None:
    run = hasty.start(CONFIG, paused=True)
    until(lambda: hasty.unsaved is None)
    with streaming(hasty, describe=words.describe) as (host, _), connect(f"ws://{host}/live?run={run}") as client:
        assert receive(client)["words"]["warning"] == ""
        with locked(store):
            hasty.rename(run, "new", "")
            while (said := receive(client)["words"])["warning"] != "Not saved":
                pass
            assert "GANDASH_HOME" in said["told"] and str(store.path.parent) not in str(said)
        while receive(client)["words"]["warning"]:
            pass


@pytest.mark.parametrize("name", ["runs.sqlite3", "runs.sqlite3/below"])
def test_a_store_that_cannot_be_opened_names_no_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "runs.sqlite3").write_bytes(b"no database" * 1000)
    with pytest.raises(StoreError, match="GANDASH_HOME") as caught:
        RunStore((tmp_path / name).parent if name.endswith("3") else tmp_path / name)
    assert str(tmp_path) not in str(caught.value)
