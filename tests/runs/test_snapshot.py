from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from gandash.core.records import Appraisal, EpochRecord
from gandash.runs.snapshot import RECORD_COLUMNS, History, Snapshot, Status, records_of

from .conftest import CONFIG


def records(first: int, last: int, **metrics: float) -> list[EpochRecord]:
    return [EpochRecord(e, 1.0 * e, 2.0 * e, 0.5, 0.25, metrics) for e in range(first, last + 1)]


def test_a_history_stays_as_it_was_while_longer_ones_are_made() -> None:
    history = early = History().extended(records(1, 3))
    for start in range(4, 4000, 3):
        history = history.extended(records(start, start + 2))
    assert early.epoch.tolist() == [1, 2, 3]
    assert early.columns["generator_loss"].tolist() == [1.0, 2.0, 3.0]
    assert history.epoch.tolist() == list(range(1, 4000))
    assert history.columns["discriminator_loss"].tolist() == [2.0 * e for e in range(1, 4000)]


def test_two_histories_go_on_from_the_same_one() -> None:
    parent = History().extended(records(1, 3))
    child, other = parent.extended(records(4, 5, mse=1.0)), parent.extended(records(4, 4, mse=2.0))
    child, parent = child.extended(records(6, 6)), parent.extended(records(4, 6))
    assert child.epoch.tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(child.columns["mse"], [np.nan, np.nan, np.nan, 1, 1, np.nan])
    np.testing.assert_array_equal(other.columns["mse"], [np.nan, np.nan, np.nan, 2])
    assert "mse" not in parent.columns and parent.epoch.tolist() == [1, 2, 3, 4, 5, 6]


def test_a_metric_that_comes_late_or_seldom_is_nan_elsewhere() -> None:
    history = History().extended(records(1, 2)).extended(records(3, 5, mse=7.0)).extended(records(6, 6, headline=8.0))
    assert list(history.columns) == [*RECORD_COLUMNS, "mse", "headline"]
    np.testing.assert_array_equal(history.columns["mse"], [np.nan, np.nan, 7, 7, 7, np.nan])
    np.testing.assert_array_equal(history.columns["headline"], [np.nan] * 5 + [8])
    part = history.rows(3)
    assert part.epoch.tolist() == [4, 5, 6] and part.columns["mse"][1] == 7


def test_a_history_cannot_be_written() -> None:
    history = History().extended(records(1, 3))
    with pytest.raises(ValueError, match="read-only"):
        history.columns["d_real"][0] = 1
    with pytest.raises(TypeError):
        history.columns["new"] = history.columns["d_real"]  # type: ignore[index]


def test_chunks_of_a_long_history_share_memory() -> None:
    history = last = History().extended(records(1, 50_000))
    moves = 0
    for start in range(50_001, 100_000, 10):
        history = history.extended(records(start, start + 9))
        moves += not np.shares_memory(history.epoch, last.epoch)
        last = history
    assert len(last) == 100_000
    assert moves <= 1


def test_the_newest_figures_are_of_one_epoch() -> None:
    assert History().newest() is None
    history = History().extended(records(1, 2, mse=1.0))
    assert history.newest() is None
    history = history.extended(records(3, 3, mse=2.0, headline=5.0)).extended(records(4, 3000, mse=9.0))
    assert history.newest() == ({"mse": 2.0, "headline": 5.0}, 3)


def test_an_empty_history_has_its_columns() -> None:
    assert len(History()) == 0
    assert tuple(History().columns) == RECORD_COLUMNS


def test_every_status_is_active_ended_or_waits_for_the_user() -> None:
    assert {s for s in Status if s.active} == {Status.WAITING, Status.STARTING, Status.RUNNING}
    assert {s for s in Status if not s.active and not s.ended} == {Status.PAUSED, Status.FAILED}
    assert [s.value for s in Status][5] == "stopped_early"


def test_a_history_gives_its_records_back() -> None:
    kept = [*records(1, 2), *records(3, 4, headline=2.0, mse=1.0)]
    kept.append(EpochRecord(5, float("nan"), 1.0, 0.5, 0.5, {}))
    assert repr(records_of(History().extended(kept))) == repr(kept)


def snapshot(**changes: object) -> Snapshot:
    history = History().extended(records(1, 6, headline=3.0))
    base = Snapshot("a", 1, CONFIG, Status.RUNNING, datetime.now(UTC), epoch=6, progress=0.065, history=history)
    return replace(base, **changes)  # type: ignore[arg-type]


def appraised(epoch: int, progress: float, which: str = "latest") -> dict[str, object]:
    return {"appraisals": {which: Appraisal(which, epoch, progress, {"headline": 4.0}, 0.1)}, "appraised": progress}


def test_the_figures_to_show_are_one_epochs_and_of_the_shown_generator() -> None:
    new, old = appraised(6, 0.065), appraised(4, 0.04)
    for status in Status:
        assert snapshot(status=status).current == ({"headline": 3.0}, 6)
        assert snapshot(status=status, **old).current == ({"headline": 3.0}, 6)
        assert snapshot(status=status, **new).current == ({"headline": 3.0 if status.active else 4.0}, 6)
    assert snapshot(history=History(), **old).current == ({"headline": 4.0}, 4)
    assert snapshot(history=History()).current == ({}, 0)


def test_the_running_average_is_shown_if_there_is_one_unless_the_run_diverged() -> None:
    averaged = snapshot(config=CONFIG.model_copy(update={"ema_decay": 0.9}), **appraised(6, 0.065, "ema"))
    assert snapshot().shown == "latest"
    assert averaged.shown == "ema" and averaged.metrics == {"headline": 4.0}
    assert replace(averaged, status=Status.DIVERGED).shown == "latest"


def test_a_childs_end_counts_from_its_parents_epoch() -> None:
    assert snapshot(first_epoch=40).planned_epochs == 140


def test_the_stage_changes_with_what_can_be_pressed_and_not_with_every_epoch() -> None:
    run = Snapshot("a", 1, CONFIG, Status.RUNNING, datetime.now(UTC), variants=("latest",), owners=("key",))
    same = [
        replace(run, version=9, epoch=7, progress=0.5, epochs_per_second=3.0),
        replace(run, status=Status.STARTING),
        replace(run, unsaved="The disk is full.", appraised=0.1),
    ]
    assert {each.stage for each in same} == {run.stage}
    rest = replace(run, status=Status.PAUSED, epoch=7, progress=0.5)
    others = [
        replace(run, variants=("latest", "best")),
        replace(run, owners=("key", "other")),
        replace(run, name="A name"),
        replace(run, status=Status.WAITING),
        rest,
        replace(rest, status=Status.FINISHED),
        replace(rest, epoch=8),
        replace(rest, appraised=0.5),
    ]
    assert len({run.stage, *(each.stage for each in others)}) == 1 + len(others)
    assert "key" not in run.stage
