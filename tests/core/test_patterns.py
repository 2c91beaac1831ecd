"""Training on number patterns: judging numbers, when to stop, and the chapter's recipe as a plain loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from gandash import PATTERNS, PRESETS, int_to_onehot, onehot_to_int
from gandash.core.config import RunConfig
from gandash.core.pattern_metrics import PatternEvaluator, frequencies, total_variation
from gandash.core.records import EpochRecord
from gandash.core.trainer import Trainer
from gandash.runs.worker import Budget, advance
from tests.core.plain import Plain

FIVE = PATTERNS["multiples-of-5"]
CHAPTER: dict[str, Any] = {
    **PRESETS["textbook-multiples-of-5"].model_dump(exclude_unset=True, exclude={"target"}),
    "shape": "multiples-of-5",
    "device": "cpu",
}


def judged(numbers: Any) -> dict[str, float]:
    judge = FIVE.judge()
    return judge.live(int_to_onehot(np.resize(np.asarray(numbers), judge.n)))


def test_two_real_samples_score_one_on_average() -> None:
    judge = FIVE.judge()
    assert isinstance(judge, PatternEvaluator)
    found = [judge.live(FIVE.sample(judge.n, np.random.default_rng(seed))) for seed in range(60)]
    assert np.mean([figures["tv_ratio"] for figures in found]) == pytest.approx(1, abs=0.06)
    assert {figures["fit"] for figures in found} == {figures["variety"] for figures in found} == {1.0}
    assert set(found[0]) == set(FIVE.metrics)
    big = [frequencies(FIVE.sample(10_000, np.random.default_rng(seed))) for seed in range(40)]
    floor = np.mean([total_variation(a, b) for a, b in zip(big[::2], big[1::2], strict=True)])
    assert floor == pytest.approx(10 * np.sqrt(2 / np.pi * 2 * 0.05 * 0.95 / 10_000), rel=0.1)


def test_one_number_for_ever_fools_the_fit_alone() -> None:
    found = judged([35])
    assert found["fit"] == 1 and found["variety"] == 1 / 20
    assert found["total_variation"] == pytest.approx(0.95, abs=0.02) and found["tv_ratio"] > 8


def test_misfits_and_missing_numbers_are_counted() -> None:
    found = judged([0, 5, 10, 11])
    assert found["fit"] == 0.75 and found["variety"] == 3 / 20
    half = judged([*range(0, 50, 5)])
    assert half["fit"] == 1 and half["variety"] == 0.5
    assert half["total_variation"] == pytest.approx(0.5, abs=0.06)


def test_vectors_that_are_not_finite_are_the_worst() -> None:
    points = FIVE.sample(FIVE.judge().n, np.random.default_rng(0))
    points[3, 3] = np.nan
    worst = FIVE.judge().live(points)
    assert (worst["fit"], worst["variety"], worst["total_variation"]) == (0, 0, 1)
    assert worst["headline"] == np.inf


@pytest.mark.parametrize("numbers", [1, 7, 99])
def test_a_list_of_ones_own_trains_and_goes_on_bit_for_bit(numbers: int) -> None:
    shape = "numbers:" + ",".join(map(str, range(numbers)))
    config = RunConfig(**CHAPTER | {"shape": shape, "points": 500, "epochs": 4, "ema_decay": 0.9})
    whole, parts = Trainer(config), Trainer(config)
    whole.advance(epochs=4)
    parts.advance(epochs=1)
    parts = Trainer.resume(config, parts.checkpoint())
    parts.advance(epochs=3)
    assert whole.state in ("finished", "stopped_early") and parts.history == whole.history
    np.testing.assert_array_equal(parts.sample(5, seed=1), whole.sample(5, seed=1))
    assert whole.sample(5, seed=1).shape == (5, 100)
    assert all(np.isfinite(value) for value in whole.evaluate().values())


def test_a_single_number_has_no_distance_to_divide_by() -> None:
    one = RunConfig(shape="numbers:7").target.build()
    judge = one.judge()
    assert judge.live(one.sample(judge.n, np.random.default_rng(0)))["headline"] == 0
    assert judge.live(int_to_onehot(np.full(judge.n, 8)))["headline"] == 1


def test_the_chapters_recipe_is_the_plain_loop() -> None:
    config = RunConfig(**CHAPTER, seed=3)
    trainer, plain = Trainer(config), Plain(config)
    records, losses = trainer.advance(epochs=3), plain.train(3)
    for record, own in zip(records, losses, strict=True):
        assert record.discriminator_loss == pytest.approx(np.mean(own.discriminator), rel=1e-4)
        assert record.generator_loss == pytest.approx(np.mean(own.generator), rel=1e-4)
    assert [str(layer) for layer in plain.generator] == [
        "Linear(in_features=100, out_features=100, bias=True)",
        "ReLU()",
    ]
    assert [str(layer) for layer in plain.discriminator] == [
        "Linear(in_features=100, out_features=1, bias=True)",
        "Sigmoid()",
    ]
    noise = torch.randn(200, 100, generator=torch.Generator().manual_seed(9))
    theirs, ours = plain.sample(noise).numpy(), trainer.sample(200, seed=9)
    assert ours.min() == 0, "a ReLU comes last"
    assert np.mean(onehot_to_int(ours) == onehot_to_int(theirs)) > 0.99
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def batches(trainer: Trainer, count: int) -> list[list[int]]:
    """The numbers of so many real batches, from where the trainer stands."""
    found = []
    for _ in range(count):
        trainer.play_phase()  # which lays out the batch
        found.append(onehot_to_int(trainer.game.batch.numpy()).tolist())
        trainer.play_phase()
        trainer.play_phase()
    return found


def test_every_sequence_of_the_chapter_is_drawn_anew() -> None:
    config = RunConfig(**CHAPTER | {"points": 40})
    whole, parts = Trainer(config), Trainer(config)
    sequences = batches(whole, 12)
    epochs = [np.sort(np.ravel(sequences[start : start + 4])).tolist() for start in (0, 4, 8)]
    assert epochs[0] != epochs[1] != epochs[2] != epochs[0], "no epoch has another one's numbers in another order"
    assert set(np.ravel(sequences)) <= set(FIVE.numbers)
    assert max(np.bincount(np.ravel(sequences), minlength=100)) < 20, "all numbers come"
    found = batches(parts, 2)
    for _ in range(5):
        parts = Trainer.resume(config, parts.checkpoint())
        found += batches(parts, 2)
    assert found == sequences, "the same however a run is split"
    other = Trainer(config.model_copy(update={"seed": 1}))
    assert batches(other, 4) != sequences[:4]


def test_a_run_of_the_recipe_before_goes_on_with_its_two_thousand_numbers() -> None:
    """What was saved knows nothing of `fresh`."""
    saved = {name: value for name, value in RunConfig(**CHAPTER).model_dump(mode="json").items() if name != "fresh"}
    trainer = Trainer(RunConfig.model_validate(saved | {"points": 40}))
    sequences = batches(trainer, 8)
    assert np.sort(np.ravel(sequences[:4])).tolist() == np.sort(np.ravel(sequences[4:])).tolist()


def record(fit: float) -> EpochRecord:
    return EpochRecord(1, 0.0, 0.0, 0.5, 0.5, {"fit": fit})


def test_training_stops_only_once_none_of_ten_thousand_fresh_numbers_misfits(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer(RunConfig(**CHAPTER))
    asked: list[tuple[int, int]] = []
    fits = np.resize(int_to_onehot(np.arange(0, 100, 5)), (10_000, 100))

    def points(n: int, seed: int, which: str) -> Any:
        asked.append((n, seed))
        return fits if len(asked) > 1 else np.concatenate((fits[1:], int_to_onehot([7])))

    monkeypatch.setattr(trainer, "_points", points)
    assert not trainer._stops(record(0.999)) and not asked, "a misfit among those measured says enough"
    assert not trainer._stops(record(1.0)), "one of the fresh ones misfits"
    trainer.batches += trainer.config.batches_per_epoch
    assert trainer._stops(record(1.0))
    (n, seed), (again, other) = asked
    assert n == again == 10_000 and seed != other, "fresh in every epoch"


def test_a_worker_sends_numbers_on_the_board() -> None:
    config = RunConfig(**CHAPTER | {"epochs": 1})
    chunk = advance("five", config.to_json(), None, Budget(seconds=60, until_epoch=1))
    assert chunk.state == "finished", chunk.message
    points = chunk.frames[-1].points
    assert points.shape == (1000, 2) and points.dtype == np.float32
    assert set(np.unique(points)) <= set(range(10))
    outputs = chunk.frames[-1].outputs
    assert outputs is not None and outputs.shape == (10, 100)
    np.testing.assert_array_equal(FIVE.canvas.project(outputs), points[:10])
    assert chunk.records[-1].metrics.keys() == set(FIVE.metrics)
