"""The game's own parts: penalties, phases, and what a checkpoint takes. `test_knobs` plays it against a plain one."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest
import torch

from gandash.core.config import RunConfig
from gandash.core.export import ExportedGenerator
from gandash.core.game import Game


def game_of(**values: Any) -> Game:
    return Game(RunConfig(**values), torch.device("cpu"), torch.ones(2))


PENALISED: list[dict[str, Any]] = [
    {"objective": "rpgan", "penalty": "r1"},
    {"objective": "rpgan", "penalty": "r2"},
    {"objective": "rpgan", "penalty": "r1+r2"},
    {"objective": "wgan-gp"},
]


@pytest.mark.parametrize("recipe", PENALISED, ids=str)
def test_a_penaltys_slope_is_its_gradient_and_its_value_the_papers(recipe: dict[str, Any]) -> None:
    n = 5
    game = game_of(batch_size=n, penalty_weight=3.0, **recipe)
    game.apply_schedules(progress=0.0, steps=0)
    slopes = torch.randn(3 * n if recipe["objective"] == "wgan-gp" else 2 * n, 2).requires_grad_()
    value, slope = game._penalty(n)(slopes.detach())
    norms = slopes.norm(dim=1)
    expected = {
        "r1": norms[:n].square().mean() / 2,
        "r2": norms[n : 2 * n].square().mean() / 2,
        "r1+r2": (norms[:n].square().mean() + norms[n : 2 * n].square().mean()) / 2,
        "wgan-gp": (norms[2 * n :] - 1).square().mean(),
    }[game.config.penalty]
    torch.testing.assert_close(value, 3 * expected.detach())
    torch.testing.assert_close(slope, torch.autograd.grad(3 * expected, slopes)[0])


@pytest.mark.parametrize("recipe", PENALISED, ids=str)
def test_a_penalty_stays_finite_where_the_discriminator_is_flat(recipe: dict[str, Any]) -> None:
    game = game_of(batch_size=4, **recipe)
    game.apply_schedules(progress=0.0, steps=0)
    value, slope = game._penalty(4)(torch.zeros(12, 2))
    assert value.isfinite() and slope.isfinite().all()


def test_each_phase_says_which_network_it_changes_and_changes_that_alone() -> None:
    for recipe in ({}, {"objective": "wgan-gp", "discriminator_steps": 2}, {"objective": "rpgan"}):
        game = game_of(**recipe)
        game.batch.copy_(torch.randn(game.batch.shape))
        game.apply_schedules(progress=0.0, steps=0)
        for phase in game.phases:
            before = {"generator": game.generator_weights.clone(), "discriminator": game.discriminator_weights.clone()}
            phase.play()
            after = {"generator": game.generator_weights, "discriminator": game.discriminator_weights}
            assert [name for name in before if not torch.equal(before[name], after[name])] == [phase.network]
        assert len({phase.name for phase in game.phases}) >= 2


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_checkpoint_takes_every_tensor_under_its_own_name(ema: float) -> None:
    """The names are promised to checkpoints of this version."""
    game = game_of(objective="hinge", ema_decay=ema)
    moments = {
        f"{player}_adam.{part}" for player in ("generator", "discriminator") for part in ("steps", "mean", "square")
    }
    vectors = {f"discriminator.{layer}.{vector}" for layer in range(4) for vector in "uv"}
    own = {"generator", "discriminator", "sums", "pending", "fake_batch"}
    assert game.tensors().keys() == own | moments | vectors | ({"ema"} if ema else set())
    assert len({tensor.data_ptr() for tensor in game.tensors().values()}) == len(game.tensors())


def test_threads_that_build_networks_at_once_build_the_same() -> None:
    """As on a Dask worker: torch's random numbers, which layers draw their first weights from, are the process's."""
    config = RunConfig(generator_widths=(8,) * 4, discriminator_widths=(8,) * 4, device="cpu")
    ready, found = threading.Barrier(4), set[bytes]()
    before, interval = torch.get_rng_state(), sys.getswitchinterval()

    def build() -> None:
        ready.wait()
        for _ in range(25):
            built = Game(config, torch.device("cpu"), torch.ones(2))
            found.add(built.generator_weights.detach().numpy().tobytes())
            leaving = ExportedGenerator(config, torch.zeros(2), torch.ones(2))  # which makes layers as well
            found.add(leaving(torch.ones(1, config.latent_dim)).numpy().tobytes())

    threads = [threading.Thread(target=build) for _ in range(4)]
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert len(found) == 2, "one of weights, and one of points"
    assert torch.equal(before, torch.get_rng_state())
