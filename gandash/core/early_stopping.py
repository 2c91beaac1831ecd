"""When to stop: the textbook's rule, patience, and its variant, a threshold on the change."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass
class EarlyStopping:
    """Watch a metric, lower is better, and say when training should stop.

    With `min_change` None: stop once the metric has not improved for `patience` epochs. With a number: stop once it has
    stayed within `min_change` of where it was for `patience` epochs. Either way `best` and `best_epoch` tell the lowest
    value so far; NaN never counts as an improvement. Epochs are waited for from `start` on.

    >>> stopping = EarlyStopping(patience=2)
    >>> [stopping.update(value) for value in (3.0, 1.0, 2.0, 1.5)]
    [False, False, False, True]
    >>> stopping.best, stopping.best_epoch
    (1.0, 2)
    """

    patience: int
    min_change: float | None = None
    best: float = math.inf
    best_epoch: int | None = None
    anchor: float = math.inf
    anchor_epoch: int = 0
    epoch: int = 0
    start: int = 0

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise ValueError(f"patience is {self.patience}; it must be at least 1 epoch")

    def update(self, value: float, epoch: int | None = None) -> bool:
        """Take the metric after `epoch` (counted from 1 if not given); True means stop now."""
        self.epoch = self.epoch + 1 if epoch is None else epoch
        if value < self.best:
            self.best, self.best_epoch = value, self.epoch
        if self.min_change is None:
            return self.epoch - (self.best_epoch or self.start) >= self.patience
        if not abs(value - self.anchor) < self.min_change:
            self.anchor, self.anchor_epoch = value, self.epoch
        return self.epoch - self.anchor_epoch >= self.patience
