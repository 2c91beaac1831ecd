"""Health notes: what they need to see, and that recorded runs show them, and healthy ones none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gandash.core.config import RunConfig
from gandash.core.health import RULES, Signals, notes, signals

RECORDS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "benchmarks/results/health.json").read_text(encoding="utf-8")
)["runs"]
HEALTHY = [record for record in RECORDS if not record["shows"]]
EXPONENTIAL = RunConfig(shape="exponential")


def _replayed(record: dict[str, Any]) -> list[set[str]]:
    config = RunConfig.model_validate(record["config"])
    return [{note.name for note in notes(config, Signals(**moment))} for moment in record["signals"]]


def _columns(n: int, **given: Any) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    columns = {"generator_loss": 0.7, "discriminator_loss": 1.4, "d_real": 0.5, "d_fake": 0.5, "sw_ratio": 2.0} | given
    return np.arange(1, n + 1), {name: np.broadcast_to(np.float64(value), n).copy() for name, value in columns.items()}


def test_no_note_appears_in_a_healthy_run_at_any_moment() -> None:
    assert len(HEALTHY) >= 10 and sum(len(record["signals"]) for record in HEALTHY) > 250
    for record in HEALTHY:
        assert not set().union(*_replayed(record)), record["name"]


@pytest.mark.parametrize("rule", RULES)
def test_every_note_appears_in_a_run_that_shows_it(rule: str) -> None:
    showing = [record for record in RECORDS if rule in record["shows"]]
    assert showing
    for record in showing:
        seen = _replayed(record)
        assert rule in seen[-1] and rule not in seen[0], record["name"]


def test_a_note_says_what_was_seen_and_what_to_try_in_a_line() -> None:
    for record in RECORDS:
        config = RunConfig.model_validate(record["config"])
        for moment in record["signals"]:
            for note in notes(config, Signals(**moment)):
                assert note.seen.endswith(".") and note.advice.endswith(".")
                assert len(note.seen) + len(note.advice) < 240


def test_points_off_the_picture_and_in_one_spot_are_measured() -> None:
    epochs, columns = _columns(20)
    half = np.array([[0.0, 10.0]] * 10 + [[900.0, 10.0]] * 10)
    assert signals(EXPONENTIAL, epochs, columns, half).outside == 0.5
    assert signals(EXPONENTIAL, epochs, columns, np.full((9, 2), 3.0)).spread == 0.0
    assert signals(EXPONENTIAL, epochs, columns, None).outside is None


def test_the_lead_is_the_discriminators_alone_where_it_is_a_probability() -> None:
    epochs, columns = _columns(50, d_real=0.99, d_fake=0.02)
    assert signals(EXPONENTIAL, epochs, columns, None).lead == pytest.approx(0.97)
    assert signals(RunConfig(shape="ring8", objective="hinge"), epochs, columns, None).lead is None


def test_only_the_runs_own_epochs_count() -> None:
    epochs, columns = _columns(40, sw_ratio=np.r_[np.full(20, 1.0), np.full(20, 9.0)])
    found = signals(EXPONENTIAL, epochs, columns, None, first_epoch=20)
    assert (found.done, found.lowest, found.since) == (20, 9.0, 0)
    assert signals(EXPONENTIAL, epochs, columns, None).lowest == 1.0


def test_a_single_loss_that_is_out_of_bounds_is_found_and_what_is_not_finite_passed_over() -> None:
    epochs, columns = _columns(100)
    columns["generator_loss"][41] = 700.0
    columns["discriminator_loss"][3] = np.nan
    found = signals(EXPONENTIAL, epochs, columns, None)
    assert found.spike == pytest.approx(1000.0)
    assert found.spike_epoch == 42


def test_swings_are_turns_by_the_factor_and_a_steady_way_has_none() -> None:
    for values, swings in ((np.geomspace(100, 1, 80), 0), (np.tile([2.0, 2.0, 9.0, 9.0], 20), 19)):
        epochs, columns = _columns(80, sw_ratio=values)
        assert signals(EXPONENTIAL, epochs, columns, None).swings == pytest.approx(swings, abs=1)


def test_distances_of_a_critic_that_is_hardly_held_swing_and_those_of_a_textbooks_run_shake() -> None:
    """As `benchmarks.health` measured them in the second half of these runs, every ten epochs."""
    critic = "1.77 1.75 1.82 3.94 2.11 1.58 2.64 2.15 1.78 1.71 2.55 2.06 1.64 1.57 1.17 1.60 1.09 1.16 2.32 1.08"
    textbook = "1.93 1.72 1.61 1.26 1.51 1.61 2.26 1.23 1.47 1.64 2.25 2.43 2.99 2.57 2.28 1.62 1.89 1.66 1.70 1.96"
    for words, seen in ((critic, True), (textbook, False)):
        later = np.array([float(word) for word in words.split()])
        epochs, columns = _columns(40, sw_ratio=np.r_[np.geomspace(12, 2, 20), later])
        found = signals(EXPONENTIAL, 10 * epochs, columns, None)
        assert ("oscillation" in {note.name for note in notes(EXPONENTIAL, found)}) == seen


def test_a_run_that_has_just_begun_has_no_notes() -> None:
    epochs, columns = _columns(3, sw_ratio=1e5)
    assert not notes(EXPONENTIAL, signals(EXPONENTIAL, epochs, columns, np.full((9, 2), 900.0)))
    assert not notes(EXPONENTIAL, signals(EXPONENTIAL, np.empty(0, np.int64), {}, None))
