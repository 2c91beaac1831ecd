"""Nothing waits for the disk: what is changed is saved by a thread of its own, later if it cannot be saved now."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from gandash.runs import saver
from gandash.runs.library import Unsaved
from gandash.runs.saver import Saver
from gandash.runs.service import RunService, UnknownRun
from gandash.runs.snapshot import Snapshot, Status
from gandash.runs.store import RunStore, StoreError
from gandash.runs.wishes import Wishes
from gandash.runs.worker import Chunk

from .conftest import CONFIG, Clock, FakeTraining, ManualEngine, until

HANGING = 20.0
"""Seconds; who waits for the locked file in these tests waits for much longer."""


@contextmanager
def locked(store: RunStore) -> Iterator[None]:
    """Another program writes to the file and does not come to an end."""
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def promptly() -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < HANGING, "it waited for the disk"


def saved(store: RunStore, run_id: str) -> Snapshot | None:
    stored = store.load(run_id)
    return None if stored is None else stored.snapshot


def advance(engine: ManualEngine, service: RunService, run_id: str) -> Snapshot:
    """Let the next chunk happen and wait until it is taken in."""
    epoch = service.snapshot(run_id).epoch
    assert engine.run_next() == run_id
    until(lambda: service.snapshot(run_id).epoch > epoch)
    return service.snapshot(run_id)


@pytest.fixture
def patient(tmp_path: Path, engine: ManualEngine, training: FakeTraining) -> Iterator[RunService]:
    """A service whose saves wait for the lock of others for longer than any test."""
    service = RunService(RunStore(tmp_path, patience=600.0), engine, advance=training, fork=training.fork)
    yield service
    service.close()


@pytest.fixture
def hasty(
    tmp_path: Path, engine: ManualEngine, training: FakeTraining, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunService]:
    """A service whose saves find the lock of others at once, and whose end does not take long."""
    monkeypatch.setattr(saver, "CLOSE_SECONDS", 0.2)
    service = RunService(RunStore(tmp_path, patience=0.01), engine, advance=training, fork=training.fork)
    yield service
    service.close()


def test_clicks_and_training_do_not_wait_while_another_program_writes(
    patient: RunService, engine: ManualEngine, store: RunStore
) -> None:
    old = patient.start(CONFIG, paused=True)
    gone = patient.start(CONFIG, paused=True)
    until(lambda: store.version(old) and store.version(gone))
    patient.delete(gone)
    until(lambda: store.is_deleted(gone))
    with locked(store), promptly():
        run = patient.start(CONFIG)
        advance(engine, patient, run)
        patient.pause(run)
        patient.resume(run)
        assert advance(engine, patient, run).epoch == 5
        patient.rename(old, "renamed", "")
        patient.undelete(gone)
        assert patient.snapshot(gone).status is Status.PAUSED
        assert {each.run_id for each in patient.runs()} == {run, old, gone}
        listed = next(each for each in patient.runs() if each.run_id == run)
        assert (listed.status, listed.epoch, listed.headline_epoch) == (Status.RUNNING, 5, 5)
        assert patient.runs()[0] == listed, "the newest first, though the file does not know it"
        np.testing.assert_array_equal(patient.thumbnail(run), np.full((220, 2), 10, np.float32))
        patient.delete(run)
        patient.delete(old)
        assert [each.run_id for each in patient.runs()] == [gone]
        for deleted in (run, old):
            with pytest.raises(UnknownRun):
                patient.snapshot(deleted)
            with pytest.raises(UnknownRun):
                patient.delete(deleted)
        patient.undelete(run)
        assert patient.snapshot(run).history.epoch.tolist() == [1, 2, 3, 4, 5]
        child = patient.train_on(run, {})
        assert store.version(run) is None and store.is_deleted(gone), "nothing of this is on the disk"
    until(lambda: store.version(run) and store.version(gone) and store.version(child) and store.is_deleted(old))
    assert {each.run_id for each in store.summaries()} == {run, gone, child}
    until(lambda: (found := saved(store, run)) is not None and found.epoch == 5)
    patient.undelete(old)
    assert patient.snapshot(old).name == "renamed"


def test_a_run_that_ends_while_the_file_is_locked_is_saved_as_ended(
    hasty: RunService, engine: ManualEngine, store: RunStore
) -> None:
    run = hasty.start(CONFIG.model_copy(update={"epochs": 4}))
    until(lambda: store.version(run))
    with locked(store):
        advance(engine, hasty, run)
        assert advance(engine, hasty, run).status is Status.FINISHED
        until(lambda: "database is locked" in hasty.snapshot(run).unsaved)
        assert (found := saved(store, run)) is not None and found.status is Status.STARTING
    until(lambda: (found := saved(store, run)) is not None and found.status is Status.FINISHED)
    until(lambda: not hasty.snapshot(run).unsaved)
    assert (found := saved(store, run)) is not None
    assert (found.epoch, found.history.epoch.tolist(), found.unsaved) == (4, [1, 2, 3, 4], "")


def test_what_could_not_be_saved_is_saved_at_the_end(
    hasty: RunService, engine: ManualEngine, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saver, "RETRY_SECONDS", (1000.0, 1000.0))
    run, other = hasty.start(CONFIG.model_copy(update={"epochs": 2})), hasty.start(CONFIG)
    until(lambda: store.version(run) and store.version(other))
    with locked(store):
        assert advance(engine, hasty, run).status is Status.FINISHED
        until(lambda: hasty.snapshot(run).unsaved)
    monkeypatch.setattr(saver, "RETRY_SECONDS", (0.1, 0.1))
    hasty.close()
    assert {each.run_id: (each.status, each.epoch) for each in store.summaries()} == {
        run: (Status.FINISHED, 2),
        other: (Status.PAUSED, 0),
    }


def test_the_end_does_not_wait_for_ever(
    hasty: RunService, engine: ManualEngine, store: RunStore, caplog: pytest.LogCaptureFixture
) -> None:
    run = hasty.start(CONFIG)
    until(lambda: store.version(run))
    with locked(store), promptly():
        advance(engine, hasty, run)
        hasty.close()
    assert f"Run {run}: what it did lately is lost" in caplog.text
    assert engine.closed


def test_the_newest_state_is_written_and_none_in_between(
    service: RunService, engine: ManualEngine, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = service.start(CONFIG)
    until(lambda: store.version(run))
    go_on, written, save = threading.Event(), [], store.save

    def slow(snapshot: Snapshot, **kwargs: Any) -> bool:
        written.append((snapshot.epoch, len(kwargs["rows"])))
        assert go_on.wait(60)
        return save(snapshot, **kwargs)

    monkeypatch.setattr(store, "save", slow)
    advance(engine, service, run)
    until(lambda: written)
    for _ in range(4):
        advance(engine, service, run)
    go_on.set()
    until(lambda: store.version(run) == service.snapshot(run).version)
    assert written == [(2, 2), (12, 10)]
    assert (found := saved(store, run)) is not None and found.history.epoch.tolist() == list(range(1, 13))


def test_a_large_checkpoint_is_written_less_often_and_at_rest_at_once(
    service: RunService,
    engine: ManualEngine,
    store: RunStore,
    clock: Clock,
    stopwatch: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    save, costly = store.save, []

    def slow(snapshot: Snapshot, *, checkpoint: bytes | None, **kwargs: Any) -> bool:
        if checkpoint is not None:
            costly.append(snapshot.epoch)
            stopwatch.now += 2.0
        return save(snapshot, checkpoint=checkpoint, **kwargs)

    def chunk(seconds: float) -> Snapshot:
        clock.now += seconds
        service.watch(run)
        return advance(engine, service, run)

    def settle() -> None:
        until(lambda: store.version(run) == service.snapshot(run).version)

    run = service.start(CONFIG)
    until(lambda: store.version(run))
    monkeypatch.setattr(store, "save", slow)
    chunk(0.25)
    settle()
    assert costly == [2]
    began = clock.now
    while clock.now < began + 19.5:
        chunk(1.5)
    time.sleep(0.05)
    assert costly == [2], "two seconds in twenty"
    service.rename(run, "a name waits too: what is saved belongs together", "")
    time.sleep(0.05)
    assert costly == [2] and (found := saved(store, run)) is not None and (found.epoch, found.name) == (2, "")
    chunk(0.5)
    settle()
    assert len(costly) == 2 and clock.now == began + 20
    service.rename(run, "without a new checkpoint", "")
    settle()
    epoch = chunk(0.25).epoch
    assert len(costly) == 2
    service.pause(run)
    paused = advance(engine, service, run)
    until(lambda: engine.calls)
    engine.run_next()  # its appraisal
    settle()
    assert costly[2:] == [paused.epoch] and paused.epoch > epoch, "once for the last chunk and its appraisal"


def test_a_clock_that_moves_while_a_run_is_saved_puts_off_no_save(
    service: RunService, engine: ManualEngine, store: RunStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test moves it from another thread; what a save has cost is measured apart."""
    run = service.start(CONFIG)
    until(lambda: store.version(run))
    slowed(store, monkeypatch, lambda: setattr(clock, "now", clock.now + 10.0))
    for _ in range(3):
        advance(engine, service, run)
        until(lambda: store.version(run) == service.snapshot(run).version)


