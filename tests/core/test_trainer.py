"""The trainer: splitting without a trace, stopping, divergence; `test_knobs` holds its mathematics."""

import copy
import io
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from gandash.core.config import RunConfig
from gandash.core.records import EpochRecord, Player, Position
from gandash.core.trainer import Trainer
from gandash.core.views.gradients import pulls

QUICK: dict[str, Any] = {"points": 256, "batch_size": 64, "generator_widths": (8,), "discriminator_widths": (16, 8)}
RECIPES: list[dict[str, Any]] = [
    {},
    {"objective": "minimax", "label_smoothing": 0.1, "label_smoothing_sides": "two"},
    {"objective": "least-squares", "instance_noise": 0.2, "shape": "ring8"},
    {"objective": "hinge", "shape": "two-moons", "fresh": True},
    {"objective": "wgan-gp", "packing": 2, "latent": "uniform", "points": 320},
    {
        "objective": "rpgan",
        "standardize": True,
        "activation": "leaky_relu",
        "ema_decay": 0.99,
        "discriminator_fourier": 3,
        "fourier_growth": 0.5,
        "generator_fourier": 1,
        "lr_schedule": "cosine",
        "penalty_schedule": "linear",
        "epochs": 12,
        "monitor": "headline",
        "evaluate_every": 2,
    },
]


def moves(trainer: Trainer) -> list[object]:
    """Everything that moves in a training."""
    state = trainer.state_dict()
    tensors = {**state.pop("tensors"), **state.pop("healthy"), "rng": state.pop("rng")}
    best = state.pop("best_weights")
    return [None if best is None else best.tolist(), state, {name: t.tolist() for name, t in tensors.items()}]


def test_a_checkpoint_holds_nothing_that_was_not_written() -> None:
    """From a tensor that is not filled, what was in memory before would leave with the file."""
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)  # such tensors hold NaN then
    try:
        trainer = Trainer(RunConfig(**QUICK, ema_decay=0.9))
        assert [name for name, tensor in trainer.game.tensors().items() if not tensor.isfinite().all()] == []
        trainer.play_phase()
        assert [name for name, tensor in trainer.game.tensors().items() if not tensor.isfinite().all()] == []
    finally:
        torch.use_deterministic_algorithms(before)


def test_one_record_an_epoch_with_losses_scores_and_metrics() -> None:
    trainer = Trainer(RunConfig(**QUICK))
    records = trainer.advance(epochs=3) + trainer.advance(epochs=1)
    assert [record.epoch for record in records] == [1, 2, 3, 4]
    assert records == trainer.history
    for record in records:
        assert record.generator_loss > 0 and record.discriminator_loss > 0
        assert 0 < record.d_real < 1 and 0 < record.d_fake < 1
        assert {"batch_mse", "mse", "x_coverage", "sliced_wasserstein", "sw_ratio", "headline"} <= record.metrics.keys()


def test_mixtures_report_modes_and_quality() -> None:
    (record,) = Trainer(RunConfig(shape="ring8", **QUICK)).advance(epochs=1)
    assert {"modes", "high_quality", "sliced_wasserstein"} <= record.metrics.keys()
    assert "mse" not in record.metrics


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.get("objective", "textbook"))
def test_splitting_leaves_no_trace(recipe: dict[str, Any]) -> None:
    config = RunConfig(**{**QUICK, **recipe, "seed": 11})
    whole = Trainer(config)
    whole.advance(epochs=12)
    parts = Trainer(config)
    for epochs in (1, 4, 0, 5, 2):
        parts.advance(epochs=epochs)
        parts = Trainer.resume(config, parts.checkpoint())
    assert parts.history == whole.history
    assert parts.variants == whole.variants
    for which in whole.variants:
        np.testing.assert_array_equal(parts.sample(100, seed=1, which=which), whole.sample(100, seed=1, which=which))
    theirs, ours = (torch.load(io.BytesIO(t.checkpoint()), weights_only=True)["tensors"] for t in (whole, parts))
    for name in theirs:
        assert torch.equal(ours[name], theirs[name]), name


