"""Both networks as a diagram: of the run on screen, and of the knobs where they hold another set-up."""

from __future__ import annotations

import json
from dataclasses import asdict

import streamlit as st

from gandash.charts.live import element
from gandash.charts.scripts import NETWORKS
from gandash.core.config import RunConfig
from gandash.core.diagram import players
from gandash.runs.snapshot import Snapshot


def show(config: RunConfig | None, snapshot: Snapshot | None) -> None:
    """Draw the section. `config` is what the knobs hold, None where that is refused."""
    if snapshot is None and config is None:
        return
    with st.container(border=True, key="networks"):
        st.markdown("## Networks: the two players")
        if snapshot is not None:
            diagram(snapshot.config, snapshot.run_id, key="networks_run")
        if config is not None and (snapshot is None or players(config) != players(snapshot.config)):
            if snapshot is not None:
                st.caption("As the knobs stand now, for the next run:")
            diagram(config, "", key="networks_next")


def diagram(config: RunConfig, run: str, *, key: str) -> None:
    """Draw both networks of a set-up; those of a run show their weights."""
    drawn = json.dumps([asdict(player) | {"total": player.total} for player in players(config)])
    element("gandash_networks", NETWORKS, {"players": drawn, "run": run}, key=key)
