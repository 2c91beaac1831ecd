"""The built-in shapes: a registry of 2-D distributions, each one decorated NumPy sampler.

Every sample is drawn independently, which is why the moons, the circles and the roll are written out here: scikit-learn
spaces its moons and circles evenly, so two samples of theirs lie closer together than two samples of any generator can.
This module knows NumPy alone, so the dashboard's server can list and draw shapes at once.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from pydantic import field_validator

from gandash.core.problems import shortened
from gandash.core.targets.target import Bounds, Canvas, Floats, Points, Target, TargetSpec

Kind = Literal["curve", "closed line", "mixture", "area"]
Sampler = Callable[[int, np.random.Generator], Floats]
Curve = Callable[[ArrayLike], Floats]


class ShapeSpec(TargetSpec):
    """One of the built-in shapes, by its name."""

    kind: Literal["shape"] = "shape"
    name: str

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        return _known(name)

    @classmethod
    def read(cls, text: str) -> ShapeSpec:
        """The shape of this name; raises `ValueError`."""
        return cls(name=_known(text))

    @property
    def text(self) -> str:
        """Its name."""
        return self.name

    def make(self) -> Shape:
        """The shape from the registry."""
        return SHAPES[self.name]


def _known(name: str) -> str:
    if name in SHAPES:
        return name
    close = difflib.get_close_matches(name[:40], SHAPES, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    raise ValueError(f"shape {shortened(name)} is unknown.{hint} Choose one of {', '.join(SHAPES)}")


@dataclass(frozen=True, eq=False)
class Shape(Target):
    """A 2-D distribution in its own units.

    `kind` is "curve" (y = f(x) with x uniform), "closed line", "mixture" (Gaussians of equal weight) or "area" (any
    other density). `bounds` are the fixed axes on screen, ((x_min, x_max), (y_min, y_max)). A curve has `curve`, its f,
    vectorised in float64, and `x_range`, where x lies; a mixture has `modes`, its centres of shape ``(k, 2)``, and
    `mode_std`, the standard deviation of each along every axis. `own` is the spec of a shape that is not built in.

    >>> SHAPES["ring8"].sample(3, np.random.default_rng(0)).shape
    (3, 2)
    """

    name: str
    title: str
    kind: Kind
    formula: str
    bounds: Bounds
    sampler: Sampler
    curve: Curve | None = None
    x_range: tuple[float, float] | None = None
    modes: Floats | None = None
    mode_std: float | None = None
    own: TargetSpec | None = None

    dim = 2
    columns = ("x", "y")

    @property
    def spec(self) -> TargetSpec:  # type: ignore[override]
        """The spec that makes or names this shape."""
        return self.own or ShapeSpec(name=self.name)

    @property
    def canvas(self) -> Canvas:  # type: ignore[override]
        """The shape's own axes."""
        return Canvas(self.bounds, equal=self.kind != "curve")

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Points ``(n, 2)`` from the sampler."""
        return self.sampler(n, rng)


class CurveShape(Shape):
    """A curve: its points can be held against the function itself."""

    metrics = ("headline", "mse", "x_coverage", "nn_accuracy", "sliced_wasserstein", "sw_ratio", "coverage")
    tiles = ("headline", "mse", "x_coverage")
    textbook_metric = "batch_mse"

    def own_metrics(self, points: Points) -> dict[str, float]:
        from gandash.core.metrics import curve_error, x_coverage

        assert self.curve is not None and self.x_range is not None
        return {"mse": curve_error(points, self.curve), "x_coverage": x_coverage(points, self.x_range)}

    def worst_metrics(self) -> dict[str, float]:
        return {"mse": math.inf, "x_coverage": 0.0}

    def batch_metrics(self, points: Points) -> dict[str, float]:
        from gandash.core.metrics import curve_error

        assert self.curve is not None
        return {"batch_mse": curve_error(points, self.curve)}


class _MixtureShape(Shape):
    """A mixture: its modes can be counted."""

    metrics = (
        *("headline", "modes", "high_quality", "reverse_kl", "mode_spread"),
        *("nn_accuracy", "sliced_wasserstein", "sw_ratio", "coverage"),
    )
    tiles = ("headline", "modes", "high_quality")

    @property
    def ideals(self) -> Mapping[str, float]:  # type: ignore[override]
        """A perfect generator covers every mode."""
        return {"modes": float(self._modes()[0].shape[0])}

    def own_metrics(self, points: Points) -> dict[str, float]:
        from gandash.core.metrics import mode_statistics

        found = mode_statistics(points, *self._modes())
        return {
            "modes": float(found.covered),
            "high_quality": found.high_quality,
            "reverse_kl": found.reverse_kl,
            "mode_spread": found.spread,
        }

    def worst_metrics(self) -> dict[str, float]:
        worst_kl = math.log(len(self._modes()[0]))
        return {"modes": 0.0, "high_quality": 0.0, "reverse_kl": worst_kl, "mode_spread": 0.0}

    def _modes(self) -> tuple[Floats, float]:
        assert self.modes is not None and self.mode_std is not None
        return self.modes, self.mode_std


_registry: dict[str, Shape] = {}
SHAPES: Mapping[str, Shape] = MappingProxyType(_registry)
"""Every built-in shape by its name."""


def shape(name: str, title: str, kind: Kind, formula: str, bounds: Bounds) -> Callable[[Sampler], Sampler]:
    """Register a sampler ``(n, rng) -> (n, 2)`` as a shape."""

    def register(sampler: Sampler) -> Sampler:
        _registry[name] = Shape(name, title, kind, formula, bounds, sampler)
        return sampler

    return register


def curve(
    name: str, title: str, formula: str, x_range: tuple[float, float], bounds: Bounds
) -> Callable[[Callable[[Floats], Floats]], Curve]:
    """Register a function of x as the shape y = f(x) with x uniform on `x_range`."""

    def register(function: Callable[[Floats], Floats]) -> Curve:
        def f(x: ArrayLike) -> Floats:
            with np.errstate(over="ignore"):  # a generator may put x anywhere; an infinite y says it well
                return function(np.asarray(x, dtype=np.float64))

        def sample(n: int, rng: np.random.Generator) -> Floats:
            x = rng.uniform(*x_range, n)
            return np.column_stack((x, f(x)))

        _registry[name] = CurveShape(name, title, "curve", formula, bounds, sample, curve=f, x_range=x_range)
        return f

    return register


def mixture(
    name: str, title: str, formula: str, std: float, bounds: Bounds
) -> Callable[[Callable[[], Floats]], Callable[[], Floats]]:
    """Register the centres ``(k, 2)`` of Gaussians of equal weight and of standard deviation `std` along every axis."""

    def register(centres: Callable[[], Floats]) -> Callable[[], Floats]:
        modes = centres()
        modes.setflags(write=False)

        def sample(n: int, rng: np.random.Generator) -> Floats:
            points: Floats = modes[rng.integers(len(modes), size=n)] + std * rng.standard_normal((n, 2))
            return points

        _registry[name] = _MixtureShape(name, title, "mixture", formula, bounds, sample, modes=modes, mode_std=std)
        return centres

    return register


@curve("exponential", "Exponential growth", "y = 1.08^x, x in [0, 50]", (0.0, 50.0), ((0.0, 50.0), (0.0, 50.0)))
def _exponential(x: Floats) -> Floats:
    growth: Floats = 1.08**x
    return growth


@curve("inverted-u", "Inverted U", "y = 10 - x², x in [-5, 5]", (-5.0, 5.0), ((-6.0, 6.0), (-18.0, 13.0)))
def _inverted_u(x: Floats) -> Floats:
    return 10.0 - x**2


@curve("line", "Line", "y = x, x in [-1, 1]", (-1.0, 1.0), ((-1.25, 1.25), (-1.25, 1.25)))
def _line(x: Floats) -> Floats:
    return x.copy()


@curve("sine", "Sine wave", "y = sin x, x in [-π, π]", (-np.pi, np.pi), ((-4.0, 4.0), (-1.5, 1.5)))
def _sine(x: Floats) -> Floats:
    return np.sin(x)


@curve("parabola", "Parabola", "y = x², x in [-1, 1]", (-1.0, 1.0), ((-1.25, 1.25), (-0.25, 1.25)))
def _parabola(x: Floats) -> Floats:
    return x**2


SQUARE: Bounds = ((-1.5, 1.5), (-1.5, 1.5))


def _on_circle(angle: Floats) -> Floats:
    return np.column_stack((np.cos(angle), np.sin(angle)))


def _along(corners: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Points uniform by arc length on the polyline through `corners`, of shape ``(k, 2)``."""
    length = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))))
    at = rng.uniform(0, length[-1], n)
    return np.column_stack([np.interp(at, length, axis) for axis in corners.T])


