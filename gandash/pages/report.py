"""How good the generator is: every metric of the last full evaluation, in words, once a run rests."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from gandash.core.metrics import METRICS
from gandash.core.targets import Target
from gandash.pages import wording
from gandash.runs.snapshot import Snapshot

BETTER = {"lower": "lower", "higher": "higher", "ideal": "neither more nor less"}


def show(snapshot: Snapshot) -> None:
    """Draw the report of a run that is not training; nothing before anything was measured."""
    metrics, epoch = snapshot.current
    if snapshot.status.active or not metrics:
        return
    with st.container(border=True, key="report"):
        shown = wording.VARIANT_TITLES[snapshot.shown]
        st.markdown(f"## How good is it? {shown}, as shown, at epoch {epoch:,}")
        if (accuracy := metrics.get("c2st")) is not None:
            st.markdown(verdict(accuracy))
        st.markdown(table(snapshot))
        st.caption("All on noise and real points that the training never saw.")


def verdict(accuracy: float) -> str:
    """What the classifier two-sample test says, in a sentence."""
    says = f"a classifier tells generated from real points in {wording.share(accuracy)} of cases, by chance 50 %."
    if accuracy < 0.55:
        return f"**As good as real:** {says}"
    return f"**Close to real:** {says}" if accuracy < 0.7 else f"**Not yet like real:** {says}"


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
            sure = f" ± {wording.figure(uncertainty)}" if name == "headline" and uncertainty is not None else ""
            cells.append(wording.measured(metric, metrics.get(name)) + sure)
        best = target.ideals.get(name, metric.ideal)
        cells.append("" if best is None else wording.measured(metric, best))
        rows.append(f"| {metric.title} | {' | '.join(cells)} | {BETTER[metric.better]} | {metric.help} |")
    return "\n".join(rows)


def _uncertainty(snapshot: Snapshot) -> float | None:
    """How sure the headline is, where the figure shown is the one that was appraised."""
    appraisal = snapshot.appraisals.get(snapshot.shown)
    return None if appraisal is None or appraisal.metrics is not snapshot.current[0] else appraisal.uncertainty
