"""A run's film and pictures, as files made at the click, by a worker: nobody waits for them meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gandash.charts.palettes import Theme
from gandash.core.metrics import METRICS
from gandash.pages import wording
from gandash.runs.service import RunService
from gandash.runs.snapshot import Snapshot

if TYPE_CHECKING:  # with Pillow it is a seventh of what the server imports before it answers
    from gandash.charts.film import Film, Moment


def gif(service: RunService, run_id: str, theme: Theme) -> bytes:
    """All that is kept of a run as a GIF."""
    from gandash.charts import film

    return service.work(film.gif, of(service, run_id), theme)


def html(service: RunService, run_id: str) -> bytes:
    """The same as one HTML file that plays without a network."""
    from gandash.charts import film

    return service.work(film.html, of(service, run_id))


def pictures(service: RunService, run_id: str, theme: Theme) -> bytes:
    """The pictures of every 25th epoch in a zip, each of the kept epoch that is nearest, under that epoch's name."""
    from gandash.charts import film

    snapshot = service.snapshot(run_id)
    return service.work(film.pictures, of(service, run_id, pictured(snapshot)), theme)


def pictured(snapshot: Snapshot) -> list[int]:
    """The epochs that `pictures` shows; of a run that is younger than the first of them, the newest."""
    from gandash.charts import film

    epochs = [*snapshot.timeline, *(frame.epoch for frame in snapshot.frames[-1:])]
    return film.every(epochs, snapshot.epoch) or epochs[-1:]


def draw(snapshot: Snapshot, points: NDArray[np.float32], epoch: int, theme: Theme) -> bytes:
    """The picture of a run at an epoch as PNG."""
    from gandash.charts import film
    from gandash.charts.film import Moment

    return film.picture_of(_film(snapshot, [Moment(epoch, points)]), theme)


def of(service: RunService, run_id: str, epochs: Sequence[int] | None = None) -> Film:
    """The film of a run: what is kept of it and its newest points, or of these epochs alone."""
    from gandash.charts.film import Moment

    snapshot = service.snapshot(run_id)
    moments = {kept.epoch: kept.points for kept in service.kept_frames(run_id, epochs)}
    for frame in snapshot.frames[-1:]:
        if frame.epoch not in moments and (epochs is None or frame.epoch in epochs):
            moments[frame.epoch] = frame.points
    return _film(snapshot, [Moment(epoch, moments[epoch], said(snapshot, epoch)) for epoch in sorted(moments)])


def said(snapshot: Snapshot, epoch: int) -> str:
    """A run's headline at an epoch; empty where it was not measured yet."""
    metrics, measured = snapshot.at(epoch).current
    if "headline" not in metrics or measured > epoch:
        return ""
    return f"{METRICS['headline'].title} {wording.measured(METRICS['headline'], metrics['headline'])}"


def _film(snapshot: Snapshot, moments: Sequence[Moment]) -> Film:
    from gandash.charts.film import Film

    return Film(snapshot.config.target, tuple(moments), snapshot.real, wording.line(snapshot.name))