def test_stopping_in_the_middle_of_an_epoch_leaves_no_trace() -> None:
    config = RunConfig(**{**QUICK, "points": 64 * 50}, seed=2)
    whole, parts = Trainer(config), Trainer(config)
    whole.advance(epochs=2)
    pauses = 0
    while parts.epoch < 2:
        parts.advance(epochs=1, seconds=1e-3)
        pauses += parts.batches % config.batches_per_epoch > 0
        parts = Trainer.resume(config, parts.checkpoint())
    assert pauses > 0
    assert parts.batches == 2 * config.batches_per_epoch
    assert parts.history == whole.history
    np.testing.assert_array_equal(parts.sample(10, seed=0), whole.sample(10, seed=0))


def test_a_checkpoint_without_history_goes_on_alike() -> None:
    config = RunConfig(**QUICK)
    trainer = Trainer(config)
    trainer.advance(epochs=2)
    resumed = Trainer.resume(config, trainer.checkpoint(history=False))
    assert resumed.history == []
    assert resumed.advance(epochs=2) == trainer.advance(epochs=2)


@pytest.mark.parametrize("data", [b"", b"nonsense", b"\x80\x04]\x94."])
def test_what_is_no_checkpoint_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="not a gandash checkpoint"):
        Trainer.resume(RunConfig(**QUICK), data)


def test_a_checkpoint_of_another_config_is_refused() -> None:
    data = Trainer(RunConfig(**QUICK)).checkpoint()
    with pytest.raises(ValueError, match="dropout, seed"):
        Trainer.resume(RunConfig(**QUICK, dropout=0.1, seed=3), data)


def test_seeds_differ_and_repeat() -> None:
    samples = []
    for seed in (0, 0, 1):
        trainer = Trainer(RunConfig(**QUICK, seed=seed))
        trainer.advance(epochs=2)
        samples.append(trainer.sample(50, seed=9))
    np.testing.assert_array_equal(samples[0], samples[1])
    assert np.abs(samples[0] - samples[2]).max() > 1e-3


def test_the_global_random_state_is_neither_used_nor_changed() -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    trainer = Trainer(RunConfig(**QUICK, objective="hinge"))
    trainer.advance(epochs=1)
    trainer.sample(5, seed=0)
    assert torch.equal(before, torch.random.get_rng_state())


def test_training_ends_at_the_planned_epoch() -> None:
    trainer = Trainer(RunConfig(**QUICK, epochs=3))
    assert len(trainer.advance(epochs=10)) == 3
    assert (trainer.state, trainer.progress) == ("finished", 1.0)
    assert trainer.advance(epochs=1) == []


def test_early_stopping_by_patience_keeps_the_best_generator() -> None:
    config = RunConfig(**QUICK, patience=3, seed=1, generator_lr=0.02, best_by="textbook")
    trainer = Trainer(config)
    records = trainer.advance(epochs=2000)
    errors = [record.metrics["batch_mse"] for record in records]
    best = int(np.argmin(errors)) + 1
    assert trainer.state == "stopped_early"
    assert trainer.best_epoch == best
    assert trainer.epoch == best + 3
    again = Trainer(config)
    again.advance(epochs=best)
    np.testing.assert_array_equal(again.sample(50, seed=0, which="latest"), trainer.sample(50, seed=0, which="best"))


def test_early_stopping_can_be_off() -> None:
    trainer = Trainer(RunConfig(**QUICK, patience=1, early_stopping="off", epochs=40))
    trainer.advance(epochs=40)
    assert trainer.state == "finished"
    assert trainer.best_epoch is not None


