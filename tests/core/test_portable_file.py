"""The portable file: the trainer's own points, by our reader and by the README's in a process without gandash."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gandash import portable
from gandash.core.config import RunConfig
from gandash.core.trainer import Trainer
from tests.test_portable import QUICK, RECIPES, away_from_edges


def exported(trainer: Trainer, which: Any = None) -> bytes:
    return trainer.export(which, "portable")


@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_both_readers_give_the_trainers_points(recipe: dict[str, Any], tmp_path: Path) -> None:
    config = RunConfig(shape="exponential", seed=5, ema_decay=0.9, **QUICK, **recipe)
    trainer = Trainer(config)
    trainer.advance(epochs=2)
    for which in trainer.variants:
        data = exported(trainer, which)
        generator = portable.read(data)
        noise = np.random.default_rng(0).standard_normal((1000, config.latent_dim), dtype=np.float32)
        import torch

        expected = trainer._exported(trainer._resolved(which))(torch.from_numpy(noise)).numpy()
        kept = away_from_edges(noise, config.latent_digits)
        np.testing.assert_allclose(generator(noise)[kept], expected[kept], rtol=1e-5, atol=1e-5)
        assert (generator.variant, generator.epoch, generator.seed) == (which, trainer.appraise(which).epoch, 5)
        assert RunConfig.model_validate(dict(generator.config)) == config
        assert generator.report["metrics"] == trainer.appraise(which).metrics
    (tmp_path / "generator.zip").write_bytes(data)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (code,) = re.findall(r"```python\n(.*?)```", archive.read("README.md").decode(), re.DOTALL)
    code += f"\nnoise = np.random.default_rng(0).standard_normal((1000, {config.latent_dim}), dtype=np.float32)"
    code += '\nnp.save("points.npy", load("generator.zip")(noise))\n'
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "points.npy")[kept], expected[kept], rtol=1e-5, atol=1e-5)


def test_the_same_generator_gives_the_same_bytes() -> None:
    trainer = Trainer(RunConfig(shape="ring8", **QUICK))
    assert exported(trainer) == exported(trainer)
