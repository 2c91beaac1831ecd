"""Who trains and who waits: at most so many runs in all, and of each owner; who has waited longest goes first.

A run counts for its first owner; one that nobody owns only counts in all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How many runs may train at the same time, `most` in all and `most_each` of one owner; None for any number."""

    most: int | None = None
    most_each: int | None = None


def has_room(limits: Limits, training: Sequence[str], owner: str) -> bool:
    """Whether a run of this owner may train beside those that do, given by their owners ("" for nobody)."""
    full = limits.most is not None and len(training) >= limits.most
    return not full and not _has_enough(limits, training.count(owner), owner)


def serve(limits: Limits, training: Sequence[str], waiting: Sequence[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """Whose turn it is, and who goes on waiting, in the order of their places.

    `training` are the owners of the runs that train; `waiting` are runs and their owners, who has waited longest first.
    Runs of owners who train as many as they may come behind all others.

    >>> serve(Limits(most=3, most_each=2), ["anna"], [("a", "anna"), ("b", "anna"), ("c", "ben"), ("d", "ben")])
    (['a', 'c'], ['d', 'b'])
    """
    training, turn, held = list(training), [], []
    for run_id, owner in waiting:
        if has_room(limits, training, owner):
            turn.append(run_id)
            training.append(owner)
        else:
            held.append((run_id, owner))
    counts = Counter(training)
    held.sort(key=lambda run: _has_enough(limits, counts[run[1]], run[1]))
    return turn, [run_id for run_id, _ in held]


def _has_enough(limits: Limits, count: int, owner: str) -> bool:
    return bool(owner) and limits.most_each is not None and count >= limits.most_each
