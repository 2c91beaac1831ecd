"""Configs at random, from a seed: any target, any knob, as far as the rules allow."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
from pydantic import ValidationError

from gandash.core.config import KNOBS, Knob, RunConfig
from gandash.core.targets import Target, TargetSpec
from gandash.core.targets.patterns import PATTERNS
from gandash.core.targets.shapes import SHAPES

FORMULAS = (
    "y = sin(3x) + 0.2x^2; x = -3..3; noise = 0.1",
    "x = cos(t) cos(5t); y = sin(t) cos(5t); t = 0..3.1416",
    "y = exp(-x/3); x = 1e-3..1e2; noise = 0.02",
)


def random_config(seed: int) -> RunConfig:
    """The config of a seed."""
    random = Random(seed)
    while True:
        names = random.sample(list(KNOBS), random.randint(0, len(KNOBS)))
        values = {name: _value(KNOBS[name], random) for name in names} | {"target": random_target(random)}
        try:
            return RunConfig.model_validate(values)
        except ValidationError as error:
            wrong = {str(detail["loc"][0]) for detail in error.errors() if detail["loc"]}
        kept = {name: value for name, value in values.items() if name not in wrong and random.random() < 0.7}
        try:
            return RunConfig.model_validate(kept | {"target": values["target"]})
        except ValidationError:
            continue


def random_target(random: Random) -> Any:
    """A target of any kind, as a config takes it."""
    match random.randrange(6):
        case 0:
            return random.choice(list(SHAPES))
        case 1:
            return random.choice([*PATTERNS, "digit-sum-9", "numbers:3,7,21"])
        case 2:
            return random.choice(FORMULAS)
        case 3:
            return table(random)
        case _:
            return drawing(random, random.choice((5, 200, 1500)))


def drawing(random: Random, corners: int) -> dict[str, Any]:
    """A drawing of one stroke with as many corners."""
    places = tuple((random.randint(-1000, 1000), random.randint(-1000, 1000)) for _ in range(corners))
    return {"kind": "drawn", "strokes": [{"width": random.randint(4, 400), "corners": places}]}


def table(random: Random) -> TargetSpec:
    """Rows of one's own, at hand by their hash in this process; the logarithm of the second column at times."""
    rows = np.random.default_rng(random.randrange(5)).lognormal(size=(300, 2))
    names = random.choice((("x", "y"), ("Höhe, m", "<b>w</b>")))
    return Target.from_points(rows, name="my data", columns=names, logarithm=random.choice(((), (1,)))).spec


def _value(knob: Knob, random: Random) -> Any:
    match knob.kind:
        case "bool":
            return random.random() < 0.5
        case "widths":
            return tuple(random.randint(1, 1024) for _ in range(random.randrange(7)))
        case "choice" | "target":
            return random.choice(knob.choices)
    assert knob.minimum is not None and knob.maximum is not None
    if knob.kind == "int":
        least, most = int(knob.minimum), int(knob.maximum)
        return random.randint(least, min(most, least + random.choice((10, 10**4, 10**10))))
    return random.choice((knob.minimum, knob.maximum, random.uniform(knob.minimum, knob.maximum)))
