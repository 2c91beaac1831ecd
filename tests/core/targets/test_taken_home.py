"""The generator that leaves, of a target of one's own: a file that gives points in the target's own units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gandash import Trainer, portable
from gandash.core.presets import best

TYPED = "y = 1000 + 200 sin(x/3); x = 20..30; noise = 5"
DRAWN = '{"kind":"drawn","strokes":[{"width":40,"corners":[[-800,600],[800,600],[800,-600]]}]}'


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("text", [TYPED, DRAWN])
def test_a_file_of_a_target_of_ones_own_reproduces_it_in_its_units(text: str, tmp_path: Path) -> None:
    config = best(text)
    points = 16 * config.batch_size
    trainer = Trainer(config.model_copy(update={"points": points, "epochs": 12, "device": "cpu"}))
    trainer.advance(epochs=12)
    trainer.export_torchscript(tmp_path / "g.pt")
    model: Any = torch.jit.load(str(tmp_path / "g.pt"))  # type: ignore[no-untyped-call]
    points = model(torch.randn(4000, 2, generator=torch.Generator().manual_seed(1))).detach().numpy()
    real = trainer.target.sample(4000, np.random.default_rng(1))
    extent = np.ptp(real, axis=0)
    off = np.abs(np.sort(points, axis=0) - np.sort(real, axis=0)).mean(axis=0)
    assert (off < 0.04 * extent).all(), off / extent
    assert portable.read(trainer.export(format="portable")).target == trainer.config.target, "as Explore opens it"
