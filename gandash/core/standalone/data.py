"""How a script draws its real points: each built-in shape and pattern once more, as one would write it down by itself.

The functions draw what `gandash.core.targets` draws, to the bit; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from types import MappingProxyType

from gandash.core.standalone.own import drawing_function, formula_function
from gandash.core.standalone.tabled import read_function
from gandash.core.targets import Target
from gandash.core.targets.drawn import DrawnSpec
from gandash.core.targets.formula import FormulaSpec
from gandash.core.targets.table import TableSpec

CURVES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "exponential": ("1.08**x", "0.0, 50.0"),
        "inverted-u": ("10.0 - x**2", "-5.0, 5.0"),
        "line": ("x", "-1.0, 1.0"),
        "sine": ("np.sin(x)", "-np.pi, np.pi"),
        "parabola": ("x**2", "-1.0, 1.0"),
    }
)
"""y as a function of x, and between which x."""

_ON_CIRCLE = """\
def on_circle(angle):
    return np.column_stack((np.cos(angle), np.sin(angle)))


"""
_ALONG = """\
def along(corners, n, rng):
    # evenly by arc length on the line through the corners
    length = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))))
    at = rng.uniform(0, length[-1], n)
    return np.column_stack([np.interp(at, length, axis) for axis in corners.T])


"""
_ROUND: Mapping[str, str] = {
    "circle": "    points = on_circle(rng.uniform(0, 2 * np.pi, n))\n",
    "two-circles": """\
    radius = rng.choice((1.0, 0.5), (n, 1))
    points = radius * on_circle(rng.uniform(0, 2 * np.pi, n))
    points = points + 0.03 * rng.standard_normal((n, 2))
""",
    "two-moons": """\
    moon = on_circle(rng.uniform(0, np.pi, n))
    lower = rng.integers(2, size=(n, 1)).astype(bool)
    points = np.where(lower, (1.0, 0.5) - moon, moon) + 0.05 * rng.standard_normal((n, 2))
""",
    "spiral": """\
    radius = np.sqrt(rng.uniform(0, 1, n))  # the root spreads the points evenly along the arm
    arm = rng.choice((-1.0, 1.0), (n, 1))
    points = arm * radius[:, None] * on_circle(3 * np.pi * radius)
    points = points + 0.02 * rng.standard_normal((n, 2))
""",
    "swiss-roll": """\
    t = rng.uniform(1.5 * np.pi, 4.5 * np.pi, n)
    points = t[:, None] * on_circle(t) + 0.3 * rng.standard_normal((n, 2))
""",
    "ring8": """\
    modes = on_circle(np.arange(8) * np.pi / 4)
    points = modes[rng.integers(8, size=n)] + 0.01 * rng.standard_normal((n, 2))
""",
}
_OTHERS: Mapping[str, str] = {
    "heart": """\
    t = np.linspace(0, 2 * np.pi, 1001)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    points = along(np.column_stack((16 * np.sin(t) ** 3, y)), n, rng)
""",
    "star": """\
    corner = np.arange(11)
    radius = np.where(corner % 2, 0.382, 1.0)
    angle = np.pi / 2 + corner * np.pi / 5
    corners = radius[:, None] * np.column_stack((np.cos(angle), np.sin(angle)))
    points = along(corners, n, rng)
""",
    "checkerboard": """\
    column = rng.integers(4, size=n)
    row = 2 * rng.integers(2, size=n) + column % 2
    points = np.column_stack((column, row)) - 2 + rng.uniform(0, 1, (n, 2))
""",
    "grid25": """\
    modes = np.array([(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)])
    points = modes[rng.integers(25, size=n)] + 0.05 * rng.standard_normal((n, 2))
""",
    "pinwheel": """\
    out = 1 + 0.3 * rng.standard_normal(n)
    across = 0.1 * rng.standard_normal(n)
    angle = 2 * np.pi / 5 * rng.integers(5, size=n) + 0.25 * np.exp(out)
    cos, sin = np.cos(angle), np.sin(angle)
    points = 2 * np.column_stack((out * cos + across * sin, across * cos - out * sin))
""",
}
_ONEHOT = """\
DEPTH = 100  # numbers from 0 to 99


def onehot_encoder(position, depth):
    vectors = np.zeros((len(position), depth), dtype=np.float32)
    vectors[np.arange(len(position)), position] = 1
    return vectors


def int_to_onehot(number):
    return onehot_encoder(number, DEPTH)


def onehot_to_int(vector):
    return vector.argmax(1)  # of a generator's vectors too, which are not one-hot


def draw(n, rng):
    return int_to_onehot(NUMBERS[rng.integers(len(NUMBERS), size=n)])
"""
_HEAD = "def draw(n, rng):\n"
_TAIL = "    return points.astype(np.float32)\n"

WRITTEN = frozenset({*CURVES, *_ROUND, *_OTHERS})
"""The shapes that there is a text for."""


def draw_function(target: Target) -> str:
    """The source of ``draw(n, rng)``, which gives float32 points ``(n, dim)``, and of what it calls."""
    if target.numbers:
        listed = fill(", ".join(map(str, target.numbers)), 84, initial_indent="    ", subsequent_indent="    ")
        return f"NUMBERS = np.array([\n{listed},\n])\n{_ONEHOT}"
    if isinstance(target.spec, FormulaSpec):
        return formula_function(target.spec)
    if isinstance(target.spec, DrawnSpec):
        return drawing_function(target.spec)
    if isinstance(target.spec, TableSpec):
        return read_function(target.spec)
    return _draw_shape(target.name)


def _draw_shape(shape: str) -> str:
    if shape in CURVES:
        y, between = CURVES[shape]
        body = f"    x = rng.uniform({between}, n)\n"
        curve = f"def curve(x):\n    return {y}\n\n\n"
        return f"{curve}{_HEAD}{body}    points = np.column_stack((x, curve(x)))\n{_TAIL}"
    if shape in _ROUND:
        return f"{_ON_CIRCLE}{_HEAD}{_ROUND[shape]}{_TAIL}"
    along = _ALONG if "along(" in _OTHERS[shape] else ""
    return f"{along}{_HEAD}{_OTHERS[shape]}{_TAIL}"
