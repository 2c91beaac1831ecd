"""Adding a target takes one file, whatever its dimension: everything else asks the target."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from gandash.charts.figures import encode as encode_points
from gandash.charts.figures import overlay, result_svg, thumbnail_svg
from gandash.core.config import RunConfig
from gandash.core.link import decode, encode
from gandash.core.trainer import Trainer
from gandash.headless import Exit, Request, run
from gandash.runs.worker import Budget, advance
from tests.core.toy_target import Helix, HelixSpec

QUICK: dict[str, Any] = {
    "target": HelixSpec(turns=3),
    "points": 512,
    "batch_size": 64,
    "generator_widths": (32, 32),
    "discriminator_widths": (32, 32),
    "generator_lr": 0.004,
    "discriminator_lr": 0.004,
    "standardize": True,
    "device": "cpu",
}
BOTH: dict[str, Any] = {"objective": "rpgan", "packing": 2, "instance_noise": 0.1, "discriminator_fourier": 2}


def test_its_config_survives_json_and_a_link() -> None:
    config = RunConfig(**QUICK, ema_decay=0.9)
    assert RunConfig.from_json(config.to_json()) == config
    assert decode(encode(config)) == (config, ())
    assert config.shape == "helix-3"
    assert RunConfig.model_validate({"target": {"kind": "helix", "turns": 3}}).target == config.target
    config, (problem,) = decode(encode(config).replace("helix.", "helix.A"))
    assert (problem.knob, config.shape) == ("target", "exponential"), "and a damaged one is told"


def test_it_trains_is_judged_and_gets_better() -> None:
    recipe = {"objective": "rpgan", "lr_schedule": "cosine", "discriminator_fourier": 2, "ema_decay": 0.95}
    trainer = Trainer(RunConfig(**QUICK, **recipe, epochs=60, evaluate_every=20))
    before = trainer.evaluate()
    records = trainer.advance(epochs=60)
    assert trainer.state == "finished"
    assert {"headline", "sliced_wasserstein", "coverage"} <= records[-1].metrics.keys()
    assert records[-1].metrics.keys() == set(trainer.target.metrics)
    after = trainer.evaluate()
    assert after["sliced_wasserstein"] < before["sliced_wasserstein"] / 2
    assert trainer.sample(10, seed=0).shape == (10, 3)


def test_its_checkpoint_goes_on_bit_for_bit_with_every_knob_that_sees_points() -> None:
    config = RunConfig(**QUICK, **BOTH, epochs=4)
    whole, parts = Trainer(config), Trainer(config)
    whole.advance(epochs=4)
    parts.advance(epochs=1)
    parts = Trainer.resume(config, parts.checkpoint())
    parts.advance(epochs=3)
    assert parts.history == whole.history
    np.testing.assert_array_equal(parts.sample(50, seed=1), whole.sample(50, seed=1))


def test_its_files_have_three_columns(tmp_path: Path) -> None:
    config = RunConfig(**QUICK, epochs=2)
    model, table = tmp_path / "helix.pt", tmp_path / "helix.csv"
    assert run(Request(config, model, samples=table, sample_count=20)) is Exit.DONE
    lines = table.read_text().splitlines()
    assert lines[0] == "x,y,z"
    assert [len(line.split(",")) for line in lines[1:]] == [3] * 20
    generator = torch.jit.load(str(model))  # type: ignore[no-untyped-call]
    assert generator(torch.zeros(5, config.latent_dim)).shape == (5, 3)


def test_a_worker_sends_its_frames_and_a_chart_draws_them() -> None:
    config = RunConfig(**QUICK, epochs=2)
    chunk = advance("helix", config.to_json(), None, Budget(seconds=60, until_epoch=2))
    assert chunk.state == "finished", chunk.message
    points = chunk.frames[-1].points
    assert points.shape[1] == 3

    target = config.target.build()
    assert isinstance(target, Helix)
    real = target.sample(100, np.random.default_rng(0))
    scene = overlay(target, real)
    assert scene["real"] == encode_points(real[:, [0, 2]]), "drawn from the side, as its canvas says"
    assert scene["layout"]["yaxis"]["title"]["text"] == "z"
    for picture in (thumbnail_svg(target), result_svg(target, points)):
        assert picture.startswith("<svg") and picture.count("nan") == 0
