"""The file that leaves: whole, portable, and telling its own config."""

import io
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gandash.core.config import RunConfig
from gandash.core.trainer import Trainer

QUICK: dict[str, Any] = {"points": 256, "batch_size": 64, "generator_widths": (8,), "discriminator_widths": (16,)}
RECIPES: list[dict[str, Any]] = [
    {},
    {"standardize": True, "latent": "uniform", "latent_dim": 3},
    {"generator_fourier": 2, "activation": "leaky_relu", "ema_decay": 0.9},
    {"latent_digits": 4},
    {"latent_digits": 2, "latent": "uniform", "generator_fourier": 1},
    {"activation": "silu", "standardize": True},
    {"activation": "tanh"},
]


def load(file: Any) -> tuple[torch.jit.ScriptModule, str]:
    extra = {"config.json": ""}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=DeprecationWarning)
        module = torch.jit.load(file, _extra_files=extra)  # type: ignore[no-untyped-call]
    config = extra["config.json"]
    return module, config.decode() if isinstance(config, bytes) else config


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_the_file_maps_noise_to_what_the_trainer_samples(recipe: dict[str, Any], tmp_path: Path) -> None:
    config = RunConfig(shape="exponential", **QUICK, **recipe)
    trainer = Trainer(config)
    trainer.advance(epochs=3)
    for which in trainer.variants:
        path = tmp_path / f"{which}.pt"
        trainer.export_torchscript(path, which=which)
        module, text = load(path)
        noise = torch.randn(100, config.latent_dim, generator=torch.Generator().manual_seed(7))
        points = module(noise)
        assert points.shape == (100, 2) and points.dtype == torch.float32 and not points.requires_grad
        np.testing.assert_allclose(points.numpy(), trainer.sample(100, seed=7, which=which), rtol=1e-5, atol=1e-6)
        assert RunConfig.from_json(text) == config


@pytest.mark.parametrize("n", [0, 1, 100_000])
def test_any_batch_size(n: int) -> None:
    buffer = io.BytesIO()
    Trainer(RunConfig(**QUICK)).export_torchscript(buffer)
    buffer.seek(0)
    module, _ = load(buffer)
    assert module(torch.randn(n, 2)).shape == (n, 2)


def test_standardised_training_exports_data_units() -> None:
    """An untrained generator on standardised data gives points around the data's mean, not around 0."""
    trainer = Trainer(RunConfig(shape="exponential", standardize=True, **QUICK))
    assert trainer.sample(1000, seed=0)[:, 0].mean() == pytest.approx(25, abs=10)


def test_a_uniform_latent_takes_normal_noise() -> None:
    from gandash.core.export import ExportedGenerator

    config = RunConfig(latent="uniform", latent_dim=1, generator_widths=(4,))
    weights = torch.zeros(4 + 4 + 8 + 2)
    weights[0], weights[8] = 1.0, 1.0
    weights[4] = 1.0  # first hidden unit: u + 1 >= 0, so the first output is u + 1
    module = ExportedGenerator(config, weights, torch.zeros(2), torch.ones(2))
    u = module(torch.randn(20_000, 1, generator=torch.Generator().manual_seed(0)))[:, 0] - 1
    assert -1 <= u.min() < -0.99 and 0.99 < u.max() <= 1
    assert u.square().mean().item() == pytest.approx(1 / 3, abs=0.01)


def test_the_file_needs_nothing_but_torch(tmp_path: Path) -> None:
    path = tmp_path / "generator.pt"
    Trainer(RunConfig(**QUICK, generator_fourier=2)).export_torchscript(path)
    script = (
        "import sys, torch, warnings; warnings.simplefilter('ignore');"
        f"print(tuple(torch.jit.load({str(path)!r})(torch.randn(5, 2)).shape), 'gandash' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(5, 2) False"


def test_only_the_deprecation_of_torchscript_is_silenced() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Trainer(RunConfig(**QUICK)).export_torchscript(io.BytesIO())
