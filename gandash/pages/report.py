"""How good the generator is: every metric of the last full evaluation, in words, once a run rests."""

from __future__ import annotations

import streamlit as st

from gandash.core.metrics import METRICS
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
    ideals = snapshot.config.target.build().ideals
    lines = ["| metric | value | ideal | better | what it says |", "| :-- | --: | --: | :-- | :-- |"]
    for name, metric in METRICS.items():
        if name in metrics:
            best = ideals.get(name, metric.ideal)
            measured = wording.measured(metric, metrics[name]) + _uncertainty(snapshot, name)
            ideal = "" if best is None else wording.measured(metric, best)
            lines.append(f"| {metric.title} | {measured} | {ideal} | {BETTER[metric.better]} | {metric.help} |")
    return "\n".join(lines)


def _uncertainty(snapshot: Snapshot, name: str) -> str:
    """How sure the headline is, where the figure shown is the one that was appraised."""
    appraisal = snapshot.appraisals.get(snapshot.shown)
    if name != "headline" or appraisal is None or appraisal.metrics is not snapshot.current[0]:
        return ""
    return f" ± {wording.figure(appraisal.uncertainty)}"
