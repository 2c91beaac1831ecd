"""The losses: their values against their papers' formulas, their slopes against autograd."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy, mse_loss, relu

from gandash.core.objectives import OBJECTIVES, Objective

SMOOTHED = (0.9, 0.1)


def logits() -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    real, fake = (3 * torch.randn(32, 1, generator=rng, dtype=torch.float64) for _ in range(2))
    return real.requires_grad_(), fake.requires_grad_()


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=list(OBJECTIVES))
def test_the_slopes_are_the_gradients(objective: Objective) -> None:
    real, fake = logits()
    value, *slopes = objective.discriminator(real, fake, SMOOTHED)
    for slope, gradient in zip(slopes, torch.autograd.grad(value, (real, fake)), strict=True):
        torch.testing.assert_close(slope, gradient)
    value, slope = objective.generator(real, fake)
    torch.testing.assert_close(slope, torch.autograd.grad(value, fake)[0])


def test_the_textbooks_loss_is_cross_entropy_on_a_sigmoid() -> None:
    real, fake = logits()
    objective = OBJECTIVES["non-saturating"]
    ones, zeros = torch.ones_like(real), torch.zeros_like(fake)
    expected = binary_cross_entropy(real.sigmoid(), ones) + binary_cross_entropy(fake.sigmoid(), zeros)
    torch.testing.assert_close(objective.discriminator(real, fake)[0], expected)
    torch.testing.assert_close(objective.generator(real, fake)[0], binary_cross_entropy(fake.sigmoid(), ones))


def test_the_other_losses_are_their_papers() -> None:
    real, fake = logits()
    d = {name: objective.discriminator(real, fake)[0] for name, objective in OBJECTIVES.items()}
    g = {name: objective.generator(real, fake)[0] for name, objective in OBJECTIVES.items()}
    torch.testing.assert_close(g["minimax"], (1 - fake.sigmoid()).log().mean())
    ones, zeros = torch.ones_like(real), torch.zeros_like(fake)
    torch.testing.assert_close(d["least-squares"], (mse_loss(real, ones) + mse_loss(fake, zeros)) / 2)
    torch.testing.assert_close(g["least-squares"], mse_loss(fake, ones) / 2)
    torch.testing.assert_close(d["hinge"], relu(1 - real).mean() + relu(1 + fake).mean())
    torch.testing.assert_close(d["wgan-gp"], fake.mean() - real.mean())
    torch.testing.assert_close(g["wgan-gp"], -fake.mean())
    torch.testing.assert_close(g["hinge"], -fake.mean())
    torch.testing.assert_close(d["rpgan"], -(real - fake).sigmoid().log().mean())
    torch.testing.assert_close(g["rpgan"], -(fake - real).sigmoid().log().mean())


JOINT: dict[str, Any] = {"discriminator_updates": "joint"}
NO_DROPOUT: dict[str, Any] = {**JOINT, "beta1": 0.0, "dropout": 0.0}
RECOMMENDED: dict[str, dict[str, Any]] = {
    "non-saturating": {},
    "minimax": {},
    "least-squares": {**JOINT, "beta1": 0.5},
    "hinge": {**NO_DROPOUT, "beta2": 0.9, "spectral_norm": True},
    "wgan-gp": {**NO_DROPOUT, "beta2": 0.9, "discriminator_steps": 5, "penalty": "wgan-gp", "penalty_weight": 10.0},
    "rpgan": {**NO_DROPOUT, "beta2": 0.99, "penalty": "r1+r2", "penalty_weight": 0.1},
}
"""Miyato 2018 (hinge), Gulrajani 2017, algorithm 1 (wgan-gp), Huang 2024 (rpgan)."""


def test_objectives_bring_what_their_papers_recommend() -> None:
    assert {name: dict(objective.defaults) for name, objective in OBJECTIVES.items()} == RECOMMENDED
    assert all(name == objective.name for name, objective in OBJECTIVES.items())


def test_what_is_known_of_a_loss_is_what_it_does() -> None:
    """Labels that can be smoothed move the loss; pairs look at both kinds of points; D(x) is a probability in two."""
    real, fake = logits()
    for name, objective in OBJECTIVES.items():
        sharp, smooth = (objective.discriminator(real, fake, labels)[0] for labels in ((1.0, 0.0), SMOOTHED))
        assert objective.labels == bool(sharp != smooth), name
        alone, other = (objective.generator(side, fake)[0] for side in (real, real + 1))
        assert objective.pairs == bool(alone != other), name
    assert {name for name, objective in OBJECTIVES.items() if objective.probability} == {"non-saturating", "minimax"}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_sure_answers_stay_finite(name: str) -> None:
    sure = torch.full((4, 1), 200.0)
    for real, fake in ((sure, -sure), (-sure, sure)):
        values = (*OBJECTIVES[name].discriminator(real, fake), *OBJECTIVES[name].generator(real, fake))
        assert all(bool(value.isfinite().all()) for value in values)


def test_a_discriminator_that_can_only_guess_has_the_known_losses() -> None:
    guess = torch.zeros(8, 1)
    objective = OBJECTIVES["non-saturating"]
    assert objective.discriminator(guess, guess)[0].item() == pytest.approx(2 * math.log(2))
    assert objective.generator(guess, guess)[0].item() == pytest.approx(math.log(2))
