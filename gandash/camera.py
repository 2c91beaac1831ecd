"""What is seen of a training on its way, without a dashboard: its film, and a picture of every so many-th epoch.

Drawing changes nothing of the training: the points are those of noise of their own, as in the dashboard.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gandash.core.metrics import METRICS, percent
from gandash.runs import timeline
from gandash.runs.snapshot import FRAME_POINTS
from gandash.runs.timeline import Kept
from gandash.runs.worker import FRAME_SEED, REAL_POINTS

if TYPE_CHECKING:
    from gandash.charts.film import Film
    from gandash.core.trainer import Trainer


class Camera:
    """Looks at a trainer at the end of epochs: `wait` says how far to train until then, `look` is for each of them.

    With a `folder` the picture of every `step`-th epoch is written there at once, as p25.png, p50.png and so on; with
    `film` the epochs that a timeline keeps are remembered. `pictured` are the epochs of the pictures.
    """

    def __init__(self, trainer: Trainer, *, film: bool, folder: Path | None, step: int) -> None:
        self.pictured: list[int] = []
        self._filming = film
        self._folder = folder
        self._step = step
        self._kept: tuple[Kept, ...] = ()
        if film and timeline.is_kept(trainer.epoch):
            self._kept = (Kept(trainer.epoch, _points(trainer)),)

    def wait(self, epoch: int) -> int | None:
        """How many epochs to train at most before it wants to look; None for any number."""
        goals = [timeline.following(epoch)] if self._filming else []
        if self._folder is not None:
            goals.append((epoch // self._step + 1) * self._step)
        return min(goals) - epoch if goals else None

    def look(self, trainer: Trainer) -> None:
        """Take what is to be seen of a trainer; it may stand within an epoch, of which the next one is not due yet."""
        epoch = trainer.epoch
        if trainer.state == "diverged" or trainer.history[-1].epoch != epoch or not _whole(trainer):
            return
        if self._filming and timeline.is_kept(epoch):
            self._kept = timeline.thinned((*self._kept, Kept(epoch, _points(trainer))), epoch)
        if self._folder is not None and epoch % self._step == 0:
            from gandash.charts.film import picture_of

            picture = picture_of(_film(trainer, [Kept(epoch, _points(trainer))]))
            (self._folder / f"p{epoch}.png").write_bytes(picture)
            self.pictured.append(epoch)

    def film(self, trainer: Trainer, *, gif: bool) -> bytes:
        """The film up to where the trainer stands now, as a GIF or an HTML file."""
        from gandash.charts.film import gif as as_gif
        from gandash.charts.film import html as as_html

        kept, epoch = self._kept, trainer.epoch
        if trainer.state != "diverged" and (not kept or kept[-1].epoch < epoch):
            kept = (*kept, Kept(epoch, _points(trainer)))
        made = _film(trainer, kept)
        return as_gif(made) if gif else as_html(made)


def _whole(trainer: Trainer) -> bool:
    """Whether a trainer stands between two epochs."""
    return trainer.batches % trainer.config.batches_per_epoch == 0


def _points(trainer: Trainer) -> NDArray[np.float32]:
    which = "latest" if trainer.state == "diverged" else trainer.shown
    return trainer.sample(FRAME_POINTS, seed=FRAME_SEED, which=which)


def _film(trainer: Trainer, kept: tuple[Kept, ...] | list[Kept]) -> Film:
    from gandash.charts.film import Film, Moment

    headlines = {record.epoch: record.metrics.get("headline") for record in trainer.history}
    moments = []
    for each in kept:
        headline = headlines.get(each.epoch)
        words = "" if headline is None else f"{METRICS['headline'].title} {percent(headline)}"
        moments.append(Moment(each.epoch, each.points, words))
    return Film(trainer.config.target, tuple(moments), trainer.real_points(REAL_POINTS))
