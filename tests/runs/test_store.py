from __future__ import annotations

import os
import sqlite3
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
import pytest

from gandash.core.config import RunConfig
from gandash.core.records import Appraisal
from gandash.runs.snapshot import Frame, History, Snapshot, Status
from gandash.runs.store import FILE_NAME, RunStore, StoreError, is_alive, this_process
from gandash.runs.timeline import Kept

from .conftest import CONFIG, record, until

CREATED = datetime(2024, 5, 17, 12, 0, tzinfo=UTC)


def snapshot(run_id: str = "a", **changes: object) -> Snapshot:
    return replace(Snapshot(run_id, 1, CONFIG, Status.STARTING, CREATED), **changes)  # type: ignore[arg-type]


def rows(first: int, last: int) -> History:
    return History().extended([record(epoch) for epoch in range(first, last + 1)])


def test_a_run_comes_back_from_another_store_as_it_was_saved(tmp_path: Path) -> None:
    points = np.random.default_rng(0).normal(size=(1000, 2)).astype(np.float32)
    saved = snapshot(
        version=9,
        status=Status.RUNNING,
        message="Grüße",
        epoch=4,
        progress=0.045,
        frames=(Frame(3, 0.03, np.zeros((1000, 2), np.float32)), Frame(4, 0.045, points)),
        appraisals={
            "latest": Appraisal("latest", 4, 0.045, {"mse": 0.5, "modes": float("nan"), "headline": 7.0}, 0.2),
            "best": Appraisal("best", 2, 0.02, {"mse": float("inf")}, float("nan")),
        },
        appraised=0.04,
        variants=("latest", "best"),
        real=points[:7],
        parent="gone",
        first_epoch=0,
        name="Grüße <b>",
        note="a\nb",
        owners=("k" * 64, "l" * 64),
    )
    first = RunStore(tmp_path)
    first.create(replace(snapshot(), parent="gone"), "me")
    assert first.save(replace(saved, version=8), since=1, server="me", checkpoint=b"old", rows=rows(1, 2))
    assert first.save(saved, since=8, server="me", checkpoint=b"\0new", rows=rows(3, 4), real=saved.real)
    first.close()

    second = RunStore(tmp_path)
    stored = second.load("a")
    second.close()
    assert stored is not None
    back = stored.snapshot
    assert (stored.checkpoint, stored.server) == (b"\0new", "me")
    arrays = ("frames", "history", "real", "appraisals", "epochs_per_second", "seconds_left")
    for name in (field.name for field in fields(Snapshot) if field.name not in arrays):
        assert getattr(back, name) == getattr(saved, name)
    assert repr(back.appraisals) == repr(saved.appraisals)
    np.testing.assert_array_equal(back.real, points[:7])
    assert [(f.epoch, f.progress) for f in back.frames] == [(4, 0.045)]
    np.testing.assert_array_equal(back.frames[0].points, points)
    assert back.history.epoch.tolist() == [1, 2, 3, 4]
    for name in ("generator_loss", "discriminator_loss", "d_real", "d_fake"):
        assert back.history.columns[name].tolist() == [getattr(record(e), name) for e in (1, 2, 3, 4)]
    assert back.history.columns["mse"].tolist() == [1 / e for e in (1, 2, 3, 4)]
    assert back.history.extended([record(5)]).epoch.tolist() == [1, 2, 3, 4, 5]


def test_a_run_can_begin_with_all_that_its_parent_had(store: RunStore) -> None:
    points = np.ones((1000, 2), np.float32)
    child = snapshot(frames=(Frame(2, 0.0, points),), history=rows(1, 2), real=points[:9], parent="a", first_epoch=2)
    store.create(replace(child, run_id="b"), "me", b"begun")
    stored = store.load("b")
    assert stored is not None and stored.checkpoint == b"begun"
    back = stored.snapshot
    assert (back.parent, back.first_epoch, back.history.epoch.tolist()) == ("a", 2, [1, 2])
    assert back.real is not None and len(back.real) == 9 and len(back.frames) == 1
    (listed,) = store.summaries()
    assert (listed.parent, listed.first_epoch, listed.epochs, listed.planned_epochs) == ("a", 2, 100, 102)


def test_points_come_back_in_as_many_dimensions_as_the_target_has(store: RunStore) -> None:
    points = np.arange(3000, dtype=np.float32).reshape(1000, 3)
    store.create(snapshot(), "me")
    assert store.thumbnail("a") is None
    frame = Frame(1, 0.01, points)
    store.save(snapshot(version=2, frames=(frame,)), since=1, server="me", checkpoint=b"x", real=points[:5])
    stored = store.load("a")
    assert stored is not None
    np.testing.assert_array_equal(stored.snapshot.frames[0].points, points)
    np.testing.assert_array_equal(stored.snapshot.real, points[:5])
    np.testing.assert_array_equal(store.thumbnail("a"), points[:220, :2])


