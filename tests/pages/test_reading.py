"""The sentence on what is happening: each signal alone, from records and points, and what may not be said together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from gandash.core.config import RunConfig
from gandash.core.records import Appraisal, EpochRecord
from gandash.core.targets.shapes import SHAPES
from gandash.pages import reading
from gandash.runs.snapshot import Frame, History, Snapshot, Status

Metrics = Callable[[int], dict[str, float]]

RING = RunConfig(shape="ring8", penalty="none", dropout=0.1)
TEXTBOOK = RunConfig(shape="exponential", seed=5, device="cpu", epochs=2_000, early_stopping="off")
GOOD = {"headline": 0.04, "modes": 8.0, "high_quality": 0.98}


def real(config: RunConfig) -> np.ndarray[Any, Any]:
    return config.target.build().sample(1000, np.random.default_rng(0))


def run(
    config: RunConfig,
    metrics: Metrics,
    *,
    epochs: int = 40,
    d: tuple[float, float] = (0.7, 0.4),
    points: np.ndarray[Any, Any] | None = None,
    status: Status = Status.RUNNING,
    first_epoch: int = 0,
) -> Snapshot:
    """A run whose metrics in every epoch are as told, and whose discriminator answers `d`."""
    records = [EpochRecord(epoch, 1.0, 1.0, *d, metrics(epoch)) for epoch in range(1, epochs + 1)]
    frame = Frame(epochs, 0.5, real(config) if points is None else points)
    now = datetime.now(UTC)
    return Snapshot(
        "a",
        1,
        config,
        status,
        now,
        epoch=epochs,
        progress=0.5,
        frames=(frame,),
        history=History().extended(records),
        first_epoch=first_epoch,
    )


def test_before_anything_is_measured_nothing_is_said() -> None:
    assert reading.sentence(Snapshot("a", 1, RING, Status.RUNNING, datetime.now(UTC))) == ""


def test_modes_are_counted_as_in_the_tile() -> None:
    said = reading.sentence(run(RING, lambda _: GOOD | {"headline": 9.0, "modes": 5.0}))
    assert said.startswith("The points reach 5 of 8 modes")
    assert "5 of 8" not in reading.sentence(run(RING, lambda _: GOOD))


def test_points_between_the_modes_are_told_once_all_are_reached() -> None:
    said = reading.sentence(run(RING, lambda _: GOOD | {"headline": 9.0, "high_quality": 0.5}))
    assert said.startswith("All modes are reached, but only 50.0 % of the points lie in one")


def test_the_range_of_x_is_told_on_a_curve() -> None:
    said = reading.sentence(run(TEXTBOOK, lambda _: {"headline": 80.0, "x_coverage": 0.39}))
    assert said.startswith("The points reach 39.0 % of the range of x")


@pytest.mark.parametrize(
    ("gap", "words"),
    [(0.04, "hardly anybody could tell"), (0.25, "close to real ones"), (40.0, "not yet like real ones")],
)
def test_without_missing_parts_the_gap_is_put_into_words(gap: float, words: str) -> None:
    config = RunConfig(shape="heart", dropout=0.1)
    assert words in reading.sentence(run(config, lambda _: {"headline": gap, "coverage": 0.9}))


@pytest.mark.parametrize(("share", "words"), [(0.4, ""), (0.7, "Most points lie far off"), (1.0, "Practically all")])
def test_points_outside_the_picture_are_told(share: float, words: str) -> None:
    points = real(RING)
    points[: int(share * len(points))] += 100
    said = reading.sentence(run(RING, lambda _: GOOD | {"headline": 900.0, "modes": 1.0}, points=points))
    assert said.startswith(words) and ("far off" in said or "lie far" in said) == bool(words)


def test_one_spot_is_the_start_at_first_and_a_collapse_later() -> None:
    spot = np.full((1000, 2), 0.3, np.float32)
    bad = {"headline": 900.0, "modes": 0.0, "high_quality": 0.0}
    early = reading.sentence(run(RING, lambda _: bad, epochs=2, points=spot))
    late = reading.sentence(run(RING, lambda _: bad, epochs=200, points=spot))
    assert "at the start" in early and "collapsed" not in early
    assert "collapsed" in late and "may not recover" in late
    assert "usual" not in reading.sentence(run(TEXTBOOK, lambda _: {"headline": 900.0}, epochs=50, points=spot))


def test_a_discriminator_that_tells_apart_easily_is_told() -> None:
    said = reading.sentence(run(RING, lambda _: GOOD | {"headline": 50.0, "modes": 2.0}, d=(0.95, 0.05)))
    assert "tells real from generated easily, so the generator has far to go" in said


def test_scores_without_bounds_say_nothing_of_the_discriminator() -> None:
    config = RunConfig.model_validate({"shape": "heart", "objective": "wgan-gp"})
    assert "discriminator" not in reading.sentence(run(config, lambda _: {"headline": 50.0}, d=(9.5, 0.05)))


def test_a_discriminator_that_guesses_is_no_praise() -> None:
    said = reading.sentence(run(RING, lambda _: GOOD | {"headline": 50.0, "modes": 2.0}, d=(0.5, 0.5)))
    assert "can hardly tell real from generated, which alone does not make them good" in said


def test_a_shrinking_gap_is_told_and_a_growing_one() -> None:
    shrinking = reading.sentence(run(RING, lambda epoch: GOOD | {"headline": 1000.0 / epoch, "modes": 5.0}))
    growing = reading.sentence(run(RING, lambda epoch: GOOD | {"headline": 5.0 * 1.3**epoch, "modes": 5.0}))
    assert "the gap to real is shrinking" in shrinking
    assert "the gap to real has been growing" in growing


def test_a_gap_that_stands_still_is_told_with_its_epochs() -> None:
    def stuck(epoch: int) -> dict[str, float]:
        return GOOD | {"headline": 8.0 if epoch <= 100 else 9.0, "modes": 6.0}

    assert "has got no smaller for about 300 epochs" in reading.sentence(run(RING, stuck, epochs=400))
    assert "no smaller" not in reading.sentence(run(RING, stuck, epochs=150))


def test_a_child_is_judged_by_its_own_epochs() -> None:
    def stuck(epoch: int) -> dict[str, float]:
        return GOOD | {"headline": 8.0 if epoch <= 100 else 9.0, "modes": 6.0}

    assert "no smaller" not in reading.sentence(run(RING, stuck, epochs=400, first_epoch=395))


def test_the_textbooks_first_epochs_are_called_usual_and_no_others() -> None:
    def early(epoch: int) -> dict[str, float]:
        return {"headline": 80.0, "x_coverage": 0.5}

    words = "usual for the textbook's recipe in its first few hundred epochs"
    assert words in reading.sentence(run(TEXTBOOK, early))
    assert words not in reading.sentence(run(TEXTBOOK, early, epochs=500))
    assert words not in reading.sentence(run(TEXTBOOK.model_copy(update={"dropout": 0.1}), early))
    assert words not in reading.sentence(run(RING, lambda _: GOOD | {"headline": 80.0}))


def test_good_points_are_not_talked_down() -> None:
    said = reading.sentence(run(RING, lambda _: GOOD, epochs=800, d=(0.95, 0.05)))
    assert said == "By the gap to real, hardly anybody could tell the points from real ones."


def test_at_rest_only_the_points_are_told() -> None:
    said = reading.sentence(run(RING, lambda _: GOOD | {"headline": 50.0, "modes": 2.0}, status=Status.PAUSED))
    assert said == "The points reach 2 of 8 modes."


@pytest.mark.parametrize("shape", list(SHAPES))
def test_every_shape_has_a_short_sentence_at_every_stage(shape: str) -> None:
    config = RunConfig(shape=shape)
    target = config.target.build()
    for points in (real(config), np.zeros((1000, 2), np.float32), real(config) + 1000):
        metrics = target.judge().live(points)
        for epochs in (1, 30, 400):

            def same(_: int, metrics: dict[str, float] = metrics) -> dict[str, float]:
                return metrics

            said = reading.sentence(run(config, same, epochs=epochs, points=points))
            assert said.endswith(".") and said.count(".") - said.count(" %") <= 2 and len(said) <= 160


@pytest.mark.parametrize(
    ("verdict", "gap", "words"),
    [
        ("not told apart", 0.02, "Nothing tells the points from real ones."),
        ("too few points to say", 0.02, "The points are too few to say: no test tells them from real ones"),
        ("told apart", 0.04, "all but like real ones, though a test still tells them apart"),
        ("told apart", 0.2, "The points are close to real ones."),
        ("", 0.04, "hardly anybody could tell"),
    ],
)
def test_of_a_run_that_has_ended_the_sentence_follows_the_verdict(verdict: Any, gap: float, words: str) -> None:
    ended = run(RunConfig(shape="heart"), lambda _: {"headline": 0.5}, status=Status.FINISHED)
    found = Appraisal(ended.shown, ended.epoch, ended.progress, {"headline": gap}, 0.01, verdict)
    ended = replace(ended, appraisals={ended.shown: found}, appraised=ended.progress)
    assert words in reading.sentence(ended)
