"""The set-up of a run as one PyTorch script: to read, to copy, to download."""

from __future__ import annotations

from functools import partial

import streamlit as st

from gandash.core.standalone import can_be_written, file_name, script
from gandash.core.targets.table import TableSpec
from gandash.pages import downloads
from gandash.pages.wording import by_hand
from gandash.runs import reading
from gandash.runs.service import RunService
from gandash.runs.snapshot import Snapshot

HEIGHT = 480
"""Pixels of the code, which scrolls."""


def show(service: RunService, snapshot: Snapshot, *, mine: bool = True) -> None:
    """Draw the section, once there are points on screen; nothing for a target that no script can learn.

    The rows of a table, which its script reads, are handed to who controls the run alone.
    """
    if not snapshot.variants or not can_be_written(snapshot.config.target):
        return
    config, note = snapshot.config, by_hand(snapshot) if snapshot.left_out else ""
    with st.container(border=True, key="code"):
        st.markdown("## Code: the set-up as one script")
        st.caption(about(snapshot))
        with st.container(horizontal=True, gap="small", vertical_alignment="center", key="code_buttons"):
            downloads.button(
                "Script",
                partial(script, config, note),
                file_name(config),
                "text/x-python",
                key="code",
                icon=":material/code:",
            )
            if isinstance(config.target, TableSpec) and mine:
                downloads.button(
                    "Data",
                    partial(service.work, reading.as_csv, config.target.text),
                    f"{config.target.build().name}.csv",
                    "text/csv",
                    icon=":material/table:",
                    about="The two columns as a file that the script reads: put it beside the script.",
                )
            shown = st.toggle("Show the code", key="show_code")  # colouring it keeps a browser busy
        if shown:
            st.code(script(config, note), language="python", height=HEIGHT)


def about(snapshot: Snapshot) -> str:
    """What the script is, and what it is not."""
    plain = (
        "Readable PyTorch with nothing of this dashboard in it and only what this set-up uses; it needs torch, numpy "
        "and matplotlib. It draws weights, points and noise as here: with the same seed it trains as this run did, up "
        "to rounding, which grows."
    )
    if snapshot.left_out:
        return f"{by_hand(snapshot)} {plain.partition(' It draws')[0]}"
    if not snapshot.parent and not snapshot.first_epoch:
        return f"{by_hand(snapshot)} {plain}".strip()
    return (
        "This run was trained on from another. The script is its set-up alone: it begins with fresh networks, so it "
        f"does not repeat this run. {plain.partition(' It draws')[0]}"
    )
