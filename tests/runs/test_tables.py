"""Runs that learn a table: workers get the rows that they lack, and the rows stay as long as a run needs them."""

from __future__ import annotations

import os
import time
from concurrent.futures import Executor, Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest

from gandash import RunConfig, Target
from gandash.core import rows as by_hash
from gandash.core.rows import MissingRowsError, Rows
from gandash.core.targets.table import TableSpec
from gandash.runs import reading, worker
from gandash.runs.executors import LocalWorkers
from gandash.runs.library import UNDO_TIME
from gandash.runs.sending import Sending
from gandash.runs.service import RunService
from gandash.runs.snapshot import Status
from gandash.runs.store import UNUSED_TIME, RunStore
from gandash.runs.worker import Budget, Chunk
from tests.core import lying_parquet as lying

from .conftest import ManualEngine, until


def rows(seed: int) -> Rows:
    rng = np.random.default_rng((seed, os.getpid()))
    return np.round(rng.normal(size=(200, 2)) * [1, 100] + [5, 2000], 4)  # no row twice


def config(spec: TableSpec) -> RunConfig:
    return RunConfig(target=spec, generator_widths=(8,), discriminator_widths=(8,), epochs=3, device="cpu")


def test_a_run_on_points_in_memory_trains_in_a_worker_and_its_rows_are_saved_beside_it(
    tmp_path: Path, workers: LocalWorkers
) -> None:
    class Lent(Executor):  # these workers are for other tests too
        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
            return workers.submit(fn, *args, **kwargs)

    store = RunStore(tmp_path)
    service = RunService(store, Lent(), idle_pause=None)
    try:
        target = Target.from_points(rows(1), columns=("a", "b"))
        run = service.start(config(target.spec))
        until(lambda: service.snapshot(run).status.ended, 60)
        snapshot = service.snapshot(run)
        assert snapshot.status is Status.FINISHED, snapshot.message
        assert snapshot.real is not None and snapshot.real.shape == (100, 2)
        held_out = {*map(tuple, target.unseen(100, np.random.default_rng(0)).tolist())}
        assert not held_out & {*map(tuple, snapshot.real.tolist())}, "training never sees them"
        assert service.samples(run, 10, "latest").shape == (10, 2)
        assert by_hash.path_of(store.data, target.spec.hash).exists()
    finally:
        service.close()


def test_a_table_whose_rows_are_not_here_does_not_start(service: RunService) -> None:
    with pytest.raises(ValueError, match="are not on this machine"):
        service.start(config(TableSpec.of(rows(2))))


def test_a_worker_says_that_a_small_file_is_huge_and_goes_on(tmp_path: Path, workers: LocalWorkers) -> None:
    bomb, table = tmp_path / "bomb", tmp_path / "table"
    bomb.write_bytes(lying.expands(1536))
    table.write_bytes(lying.file({"x": lying.honest(0), "y": lying.honest(1)}))
    for _ in range(2):
        with pytest.raises(ValueError, match=r"bomb.parquet takes more memory to read"):
            workers.submit(reading.read, str(bomb), "bomb.parquet").result(30)
    assert workers.submit(reading.read, str(table), "table.parquet").result(30)["rows"] == 100


class Elsewhere(Executor):
    """Workers that look for rows only where they are told, as those of another machine do."""

    def __init__(self, shares_disk: bool) -> None:
        self.shares_disk = shares_disk
        self.calls = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.calls += 1
        future: Future[Any] = Future()
        folders, memory, mapped = by_hash._folders.copy(), by_hash._memory.copy(), by_hash._mapped.copy()
        for known in (by_hash._folders, by_hash._memory, by_hash._mapped):
            known.clear()
        if not self.shares_disk:
            by_hash._folders[:] = [Path(os.devnull)]
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        finally:
            by_hash._folders[:] = folders
            by_hash._memory.clear()
            by_hash._mapped.clear()
            by_hash._memory.update(memory)
            by_hash._mapped.update(mapped)
        return future


def first_row(rows_hash: str) -> list[float]:
    return by_hash.find(rows_hash)[0].tolist()  # type: ignore[no-any-return]


def test_a_worker_that_lacks_rows_is_told_where_they_are(tmp_path: Path) -> None:
    table = rows(3)
    rows_hash = by_hash.hash_of(table)
    by_hash.keep(rows_hash, tmp_path, table)
    engine = Sending(Elsewhere(True), tmp_path)
    assert engine.submit(first_row, rows_hash).result(1) == table[0].tolist()
    assert engine.engine.calls == 2, "told once"  # type: ignore[attr-defined]


