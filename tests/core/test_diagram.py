"""The diagram of the networks says what the networks are."""

from __future__ import annotations

import pytest
from torch import nn

from gandash.core.config import RunConfig
from gandash.core.diagram import players
from gandash.core.networks import build_discriminator, build_generator
from gandash.core.presets import PRESETS

CONFIGS = {
    **PRESETS,
    "packed": RunConfig(shape="ring8", objective="rpgan", packing=4, discriminator_fourier=2, activation="tanh"),
    "bare": RunConfig(shape="line", generator_widths=(), discriminator_widths=(), latent="uniform"),
}


@pytest.mark.parametrize("name", ["textbook-exponential", "best-grid25", "textbook-multiples-of-5", "packed", "bare"])
def test_widths_and_parameters_are_those_of_the_networks(name: str) -> None:
    config = CONFIGS[name]
    dim = config.target.build().dim
    for player, network in zip(
        players(config), (build_generator(config, dim), build_discriminator(config, dim)), strict=True
    ):
        linears = [layer for layer in network if isinstance(layer, nn.Linear)]
        features = len(network) > 0 and not isinstance(network[0], nn.Linear)
        drawn = player.layers[1:] if features else player.layers
        assert [layer.width for layer in drawn] == [linears[0].in_features, *(layer.out_features for layer in linears)]
        trained = [sum(weight.numel() for weight in layer.parameters()) for layer in linears]
        assert [count for count in player.parameters if count] == trained
        assert player.total == sum(trained)
        assert len(player.parameters) == len(player.layers) - 1


def test_what_is_between_the_layers_is_named() -> None:
    generator, discriminator = players(CONFIGS["best-grid25"])
    assert [layer.title for layer in generator.layers][:3] == ["Noise", "Features", "Hidden 1"]
    assert generator.layers[1].notes == ("5 octaves", "8 digits")
    assert discriminator.layers[-1].notes == ("score",)
    textbook = players(RunConfig())[1]
    assert {layer.notes for layer in textbook.layers[1:-1]} == {("ReLU", "dropout 0.3")}
    assert textbook.layers[-1].notes == ("sigmoid",)
