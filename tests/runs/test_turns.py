"""Who sits out when chunks take different times, and for how long."""

from __future__ import annotations

from gandash.runs.turns import Turns


def test_short_chunks_make_nobody_sit_out() -> None:
    turns = Turns(workers=1)
    for seconds in (0.1, 0.3, 0.4):
        turns.taken("a", seconds, others=3)
        assert not turns.sits_out("a")


def test_who_took_long_sits_out_until_each_other_run_has_had_as_much() -> None:
    turns = Turns(workers=1)
    turns.taken("slow", 2.0, others=2)
    for _ in range(7):
        for other in ("a", "b"):
            turns.taken(other, 0.25, others=2)
            assert turns.sits_out("slow") and turns.next(under_way={"a", "b"}) is None
    turns.taken("a", 0.25, others=2)
    turns.taken("b", 0.25, others=2)
    assert turns.next(under_way={"a", "b"}) == "slow"
    assert not turns.sits_out("slow") and turns.next(under_way={"a", "b"}) is None


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
    assert not turns.sits_out("slow")


def test_slow_runs_do_not_hold_the_last_of_several_workers() -> None:
    turns = Turns(workers=2)
    turns.taken("slow", 2.0, others=2)
    assert turns.next(under_way={"quick"}) == "slow"
    turns.taken("second", 2.0, others=2)
    for _ in range(50):
        turns.taken("quick", 0.25, others=2)
        assert turns.next(under_way={"slow", "quick"}) is None
    assert turns.next(under_way={"quick", "other"}) == "second"
