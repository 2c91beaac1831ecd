"""What a server of today sends, for tests to read for ever: `python -m tests.live.record` adds what is not there yet.

The messages of one version are in `stream-<version>/`. What is there stays as it is, and is read for ever.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from gandash.core.config import RunConfig
from gandash.core.records import PlayedPhase
from gandash.live import messages
from gandash.runs.looks import Sight
from gandash.runs.snapshot import Frame, Snapshot, Status
from tests.live.snapshots import RUN, frame, record, snapshot

FOLDER = Path(__file__).parent / "stream-1"
WORDS = {
    "status": {"label": "Training", "colour": "green"},
    "sentence": "D finds “them” easily <b>&\u2028",
    "tiles": [],
}


def recorded() -> dict[str, bytes]:
    """Messages by name, oldest first."""
    start = snapshot(3, 4, name="Ünïted", epoch=4)
    history = start.history.extended([record(5), replace(record(6), generator_loss=1e300, metrics={"coverage": 0.5})])
    odd = Frame(6, 0.5, np.array([[1.5, -2.25], [3e38, 1e-30], [np.nan, np.inf]], np.float32))
    later = replace(start, version=7, status=Status.PAUSED, epoch=6, history=history, frames=(frame(5), odd))
    return {
        "missing": messages.missing(RUN, "There is no such run."),
        "picture": messages.picture(start, WORDS),
        "news": messages.news(later, WORDS, messages.after(start), [(6, "running"), (7, "paused")]),
        "no-news": messages.news(later, WORDS, messages.after(later)),
        "server": messages.server(ready=True),
        "played": messages.picture(played(), WORDS, [(6, "running"), (7, "paused")], "1f2e3d4c"),
        "numbers": messages.picture(numbers(), WORDS),
        "views": messages.views(start, sight(), ("discriminator", "manifold@1.25", "pull")),
        "views-behind": messages.views(start, sight(discriminator=3), ("discriminator", "manifold")),
        "no-views": messages.views(start, None, ()),
        "frames": messages.past(start, [(0, frame(0).points, {"label": "Epoch 0"}), (8, odd.points, {"tiles": []})]),
    }


def played() -> Snapshot:
    """A run that was played by hand, with epochs that can be looked at."""
    some, wanted = np.arange(6, dtype=np.float32).reshape(3, 2), np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    none = np.empty((0, 2), np.float32)
    phase = PlayedPhase(
        *(3, "generator", "generator", "generator", "on real", 0.5, math.nan, none, some, some + 1, wanted),
    )
    return snapshot(7, 4, Status.PAUSED, phase=phase, timeline=(0, 2, 4))


def numbers() -> Snapshot:
    """A run whose points mean numbers."""
    outputs = np.linspace(0, 1, 200, dtype=np.float32).reshape(2, 100)
    frames = (
        Frame(1, 0.25, np.ones((3, 2), np.float32), outputs),
        Frame(2, 0.5, np.zeros((3, 2), np.float32), -outputs),
    )
    return replace(snapshot(2, 2, real=None, frames=frames), config=RunConfig(shape="even"))


def sight(**older: int) -> Sight:
    """What is seen inside: of the manifold only as it was turned before, and what is of an older epoch."""
    surface, mesh = np.arange(6, dtype=np.float32).reshape(2, 3), np.arange(8, dtype=np.float32).reshape(2, 2, 2)
    return Sight(4, 0.25, {"discriminator": {"surface": surface}, "manifold": {"mesh": mesh}}, older=older)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, message in recorded().items():
        path = FOLDER / f"{name}.bin"
        if not path.exists():
            path.write_bytes(message)
