"""Checkpoints: those of past versions live on, damaged ones and those of other devices end in words."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gandash.core.checkpoint import checkpoint_config
from gandash.core.config import RunConfig
from gandash.core.trainer import Trainer
from tests.core.checkpoints.make import FOLDER, NEXT_EPOCHS, SAMPLE_SEED, cpu, digest

FIXTURES = sorted(FOLDER.glob("*.ckpt"))
ROUNDING = 1e-4
"""How far two kinds of CPU may drift apart in three epochs, relative to the losses."""


@pytest.fixture(params=FIXTURES, ids=lambda path: path.stem)
def fixture(request: pytest.FixtureRequest) -> tuple[RunConfig, bytes, dict[str, Any]]:
    """Config, checkpoint and what the code that wrote it did next."""
    path: Path = request.param
    document = json.loads(path.with_suffix(".json").read_text())
    return RunConfig.from_json(json.dumps(document["config"])), path.read_bytes(), document


Fixture = tuple[RunConfig, bytes, dict[str, Any]]


def test_past_checkpoints_resume_where_they_stood(fixture: Fixture) -> None:
    config, data, document = fixture
    assert checkpoint_config(data) == config
    trainer = Trainer.resume(config, data)
    assert (trainer.state, trainer.epoch) == (document["state"], document["epoch"])
    assert trainer.history[-1].epoch == document["history"][0]["epoch"]
    assert np.isfinite([trainer.sample(20, seed=0, which=which) for which in trainer.variants]).all()
    trainer.export_torchscript(io.BytesIO())


def test_past_checkpoints_train_on_as_they_did(fixture: Fixture) -> None:
    config, data, document = fixture
    trainer = Trainer.resume(config, data)
    records, expected = trainer.advance(epochs=NEXT_EPOCHS), document["next"]
    assert len(records) == len(expected["records"])
    for record, then in zip(records, expected["records"], strict=True):
        for name, value in then.items():
            assert getattr(record, name) == pytest.approx(value, rel=ROUNDING, abs=ROUNDING), name
    points = trainer.sample(8, seed=SAMPLE_SEED, which="latest")
    np.testing.assert_allclose(points, expected["sample"], rtol=1e-2, atol=1e-2)
    if cpu() == expected["cpu"]:
        assert [{name: getattr(record, name) for name in expected["records"][0]} for record in records] == expected[
            "records"
        ]
        assert points.tolist() == expected["sample"] and digest(trainer) == expected["weights"]


def test_a_past_checkpoint_written_anew_goes_on_alike(fixture: Fixture) -> None:
    config, data, _ = fixture
    old = Trainer.resume(config, data)
    new = Trainer.resume(config, old.checkpoint())
    assert old.advance(epochs=2) == new.advance(epochs=2)
    assert digest(old) == digest(new)
