"""Targets that a user draws: strokes of a brush on a square canvas.

Strokes are kept as they were drawn, in thousandths of the canvas's half side, which is small enough for a link. Points
lie evenly by length along all strokes, and evenly over the brush's disc around them. This module knows NumPy alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, ConfigDict, FailFast, Field, model_validator
from pydantic.dataclasses import dataclass as checked

from gandash.core.targets.shapes import Shape
from gandash.core.targets.target import MOST_FIELDS, Bounds, Floats, TargetSpec, at_most

UNIT = 1000
"""What the half side of the canvas is counted as: the canvas goes from -1 to 1 along both axes."""
MOST_STROKES, MOST_CORNERS = 200, 4000
NARROWEST, WIDEST = 4, 400
SHORTEST = 100
"""Length of all strokes together at least: one dot is no target."""
CANVAS: Bounds = ((-1.1, 1.1), (-1.1, 1.1))

Coordinate = Annotated[int, Field(ge=-UNIT, le=UNIT)]


@checked(frozen=True, config=ConfigDict(extra="forbid"))
class Stroke:
    """The line through `corners`, pairs (x, y), drawn with a round brush of diameter `width`."""

    width: Annotated[int, Field(ge=NARROWEST, le=WIDEST)]
    corners: Annotated[tuple[tuple[Coordinate, Coordinate], ...], FailFast(), Field(min_length=1)]


def _few_corners(strokes: Any) -> Any:
    """Refuses a drawing of too many corners before any of them is looked at."""
    given = strokes if isinstance(strokes, list | tuple) else ()
    lines = [each.get("corners") if isinstance(each, Mapping) else getattr(each, "corners", ()) for each in given]
    corners = sum(len(line) for line in lines if isinstance(line, Sequence))
    if corners > MOST_CORNERS:
        raise ValueError(f"the drawing has {corners:,} corners; at most {MOST_CORNERS:,} are kept: draw less")
    return strokes


class DrawnSpec(TargetSpec):
    """What was drawn, all in thousandths of the canvas's half side."""

    kind: Literal["drawn"] = "drawn"
    strokes: Annotated[
        tuple[Annotated[Stroke, at_most(MOST_FIELDS, "fields of a stroke")], ...],
        FailFast(),
        BeforeValidator(_few_corners),
        at_most(MOST_STROKES, "strokes"),
    ]

    @model_validator(mode="after")
    def _check_strokes(self) -> Self:
        if not self.strokes:
            raise ValueError("nothing is drawn yet: draw a line on the canvas")
        ends = np.concatenate([np.array(stroke.corners) for stroke in self.strokes])
        if self.length < SHORTEST and np.ptp(ends, axis=0).max() < SHORTEST:
            raise ValueError("the drawing is one dot; a GAN has nothing to learn there: draw a line")
        return self

    @property
    def length(self) -> float:
        """Of all strokes."""
        return float(sum(_lengths(stroke).sum() for stroke in self.strokes))

    def make(self) -> Shape:
        """The target."""
        starts, steps, lengths, radii = segments(self.strokes)
        ends = np.cumsum(lengths)

        def draw(n: int, rng: np.random.Generator) -> Floats:
            at = rng.uniform(0, ends[-1], n)
            segment = np.minimum(np.searchsorted(ends, at, side="right"), len(ends) - 1)
            share = 1 - (ends[segment] - at) / lengths[segment]
            angle, reach = rng.uniform(0, 2 * np.pi, n), np.sqrt(rng.uniform(0, 1, n)) * radii[segment]
            around = reach[:, None] * np.column_stack((np.cos(angle), np.sin(angle)))
            points: Floats = (starts[segment] + share[:, None] * steps[segment] + around) / UNIT
            return points

        name = f"drawing-{hashlib.blake2b(self.model_dump_json().encode(), digest_size=4).hexdigest()}"
        count = len(self.strokes)
        formula = f"{count:,} stroke{'s' if count > 1 else ''} of a brush"
        return Shape(name, "A drawing", "area", formula, CANVAS, draw, own=self)


def _lengths(stroke: Stroke) -> Floats:
    lengths: Floats = np.hypot(*np.diff(np.array(stroke.corners, np.float64), axis=0).T)
    return lengths


def segments(strokes: tuple[Stroke, ...]) -> tuple[Floats, Floats, Floats, Floats]:
    """Starts ``(k, 2)``, steps ``(k, 2)``, lengths and radii ``(k,)`` of all lines; a dot counts as its diameter."""
    starts, steps, lengths, radii = [], [], [], []
    for stroke in strokes:
        corners = np.array(stroke.corners, np.float64)
        moves, far = np.diff(corners, axis=0), _lengths(stroke)
        if not far.any():
            corners, moves, far = corners[:1], np.zeros((1, 2)), np.array([float(stroke.width)])
        else:
            corners, moves, far = corners[:-1][far > 0], moves[far > 0], far[far > 0]
        starts.append(corners)
        steps.append(moves)
        lengths.append(far)
        radii.append(np.full(len(far), stroke.width / 2))
    return np.concatenate(starts), np.concatenate(steps), np.concatenate(lengths), np.concatenate(radii)
