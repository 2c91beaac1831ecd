"""Train on: what a child takes over, what may change, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from gandash.core.config import KNOBS, RunConfig
from gandash.core.fork import FREE, child_config, fork
from gandash.core.networks import FourierFeatures
from gandash.core.objectives import OBJECTIVES
from gandash.core.trainer import Trainer

SMALL: dict[str, Any] = {
    "points": 256,
    "batch_size": 64,
    "generator_widths": (8,),
    "discriminator_widths": (16,),
    "epochs": 4,
    "seed": 5,
}
CHANGES: dict[str, Any] = {
    "dropout": 0.0,
    "objective": "least-squares",
    "discriminator_updates": "joint",
    "discriminator_steps": 3,
    "penalty": "r1",
    "penalty_weight": 3.0,
    "penalty_schedule": "linear",
    "penalty_final": 0.5,
    "label_smoothing": 0.1,
    "label_smoothing_sides": "two",
    "instance_noise": 0.2,
    "instance_noise_decay": 0.0,
    "generator_lr": 1e-4,
    "discriminator_lr": 1e-4,
    "beta1": 0.5,
    "beta2": 0.9,
    "lr_schedule": "cosine",
    "lr_final": 0.5,
    "ema_decay": 0.9,
    "epochs": 7,
    "early_stopping": "off",
    "patience": 2,
    "min_change": 0.5,
    "monitor": "headline",
    "best_by": "textbook",
    "evaluate_every": 2,
    "device": "cpu",
    "seed": 6,
    "target": "line",
    "points": 512,
    "batch_size": 32,
    "standardize": True,
    "fresh": True,
    "generator_widths": (16,),
    "generator_output": "relu",
    "discriminator_widths": (8,),
    "activation": "tanh",
    "latent_dim": 3,
    "latent": "uniform",
    "latent_digits": 2,
    "spectral_norm": True,
    "packing": 2,
    "generator_fourier": 1,
    "discriminator_fourier": 1,
    "fourier_growth": 0.5,
}
CONTEXT: dict[str, dict[str, Any]] = {
    "penalty": {"discriminator_updates": "joint"},
    "penalty_weight": {"discriminator_updates": "joint", "penalty": "r1"},
    "penalty_schedule": {"discriminator_updates": "joint", "penalty": "r1"},
    "penalty_final": {"discriminator_updates": "joint", "penalty": "r1", "penalty_schedule": "linear"},
    "label_smoothing_sides": {"label_smoothing": 0.1},
    "instance_noise_decay": {"instance_noise": 0.2},
    "lr_final": {"lr_schedule": "cosine"},
    "fourier_growth": {"discriminator_fourier": 2},
    "min_change": {"early_stopping": "threshold"},
}
TRAINED = FREE - {
    "epochs",
    "early_stopping",
    "patience",
    "min_change",
    "monitor",
    "best_by",
    "evaluate_every",
    "device",
}


def trained(**knobs: Any) -> Trainer:
    trainer = Trainer(RunConfig(**{**SMALL, **knobs}))
    trainer.advance(epochs=trainer.config.epochs)
    return trainer


def test_every_knob_is_tried() -> None:
    assert CHANGES.keys() == KNOBS.keys()


@cache
def family(*knobs: tuple[str, Any]) -> tuple[Trainer, Trainer]:
    """A parent with these knobs, and a child of it that has trained on without a change."""
    parent = trained(**dict(knobs))
    plain = parent.fork(epochs=3)
    plain.advance(epochs=3)
    return parent, plain


@pytest.mark.parametrize("name", sorted(FREE))
def test_a_free_knob_may_change_and_the_child_trains_with_it(name: str) -> None:
    parent, plain = family(*CONTEXT.get(name, {}).items())
    child = parent.fork(**{"epochs": 3, name: CHANGES[name]})
    assert getattr(child.config, name) == CHANGES[name]
    assert child.first_epoch == child.epoch == 4
    np.testing.assert_array_equal(child.sample(50, 0), parent.sample(50, 0))
    records = child.advance(epochs=3)
    assert [record.epoch for record in records] == [5, 6, 7]
    assert all(np.isfinite((record.discriminator_loss, record.d_real)).all() for record in records)
    if child.device == plain.device:  # with a GPU another device is another one
        same = bool(torch.equal(plain.game.generator_weights, child.game.generator_weights))
        assert same == (name not in TRAINED - {"ema_decay"})
    resumed = Trainer.resume(child.config, child.checkpoint())
    assert torch.equal(resumed.game.generator_weights, child.game.generator_weights)
    resumed_on, child_on = resumed.fork(epochs=1), child.fork(epochs=1)
    assert resumed_on.advance(epochs=1)[0].generator_loss == child_on.advance(epochs=1)[0].generator_loss


@pytest.mark.parametrize("name", sorted(KNOBS.keys() - FREE))
def test_a_fixed_knob_is_refused_by_its_name(name: str) -> None:
    parent = RunConfig(**{**SMALL, **CONTEXT.get(name, {})})
    with pytest.raises(ValueError, match=rf"\({name}\): this knob stays as it is") as caught:
        child_config(parent, {name: CHANGES[name]})
    assert len(str(caught.value)) < 2000


def test_what_is_no_config_is_refused_in_words() -> None:
    for changes, told in (
        ({"dropout": 2}, r"\(dropout\): 2 was given"),
        ({"dropuot": 0.1}, "Did you mean dropout"),
        ({"penalty": "r1"}, "joint discriminator updates"),
    ):
        with pytest.raises(ValueError, match=told):
            child_config(RunConfig(**SMALL), changes)


def test_a_child_without_changes_goes_on_as_its_parent_would_have() -> None:
    whole = Trainer(RunConfig(**{**SMALL, "epochs": 7, "early_stopping": "off"}))
    whole.advance(epochs=7)
    parent = trained(early_stopping="off")
    before = parent.checkpoint()
    child = parent.fork(epochs=3)
    child.advance(epochs=3)
    assert parent.checkpoint() == before
    assert torch.equal(child.game.generator_weights, whole.game.generator_weights)
    assert [(r.epoch, r.generator_loss) for r in child.history] == [(r.epoch, r.generator_loss) for r in whole.history]
    assert (child.epoch, child.progress, child.state) == (7, 1.0, "finished")


def test_moments_are_taken_over_and_an_average_begins_as_a_copy() -> None:
    parent = trained()
    child = parent.fork(ema_decay=0.9)
    assert child.game.ema is not None
    assert torch.equal(child.game.ema, parent.game.generator_weights)
    ours, theirs = child.game.tensors(), parent.game.tensors()
    for name in theirs:
        if "adam" in name:
            assert torch.equal(ours[name], theirs[name]) and theirs[name].any(), name


def test_the_real_points_and_their_scaling_stay_the_parents_when_the_seed_changes() -> None:
    parent = trained(standardize=True)
    child = parent.fork(seed=99)
    grandchild = child.fork(seed=100, epochs=2)
    for trainer in (child, grandchild):
        np.testing.assert_array_equal(trainer.real_points(256), parent.real_points(256))
        np.testing.assert_array_equal(trainer.sample(20, 0), parent.sample(20, 0))
    again = Trainer.resume(grandchild.config, grandchild.checkpoint())
    np.testing.assert_array_equal(again.real_points(256), parent.real_points(256))


def test_a_child_that_only_trains_longer_stays_at_the_schedules_end() -> None:
    parent = trained(lr_schedule="cosine", lr_final=0.1, generator_lr=1e-3)
    longer, other = parent.fork(epochs=10), parent.fork(epochs=10, generator_lr=1e-3, dropout=0.1)
    for trainer in (longer, other):
        trainer.advance(epochs=1)
    assert float(longer.game.generator_adam.lr) == pytest.approx(1e-4)
    assert float(other.game.generator_adam.lr) > 9e-4
    again = longer.fork(epochs=5)
    again.advance(epochs=1)
    assert float(again.game.generator_adam.lr) == pytest.approx(1e-4)


def test_another_objective_brings_its_own_defaults() -> None:
    child = child_config(RunConfig(**SMALL), {"objective": "wgan-gp"})
    assert (child.discriminator_steps, child.penalty, child.dropout) == (5, "wgan-gp", 0.0)
    assert not child_config(RunConfig(**SMALL), {"objective": "hinge"}).spectral_norm


def test_an_epoch_that_was_begun_is_begun_anew() -> None:
    parent = Trainer(RunConfig(**SMALL))
    parent.advance(epochs=2)
    parent.play_phase()
    child = parent.fork(epochs=2)
    assert (child.epoch, len(child.history)) == (2, 2)
    assert [record.epoch for record in child.advance(epochs=2)] == [3, 4]


def test_early_stopping_starts_anew() -> None:
    parent = trained(patience=3, epochs=400, generator_lr=0.02)
    assert parent.state == "stopped_early"
    child = parent.fork(epochs=400)
    assert child.state == "running"
    child.advance(epochs=2)
    assert child.epoch == parent.epoch + 2


def test_a_run_that_has_diverged_is_refused() -> None:
    parent = trained(generator_lr=1.0, discriminator_lr=1.0)
    parent.state = "diverged"
    with pytest.raises(ValueError, match=r"has diverged.*smaller learning rates"):
        parent.fork(epochs=1)


def test_bytes_that_are_no_checkpoint_and_one_of_another_run_are_refused() -> None:
    config = RunConfig(**SMALL)
    with pytest.raises(ValueError, match="not a gandash checkpoint"):
        fork(config, b"nonsense", {})
    with pytest.raises(ValueError, match="another config; these knobs differ: seed"):
        fork(config.model_copy(update={"seed": 1}), Trainer(config).checkpoint(), {})


def test_what_may_change_can_be_asked_without_torch() -> None:
    code = "import sys, gandash.core.fork; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_a_child_of_a_run_with_everything_is_the_longer_run() -> None:
    """Its data, moments, random numbers and order of batches go on, bit for bit, and so does Best."""
    recipe: dict[str, Any] = {"objective": "hinge", "discriminator_steps": 3, "ema_decay": 0.9, "early_stopping": "off"}
    parent, longer = trained(**recipe, dropout=0.1), trained(**recipe, dropout=0.1, epochs=7)
    assert parent.position.phase, "an epoch may end in the middle of a step"
    child = parent.fork(epochs=3)
    child.advance(epochs=10)
    assert child.history == longer.history
    for which in longer.variants:
        np.testing.assert_array_equal(child.sample(50, 0, which), longer.sample(50, 0, which))
    assert child.best_epoch == longer.best_epoch


@pytest.mark.parametrize("old", OBJECTIVES)
def test_any_objective_follows_any_other(old: str) -> None:
    parent = trained(objective=old, epochs=1)
    for new in OBJECTIVES:
        child = parent.fork(objective=new)
        assert child.config.spectral_norm == parent.config.spectral_norm
        assert len(child.advance(epochs=1)) == 1


def test_schedules_run_over_the_childs_own_epochs() -> None:
    parent = trained(lr_schedule="linear", lr_final=0.0, generator_lr=0.01)
    child = parent.fork(generator_lr=0.02, epochs=2)
    for share in (1.0, 0.5):
        child.play_phase()
        assert float(child.game.generator_adam.lr) == pytest.approx(0.02 * share)
        child.advance(epochs=1)
    assert child.state == "finished"


def test_a_parent_that_stood_half_way_leaves_the_schedules_there() -> None:
    parent = Trainer(RunConfig(**SMALL, lr_schedule="linear", lr_final=0.1, generator_lr=0.01))
    parent.advance(epochs=2)
    child = parent.fork(epochs=10, patience=5, seed=1)
    child.advance(epochs=9)
    assert float(child.game.generator_adam.lr) == pytest.approx(0.0055)


def test_octaves_that_have_grown_stay() -> None:
    recipe: dict[str, Any] = {**SMALL, "discriminator_fourier": 4, "fourier_growth": 1.0}
    for epochs, gates in ((4, [1, 1, 1, 1]), (2, [1, 1, 0.5, 0])):
        parent = Trainer(RunConfig(**recipe))
        parent.advance(epochs=epochs)
        child = parent.fork(generator_lr=0.01)
        child.play_phase()
        features = child.networks[1][0]
        assert isinstance(features, FourierFeatures) and features.gates.tolist() == gates


def test_dropout_that_goes_takes_its_scale_with_it_and_leaves_the_rest() -> None:
    parent = trained(objective="hinge", dropout=0.5)
    child = parent.fork(dropout=0.0)
    ours, theirs = child.game.tensors(), parent.game.tensors()
    assert ours.keys() == theirs.keys()
    for name in ("discriminator", "discriminator_adam.square", "discriminator_adam.steps", "discriminator.1.u"):
        assert torch.equal(ours[name], theirs[name]) and theirs[name].any(), name


def test_early_stopping_of_a_child_waits_from_where_it_began() -> None:
    parent = trained(patience=3, epochs=400, generator_lr=0.02)
    child = parent.fork(early_stopping="threshold", monitor="headline", min_change=1000.0, patience=2, epochs=50)
    child.advance(epochs=50)
    assert child.state == "stopped_early" and child.epoch >= parent.epoch + 2
    assert "gap to real" in child.message


def test_a_fixed_knob_may_be_named_with_the_value_it_has() -> None:
    config = RunConfig(**SMALL)
    assert child_config(config, config.model_dump() | {"epochs": 7}) == config.model_copy(update={"epochs": 7})