def test_the_timeline_is_thinned_with_each_save_and_comes_back(store: RunStore) -> None:
    def kept(*epochs: int, weights: bytes = b"weights") -> list[Kept]:
        return [Kept(epoch, np.full((3, 2), epoch, np.float32), weights) for epoch in epochs]

    store.create(snapshot(epoch=0), "me", b"0", kept(0))
    first = snapshot(version=2, epoch=199)
    store.save(first, since=1, server="me", checkpoint=b"1", kept=kept(*range(1, 200)))
    stored = store.load("a")
    assert stored is not None and stored.snapshot.timeline == tuple(range(200))
    assert store.kept_weights("a") == list(range(0, 200, 10))
    store.save(snapshot(version=3, epoch=201), since=2, server="me", checkpoint=b"2", kept=kept(200))
    stored = store.load("a")
    assert stored is not None and stored.snapshot.timeline == tuple(range(0, 201, 2))
    assert store.kept_weights("a") == list(range(0, 201, 20))
    assert [(each.epoch, each.weights) for each in store.kept("a", (20, 3, 22), weights=True)] == [
        (20, b"weights"),
        (22, None),
    ]
    (found,) = store.kept("a", (4,))
    assert found.weights is None and found.points.tolist() == [[4.0, 4.0]] * 3
    store.save(snapshot(version=4, epoch=202), since=3, server="me", checkpoint=b"3")
    assert len(store.kept("a")) == 101, "what is not new stays as it is"
    assert store.kept("b") == [] and store.kept_weights("b") == []


def test_a_frame_that_is_damaged_takes_no_other_with_it(store: RunStore) -> None:
    points = np.zeros((3, 2), np.float32)
    store.create(snapshot(epoch=2), "me", b"0", [Kept(0, points), Kept(1, points), Kept(2, points)])
    with sqlite3.connect(store.path) as db:
        db.execute("UPDATE kept SET points = x'00' WHERE epoch = 1")
    assert [each.epoch for each in store.kept("a")] == [0, 2]
    assert store.load("a") is not None


def test_a_failing_save_leaves_nothing_of_itself(store: RunStore) -> None:
    store.create(snapshot(), "me")
    store.save(snapshot(version=2, epoch=2), since=1, server="me", checkpoint=b"two", rows=rows(1, 2))
    with pytest.raises(StoreError):  # epoch 1 is saved already, which fails after row and checkpoint are written
        store.save(snapshot(version=3, epoch=3), since=2, server="me", checkpoint=b"three", rows=rows(1, 1))
    stored = store.load("a")
    assert stored is not None
    assert (stored.checkpoint, stored.snapshot.epoch, stored.snapshot.version) == (b"two", 2, 2)
    assert stored.snapshot.history.epoch.tolist() == [1, 2]
    assert store.save(snapshot(version=3, epoch=3), since=2, server="me", checkpoint=b"three", rows=rows(3, 3))


def test_what_another_server_has_saved_meanwhile_is_not_overwritten(store: RunStore) -> None:
    store.create(snapshot(), "me")
    assert store.save(snapshot(version=2, epoch=9), since=1, server="other", checkpoint=b"theirs")
    assert not store.save(snapshot(version=2, epoch=1), since=1, server="me", checkpoint=b"mine", rows=rows(1, 1))
    stored = store.load("a")
    assert stored is not None and (stored.checkpoint, stored.server, stored.snapshot.epoch) == (b"theirs", "other", 9)
    assert len(stored.snapshot.history) == 0


def test_a_save_without_checkpoint_keeps_it(store: RunStore) -> None:
    store.create(snapshot(), "me")
    store.save(snapshot(version=2), since=1, server="me", checkpoint=b"two")
    store.save(snapshot(version=3, status=Status.PAUSED), since=2, server="me")
    stored = store.load("a")
    assert stored is not None
    assert (stored.checkpoint, stored.snapshot.status) == (b"two", Status.PAUSED)


