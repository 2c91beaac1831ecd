"""The networks of a past epoch, put back to be looked at."""

from __future__ import annotations

import io

import pytest
import torch

from gandash.core.config import RunConfig
from gandash.core.trainer import Trainer

PLAIN = {"shape": "line", "points": 128, "batch_size": 64, "epochs": 6, "seed": 1, "device": "cpu"}
CONFIGS = {
    "plain": RunConfig(**PLAIN),
    "average": RunConfig(**PLAIN, ema_decay=0.9),
    "growing octaves": RunConfig(**PLAIN, discriminator_fourier=3, fourier_growth=0.9),
    "spectral": RunConfig(**PLAIN, spectral_norm=True),
}


def seen(trainer: Trainer) -> list[torch.Tensor]:
    """What both networks, out of training, make of the same inputs."""
    generator, discriminator = (network.eval() for network in trainer.networks)
    with torch.no_grad():
        noise = torch.linspace(-1, 1, 20).reshape(10, 2)
        return [generator(noise), discriminator(noise), torch.from_numpy(trainer.sample(10, 1, trainer.shown))]


@pytest.mark.parametrize("name", CONFIGS)
def test_both_networks_come_back_as_they_were(name: str) -> None:
    config = CONFIGS[name]
    trainer = Trainer(config)
    trainer.advance(epochs=2)
    data = trainer.weights()
    assert abs(len(data) - trainer.weights_size) < 8_000
    expected = seen(trainer)
    later = Trainer(config)
    later.advance(epochs=6)
    assert not all(map(torch.equal, seen(later), expected))
    later.look_back(data)
    assert all(map(torch.equal, seen(later), expected))
    assert later.epoch == later.appraise().epoch == 2
    assert torch.jit.load(io.BytesIO(later.export()))  # type: ignore[no-untyped-call]
    assert later.advance(epochs=1) == [], "nothing goes on from there"


def test_a_parents_weights_serve_its_child_that_keeps_an_average() -> None:
    parent = Trainer(CONFIGS["plain"])
    parent.advance(epochs=1)
    data, expected = parent.weights(), parent.sample(10, 1)
    parent.advance(epochs=3)
    child = parent.fork(epochs=2, ema_decay=0.9)
    child.look_back(data)
    assert (child.sample(10, 1, "ema") == expected).all()
    assert child.appraise().progress == 0.0


def test_what_are_no_such_weights_is_refused() -> None:
    trainer = Trainer(CONFIGS["plain"])
    other = Trainer(CONFIGS["plain"].model_copy(update={"generator_widths": (4,)}))
    for data in (b"", b"nonsense", trainer.checkpoint(), other.weights(), trainer.weights()[:-2000]):
        with pytest.raises(ValueError, match="cannot be read"):
            trainer.look_back(data)
