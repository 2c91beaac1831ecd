"""Who looks inside which run: views are computed only for them, and not more often than the training can bear.

Pure but for its memory: it is told the time, by a clock that never goes back, and knows no engine.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gandash.runs.worker import Views

MOST_VIEWS = 12
"""Views of a run that are computed at the same time; one that is turned by each who looks counts for each.

Of more the first ones, which whoever asks last has put there."""
LOOKING_SECONDS = 3.0
"""For how long somebody looks who has said so once."""
SHORTEST_SECONDS = 0.2
"""Between two computations of a run's views while it trains, on average."""
EARLY_SECONDS = 0.1
"""By how much one may come sooner: they are computed where chunks end, so at the end that is nearest to their beat."""
SHARE = 0.08
"""The share of a training's time that its views may take."""


@dataclass(frozen=True)
class Sight:
    """Views of a run at one moment: `epoch` in whole epochs, `at` its progress.

    `tried` are all that were asked for and had their turn; one whose turn is still to come is as it was seen last, at
    the epoch that `older` has. `checkpoint` is where the run stood, to tell whether it still stands there.
    """

    epoch: int
    at: float
    views: Views = field(default_factory=dict)
    tried: frozenset[str] = frozenset()
    checkpoint: bytes | None = field(default=None, repr=False)
    older: Mapping[str, int] = field(default_factory=dict)

    def joined(self, other: Sight) -> Sight:
        """This sight, and what another one has of the same moment."""
        if other.checkpoint is not self.checkpoint:
            return self
        return replace(self.beside(other, other.views), tried=self.tried | other.tried)

    def beside(self, other: Sight, names: Collection[str]) -> Sight:
        """This sight, and those of these views that it has not as another one has them."""
        found = {name: view for name, view in other.views.items() if name in names and name not in self.views}
        epochs = {name: other.older.get(name, other.epoch) for name in found}
        older = {name: epoch for name, epoch in epochs.items() if epoch != self.epoch}
        return replace(self, views={**found, **self.views}, older={**older, **self.older})


@dataclass
class _Look:
    """What somebody looks at, who said so last at `told`; what of it is to come first, as there was no time for it.

    The newest sight; when views are due next, their cost.
    """

    names: tuple[str, ...]
    told: float
    late: tuple[str, ...] = ()
    sight: Sight | None = None
    beat: float = float("-inf")
    seconds: float = 0.0


class Looks:
    """Which views of which runs are looked at, and what was seen of them last."""

    def __init__(self) -> None:
        self._looks: dict[str, _Look] = {}

    def look(self, run_id: str, names: Sequence[str], now: float) -> None:
        """Somebody looks at these views, which apply to the run; nobody at any of it any more if there are no names."""
        for other in [other for other, look in self._looks.items() if now - look.told > LOOKING_SECONDS]:
            del self._looks[other]
        if not names:
            self._looks.pop(run_id, None)
            return
        look = self._looks.setdefault(run_id, _Look((), now))
        look.names, look.told = tuple(names)[:MOST_VIEWS], now

    def wanted(self, run_id: str, now: float) -> tuple[str, ...]:
        """The views of a run that somebody looks at."""
        look = self._looks.get(run_id)
        return () if look is None or now - look.told > LOOKING_SECONDS else look.names

    def due(self, run_id: str, now: float) -> tuple[str, ...]:
        """Those of a run that trains which are to be computed now; it counts as done."""
        names = self.wanted(run_id, now)
        if not names:
            return ()
        look = self._looks[run_id]
        if now < look.beat - EARLY_SECONDS:
            return ()
        gap = max(SHORTEST_SECONDS, look.seconds / SHARE)
        look.beat = gap + (look.beat if now < look.beat + gap else now)  # what was missed is not made up for
        return tuple(dict.fromkeys((*(name for name in look.late if name in names), *names)))

    def seen(self, run_id: str, sight: Sight, seconds: float = 0.0, late: tuple[str, ...] = ()) -> Sight | None:
        """Views were computed, which took so long, and those that are `late` were not, for want of time.

        Returns all that is known of that moment, None if nobody looks.
        """
        look = self._looks.get(run_id)
        if look is None:
            return None
        if seconds and look.sight is not None:  # one that was held up for once counts little, as the first one often is
            look.seconds = min(seconds, 1.25 * look.seconds) if look.seconds else seconds
        look.late = late
        if look.sight is not None:
            sight = sight.joined(look.sight).beside(look.sight, late)
        look.sight = sight
        return look.sight

    def missing(self, run_id: str, checkpoint: bytes, now: float) -> tuple[str, ...]:
        """The views that are looked at of a run that stands at this checkpoint, and are not there yet."""
        sight = self.sight(run_id)
        known = sight.tried if sight is not None and sight.checkpoint is checkpoint else frozenset()
        return tuple(name for name in self.wanted(run_id, now) if name not in known)

    def sight(self, run_id: str) -> Sight | None:
        """What was seen of a run last, for as long as somebody looks."""
        look = self._looks.get(run_id)
        return None if look is None else look.sight
