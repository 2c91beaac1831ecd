"""Targets that a user types: y = f(x) on a range, or x(t) and y(t), with noise.

As text ``y = sin(x); x = -3..3; noise = 0.05`` or ``x = cos(t); y = sin(2t); t = 0..6.3``; the grammar of the formulas
is that of `gandash.core.expression`. This module knows NumPy alone.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import Field, field_validator, model_validator

from gandash.core.expression import LONGEST, Expression, FormulaError
from gandash.core.problems import shortened
from gandash.core.targets.shapes import CurveShape, Shape
from gandash.core.targets.target import Floats, TargetSpec

LARGEST = 1e6
"""The range's ends, the noise and the formula's values are no larger than this."""
SMALLEST_RANGE = 1e-6
"""The length of a range at least, as a share of its larger end."""
LONGEST_TEXT = 600
GRID = 4001
"""How many places of the range a formula is tried at before it is accepted."""
MARGIN = 0.1
"""Of the extent, which the picture shows around it."""
TITLE_LETTERS = 32

FORMS = '"y = sin(x); x = -3..3; noise = 0.05", or "x = cos(t); y = sin(2t); t = 0..6.3"'
"""What a formula's text may be."""

_WHITE = re.compile(r"[\t-\r]")
_BEGINS = re.compile(r"\s*[xy]\s*=")
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*", re.ASCII)
_NOISE = re.compile(rf"\s*({_NUMBER})\s*", re.ASCII)


class FormulaSpec(TargetSpec):
    """y = f(x), or with `x` given the line (x(t), y(t)); `start` and `end` are the range of x or else of t.

    `noise` is the standard deviation, in axis units, of what is added to y, or to both coordinates of a line.
    """

    kind: Literal["formula"] = "formula"
    y: str
    x: str | None = None
    start: float = Field(ge=-LARGEST, le=LARGEST)
    end: float = Field(ge=-LARGEST, le=LARGEST)
    noise: float = Field(default=0.0, ge=0.0, le=LARGEST)

    @field_validator("y", "x")
    @classmethod
    def _check_length(cls, text: str | None) -> str | None:
        if text is not None and len(text) > LONGEST:
            raise FormulaError(f"a formula has {len(text):,} characters; at most {LONGEST} are allowed", LONGEST)
        return None if text is None else _WHITE.sub(" ", text).strip()

    @model_validator(mode="after")
    def _check_values(self) -> Self:
        if not self.end - self.start >= SMALLEST_RANGE * max(abs(self.start), abs(self.end)) or self.start == self.end:
            raise ValueError(f"the range goes from {self.start:g} to {self.end:g}; it must begin below its end")
        grid = np.linspace(self.start, self.end, GRID)
        extents = [np.ptp(_checked(axis, expression, grid)) for axis, expression in self.expressions.items()]
        if self.x is not None and not self.noise and max(extents) == 0:
            raise ValueError("x(t) and y(t) stand still: all points would be one")
        return self

    @property
    def variable(self) -> str:
        """The variable of the formulas."""
        return "x" if self.x is None else "t"

    @property
    def expressions(self) -> Mapping[str, Expression]:
        """The formulas by the axis that they give."""
        typed = {"y": self.y} if self.x is None else {"x": self.x, "y": self.y}
        return {axis: _read(axis, text, self.variable) for axis, text in typed.items()}

    @property
    def text(self) -> str:
        """What `read` reads."""
        formulas = f"y = {self.y}" if self.x is None else f"x = {self.x}; y = {self.y}"
        noise = f"; noise = {self.noise!r}" if self.noise else ""
        return f"{formulas}; {self.variable} = {self.start!r}..{self.end!r}{noise}"

    @classmethod
    def knows(cls, text: str) -> bool:
        """Whether a text means a formula, perhaps a wrong one."""
        return _BEGINS.match(text[:20]) is not None

    @classmethod
    def read(cls, text: str) -> FormulaSpec:
        """The formula of this text; raises `ValueError` in words."""
        if len(text) > LONGEST_TEXT:
            raise ValueError(f"a formula of {len(text):,} letters was given; it has at most {LONGEST_TEXT}")
        given: dict[str, str] = {}
        span: re.Match[str] | None = None
        for part in filter(str.strip, text.split(";")):
            name, equals, value = (piece.strip() for piece in part.partition("="))
            if match := _RANGE.fullmatch(value):
                name, span = "range", match
            if not equals or name not in ("x", "y", "noise", "range") or name in given:
                raise ValueError(f"{shortened(part.strip())} was given; a formula is written as {FORMS}")
            given[name] = value
        noise = _NOISE.fullmatch(given.get("noise", "0"))
        if "y" not in given or span is None or noise is None:
            raise ValueError(f"{shortened(text)} was given; a formula is written as {FORMS}")
        return cls(y=given["y"], x=given.get("x"), start=float(span[1]), end=float(span[2]), noise=float(noise[1]))

    def make(self) -> Shape:
        """The target."""
        return make(self)