@pytest.mark.parametrize("recipe", [{}, {"discriminator_steps": 3}, {"ema_decay": 0.9}], ids=str)
def test_divergence_ends_the_run_and_keeps_the_last_healthy_generator(recipe: dict[str, Any]) -> None:
    config = RunConfig(**QUICK, **recipe, generator_lr=1.0, discriminator_lr=1.0, objective="least-squares", seed=0)
    trainer = Trainer(config)
    trainer.advance(epochs=1)
    healthy = trainer.sample(20, seed=0, which=trainer.shown)
    next(trainer.networks[1].parameters()).data.fill_(math.inf)
    assert trainer.advance(epochs=5) == []
    assert trainer.state == "diverged"
    assert "epoch 2" in trainer.message
    assert len(trainer.history) == 1
    np.testing.assert_array_equal(trainer.sample(20, seed=0, which=trainer.shown), healthy)
    assert all(np.isfinite(trainer.sample(20, seed=0, which=which)).all() for which in trainer.variants)
    resumed = Trainer.resume(config, trainer.checkpoint())
    assert resumed.state == "diverged"
    np.testing.assert_array_equal(resumed.sample(20, seed=0, which=resumed.shown), healthy)


def test_the_running_average_is_what_is_shown() -> None:
    trainer = Trainer(RunConfig(**QUICK, ema_decay=0.999))
    trainer.advance(epochs=5)
    assert trainer.shown == "ema"
    assert set(trainer.variants) >= {"latest", "ema"}
    assert not np.array_equal(trainer.sample(10, seed=0, which="ema"), trainer.sample(10, seed=0, which="latest"))


def test_a_generator_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of latest"):
        Trainer(RunConfig(**QUICK)).sample(5, seed=0, which="ema")


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_missing_hardware_is_refused(device: str) -> None:
    from gandash.core.devices import available_devices

    if device in available_devices():
        pytest.skip(f"this machine has {device}")
    with pytest.raises(ValueError, match=f"{device}.*not on this machine.*cpu"):
        Trainer(RunConfig(device=device))


def test_the_textbooks_step_is_three_phases() -> None:
    phases = Trainer(RunConfig(**QUICK)).game.phases
    assert [(phase.network, phase.loss, phase.draws) for phase in phases] == [
        ("discriminator", "on_real", True),
        ("discriminator", "on_fake", False),
        ("generator", "generator", False),
    ]


def test_every_discriminator_turn_takes_a_batch_and_the_generator_plays_on_the_last() -> None:
    trainer = Trainer(RunConfig(**QUICK, objective="wgan-gp", discriminator_steps=4))
    phases = trainer.game.phases
    assert [(phase.network, phase.draws) for phase in phases] == 4 * [("discriminator", True)] + [("generator", False)]
    before = trainer.sample(10, seed=0)
    for played in range(4):
        assert trainer.position == Position(0, played)
        trainer.play_phase()
    assert trainer.batches == 3, "the fourth batch is not done with before the generator's turn"
    np.testing.assert_array_equal(trainer.sample(10, seed=0), before)
    trainer.play_phase()
    assert (trainer.position, trainer.batches) == (Position(1, 0), 4)
    assert not np.array_equal(trainer.sample(10, seed=0), before)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.get("objective", "textbook"))
def test_a_checkpoint_may_fall_between_two_phases(recipe: dict[str, Any]) -> None:
    config = RunConfig(**{**QUICK, **recipe, "seed": 3})
    whole, parts = Trainer(config), Trainer(config)
    whole.advance(epochs=4)
    records: list[EpochRecord] = []
    while parts.epoch < 1:
        records += parts.play_phase()
        parts = Trainer.resume(config, parts.checkpoint())
    for _ in range(len(parts.game.phases) + 1):
        records += parts.play_phase()
    assert parts.position.phase, "in the middle of a step"
    parts = Trainer.resume(config, parts.checkpoint())
    records += parts.advance(epochs=4 - parts.epoch)
    assert records == parts.history == whole.history
    assert parts.position == whole.position
    np.testing.assert_array_equal(parts.sample(50, seed=0), whole.sample(50, seed=0))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.get("objective", "textbook"))
