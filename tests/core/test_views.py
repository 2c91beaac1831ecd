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
from gandash.core.targets import Target
from gandash.core.trainer import Trainer
from gandash.core.views import VIEWS, View, offered, wanted
from gandash.core.views.density import levels
from gandash.core.views.manifold import plane
from gandash.core.views.networks import smaller

SMALL: Mapping[str, Any] = {
    "points": 256,
    "batch_size": 64,
    "generator_widths": (16, 16),
    "discriminator_widths": (16, 16),
    "device": "cpu",
}
ROWS = np.random.default_rng(5).normal((4.0, 0.2), (0.3, 0.8), (512, 2))
ROWS[:, 1] = np.exp(ROWS[:, 1])
TABLES: Mapping[str, Mapping[str, Any]] = {
    "table": {"target": Target.from_points(ROWS), "objective": "rpgan"},
    "logarithm": {"target": Target.from_points(ROWS, logarithm=[1]), "packing": 2, "standardize": True},
    "two logarithms": {"target": Target.from_points(ROWS, logarithm=[0, 1]), "objective": "wgan-gp"},
}
GAMES: Mapping[str, Mapping[str, Any]] = {
    **TABLES,
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
    output = trainer.target.output
    learnt = np.array([[x, y]]) if output is None else output.learnt(np.array([[x, y]]))
    point = (learnt[0] - trainer._mean.numpy()) / trainer._std.numpy()
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
        logit = score(trainer, *trainer.target.canvas.samples(np.array([[x, y]]))[0])
        expected = 1 / (1 + np.exp(-logit)) if probability else logit
        assert surface[row, column] == pytest.approx(expected, abs=1e-5)
    assert middle - low == pytest.approx(high - middle, rel=1e-5)
    if probability:
        assert (low, middle, high) == (0, 0.5, 1)
    else:
        assert np.mean(np.abs(surface - middle) <= high - middle) > 0.97
    if game == "hinge":
        assert middle == 0


@pytest.mark.parametrize("game", GAMES)
def test_the_discriminator_says_of_real_points_what_it_says_of_the_batch_that_is_made_of_them(game: str) -> None:
    trainer = trained(game)
    real = trainer.real_points(64)
    discriminator = trainer.networks[1]
    with trainer.judging() as judge, torch.no_grad():
        batch = trainer._data[:64].repeat(1, trainer.config.packing)
        torch.testing.assert_close(judge(torch.from_numpy(real)), discriminator(batch), rtol=1e-5, atol=1e-5)
        anywhere = judge(torch.tensor([[-1.0, -1.0], [0.0, 0.0], [1e30, 1e30]]))
    assert torch.isfinite(anywhere).all()


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
            if part.startswith("step:"):  # of a moment that was kept the weights alone are known
                assert part not in worn.view(name)
            else:
                np.testing.assert_array_equal(worn.view(name)[part], expected)


def test_a_view_that_is_none_or_does_not_apply_is_refused_in_words() -> None:
    trainer = trained("hinge", 0)
    for name in ("nonsense", "discriminator@1", "manifold@x", "manifold@-1", "manifold@nan", "x" * 10_000):
        with pytest.raises(ValueError, match=r"There is no view|cannot be turned") as error:
            trainer.view(name)
        assert len(str(error.value)) < 300
    numbers = RunConfig(target="multiples-of-5")
    assert offered(numbers) == [] and wanted(numbers, VIEWS) == ("networks",)
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


def carried(trainer: Trainer, latent: list[float]) -> list[float]:
    """Where the generator in the picture carries a point of its latent space, by hand."""
    weights = trainer.game.generator_weights if trainer.game.ema is None else trainer.game.ema
    network, start = trainer.networks[0], 0
    x = torch.tensor([latent], dtype=torch.float32)
    for layer in network:
        if not isinstance(layer, torch.nn.Linear):
            x = layer(x)
            continue
        end = start + layer.weight.numel()
        matrix = weights[start:end].view_as(layer.weight)
        x = x @ matrix.T + weights[end : end + len(layer.bias)]
        start = end + len(layer.bias)
    point: list[float] = trainer._in_units(x.detach())[0].tolist()
    return point


@pytest.mark.parametrize("game", GAMES)
def test_the_manifold_is_where_the_generator_carries_a_grid(game: str) -> None:
    trainer = trained(game)
    found = trainer.view("manifold")
    mesh, stretch = found["mesh"], found["stretch"]
    assert mesh.shape == (33, 33, 2) and stretch.shape == (32, 32)
    reach = 1.0 if trainer.config.latent == "uniform" else 2.5
    rest = [0.0] * (trainer.config.latent_dim - 2)
    for i, j in ((0, 0), (0, 32), (32, 7), (16, 16)):
        latent = [reach * (j / 16 - 1), reach * (i / 16 - 1), *rest]
        ((end, height),) = trainer.target.canvas.project(np.array([carried(trainer, latent)]))
        assert mesh[i, j] == pytest.approx((end, height), abs=2e-4)
    corners = [mesh[i, j].astype(np.float64) for i, j in ((3, 4), (3, 5), (4, 5), (4, 4))]
    area = sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(corners, corners[1:] + corners[:1], strict=True)) / 2
    (left, right), (bottom, top) = trainer.target.canvas.bounds
    assert abs(stretch[3, 4]) == pytest.approx(abs(area) * 1024 / ((right - left) * (top - bottom)), rel=0.02, abs=1e-6)
    assert stretch.sum() >= 0


