"""What the judge says of a generator in the end, in words: for the page and for the command line. No torch here."""

from __future__ import annotations

from collections.abc import Mapping

from gandash.core.metrics import percent
from gandash.core.records import Appraisal

COPIES = 0.65
"""Copying from which it is worth a sentence: of fair samples of a hundred rows it is 0.4 to 0.6."""
_VERDICTS: Mapping[str, tuple[str, str]] = {
    "told apart": ("Told apart:", "more often than by chance, these points can be told from real ones."),
    "not told apart": ("Not told apart:", "nothing tells these points from real ones, and a blur of 5 % would show."),
    "too few points to say": (
        "Too few points to say:",
        "nothing tells these points from real ones, but with so many points a blur of 5 % would not show either.",
    ),
}


def verdict(appraisal: Appraisal, strong: str = "") -> str:
    """What the two-sample test says, in a sentence; empty where it was not made. `strong` is put around key words."""
    if appraisal.verdict not in _VERDICTS:
        return ""
    name, meaning = _VERDICTS[appraisal.verdict]
    return f"{strong}{name}{strong} {meaning}"


def copies(metrics: Mapping[str, float], strong: str = "") -> str:
    """A sentence if generated points lie nearer to rows of the training than others of the table do."""
    share = metrics.get("copying")
    if share is None or share < COPIES:
        return ""
    return (
        f"{strong}It repeats rows of the training:{strong} {percent(share)} of its points lie nearer to one than "
        "unseen rows do."
    )
