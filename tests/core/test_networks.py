"""The networks' own layers: dropout by the byte, Fourier features, the latent's digits."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import binom, chi2_contingency

from gandash.core.config import RunConfig
from gandash.core.networks import Dropout, FourierFeatures, LatentFeatures, build_discriminator, build_generator

N = 200_000


def draw(p: float, seed: int = 0, calls: int = 1) -> list[torch.Tensor]:
    layer = Dropout(p, torch.Generator().manual_seed(seed))
    return [layer(torch.ones(N)) for _ in range(calls)]


@pytest.mark.parametrize("p", [0.004, 0.1, 0.3, 0.5, 0.9])
def test_dropout_keeps_the_right_share_and_the_mean(p: float) -> None:
    (factors,) = draw(p)
    kept = int((factors > 0).sum())
    share = 1 - round(p * 256) / 256
    assert abs(share - (1 - p)) <= 1 / 512
    low, high = binom.interval(1 - 1e-6, N, share)
    assert low <= kept <= high
    assert torch.unique(factors).tolist() == pytest.approx([0, 1 / share])


def test_dropout_is_repeatable_by_seed_and_new_at_each_call() -> None:
    first, second = draw(0.3, seed=1, calls=2)
    assert torch.equal(first, draw(0.3, seed=1)[0])
    assert not torch.equal(first, draw(0.3, seed=2)[0])
    together = np.histogram2d((first > 0).numpy(), (second > 0).numpy(), bins=2)[0]
    assert chi2_contingency(together).pvalue > 1e-6


@pytest.mark.parametrize("lag", [1, 7, 8, 64])
def test_what_dropout_silences_says_nothing_about_its_neighbours(lag: int) -> None:
    """Eight elements are cut from one random word; they must not know of each other."""
    (factors,) = draw(0.3)
    kept = (factors > 0).numpy()
    together = np.histogram2d(kept[:-lag], kept[lag:], bins=2)[0]
    assert chi2_contingency(together).pvalue > 1e-6


def test_dropout_rests_outside_training() -> None:
    layer = Dropout(0.5, torch.Generator()).eval()
    x = torch.randn(10)
    assert torch.equal(layer(x), x)


def test_fourier_features_are_sines_and_cosines_at_octaves() -> None:
    features = FourierFeatures(2, 3)
    x = torch.tensor([[0.5, -1.0]])
    angles = torch.tensor([0.5 * math.pi / 4 * 2**k for k in range(3)] + [-math.pi / 4 * 2**k for k in range(3)])
    torch.testing.assert_close(features(x), torch.cat([x[0], angles.sin(), angles.cos()])[None])
    features.gates.copy_(torch.tensor([1.0, 0.5, 0.0]))
    assert features(x)[0, [4, 7, 10, 13]].tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("uniform", [False, True])
def test_latent_digits_cut_the_noise_into_cells_of_equal_probability(uniform: bool) -> None:
    features = LatentFeatures(1, octaves=0, digits=3, uniform=uniform)
    rng = torch.Generator().manual_seed(0)
    z = torch.rand(N, 1, generator=rng) * 2 - 1 if uniform else torch.randn(N, 1, generator=rng)
    digits = features(z)[:, 1:]
    assert digits.abs().eq(1).all()
    cell = ((digits > 0) * torch.tensor([4, 2, 1])).sum(dim=1)
    counts = torch.bincount(cell, minlength=8)
    assert (counts - N / 8).abs().max() < 6 * math.sqrt(N / 8)
    order = z[:, 0].argsort()
    assert (cell[order].diff() >= 0).all(), "the cells lie in the order of the noise"


def test_the_digits_of_extreme_noise_are_those_of_its_neighbours() -> None:
    features = LatentFeatures(1, octaves=0, digits=4, uniform=False)
    extreme = features(torch.tensor([[-40.0], [40.0]]))[:, 1:]
    assert extreme.tolist() == [[-1, -1, -1, -1], [1, 1, 1, 1]]


def test_networks_have_the_widths_asked_for() -> None:
    config = RunConfig(generator_widths=(5, 6), discriminator_widths=(7,), latent_dim=3, packing=2, dropout=0.1)
    generator, discriminator = build_generator(config, dim=3), build_discriminator(config, dim=3)
    assert [tuple(p.shape) for p in generator.parameters() if p.dim() == 2] == [(5, 3), (6, 5), (3, 6)]
    assert [tuple(p.shape) for p in discriminator.parameters() if p.dim() == 2] == [(7, 6), (1, 7)]
    assert not isinstance(discriminator[-1], torch.nn.Sigmoid), "it ends in a logit"


@pytest.mark.parametrize("uniform", [False, True])
@pytest.mark.parametrize(("octaves", "digits"), [(0, 0), (1, 0), (0, 3), (2, 3)])
def test_the_generator_sees_the_features_that_are_asked_for(octaves: int, digits: int, uniform: bool) -> None:
    latent = "uniform" if uniform else "normal"
    generator = build_generator(
        RunConfig(latent_dim=3, generator_fourier=octaves, latent_digits=digits, latent=latent), 2
    )
    assert generator(torch.randn(7, 3)).shape == (7, 2)
    features = generator[0]
    assert isinstance(features, LatentFeatures) == bool(octaves or digits)
    if isinstance(features, LatentFeatures):
        assert (len(features.waves.frequencies), len(features.powers), features.uniform) == (octaves, digits, uniform)
        assert features(torch.randn(7, 3)).shape == (7, features.out_features) == (7, 3 + 2 * 3 * octaves + 3 * digits)
    assert not any("gates" in name or "powers" in name for name in generator.state_dict()), "weights alone are saved"


@pytest.mark.parametrize("spectral_norm", [False, True])
@pytest.mark.parametrize("octaves", [0, 2])
def test_the_discriminator_is_built_as_it_is_asked_for(octaves: int, spectral_norm: bool) -> None:
    config = RunConfig(discriminator_fourier=octaves, spectral_norm=spectral_norm, packing=2, dropout=0.25)
    discriminator = build_discriminator(config, 2)
    assert discriminator(torch.randn(7, 4)).shape == (7, 1)
    assert isinstance(discriminator[0], FourierFeatures) == bool(octaves)
    linears = [layer for layer in discriminator if isinstance(layer, torch.nn.Linear)]
    assert len(linears) == 4
    assert [torch.nn.utils.parametrize.is_parametrized(layer) for layer in linears] == [spectral_norm] * 4
    assert [layer.p for layer in discriminator if isinstance(layer, Dropout)] == [0.25] * 3
