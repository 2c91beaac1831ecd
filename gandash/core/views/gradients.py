"""The way the generator's loss pulls its points: minus the loss's gradient with respect to each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gandash.core.objectives import OBJECTIVES
from gandash.core.views.view import Arrays, View

if TYPE_CHECKING:
    from gandash.core.trainer import Trainer

POINTS = 150
PAIRED = 64
"""Real points that each generated one is paired with, where the loss is one on pairs."""


def gradients(trainer: Trainer) -> Arrays:
    """`arrows` (150, 2, 2): generated points, and minus the gradient of the generator's loss there, as they are drawn.

    The points are the first of those in the picture.
    """
    return {"arrows": pulls(trainer, trainer.sample(POINTS, 0, trainer.seen))}


def pulls(trainer: Trainer, points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Where points ``(n, 2)`` are drawn, and minus the gradient of the generator's loss at each by that: ``(n, 2, 2)``.

    The loss is that of each point alone, as a mean would shrink the arrows with their number; where it is one on pairs,
    the mean over pairs with 64 real points. Without dropout and instance noise; with packing a point stands for a whole
    pack of itself.
    """
    import torch

    objective = OBJECTIVES[trainer.config.objective]
    with trainer.judging() as judge:
        places = torch.from_numpy(points).requires_grad_()
        fake = judge(places)
        logits = fake.detach()
        if objective.pairs:
            with torch.no_grad():
                real = judge(torch.from_numpy(trainer.real_points(PAIRED)))
            count = len(real)
            _, slopes = objective.generator(real.repeat(len(points), 1), logits.repeat_interleave(count, dim=0))
            slope = slopes.reshape(len(points), count, 1).sum(dim=1)
        else:
            _, slope = objective.generator(logits, logits)
        (found,) = torch.autograd.grad(fake, places, slope * len(points))
    canvas = trainer.target.canvas
    return np.stack((canvas.project(points), canvas.pulls(points, -found.cpu().numpy())), axis=1).astype(np.float32)


GRADIENTS = View(
    "gradients",
    "Gradients",
    "The way the generator's loss pulls 150 of its points; an arrow four times as strong is twice as long",
    "where the generator's loss pulls its points",
    gradients,
)
