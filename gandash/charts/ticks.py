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


def log_ticks(low: float, high: float, most: float) -> list[tuple[float, str]]:
    """Places on a logarithmic axis from ``10**low`` to ``10**high``, at most about `most`, and what they say.

    Powers of ten, every so many of them where they are too many, and round values between them where they are few.

    >>> log_ticks(1.9, 4.2, 6), log_ticks(2.8, 3.4, 6)
    ([(2.0, '100'), (3.0, '1000'), (4.0, '1e4')], [(3.0, '1000'), (3.3010299956639813, '2000')])
    """
    every = max(1, math.ceil((high - low) / max(most, 1.0)))
    powers = range(math.floor(low), math.ceil(high) + 1)
    places = [float(power) for power in powers if power % every == 0]
    found = [place for place in places if low <= place <= high]
    if len(found) < 3 and every == 1:
        places = [power + step for power in powers for step in (0.0, math.log10(2), math.log10(5))]
        found = [place for place in places if low <= place <= high]
    if len(found) < 2:
        values, _ = ticks(10.0**low, 10.0**high, most)
        found = [math.log10(value) for value in values if value > 0]
    return [(place, _log_text(place)) for place in found]


def _log_text(place: float) -> str:
    if abs(place) < 4:
        return f"{float(f'{10.0**place:.3g}'):g}"
    exponent = math.floor(place + 1e-9)
    return f"{10.0 ** (place - exponent):.3g}e{exponent}"


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
