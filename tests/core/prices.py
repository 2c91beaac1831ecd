"""A target whose GAN does not learn its own units: areas, and prices that span orders of magnitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from gandash.core.targets import Canvas, Target, TargetSpec
from gandash.core.targets.target import Floats, OutputMap


class PricesSpec(TargetSpec):
    """Areas and prices."""

    kind: Literal["prices"] = "prices"

    def make(self) -> Prices:
        """Areas and prices."""
        return Prices(self)


@dataclass(frozen=True, eq=False)
class Prices(Target):
    """An area from N(80, 20), and a price of about e to the area over 20."""

    spec: PricesSpec

    name = "prices"
    dim = 2
    title = "Prices"
    formula = "price = exp(area / 20 + noise)"
    columns = ("area", "price")
    canvas = Canvas(((0, 160), (0, 1000)), axes=("area", "price"), equal=False)
    output = OutputMap(scale=(20.0, 1.5), shift=(80.0, 4.0), exponential=(1,))

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """``(n, 2)``"""
        area = rng.normal(80, 20, n)
        return np.column_stack((area, np.exp(area / 20 + rng.normal(0, 0.2, n))))