def test_a_deleted_run_is_out_of_sight_until_it_is_brought_back(store: RunStore) -> None:
    for run_id, status in (("a", Status.RUNNING), ("b", Status.FINISHED)):
        store.create(snapshot(run_id, status=status), "me")
        assert store.delete(run_id)
        assert not store.delete(run_id)
    assert store.load("a") is None and store.version("a") is None and store.summaries() == []
    assert not store.save(snapshot(version=2), since=1, server="me", checkpoint=b"ghost", rows=rows(1, 1))
    store.purge(datetime.now(UTC) - timedelta(seconds=60))
    assert store.undelete("a") and store.undelete("b")
    assert not store.undelete("a")
    assert {s.run_id: s.status for s in store.summaries()} == {"a": Status.PAUSED, "b": Status.FINISHED}
    assert store.servers() == set()


def test_purging_leaves_no_row_behind(store: RunStore) -> None:
    frame = Frame(1, 0.01, np.zeros((1000, 2), np.float32))
    for run_id in ("a", "b"):
        store.create(snapshot(run_id), "me")
        changed = snapshot(run_id, version=2, frames=(frame,))
        kept = [Kept(1, frame.points, b"w")]
        store.save(changed, since=1, server="me", checkpoint=b"x", rows=rows(1, 1), real=frame.points, kept=kept)
    assert store.delete("a")
    store.purge(datetime.now(UTC) + timedelta(seconds=1))
    assert not store.undelete("a")
    with sqlite3.connect(store.path) as db:
        for table in ("checkpoints", "frames", "kept", "real", "history"):
            assert db.execute(f"SELECT run_id FROM {table}").fetchall() == [("b",)]
    db.close()


def test_summaries_come_newest_first(store: RunStore) -> None:
    for age, shape in enumerate(("ring8", "line", "star")):
        config = RunConfig(shape=shape, epochs=50, seed=age)
        store.create(replace(snapshot(shape, config=config), created=CREATED - timedelta(days=age)), "me")
    appraisals = {"latest": Appraisal("latest", 6, 0.06, {"headline": 2.0}, 0.1)}
    changed = snapshot("line", version=2, status=Status.DIVERGED, epoch=7, appraisals=appraisals)
    store.save(changed, since=1, server="me")
    summaries = store.summaries()
    assert [(s.run_id, s.shape, s.seed, s.epochs) for s in summaries] == [
        ("ring8", "ring8", 0, 50),
        ("line", "line", 1, 50),
        ("star", "star", 2, 50),
    ]
    assert [(s.headline, s.headline_epoch) for s in summaries] == [(None, None), (2.0, 6), (None, None)]
    assert (summaries[1].status, summaries[1].epoch, summaries[1].title) == (Status.DIVERGED, 7, "Line")


def test_only_what_a_server_left_active_is_paused(store: RunStore) -> None:
    states = {"s": Status.STARTING, "r": Status.RUNNING, "p": Status.PAUSED, "f": Status.FINISHED}
    for run_id, status in states.items():
        store.create(snapshot(run_id, status=status, epoch=5), "gone")
    store.create(snapshot("other", status=Status.RUNNING), "here")
    assert store.servers() == {"gone", "here"}
    store.pause_abandoned("gone")
    assert store.servers() == {"here"}
    found = {s.run_id: (s.status, s.message) for s in store.summaries()}
    message = "The server stopped; press Resume to go on from epoch 5."
    assert found["s"] == found["r"] == (Status.PAUSED, message)
    assert found["p"] == (Status.PAUSED, "")
    assert found["f"] == (Status.FINISHED, "")
    assert found["other"][0] is Status.RUNNING
    assert store.version("r") == 2 and store.version("p") == 1


def test_what_is_not_of_the_disk_is_not_on_it(store: RunStore) -> None:
    store.create(snapshot(unsaved="a", place=3), "me")
    store.save(snapshot(version=2, unsaved="b", place=2, owners=("k",)), since=1, server="me")
    stored = store.load("a")
    assert stored is not None
    assert (stored.snapshot.unsaved, stored.snapshot.place, stored.snapshot.owners) == ("", None, ("k",))
    (listed,) = store.summaries()
    assert listed.owners == ("k",)


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


def test_a_server_is_alive_as_long_as_its_very_process(store: RunStore) -> None:
    server = this_process()
    assert server.startswith(f"{os.getpid()}:")
    assert is_alive(server)
    assert server != this_process()
    child = psutil.Popen(["sleep", "60"])
    server = f"{child.pid}:{child.create_time()}:x"
    reused = f"{child.pid}:{child.create_time() - 3600}:x"
    assert is_alive(server) and not is_alive(reused)
    child.kill()
    until(lambda: not is_alive(server))  # a zombie first
    child.wait()
    assert not is_alive(server)
    assert not is_alive("nonsense")
