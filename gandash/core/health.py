"""Health notes: what goes wrong in a training, as one line with what was seen and which knob to try.

`signals` measures a run at one moment; each rule of `RULES` reads them and says something or nothing. A rule speaks
only of what lasts: a training that goes well looks bad for a while, so most rules wait until the first part is over.
`benchmarks/health.py` records runs that show each of them, and healthy ones in which none may appear; the tests replay
them. NumPy alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gandash.core.config import RunConfig
from gandash.core.objectives import OBJECTIVES
from gandash.core.targets import Target

Floats = NDArray[np.float64]

ONE_SPOT = 0.01
"""Points that spread less than this share of the picture, in both directions, are called one spot."""
EARLY_EPOCHS, EARLY_STEPS = 10, 500
"""Until both have passed anything may happen: the networks have just been drawn."""
SETTLED_STEPS = 3000
"""Steps after which a recipe that works has found the shape; the textbook's needs about so many."""
LATE = 20
"""Epochs that a figure is taken over, so that one of them alone tells nothing."""
FAR_AHEAD = 0.9
"""Difference of D(x) on real and on generated points, as a probability, at which the generator is told nothing."""
OFF = 0.5
"""Share of the points off the picture that is worth a word."""
SPIKE = 30.0
"""A loss that is so many times the usual one hides the others."""
MISSED_MODES = 0.6
"""Up to which share of the modes reached it is called collapse; a recipe that works reaches nearly all in time."""
STALLED = 0.5
"""Share of the run so far in which the distance to real points has got no smaller."""
STALLED_STEPS, SLOW = 6000, 3.2
"""After so many steps a distance above the second is no way to learn; the textbook's recipe is below it by then."""
FAR, SWING, SWINGS = 1.75, 2.0, 3
"""A distance above the first is not close; one that turns by the second so many times in a half of the run swings.
Distances are over those between real samples of 1,000 points: unlike the gap to real they still tell far from farther.
All of these are the roots of what they were while a headline was meant that was about the square of such a distance.
"""
FEW_X, SMALL_ERROR = 0.8, 0.001
"""A share of the range of x that has no points; a squared error as a share of the picture's height, squared."""


@dataclass(frozen=True)
class Note:
    """What was seen, and what to try; `name` is that of the rule."""

    name: str
    seen: str
    advice: str


@dataclass(frozen=True)
class Signals:
    """A run at one moment; None where it was not measured.

    `done` and `steps` are whole epochs and steps of the run itself. `outside` is the share of the newest points that
    lie off the picture, `spread` their extent as a share of the picture's, the larger of both directions. `lead` is by
    how much D(x) is higher on real than on generated points, as probabilities. `distance` is the newest to real points,
    over that between real ones, and `lowest` the lowest, `since` the epochs since then, and `swings` how often it has
    turned by `SWING` times in the second half of the run. `spike` is the largest loss as a multiple of the usual one,
    in the epoch `spike_epoch`.
    `covered` are the modes that have points, of `all_modes`, `x` is the share of the range of x that has points, and
    `error` the squared error to the curve as a share of the picture's height, squared. All but the spike are medians
    over stretches of epochs.
    """

    epoch: int
    done: int
    steps: int
    outside: float | None = None
    spread: float | None = None
    lead: float | None = None
    distance: float | None = None
    lowest: float | None = None
    since: int = 0
    swings: int = 0
    spike: float | None = None
    spike_epoch: int = 0
    covered: float | None = None
    all_modes: float | None = None
    x: float | None = None
    error: float | None = None


def signals(
    config: RunConfig,
    epochs: NDArray[np.int64],
    columns: Mapping[str, NDArray[np.float64]],
    points: NDArray[np.float32] | NDArray[np.float64] | None,
    first_epoch: int = 0,
) -> Signals:
    """Measure a run by its history, columns of one length, and its newest points ``(n, dim)`` or as they are drawn."""
    own = epochs > first_epoch
    epochs, columns = epochs[own], {name: column[own] for name, column in columns.items()}
    epoch = int(epochs[-1]) if len(epochs) else first_epoch
    done = epoch - first_epoch
    batches = config.points // config.batch_size
    lead = _newest(columns.get("d_real", _NONE) - columns.get("d_fake", _NONE)) if _bounded(config) else None
    far = columns.get("sw_ratio", columns.get("tv_ratio", _NONE))
    distance, lowest, since, swings = _course(epochs, far)
    spike, spike_epoch = _spike(epochs, columns)
    target = config.target.build()
    outside, spread = (None, None) if points is None or not len(points) else on_picture(target, points)
    low, high = target.canvas.bounds[1]
    error = _newest(columns.get("mse", _NONE))
    return Signals(
        epoch,
        done,
        done * batches // config.discriminator_steps,
        outside=outside,
        spread=spread,
        lead=lead,
        distance=distance,
        lowest=lowest,
        since=since,
        swings=swings,
        spike=spike,
        spike_epoch=spike_epoch,
        covered=_newest(columns.get("modes", _NONE)),
        all_modes=target.ideals.get("modes"),
        x=_newest(columns.get("x_coverage", _NONE)),
        error=None if error is None else error / (high - low) ** 2,
    )