def _read(axis: str, text: str, variable: str) -> Expression:
    try:
        return Expression.read(text, variable)
    except FormulaError as error:
        where = "" if error.position is None else f" (at character {error.position + 1})"
        raise FormulaError(f"{axis}: {error}{where}", error.position) from None


def _checked(axis: str, expression: Expression, grid: Floats) -> Floats:
    """The values on the grid; `ValueError` with the first place where there is none."""
    values = expression(grid)
    bad = ~(np.abs(values) <= LARGEST)
    if bad.any():
        at, value = float(grid[bad.argmax()]), float(values[bad.argmax()])
        told = (
            "no number"
            if math.isnan(value)
            else "infinite"
            if math.isinf(value)
            else f"{value:g}, more than {LARGEST:g}"
        )
        raise ValueError(
            f"{axis} is {told} at {expression.variable} = {at:.6g}: choose another range for {expression.variable}, or "
            "another formula"
        )
    return values


class FormulaCurve(CurveShape):
    """The curve y = f(x), x uniform on the range."""

    @property
    def ideals(self) -> Mapping[str, float]:  # type: ignore[override]
        """Even real points are off the curve by the noise."""
        assert isinstance(self.own, FormulaSpec)
        return MappingProxyType({"mse": self.own.noise**2})


def make(spec: FormulaSpec) -> Shape:
    """The target of a spec: a curve, whose error can be measured, or a line, drawn evenly by its length."""
    expressions, noise = spec.expressions, spec.noise
    span = f"{spec.variable} in [{spec.start:g}, {spec.end:g}]" + (f", noise {noise:g}" if noise else "")
    name = f"formula-{hashlib.blake2b(spec.text.encode(), digest_size=4).hexdigest()}"
    grid = np.linspace(spec.start, spec.end, GRID)
    values = {axis: expression(grid) for axis, expression in expressions.items()}
    if spec.x is not None:
        title = _shorter(f"({spec.x}, {spec.y})")
        at = _by_length(values["x"], values["y"], grid)

        def draw_line(n: int, rng: np.random.Generator) -> Floats:
            t = at(rng.uniform(0, 1, n))
            points = np.column_stack((expressions["x"](t), expressions["y"](t)))
            return _finite(points, values) + noise * rng.standard_normal((n, 2))

        bounds = (_around(values["x"], noise), _around(values["y"], noise))
        return Shape(name, title, "closed line", f"x = {spec.x}, y = {spec.y}, {span}", bounds, draw_line, own=spec)
    f = expressions["y"]

    def curve(x: ArrayLike) -> Floats:
        return f(x)

    def draw_curve(n: int, rng: np.random.Generator) -> Floats:
        x = rng.uniform(spec.start, spec.end, n)
        return _finite(np.column_stack((x, f(x))), values) + np.column_stack(
            (np.zeros(n), noise * rng.standard_normal(n) if noise else np.zeros(n))
        )

    margin = MARGIN * (spec.end - spec.start)
    bounds = ((spec.start - margin, spec.end + margin), _around(values["y"], noise))
    return FormulaCurve(
        name,
        _shorter(f"y = {spec.y}"),
        "curve",
        f"y = {spec.y}, {span}",
        bounds,
        draw_curve,
        curve=curve,
        x_range=(spec.start, spec.end),
        own=spec,
    )


def _shorter(text: str) -> str:
    return text if len(text) <= TITLE_LETTERS else text[: TITLE_LETTERS - 1] + "…"


def _around(values: Floats, noise: float) -> tuple[float, float]:
    """The range of an axis that shows these values and the noise on them, and is not empty."""
    low, high = float(values.min()) - 3 * noise, float(values.max()) + 3 * noise
    margin = MARGIN * (high - low) or max(abs(high), 1.0)
    return low - margin, high + margin


def _finite(points: Floats, values: Mapping[str, Floats]) -> Floats:
    """The points; a formula may have a pole between two places of the grid, whose points come to lie near the rest."""
    for column, axis in enumerate(("x", "y")):
        if axis in values:
            low, high = values[axis].min(), values[axis].max()
            room = max(high - low, 1e-9)
            np.nan_to_num(points[:, column], copy=False, nan=low)
            np.clip(points[:, column], low - room, high + room, out=points[:, column])
    return points


def _by_length(x: Floats, y: Floats, grid: Floats) -> Callable[[Floats], Floats]:
    """From shares of the line's length, 0 to 1, to t."""
    length = np.concatenate(([0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))))
    share = length / length[-1] if length[-1] else np.linspace(0, 1, len(grid))
    return lambda at: np.interp(at, share, grid)
