from __future__ import annotations

import os
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest

from gandash.core.config import RunConfig
from gandash.runs.snapshot import Frame, Snapshot, Status
from gandash.runs.store import FILE_NAME, RunStore, StoreError, is_alive, this_process

from .conftest import CONFIG, record, until

CREATED = datetime(2024, 5, 17, 12, 0, tzinfo=UTC)


def snapshot(run_id: str = "a", **changes: object) -> Snapshot:
    return replace(Snapshot(run_id, 1, CONFIG, Status.STARTING, CREATED), **changes)  # type: ignore[arg-type]


def test_a_run_comes_back_from_another_store_as_it_was_saved(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(1000, 2)).astype(np.float32)
    saved = snapshot(
        version=9,
        status=Status.RUNNING,
        message="Grüße",
        epoch=4,
        progress=0.045,
        frames=(Frame(3, 0.03, np.zeros((1000, 2), np.float32)), Frame(4, 0.045, points)),
        metrics={"mse": 0.5, "modes": float("nan")},
        best_epoch=2,
        variants=("latest", "best"),
    )
    first = RunStore(tmp_path)
    first.create(snapshot(), "me")
    assert first.save(replace(saved, version=8), owner="me", checkpoint=b"old", records=[record(1), record(2)])
    assert first.save(saved, owner="me", checkpoint=b"\0new", records=[record(3), record(4)])
    first.close()

    second = RunStore(tmp_path)
    stored = second.load("a")
    second.close()
    assert stored is not None
    back = stored.snapshot
    assert (stored.checkpoint, stored.owner) == (b"\0new", "me")
    for name in ("run_id", "version", "config", "status", "created", "message", "epoch", "progress", "variants"):
        assert getattr(back, name) == getattr(saved, name)
    assert back.best_epoch == 2
    assert back.metrics["mse"] == 0.5 and np.isnan(back.metrics["modes"])
    assert [(f.epoch, f.progress) for f in back.frames] == [(4, 0.045)]
    np.testing.assert_array_equal(back.frames[0].points, points)
    assert back.history.epoch.tolist() == [1, 2, 3, 4]
    for name in ("generator_loss", "discriminator_loss", "d_real", "d_fake"):
        assert back.history.columns[name].tolist() == [getattr(record(e), name) for e in (1, 2, 3, 4)]
    assert back.history.columns["mse"].tolist() == [1 / e for e in (1, 2, 3, 4)]
    stored.history.append([record(5)])
    assert stored.history.view().epoch.tolist() == [1, 2, 3, 4, 5]


def test_a_failing_save_leaves_nothing_of_itself(store: RunStore) -> None:
    store.create(snapshot(), "me")
    store.save(snapshot(version=2, epoch=2), owner="me", checkpoint=b"two", records=[record(1), record(2)])
    with pytest.raises(StoreError):  # epoch 1 is saved already, which fails after row and checkpoint are written
        store.save(snapshot(version=3, epoch=3), owner="me", checkpoint=b"three", records=[record(1)])
    stored = store.load("a")
    assert stored is not None
    assert (stored.checkpoint, stored.snapshot.epoch, stored.snapshot.version) == (b"two", 2, 2)
    assert stored.snapshot.history.epoch.tolist() == [1, 2]
    assert store.save(snapshot(version=3, epoch=3), owner="me", checkpoint=b"three", records=[record(3)])


def test_a_save_without_checkpoint_keeps_it(store: RunStore) -> None:
    store.create(snapshot(), "me")
    store.save(snapshot(version=2), owner="me", checkpoint=b"two")
    store.save(snapshot(version=3, status=Status.PAUSED), owner="me")
    stored = store.load("a")
    assert stored is not None
    assert (stored.checkpoint, stored.snapshot.status) == (b"two", Status.PAUSED)


