"""Training on a table: what it sees, how it goes on, what it leaves."""

from __future__ import annotations

import copy
import io
import math
from typing import Any

import numpy as np
import pytest
import torch

from gandash import RunConfig, Target, Trainer
from gandash.core import rows as by_hash
from gandash.core.health import on_picture
from gandash.core.presets import best, quick
from gandash.core.rows import MissingRowsError
from tests.core.targets.test_table import as_set, real_like

SMALL: dict[str, Any] = {"generator_widths": (16,), "discriminator_widths": (16,), "epochs": 4, "device": "cpu"}


def forget(rows_hash: str) -> None:
    by_hash._memory.pop(rows_hash, None)


def test_training_sees_every_training_row_and_no_held_out_one() -> None:
    points = np.column_stack((np.arange(200.0), np.arange(200.0) ** 2))
    target = Target.from_points(points)
    for seed in (0, 1):
        trainer = Trainer(RunConfig(target=target, **SMALL, seed=seed))
        seen = as_set(trainer.real_points(1000))
        assert len(seen) == 100
        assert not seen & as_set(target.unseen(200, np.random.default_rng(0)))


def test_it_goes_on_with_the_same_rows_and_no_others() -> None:
    points = real_like(seed=5)
    config = RunConfig(target=Target.from_points(points), **SMALL)
    trainer = Trainer(config)
    trainer.advance(epochs=1)
    data = trainer.checkpoint()
    assert points.tobytes()[:400] not in data, "a checkpoint holds no rows"
    rows_hash = config.target.rows_hash
    assert rows_hash is not None
    twin = copy.deepcopy(trainer)
    forget(rows_hash)
    with pytest.raises(MissingRowsError, match="a checkpoint name them, but do not"):
        Trainer.resume(config, data)
    with pytest.raises(ValueError, match=r"not those of the table points .*300: 300 were given"):
        Trainer.resume(config, data, rows=points + 1)
    with pytest.raises(ValueError, match="no table"):
        Trainer.resume(RunConfig(shape="line", **SMALL), Trainer(RunConfig(shape="line", **SMALL)).checkpoint(), points)
    resumed = Trainer.resume(config, data, rows=points)
    for each in (trainer, twin, resumed):
        each.advance(epochs=3)
    np.testing.assert_array_equal(resumed.sample(20, 0), trainer.sample(20, 0))
    np.testing.assert_array_equal(twin.sample(20, 0), trainer.sample(20, 0))
    assert trainer.fork(epochs=2).epoch == 4


def test_the_generator_that_leaves_gives_the_tables_own_units() -> None:
    points = real_like(600)
    target = Target.from_points(points, columns=("age", "pay"), logarithm=("pay",))
    wide = {"generator_widths": (64, 64), "discriminator_widths": (64, 64), "activation": "leaky_relu"}
    recipe: dict[str, Any] = {"objective": "rpgan", "ema_decay": 0.95, "evaluate_every": 100, "batch_size": 100}
    trainer = Trainer(RunConfig(target=target, **{**SMALL, **wide, **recipe, "epochs": 200, "generator_lr": 2e-3}))
    trainer.advance(epochs=200)
    file = io.BytesIO()
    trainer.export_torchscript(file, "ema")
    file.seek(0)
    model: Any = torch.jit.load(file)  # type: ignore[no-untyped-call]
    made = model(torch.randn(2000, 2, generator=torch.Generator().manual_seed(1))).numpy()
    age, pay = np.quantile(points, (0.1, 0.5, 0.9), axis=0).T
    made_age, made_pay = np.quantile(made, (0.1, 0.5, 0.9), axis=0).T
    assert np.abs(made_age - age).max() < 8, "years"
    assert np.abs(np.log(made_pay / pay)).max() < 0.35, "money"
    assert (made[:, 1] > 0).all()


@pytest.mark.parametrize("learnt", [True, False])
def test_a_number_far_out_makes_no_collapse_and_no_picture_of_one_spot(learnt: bool) -> None:
    """Whether the far one is learnt or held out: points as wide as all the others are not in one spot."""
    for place in range(20):
        points = np.random.default_rng(0).normal(size=(200, 2))
        points[place, 0] = 3e5
        target = Target.from_points(points)
        if (as_set(points[place : place + 1]) <= as_set(target.sample(100, np.random.default_rng(0)))) == learnt:
            break
    trainer = Trainer(quick(target.spec).model_copy(update={"epochs": 1, "device": "cpu"}))
    others = np.random.default_rng(1).normal(size=(target.judge().n, 2)).astype(np.float32)
    trainer._points = lambda n, seed, variant: others  # type: ignore[method-assign]
    trainer.advance(epochs=1)
    assert "one spot" not in trainer.message
    trainer._points = lambda n, seed, variant: others * np.float32(1e-3)  # type: ignore[method-assign]
    assert "one spot" in trainer._failing()
    assert on_picture(target, others)[1] > 0.1


@pytest.mark.parametrize("n", [50, 100])
def test_small_tables_with_repeated_values_train_by_both_recipes_and_are_judged_by_held_out_rows(n: int) -> None:
    target = Target.from_points(real_like(n))
    for recipe in (best, quick):
        trainer = Trainer(recipe(target.spec).model_copy(update={"epochs": 2, "device": "cpu"}))
        trainer.advance(epochs=2)
        assert trainer.state == "finished"
        assert math.isfinite(trainer.appraise().metrics["headline"])
    judge = target.judge()
    assert as_set(judge.real) <= as_set(target.unseen(n, np.random.default_rng(0)))
    assert judge.n == target.spec.held_out