@shape("circle", "Circle", "closed line", "x² + y² = 1", SQUARE)
def _circle(n: int, rng: np.random.Generator) -> Floats:
    return _on_circle(rng.uniform(0, 2 * np.pi, n))


@shape("two-circles", "Two circles", "closed line", "circles of radius 1 and 0.5, noise 0.03", SQUARE)
def _two_circles(n: int, rng: np.random.Generator) -> Floats:
    radius = rng.choice((1.0, 0.5), (n, 1))
    return radius * _on_circle(rng.uniform(0, 2 * np.pi, n)) + 0.03 * rng.standard_normal((n, 2))


@shape("two-moons", "Two moons", "area", "two half circles of radius 1, noise 0.05", ((-1.5, 2.5), (-1.0, 1.5)))
def _two_moons(n: int, rng: np.random.Generator) -> Floats:
    moon = _on_circle(rng.uniform(0, np.pi, n))
    lower = rng.integers(2, size=(n, 1)).astype(bool)
    return np.where(lower, (1.0, 0.5) - moon, moon) + 0.05 * rng.standard_normal((n, 2))


@shape("spiral", "Spiral", "area", "two arms of one and a half turns, noise 0.02", SQUARE)
def _spiral(n: int, rng: np.random.Generator) -> Floats:
    radius = np.sqrt(rng.uniform(0, 1, n))  # the root spreads the points evenly along the arm
    arm = rng.choice((-1.0, 1.0), (n, 1))
    return arm * radius[:, None] * _on_circle(3 * np.pi * radius) + 0.02 * rng.standard_normal((n, 2))


