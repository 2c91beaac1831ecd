"""The file that leaves: whole, portable, and telling its own config."""

import io
import json
import subprocess
import sys
import warnings
import zipfile
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


def exported(config: RunConfig, epochs: int = 0) -> tuple[torch.jit.ScriptModule, bytes]:
    trainer, buffer = Trainer(config), io.BytesIO()
    trainer.advance(epochs=epochs)
    trainer.export_torchscript(buffer)
    return load(io.BytesIO(buffer.getvalue()))[0], buffer.getvalue()


@pytest.mark.parametrize(
    ("noise", "told"),
    [
        (torch.randn(5, 2), "The noise has shape [5, 2]; it must be (n, 3), such as torch.randn(1000, 3)."),
        (torch.randn(3), "The noise has shape [3]; it must be (n, 3)"),
        (torch.randn(2, 4, 3), "The noise has shape [2, 4, 3]; it must be (n, 3)"),
        (torch.zeros(5, 3, dtype=torch.int64), "not of a floating type such as float32: take torch.randn."),
        (torch.zeros(5, 3, dtype=torch.complex64), "not of a floating type"),
    ],
    ids=["wide", "flat", "deep", "whole", "complex"],
)
def test_noise_of_the_wrong_kind_ends_in_a_sentence(noise: torch.Tensor, told: str) -> None:
    module, _ = exported(RunConfig(**QUICK, latent_dim=3))
    with pytest.raises(torch.jit.Error) as caught:
        module(noise)
    assert told in str(caught.value).strip().splitlines()[-1]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_floating_noise_gives_float32(dtype: torch.dtype) -> None:
    module, _ = exported(RunConfig(**QUICK))
    noise = torch.randn(7, 2).to(dtype)
    points = module(noise)
    assert points.dtype == torch.float32
    torch.testing.assert_close(points, module(noise.float()))


def test_a_module_that_was_made_double_works_in_double() -> None:
    module, _ = exported(RunConfig(**QUICK, generator_fourier=1, latent="uniform"))
    noise = torch.randn(10, 2)
    points = module(noise)
    torch.testing.assert_close(module.double()(noise), points.double())


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_the_file_can_be_frozen_optimized_and_moved(recipe: dict[str, Any]) -> None:
    config = RunConfig(**QUICK, **recipe)
    module, data = exported(config)
    noise = torch.randn(50, config.latent_dim)
    points = module(noise)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        frozen = torch.jit.freeze(module)
        faster = torch.jit.optimize_for_inference(module)
    torch.testing.assert_close(frozen(noise), points)
    torch.testing.assert_close(faster(noise), points, rtol=1e-4, atol=1e-5)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        moved = torch.jit.load(io.BytesIO(data), map_location="meta")  # type: ignore[no-untyped-call]
    assert moved(noise.to("meta")).shape == points.shape  # what stayed behind on the CPU would complain


def test_the_file_carries_no_path_of_the_machine_and_is_the_same_each_time() -> None:
    _, first = exported(RunConfig(**QUICK), epochs=1)
    _, again = exported(RunConfig(**QUICK), epochs=1)
    assert first == again
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.testzip() is None
        for info in archive.infolist():
            name, extra = (int.from_bytes(first[info.header_offset + at :][:2], "little") for at in (26, 28))
            assert (info.header_offset + 30 + name + extra) % 64 == 0, "torch's own alignment"
        contents = b"".join(map(archive.read, archive.namelist()))
    assert str(Path(__file__).parents[2]).encode() not in contents and sys.prefix.encode() not in contents


def test_the_file_says_which_generator_it_is_and_how_good() -> None:
    trainer, buffer = Trainer(RunConfig(**QUICK, ema_decay=0.9)), io.BytesIO()
    trainer.advance(epochs=2)
    trainer.export_torchscript(buffer)
    with zipfile.ZipFile(buffer) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("extra/report.json")]
        report = json.loads(archive.read(name))
    appraisal = trainer.appraise("ema")
    assert (report["which"], report["epoch"]) == ("ema", 2)
    assert (report["headline"], report["uncertainty"]) == (appraisal.metrics["headline"], appraisal.uncertainty)
    assert report["metrics"].keys() == appraisal.metrics.keys()


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
    module = ExportedGenerator(config, torch.zeros(2), torch.ones(2))
    module.load(weights)
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
