"""Round values on an axis, and what they say: `gandash/live/axes.js` in Python."""

from __future__ import annotations

import math

MOST = 50


def ticks(low: float, high: float, most: float) -> tuple[list[float], float]:
    """At most about `most` round values from `low` to `high`, evenly spaced, and their step.

    >>> ticks(0, 50, 6)
    ([0.0, 10.0, 20.0, 30.0, 40.0, 50.0], 10.0)
    """
    rough = (high - low) / max(most, 1.0)
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(times for times in (1, 2, 5, 10) if times * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    places = range(first, min(math.floor(high / step + 1e-9), first + MOST - 1) + 1)
    return [place * step for place in places], step


def tick_text(value: float, step: float) -> str:
    """A value of an axis with such a step, in as few digits as tell it from its neighbours.

    >>> [tick_text(value, 0.5) for value in (-0.5, 0.0, 1e7)]
    ['−0.5', '0', '1e7']
    """
    if abs(value) < step / 1e6:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-4:
        digits, exponent = f"{value:.1e}".split("e")
        text = f"{digits.removesuffix('.0')}e{int(exponent)}"
    else:
        text = f"{value:.{min(max(0, -math.floor(math.log10(step) + 1e-9)), 8)}f}"
    return text.replace("-", "−")
