"""A target in three dimensions, in this one file: what it takes to add one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gandash.core.targets import Canvas, Target, TargetSpec
from gandash.core.targets.target import Floats, Points


class HelixSpec(TargetSpec):
    """A helix of so many turns."""

    kind: Literal["helix"] = "helix"
    turns: int = 2

    def make(self) -> Helix:
        """The helix."""
        return Helix(self)


class SideView(Canvas):
    """A helix from the side: height over breadth."""

    def project(self, points: Points) -> Points:
        """``(n, 3)`` to ``(n, 2)``: x and z."""
        return points[:, [0, 2]]


@dataclass(frozen=True, eq=False)
class Helix(Target):
    """Points (cos t, sin t, t / 2π), t uniform over the turns."""

    spec: HelixSpec

    dim = 3
    title = "Helix"
    formula = "(cos t, sin t, t / 2π)"
    columns = ("x", "y", "z")

    @property
    def name(self) -> str:  # type: ignore[override]
        """Safe in file names."""
        return f"helix-{self.spec.turns}"

    @property
    def canvas(self) -> Canvas:  # type: ignore[override]
        """All turns from the side."""
        return SideView(((-1.5, 1.5), (-0.5, self.spec.turns + 0.5)), axes=("x", "z"), equal=False)

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """Points ``(n, 3)``."""
        t = rng.uniform(0, 2 * math.pi * self.spec.turns, n)
        return np.column_stack((np.cos(t), np.sin(t), t / (2 * math.pi)))
