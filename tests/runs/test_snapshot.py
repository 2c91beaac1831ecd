from __future__ import annotations

import numpy as np
import pytest

from gandash.core.records import EpochRecord
from gandash.runs.snapshot import RECORD_COLUMNS, History, HistoryBuffer, Status


def records(first: int, last: int, **metrics: float) -> list[EpochRecord]:
    return [EpochRecord(e, 1.0 * e, 2.0 * e, 0.5, 0.25, metrics) for e in range(first, last + 1)]


def test_a_view_stays_as_it_was_while_the_buffer_grows() -> None:
    buffer = HistoryBuffer(capacity=4)
    buffer.append(records(1, 3))
    early = buffer.view()
    for start in range(4, 400, 3):
        buffer.append(records(start, start + 2))
    assert early.epoch.tolist() == [1, 2, 3]
    assert early.columns["generator_loss"].tolist() == [1.0, 2.0, 3.0]
    late = buffer.view()
    assert late.epoch.tolist() == list(range(1, 400))
    assert late.columns["discriminator_loss"].tolist() == [2.0 * e for e in range(1, 400)]


def test_a_metric_that_comes_late_or_seldom_is_nan_elsewhere() -> None:
    buffer = HistoryBuffer(capacity=2)
    buffer.append(records(1, 2))
    buffer.append(records(3, 5, mse=7.0))
    buffer.append(records(6, 6, headline=8.0))
    columns = buffer.view().columns
    assert list(columns) == [*RECORD_COLUMNS, "mse", "headline"]
    np.testing.assert_array_equal(columns["mse"], [np.nan, np.nan, 7, 7, 7, np.nan])
    np.testing.assert_array_equal(columns["headline"], [np.nan] * 5 + [8])


def test_views_cannot_be_written() -> None:
    buffer = HistoryBuffer()
    buffer.append(records(1, 3))
    view = buffer.view()
    with pytest.raises(ValueError, match="read-only"):
        view.columns["d_real"][0] = 1
    with pytest.raises(TypeError):
        view.columns["new"] = view.columns["d_real"]  # type: ignore[index]


def test_chunks_of_a_long_history_share_memory() -> None:
    buffer = HistoryBuffer()
    buffer.append(records(1, 50_000))
    moves, last = 0, buffer.view()
    for start in range(50_001, 100_000, 10):
        buffer.append(records(start, start + 9))
        view = buffer.view()
        moves += not np.shares_memory(view.epoch, last.epoch)
        last = view
    assert len(last) == 100_000
    assert moves <= 1


def test_an_empty_history_has_its_columns() -> None:
    assert len(History()) == 0
    assert tuple(History().columns) == RECORD_COLUMNS
    assert tuple(HistoryBuffer().view().columns) == RECORD_COLUMNS


def test_every_status_is_active_ended_or_waits_for_the_user() -> None:
    assert {s for s in Status if s.active} == {Status.STARTING, Status.RUNNING}
    assert {s for s in Status if not s.active and not s.ended} == {Status.PAUSED, Status.FAILED}
    assert [s.value for s in Status][4] == "stopped_early"
