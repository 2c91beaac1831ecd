"""What is happening in a run, in one sentence for somebody who has never seen a GAN train.

Everything said is measured: where the newest points on screen lie, the newest metrics, the discriminator's answers, and
how the gap to real has gone. The first clause tells how the points stand, the second where the training goes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gandash.core import health
from gandash.core.config import KNOBS, RunConfig
from gandash.core.metrics import LIKE_REAL
from gandash.core.objectives import OBJECTIVES
from gandash.core.targets import Target
from gandash.pages import wording
from gandash.runs.snapshot import Snapshot

CLOSE = 0.3
"""The gap up to which points are called close to real ones; a neighbour is then right in two of three cases."""
AS_OFTEN = 1.5
"""Total variation of numbers over that of real ones up to which each comes as often; real samples reach 1.3."""
EASILY = 0.6
HARDLY = 0.15
"""Differences of the discriminator's mean answers from which it tells apart easily, and up to which hardly."""
FIRST_EPOCHS = 10
TEXTBOOK_EPOCHS = 300
"""With the textbook's recipe five of six runs were ten times as far off as real samples after so many epochs."""
SHRINKING = ", and the gap to real is shrinking"
LONG = 100
"""Epochs without a better gap that are worth a word, or a quarter of all so far if that is more."""


def sentence(snapshot: Snapshot) -> str:
    """What a run's figures say, as one sentence; empty while there is nothing to say."""
    target = snapshot.config.target.build()
    metrics, _ = snapshot.current
    if target.numbers:
        said = _numbers(snapshot, target)
        return f"{said}{_course(snapshot) if snapshot.status.active else ''}." if said else ""
    if spot := _spot(snapshot, target):
        return f"{spot}."
    points = _outside(snapshot, target) or _covered(metrics.get, target)
    points = points or _judged(snapshot) or _gap(metrics.get("headline"))
    if not points:
        return ""
    return f"{points}{_course(snapshot) if snapshot.status.active else ''}."


def _spot(snapshot: Snapshot, target: Target) -> str:
    if not snapshot.frames:
        return ""
    if health.on_picture(target, snapshot.frames[-1].points)[1] >= health.ONE_SPOT:
        return ""
    if snapshot.epoch - snapshot.first_epoch < FIRST_EPOCHS:
        return "All points still lie in nearly one spot, as they may at the start"
    return "All points lie in nearly one spot: the generator has collapsed, and may not recover"


def _numbers(snapshot: Snapshot, target: Target) -> str:
    """How generated numbers stand: whether they fit the pattern, and whether each comes as often as it should."""
    metrics, _ = snapshot.current
    fit, variety, ratio = (metrics.get(name) for name in ("fit", "variety", "tv_ratio"))
    if snapshot.frames and len(target.numbers) > 1:
        ones, tens = _drawn(snapshot, target).T
        if np.ptp(ones) == np.ptp(tens) == 0:
            early = snapshot.epoch - snapshot.first_epoch < FIRST_EPOCHS
            end = ", as it may be at the start" if early else ": the generator has collapsed, and may not recover"
            return f"Every number is {10 * tens[0] + ones[0]:.0f}{end}"
    if fit is None or variety is None or ratio is None:
        return ""
    fits = "All numbers fit the pattern" if fit == 1 else f"{wording.share(fit)} of the numbers fit the pattern"
    if fit < 0.9:
        return fits
    if ratio <= AS_OFTEN:
        return f"{fits}, and each comes about as often as among real ones"
    if variety < 1:
        appear = f"{round(variety * len(target.numbers))} of {len(target.numbers)}"
        return f"{fits}, but only {appear} appear"
    return f"{fits}, but some come too often and others too seldom"


def _outside(snapshot: Snapshot, target: Target) -> str:
    if not snapshot.frames:
        return ""
    outside, _ = health.on_picture(target, snapshot.frames[-1].points)
    if outside > 0.99:
        return "Practically all points lie far off, outside the picture's own axes"
    return "Most points lie far off, outside the picture's own axes" if outside > health.OFF else ""


def _drawn(snapshot: Snapshot, target: Target) -> NDArray[np.float64]:
    return np.asarray(target.canvas.project(snapshot.frames[-1].points), np.float64)