def test_deleting_leaves_no_row_behind(store: RunStore) -> None:
    frame = Frame(1, 0.01, np.zeros((1000, 2), np.float32))
    for run_id in ("a", "b"):
        store.create(snapshot(run_id), "me")
        store.save(snapshot(run_id, version=2, frames=(frame,)), owner="me", checkpoint=b"x", records=[record(1)])
    assert store.delete("a")
    assert not store.delete("a")
    assert store.load("a") is None and store.version("a") is None
    assert not store.save(snapshot(version=3), owner="me", checkpoint=b"ghost", records=[record(2)])
    with sqlite3.connect(store.path) as db:
        for table in ("checkpoints", "frames", "history"):
            assert db.execute(f"SELECT run_id FROM {table}").fetchall() == [("b",)]
    db.close()


def test_summaries_come_newest_first(store: RunStore) -> None:
    for age, shape in enumerate(("ring8", "line", "star")):
        config = RunConfig(shape=shape, epochs=50, seed=age)
        store.create(replace(snapshot(shape, config=config), created=CREATED - timedelta(days=age)), "me")
    store.save(snapshot("line", version=2, status=Status.DIVERGED, epoch=7, metrics={"mse": 2.0}), owner="me")
    summaries = store.summaries()
    assert [(s.run_id, s.shape, s.seed, s.epochs) for s in summaries] == [
        ("ring8", "ring8", 0, 50),
        ("line", "line", 1, 50),
        ("star", "star", 2, 50),
    ]
    assert (summaries[1].status, summaries[1].epoch, summaries[1].metrics) == (Status.DIVERGED, 7, {"mse": 2.0})


def test_only_what_an_owner_left_active_is_paused(store: RunStore) -> None:
    states = {"s": Status.STARTING, "r": Status.RUNNING, "p": Status.PAUSED, "f": Status.FINISHED}
    for run_id, status in states.items():
        store.create(snapshot(run_id, status=status, epoch=5), "gone")
    store.create(snapshot("other", status=Status.RUNNING), "here")
    assert store.owners() == {"gone", "here"}
    store.pause_abandoned("gone")
    assert store.owners() == {"here"}
    found = {s.run_id: (s.status, s.message) for s in store.summaries()}
    message = "The server stopped; press Resume to go on from epoch 5."
    assert found["s"] == found["r"] == (Status.PAUSED, message)
    assert found["p"] == (Status.PAUSED, "")
    assert found["f"] == (Status.FINISHED, "")
    assert found["other"][0] is Status.RUNNING
    assert store.version("r") == 2 and store.version("p") == 1


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    RunStore(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreError, match=r"another version of gandash \(format 99.*GANDASH_HOME"):
        RunStore(tmp_path)


def test_a_foreign_database_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        db.execute("CREATE TABLE songs (title)")
    db.close()
    with pytest.raises(StoreError, match="another version"):
        RunStore(tmp_path)


def test_a_file_that_is_no_database_and_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("not a database, but long enough to look like something" * 20)
    with pytest.raises(StoreError, match="cannot be read or written"):
        RunStore(tmp_path)
    with pytest.raises(StoreError, match="GANDASH_HOME"):
        RunStore(tmp_path / FILE_NAME / "below")


def test_a_set_up_of_another_version_is_named(store: RunStore) -> None:
    store.create(snapshot(), "me")
    with sqlite3.connect(store.path) as db:
        db.execute("""UPDATE runs SET config = json_set(config, '$.colour', 'red')""")
    db.close()
    with pytest.raises(StoreError, match=r"Run a was saved by another version.*colour"):
        store.load("a")
    assert [s.run_id for s in store.summaries()] == ["a"]
    assert store.delete("a")


def test_an_owner_is_alive_as_long_as_its_very_process(store: RunStore) -> None:
    owner = this_process()
    assert owner.startswith(f"{os.getpid()}:")
    assert is_alive(owner)
    assert owner != this_process()
    child = psutil.Popen(["sleep", "60"])
    owner = f"{child.pid}:{child.create_time()}:x"
    reused = f"{child.pid}:{child.create_time() - 3600}:x"
    assert is_alive(owner) and not is_alive(reused)
    child.kill()
    until(lambda: not is_alive(owner))  # a zombie first
    child.wait()
    assert not is_alive(owner)
    assert not is_alive("nonsense")
