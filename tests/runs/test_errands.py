"""Work beside the training leaves a worker for it, and nobody waits for what will not come."""

from __future__ import annotations

from concurrent.futures import CancelledError

import pytest

from gandash.runs.errands import Errands
from gandash.runs.executors import EngineClosedError, LocalWorkers

from .conftest import ManualEngine


def double(number: int) -> int:
    return 2 * number


def test_so_many_at_a_time_first_in_first_out() -> None:
    engine, over = ManualEngine(), list[int]()
    errands = Errands(engine, 2, lambda: over.append(errands.under_way))
    futures = [errands.submit(double, number) for number in range(5)]
    assert [call[2] for call in engine.calls] == [(0,), (1,)] and errands.under_way == 2
    assert futures[2].cancel() and not futures[0].cancel(), "who has begun is not to be stopped"
    engine.run_next()
    assert futures[0].result(0) == 0 and len(engine.calls) == 1, "who had to wait for it is first"
    errands.serve()
    assert [call[2] for call in engine.calls] == [(1,), (3,)]
    engine.fail_next(ZeroDivisionError("no"))
    with pytest.raises(ZeroDivisionError):
        futures[1].result(0)
    errands.serve()
    engine.run_next()
    engine.run_next()
    assert [futures[3].result(0), futures[4].result(0)] == [6, 8] and errands.under_way == 0
    assert over == [1, 1, 1, 0]


def test_without_a_limit_all_are_with_the_engine() -> None:
    engine = ManualEngine()
    errands = Errands(engine, None, lambda: None)
    for number in range(9):
        errands.submit(double, number)
    assert len(engine.calls) == errands.under_way == 9


def test_an_engine_that_takes_nothing_and_an_end_leave_nobody_waiting() -> None:
    closed = LocalWorkers(1)
    closed.shutdown()
    with pytest.raises(EngineClosedError):
        Errands(closed, 1, lambda: None).submit(double, 1).result(0)
    engine = ManualEngine()
    errands = Errands(engine, 1, lambda: None)
    begun, waiting = errands.submit(double, 1), errands.submit(double, 2)
    errands.shutdown()
    with pytest.raises(CancelledError):
        waiting.result(0)
    engine.calls[0][0].cancel()
    with pytest.raises(CancelledError):
        begun.result(0)
