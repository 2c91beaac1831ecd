"""Worker processes that are killed, replaced and left behind. The calls are small, so that the processes start fast."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import psutil
import pytest

from gandash.runs.executors import DaskWorkers, EngineClosedError, EngineError, LocalWorkers

from .conftest import until
from .small_calls import complain, die, grow, mark_and_wait, unpicklable


def calls(folder: Path, name: str) -> list[int]:
    path = folder / name
    return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.fixture
def pair() -> Iterator[LocalWorkers]:
    pair = LocalWorkers(2, warm_up=os.getpid)
    yield pair
    pair.shutdown(cancel_futures=True)


@pytest.fixture
def single() -> Iterator[LocalWorkers]:
    single = LocalWorkers(1, warm_up=os.getpid)
    yield single
    single.shutdown(cancel_futures=True)


def test_only_the_killed_workers_call_is_repeated(pair: LocalWorkers, tmp_path: Path) -> None:
    doomed = pair.submit(mark_and_wait, str(tmp_path), "doomed", "gate")
    spared = pair.submit(mark_and_wait, str(tmp_path), "spared", "gate")
    until(lambda: calls(tmp_path, "doomed") and calls(tmp_path, "spared"))
    os.kill(calls(tmp_path, "doomed")[0], signal.SIGKILL)
    until(lambda: len(calls(tmp_path, "doomed")) == 2)
    (tmp_path / "gate").touch()
    assert doomed.result(30) == calls(tmp_path, "doomed")[1]
    assert [spared.result(30)] == calls(tmp_path, "spared")


def test_a_lost_call_comes_before_those_that_wait(single: LocalWorkers, tmp_path: Path) -> None:
    order: list[str] = []
    lost = single.submit(mark_and_wait, str(tmp_path), "lost", "gate")
    waits = single.submit(mark_and_wait, str(tmp_path), "waits")
    lost.add_done_callback(lambda _: order.append("lost"))
    waits.add_done_callback(lambda _: order.append("waits"))
    until(lambda: calls(tmp_path, "lost"))
    os.kill(calls(tmp_path, "lost")[0], signal.SIGKILL)
    until(lambda: len(calls(tmp_path, "lost")) == 2 or waits.done())
    (tmp_path / "gate").touch()
    waits.result(60)
    assert order == ["lost", "waits"]


def test_a_call_that_kills_every_worker_is_given_up_and_others_go_on(single: LocalWorkers) -> None:
    first, deadly, last = single.submit(os.getpid), single.submit(die), single.submit(os.getpid)
    with pytest.raises(EngineError, match="3 worker processes died with it"):
        deadly.result(60)
    assert first.result(1) != last.result(60)


def test_a_worker_that_was_killed_while_idle_is_replaced(single: LocalWorkers) -> None:
    old = single.submit(os.getpid).result(60)
    os.kill(old, signal.SIGKILL)
    until(lambda: single._idle[0]._flags.broken)
    assert single.submit(os.getpid).result(60) != old


def test_workers_that_cannot_start_are_reported_and_not_tried_for_ever() -> None:
    workers = LocalWorkers(1, warm_up=die)
    with pytest.raises(EngineError, match="worker processes died"):
        workers.submit(os.getpid).result(60)
    workers.shutdown(cancel_futures=True)


def test_calls_are_served_in_order(single: LocalWorkers, tmp_path: Path) -> None:
    names = [f"{number}" for number in range(8)]
    order: list[str] = []
    futures: list[Future[int]] = []
    for name in names:
        future = single.submit(mark_and_wait, str(tmp_path), name)
        future.add_done_callback(lambda _, name=name: order.append(name))  # type: ignore[misc]
        futures.append(future)
    for future in futures:
        future.result(60)
    assert order == names


def test_more_workers_start_with_more_work_and_no_more_than_allowed(tmp_path: Path) -> None:
    workers = LocalWorkers(3, warm_up=os.getpid)
    futures = [workers.submit(mark_and_wait, str(tmp_path), f"{number}", "gate") for number in range(5)]
    until(lambda: sum(bool(calls(tmp_path, f"{number}")) for number in range(5)) == 3)
    (tmp_path / "gate").touch()
    assert len({future.result(60) for future in futures}) == 3
    workers.shutdown()


def test_errors_and_results_that_cannot_travel_come_back_as_errors(single: LocalWorkers) -> None:
    with pytest.raises(ValueError, match="a plain sentence"):
        single.submit(complain, "a plain sentence").result(60)
    with pytest.raises(Exception, match="pickle"):
        single.submit(unpicklable).result(60)
    assert single.submit(os.getpid).result(60)


def test_workers_use_one_thread_whatever_the_server_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    workers = LocalWorkers(1, warm_up=os.getpid)
    assert workers.submit(os.getenv, "OMP_NUM_THREADS").result(60) == "1"
    workers.shutdown()


def test_a_worker_that_has_grown_goes_on(single: LocalWorkers) -> None:
    pid = single.submit(os.getpid).result(30)
    for _ in range(3):
        assert single.submit(grow, 400_000_000).result(30) == pid
        time.sleep(1.2)  # loky looks at the memory of a process once a second, after a call


def test_workers_ignore_ctrl_c(single: LocalWorkers) -> None:
    pid = single.submit(os.getpid).result(60)
    os.kill(pid, signal.SIGINT)
    assert single.submit(os.getpid).result(60) == pid


def test_shutdown_at_once(tmp_path: Path) -> None:
    workers = LocalWorkers(1, warm_up=os.getpid)
    busy = workers.submit(mark_and_wait, str(tmp_path), "busy", "never")
    waiting = workers.submit(os.getpid)
    until(lambda: calls(tmp_path, "busy"))
    workers.shutdown(cancel_futures=True)
    assert not psutil.pid_exists(calls(tmp_path, "busy")[0])
    assert waiting.cancelled()
    with pytest.raises(EngineClosedError):
        busy.result(10)
    with pytest.raises(EngineClosedError):
        workers.submit(os.getpid)


def test_shutdown_in_peace_waits_for_what_was_asked(tmp_path: Path) -> None:
    workers = LocalWorkers(1, warm_up=os.getpid)
    futures = [workers.submit(mark_and_wait, str(tmp_path), f"{number}") for number in range(3)]
    workers.shutdown()
    pids = {future.result(0) for future in futures}
    assert len(pids) == 1 and not any(psutil.pid_exists(pid) for pid in pids)


def test_dask_says_when_nobody_answers() -> None:
    pytest.importorskip("distributed", reason="distributed is for development only")
    with pytest.raises(EngineError, match=r"no Dask scheduler at tcp://127.0.0.1:9 .*unset GANDASH_DASK"):
        DaskWorkers("tcp://127.0.0.1:9", timeout=0.5)


def test_dask_says_when_its_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(EngineError, match="pip install distributed"):
        DaskWorkers("tcp://127.0.0.1:9")


def test_dask_carries_out_calls() -> None:
    distributed = pytest.importorskip("distributed", reason="distributed is for development only")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, worker_dashboard_address=None
    ) as cluster:
        engine = DaskWorkers(cluster.scheduler_address)
        assert engine.submit(max, 3, 5).result(30) == 5
        first, second = engine.submit(os.urandom, 8), engine.submit(os.urandom, 8)
        assert first.result(30) != second.result(30), "equal calls are not merged"
        with pytest.raises(ValueError, match="a plain sentence"):
            engine.submit(complain, "a plain sentence").result(30)
        engine.shutdown(cancel_futures=True)
