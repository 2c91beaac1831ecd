"""How the pages put a run's state and its figures into words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from gandash.core.judge import JUDGE_VERSION
from gandash.core.metrics import METRICS, Metric, percent
from gandash.core.targets import Target
from gandash.runs.snapshot import Snapshot, Status

Colour = Literal["red", "orange", "blue", "green", "violet", "gray"]


class Look(NamedTuple):
    """How a status is shown."""

    label: str
    icon: str
    colour: Colour


LOOKS: Mapping[str, Look] = {
    Status.WAITING: Look("Waiting", ":material/hourglass_empty:", "blue"),
    Status.STARTING: Look("Starting", ":material/hourglass_top:", "blue"),
    Status.RUNNING: Look("Training", ":material/play_circle:", "green"),
    Status.PAUSED: Look("Paused", ":material/pause_circle:", "orange"),
    Status.FINISHED: Look("Finished", ":material/check_circle:", "green"),
    Status.STOPPED_EARLY: Look("Stopped early", ":material/flag:", "green"),
    Status.STOPPED: Look("Stopped", ":material/stop_circle:", "gray"),
    Status.DIVERGED: Look("Diverged", ":material/trending_up:", "red"),
    Status.FAILED: Look("Failed", ":material/error:", "red"),
}
"""By the status's value, so that they hold in sessions older than an edit of the code."""

VARIANT_TITLES = {"latest": "Latest", "ema": "EMA", "best": "Best"}

READY = Look("Ready", ":material/radio_button_unchecked:", "gray")
NOT_READY = Look("Not ready", ":material/tune:", "gray")


_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\s]+")
"""White space, control characters, and those that turn the direction of writing."""
_JOINTS = re.compile(r"(?<=[:@])(?=\S)|(?<=www)(?=\.)|(?<=[<>~=-])(?=[<>=-])", re.IGNORECASE)
_JOINER = "\u2060"


def plain(text: str) -> str:
    """Markdown that shows a text as it is, on one line: for what comes from a link, a file, a name or a message.

    Every punctuation mark is escaped. Some patterns Streamlit looks for in the finished text, where a backslash no
    longer counts (``:material/home:``, ``:smile:``, addresses, arrows): an invisible word joiner breaks them.
    """
    return _PUNCTUATION.sub(r"\\\1", _JOINTS.sub(_JOINER, line(text)))


def line(text: str) -> str:
    """A text on one line, without what cannot be seen."""
    return _UNSEEN.sub(" ", text).strip()


PICK = "Pick a shape and press Train: the generator's green stars move onto the real points, the red dots."
PICK_NUMBERS = (
    "Pick a pattern and press Train: bars rise on the numbers that are generated, up to the red lines when each one "
    "comes as often as among real ones."
)
PUT_RIGHT = "Put right what is said above, then press Train."
WARMING_UP = "The workers are warming up, which takes a few seconds. You can press Train already."

BUILDING = "A worker draws the real points and builds the networks."

_PRESS = re.compile(r"(?:; press Resume to go on from epoch \d+\.|\. Press Resume to try again\.)$")
_ADVICE = re.compile(r"(?:: (?=train on, or start a new run )| (?=Start a new run )).*$")

_NEXT_STEPS: Mapping[str, str] = {
    Status.PAUSED: "Resume goes on from here; Phase, Step and Epoch play a part.",
    Status.FINISHED: "Download the generator below, or change the set-up and press Train.",
    Status.STOPPED_EARLY: "Download the generator below, or change the set-up and press Train.",
    Status.STOPPED: "Its generator can still be downloaded; Train starts a new run.",
    Status.DIVERGED: "Change the set-up and press Train.",
}


def what_happens(snapshot: Snapshot, reading: str = "") -> str:
    """What is going on in a run or has happened, and how its points stand, as plain text on one line."""
    match snapshot.status:
        case Status.WAITING:
            told = _waiting(snapshot)
        case Status.STARTING:
            told = BUILDING
        case Status.RUNNING:
            told = " ".join(filter(None, (alone(snapshot), played(snapshot) or reading)))
            told = told or "The first epoch is under way."
        case status:
            failed = f"The run failed at epoch {snapshot.epoch:,}." if status is Status.FAILED else ""
            told = message(snapshot) or failed
            reading = played(snapshot) or reading
            if status not in (Status.DIVERGED, Status.FAILED) and not _says_what_failed(told):
                told = f"{told} {reading}".strip()
    return f"{line(snapshot.unsaved)} {told}".strip()


