"""One test a knob: the trainer follows the plain training update by update, and the knob makes a difference there."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gandash.core.config import KNOBS, RunConfig
from gandash.core.trainer import Trainer
from tests.core.plain import Plain

# Eight divides every batch and pack, so dropout's bytes come in one order, layer by layer or all layers at once.
BASE: dict[str, Any] = {
    "shape": "sine",
    "points": 60,
    "batch_size": 16,
    "generator_widths": (8, 6),
    "discriminator_widths": (12, 8),
    "generator_lr": 0.004,
    "discriminator_lr": 0.006,
    "epochs": 4,
    "evaluate_every": 1000,
    "device": "cpu",
    "seed": 5,
}
EPOCHS = 3
N = 40
CLOSE = 2e-5
"""How far losses, scores, weights and points may be off; a knob moves one of them at least a hundred times as far."""

# tanh for two objectives: with relu the gradients of units that a whole batch turns on cancel to rounding, which Adam
# blows up. Their penalties then go by autograd; those of LSGAN go by the closed form.
LSGAN = {"objective": "least-squares", "penalty": "r1+r2", "penalty_weight": 0.5}
RPGAN = {"objective": "rpgan", "penalty_weight": 0.5, "activation": "tanh"}
WGAN = {"objective": "wgan-gp", "penalty_weight": 2.0, "activation": "tanh", "discriminator_steps": 2}
CASES: list[tuple[str, Any, dict[str, Any]]] = [  # knob, value, and what else is set on both sides
    ("target", "ring8", {}),
    ("points", 100, {}),
    ("batch_size", 32, {}),
    ("fresh", True, {}),
    ("fresh", True, {"standardize": True, "instance_noise": 0.3}),
    ("standardize", True, {}),
    ("generator_widths", (9, 7, 5), {}),
    ("discriminator_widths", (9, 7, 5), {}),
    ("generator_widths", (), {}),
    ("discriminator_widths", (), {}),
    ("discriminator_widths", (), {**LSGAN, "generator_widths": ()}),
    ("discriminator_widths", (), {"discriminator_fourier": 2, **LSGAN}),
    ("generator_output", "relu", {}),
    ("generator_output", "relu", {"generator_widths": (), "latent_digits": 2}),
    ("generator_output", "relu", RPGAN),
    *(("activation", value, {}) for value in ("leaky_relu", "silu", "tanh")),
    ("activation", "leaky_relu", LSGAN),
    ("activation", "silu", LSGAN),
    ("activation", "silu", RPGAN),
    ("dropout", 0.0, {}),
    ("dropout", 0.6, {}),
    ("dropout", 0.4, LSGAN),
    ("dropout", 0.4, RPGAN),
    ("dropout", 0.4, {"objective": "hinge"}),
    ("latent_dim", 3, {}),
    ("latent", "uniform", {}),
    ("latent", "uniform", {"latent_digits": 2}),
    ("latent_digits", 3, {}),
    ("spectral_norm", True, {}),
    ("spectral_norm", True, RPGAN),
    ("spectral_norm", False, {"objective": "hinge"}),
    ("packing", 2, {}),
    ("packing", 2, LSGAN),
    ("packing", 2, RPGAN),
    ("packing", 2, WGAN),
    ("generator_fourier", 2, {}),
    ("discriminator_fourier", 3, {}),
    ("discriminator_fourier", 2, LSGAN),
    ("discriminator_fourier", 2, RPGAN),
    ("fourier_growth", 0.9, {"discriminator_fourier": 4}),
    ("fourier_growth", 0.5, {"discriminator_fourier": 3, **LSGAN}),
    *(
        ("objective", value, {"activation": "tanh"})
        for value in KNOBS["objective"].choices
        if value != "non-saturating"
    ),
    ("objective", "minimax", {}),
    ("objective", "least-squares", {}),
    ("objective", "hinge", {}),
    ("discriminator_updates", "joint", {}),
    ("discriminator_updates", "joint", {"objective": "minimax"}),
    ("discriminator_updates", "separate", {"objective": "least-squares"}),
    ("discriminator_updates", "separate", {"objective": "hinge"}),
    ("discriminator_updates", "separate", {**WGAN, "penalty": "none", "spectral_norm": True}),
    ("discriminator_steps", 2, {}),
    ("discriminator_steps", 3, LSGAN),
    ("discriminator_steps", 3, RPGAN),
    ("discriminator_steps", 1, WGAN),
    *(("penalty", value, LSGAN) for value in ("none", "r1", "r2")),
    *(("penalty", value, RPGAN) for value in ("none", "r1", "r2")),
    *(("penalty", value, WGAN) for value in ("r1", "r2", "r1+r2")),
    ("penalty", "r1", {"discriminator_updates": "joint"}),
    ("penalty_weight", 3.0, LSGAN),
    ("penalty_weight", 5.0, RPGAN),
    ("penalty_weight", 5.0, WGAN),
    *(("penalty_schedule", value, LSGAN | {"penalty_weight": 5.0}) for value in ("cosine", "linear")),
    ("penalty_final", 0.9, LSGAN | {"penalty_weight": 5.0, "penalty_schedule": "cosine"}),
    ("label_smoothing", 0.2, {}),
    ("label_smoothing", 0.2, {"objective": "minimax"}),
    ("label_smoothing", 0.2, {"objective": "least-squares"}),
    ("label_smoothing", 0.2, {"discriminator_updates": "joint"}),
    ("label_smoothing_sides", "two", {"label_smoothing": 0.2}),
    ("label_smoothing_sides", "two", {"label_smoothing": 0.2, "objective": "least-squares"}),
    ("instance_noise", 0.5, {}),
    ("instance_noise", 0.5, {"shape": "exponential", "packing": 2}),
    ("instance_noise", 0.5, RPGAN),
    ("instance_noise", 0.5, WGAN),
    ("instance_noise_decay", 0.4, {"instance_noise": 0.5}),
    ("instance_noise_decay", 0.0, {"instance_noise": 0.5}),
    ("generator_lr", 0.01, {}),
    ("discriminator_lr", 0.01, {}),
    ("beta1", 0.5, {}),
    ("beta2", 0.9, {}),
    *(("lr_schedule", value, {}) for value in ("cosine", "linear")),
    ("lr_final", 0.9, {"lr_schedule": "linear"}),
    ("ema_decay", 0.5, {}),
    ("ema_decay", 0.999, {}),
    ("ema_decay", 0.6, WGAN),
    ("epochs", 3, {"lr_schedule": "linear"}),
    ("epochs", 40, {"instance_noise": 0.5}),
    ("seed", 6, {}),
]
NOT_MATHEMATICS = {"device", "early_stopping", "patience", "min_change", "monitor", "best_by", "evaluate_every"}


def configure(changes: dict[str, Any]) -> RunConfig:
    values = BASE | changes
    if "target" in changes:
        del values["shape"]
    return RunConfig.model_validate(values)


@cache
def plain_figures(config: RunConfig) -> NDArray[np.float64]:
    """The figures of the plain training."""
    return train_plainly(Plain(config))


def train_plainly(plain: Plain) -> NDArray[np.float64]:
    """Train `EPOCHS` epochs; the averages of each, and what both generators make of the same noise."""
    rows = [
        [np.mean(values) if values else math.nan for values in (s.generator, s.discriminator, s.d_real, s.d_fake)]
        for s in plain.train(EPOCHS)
    ]
    noise = torch.randn(N, plain.config.latent_dim, generator=torch.Generator().manual_seed(1))
    points = [plain.sample(noise, average=average).numpy() for average in (False, True)]
    return figures(plain.config, rows, points)


def trained_figures(trainer: Trainer) -> NDArray[np.float64]:
    """The same figures of the trainer."""
    rows = [
        (record.generator_loss, record.discriminator_loss, record.d_real, record.d_fake)
        for record in trainer.advance(epochs=EPOCHS)
    ]
    points = [trainer.sample(N, seed=1), trainer.sample(N, seed=1, which=trainer.shown)]
    return figures(trainer.config, rows, points)


def figures(config: RunConfig, rows: Any, points: list[NDArray[np.float32]]) -> NDArray[np.float64]:
    """All figures in a row. Pairs see differences of scores alone: the level of scores is rounding and left out."""
    averages = np.array(rows, dtype=np.float64)
    if config.objective == "rpgan":
        averages[:, 2] -= averages[:, 3]
        averages[:, 3] = 0
    return np.concatenate([averages.ravel(), *map(np.ravel, points)])


@pytest.mark.parametrize(("knob", "value", "context"), CASES, ids=lambda part: str(part).replace("gandash", ""))
def test_the_trainer_follows_the_plain_training(knob: str, value: Any, context: dict[str, Any]) -> None:
    config = configure({**context, knob: value})
    trainer, plain = Trainer(config), Plain(config)
    expected = train_plainly(plain)
    np.testing.assert_allclose(trained_figures(trainer), expected, rtol=CLOSE, atol=CLOSE)
    for ours, theirs in zip(trainer.networks[1].parameters(), plain.discriminator.parameters(), strict=True):
        if config.objective != "rpgan" or ours.shape != (1,):
            torch.testing.assert_close(ours, theirs, rtol=CLOSE, atol=CLOSE)

    without = configure(context)
    assert getattr(without, knob) != getattr(config, knob)
    difference = np.nan_to_num(plain_figures(without) - expected)
    assert np.abs(difference).max() > 100 * CLOSE, "the knob does nothing here, so the test would not notice"


def test_every_knob_of_the_mathematics_has_a_test() -> None:
    assert {knob for knob, _, _ in CASES} == KNOBS.keys() - NOT_MATHEMATICS
    for knob in KNOBS.values():
        if knob.kind == "choice" and knob.name not in NOT_MATHEMATICS:
            tried = {getattr(configure(context | {name: value}), knob.name) for name, value, context in CASES}
            assert tried == set(knob.choices), f"{knob.name}: not every choice is tried"


def test_the_textbooks_recipe_over_eighty_steps() -> None:
    """The chapter's own sizes and learning rate, on its own target, and the error of the last generated batch."""
    config = RunConfig(shape="exponential", dropout=0.0, seed=4, device="cpu")
    trainer, plain = Trainer(config), Plain(config)
    records, sums = trainer.advance(epochs=5), plain.train(5)
    for record, own in zip(records, sums, strict=True):
        assert record.generator_loss == pytest.approx(np.mean(own.generator), abs=1e-5)
        assert record.discriminator_loss == pytest.approx(np.mean(own.discriminator), abs=1e-5)
    for network, other in zip(trainer.networks, (plain.generator, plain.discriminator), strict=True):
        for ours, theirs in zip(network.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
    points = plain.scaled(plain.names["fake"].detach()).numpy()
    expected = ((points[:, 1] - 1.08 ** points[:, 0]) ** 2).mean().item()
    assert records[-1].metrics["batch_mse"] == pytest.approx(expected, rel=1e-4)
