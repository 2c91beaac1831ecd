"""How a script draws the points of a target of one's own: a formula, or the strokes of a drawing.

The functions draw what the target draws, to the bit; a test holds them together. A formula's source is written from its
checked tree, never from the text that was typed.
"""

from __future__ import annotations

from textwrap import fill

from gandash.core.expression import Expression
from gandash.core.targets.drawn import UNIT, DrawnSpec, segments
from gandash.core.targets.formula import GRID, FormulaSpec

_WIDTH = 96

_NEAR = """\
def near(values, known):
    # where the formula has a pole, a point comes to lie near the others
    low, high = known.min(), known.max()
    room = max(high - low, 1e-9)
    return np.clip(np.nan_to_num(values, nan=low), low - room, high + room)


"""
_CURVE = """\
def draw(n, rng):
    x = rng.uniform({start!r}, {end!r}, n)
    y = near(curve(x), curve(np.linspace({start!r}, {end!r}, {grid})))
{noise}    return np.column_stack((x, y)).astype(np.float32)
"""
_LINE = """\
def draw(n, rng):
    # evenly by arc length
    t = np.linspace({start!r}, {end!r}, {grid})
    corners = np.column_stack((x_of(t), y_of(t)))
    length = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))))
    t = np.interp(rng.uniform(0, 1, n), {share}, t)
    points = np.column_stack((near(x_of(t), corners[:, 0]), near(y_of(t), corners[:, 1])))
    points = points + {noise!r} * rng.standard_normal((n, 2))
    return points.astype(np.float32)
"""
_DRAWING = """\
# the lines that were drawn: x and y where one begins, its steps in x and y, and the brush's radius,
# all in thousandths
LINES = np.array(
    [
{lines}
    ]
)


def draw(n, rng):
    # evenly by length along the lines, a dot counting as its diameter, and evenly over the brush
    start, step, radius = LINES[:, :2], LINES[:, 2:4], LINES[:, 4]
    length = np.hypot(*step.T)
    length = np.where(length > 0, length, 2 * radius)
    ends = np.cumsum(length)
    at = rng.uniform(0, ends[-1], n)
    line = np.minimum(np.searchsorted(ends, at, side="right"), len(ends) - 1)
    share = 1 - (ends[line] - at) / length[line]
    angle, reach = rng.uniform(0, 2 * np.pi, n), np.sqrt(rng.uniform(0, 1, n)) * radius[line]
    around = reach[:, None] * np.column_stack((np.cos(angle), np.sin(angle)))
    points = (start[line] + share[:, None] * step[line] + around) / {unit}
    return points.astype(np.float32)
"""


def formula_function(spec: FormulaSpec) -> str:
    """The source of ``draw(n, rng)`` for a formula, and of what it calls."""
    expressions = spec.expressions
    given = {"start": spec.start, "end": spec.end, "grid": GRID}
    if spec.x is None:
        noise = f"    y = y + {spec.noise!r} * rng.standard_normal(n)\n" if spec.noise else ""
        return _function("curve", expressions["y"]) + _NEAR + _CURVE.format(**given, noise=noise)
    still = all(each.constant for each in expressions.values())
    share = f"np.linspace(0, 1, {GRID})" if still else "length / length[-1]"
    functions = _function("x_of", expressions["x"]) + _function("y_of", expressions["y"])
    return functions + _NEAR + _LINE.format(**given, share=share, noise=spec.noise)


def _function(name: str, expression: Expression) -> str:
    variable, source = expression.variable, expression.source
    if expression.constant:
        source = f"np.full_like({variable}, {source})"
    if len(source) > _WIDTH - 11:
        lines = fill(source, _WIDTH - 8, break_long_words=False, break_on_hyphens=False)
        body = "(\n" + "".join(f"        {line}\n" for line in lines.splitlines()) + "    )"
    else:
        body = source
    return f"def {name}({variable}):\n    return {body}\n\n\n"


def drawing_function(spec: DrawnSpec) -> str:
    """The source of ``draw(n, rng)`` for a drawing."""
    starts, steps, _, radii = segments(spec.strokes)
    rows = [
        f"({x:g}, {y:g}, {step_x:g}, {step_y:g}, {radius:g}),"
        for (x, y), (step_x, step_y), radius in zip(starts, steps, radii, strict=True)
    ]
    return _DRAWING.format(lines="\n".join(f"        {row}" for row in rows), unit=f"{UNIT}.0")
