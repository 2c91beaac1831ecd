"""What a run is said to cost, against what it is made of. No clock: only order and proportion count."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gandash.core.config import RunConfig, sentence
from gandash.core.cost import CostLimits, estimate, too_dear
from gandash.core.objectives import OBJECTIVES
from gandash.core.presets import PRESETS
from gandash.core.trainer import Trainer

WIDE: dict[str, Any] = {"generator_widths": (1024, 1024), "discriminator_widths": (1024, 1024)}
SETUPS: dict[str, dict[str, Any]] = {
    "textbook": {},
    "wide": WIDE,
    "features": {"generator_fourier": 3, "latent_digits": 4, "discriminator_fourier": 2, "latent_dim": 5},
    "packed": {"packing": 4, "ema_decay": 0.99},
    **{name: {"objective": name} for name in OBJECTIVES},
}


@pytest.mark.parametrize("knobs", SETUPS.values(), ids=SETUPS)
def test_parameters_are_counted_and_checkpoints_as_large_as_said(knobs: dict[str, Any]) -> None:
    config = RunConfig(points=256, device="cpu", **knobs)
    trainer, cost = Trainer(config), estimate(config)
    networks = trainer.networks
    assert cost.parameters == sum(weights.numel() for network in networks for weights in network.parameters())
    trainer.advance(epochs=1)
    assert trainer.best_epoch is not None
    size = len(trainer.checkpoint(history=False))
    assert cost.checkpoint_bytes == pytest.approx(size, rel=0.03, abs=16_000)
    assert cost.memory_bytes > 4 * size


@pytest.mark.parametrize("separate", [True, False])
def test_a_step_has_the_products_that_one_writes_down_for_it(separate: bool) -> None:
    updates = "separate" if separate else "joint"
    config = RunConfig(
        latent_dim=3, generator_widths=(10,), discriminator_widths=(20,), batch_size=64, discriminator_updates=updates
    )
    generator, discriminator = 3 * 10 + 10 * 2, 2 * 20 + 20 * 1
    expected = 64 * ((1 + 3) * generator + (2 * 3 + 2) * discriminator)
    assert estimate(config).multiply_adds == expected
    penalised = config.model_copy(update={"penalty": "r1", "discriminator_updates": "joint"})
    assert estimate(penalised).multiply_adds == expected + 64 * 2 * discriminator


def dearer(base: dict[str, Any], change: dict[str, Any]) -> float:
    """How many times the step of one config takes as long as another's."""
    return estimate(RunConfig(**{**base, **change})).step_seconds / estimate(RunConfig(**base)).step_seconds


def test_cost_grows_as_the_work_does() -> None:
    assert dearer(WIDE, {"batch_size": 1024}) == pytest.approx(8, rel=0.2)
    assert dearer({**WIDE, "batch_size": 2048}, {"generator_widths": (1024,) * 6}) > 2
    joint = {**WIDE, "objective": "rpgan", "penalty": "none"}
    assert 1.1 < dearer(joint, {"penalty": "r1"}) < 1.5
    assert dearer({**joint, "activation": "tanh"}, {"penalty": "r1"}) > dearer(joint, {"penalty": "r1"})
    critic = {**joint, "objective": "wgan-gp", "penalty": "wgan-gp", "discriminator_steps": 1}
    assert 3.5 < dearer(critic, {"discriminator_steps": 5}) < 5


@given(st.integers(1, 1023), st.integers(1, 5), st.integers(16, 2048))
def test_more_is_never_cheaper(width: int, layers: int, batch: int) -> None:
    def of(width: int, layers: int, batch: int) -> tuple[float, float, float]:
        widths = (width,) * layers
        config = RunConfig(generator_widths=widths, discriminator_widths=widths, batch_size=batch, points=4096)
        cost = estimate(config)
        return cost.step_seconds, cost.memory_bytes, cost.point_seconds

    cost = of(width, layers, batch)
    for more in (of(width + 1, layers, batch), of(width, layers + 1, batch), of(width, layers, batch + 1)):
        assert all(after >= before for before, after in zip(cost, more, strict=True))


def test_every_preset_is_allowed_and_what_holds_up_others_is_refused_in_words() -> None:
    limits = CostLimits(step_seconds=2.0, memory=1.0)
    for name, config in PRESETS.items():
        assert too_dear(config, limits) is None, name
    widths = (1024,) * 6
    huge = RunConfig(generator_widths=widths, discriminator_widths=widths, batch_size=16_384, points=16_384)
    problem = too_dear(huge, limits)
    assert problem is not None and problem.knob is None
    told = sentence(problem)
    assert "one step would take about" in told and "2 s is the most" in told
    assert "GB of memory, and 1.0 GB is the most" in told and "smaller batch" in told
    assert len(told) < 500
    assert too_dear(huge, CostLimits()) is None


def test_the_steps_of_a_gpu_are_not_limited() -> None:
    config = RunConfig(**WIDE, batch_size=16_384, points=16_384)
    limits = CostLimits(step_seconds=1.0)
    assert too_dear(config, limits) is not None
    assert too_dear(config, CostLimits(step_seconds=1.0, gpu=True)) is None
    assert too_dear(config.model_copy(update={"device": "cpu"}), CostLimits(step_seconds=1.0, gpu=True)) is not None