def message(snapshot: Snapshot) -> str:
    """A run's own last words on one line, without what its owner may press: `next_step` says that."""
    told, advice = _parts(snapshot)
    return f"{told}." if advice and not told.endswith(".") else told


def next_step(snapshot: Snapshot, told: str = "") -> str:
    """What can be pressed to go on, after what is `told` of the run; empty while it trains."""
    if snapshot.status is Status.FAILED:
        return "Press Resume to try again."
    if snapshot.status is Status.PAUSED and snapshot.phase is not None:
        return ""  # who plays by hand knows
    if snapshot.status.ended and (advice := _parts(snapshot)[1]):
        return advice
    if snapshot.status.ended and _says_what_failed(told):
        return "" if _says_what_failed(snapshot.message) else _NEXT_STEPS[Status.DIVERGED]
    return _NEXT_STEPS.get(snapshot.status, "")


def _parts(snapshot: Snapshot) -> tuple[str, str]:
    """What a run's own last words tell, and what they say to try instead."""
    told = _PRESS.sub(".", line(snapshot.message)).strip()
    found = _ADVICE.search(told)
    if found is None:
        return told, ""
    advice = found[0].lstrip(": ")
    return told[: found.start()], advice[0].upper() + advice[1:]


def _says_what_failed(message: str) -> bool:
    """Whether it is said that a generator is no good."""
    return any(said in message for said in ("has collapsed", "None of its points", "lie far off"))


def played(snapshot: Snapshot) -> str:
    """What the newest phase did if it was played by itself, and what comes next; empty if it was not."""
    phase = snapshot.phase
    if phase is None:
        return ""
    alike = "noise and dropout" if snapshot.config.dropout else "noise"
    before, after = _apart(phase.before, phase.after)
    course = f"stayed at {after}" if before == after else f"went from {before} to {after}"
    if before != after and math.isfinite(phase.before) and math.isfinite(phase.after):
        course = f"{'fell' if phase.after < phase.before else 'rose'} from {before} to {after}"
    following = "" if snapshot.status.ended else f" Next: {phase.next}."
    return (
        f"Step {phase.step:,}, {phase.name}: on this very batch, with the same {alike}, its loss {course}.{following}"
    )


def _apart(first: float, second: float) -> tuple[str, str]:
    """Two figures with as many digits as tell them apart, up to six."""
    for digits in range(3, 7):
        told = f"{first:.{digits}g}", f"{second:.{digits}g}"
        if told[0] != told[1]:
            break
    return told


def alone(snapshot: Snapshot) -> str:
    """Which network plays alone; empty if both play."""
    only = snapshot.pace.only
    if only is None:
        return ""
    other = "discriminator" if only == "generator" else "generator"
    return f"The {only} alone plays, the {other} stands still."


def by_hand(snapshot: Snapshot) -> str:
    """What of a run was played by hand, and what follows from that; empty if nothing was."""
    told = []
    if snapshot.hand_played:
        one = snapshot.hand_played == 1
        told.append(f"{snapshot.hand_played:,} phase{'' if one else 's'} {'was' if one else 'were'} played by hand")
    if snapshot.left_out:
        one = snapshot.left_out == 1
        told.append(
            f"{snapshot.left_out:,} phase{'' if one else 's'} {'was' if one else 'were'} left out while one network "
            "played alone"
        )
    if not told:
        return ""
    end = (
        "so code and links give the set-up alone, which does not repeat this run"
        if snapshot.left_out
        else "in order, so the run stays the same, bit for bit"
    )
    return f"{' and '.join(told)}, {end}."


def _waiting(snapshot: Snapshot) -> str:
    turn = "" if snapshot.place is None else f" It is number {snapshot.place:,} in the queue."
    return f"The run waits until another one pauses or ends.{turn}"


