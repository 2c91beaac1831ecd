"""What a server of today sends, for tests to read for ever: `python -m tests.live.record` once a version of the format.

The messages of one version are in `stream-<version>/`, in the order in which a client is sent them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from gandash.live import messages
from gandash.runs.snapshot import Frame, Status
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
    }


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, message in recorded().items():
        (FOLDER / f"{name}.bin").write_bytes(message)