def test_a_fold_turns_cells_over(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trained("hinge", 0)
    fold = lambda noise: np.column_stack((np.abs(noise[:, 0] - 0.6), noise[:, 1])).astype(np.float32)  # noqa: E731
    monkeypatch.setattr(trainer, "generated", fold)
    stretch = trainer.view("manifold")["stretch"]
    assert (stretch[:, :19] > 0).all() and (stretch[:, 20:] < 0).all(), "the larger part is the right way up"


def test_the_plane_is_turned_through_all_the_noise() -> None:
    trainer = trained("octaves")
    ends = trainer.view("manifold@2")["mesh"]
    assert ends[0, 32] == pytest.approx(carried(trainer, [0, 0, 1, -1]), abs=2e-4)
    half = trainer.view("manifold@0.5")["mesh"]
    assert half[32, 32] == pytest.approx(carried(trainer, [0.5**0.5, 1, 0.5**0.5, 0]), abs=2e-4)
    for dim in (3, 4, 5, 8):
        seen = np.zeros(dim)
        for turn in np.linspace(0, dim - 2, 41):
            first, second = plane(dim, float(turn))
            assert first @ second == 0 and first @ first == pytest.approx(1) and second @ second == pytest.approx(1)
            seen += np.abs(first) + np.abs(second)
        assert (seen > 0.5).all()
    assert plane(6, 2.5)[0].tolist() == pytest.approx([0, 0, 0.5**0.5, 0, 0.5**0.5, 0])
    with pytest.raises(ValueError, match="give 0 to 2"):
        trainer.view("manifold@2.1")


def test_one_dimension_of_noise_is_a_line() -> None:
    trainer = Trainer(RunConfig(**SMALL, shape="ring8", latent_dim=1, latent="uniform", seed=3))
    found = trainer.view("manifold")
    assert found["line"].shape == (257, 2) and found["stretch"].shape == (256,)
    for place, latent in ((0, -1.0), (64, -0.5), (256, 1.0)):
        assert found["line"][place] == pytest.approx(carried(trainer, [latent]), abs=2e-4)
    (left, right), (bottom, top) = trainer.target.canvas.bounds
    length = np.linalg.norm(found["line"][9] - found["line"][8]) * 256 / np.hypot(right - left, top - bottom)
    assert found["stretch"][8] == pytest.approx(length, rel=1e-3)


@pytest.mark.parametrize("game", GAMES)
def test_arrows_point_where_the_loss_falls(game: str) -> None:
    """Against autograd through the whole loss, point by point."""
    trainer = trained(game)
    found = trainer.view("gradients")["arrows"]
    assert found.shape == (150, 2, 2)
    canvas = trainer.target.canvas
    np.testing.assert_array_equal(found[:, 0], canvas.project(trainer.sample(150, 0, trainer.shown)))
    objective = OBJECTIVES[trainer.config.objective]
    real = torch.from_numpy(trainer.real_points(64))

    with trainer.judging() as judge:

        def loss(place: torch.Tensor) -> torch.Tensor:
            point = torch.stack([10 ** place[axis] if axis in canvas.log else place[axis] for axis in (0, 1)])
            fake = judge(point[None]).repeat(64, 1)
            return objective.generator(judge(real), fake)[0]

        for index in (0, 70, 149):
            point = torch.from_numpy(found[index, 0].copy()).requires_grad_()
            (slope,) = torch.autograd.grad(loss(point), point)
            assert found[index, 1] == pytest.approx(-slope.numpy(), rel=1e-3, abs=1e-6)
            step = torch.from_numpy(1e-3 * found[index, 1] / np.linalg.norm(found[index, 1]))
            with torch.no_grad():
                assert loss(point + step) < loss(point - step)


def test_contours_hold_their_shares_of_the_points() -> None:
    trainer = trained("hinge")
    found = trainer.view("density")
    (left, right), (bottom, top) = trainer.target.canvas.bounds
    for kind, points in (("real", trainer.real_points(2048)), ("generated", trainer.sample(2048, 0))):
        grid, shares = found[f"contours:{kind}"], found[f"levels:{kind}"]
        rows = np.floor((points[:, 1] - bottom) / (top - bottom) * 64).astype(int)
        columns = np.floor((points[:, 0] - left) / (right - left) * 64).astype(int)
        assert (np.diff(shares) > 0).all()
        for level, share in zip(shares, (0.9, 0.6, 0.3), strict=True):
            assert grid[grid >= level].sum() / grid.sum() == pytest.approx(share, abs=0.05)
        inside = (rows >= 0) & (rows < 64) & (columns >= 0) & (columns < 64)
        assert np.mean(grid[rows[inside], columns[inside]] >= shares[0]) > 0.9
    far = levels(np.zeros((64, 64)))
    assert far.size == 0


@pytest.mark.parametrize("changes", [{}, {"objective": "rpgan", "generator_fourier": 2}, {"spectral_norm": True}])
def test_the_last_step_of_the_networks_is_what_the_weights_did(changes: dict[str, Any]) -> None:
    trainer = Trainer(RunConfig(shape="ring8", points=256, **changes))
    assert not [name for name in trainer.view("networks") if name.startswith("step:")]
    trainer.advance(epochs=1)
    for _ in trainer.game.phases:  # the generator's is the last of a step
        before = trainer.view("networks")
        trainer.play_phase()
    after = trainer.view("networks")
    assert (after["weights:generator:0"] != before["weights:generator:0"]).any()
    np.testing.assert_allclose(
        after["weights:generator:0"], before["weights:generator:0"] + after["step:generator:0"], rtol=1e-5, atol=1e-7
    )


def test_a_large_layer_keeps_its_largest_weights() -> None:
    matrix = np.zeros((300, 70), np.float32)
    matrix[17, 3], matrix[280, 69] = -5.0, 2.0
    small = smaller(matrix)
    assert small.shape == (64, 64)
    assert (small.min(), small.max()) == (-5.0, 2.0)


@pytest.mark.parametrize("steps", [9, 10, 12])
def test_after_a_restart_the_last_step_is_shown_as_before(steps: int) -> None:
    """At the learning rates that it was made with, which follow a schedule: here in the middle and between epochs."""
    config = RunConfig(**SMALL, **GAMES["hinge"], epochs=6, lr_schedule="cosine")
    trainer = Trainer(config)
    trainer.advance(steps=steps)
    resumed = Trainer.resume(config, trainer.checkpoint())
    for name, array in trainer.view("networks").items():
        np.testing.assert_array_equal(array, resumed.view("networks")[name], name)
