"""The tiles: a run's current figures, each with a word on what it says."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from gandash.core.metrics import METRICS
from gandash.core.targets import Target
from gandash.pages import wording
from gandash.runs.snapshot import History, Snapshot

MIN_COLUMN_PIXELS = 102
"""Six columns on a desk, three on a phone."""

SHORT_TITLES: Mapping[str, str] = {
    "mse": "Curve error",
    "modes": "Modes",
    "high_quality": "High quality",
    "sw_ratio": "Distance",
}
"""Titles that fit into a tile."""


@dataclass(frozen=True)
class Tile:
    """One figure: what it is called, how it reads, and what it means."""

    label: str
    value: str
    help: str


def show(tiles: list[Tile]) -> None:
    """Draw tiles in a row, in fewer columns where there is no room."""
    with st.container(key="tiles"), st.grid(len(tiles), min_column_width=MIN_COLUMN_PIXELS, gap="xsmall"):
        for tile in tiles:
            st.metric(tile.label, tile.value, help=tile.help, border=True)


def tiles_of(shape: Target, snapshot: Snapshot | None) -> list[Tile]:
    """The six tiles of a shape; dashes before there is a run."""
    history = snapshot.history if snapshot else History()
    metrics = _newest_metrics(snapshot)
    return [
        Tile(
            "Epoch",
            f"{snapshot.epoch:,}" if snapshot else "–",
            "Passes over the real points so far.",
        ),
        Tile(
            "Loss G / D",
            _pair(history, "generator_loss", "discriminator_loss"),
            "How badly the generator fools the discriminator, and how badly the discriminator tells real from "
            "generated. They need not fall: the two networks play against each other. With the textbook's loss, "
            "0.69 and 1.39 mean that the discriminator can only guess.",
        ),
        Tile(
            "D real / fake",
            _pair(history, "d_real", "d_fake"),
            "The discriminator's mean answer to real and to generated points. With a probability as its answer, "
            "1 and 0 are a perfect discriminator, 0.5 and 0.5 one that can only guess.",
        ),
        *(_metric_tile(name, metrics, shape) for name in shape.tiles),
    ]


def _metric_tile(name: str, metrics: Mapping[str, float], shape: Target) -> Tile:
    metric = METRICS[name]
    label, value = SHORT_TITLES.get(name, metric.title), metrics.get(name)
    if metric.unit == "modes" and name in shape.ideals:
        return Tile(label, f"{'–' if value is None else round(value)} / {shape.ideals[name]:.0f}", metric.help)
    return Tile(label, wording.share(value) if metric.unit == "share" else wording.figure(value), metric.help)


def _pair(history: History, first: str, second: str) -> str:
    return " / ".join(wording.hundredths(_last(history, name)) for name in (first, second))


def _newest_metrics(snapshot: Snapshot | None) -> Mapping[str, float]:
    """The newest value of every metric: measured each epoch, or else at the last full evaluation."""
    if snapshot is None:
        return {}
    measured = {name: _last(snapshot.history, name) for name in METRICS}
    return {**snapshot.metrics, **{name: value for name, value in measured.items() if value is not None}}


def _last(history: History, column: str) -> float | None:
    """The newest value of a column that is not NaN, if it has one."""
    values = history.columns.get(column)
    if values is None:
        return None
    for value in reversed(values[-1000:]):
        if not math.isnan(value):
            return float(value)
    return None
