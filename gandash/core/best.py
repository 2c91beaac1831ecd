"""Which epoch has left the best generator."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import fmean

SMOOTHED = 5
"""Measurements that an epoch is judged by: a single one is often a lucky draw."""


@dataclass
class Best:
    """The epoch with the lowest figure so far, where one good measurement among bad ones counts for nothing.

    An epoch's figure is its own measurement or the mean of the last `smoothing`, whichever is worse. Comparisons with
    NaN or infinity never make an epoch the best.

    >>> best = Best(smoothing=2)
    >>> [best.update(value, epoch) for epoch, value in enumerate((9.0, 8.0, 1.0, 2.0), start=1)]
    [True, True, True, True]
    >>> best.epoch, best.figure
    (4, 2.0)
    """

    smoothing: int = SMOOTHED
    figure: float = math.inf
    epoch: int | None = None
    recent: list[float] = field(default_factory=list)

    def update(self, value: float, epoch: int) -> bool:
        """Take what was measured after `epoch`; True means that it is the best so far."""
        self.recent = [*self.recent, value][-self.smoothing :]
        figure = max(value, fmean(self.recent))
        if not figure < self.figure:
            return False
        self.figure, self.epoch = figure, epoch
        return True
