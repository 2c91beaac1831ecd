"""Output maps: a GAN learns other numbers than a target's units, and everything that leaves is in those."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch

from gandash.core.config import RunConfig
from gandash.core.targets.target import OutputMap
from gandash.core.trainer import Trainer
from tests.core.prices import PricesSpec

SMALL: dict[str, Any] = {"points": 4096, "generator_widths": (8,), "discriminator_widths": (8,), "epochs": 3}
MAP = OutputMap(scale=(2.0, 0.5), shift=(1.0, -1.0), exponential=(1,))


def test_a_map_scales_shifts_and_then_takes_the_exponential_of_its_columns_alone() -> None:
    np.testing.assert_allclose(MAP.in_units(np.array([[3.0, 4.0]])), [[7.0, math.e]])
    points = np.array([[-5.0, 0.1], [2.0, 1e6]])
    np.testing.assert_allclose(MAP.in_units(MAP.learnt(points)), points, rtol=1e-12)


def test_maps_that_are_none_are_refused() -> None:
    for change in ({"shift": (1.0,)}, {"scale": (0.0, 1.0)}, {"exponential": (2,)}, {"exponential": (-1,)}):
        with pytest.raises(ValueError, match="is no output map"):
            dataclasses.replace(MAP, **change)
    with pytest.raises(ValueError, match="values that are not above 0"):
        MAP.learnt(np.array([[1.0, 0.0]]))


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("standardize", [False, True])
def test_the_networks_learn_the_inverse_and_samples_come_in_units(standardize: bool, fresh: bool) -> None:
    config = RunConfig(target=PricesSpec(), standardize=standardize, fresh=fresh, **SMALL)
    trainer = Trainer(config, device="cpu")
    learnt = trainer._points_of_epoch().numpy()
    assert learnt.std(axis=0) == pytest.approx([1, 1 if standardize else 2 / 3], rel=0.1)
    assert np.abs(learnt.mean(axis=0)).max() < 0.1
    back = trainer._in_units(torch.from_numpy(learnt))
    assert (back[:, 1] > 0).all()
    ours = np.sort(trainer._real, axis=0)
    if not fresh:
        np.testing.assert_allclose(np.sort(back, axis=0), ours, rtol=1e-4)
    trainer.advance(epochs=1)
    points = trainer.sample(500, seed=3)
    assert (points[:, 1] > 0).all()
    noise = torch.randn(500, config.latent_dim, generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        raw = trainer._exported("latest").network(noise)
    np.testing.assert_allclose(points, trainer._in_units(raw), rtol=1e-4, atol=1e-4)


def test_a_checkpoint_of_such_a_run_goes_on() -> None:
    config = RunConfig(target=PricesSpec(), **SMALL)
    trainer = Trainer(config)
    trainer.advance(epochs=1)
    other = Trainer.resume(config, trainer.checkpoint())
    trainer.advance(epochs=1)
    other.advance(epochs=1)
    np.testing.assert_array_equal(trainer.sample(100, seed=0), other.sample(100, seed=0))
