"""Which generator is the best: judged by the headline on the same noise, smoothed, and never worse than the latest."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from gandash.core.best import Best
from gandash.core.checkpoint import dump
from gandash.core.config import RunConfig
from gandash.core.judge import JUDGE_VERSION
from gandash.core.trainer import Trainer

SMALL = {"points": 256, "batch_size": 64, "generator_widths": (8,), "discriminator_widths": (16,), "dropout": 0.0}


def test_one_lucky_measurement_makes_no_best_epoch() -> None:
    best = Best(smoothing=3)
    values = (9.0, 8.0, 7.0, 0.1, 9.0, 6.0, 5.0, 5.0, 4.9)
    found = [best.update(value, epoch) for epoch, value in enumerate(values, start=1)]
    assert not found[4]
    assert best.epoch == 9
    assert best.figure == pytest.approx(np.mean(values[6:]))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_never_the_best(value: float) -> None:
    best = Best()
    assert not best.update(value, 1)
    assert best.epoch is None


def test_on_a_curve_the_best_generator_does_not_go_by_the_squared_error() -> None:
    """The textbook's error is 0 for points huddled at one place of the curve, which the gap to real is not."""
    trainer = Trainer(RunConfig(shape="exponential", **SMALL))
    huddled = torch.zeros_like(trainer.game.generator_weights)
    huddled[-2:] = torch.tensor([10.0, 1.08**10])
    good = trainer.game.generator_weights.detach().clone()
    for weights in (huddled, good):
        with torch.no_grad():
            trainer.game.generator_weights.copy_(weights)
        trainer.position, trainer.batches = trainer.position, trainer.batches + trainer.config.batches_per_epoch
        trainer._finish_epoch()
    errors = [record.metrics["mse"] for record in trainer.history]
    gaps = [record.metrics["headline"] for record in trainer.history]
    assert (errors[0] < errors[1]) and trainer.best_epoch == int(np.argmin(gaps)) + 1


@pytest.mark.parametrize("config", [RunConfig(**SMALL, epochs=30), RunConfig(**SMALL, epochs=30, ema_decay=0.9)])
def test_the_best_is_never_worse_than_the_latest_beyond_its_uncertainty(config: RunConfig) -> None:
    trainer = Trainer(config)
    while trainer.state == "running":
        trainer.advance(epochs=10)
        best = trainer.appraise("best")
        for which in trainer.variants:
            assert best.metrics["headline"] <= trainer.appraise(which).metrics["headline"]
        assert best.epoch == trainer.best_epoch
        assert best.uncertainty > 0


def test_a_best_epoch_that_has_been_overtaken_steps_back() -> None:
    trainer = Trainer(RunConfig(**SMALL))
    trainer.advance(epochs=3)
    assert trainer._best_weights is not None
    trainer._best_weights.fill_(100.0)  # far away, however good its figure once was
    trainer._gaps.clear()
    assert trainer.best_epoch == 3
    np.testing.assert_array_equal(trainer.sample(50, 0, "best"), trainer.sample(50, 0, "latest"))


def test_asking_how_good_it_is_changes_nothing() -> None:
    quiet, asked = (Trainer(RunConfig(**SMALL, ema_decay=0.9, seed=3)) for _ in range(2))
    quiet.advance(epochs=6)
    for _ in range(3):
        asked.advance(epochs=2)
        for which in asked.variants:
            asked.appraise(which)
    assert asked.history == quiet.history
    assert torch.equal(asked.game.rng.get_state(), quiet.game.rng.get_state())
    for name, tensor in quiet.game.tensors().items():
        assert torch.equal(asked.game.tensors()[name], tensor), name


def test_epochs_are_compared_on_the_same_noise() -> None:
    """A generator that does not move has the same figures in every epoch."""
    trainer = Trainer(RunConfig(**SMALL, generator_lr=1e-6))
    with torch.no_grad():
        trainer.game.generator_weights[:-2].zero_()  # the bias alone: all points in one place
    records = trainer.advance(epochs=3)
    gaps = [record.metrics["headline"] for record in records]
    assert gaps == pytest.approx([gaps[0]] * 3, rel=1e-4)


def test_the_textbooks_error_can_still_be_asked_for() -> None:
    trainer = Trainer(RunConfig(**SMALL, best_by="textbook"))
    errors = [record.metrics["batch_mse"] for record in trainer.advance(epochs=20)]
    assert trainer.best_epoch == int(np.argmin(errors)) + 1


def test_under_another_judge_best_and_patience_begin_anew() -> None:
    config = RunConfig(**SMALL, shape="heart", monitor="headline", early_stopping="patience", patience=5)
    trainer = Trainer(config)
    trainer.advance(epochs=4)
    state = trainer.state_dict() | {"judge": JUDGE_VERSION - 1}
    state["best"] = state["best"] | {"figure": 1e-9, "recent": [1e-9] * 5}  # figures that today's judge never gives
    state["stopping"] = state["stopping"] | {"best": 1e-9, "best_epoch": 1}
    again = Trainer.resume(config, dump(state))
    assert again.best_epoch is not None and set(again.variants) == set(trainer.variants), "what was the best is there"
    records = again.advance(epochs=4)
    assert len(records) == 4 and again.state == "running", "the four epochs before count for nothing"
    assert again._best.figure > 1e-3 and again._stopping.best == min(each.metrics["headline"] for each in records)
    assert Trainer.resume(config, trainer.checkpoint())._stopping == trainer._stopping
