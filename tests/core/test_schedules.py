"""Schedules: where they start, where they end, and what lies between."""

import math

import pytest

from gandash.core.config import Schedule
from gandash.core.schedules import decayed_noise, factor, octave_gates


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_a_schedule_falls_from_one_to_its_end(schedule: Schedule) -> None:
    values = [factor(schedule, step / 100, 0.01) for step in range(101)]
    assert values[0] == pytest.approx(1) and values[-1] == pytest.approx(0.01)
    assert values == sorted(values, reverse=True)
    assert values[50] == pytest.approx(0.505)


def test_cosine_is_slow_at_both_ends_and_constant_never_moves() -> None:
    assert factor("cosine", 0.25, 0.0) == pytest.approx((1 + math.cos(math.pi / 4)) / 2)
    assert factor("linear", 0.25, 0.0) == 0.75
    assert {factor("constant", step / 10, 0.01) for step in range(11)} == {1.0}


def test_instance_noise_ends_where_it_should() -> None:
    assert [decayed_noise(0.2, progress, 0.5) for progress in (0, 0.25, 0.5, 1)] == [0.2, 0.1, 0, 0]
    assert decayed_noise(0.2, 1.0, 0.0) == 0.2


def test_octaves_come_one_after_another() -> None:
    assert octave_gates(3, 0.0, 0.4) == [1, 0, 0]
    assert octave_gates(3, 0.1, 0.4) == [1, 0.5, 0]
    assert octave_gates(3, 0.4, 0.4) == octave_gates(3, 1.0, 0.4) == octave_gates(3, 0.0, 0.0) == [1, 1, 1]
