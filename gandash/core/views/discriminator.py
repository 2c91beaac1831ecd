"""The discriminator's answer over the picture: where it takes points for real ones, and where it can only guess."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from gandash.core.objectives import OBJECTIVES
from gandash.core.views.view import Arrays, View, grid

if TYPE_CHECKING:
    from gandash.core.trainer import Trainer

CELLS = 64
AT_ONCE = 1024
"""Cells that are judged together: what lies between the layers then stays near the processor, in half the time."""
COMPARED = 512
"""Real and generated points between whose scores lies the middle, where an objective has no value for a guess."""
WITHIN = 98
"""Percent of the surface whose scores are within the scale."""
STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0, 10.0)


def surface(trainer: Trainer) -> Arrays:
    """`surface` (64, 64): D(x), a probability where the objective has one, otherwise the critic's score; `scale` (3,).

    As the discriminator is used, not as it is trained: without dropout and instance noise. With packing a point stands
    for a whole pack of itself. Of scores the scale is symmetric about the value that says nothing: the objective's own,
    or half way between the mean scores of real and of generated points.
    """
    import torch

    canvas = trainer.target.canvas
    (left, right), (bottom, top) = canvas.bounds
    x, y = np.meshgrid(grid(left, right, CELLS), grid(bottom, top, CELLS))
    cells = canvas.samples(np.column_stack((x.ravel(), y.ravel())))
    places = torch.from_numpy(cells.astype(np.float32))
    objective = OBJECTIVES[trainer.config.objective]
    with trainer.judging() as judge, torch.no_grad():
        logits = torch.cat([judge(some) for some in torch.split(places, AT_ONCE)])
        values = (logits.sigmoid() if objective.probability else logits).cpu().numpy().reshape(CELLS, CELLS)
        if objective.probability:
            scale = (0.0, 0.5, 1.0)
        else:
            middle = objective.guess
            if middle is None:
                real = torch.from_numpy(trainer.real_points(COMPARED))
                generated = torch.from_numpy(trainer.sample(COMPARED, 0, trainer.seen))
                middle = (judge(real).mean().item() + judge(generated).mean().item()) / 2
            reach = _round_up(float(np.percentile(np.abs(values - middle), WITHIN)))
            scale = (middle - reach, middle, middle + reach)
    return {"surface": values.astype(np.float32), "scale": np.array(scale, np.float32)}


def _round_up(value: float) -> float:
    """The next round number, so that a scale does not change with every picture."""
    if not 0 < value < math.inf:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(value))
    return next(step for step in STEPS if step * power >= value * 0.9999) * power


DISCRIMINATOR = View(
    "discriminator",
    "Discriminator",
    "What the discriminator takes each place for, and the line on which it can only guess",
    "line: can only guess",
    surface,
)