def test_what_a_phase_did_is_seen_without_a_trace(recipe: dict[str, Any]) -> None:
    config = RunConfig(**{**QUICK, **recipe, "seed": 3, "discriminator_steps": 2, "points": 640})
    plain, seen = Trainer(config), Trainer(config)
    step = len(plain.game.phases)
    for place in range(2 * step):
        phase = plain.game.phases[place % step]
        # what the update itself counts is the loss before it
        counted = plain.game.sums.clone()
        plain.play_phase()
        counted = plain.game.sums - counted
        played, records = seen.show_phase()
        assert played is not None and not records
        assert (played.step, played.name, played.network) == (place // step + 1, phase.name, phase.network)
        assert played.next == plain.game.phases[(place + 1) % step].name
        before = {
            "on_real": plain.game.pending,
            "on_fake": counted[1] - plain.game.pending,
            "discriminator": counted[1],
            "generator": counted[0],
        }[phase.loss]
        assert played.before == pytest.approx(float(before), rel=1e-4, abs=1e-5) and played.after != played.before
        sizes = len(played.real), len(played.generated), len(played.moved)
        assert sizes == {"on_real": (64, 0, 0), "on_fake": (0, 64, 0), "generator": (0, 64, 64)}.get(
            phase.loss, (64, 64, 0)
        )
        assert moves(seen) == moves(plain)
        places = {"on_real": seen.sample(128, 0), "generator": played.moved}.get(phase.loss, played.generated)
        np.testing.assert_array_equal(played.wanted[:, 0], places[:128])
        np.testing.assert_array_equal(played.wanted, pulls(plain, places[:128]))
        assert np.abs(played.wanted[:, 1]).sum() > 0
        assert phase.loss != "generator" or not np.array_equal(played.generated, played.moved)


def test_the_loss_after_a_phase_is_that_of_its_own_batch_and_noise() -> None:
    trainer = Trainer(RunConfig(**QUICK, dropout=0.0, discriminator_lr=1e-3, shape="ring8", device="cpu"))
    played, _ = trainer.show_phase()
    assert played is not None

    def loss() -> float:
        with torch.no_grad():
            logits = trainer.networks[1](torch.from_numpy(played.real))
        return float(torch.nn.functional.softplus(-logits).mean())

    assert played.after == pytest.approx(loss(), rel=1e-5) and played.after < played.before


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.get("objective", "textbook"))
@pytest.mark.parametrize(("only", "other"), [("generator", 1), ("discriminator", 0)])
def test_one_network_may_play_alone(recipe: dict[str, Any], only: Player, other: int) -> None:
    config = RunConfig(**{**QUICK, **recipe, "seed": 3})
    trainer = Trainer(config)
    trainer.advance(epochs=1)
    trainer.play_phase()
    still = [parameter.clone() for parameter in trainer.networks[other].parameters()]
    moving = [parameter.clone() for parameter in trainer.networks[1 - other].parameters()]
    records = trainer.advance(epochs=2, only=only)
    assert all(map(torch.equal, trainer.networks[other].parameters(), still))
    assert not all(map(torch.equal, trainer.networks[1 - other].parameters(), moving))
    assert [record.epoch for record in records] == [2, 3] and trainer.left_out
    last = records[1]
    if only == "generator":
        assert last.generator_loss == last.generator_loss
        assert all(map(math.isnan, (last.discriminator_loss, last.d_real, last.d_fake)))
    else:
        assert math.isnan(last.generator_loss)
        assert all(map(math.isfinite, (last.discriminator_loss, last.d_real, last.d_fake)))
    # a checkpoint goes on with it
    other_one = Trainer.resume(config, trainer.checkpoint())
    assert other_one.left_out == trainer.left_out
    assert [t.advance(epochs=1)[0].epoch for t in (trainer, other_one)] == [4, 4]
    assert repr(moves(trainer)) == repr(moves(other_one)), "as text: some figures are not numbers"


def test_an_epoch_counts_the_updates_that_were_made() -> None:
    config = RunConfig(**QUICK, dropout=0.0, discriminator_lr=1e-6, generator_lr=1e-6)
    whole, halved = Trainer(config), Trainer(config)
    (expected,) = whole.advance(epochs=1)
    halved.advance(steps=2)
    halved.advance(steps=1, only="generator")
    (record,) = halved.advance(steps=1, only="discriminator") + halved.play_phase("discriminator")
    for name in ("generator_loss", "discriminator_loss", "d_real", "d_fake"):
        assert getattr(record, name) == pytest.approx(getattr(expected, name), rel=0.1), name
    assert halved.left_out == 3


