"""A portable generator judged from its file alone gets the figures that its own run tells of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gandash import portable
from gandash.core import portable_appraisal
from gandash.core.config import RunConfig
from gandash.core.portable_appraisal import appraise
from gandash.core.trainer import Trainer
from tests.portable_files import random_generator


@pytest.mark.parametrize("made", [{"shape": "ring8", "latent": "uniform"}, {"shape": "multiples-of-5"}])
def test_the_figures_are_those_of_the_run(made: dict[str, str]) -> None:
    trainer = Trainer(RunConfig.model_validate({**made, "points": 128, "batch_size": 64, "epochs": 1}))
    trainer.advance(epochs=1)
    expected = trainer.appraise("latest")
    found = appraise(portable.read(trainer.export("latest", "portable")))
    assert (found.which, found.epoch) == ("latest", 1)
    assert set(found.metrics) == set(expected.metrics)
    for name, value in expected.metrics.items():
        assert found.metrics[name] == pytest.approx(value, rel=1e-3, abs=1e-3), name
    assert found.uncertainty == pytest.approx(expected.uncertainty, rel=1e-3)


def test_a_huge_generator_is_judged_by_one_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portable_appraisal, "MOST_NUMBERS", 1)
    found = appraise(portable.read(random_generator()))
    assert np.isfinite(found.metrics["headline"]) and found.uncertainty == math.inf