_NONE: Floats = np.empty(0)


def _bounded(config: RunConfig) -> bool:
    """Whether D(x) goes from 0, for generated, to 1, for real."""
    return OBJECTIVES[config.objective].probability or config.objective == "least-squares"


def on_picture(target: Target, points: NDArray[np.float32] | NDArray[np.float64]) -> tuple[float, float]:
    """Of points as a frame has them: the share off the picture, and the larger extent as a share of the picture's."""
    drawn = np.asarray(target.canvas.project(points), np.float64)
    low, high = np.array(target.canvas.bounds).T
    outside = ((drawn < low) | (drawn > high)).any(axis=1).mean()
    return float(outside), float((np.ptp(drawn, axis=0) / (high - low)).max())


def _newest(column: Floats) -> float | None:
    """The median of the newest few finite values."""
    finite = column[-200:][np.isfinite(column[-200:])][-LATE:]
    return float(np.median(finite)) if len(finite) else None


def _course(epochs: NDArray[np.int64], distances: Floats) -> tuple[float | None, float | None, int, int]:
    """The newest distance, the lowest, the epochs since then, how often it swings: medians of stretches of epochs."""
    finite = np.isfinite(distances)
    distances, epochs = distances[finite], epochs[finite]
    if not len(distances):
        return None, None, 0, 0
    medians, ends = _medians(distances, epochs, min(max(len(distances) // 16, 1), 25))
    best = len(medians) - 1 - int(medians[::-1].argmin())
    finer, _ = _medians(distances, epochs, max(len(distances) // 40, 1))
    return float(medians[-1]), float(medians[best]), int(epochs[-1] - ends[best]), _swings(finer[len(finer) // 2 :])


def _medians(values: Floats, epochs: NDArray[np.int64], stretch: int) -> tuple[Floats, NDArray[np.int64]]:
    """The medians of stretches of so many values, and the last epoch of each; the oldest may be left out."""
    whole = len(values) // stretch * stretch
    medians = np.median(values[-whole:].reshape(-1, stretch), axis=1)
    return medians, epochs[-whole:].reshape(-1, stretch)[:, -1]


def _swings(values: Floats) -> int:
    """How often the values turn by `SWING` times: the turning points of a zigzag with that threshold on a log scale."""
    turns, low, high, rising = 0, math.inf, 0.0, 0
    for value in np.maximum(values, 1e-9).tolist():
        low, high = min(low, value), max(high, value)
        if rising <= 0 and value > SWING * low:
            turns, rising, high = turns + (rising < 0), 1, value
        elif rising >= 0 and value * SWING < high:
            turns, rising, low = turns + (rising > 0), -1, value
        if rising > 0:
            low = value if value == high else low
        if rising < 0:
            high = value if value == low else high
    return turns


def _spike(epochs: NDArray[np.int64], columns: Mapping[str, Floats]) -> tuple[float | None, int]:
    """The largest loss as a multiple of the usual size of losses, and its epoch."""
    found: tuple[float | None, int] = (None, 0)
    for name in ("generator_loss", "discriminator_loss"):
        size = np.abs(columns.get(name, _NONE))
        finite = np.isfinite(size)
        if finite.sum() < LATE:
            continue
        usual = max(float(np.median(size[finite])), 0.1)
        worst = int(np.where(finite, size, -1.0).argmax())
        times = float(size[worst] / usual)
        if found[0] is None or times > found[0]:
            found = (times, int(epochs[worst]))
    return found


def _early(found: Signals) -> bool:
    return found.done < EARLY_EPOCHS or found.steps < EARLY_STEPS


def _rate(config: RunConfig) -> str:
    if config.generator_lr == config.discriminator_lr:
        return f"smaller learning rates (now {config.generator_lr:g})"
    return f"smaller learning rates (now {config.generator_lr:g} for G, {config.discriminator_lr:g} for D)"


def _diverging(config: RunConfig, found: Signals) -> Note | None:
    if found.outside is None or found.outside <= OFF or found.done < EARLY_EPOCHS:
        return None
    share = "All" if found.outside == 1 else f"{100 * found.outside:.0f} % of the"
    return Note("diverging", f"{share} points lie off the picture.", f"Try {_rate(config)}.")


def _spiking(config: RunConfig, found: Signals) -> Note | None:
    if found.spike is None or found.spike < SPIKE:
        return None
    seen = f"A loss of epoch {found.spike_epoch:,} was {found.spike:,.0f} times the usual: its curve hides the rest."
    return Note("spike", seen, f"Zoom in on the rest; if it comes again, try {_rate(config)}.")


def _collapsed(config: RunConfig, found: Signals) -> Note | None:
    if _early(found):
        return None
    try_ = f"Try {_rate(config)}, packing, or the pairing objective (RpGAN) with R1 and R2."
    if found.spread is not None and found.spread < ONE_SPOT:
        return Note("collapse", "All points lie in one spot: the generator has collapsed.", try_)
    if found.steps < SETTLED_STEPS or found.covered is None or not found.all_modes:
        return None
    if found.covered <= MISSED_MODES * found.all_modes:
        seen = f"Only {found.covered:.0f} of {found.all_modes:.0f} modes have points: mode collapse."
        return Note("collapse", seen, try_)
    return None


def _ahead(config: RunConfig, found: Signals) -> Note | None:
    if found.lead is None or found.lead < FAR_AHEAD or _early(found):
        return None
    knobs = ["a smaller learning rate for D"]
    if config.dropout < 0.3:
        knobs.append("dropout")
    if config.instance_noise == 0:
        knobs.append("instance noise")
    seen = f"D tells real from generated with {found.lead:.2f} between its answers, so G learns little from it."
    return Note("ahead", seen, f"Try {_listed(knobs)}.")


def _oscillating(config: RunConfig, found: Signals) -> Note | None:
    if found.swings < SWINGS or found.distance is None or _early(found):
        return None
    knobs = ["an EMA of the generator"] if not config.ema_decay else []
    knobs.append(_rate(config))
    if config.penalty == "none":
        knobs.append("a gradient penalty")
    return Note(
        "oscillation",
        f"The distance to real points goes up and down {SWING:g} times over, again and again.",
        f"Try {_listed(knobs)}.",
    )


def _stalled(config: RunConfig, found: Signals) -> Note | None:
    if found.distance is None or found.lowest is None or found.distance <= FAR or found.steps < STALLED_STEPS:
        return None
    if found.distance > SLOW:
        times = f"{found.distance:,.0f} times as far from real ones as those are from one another"
        seen = f"After {found.done:,} epochs the points are still {times}: G learns too slowly."
    elif found.since > STALLED * found.done:
        ago = f"for {found.since:,} epochs"
        seen = (
            f"The distance to real points has got no smaller {ago}: now {found.distance:.1f}, once {found.lowest:.1f}."
        )
    else:
        return None
    larger = [] if config.generator_lr > 1e-4 else ["a larger learning rate for G"]
    return Note("stalled", seen, f"Try {_listed([*larger, 'wider layers', 'standardised data', 'the recipe Best'])}.")


def _narrow(config: RunConfig, found: Signals) -> Note | None:
    if found.x is None or found.error is None or found.steps < SETTLED_STEPS:
        return None
    if found.x > FEW_X or found.error > SMALL_ERROR or (found.spread or 0) < ONE_SPOT:
        return None
    seen = f"The squared error is small, but the points reach only {100 * found.x:.0f} % of the range of x."
    return Note("narrow", seen, "Go by the gap to real, and try standardised data or the recipe Best.")


def _listed(knobs: list[str]) -> str:
    return knobs[0] if len(knobs) == 1 else f"{', '.join(knobs[:-1])} or {knobs[-1]}"


Rule = Callable[[RunConfig, Signals], Note | None]

RULES: Mapping[str, Rule] = {
    "collapse": _collapsed,
    "diverging": _diverging,
    "ahead": _ahead,
    "oscillation": _oscillating,
    "stalled": _stalled,
    "narrow": _narrow,
    "spike": _spiking,
}
"""Every rule by the name of its notes, the gravest first."""


def notes(config: RunConfig, found: Signals) -> tuple[Note, ...]:
    """What is wrong, the gravest first; empty where nothing is."""
    said = (rule(config, found) for rule in RULES.values())
    return tuple(note for note in said if note is not None)
