"""The goal of a class: how far a run is, whether it has got there, and in time (`goal.js` follows the run)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from gandash.charts.live import element
from gandash.core.lesson import HELD, Goal, Progress, held, progress
from gandash.core.metrics import METRICS
from gandash.live import assets
from gandash.pages import classroom
from gandash.pages.wording import measured
from gandash.runs.snapshot import Snapshot

assets.register(Path(__file__).with_name("goal.js"))

HEADLINE = METRICS["headline"]


def show(snapshot: Snapshot | None) -> None:
    """Draw the goal of this page's class; nothing where there is none."""
    lesson = classroom.now()
    if lesson is None or lesson.goal is None:
        return
    goal, stands = lesson.goal, standing(lesson.goal, snapshot)
    data = {
        "run": snapshot.run_id if snapshot else "",
        "title": said(goal),
        "state": stands.state,
        "told": verdict(goal, stands),
        "value": goal.value,
        "most": goal.steps,
        "steps": stands.steps,
        "each": snapshot.config.batches_per_epoch if snapshot else 0,
        "held": _held(goal, snapshot),
    }
    with st.container(border=True, key="goal"):
        element("gandash_goal", "goal.js", data, key="goal_line", on_settled_change=_nothing)


def _nothing() -> None:
    """What the script does about a goal that is settled is to run, and to say so."""


def standing(goal: Goal, snapshot: Snapshot | None) -> Progress:
    """How a run stands to a goal; one that has not begun has all steps left."""
    if snapshot is None:
        return Progress("open", 0, goal.steps)
    history = snapshot.history
    values = history.columns.get("headline")
    return progress(
        goal,
        [] if values is None else history.epoch.tolist(),
        [] if values is None else values.tolist(),
        each=snapshot.config.batches_per_epoch,
        epoch=snapshot.epoch,
        ended=snapshot.status.ended,
        held=_held(goal, snapshot),
    )


def _held(goal: Goal, snapshot: Snapshot | None) -> int:
    """How many measurements in a row make the goal of this run."""
    if snapshot is None:
        return HELD
    config = snapshot.config
    return held(goal, each=config.batches_per_epoch, last=snapshot.planned_epochs, every=config.evaluate_every)


@dataclass(frozen=True)
class Unit:
    """How the headline is written: so many of `name` are one of the metric's own."""

    name: str
    factor: float

    def shown(self, value: float) -> float:
        """A value as it is written."""
        return float(f"{value * self.factor:.6g}")

    def kept(self, written: float) -> float:
        """The value that was written."""
        return float(f"{written / self.factor:.6g}")


def unit() -> Unit:
    """How the pages write the headline."""
    return Unit("%", 100.0) if measured(HEADLINE, 0.5).endswith("%") else Unit("", 1.0)


def start(snapshot: Snapshot | None) -> float:
    """A goal to begin with: half of what the run on the page is away from perfect, or else something near perfect."""
    perfect = HEADLINE.ideal or 0.0
    now = snapshot.current[0].get("headline") if snapshot else None
    if now is None or not math.isfinite(now):
        return perfect + 0.1
    return float(f"{perfect + max(now - perfect, 0.02) / 2:.2g}")


def said(goal: Goal) -> str:
    """A goal in words."""
    return f"{HEADLINE.title} {measured(HEADLINE, goal.value)} or less, within {goal.steps:,} steps"


def verdict(goal: Goal, stands: Progress) -> str:
    """How it ended; empty while it has not."""
    if stands.state == "reached":
        return f"Reached after {stands.steps:,} of {goal.steps:,} steps. Well done!"
    if stands.state == "missed":
        return f"Not reached within {goal.steps:,} steps this time. Change something and train again."
    return ""
