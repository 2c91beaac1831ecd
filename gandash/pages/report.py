"""How good the generator is: every metric of the last full evaluation, in words, once a run rests."""

from __future__ import annotations

import math
from collections.abc import Mapping

import streamlit as st

from gandash.core.metrics import METRICS, percent
from gandash.core.records import Appraisal
from gandash.core.targets import Target
from gandash.pages import wording
from gandash.runs.snapshot import Snapshot

COPIES = 0.65
"""Copying from which it is worth a sentence: of fair samples of a hundred rows it is 0.4 to 0.6."""
BETTER = {"lower": "lower", "higher": "higher", "ideal": "neither more nor less"}


def show(snapshot: Snapshot) -> None:
    """Draw the report of a run that is not training; nothing before anything was measured."""
    metrics, epoch = snapshot.current
    if snapshot.status.active or not metrics:
        return
    with st.container(border=True, key="report"):
        shown = wording.VARIANT_TITLES[snapshot.shown]
        st.markdown(f"## How good is it? {shown}, as shown, at epoch {epoch:,}")
        appraisal = snapshot.current_appraisal
        if appraisal is not None and (said := verdict(appraisal)):
            st.markdown(said)
        st.markdown(table(snapshot))
        st.caption("All on noise and real points that the training never saw.")


_VERDICTS = {
    "told apart": "**Told apart:** more often than by chance, these points can be told from real ones.",
    "not told apart": "**Not told apart:** nothing tells these points from real ones, and a blur of 5 % would show.",
    "too few points to say": "**Too few points to say:** nothing tells these points from real ones, but with so many "
    "points a blur of 5 % would not show either.",
}


def verdict(appraisal: Appraisal) -> str:
    """What the two-sample test says, in a sentence with the gap; empty where it was not made."""
    if appraisal.verdict not in _VERDICTS:
        return ""
    gap = appraisal.metrics.get("headline")
    sure = f" ± {percent(appraisal.uncertainty)}" if math.isfinite(appraisal.uncertainty) else ""
    return f"{_VERDICTS[appraisal.verdict]} The gap is {percent(gap)}{sure}.{_copies(appraisal.metrics)}"


def _copies(metrics: Mapping[str, float]) -> str:
    """A sentence if generated points lie nearer to rows of the training than others of the table do."""
    share = metrics.get("copying")
    if share is None or share < COPIES:
        return ""
    return (
        f" **It repeats rows of the training:** {percent(share)} of its points lie nearer to one than unseen rows do."
    )


def table(snapshot: Snapshot) -> str:
    """Every metric with its value, what a perfect generator scores, and what it says, as Markdown."""
    metrics, _ = snapshot.current
    return lines(snapshot.config.target.build(), {"value": (metrics, _uncertainty(snapshot))})


def lines(target: Target, measured: Mapping[str, tuple[Mapping[str, float], float | None]]) -> str:
    """Generators' metrics as a table in Markdown, a column each under its title.

    `measured` holds of each its metrics and, where it is known, how sure the headline is.
    """
    titles = [*measured, "ideal"]
    rows = [
        f"| metric | {' | '.join(titles)} | better | what it says |",
        f"| :-- {'| --: ' * len(titles)}| :-- | :-- |",
    ]
    for name, metric in METRICS.items():
        if not any(name in metrics for metrics, _ in measured.values()):
            continue
        cells = []
        for metrics, uncertainty in measured.values():
            sure = f" ± {percent(uncertainty)}" if name == "headline" and uncertainty is not None else ""
            cells.append(wording.measured(metric, metrics.get(name)) + sure)
        best = target.ideals.get(name, metric.ideal)
        cells.append("" if best is None else wording.measured(metric, best))
        rows.append(f"| {metric.title} | {' | '.join(cells)} | {BETTER[metric.better]} | {metric.help} |")
    return "\n".join(rows)


def _uncertainty(snapshot: Snapshot) -> float | None:
    """How sure the headline is, where the figure shown is the one that was appraised."""
    appraisal = snapshot.current_appraisal
    return None if appraisal is None or "headline" not in appraisal.metrics else appraisal.uncertainty
