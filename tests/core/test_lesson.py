"""What a teacher sets for a class: it comes back from a link exactly, and what a stranger typed is answered."""

from __future__ import annotations

import math
import re
from random import Random

import pytest

from gandash.core.config import KNOBS
from gandash.core.lesson import CONTROLS, HELD, LONGEST, Goal, Lesson, Progress, decode, encode, held, progress


def random_lesson(seed: int) -> Lesson:
    random = Random(seed)
    goal = Goal(random.choice((0, 0.05, 1e-7, 123.456, random.random())), random.randint(1, 10**9))
    controls = random.sample(CONTROLS, random.randint(0, len(CONTROLS)))
    return Lesson(frozenset(controls), random.choice((goal, None)))


def test_lessons_come_back_exactly_from_a_text_that_needs_no_escaping() -> None:
    for seed in range(300):
        lesson = random_lesson(seed)
        text = encode(lesson)
        assert decode(text) == (lesson, ()) and re.fullmatch(r"[A-Za-z0-9._-]+", text)
        assert len(text) <= LONGEST
    everything = Lesson(frozenset(CONTROLS), Goal(0.123456789012345678, 10**9))
    assert decode(encode(everything)) == (everything, ()) and len(encode(everything)) <= LONGEST
    assert {*CONTROLS} >= KNOBS.keys() - {"target"}


@pytest.mark.parametrize(
    ("text", "controls", "goal", "told"),
    [
        ("1_shape_nothing", {"shape"}, None, "'nothing'"),
        ("1_shape_goal.0.0.5", {"shape"}, None, "from 1 to"),
        ("1_shape_goal.100.-1", {"shape"}, None, "from 0 to"),
        ("1_shape_goal.100.nan", {"shape"}, None, "from 0 to"),
        ("1_shape_goal.100.", {"shape"}, None, "not give steps and a value"),
        ("1_shape_goal", {"shape"}, None, "not give steps and a value"),
        ("1_shape_goal.1e3.5", {"shape"}, None, "not give steps and a value"),
        ("1_goal.100.5_goal.200.6", set(), Goal(5, 100), "twice"),
        ("1_<script>alert(1)</script>_drop", {"dropout"}, None, "<script>"),
        ("1_target_shape", {"shape"}, None, "'target'"),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_is_used(
    text: str, controls: set[str], goal: Goal | None, told: str
) -> None:
    lesson, (problem,) = decode(text)
    assert lesson == Lesson(frozenset(controls), goal) and told in problem.text


@pytest.mark.parametrize("text", ["2_shape", "shape", "1" * 5, "1_" + "shape_" * 10**5, "1_" + "é" * 590, "1_a" * 190])
def test_anything_is_answered_in_bounded_room(text: str) -> None:
    _, wrong = decode(text)
    assert wrong and sum(len(problem.text.encode()) for problem in wrong) < 2000
    assert decode("") == (None, ())


GOAL = Goal(0.5, 100)


@pytest.mark.parametrize(
    ("values", "epoch", "ended", "found"),
    [
        ([], 0, False, Progress("open", 0, 100)),
        ([math.nan, 0.9], 2, False, Progress("open", 20, 80)),
        ([math.nan, 0.9, 0.5, 0.2, 0.3], 5, False, Progress("reached", 50, 0)),
        ([0.9, 0.1, 0.9, 0.1, 0.1, 0.9], 6, False, Progress("open", 60, 40)),  # lucky draws
        ([0.4, math.nan, 0.4, math.nan, 0.4], 5, False, Progress("reached", 50, 0)),
        ([0.9] * 9, 9, False, Progress("open", 90, 10)),
        ([0.9] * 7 + [0.4] * 3, 10, False, Progress("reached", 100, 0)),
        ([0.9] * 8 + [0.4] * 3, 11, False, Progress("missed", 110, 0)),
        ([0.9] * 10, 10, False, Progress("missed", 100, 0)),
        ([0.9, 0.1, 0.1], 3, True, Progress("missed", 30, 70)),
        ([0.1, 0.1, 0.1], 3, True, Progress("reached", 30, 0)),
    ],
)
def test_how_a_run_stands_to_a_goal_that_holds_for_three_measurements(
    values: list[float], epoch: int, ended: bool, found: Progress
) -> None:
    epochs = range(1, len(values) + 1)
    assert progress(GOAL, epochs, values, each=10, epoch=epoch, ended=ended, held=3) == found


def test_a_goal_within_an_epoch_is_missed_at_its_end_alone() -> None:
    goal = Goal(0.5, 25)
    assert progress(goal, [1], [0.9], each=10, epoch=1, ended=False).state == "open"
    assert progress(goal, [1, 2], [0.9, 0.9], each=10, epoch=2, ended=False) == Progress("missed", 20, 5)


def test_a_goal_holds_for_all_measurements_where_a_run_has_fewer_in_time() -> None:
    assert held(GOAL, each=10, last=500) == HELD == 5
    assert held(GOAL, each=30, last=500) == 3
    assert held(GOAL, each=10, last=2) == 2
    assert held(GOAL, each=10, last=500, every=4) == 2
    assert held(GOAL, each=10, last=9, every=4) == 3  # the last epoch is always measured
    assert held(GOAL, each=200, last=500) == 1
