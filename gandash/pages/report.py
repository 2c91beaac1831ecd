"""How good the generator is: every metric of the last full evaluation, in words, once a run rests."""

from __future__ import annotations

import math
from collections.abc import Mapping

import streamlit as st

from gandash.core import told
from gandash.core.metrics import METRICS, percent
from gandash.core.records import Appraisal
from gandash.core.targets import Target
from gandash.pages import wording
from gandash.runs.snapshot import Snapshot

BETTER = {"lower": "lower", "higher": "higher", "ideal": "near the ideal"}


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


def verdict(appraisal: Appraisal) -> str:
    """What the two-sample test says, in a sentence with the gap; empty where it was not made."""
    said = told.verdict(appraisal, "**")
    if not said:
        return ""
    gap = appraisal.metrics.get("headline")
    sure = f" ± {percent(appraisal.uncertainty)}" if math.isfinite(appraisal.uncertainty) else ""
    return f"{said} The gap is {percent(gap)}{sure}. {told.copies(appraisal.metrics, '**')}".rstrip()


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
