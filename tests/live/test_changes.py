"""Which statuses runs have had of late."""

from __future__ import annotations

from gandash.live.changes import MOST_CHANGES, MOST_RUNS, Changes
from gandash.runs.snapshot import Status
from tests.live.snapshots import RUN, snapshot


def test_every_change_is_remembered_once_and_in_order() -> None:
    changes = Changes()
    for version, status in ((1, Status.STARTING), (2, Status.RUNNING), (3, Status.RUNNING), (5, Status.PAUSED)):
        changes.hear(RUN, snapshot(version, 1, status))
    changes.hear(RUN, snapshot(4, 1, Status.RUNNING))  # overtaken
    assert changes.since(RUN, -1) == [(1, "starting"), (2, "running"), (5, "paused")]
    assert changes.since(RUN, 2) == [(5, "paused")] and changes.since("another", -1) == []
    changes.hear(RUN, None)
    assert changes.since(RUN, -1) == []


def test_only_the_newest_are_remembered_of_the_runs_that_change() -> None:
    changes = Changes()
    for version in range(3 * MOST_CHANGES):
        changes.hear(RUN, snapshot(version, 1, Status.PAUSED if version % 2 else Status.RUNNING))
    assert [version for version, _ in changes.since(RUN, -1)] == list(range(2 * MOST_CHANGES, 3 * MOST_CHANGES))
    for place in range(MOST_RUNS - 1):
        changes.hear(f"run {place}", snapshot(1, 1))
    changes.hear(RUN, snapshot(1000, 1))
    changes.hear("one more", snapshot(1, 1))
    assert changes.since(RUN, 999) == [(1000, "running")]
    assert changes.since("run 0", -1) == [] and changes.since("run 1", -1) == [(1, "running")]
