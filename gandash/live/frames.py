"""What a run keeps of its past, for who drags through it: points and words of past epochs, and pictures of them.

``/frames/<run>?epochs=0,8,16`` answers with a message of the format of `gandash.live.messages`, of kind "frames", and
``/frames/<run>/views?epoch=40&views=discriminator`` with one of kind "views", of the nearest epoch whose networks are
kept. ``/frames/<run>/p40.png?theme=dark`` is a picture of epoch 40, and ``/frames/<run>/now.png`` of the newest points.
A past epoch never changes, so browsers keep what they got.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gandash.live import messages
from gandash.runs.library import UnknownRun
from gandash.runs.looks import Sight
from gandash.runs.snapshot import Snapshot
from gandash.runs.timeline import Kept

MOST_EPOCHS = 50
"""How many epochs can be asked for at once."""
CACHED = 16
"""Answers that are remembered: all who look at the same run ask for much the same."""
DRAWING = 2
"""How many pictures are drawn, or views computed, at the same time."""
MOST_VIEWS, LONGEST_VIEW = 8, 40

_EPOCHS = re.compile(r"\d{1,9}(,\d{1,9})*", re.ASCII)
_EPOCH = re.compile(r"\d{1,9}", re.ASCII)
_PICTURE = re.compile(r"p(\d{1,9})\.png", re.ASCII)
_KEEP = {"Cache-Control": "private, max-age=3600"}
_FRESH = {"Cache-Control": "no-store"}

Describe = Callable[[Snapshot], Mapping[str, Any]]
Theme = Literal["light", "dark"]
Draw = Callable[[Snapshot, NDArray[np.float32], int, Theme], bytes]
"""A PNG of points of a run at an epoch."""


class Service(Protocol):
    """What is asked of the run service."""

    def snapshot(self, run_id: str) -> Snapshot: ...
    def kept_frames(self, run_id: str, epochs: tuple[int, ...]) -> tuple[Kept, ...]: ...
    def views_at(self, run_id: str, epoch: int, names: tuple[str, ...]) -> Sight: ...


def routes(base: str, service: Callable[[], Service | None], describe: Describe, draw: Draw | None) -> list[Route]:
    """The routes under a base path. `describe` gives the words of a moment; without `draw` there are no pictures."""

    @lru_cache(maxsize=CACHED)
    def message(run_id: str, epochs: tuple[int, ...]) -> bytes:
        there = service()
        assert there is not None
        snapshot, kept = there.snapshot(run_id), there.kept_frames(run_id, epochs)
        return messages.past(snapshot, [(each.epoch, each.points, describe(snapshot.at(each.epoch))) for each in kept])

    def answer(run_id: str, epochs: tuple[int, ...]) -> Response:
        there = service()
        if there is None:
            return _refused(503, "The server is shutting down.")
        timeline = there.snapshot(run_id).timeline
        wanted = tuple(epoch for epoch in epochs if epoch in set(timeline))
        data = message(run_id, wanted)
        return Response(data, headers={**_KEEP, "Content-Type": "application/octet-stream"})

    async def frames(request: Request) -> Response:
        text = request.query_params.get("epochs", "")
        if len(text) > 10 * MOST_EPOCHS or not _EPOCHS.fullmatch(text) or text.count(",") >= MOST_EPOCHS:
            return _refused(400, f"epochs are up to {MOST_EPOCHS} whole numbers, such as epochs=0,8,16.")
        return await _told(answer, request.path_params["run"], tuple(sorted({*map(int, text.split(","))})))

    drawing = asyncio.Semaphore(DRAWING)

    def picture(run_id: str, epoch: int | None, theme: Theme) -> Response:
        there = service()
        if there is None or draw is None:
            return _refused(503, "The server is shutting down.")
        snapshot = there.snapshot(run_id)
        if epoch is None:
            if not snapshot.frames:
                return _refused(404, "The run has no points yet.")
            epoch, points = snapshot.frames[-1].epoch, snapshot.frames[-1].points
        else:
            kept = there.kept_frames(run_id, (epoch,))
            if not kept:
                return _refused(404, f"Epoch {epoch} of the run is not kept.")
            points = kept[0].points
        headers = {**_FRESH, "Content-Disposition": f'attachment; filename="p{epoch}.png"', "Content-Type": "image/png"}
        return Response(draw(snapshot, points, epoch, theme), headers=headers)

    async def pictures(request: Request) -> Response:
        name = request.path_params["file"]
        found = _PICTURE.fullmatch(name)
        if found is None and name != "now.png":
            return _refused(404, "There is no such picture: p40.png is that of epoch 40, now.png the newest.")
        theme: Theme = "dark" if request.query_params.get("theme") == "dark" else "light"
        async with drawing:
            return await _told(picture, request.path_params["run"], None if found is None else int(found[1]), theme)

    @lru_cache(maxsize=CACHED)
    def sight(run_id: str, epoch: int, names: tuple[str, ...]) -> bytes:
        there = service()
        assert there is not None
        return messages.views(there.snapshot(run_id), there.views_at(run_id, epoch, names), names)

    def seen(run_id: str, epoch: int, names: tuple[str, ...]) -> Response:
        there = service()
        if there is None:
            return _refused(503, "The server is shutting down.")
        if epoch not in there.snapshot(run_id).timeline:
            return _refused(404, f"Epoch {epoch} of the run is not kept.")
        data = sight(run_id, epoch, names)
        return Response(data, headers={**_KEEP, "Content-Type": "application/octet-stream"})

    async def views(request: Request) -> Response:
        epoch, names = request.query_params.get("epoch", ""), request.query_params.get("views", "").split(",")
        if not _EPOCH.fullmatch(epoch) or len(names) > MOST_VIEWS or max(map(len, names)) > LONGEST_VIEW:
            return _refused(400, f"Give one epoch and up to {MOST_VIEWS} views, such as epoch=40&views=discriminator.")
        async with drawing:
            return await _told(seen, request.path_params["run"], int(epoch), tuple(sorted({*names})))

    return [
        Route(f"{base}/frames/{{run}}", frames),
        Route(f"{base}/frames/{{run}}/views", views),
        Route(f"{base}/frames/{{run}}/{{file}}", pictures),
    ]


async def _told(work: Callable[..., Response], *args: Any) -> Response:
    """What the work answers, done in a thread, or in words why there is no answer."""
    try:
        return await asyncio.to_thread(work, *args)
    except UnknownRun as error:
        return _refused(404, str(error))
    except ValueError as error:
        return _refused(503, str(error))


def _refused(status: int, sentence: str) -> Response:
    return Response(sentence, status, {**_FRESH, "Content-Type": "text/plain; charset=utf-8"})
