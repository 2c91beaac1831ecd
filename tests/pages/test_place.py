"""The place in the list of runs: what an address says of it, and which runs are there."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gandash.core.targets import read_spec
from gandash.pages.place import LONGEST_SEARCH, Place, select
from gandash.runs.snapshot import RunSummary, Status

NEWEST = datetime(2026, 1, 1, tzinfo=UTC)
RUN = RunSummary(
    "a1",
    NEWEST,
    Status.PAUSED,
    "",
    "heart",
    "Heart",
    read_spec("heart"),
    "rpgan",
    seed=3,
    epoch=5,
    epochs=9,
    progress=0.5,
)
RUNS = [
    replace(RUN, run_id="a1", name="Baseline", note="two modes lost", headline=3.0),
    replace(RUN, run_id="b2", created=NEWEST - timedelta(1), target="ring8", title="8 Gaussians", epoch=9),
    replace(RUN, run_id="c3", created=NEWEST - timedelta(2), status=Status.RUNNING, headline=math.inf),
    replace(RUN, run_id="d4", created=NEWEST - timedelta(3), status=Status.STOPPED_EARLY, headline=2.0),
    replace(RUN, run_id="e5", created=NEWEST - timedelta(4), objective="gone", headline=math.nan),
]


def ids(place: Place) -> str:
    return " ".join(run.run_id for run in select(RUNS, place))


def test_an_address_says_every_place_and_gives_it_back() -> None:
    place = Place("ring lost", "paused", "heart", "best", 3)
    assert Place.from_query(place.query()) == place
    assert Place().query() == {} and Place.from_query({}) == Place()


@pytest.mark.parametrize(
    "query",
    [
        {"page": "-1"},
        {"page": "0"},
        {"page": "²"},
        {"page": "9" * 5000},
        {"page": "two"},
        {"state": "sideways", "sort": "<b>"},
        {"sort": "", "state": ""},
    ],
)
def test_nonsense_in_an_address_counts_as_nothing(query: dict[str, str]) -> None:
    assert Place.from_query(query) == Place()


def test_runs_of_two_judges_are_never_ranked_together() -> None:
    earlier = replace(RUN, run_id="old", headline=0.9, judge=1)
    measured = replace(RUN, run_id="new", headline=2.0)
    assert [run.run_id for run in select([earlier, measured], Place(sort="best"))] == ["new", "old"]


def test_a_search_is_no_longer_than_its_field() -> None:
    assert len(Place.from_query({"search": "x" * 10_000}).search) == LONGEST_SEARCH


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", "a1 b2 c3 d4 e5"),
        ("BASELINE", "a1"),
        ("lost  modes", "a1"),
        ("gaussians", "b2"),
        ("ring8", "b2"),
        ("pairing", "a1 b2 c3 d4"),
        ("gone", "e5"),
        ("d4", "d4"),
        ("baseline gaussians", ""),
    ],
)
def test_every_word_is_looked_for_in_all_that_names_a_run(search: str, found: str) -> None:
    assert ids(Place(search)) == found


@pytest.mark.parametrize(
    ("place", "found"),
    [
        (Place(state="training"), "c3"),
        (Place(state="finished"), "d4"),
        (Place(target="ring8"), "b2"),
        (Place(state="finished", target="ring8"), ""),
        (Place(sort="oldest"), "e5 d4 c3 b2 a1"),
        (Place(sort="best"), "d4 a1 b2 c3 e5"),
        (Place(sort="epochs"), "b2 a1 c3 d4 e5"),
    ],
)
def test_filters_and_orders(place: Place, found: str) -> None:
    assert ids(place) == found
