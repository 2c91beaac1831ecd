"""What can be seen inside a trainer: a registry of views, each a module here. Importing it loads no torch.

A view is asked for by its name, one that can be turned also as ``manifold@1.25``: turned by so many quarters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gandash.core.config import RunConfig
from gandash.core.problems import shortened
from gandash.core.views.density import DENSITY
from gandash.core.views.discriminator import DISCRIMINATOR
from gandash.core.views.gradients import GRADIENTS
from gandash.core.views.manifold import MANIFOLD
from gandash.core.views.networks import NETWORKS
from gandash.core.views.view import Arrays, View

if TYPE_CHECKING:
    from gandash.core.trainer import Trainer

__all__ = ["VIEWS", "Arrays", "View", "compute", "offered", "standing_in", "wanted"]

VIEWS: Mapping[str, View] = MappingProxyType(
    {view.name: view for view in (DISCRIMINATOR, MANIFOLD, GRADIENTS, DENSITY, NETWORKS)}
)
"""Every view by its name, in the order in which they are offered."""

LONGEST_ASKED = 40
"""Characters of what is asked for."""


def compute(trainer: Trainer, asked: str) -> Arrays:
    """A view of a trainer that applies to it; raises `ValueError` for one that does not, or is none."""
    view, turn = _understood(asked, trainer.config)
    if not view.applies(trainer.config):
        raise ValueError(f"There is no view {view.name!r} of {trainer.target.title}: it needs points of a plane.")
    return view.compute(trainer) if view.turned is None or not turn else view.turned(trainer, turn)


def wanted(config: RunConfig, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the views that were asked for which can be had with a config, each once, in the order of asking."""
    found = []
    for asked in dict.fromkeys(names):
        try:
            view, _ = _understood(asked, config)
        except ValueError:
            continue
        if view.applies(config):
            found.append(asked)
    return tuple(found)


def standing_in(asked: str, there: Iterable[str]) -> str | None:
    """Which of the views that are there is the one that was asked for, or else its nearest turn; None if none is it.

    >>> standing_in("manifold@1.25", ["discriminator", "manifold", "manifold@1.5"])
    'manifold@1.5'
    """
    name, _, turn = asked.partition("@")
    turns = [each for each in there if each.partition("@")[0] == name]
    if asked in turns or not turns:
        return asked if turns else None
    try:
        quarters = float(turn or 0)
    except ValueError:
        return None
    return min(turns, key=lambda each: abs(float(each.partition("@")[2] or 0) - quarters))


def offered(config: RunConfig) -> list[dict[str, Any]]:
    """What a page offers under its picture with a config: plain data for its switches."""
    return [
        {
            "name": view.name,
            "title": view.title,
            "help": view.help,
            "legend": view.legend,
            "quarters": view.quarters(config),
        }
        for view in VIEWS.values()
        if view.in_picture and view.applies(config)
    ]


def _understood(asked: str, config: RunConfig) -> tuple[View, float]:
    """The view that was asked for, and by how many quarters it is turned."""
    name, _, turn = asked.partition("@")
    if name not in VIEWS or len(asked) > LONGEST_ASKED:
        raise ValueError(f"There is no view {shortened(asked)}: choose one of {', '.join(VIEWS)}.")
    view = VIEWS[name]
    try:
        quarters = float(turn or 0)
        if not 0 <= quarters <= view.quarters(config):
            raise ValueError
    except ValueError:
        most = view.quarters(config)
        raise ValueError(f"The view {name!r} cannot be turned by {shortened(turn)}: give 0 to {most}.") from None
    return view, quarters