def _covered(metric: Callable[[str], float | None], target: Target) -> str:
    """How much of the target has points, where it has parts that can be missed."""
    modes, good, reached = metric("modes"), metric("high_quality"), metric("x_coverage")
    if modes is not None and modes < target.ideals.get("modes", 0):
        return f"The points reach {modes:.0f} of {target.ideals['modes']:.0f} modes"
    if good is not None and good < 0.8:
        return f"All modes are reached, but only {wording.share(good)} of the points lie in one"
    if reached is not None and reached < 0.95:
        return f"The points reach {wording.share(reached)} of the range of x"
    return ""


def _judged(snapshot: Snapshot) -> str:
    """What the judge says of the points of a run that has ended; empty where the gap says it."""
    appraisal = snapshot.current_appraisal
    if appraisal is None:
        return ""
    if appraisal.verdict == "not told apart":
        return "Nothing tells the points from real ones"
    if appraisal.verdict == "too few points to say":
        return "The points are too few to say: no test tells them from real ones, but a slight blur would not show"
    near = appraisal.metrics.get("headline", math.inf) <= LIKE_REAL
    if appraisal.verdict == "told apart" and near:
        return "The points are all but like real ones, though a test still tells them apart"
    return ""


def _gap(gap: float | None) -> str:
    if gap is None or math.isnan(gap):
        return ""
    if gap <= LIKE_REAL:
        return "By the gap to real, hardly anybody could tell the points from real ones"
    return "The points are close to real ones" if gap <= CLOSE else "The points are not yet like real ones"


def _course(snapshot: Snapshot) -> str:
    """Where the training goes: the discriminator's lead, or the way of the gap."""
    gap = snapshot.current[0].get("headline")
    if gap is None or gap <= LIKE_REAL:
        return ""
    trend = _trend(snapshot)
    if trend and trend != SHRINKING:
        return trend
    if gap > CLOSE and snapshot.epoch <= TEXTBOOK_EPOCHS and _is_textbook(snapshot.config):
        return ", which is usual for the textbook's recipe in its first few hundred epochs"
    lead = _lead(snapshot)
    if lead is not None and lead >= EASILY:
        return "; the discriminator tells real from generated easily, so the generator has far to go"
    if trend:
        return trend
    if lead is not None and abs(lead) <= HARDLY:
        return "; the discriminator can hardly tell real from generated, which alone does not make them good"
    return ""


def _lead(snapshot: Snapshot) -> float | None:
    """By how much D(x) is higher on real than on generated points, where it is a probability."""
    columns = snapshot.history.columns
    if not OBJECTIVES[snapshot.config.objective].probability or not len(snapshot.history):
        return None
    lead = float(columns["d_real"][-1] - columns["d_fake"][-1])
    return lead if math.isfinite(lead) else None


def _trend(snapshot: Snapshot) -> str:
    """Whether the gap to real shrinks, grows or stands still: medians over stretches of the run's own epochs."""
    history = snapshot.history
    gaps = history.columns.get("headline")
    if gaps is None:
        return ""
    measured = np.isfinite(gaps) & (history.epoch > snapshot.first_epoch)
    gaps, epochs = gaps[measured], history.epoch[measured]
    stretch = min(max(len(gaps) // 8, 3), 25)
    if len(gaps) < 2 * stretch:
        return ""
    whole = len(gaps) // stretch * stretch
    medians = np.median(gaps[-whole:].reshape(-1, stretch), axis=1)
    best = len(medians) - 1 - int(medians[::-1].argmin())
    since = int(epochs[-1] - epochs[len(gaps) - whole + (best + 1) * stretch - 1])
    earlier = medians[-min(3, len(medians))]
    if medians[-1] < 0.8 * earlier:
        return SHRINKING
    if since >= max(LONG, (snapshot.epoch - snapshot.first_epoch) // 4):
        return f"; the gap to real has got no smaller for about {_rounded(since):,} epochs"
    return "; the gap to real has been growing" if medians[-1] > 2 * max(earlier, LIKE_REAL) else ""


def _rounded(epochs: int) -> int:
    step = int(10 ** (len(str(epochs)) - 1)) // 2
    return epochs // step * step


@lru_cache(maxsize=64)
def _is_textbook(config: RunConfig) -> bool:
    """Whether a config is the chapter's recipe on a curve as the chapter has, however long it trains."""
    if config.target.build().textbook_metric is None:
        return False
    told = RunConfig(target=config.target)
    free = {knob: getattr(told, knob) for knob, about in KNOBS.items() if about.group in ("stopping", "device")}
    return config.model_copy(update={**free, "epochs": told.epochs}) == told