def test_a_step_is_what_is_left_of_the_phases() -> None:
    trainer, whole = (Trainer(RunConfig(**QUICK)) for _ in range(2))
    whole.advance(epochs=1)
    trainer.play_phase()
    trainer.advance(steps=1)
    assert trainer.position == Position(1, 0)
    records = trainer.advance(steps=3)
    assert records == whole.history and moves(trainer) == moves(whole)
    trainer.play_phase("discriminator"), trainer.play_phase("discriminator")
    trainer.advance(steps=1, only="discriminator")  # of the step begun only the generator's turn is left
    assert trainer.position == Position(6, 0)
    with pytest.raises(ValueError, match="steps is -1"):
        trainer.advance(steps=-1)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda trainer: pickle.loads(pickle.dumps(trainer))])
def test_a_copy_trains_by_itself(copied: Callable[[Trainer], Trainer]) -> None:
    trainer = Trainer(RunConfig(**QUICK, ema_decay=0.9, seed=2))
    trainer.advance(epochs=1)
    other = copied(trainer)
    before = trainer.sample(20, seed=0)
    theirs = other.advance(epochs=2)
    assert not np.array_equal(other.sample(20, seed=0), before)
    np.testing.assert_array_equal(trainer.sample(20, seed=0), before)
    assert [record.generator_loss for record in trainer.advance(epochs=2)] == [r.generator_loss for r in theirs]


def test_another_default_dtype_changes_nothing() -> None:
    config = RunConfig(**QUICK, generator_fourier=1, instance_noise=0.1, label_smoothing=0.1, latent="uniform")
    plain = Trainer(config)
    losses = [record.generator_loss for record in plain.advance(epochs=2)]
    torch.set_default_dtype(torch.float64)
    try:
        trainer = Trainer(config)
        assert [record.generator_loss for record in trainer.advance(epochs=2)] == losses
        points = Trainer.resume(config, trainer.checkpoint()).sample(20, seed=0)
    finally:
        torch.set_default_dtype(torch.float32)
    assert points.dtype == np.float32
    np.testing.assert_array_equal(points, plain.sample(20, seed=0))


def test_a_run_that_ends_in_one_spot_says_so() -> None:
    trainer = Trainer(RunConfig(**QUICK, epochs=2, generator_lr=1e-6, discriminator_lr=1e-6))
    trainer.advance(epochs=1)
    with torch.no_grad():
        trainer.game.generator_weights[:-2].zero_()
    trainer.advance(epochs=1)
    assert trainer.state == "finished"
    assert "collapsed: all its points lie in one spot" in trainer.message
    assert "collapsed" not in Trainer.resume(trainer.config, trainer.checkpoint()).fork(epochs=1).message


def test_a_run_that_ends_where_nothing_real_is_says_so() -> None:
    """What learning rate 1 leaves behind: points apart from each other, and none of them near a real one."""
    trainer = Trainer(RunConfig(**QUICK, epochs=2, generator_lr=1e-6, discriminator_lr=1e-6))
    trainer.advance(epochs=1)
    with torch.no_grad():
        trainer.game.generator_weights.mul_(30)
        trainer.game.generator_weights[-2:].add_(1e4)
    trainer.advance(epochs=1)
    assert trainer.state == "finished"
    assert trainer.message.startswith("All 2 epochs are done. None of its points lies where real ones do")


@pytest.mark.parametrize(("epochs", "told"), [(1, "The one epoch is done."), (2, "All 2 epochs are done.")])
def test_a_run_that_did_not_fail_does_not_say_so(epochs: int, told: str) -> None:
    trainer = Trainer(RunConfig(**QUICK, shape="line", epochs=epochs))
    trainer.advance(epochs=epochs)
    assert trainer.message == told


def test_the_real_points_are_those_that_it_trains_on() -> None:
    trainer = Trainer(RunConfig(shape="heart", **QUICK, standardize=True, device="cpu"))
    points = trainer.real_points(100)
    assert points.shape == (100, 2)
    scaled = (torch.from_numpy(points) - trainer._mean) / trainer._std
    torch.testing.assert_close(scaled, trainer._data[:100])
    assert len(trainer.real_points(10**9)) == trainer.config.points
