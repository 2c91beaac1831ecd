"""Views: what they show is so, against slow arithmetic, and looking changes not a bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from gandash.core import views
from gandash.core.config import RunConfig
from gandash.core.objectives import OBJECTIVES
from gandash.core.trainer import Trainer
from gandash.core.views import VIEWS, View, offered, wanted

SMALL: Mapping[str, Any] = {
    "points": 256,
    "batch_size": 64,
    "generator_widths": (16, 16),
    "discriminator_widths": (16, 16),
    "device": "cpu",
}
GAMES: Mapping[str, Mapping[str, Any]] = {
    "textbook": {"shape": "exponential", "standardize": True},
    "hinge": {"shape": "ring8", "objective": "hinge"},
    "packed": {"shape": "exponential", "objective": "rpgan", "packing": 2, "ema_decay": 0.9, "standardize": True},
    "octaves": {
        "shape": "ring8",
        "objective": "wgan-gp",
        "discriminator_fourier": 3,
        "fourier_growth": 0.5,
        "latent": "uniform",
        "latent_dim": 4,
        "instance_noise": 0.1,
    },
}
EPOCHS = 12


def trained(game: str, epochs: int = 5) -> Trainer:
    trainer = Trainer(RunConfig(**SMALL, **GAMES[game], epochs=EPOCHS, seed=3))
    trainer.advance(epochs=epochs)
    return trainer


def score(trainer: Trainer, x: float, y: float) -> float:
    """The discriminator's logit at a point of the plane, by hand."""
    point = (np.array([x, y]) - trainer._mean.numpy()) / trainer._std.numpy()
    seen = torch.tensor(np.tile(point, trainer.config.packing), dtype=torch.float32)[None]
    network = trainer.networks[1]
    for layer in network.eval():
        seen = layer(seen)
    network.train()
    return seen.item()


@pytest.mark.parametrize("game", GAMES)
def test_the_surface_is_the_discriminators_answer(game: str) -> None:
    trainer = trained(game)
    found = trainer.view("discriminator")
    surface, (low, middle, high) = found["surface"], found["scale"]
    (left, right), (bottom, top) = trainer.target.canvas.bounds
    probability = OBJECTIVES[trainer.config.objective].probability
    if trainer.config.fourier_growth:
        game_ = trainer.game
        game_.apply_schedules(trainer.progress, 0)
    for row, column in ((0, 0), (0, 63), (63, 5), (31, 40)):
        x = left + (column + 0.5) * (right - left) / 64
        y = bottom + (row + 0.5) * (top - bottom) / 64
        logit = score(trainer, x, y)
        expected = 1 / (1 + np.exp(-logit)) if probability else logit
        assert surface[row, column] == pytest.approx(expected, abs=1e-5)
    assert middle - low == pytest.approx(high - middle, rel=1e-5)
    if probability:
        assert (low, middle, high) == (0, 0.5, 1)
    else:
        assert np.mean(np.abs(surface - middle) <= high - middle) > 0.97
    if game == "hinge":
        assert middle == 0


def test_without_a_value_for_a_guess_the_middle_lies_between_real_and_generated() -> None:
    trainer = trained("packed")
    middle = trainer.view("discriminator")["scale"][1]
    scores = [
        np.mean([score(trainer, *point) for point in points])
        for points in (trainer.real_points(256), trainer.sample(512, 0, "ema"))
    ]
    assert middle == pytest.approx(np.mean(scores), abs=1e-4)


@pytest.mark.parametrize("game", GAMES)
def test_looking_changes_no_bit(game: str) -> None:
    blind, looking = trained(game, 0), trained(game, 0)
    names = [*VIEWS, *(f"{name}@0.5" for name, view in VIEWS.items() if view.quarters(looking.config))]
    while looking.state == "running":
        for trainer in (blind, looking):
            for _ in range(3):
                trainer.play_phase()
        for name in names:
            looking.view(name)
    blind.advance(epochs=EPOCHS)
    assert looking.checkpoint() == blind.checkpoint()


@pytest.mark.parametrize("game", GAMES)
def test_what_is_seen_is_a_matter_of_the_checkpoint_and_of_the_weights_kept(game: str) -> None:
    trainer = trained(game)
    resumed = Trainer.resume(trainer.config, trainer.checkpoint())
    worn = trained(game, 1)
    worn.look_back(trainer.weights())
    assert worn.epoch == trainer.epoch
    for name in VIEWS:
        for part, expected in trainer.view(name).items():
            assert expected.dtype == np.float32
            np.testing.assert_array_equal(resumed.view(name)[part], expected)
            np.testing.assert_array_equal(worn.view(name)[part], expected)


def test_a_view_that_is_none_or_does_not_apply_is_refused_in_words() -> None:
    trainer = trained("hinge", 0)
    for name in ("nonsense", "discriminator@1", "manifold@x", "manifold@-1", "manifold@nan", "x" * 10_000):
        with pytest.raises(ValueError, match=r"There is no view|cannot be turned") as error:
            trainer.view(name)
        assert len(str(error.value)) < 300
    numbers = RunConfig(target="multiples-of-5")
    assert offered(numbers) == [] and wanted(numbers, VIEWS) == ()
    with pytest.raises(ValueError, match="points of a plane"):
        views.compute(Trainer(numbers), "discriminator")
    assert wanted(trainer.config, ["discriminator", "nonsense", "discriminator"]) == ("discriminator",)


def test_a_new_view_is_one_line_in_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    def compute(trainer: Trainer) -> dict[str, Any]:
        return {"line": trainer.sample(9, 0), "stretch": np.ones(8, np.float32)}

    view = View("chain", "Chain", "Nine points in a row", "a row", compute)
    monkeypatch.setattr(views, "VIEWS", {**VIEWS, "chain": view})
    trainer = trained("hinge", 0)
    assert trainer.view("chain")["line"].shape == (9, 2)
    assert "chain" in [offer["name"] for offer in offered(trainer.config)]
    assert wanted(trainer.config, ["chain"]) == ("chain",)
