"""The format of the stream: what a server tells those who watch a run. This is its one description; version 1.

A message is binary, its numbers little-endian::

    4 bytes   "GD", 1, 0: a message of version 1 of this format
    4 bytes   the length of the header, a uint32
    header    JSON in ASCII, followed by blanks so that what comes next starts at a multiple of 8 bytes
    arrays    one after another, in the header's order, each followed by zeros up to a multiple of 8 bytes

The header is an object. `kind` says what the message is:

- "picture": all of a run so far; who gets it forgets what it knew. Each curve has at most 2,000 points, spikes kept.
- "news": what is new since the client's cursor, every row of the history included; of more than 2,000 rows the next
  2,000, and the rest in the news that follow at once. So who is slow misses frames, but no row; who comes back and has
  missed more than 2,000 rows, or comes back to a server that was started anew, gets a picture.
- "views": what can be seen inside the run (`gandash.core.views`), for who has asked for that; it leaves all else alone.
- "missing": there is no such run, with a `sentence` for people. The stream goes on by itself once there is.
- "server": of the server alone, for who named no run: `ready` says whether a run would start at once.
- "frames": past epochs, the answer to ``/frames/<run>?epochs=0,8,16`` (`gandash.live.frames`) and no part of a stream.

All have `run` (its id), `time` (when the message was made, Unix seconds) and `arrays`, a list of ``{"name", "type",
"shape"}`` with the types "f4" and "f8". A picture and news have, besides:

- `version`, which grows with every change of the run, `rows`, how many rows of its history a client has after this
  message, and `life`, a word for the server's life (a run may go another way in the next one): the three are the cursor
  that a client sends in the query to go on where it was
- `state`: ``{"status", "active", "ended", "message", "epoch", "progress", "planned", "stage", "place"}``
  and, where a phase was just played by itself, `phase`: ``{"step", "name", "network", "loss", "next", "before",
  "after"}``, the fields of `PlayedPhase`, losses null where they are not finite
- `changes`: ``[[version, status], ...]``, oldest first: of news every status that the run has come to since the cursor,
  of a picture every one since the server began, whether somebody watched or not; 64 at most, the newest
- `words`: what the pages say of the run, plain text
- `scene`: ``{"title", "name", "axes", "bounds", "equal", "objective", "probability", "since", "shown"}``: the target's
  title, the run's own name, titles and ranges of both axes and whether they have one unit, the objective and whether
  its D(x) is a probability, the epoch that the run began at, the generator on screen; and, where points mean whole
  numbers from 0 to 99, `numbers`, those that are real: a point (ones, tens) is its number's place on a board
- `columns`: the names of the history's columns
- `frames`: ``[{"epoch", "at"}, ...]`` of the frames in the message, oldest first: the newest few that the client does
  not have; `at` is the run's progress, from 0 to 1
- `kept`: ``[first, last, step]``, which past epochs can be asked for (`gandash.live.frames`), if there are any

Frames have, besides: `frames`, ``[{"epoch", "words"}, ...]`` of those of the epochs that are kept, in order; the arrays
"frame:0", "frame:1", … (n, 2) are their points as they are drawn.

Views have, besides: `epoch` and `at`, the moment they are of (null before there are any), `names`, those of the views
that were asked for which are in the message, as they were asked for (of one that is turned another turn, as long as
that which was asked for is not there), `older`, ``{name: epoch}`` of those that there was no time for and that are
still of an epoch before, if there are any, and `offers`, ``[{"name", "title", "help", "legend", "quarters"}, ...]``,
all that can be asked for. Their arrays are "view:<as asked for>:<array>", such as "view:discriminator:surface". A
client names what it looks at in the query, ``views=discriminator,manifold@1.25``; with an empty ``views=`` it is told
what there is.

The arrays of a picture: "real" (n, 2), the real points as they are drawn, once they are known; of each column "x:…" and
"y:…", epochs and values of the same length. Of news: "epoch" (k,) and of each column "column:…" (k,), NaN where nothing
was measured. Of both: "frame:0", "frame:1", … (n, 2), generated points as they are drawn; with a phase
"phase:real", "phase:generated" and "phase:moved" (k, 2), the points that it was played on, and where those that are
generated went, as they are drawn, empty where they play no part, and "phase:wanted" (k, 2, 2), points and the way that
the generator's loss pulls each of them now, in the picture's units; and where points mean numbers, if the newest frame
is among them, "outputs" (k, 100), the vectors of its first k as the generator made them: each means the number of its
largest entry. Who does not know an array passes over it.
"""

from __future__ import annotations

