"""A run in words and figures, as plain text: what the page shows beside its charts, and whoever else watches.

Everything here follows from a snapshot alone. It is worked out once for each change of a run and sent to all who watch
it, so nothing in it depends on who looks; the page's script begins with the same words, so that nothing jumps.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import asdict
from threading import Lock
from typing import Any, NamedTuple

from gandash.core import health
from gandash.core.config import RunConfig
from gandash.core.targets import Target
from gandash.pages import reading, tiles, wording
from gandash.runs.snapshot import Snapshot, Status

Words = dict[str, Any]

MOST_ROWS = 20_000
"""How many epochs the health notes look back."""
NOTED_SECONDS, NOTED_SHARE = 2.0, 0.02
"""Health notes are found anew after so many seconds, or so large a share of all epochs."""
MOST_NOTED = 64
"""Runs whose notes are remembered."""


def describe(snapshot: Snapshot) -> Words:
    """What a run's state, progress and figures are called and say; all of it text to be shown as it is.

    ``told`` is what happens and ``sentence`` the same with what to press next; ``announce`` is for screen readers, the
    same for as long as the state is; ``label`` says what the picture shows; ``warning`` is empty if there is none,
    ``qualities`` says of each generator that can be had how good it is, and ``notes`` what goes wrong.
    """
    target = snapshot.config.target.build()
    told = wording.what_happens(snapshot, reading.sentence(snapshot))
    return {
        "status": _status(wording.LOOKS[snapshot.status]),
        "warning": "Not saved" if snapshot.unsaved else "",
        "progress": wording.progress_text(snapshot),
        "share": min(max(snapshot.progress, 0.0), 1.0),
        "pace": wording.pace(snapshot),
        "record": wording.by_hand(snapshot),
        "told": told,
        "sentence": " ".join(part for part in (told, wording.next_step(snapshot, told)) if part),
        "announce": announcement(snapshot),
        "label": wording.overlay_label(target, snapshot),
        "tiles": [asdict(tile) for tile in tiles.tiles_of(target, snapshot)],
        "qualities": [wording.quality(snapshot, which) for which in snapshot.variants],
        "notes": [{"seen": note.seen, "advice": note.advice} for note in _notes(snapshot)],
    }


def before(target: Target, ready: bool, missing: str = "") -> Words:
    """The same before there is a run, for a target that may be trained on; `ready` says that a worker is warm.

    `missing` says what is to be done first where the set-up cannot be trained yet.
    """
    pick = wording.PICK_NUMBERS if target.numbers else wording.PICK
    look = wording.NOT_READY if missing else wording.READY
    told = missing or (pick if ready else wording.WARMING_UP)
    return {
        "status": _status(look),
        "warning": "",
        "progress": "",
        "share": 0.0,
        "pace": "",
        "record": "",
        "told": told,
        "sentence": told,
        "announce": look.label,
        "label": wording.overlay_label(target, None),
        "tiles": [asdict(tile) for tile in tiles.tiles_of(target, None)],
        "qualities": [],
        "notes": [],
    }


def starting(target: Target) -> Words:
    """The same of a run that was asked for and is not there yet."""
    look = wording.LOOKS[Status.STARTING]
    told = {"told": wording.BUILDING, "sentence": wording.BUILDING, "announce": f"{target.title}: {look.label}."}
    return before(target, True) | told | {"status": _status(look)}


def announcement(snapshot: Snapshot) -> str:
    """A run's state in words that stay the same for as long as it does."""
    state = f"{snapshot.config.target.build().title}: {wording.LOOKS[snapshot.status].label}"
    unsaved = " It is not saved." if snapshot.unsaved else ""
    if snapshot.status.active:
        return f"{state}.{unsaved}"
    return f"{state} at epoch {snapshot.epoch:,}. {wording.message(snapshot)}".rstrip() + unsaved


class _Noted(NamedTuple):
    """Notes of a run that trains: of which run in which hands, found at this epoch and second of the clock."""

    of: tuple[RunConfig, Status]
    epoch: int
    at: float
    notes: tuple[health.Note, ...]


_noted: OrderedDict[str, _Noted] = OrderedDict()
_noted_lock = Lock()


def _notes(snapshot: Snapshot) -> tuple[health.Note, ...]:
    """The health notes of a run; of one that trains they may be a little old, as they change slowly."""
    if not snapshot.status.active:
        return _found(snapshot)
    of, now = (snapshot.config, snapshot.status), time.monotonic()
    with _noted_lock:
        known = _noted.get(snapshot.run_id)
    fresh = known is not None and known.of == of and now - known.at < NOTED_SECONDS
    if known and fresh and 0 <= snapshot.epoch - known.epoch <= NOTED_SHARE * snapshot.epoch:
        return known.notes
    notes = _found(snapshot)
    if known and fresh and snapshot.epoch < known.epoch:  # a moment of its past
        return notes
    with _noted_lock:
        _noted[snapshot.run_id] = _Noted(of, snapshot.epoch, now, notes)
        _noted.move_to_end(snapshot.run_id)
        while len(_noted) > MOST_NOTED:
            _noted.popitem(last=False)
    return notes


def _found(snapshot: Snapshot) -> tuple[health.Note, ...]:
    history = snapshot.history.rows(max(len(snapshot.history) - MOST_ROWS, 0))
    points = snapshot.frames[-1].points if snapshot.frames else None
    measured = health.signals(snapshot.config, history.epoch, history.columns, points, snapshot.first_epoch)
    return health.notes(snapshot.config, measured)


def _status(look: wording.Look) -> dict[str, str]:
    return {"label": look.label, "icon": look.icon.removeprefix(":material/")[:-1], "colour": look.colour}