def test_a_worker_of_another_machine_is_sent_them_once_and_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setattr(platformdirs, "user_cache_dir", lambda *_, **__: str(cache))
    table = rows(4)
    rows_hash = by_hash.remember(table)
    engine = Sending(Elsewhere(False), tmp_path / "not shared")
    old = cache / "data" / "old.npy"
    old.parent.mkdir(parents=True)
    old.touch()
    os.utime(old, (0, 0))
    assert engine.submit(first_row, rows_hash).result(1) == table[0].tolist()
    assert [path.name for path in (cache / "data").iterdir()] == [f"{rows_hash}.npy"], "what is old makes room"
    assert engine.engine.calls == 3  # type: ignore[attr-defined]


def test_rows_that_nobody_has_are_told_and_other_errors_and_answers_pass(tmp_path: Path) -> None:
    engine = Sending(Elsewhere(False), tmp_path)
    with pytest.raises(MissingRowsError, match=r"f{32}"):
        engine.submit(first_row, "f" * 32).result(1)
    with pytest.raises(ValueError, match="invalid literal"):
        engine.submit(int, "x").result(1)
    assert engine.submit(int, "7").result(1) == 7


def test_a_call_is_cancelled_in_the_engine_too_unless_it_has_begun(engine: ManualEngine, tmp_path: Path) -> None:
    sending = Sending(engine, tmp_path)
    waiting, begun = sending.submit(int, "1"), sending.submit(int, "2")
    inner = [future for future, _, _ in engine.calls]
    assert waiting.cancel() and inner[0].cancelled() and waiting.cancelled()
    inner[1].set_running_or_notify_cancel()
    assert not begun.cancel()
    inner[1].set_result(2)
    assert begun.result(1) == 2
    third = sending.submit(int, "3")
    engine.calls[-1][0].cancel()
    assert third.cancelled()


def test_a_run_whose_rows_are_gone_says_so_and_can_be_resumed(service: RunService, engine: ManualEngine) -> None:
    run = service.start(config(Target.from_points(rows(5), name="pay").spec))
    until(lambda: engine.calls)
    engine.fail_next(MissingRowsError("0" * 32, "pay"))
    until(lambda: engine.calls)
    engine.fail_next(MissingRowsError("0" * 32, "pay"))
    until(lambda: service.snapshot(run).status is Status.FAILED)
    assert "The rows of the table pay" in service.snapshot(run).message


def begin(service: RunService, store: RunStore, spec: TableSpec) -> str:
    run = service.start(config(spec), paused=True)
    until(lambda: store.version(run) is not None)
    return run


def test_rows_go_with_the_last_run_that_uses_them(service: RunService, store: RunStore) -> None:
    spec = Target.from_points(rows(6)).spec
    path = by_hash.path_of(store.data, spec.hash)
    first, second = begin(service, store, spec), begin(service, store, spec)
    later = datetime.now(UTC) + timedelta(seconds=5)
    service.delete(first)
    until(lambda: store.is_deleted(first))
    store.purge(later)
    assert path.exists(), "the second run needs them"
    service.delete(second)
    until(lambda: store.is_deleted(second))
    store.purge(datetime.now(UTC) - UNDO_TIME)
    assert path.exists(), "it may be brought back"
    service.undelete(second)
    until(lambda: store.is_deleted(second) is False)
    store.purge(later)
    assert path.exists(), "and was"
    service.delete(second)
    until(lambda: store.is_deleted(second))
    store.purge(later)
    assert not path.exists()


def test_rows_that_were_never_used_go_after_a_day(store: RunStore) -> None:
    path = by_hash.keep(by_hash.hash_of(rows(7)), store.data, rows(7))
    store.purge(datetime.now(UTC) - UNDO_TIME)
    assert path.exists()
    old = time.time() - UNUSED_TIME.total_seconds() - UNDO_TIME.total_seconds() - 60
    os.utime(path, (old, old))
    by_hash.keep(path.stem, store.data)
    store.purge(datetime.now(UTC) - UNDO_TIME)
    assert path.exists(), "they were wanted just now"
    os.utime(path, (old, old))
    store.purge(datetime.now(UTC) - UNDO_TIME)
    assert not path.exists()


def test_a_worker_says_that_rows_are_missing_so_that_they_can_be_sent() -> None:
    spec = TableSpec.of(rows(8))
    with pytest.raises(MissingRowsError):
        worker.advance("missing", config(spec).to_json(), None, Budget(0.1))
    by_hash.remember(rows(8))
    chunk: Chunk = worker.advance("there", config(spec).to_json(), None, Budget(5.0))
    assert chunk.state == "finished", chunk.message