@shape("swiss-roll", "Swiss roll", "area", "(t cos t, t sin t), t in [1.5π, 4.5π], noise 0.3", ((-15, 20), (-15, 20)))
def _swiss_roll(n: int, rng: np.random.Generator) -> Floats:
    t = rng.uniform(1.5 * np.pi, 4.5 * np.pi, n)
    return t[:, None] * _on_circle(t) + 0.3 * rng.standard_normal((n, 2))


HEART = "x = 16 sin³t, y = 13 cos t - 5 cos 2t - 2 cos 3t - cos 4t"


@shape("heart", "Heart", "closed line", HEART, ((-20.0, 20.0), (-20.0, 15.0)))
def _heart(n: int, rng: np.random.Generator) -> Floats:
    t = np.linspace(0, 2 * np.pi, 1001)
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return _along(np.column_stack((16 * np.sin(t) ** 3, y)), n, rng)


@shape("star", "Star", "closed line", "five points, radii 1 and 0.382", SQUARE)
def _star(n: int, rng: np.random.Generator) -> Floats:
    corner = np.arange(11)
    radius = np.where(corner % 2, 0.382, 1.0)[:, None]
    return _along(radius * _on_circle(np.pi / 2 + corner * np.pi / 5), n, rng)


@shape("checkerboard", "Checkerboard", "area", "8 squares of a board of 4 by 4", ((-2.5, 2.5), (-2.5, 2.5)))
def _checkerboard(n: int, rng: np.random.Generator) -> Floats:
    column = rng.integers(4, size=n)
    row = 2 * rng.integers(2, size=n) + column % 2
    return np.column_stack((column, row)) - 2 + rng.uniform(0, 1, (n, 2))


@mixture("ring8", "8 Gaussians", "8 modes on a circle of radius 1, std 0.01", 0.01, SQUARE)
def _ring8() -> Floats:
    """The ring of PacGAN (Lin et al. 2018, section 4.1)."""
    return _on_circle(np.arange(8) * np.pi / 4)


@mixture("grid25", "25 Gaussians", "25 modes at {-4, -2, 0, 2, 4}², std 0.05", 0.05, ((-5.0, 5.0), (-5.0, 5.0)))
def _grid25() -> Floats:
    """The grid of PacGAN (Lin et al. 2018, section 4.1)."""
    return np.array([(x, y) for x in range(-4, 5, 2) for y in range(-4, 5, 2)], dtype=np.float64)


@shape("pinwheel", "Pinwheel", "area", "five bent arms", ((-4.0, 4.0), (-4.0, 4.0)))
def _pinwheel(n: int, rng: np.random.Generator) -> Floats:
    """Johnson et al. 2016 (structured VAE, figure 1), with the numbers that the papers on flows use."""
    along = 1 + 0.3 * rng.standard_normal(n)
    across = 0.1 * rng.standard_normal(n)
    angle = 2 * np.pi / 5 * rng.integers(5, size=n) + 0.25 * np.exp(along)
    cos, sin = np.cos(angle), np.sin(angle)
    return 2 * np.column_stack((along * cos + across * sin, across * cos - along * sin))