import json
import math
import struct
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gandash.core.objectives import OBJECTIVES
from gandash.core.records import PlayedPhase, finite
from gandash.core.views import offered, standing_in
from gandash.live.thin import thin
from gandash.runs.looks import Sight
from gandash.runs.snapshot import History, Snapshot

MAGIC = b"GD\x01\x00"
MOST_FRAMES = 4
"""How many frames a message has at most."""
MOST_ROWS = 2000
"""How many rows news have at most. Who comes back and has missed more of them gets a picture, which is shorter."""

Arrays = dict[str, NDArray[Any]]
Changes = Sequence[tuple[int, str]]


@dataclass(frozen=True)
class Cursor:
    """Up to where a client knows a run: as many rows, this version.

    `at` is the progress of the newest frame it has, `real` says whether it has the real points, and `life` is that of
    the server that told it.
    """

    rows: int
    version: int
    at: float = -1.0
    real: bool = True
    life: str = ""


def picture(snapshot: Snapshot, words: Mapping[str, Any], changes: Changes = (), life: str = "") -> bytes:
    """All of a run so far."""
    arrays: Arrays = {}
    if snapshot.real is not None:
        arrays["real"] = drawn(snapshot, snapshot.real)
    history = snapshot.history
    for name, column in history.columns.items():
        x, y = thin(history.epoch, column)
        arrays[f"x:{name}"], arrays[f"y:{name}"] = x.astype(np.float32), _small(y)
    return _message("picture", snapshot, words, changes, arrays, after(snapshot, life=life), -1.0)


def news(snapshot: Snapshot, words: Mapping[str, Any], cursor: Cursor, changes: Changes = ()) -> bytes:
    """What is new since the cursor, from which `goes_on` must hold: it takes a client to where `after` says."""
    arrays: Arrays = {}
    reached = after(snapshot, cursor)
    if reached.rows > cursor.rows:
        rows: History = snapshot.history.rows(cursor.rows, reached.rows)
        arrays["epoch"] = rows.epoch.astype(np.float32)
        arrays |= {f"column:{name}": _small(column) for name, column in rows.columns.items()}
    return _message("news", snapshot, words, changes, arrays, reached, cursor.at)


def goes_on(snapshot: Snapshot, cursor: Cursor) -> bool:
    """Whether news take a client from its cursor to this snapshot; otherwise it needs a picture."""
    known = cursor.real or snapshot.real is None
    return known and cursor.rows <= len(snapshot.history) and cursor.version <= snapshot.version


def after(snapshot: Snapshot, cursor: Cursor | None = None, life: str = "") -> Cursor:
    """Where a client is that has been sent the news since a cursor, or a picture in this life of the server."""
    at = snapshot.frames[-1].progress if snapshot.frames else -1.0
    rows = len(snapshot.history)
    if cursor is not None:
        rows, life = min(rows, cursor.rows + MOST_ROWS), cursor.life
    return Cursor(rows, snapshot.version, at, snapshot.real is not None, life)


def views(snapshot: Snapshot, sight: Sight | None, asked: Sequence[str]) -> bytes:
    """What is seen of the views that a client has asked for."""
    seen = {} if sight is None else sight.views
    there = {name: seen[name] for name in (standing_in(each, seen) for each in asked) if name is not None}
    header = {
        "kind": "views",
        "run": snapshot.run_id,
        "time": time.time(),
        "epoch": sight.epoch if sight else None,
        "at": sight.at if sight else None,
        "names": list(there),
        "offers": offered(snapshot.config),
    }
    if older := {name: sight.older[name] for name in there if sight and name in sight.older}:
        header["older"] = older
    arrays = {f"view:{name}:{part}": array for name, parts in there.items() for part, array in parts.items()}
    return encode(header, arrays)


def past(snapshot: Snapshot, epochs: Sequence[tuple[int, NDArray[np.float32], Mapping[str, Any]]]) -> bytes:
    """Past epochs, each with its points and its words."""
    told = [{"epoch": epoch, "words": words} for epoch, _, words in epochs]
    header = {"kind": "frames", "run": snapshot.run_id, "time": time.time(), "frames": told}
    return encode(header, {f"frame:{place}": drawn(snapshot, points) for place, (_, points, _) in enumerate(epochs)})


def missing(run_id: str, sentence: str) -> bytes:
    """There is no such run."""
    return encode({"kind": "missing", "run": run_id, "sentence": sentence, "time": time.time()}, {})


def server(ready: bool) -> bytes:
    """Whether a run would start at once."""
    return encode({"kind": "server", "run": "", "ready": ready, "time": time.time()}, {})


