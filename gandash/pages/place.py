"""The place in the list of runs: what is looked for, in which order, on which page. The address holds it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace

from gandash.core.judge import JUDGE_VERSION
from gandash.core.metrics import METRICS
from gandash.core.objectives import OBJECTIVES
from gandash.runs.snapshot import RunSummary, Status

LONGEST_SEARCH = 200

STATES: Mapping[str, tuple[Status, ...]] = {
    "training": (Status.WAITING, Status.STARTING, Status.RUNNING),
    "paused": (Status.PAUSED,),
    "finished": (Status.FINISHED, Status.STOPPED_EARLY),
    "stopped": (Status.STOPPED,),
    "diverged": (Status.DIVERGED,),
    "failed": (Status.FAILED,),
}
"""What the list can be narrowed to."""

ORDERS: Mapping[str, tuple[str, Callable[[RunSummary], float]]] = {
    "newest": ("Newest first", lambda run: -run.created.timestamp()),
    "oldest": ("Oldest first", lambda run: run.created.timestamp()),
    "best": (f"Best {METRICS['headline'].title.lower()}", lambda run: _gap(run)),
    "epochs": ("Most epochs", lambda run: -run.epoch),
}
"""Each order's name for people, and what it goes by, lowest first."""


@dataclass(frozen=True)
class Place:
    """Where a visitor is in the list; an empty `state` or `target` stands for any."""

    search: str = ""
    state: str = ""
    target: str = ""
    sort: str = "newest"
    page: int = 1

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Place:
        """Read an address's parameters; what makes no sense counts as not given.

        >>> Place.from_query({"search": "ring", "sort": "sideways", "page": "2"})
        Place(search='ring', state='', target='', sort='newest', page=2)
        """
        page = query.get("page", "")
        return cls(
            search=query.get("search", "")[:LONGEST_SEARCH],
            state=state if (state := query.get("state", "")) in STATES else "",
            target=query.get("target", ""),
            sort=sort if (sort := query.get("sort", "")) in ORDERS else "newest",
            page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 10 else 1,
        )

    def query(self) -> dict[str, str]:
        """The parameters that say this place; the beginning of the whole list needs none."""
        usual = asdict(Place())
        return {name: str(value) for name, value in asdict(self).items() if value != usual[name]}

    @property
    def narrowed(self) -> bool:
        """Whether runs may be left out."""
        return replace(self, sort="newest", page=1) != Place()


PARAMETERS = tuple(field.name for field in fields(Place))


def select(runs: Sequence[RunSummary], place: Place) -> list[RunSummary]:
    """The runs that are looked for, on all pages, in the order that is asked for; ties stay as they were.

    Each word of the search must be found in a run's name, note, target, objective or id.
    """
    words = place.search.casefold().split()
    states = STATES.get(place.state, ())
    found = [
        run
        for run in runs
        if (not states or run.status in states)
        and (not place.target or run.target == place.target)
        and all(word in _text(run) for word in words)
    ]
    return sorted(found, key=ORDERS[place.sort][1])


def objective_title(name: str) -> str:
    """An objective's name for people; the bare name if there is no such objective any more."""
    return OBJECTIVES[name].title if name in OBJECTIVES else name


def _text(run: RunSummary) -> str:
    texts = (run.name, run.note, run.title, run.target, objective_title(run.objective), run.objective, run.run_id)
    return "\n".join(texts).casefold()


def _gap(run: RunSummary) -> float:
    """The gap to real; that of a run without one is the widest, and so is one that another judge has measured."""
    if run.headline is None or math.isnan(run.headline) or run.judge != JUDGE_VERSION:
        return math.inf
    return run.headline
