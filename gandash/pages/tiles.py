"""The tiles: a run's current figures, each with a word on what it says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from gandash.core.config import RunConfig
from gandash.core.metrics import METRICS
from gandash.core.objectives import OBJECTIVES
from gandash.core.targets import Target
from gandash.pages import wording
from gandash.runs.snapshot import History, Snapshot

SHORT_TITLES: Mapping[str, str] = {
    "mse": "Curve error",
    "modes": "Modes",
    "high_quality": "High quality",
    "sw_ratio": "Distance",
    "total_variation": "Variation",
}
"""Titles that fit into a tile."""

NOTES: Mapping[str, str] = {"fit": "ideal: 100 %, blind to how often each comes"}
"""What to compare a figure with, where its ideal alone would mislead."""


@dataclass(frozen=True)
class Tile:
    """One figure: what it is called, how it reads, what to compare it with, and what it means."""

    label: str
    value: str
    note: str
    help: str


def tiles_of(target: Target, snapshot: Snapshot | None) -> list[Tile]:
    """The five tiles of a target, the headline first; dashes before there is a run."""
    config = snapshot.config if snapshot else RunConfig()
    history = snapshot.history if snapshot else History()
    metrics, epoch = snapshot.current if snapshot else ({}, 0)
    textbook_loss = config.objective == "non-saturating"
    probability = OBJECTIVES[config.objective].probability
    return [
        *(_metric_tile(name, metrics, epoch, target) for name in target.tiles),
        Tile(
            "Loss G / D",
            _pair(history, "generator_loss", "discriminator_loss"),
            "a tie: 0.69 / 1.39" if textbook_loss else "lower is not better",
            "How badly the generator fools the discriminator, and how badly the discriminator tells real from "
            "generated, over the last epoch. They need not fall: the two networks play against each other. With the "
            "textbook's loss, 0.69 and 1.39 mean that the discriminator can only guess.",
        ),
        Tile(
            "D real / fake",
            _pair(history, "d_real", "d_fake"),
            "a tie: 0.5 / 0.5" if probability else "scores",
            "The discriminator's mean answer to real and to generated points, over the last epoch. With a probability "
            "as its answer, 1 and 0 are a perfect discriminator, 0.5 and 0.5 one that can only guess.",
        ),
    ]


def _metric_tile(name: str, metrics: Mapping[str, float], epoch: int, target: Target) -> Tile:
    metric = METRICS[name]
    label, value = SHORT_TITLES.get(name, metric.title), metrics.get(name)
    if name == target.tiles[0] and value is not None:
        label = f"{label}, epoch {epoch:,}"
    if name == "headline":
        return Tile(label, wording.measured(metric, value), "0 % = nobody can tell, lower is better", metric.help)
    ideal = target.ideals.get(name, metric.ideal)
    note = NOTES.get(name) or ("" if ideal is None else f"ideal: {_short(wording.measured(metric, ideal))}")
    return Tile(label, wording.measured(metric, value), note, metric.help)


def _short(text: str) -> str:
    """A figure without the zeros that say nothing: *100 %*, *0*."""
    number, _, unit = text.partition(" ")
    return f"{number.rstrip('0').rstrip('.') if '.' in number else number} {unit}".rstrip()


def _pair(history: History, first: str, second: str) -> str:
    return " / ".join(wording.hundredths(_last(history, name)) for name in (first, second))


def _last(history: History, column: str) -> float | None:
    """The newest value of a column that is not NaN, if it has one."""
    values = history.columns.get(column)
    if values is None:
        return None
    for value in reversed(values[-1000:]):
        if not math.isnan(value):
            return float(value)
    return None
