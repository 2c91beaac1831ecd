"""The next run, while the page shows another one: its shape as a small picture, and what is different."""

from __future__ import annotations

import streamlit as st

from gandash.charts import figures
from gandash.core.config import KNOBS, RunConfig, changed_knobs
from gandash.pages import controls, knobs, setup
from gandash.pages.wording import plain
from gandash.runs.snapshot import Snapshot

MOST_TOLD = 3
PICTURE_PIXELS = 64


def show(checked: setup.Setup, snapshot: Snapshot | None) -> None:
    """Draw a small card titled *Next run*; nothing where the widgets hold the set-up of the run that is shown."""
    if checked.config is None or snapshot is None or not controls.differs(checked, snapshot):
        return
    with st.container(
        border=True, horizontal=True, gap="small", vertical_alignment="center", wrap=False, key="next_run"
    ):
        st.image(figures.thumbnail_svg(checked.config.target.build()), width=PICTURE_PIXELS)
        st.markdown("  \n".join(["**Next run**", *map(plain, differences(snapshot.config, checked.config))]))


def differences(old: RunConfig, new: RunConfig) -> list[str]:
    """What the next run has otherwise, in the order of the knobs, the shape first: *Dropout 0.1*."""
    changed = changed_knobs(old, new)
    told = [
        new.target.build().title
        if name == "target"
        else f"{knobs.SHORT.get(name, KNOBS[name].label)} {_said(name, new)}"
        for name in changed[:MOST_TOLD]
    ]
    rest = len(changed) - len(told)
    return [*told, *([f"and {rest} more knob{'s' if rest > 1 else ''}"] if rest else [])]


def _said(name: str, config: RunConfig) -> str:
    value = getattr(config, name)
    if isinstance(value, bool):
        return "on" if value else "off"
    return knobs.CHOICE_TITLES.get(name, {}).get(value) or str(setup.typed(value))