def _message(
    kind: str,
    snapshot: Snapshot,
    words: Mapping[str, Any],
    changes: Changes,
    arrays: Arrays,
    reached: Cursor,
    at: float,
) -> bytes:
    frames = [frame for frame in snapshot.frames[-MOST_FRAMES:] if frame.progress > at]
    arrays |= {f"frame:{place}": drawn(snapshot, frame.points) for place, frame in enumerate(frames)}
    phase = snapshot.phase
    if phase is not None:
        for name, points in (("real", phase.real), ("generated", phase.generated), ("moved", phase.moved)):
            arrays[f"phase:{name}"] = drawn(snapshot, points) if len(points) else np.empty((0, 2), np.float32)
        arrays["phase:wanted"] = _small(phase.wanted)
    if frames and frames[-1].outputs is not None:
        arrays["outputs"] = _small(frames[-1].outputs)
    config, target = snapshot.config, snapshot.config.target.build()
    status = snapshot.status
    header = {
        "kind": kind,
        "run": snapshot.run_id,
        "version": snapshot.version,
        "time": time.time(),
        "state": {
            "status": status.value,
            "active": status.active,
            "ended": status.ended,
            "message": snapshot.message,
            "epoch": snapshot.epoch,
            "progress": snapshot.progress,
            "planned": snapshot.planned_epochs,
            "stage": snapshot.stage,
            "place": snapshot.place,
            **({} if phase is None else {"phase": _told(phase)}),
        },
        "changes": changes,
        "words": words,
        "scene": {
            "title": target.title,
            "name": snapshot.name,
            **target.canvas.scene(),
            "objective": config.objective,
            "probability": OBJECTIVES[config.objective].probability,
            "since": snapshot.first_epoch,
            "shown": snapshot.shown,
            **({"numbers": target.numbers} if target.numbers else {}),
        },
        "rows": reached.rows,
        **({"life": reached.life} if reached.life else {}),
        "columns": list(snapshot.history.columns),
        "frames": [{"epoch": frame.epoch, "at": frame.progress} for frame in frames],
        **({"kept": _range(snapshot.timeline)} if snapshot.timeline else {}),
    }
    return encode(header, arrays)


def _range(epochs: Sequence[int]) -> tuple[int, int, int]:
    return epochs[0], epochs[-1], epochs[1] - epochs[0] if len(epochs) > 1 else 1


def _told(phase: PlayedPhase) -> dict[str, Any]:
    names = ("step", "name", "network", "loss", "next", "before", "after")
    told: dict[str, Any] = finite({name: getattr(phase, name) for name in names})
    return told


def drawn(snapshot: Snapshot, points: NDArray[np.float32]) -> NDArray[Any]:
    """Points of a run as they are drawn, (n, 2)."""
    return _small(snapshot.config.target.build().canvas.project(points))


def _small(values: NDArray[Any]) -> NDArray[Any]:
    """The values as float32, unless one of them is too large for that."""
    with np.errstate(over="ignore"):
        small = values.astype(np.float32)
    return values if np.isinf(small).sum() > np.isinf(values).sum() else small


def encode(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """A message of a header, without `arrays`, and arrays of float32 or float64."""
    listed = [{"name": name, "type": f"f{a.dtype.itemsize}", "shape": list(a.shape)} for name, a in arrays.items()]
    text = json.dumps({**header, "arrays": listed}, allow_nan=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    parts = [MAGIC, struct.pack("<I", len(text)), text]
    for array in arrays.values():
        content = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()
        parts += [content, bytes(-len(content) % 8)]
    return b"".join(parts)


def decode(data: bytes) -> tuple[dict[str, Any], Arrays]:
    """The header and the arrays of a message; `ValueError` if it is none of this version, or is cut off."""
    if len(data) < 8 or data[: len(MAGIC)] != MAGIC:
        raise ValueError(f"These bytes begin with {data[:4]!r}: they are no message of version 1 of the stream.")
    (length,) = struct.unpack_from("<I", data, 4)
    header = json.loads(data[8 : 8 + length])
    arrays: Arrays = {}
    start = 8 + length
    for listed in header["arrays"]:
        dtype, count = np.dtype(f"<{listed['type']}"), math.prod(listed["shape"])
        if start + count * dtype.itemsize > len(data):
            raise ValueError(f"The message ends before its array {listed['name']!r} does.")
        arrays[listed["name"]] = np.frombuffer(data, dtype, count, start).reshape(listed["shape"])
        start += -(-count * dtype.itemsize // 8) * 8
    return header, arrays
