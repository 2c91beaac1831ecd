"""How a value changes over the training: factors of its first value, from progress alone."""

from __future__ import annotations

import math

from gandash.core.config import Schedule


def factor(schedule: Schedule, progress: float, final: float) -> float:
    """The share of the first value that applies at `progress` (0 to 1); at 1 it is `final`.

    constant stays at 1; cosine is Loshchilov & Hutter 2017, equation 5, without restarts; linear goes straight down.
    """
    match schedule:
        case "constant":
            return 1.0
        case "cosine":
            return final + (1 - final) * (1 + math.cos(math.pi * progress)) / 2
        case "linear":
            return 1 + (final - 1) * progress


def decayed_noise(std: float, progress: float, decay: float) -> float:
    """Instance noise that falls linearly to 0 at `progress` = `decay`; it never falls if `decay` is 0."""
    return std * max(0.0, 1 - progress / decay) if decay else std


def octave_gates(octaves: int, progress: float, growth: float) -> list[float]:
    """How far each octave is switched on, 0 to 1: one by one until `progress` = `growth` (Nerfies, Park 2021)."""
    if not growth:
        return [1.0] * octaves
    reached = 1 + (octaves - 1) * (progress / growth)
    return [min(1.0, max(0.0, reached - octave)) for octave in range(octaves)]
