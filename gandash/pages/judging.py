"""The full report of metrics of what Explore looks at: at any time, and of a file as well, measured by a worker."""

from __future__ import annotations

import math
from collections.abc import Sequence

import streamlit as st

from gandash.core.records import Appraisal
from gandash.pages import explored, report, wording
from gandash.pages.explored import Explored
from gandash.pages.server import Visitor

_MEASURED, _ASKED = "explore_measured", "explore_asked"


@st.fragment
def show(looking: Visitor, shown: Sequence[Explored], captions: Sequence[str]) -> None:
    """Draw the reports of these generators, or the button that has them made."""
    with st.container(border=True, key="report"):
        st.subheader("How good is it?" if len(shown) == 1 else "How good are they?", anchor=False)
        known: dict[tuple[object, ...], Appraisal] = st.session_state.get(_MEASURED, {})
        found = {_key(each): known[_key(each)] for each in shown if _key(each) in known}
        st.session_state[_MEASURED] = found  # of what is no longer looked at nothing is kept
        if not all(_key(each) in found for each in shown) and not _measured(looking, shown, found):
            return
        names = [_name(each, caption, len(shown)) for each, caption in zip(shown, captions, strict=True)]
        appraisals = [found[_key(each)] for each in shown]
        for name, appraisal in zip(names, appraisals, strict=True):
            st.markdown(": ".join(filter(None, [wording.plain(name), report.verdict(appraisal)])))
        if len({each.generator.target for each in shown}) == 1:
            st.markdown(_table(shown, ["value"] if len(shown) == 1 else ["first", "second"], appraisals))
        else:
            for each, name, appraisal in zip(shown, names, appraisals, strict=True):
                st.markdown(f"**{wording.plain(name)}**")
                st.markdown(_table([each], ["value"], [appraisal]))
        st.caption("Measured on noise and real points that no training has seen.")


def _measured(looking: Visitor, shown: Sequence[Explored], found: dict[tuple[object, ...], Appraisal]) -> bool:
    """Have these measured if somebody has asked for it; whether they are."""
    if st.session_state.pop(_ASKED, False):
        try:
            with st.spinner("A worker measures…"):
                for each in shown:
                    if _key(each) not in found:
                        found[_key(each)] = looking.service.appraise(each.file)
            return True
        except ValueError as error:
            st.error(wording.plain(str(error)), icon=":material/error:")
    about = "All metrics, and whether anything tells generated from real points: some seconds."
    st.button("Measure everything", icon=":material/analytics:", key="explore_measure", help=about, on_click=_ask)
    return False


def _ask() -> None:
    st.session_state[_ASKED] = True


def _key(each: Explored) -> tuple[object, ...]:
    return (*each.key, each.epoch)


def _name(each: Explored, caption: str, count: int) -> str:
    """Of which generator a report speaks, at which epoch."""
    if count > 1:
        return caption
    return f"{each.generator.title}: {explored.name(each)}"


def _table(shown: Sequence[Explored], titles: Sequence[str], appraisals: Sequence[Appraisal]) -> str:
    target = shown[0].generator.target.build()
    return report.lines(
        target,
        {
            title: (each.metrics, each.uncertainty if math.isfinite(each.uncertainty) else None)
            for title, each in zip(titles, appraisals, strict=True)
        },
    )
