"""What a teacher sets for a class: which controls a student sees, and a goal. Short enough for an address.

``1_shape_recipe_g_drop_goal.2000.0.05`` reads: version 1, a control each (a knob by its key in a link), and the goal:
within 2,000 steps the headline is at most 0.05, and stays there for `HELD` measurements. A link is what a stranger
typed: `decode` uses what it can and says in words what it could not. This module knows no torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from gandash.core.link import KEYS
from gandash.core.problems import Problem, shortened

PLACES: Mapping[str, str] = {
    "shape": "Shape",
    "recipe": "Recipe",
    "player": "Steps and speed",
    "on": "Train on",
    "networks": "Networks",
    "home": "Downloads and code",
}
"""What can be shown besides knobs, and what it is called."""
CONTROLS = (*PLACES, *KEYS)
"""All that can be shown: these and every knob but the target, by its name."""

LONGEST = 600
"""Characters of a lesson's text that are read."""
MOST_STEPS, MOST_VALUE = 10**9, 10**6
HELD = 5
"""Measurements in a row that have to be as good as the goal: a single one is often a lucky draw."""
_VERSION, _GOAL = "1", "goal"
_MOST_TOLD = 5
_NAMES = {name: name for name in PLACES} | {key: name for name, key in KEYS.items()}


@dataclass(frozen=True)
class Goal:
    """The headline is at most `value`, in the metric's own unit, for `HELD` measurements in a row within `steps`."""

    value: float
    steps: int

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value) and 0 <= self.value <= MOST_VALUE):
            raise ValueError(f"the goal is a headline of {self.value:g}; it goes from 0 to {MOST_VALUE:,}")
        if not 1 <= self.steps <= MOST_STEPS:
            raise ValueError(f"the goal gives {self.steps:,} steps; it goes from 1 to {MOST_STEPS:,}")


@dataclass(frozen=True)
class Lesson:
    """Which `CONTROLS` a student sees, and the goal if there is one."""

    controls: frozenset[str] = frozenset()
    goal: Goal | None = None


def encode(lesson: Lesson) -> str:
    """The text of a lesson; `decode` gives back an equal one."""
    shown = [KEYS.get(name, name) for name in CONTROLS if name in lesson.controls]
    goal = [f"{_GOAL}.{lesson.goal.steps}.{_written(lesson.goal.value)}"] if lesson.goal else []
    return "_".join([_VERSION, *shown, *goal])


def decode(text: str) -> tuple[Lesson | None, tuple[Problem, ...]]:
    """The lesson that a text means, None where it is none at all, and what was wrong with it. Never raises.

    >>> lesson, wrong = decode("1_shape_drop_goal.2000.0.05_dropp")
    >>> sorted(lesson.controls), lesson.goal, len(wrong)
    (['dropout', 'shape'], Goal(value=0.05, steps=2000), 1)
    """
    if not text:
        return None, ()
    version, *parts = text[: LONGEST + 1].split("_")
    if version != _VERSION or len(text) > LONGEST:
        told = f"The link's part for a class cannot be read ({shortened(text)}), so all controls are shown."
        return None, (Problem(None, told),)
    controls, goal, wrong = set(), None, []
    for part in filter(None, parts):
        kind, _, rest = part.partition(".")
        if part in _NAMES:
            controls.add(_NAMES[part])
        elif kind != _GOAL:
            wrong.append(f"The link shows a control {shortened(part)}, which there is not.")
        elif goal is not None:
            wrong.append("The link sets a goal twice: the first counts.")
        else:
            try:
                goal = _goal(rest)
            except ValueError as error:
                wrong.append(f"The link's goal was left out: {error}.")
    if len(wrong) > _MOST_TOLD:
        wrong = [*wrong[:_MOST_TOLD], f"And {len(wrong) - _MOST_TOLD} more parts of it were left out."]
    return Lesson(frozenset(controls), goal), tuple(Problem(None, each) for each in wrong)


def _goal(text: str) -> Goal:
    steps, _, value = text.partition(".")
    try:
        if not (steps.isascii() and steps.isdecimal() and len(steps) <= 12 and len(value) <= 24):
            raise ValueError
        return Goal(float(value), int(steps))
    except ValueError as error:
        said = str(error)
        raise ValueError(
            said if said.startswith("the goal") else f"{shortened(text)} does not give steps and a value"
        ) from None


def _written(value: float) -> str:
    """A number that `float` reads, without an exponent's plus."""
    return repr(float(value)).removesuffix(".0").replace("+", "")


@dataclass(frozen=True)
class Progress:
    """How a run stands to a goal: after how many `steps` it was reached, or how many there were and are `left`."""

    state: Literal["open", "reached", "missed"]
    steps: int
    left: int


def held(goal: Goal, *, each: int, last: int, every: int = 1) -> int:
    """How many measurements in a row make the goal: `HELD`, or all where a run has fewer in time.

    Measured is `every` so many epochs of `each` so many steps; the run's `last` epoch is as well.
    """
    epochs = min(goal.steps // each, last)
    return max(1, min(HELD, epochs // every + (epochs == last and epochs % every > 0)))


def progress(
    goal: Goal,
    epochs: Iterable[float],
    values: Iterable[float],
    *,
    each: int,
    epoch: int,
    ended: bool,
    held: int = HELD,
) -> Progress:
    """How a run stands to a goal, from its headline at some epochs; `each` epoch has so many steps.

    `epoch` is the run's own now, `ended` says that it will have no more, and `held` how many measurements in a row make
    the goal. What was not measured is NaN, and counts neither way.
    """
    good = 0
    for measured, value in zip(epochs, values, strict=True):
        if math.isnan(value):
            continue
        good = good + 1 if value <= goal.value else 0
        if good >= held and measured * each <= goal.steps:
            return Progress("reached", int(measured) * each, 0)
    left = max(0, goal.steps - epoch * each)
    return Progress("missed" if ended or (epoch + 1) * each > goal.steps else "open", epoch * each, left)