def pace(snapshot: Snapshot) -> str:
    """How fast the epochs go by and how long it takes until the end; empty while nothing is known."""
    parts = []
    if speed := snapshot.status.active and snapshot.pace.phases_per_second:
        return f"{speed:g} phase{'' if speed == 1 else 's'} a second"
    if snapshot.epochs_per_second:
        parts.append(f"{figure(snapshot.epochs_per_second)} epochs a second")
    if snapshot.seconds_left is not None and math.isfinite(snapshot.seconds_left):
        at_most = "" if snapshot.config.early_stopping == "off" else " at most"
        parts.append(f"{duration(snapshot.seconds_left)} left{at_most}")
    return ", ".join(parts)


def progress_text(snapshot: Snapshot) -> str:
    """How far the run is, as *Epoch 120 of 10,000*."""
    return f"Epoch {snapshot.epoch:,} of {snapshot.planned_epochs:,}"


def quality(snapshot: Snapshot, which: str) -> str:
    """A generator's gap to real, with its uncertainty and the epoch it was measured at."""
    name = VARIANT_TITLES[which] + (" (as shown)" if which == snapshot.shown else "")
    appraisal = snapshot.appraisals.get(which)
    if appraisal is None:
        return f"{name}: not measured yet"
    if appraisal.judge != JUDGE_VERSION:
        return f"{name}, epoch {appraisal.epoch:,}: measured by an earlier judge"
    gap = f"{percent(appraisal.metrics.get('headline'))} ± {percent(appraisal.uncertainty)}"
    return f"{name}, epoch {appraisal.epoch:,}: {METRICS['headline'].title.lower()} {gap}"


def figure(value: float | None) -> str:
    """A number with three significant digits, short enough for a tile; a dash where there is none."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    size = abs(value)
    if size >= 1e6 or 0 < size < 1e-4:
        return f"{value:.1e}"
    if size >= 1000:
        return f"{value:,.0f}"
    decimals = 2 - math.floor(math.log10(size)) if size else 0
    return f"{value:.{min(max(decimals, 0), 5)}f}"


def measured(metric: Metric, value: float | None) -> str:
    """A metric's value in the way that suits it; a dash where there is none."""
    suited = {"share": share, "accuracy": share, "modes": count, "%": percent}.get(metric.unit, figure)
    return suited(value)


def count(value: float | None) -> str:
    """A whole number; a dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else f"{value:,.0f}"


def hundredths(value: float | None) -> str:
    """A number of the order of 1 with two decimals, as short as `figure` where it is larger; a dash for none."""
    if value is None or not math.isfinite(value) or abs(value) >= 10:
        return figure(value)
    return f"{value:.2f}"


def share(value: float | None) -> str:
    """A share from 0 to 1 in per cent, never rounded up to 100 %; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{math.floor(value * 1000) / 10:.1f} %"


def duration(seconds: float) -> str:
    """A time span in its two largest units: *45 s*, *3 min 5 s*, *2 h 10 min*."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def ago(moment: datetime, now: datetime | None = None) -> str:
    """How long ago, roughly: *just now*, *5 min ago*, *3 h ago*, *2 days ago*."""
    seconds = ((now or datetime.now(UTC)) - moment).total_seconds()
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min ago"
    if seconds < 86_400:
        return f"{seconds // 3600:.0f} h ago"
    days = int(seconds // 86_400)
    return f"{days} day{'s' if days > 1 else ''} ago"


def overlay_label(shape: Target, snapshot: Snapshot | None) -> str:
    """What the picture shows, for those who cannot see it."""
    if shape.numbers:
        after = f" and, after {snapshot.frames[-1].epoch:,} epochs, generated" if snapshot and snapshot.frames else ""
        nothing = "" if after else "; nothing is generated yet"
        return f"{shape.title}: how often each number from 0 to 99 is real{after}{nothing}."
    if snapshot is None or not snapshot.frames:
        return f"Real points of {shape.title}; nothing is generated yet."
    return f"Real points of {shape.title} and generated points after {snapshot.frames[-1].epoch:,} epochs."
