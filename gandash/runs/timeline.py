"""Which epochs of a run are kept, so that it can be looked at as it was.

A run keeps its points at up to `MOST` whole epochs, evenly spread over what has been trained: every `stride`-th, and
the stride doubles whenever there would be too many. Which epochs these are follows from the epoch alone, so neither a
crash nor how the training was cut into chunks changes them, and those of a shorter training hold all that a longer one
keeps of them. Beside every tenth frame both networks' weights are kept, beside fewer where networks are large.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

MOST = 200
"""How many frames a run keeps at most."""

WEIGHTS_EVERY = 10
"""Beside how many-th frame weights are kept, where they are small."""

MOST_BYTES = 40 * 10**6
"""How much the kept weights of a run may take."""

_PAST = re.compile(r"epoch-(\d{1,9})", re.ASCII)


@dataclass(frozen=True, eq=False)
class Kept:
    """A run at the end of an epoch: its points as in a `Frame`, and perhaps what `Trainer.weights` gave."""

    epoch: int
    points: NDArray[np.float32]
    weights: bytes | None = None


def stride(epoch: int) -> int:
    """Every how many-th epoch is kept of a run that has trained so many: a power of two.

    >>> [stride(epoch) for epoch in (0, 199, 200, 399, 400)]
    [1, 1, 2, 2, 4]
    """
    step = 1
    while epoch // step + 1 > MOST:
        step *= 2
    return step


def past(epoch: int) -> str:
    """The name of the generator of a kept epoch, beside ``latest``, ``ema`` and ``best``."""
    return f"epoch-{epoch}"


def epoch_of(which: str) -> int | None:
    """The epoch that `past` made a name of; None for any other name.

    >>> epoch_of(past(40)), epoch_of("best")
    (40, None)
    """
    match = _PAST.fullmatch(which)
    return int(match[1]) if match else None


def weights_stride(epoch: int, size: int) -> int | None:
    """Every how many-th epoch has its weights kept, of `size` bytes each; None if they are too large for that.

    >>> weights_stride(199, 170_000), weights_stride(199, 10 * 10**6), weights_stride(199, 30 * 10**6)
    (10, 80, None)
    """
    times = WEIGHTS_EVERY
    while _most(times) * size > MOST_BYTES:
        if _most(times) <= 2:  # those of the beginning and one more, which says nothing of the way
            return None
        times *= 2
    return stride(epoch) * times


def _most(times: int) -> int:
    """How many of `MOST` frames every so many-th one is at most."""
    return (MOST - 1) // times + 1


def is_kept(epoch: int) -> bool:
    """Whether an epoch is kept once it has been trained."""
    return epoch % stride(epoch) == 0


def following(epoch: int) -> int:
    """The next epoch that is kept once it has been trained.

    >>> [following(epoch) for epoch in (0, 199, 200, 399)]
    [1, 200, 202, 400]
    """
    step = stride(epoch)
    after = (epoch // step + 1) * step
    return after if is_kept(after) else (epoch // (2 * step) + 1) * 2 * step


def merged(epochs: tuple[int, ...], kept: Iterable[Kept], epoch: int) -> tuple[int, ...]:
    """Which epochs are kept after this one, of those that were and those that are new, oldest first."""
    fresh = {each.epoch for each in kept}
    return tuple(sorted(each for each in fresh.union(epochs) if each % stride(epoch) == 0)) if fresh else epochs


def thinned(kept: Iterable[Kept], epoch: int) -> tuple[Kept, ...]:
    """What is still kept after this epoch, oldest first; of two of one epoch the last."""
    step = stride(epoch)
    newest = {each.epoch: _light(each, epoch) for each in kept if each.epoch % step == 0}
    return tuple(newest[each] for each in sorted(newest))


def _light(kept: Kept, epoch: int) -> Kept:
    """The same, without its weights if they are not kept any more."""
    if kept.weights is None or has_weights(kept.epoch, epoch, len(kept.weights)):
        return kept
    return replace(kept, weights=None)


def has_weights(kept: int, epoch: int, size: int) -> bool:
    """Whether the weights of a kept epoch, of `size` bytes, are there after `epoch`."""
    step = weights_stride(epoch, size)
    return step is not None and kept % step == 0