def test_a_run_that_cannot_be_saved_holds_up_no_other(
    service: RunService, engine: ManualEngine, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = service.start(CONFIG), service.start(CONFIG)
    until(lambda: store.version(bad) and store.version(good))
    save = store.save

    def failing(snapshot: Snapshot, **kwargs: Any) -> bool:
        if snapshot.run_id == bad:
            raise ZeroDivisionError("secret detail")
        return save(snapshot, **kwargs)

    monkeypatch.setattr(store, "save", failing)
    told: dict[str, str] = {}
    service.subscribe(
        lambda snapshot, run_id: told.update({run_id: told.get(run_id, "") + (snapshot.unsaved if snapshot else "")})
    )
    with service._library.lock:  # both at once, for the saver
        service.rename(bad, "new", "")
        service.rename(good, "new", "")
    until(lambda: store.version(good) == service.snapshot(good).version)
    until(lambda: service.snapshot(bad).unsaved)
    assert told[bad] and not told[good]
    assert service.snapshot(bad).unsaved.endswith("(ZeroDivisionError; the server's log says more.)")
    assert not service.snapshot(good).unsaved


def cap(store: RunStore, more: int) -> None:
    """Leave room for so many bytes more on the disk."""
    page, pages = (store._writer.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count"))
    store._writer.execute(f"PRAGMA max_page_count = {pages + more // page}")


def train_on(service: RunService, run_id: str, size: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """A new run whose checkpoint has so many bytes."""

    def fork(config: str, *_: object) -> tuple[str, Chunk]:
        return config, Chunk("running", checkpoint=bytes(size), variants=("latest",))

    monkeypatch.setattr(service, "_fork", fork)
    return service.train_on(run_id, {})


@pytest.fixture
def parent(hasty: RunService, engine: ManualEngine) -> str:
    """A saved run to train on from."""
    run = hasty.start(CONFIG, step=True)
    engine.run_next()
    until(lambda: not hasty.snapshot(run).status.active and hasty._library._entries[run].clean)
    return run


def test_on_a_full_disk_what_fits_is_saved(
    hasty: RunService, parent: str, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    cap(hasty._library._store, 400_000)
    with hasty._library.lock:  # all at once, for the saver
        large, middle, small = (train_on(hasty, parent, size, monkeypatch) for size in (20 * 2**20, 2**18, 50_000))
    until(lambda: store.version(small) and store.version(middle))
    until(lambda: "disk is full" in hasty.snapshot(large).unsaved)
    assert store.version(large) is None
    assert not hasty.snapshot(small).unsaved and not hasty.snapshot(middle).unsaved
    cap(hasty._library._store, 10**9)
    until(lambda: store.version(large) == hasty.snapshot(large).version and not hasty.snapshot(large).unsaved)


def test_a_full_disk_on_which_sqlite_itself_rolls_back_is_told_as_such(hasty: RunService, store: RunStore) -> None:
    run = hasty.start(CONFIG, paused=True)
    until(lambda: hasty._library._entries[run].clean)
    cap(hasty._library._store, 0)
    hasty.rename(run, "", 2000 * "\U0001f30d")
    until(lambda: "disk is full" in hasty.snapshot(run).unsaved)
    cap(hasty._library._store, 10**9)
    until(lambda: not hasty.snapshot(run).unsaved)
    until(lambda: (found := saved(store, run)) is not None and len(found.note) == 2000)


def test_at_the_end_too_what_fits_is_saved_the_smallest_first(
    hasty: RunService, parent: str, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saver, "RETRY_SECONDS", (1000.0, 1000.0))
    cap(hasty._library._store, 0)
    sizes = (20 * 2**20, 310_000, 50_000, 300_000)
    large, another, small, middle = (train_on(hasty, parent, size, monkeypatch) for size in sizes)
    until(lambda: all("disk is full" in hasty.snapshot(run).unsaved for run in (large, middle, small, another)))
    monkeypatch.setattr(saver, "RETRY_SECONDS", (0.1, 0.1))
    cap(hasty._library._store, 450_000)
    hasty.close()
    assert [bool(store.version(run)) for run in (small, middle, another, large)] == [True, True, False, False]


@pytest.mark.parametrize(("callback", "saves"), [("_report", True), ("_lost", False)])
def test_who_cannot_be_told_of_a_save_ends_no_saving(
    service: RunService,
    store: RunStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    callback: str,
    saves: bool,
) -> None:
    run, other = service.start(CONFIG, paused=True), service.start(CONFIG, paused=True)
    until(lambda: store.version(run) and store.version(other))
    with monkeypatch.context() as patch:
        patch.setattr(service._saver, callback, lambda *_: 1 / 0)
        if not saves:
            patch.setattr(service._library, "save", service._library._lost)
        service.rename(run, "new", "")
        until(lambda: "could not be told" in caplog.text)
    service.rename(other, "new", "")
    until(lambda: store.version(other) == service.snapshot(other).version)


def slowed(store: RunStore, monkeypatch: pytest.MonkeyPatch, wait: Callable[[], object]) -> None:
    save = store.save

    def slow(snapshot: Snapshot, **kwargs: Any) -> bool:
        wait()
        return save(snapshot, **kwargs)

    monkeypatch.setattr(store, "save", slow)


def test_the_end_waits_for_a_slow_disk_as_long_as_run_after_run_is_saved(
    service: RunService, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [service.start(CONFIG, paused=True) for _ in range(5)]
    until(lambda: all(store.version(run) for run in runs))
    monkeypatch.setattr(saver, "LONGEST_SAVE", 0.4)
    slowed(store, monkeypatch, lambda: time.sleep(0.2))
    with service._library.lock:
        for run in runs:
            service.rename(run, "new", "")
    service.close()
    assert {each.name for each in RunStore(store.path.parent).summaries()} == {"new"}


def test_the_end_does_not_wait_for_a_disk_that_hangs(
    service: RunService, store: RunStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = service.start(CONFIG, paused=True)
    until(lambda: store.version(run))
    monkeypatch.setattr(saver, "LONGEST_SAVE", 0.2)
    go_on = threading.Event()
    slowed(store, monkeypatch, lambda: go_on.wait(60))
    service.rename(run, "new", "")
    with promptly():
        service.close()
    assert f"Run {run}: what it did lately is lost" in caplog.text
    go_on.set()


def test_many_large_runs_leave_time_and_each_has_its_turn(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    saves: Counter[str] = Counter()

    class Large:
        """Ten runs that train, each of which takes two seconds to be written."""

        def unsaved(self) -> list[Unsaved]:
            return [Unsaved(run_id, costly=True, urgent=False, size=200_000_000) for run_id in "abcdefghij"]

        def save(self, run_id: str) -> bool:
            saves[run_id] += 1
            clock.now += 2.0
            return True

        def __iter__(self) -> Iterator[Any]:
            return iter(())

        def tidy(self) -> None: ...

    monkeypatch.setattr(Saver, "_run", lambda saver: None)  # the test is its thread
    by_hand, began = Saver(cast(Any, Large()), clock, clock, lambda *_: None, lambda *_: None), clock.now
    while clock.now < began + 400:
        by_hand._save_some()
        clock.now += 0.1
    assert 0.4 < 2 * saves.total() / (clock.now - began) < 0.51
    assert len(saves) == 10 and max(saves.values()) - min(saves.values()) <= 1


def test_an_undo_wins_over_a_deletion_that_is_just_written(
    service: RunService, engine: ManualEngine, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = service.start(CONFIG, paused=True)
    until(lambda: store.version(run))
    begun, go_on, delete = threading.Event(), threading.Event(), store.delete

    def slow(*args: Any) -> bool:
        begun.set()
        assert go_on.wait(60)
        return delete(*args)

    monkeypatch.setattr(store, "delete", slow)
    service.delete(run)
    assert begun.wait(60)
    service.undelete(run)
    service.resume(run)
    go_on.set()
    until(lambda: store.is_deleted(run) is False and not service._library.unsaved())
    assert advance(engine, service, run).epoch == 2
    until(lambda: (found := saved(store, run)) is not None and found.epoch == 2)


def test_what_is_changed_here_while_the_store_is_asked_is_not_taken_for_anothers_change(
    service: RunService, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = service.start(CONFIG, paused=True)
    until(lambda: service._library._entries[run].clean)
    entry, version = service._library._entries[run], store.version

    def meanwhile(run_id: str) -> int | None:
        monkeypatch.setattr(store, "version", version)
        service.rename(run, "first", "")
        until(lambda: entry.clean)
        return version(run_id)

    monkeypatch.setattr(store, "version", meanwhile)
    service.rename(run, "second", "")
    assert service._library._entries[run] is entry
    until(lambda: (found := saved(store, run)) is not None and found.name == "second")


def test_of_a_file_that_cannot_be_written_all_runs_know_after_one_attempt(
    hasty: RunService, engine: ManualEngine, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [hasty.start(CONFIG, paused=True) for _ in range(5)]
    until(lambda: all(store.version(run) for run in runs))
    monkeypatch.setattr(saver, "RETRY_SECONDS", (1000.0, 1000.0))
    library, attempts = hasty._library, []
    save = library.save

    def counted(run_id: str) -> bool:
        attempts.append(run_id)
        return save(run_id)

    monkeypatch.setattr(library, "save", counted)
    with locked(store):
        with library.lock:  # all at once, for the saver
            for run in runs:
                hasty.rename(run, "new", "")
        until(lambda: all(hasty.snapshot(run).unsaved for run in runs))
        assert len(attempts) == 1


def test_listeners_hear_of_every_change_the_newest_last(
    hasty: RunService, engine: ManualEngine, store: RunStore, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[tuple[str, Snapshot | None]] = []

    def broken(snapshot: Snapshot | None, run_id: str) -> None:
        raise ZeroDivisionError

    hasty.subscribe(broken)
    end = hasty.subscribe(lambda snapshot, run_id: heard.append((run_id, snapshot)))
    run = hasty.start(CONFIG)
    assert heard == [(run, hasty.snapshot(run))]
    until(lambda: store.version(run))
    with locked(store):
        newest = advance(engine, hasty, run)
        until(lambda: hasty.snapshot(run).unsaved)
        until(lambda: (last := heard[-1][1]) is not None and last.unsaved)
    until(lambda: (last := heard[-1][1]) is not None and not last.unsaved)
    assert heard[-1][1] is hasty.snapshot(run) and newest.epoch == 2
    hasty.delete(run)
    assert heard[-1] == (run, None)
    hasty.undelete(run)
    versions = [snapshot.version for _, snapshot in heard if snapshot is not None]
    assert versions == sorted(versions)
    end()
    end()
    before = len(heard)
    other = hasty.start(CONFIG, paused=True)
    until(lambda: store.version(other))
    assert len(heard) == before


def test_many_threads_tell_a_listener_one_after_the_other(service: RunService, engine: ManualEngine) -> None:
    heard: list[int] = []

    def listen(snapshot: Snapshot | None, run_id: str) -> None:
        assert snapshot is not None
        time.sleep(0.0005)
        heard.append(snapshot.version)

    run = service.start(CONFIG, paused=True)
    service.subscribe(listen)

    def rename(number: int) -> None:
        for index in range(20):
            service.rename(run, f"{number} {index}", "")

    threads = [threading.Thread(target=rename, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == sorted(heard) and heard[-1] == service.snapshot(run).version


# Wishes


def test_a_training_server_obeys_who_has_no_page(service: RunService, engine: ManualEngine, store: RunStore) -> None:
    stopped, deleted = service.start(CONFIG, owner="a" * 64), service.start(CONFIG, owner="b" * 64)
    until(lambda: store.version(stopped) and store.version(deleted))
    wishes = Wishes(store.path.parent)
    wishes.make(stopped, "stop")
    wishes.make(deleted, "delete")
    until(lambda: service.snapshot(stopped).status is Status.STOPPED)
    until(lambda: store.is_deleted(deleted))
    with pytest.raises(UnknownRun):
        service.snapshot(deleted)
    until(lambda: wishes.answer(stopped, "stop") == wishes.answer(deleted, "delete") == "")
    service.undelete(deleted, owner="b" * 64)
    time.sleep(1.5)
    assert service.snapshot(deleted).status is Status.PAUSED, "a wish is granted once"


def test_wishes_for_another_servers_runs_are_left_to_it(
    service: RunService, store: RunStore, training: FakeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = service.start(CONFIG)
    until(lambda: store.version(run))
    here = RunStore(store.path.parent)
    other = RunService(here, ManualEngine(), advance=training)
    looked = threading.Event()
    wishes = Wishes(store.path.parent)
    monkeypatch.setattr(service._wishes, "pending", lambda: [])
    monkeypatch.setattr(other._wishes, "refuse", lambda run_id, *_: looked.set() if run_id == "gone" else None)
    wishes.make(run, "stop")
    wishes.make("gone", "stop")
    assert looked.wait(30)
    assert (run, "stop") in wishes.pending() and service.snapshot(run).status is Status.STARTING
    other.close()


# Opening


def test_a_file_is_opened_and_read_while_another_program_writes(store: RunStore, training: FakeTraining) -> None:
    service = RunService(store, ManualEngine(), advance=training)
    run = service.start(CONFIG, paused=True)
    until(lambda: store.version(run))
    service.close()
    path = store.path
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("UPDATE runs SET server = '999999999:1.00:x', status = 'running', epoch = 7")
    other.execute("BEGIN EXCLUSIVE")
    with promptly():
        again = RunService(RunStore(path.parent, patience=0.01), ManualEngine(), advance=training)
        assert [each.run_id for each in again.runs()] == [run]
        found = again.snapshot(run)
        assert (found.status, found.message) == (
            Status.PAUSED,
            "The server stopped; press Resume to go on from epoch 7.",
        )
        again.resume(run)
        assert again.snapshot(run).status is Status.STARTING
    other.execute("ROLLBACK")
    other.close()
    fresh = RunStore(path.parent)
    until(lambda: (now := saved(fresh, run)) is not None and now.status is Status.STARTING)
    again.close()
    fresh.close()


def test_a_store_error_names_the_lock(tmp_path: Path) -> None:
    store = RunStore(tmp_path, patience=0.01)
    with locked(store), pytest.raises(StoreError, match="database is locked"):
        store.delete("a")
    store.close()


def test_what_is_kept_leaves_the_memory_once_it_is_saved_and_is_found_all_the_while(
    patient: RunService, engine: ManualEngine, store: RunStore
) -> None:
    run_id = patient.start(CONFIG)
    advance(engine, patient, run_id)
    library = patient._library
    until(lambda: library._entries[run_id].clean)
    assert library[run_id].kept == ()
    with locked(store):
        advance(engine, patient, run_id)
        advance(engine, patient, run_id)
        time.sleep(0.1)
        assert [each.epoch for each in library[run_id].kept] == [3, 4, 5, 6, 7]
        assert patient.timeline(run_id) == tuple(range(1, 8))
        with promptly():
            assert [each.epoch for each in patient.kept_frames(run_id)] == list(range(1, 8))
    until(lambda: library[run_id].kept == ())
    assert [each.epoch for each in patient.kept_frames(run_id)] == list(range(1, 8))
    assert patient.kept(run_id, 5).points[0].tolist() == [5.0, 5.0]
