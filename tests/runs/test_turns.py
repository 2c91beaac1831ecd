"""Who sits out when chunks take different times, and for how long."""

from __future__ import annotations

from gandash.runs.turns import Turns


def test_short_chunks_make_nobody_sit_out() -> None:
    turns = Turns(workers=1)
    for seconds in (0.1, 0.3, 0.4):
        turns.taken("a", seconds, others=3)
        assert turns.asks("a", under_way=("b", "c", "d"))


def test_who_took_long_sits_out_until_each_other_run_has_had_as_much() -> None:
    turns = Turns(workers=1)
    turns.taken("slow", 2.0, others=2)
    for _ in range(7):
        for other in ("a", "b"):
            turns.taken(other, 0.25, others=2)
            assert not turns.asks("slow", {"a", "b"}) and turns.next(under_way={"a", "b"}) is None
    turns.taken("a", 0.25, others=2)
    turns.taken("b", 0.25, others=2)
    assert turns.next(under_way={"a", "b"}) == "slow"
    assert turns.asks("slow", {"a", "b"}) and turns.next(under_way={"a", "b"}) is None


def test_no_worker_stands_idle_for_who_sits_out() -> None:
    turns = Turns(workers=2)
    turns.taken("first", 2.0, others=2)
    turns.taken("second", 3.0, others=2)
    assert turns.next(under_way={"a", "b"}) is None
    assert turns.next(under_way={"a"}) == "first", "who has waited longest"
    assert turns.next(under_way={"a", "b"}) is None
    assert turns.next(under_way=set()) == "second"


def test_an_engine_of_unknown_size_is_first_in_first_out_alone() -> None:
    turns = Turns(workers=None)
    turns.taken("slow", 100.0, others=1)
    assert turns.asks("slow", {"a", "b", "c"}) and turns.asks("another", {"slow"}, estimate=100.0)


def test_slow_runs_do_not_hold_the_last_of_several_workers() -> None:
    turns = Turns(workers=2)
    turns.taken("slow", 2.0, others=2)
    assert turns.next(under_way={"quick"}) == "slow"
    turns.taken("second", 2.0, others=2)
    for _ in range(50):
        turns.taken("quick", 0.25, others=2)
        assert turns.next(under_way={"slow", "quick"}) is None
    assert turns.next(under_way={"quick", "other"}) == "second"


def test_runs_that_will_be_slow_do_not_hold_the_last_worker_with_their_first_chunks() -> None:
    turns = Turns(workers=2)
    assert turns.asks("quick", ()) and turns.asks("slow", {"quick"}, estimate=3.0)
    assert not turns.asks("second", {"quick", "slow"}, estimate=3.0)
    turns.taken("quick", 0.25, others=1)
    assert turns.asks("quick", {"slow"}) and turns.next(under_way={"slow", "quick"}) is None
    turns.taken("slow", 3.0, others=1)
    assert turns.next(under_way={"quick"}) == "second", "who has waited longest"
    assert turns.asks("second", {"quick"}, estimate=3.0)


def test_what_a_chunk_took_counts_for_more_than_the_estimate() -> None:
    turns = Turns(workers=2)
    assert turns.asks("fast", (), estimate=3.0)
    turns.taken("fast", 0.1, others=0)
    assert turns.asks("fast", {"slow"}, estimate=3.0) and turns.asks("slow", {"fast"}, estimate=3.0)
    turns.taken("fast", 0.1, others=1)
    assert turns.asks("fast", {"slow", "quick"}, estimate=3.0)
