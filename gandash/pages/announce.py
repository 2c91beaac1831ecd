"""What a screen reader says by itself: the state of a run when it changes, and nothing at every tick."""

from __future__ import annotations

import streamlit as st

from gandash.pages import wording
from gandash.runs.snapshot import Snapshot

_SCRIPT = """
// The region stays and only its text changes: a region that comes with its text is not read by every screen reader.
export default function ({ data, parentElement }) {
  let region = parentElement.querySelector("[role=status]");
  if (!region) {
    region = document.createElement("div");
    region.setAttribute("role", "status");
    region.setAttribute("aria-live", "polite");
    parentElement.append(region);
  }
  if (region.textContent !== data.sentence) region.textContent = data.sentence;
}
"""


def show(snapshot: Snapshot | None) -> None:
    """Keep the live region of the page up to date; it is read, not seen."""
    region = st.components.v2.component("gandash_announce", js=_SCRIPT, isolate_styles=False)
    # of a bare text Streamlit would ask pandas and Arrow whether it is a data frame
    region(key="announce", data={"sentence": sentence(snapshot)}, height=1)


def sentence(snapshot: Snapshot | None) -> str:
    """A run's state in words that stay the same for as long as it does."""
    if snapshot is None:
        return wording.READY.label
    state = f"{snapshot.config.target.build().title}: {wording.LOOKS[snapshot.status].label}"
    if snapshot.status.active:
        return f"{state}."
    return f"{state} at epoch {snapshot.epoch:,}. {snapshot.message}".rstrip()
