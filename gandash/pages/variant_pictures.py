"""What each generator of a run makes, as small pictures beside how good it is, for whoever opens the section.

Workers draw the points, a few hundred of each, only while the section is open and the run rests: then nothing changes
between the picture, its epoch and the file that is downloaded. All show the same noise.
"""

from __future__ import annotations

import base64
from html import escape

import streamlit as st

from gandash.charts.palettes import Theme
from gandash.pages import style, wording
from gandash.runs.service import RunService
from gandash.runs.snapshot import Snapshot

POINTS = 500
PIXELS = 240
"""Of a picture's side: twice what it has on most screens."""
_KEPT = "variant_pictures"

Pictures = dict[str, bytes]


def show(service: RunService, snapshot: Snapshot) -> None:
    """The section, closed at first; opening it runs nothing else of the page."""
    if snapshot.variants:
        st.fragment(_section, key="variant_section")(service, snapshot.run_id)


def _section(service: RunService, run_id: str) -> None:
    section = st.expander("What each one makes", on_change="rerun", key="variants_open", type="compact")
    if not section.open:
        return
    snapshot = service.snapshot(run_id)
    with section:
        if snapshot.status.active:
            st.caption("Its generators change while the run trains. Pause it to see what each one makes.")
            return
        try:
            with st.spinner("A worker draws some points of each …"):
                found = pictures(service, snapshot, style.theme())
        except ValueError as error:
            st.caption(wording.plain(str(error)))
            return
        st.html(figures(snapshot, found))


def pictures(service: RunService, snapshot: Snapshot, theme: Theme) -> Pictures:
    """A PNG for each generator of a run that rests, kept for the session until the run or the theme changes.

    Raises `ValueError` if the workers cannot, or if the run went on meanwhile.
    """
    identity = (snapshot.run_id, snapshot.version, theme)
    kept = st.session_state.get(_KEPT)
    if kept is not None and kept[0] == identity:
        return dict(kept[1])
    from gandash.charts.picture import thumbnail

    target = snapshot.config.target.build()
    found = {
        which: thumbnail(
            service.samples(snapshot.run_id, POINTS, which), target, real=snapshot.real, theme=theme, pixels=PIXELS
        )
        for which in snapshot.variants
    }
    if service.snapshot(snapshot.run_id).version != snapshot.version:
        raise ValueError("The run has gone on meanwhile: close this section and open it again.")
    st.session_state[_KEPT] = (identity, found)
    return found


def figures(snapshot: Snapshot, found: Pictures) -> str:
    """The pictures as HTML, each with what it shows and how good that is."""
    title = snapshot.config.target.build().title
    each = []
    for which, data in found.items():
        said = escape(wording.quality(snapshot, which))
        about = escape(f"{POINTS} points of {title}, generated: {wording.VARIANT_TITLES[which]}")
        source = f"data:image/png;base64,{base64.b64encode(data).decode()}"
        each.append(f'<figure><img src="{source}" alt="{about}"><figcaption>{said}</figcaption></figure>')
    return f'<div class="gandash-variants">{"".join(each)}</div>'
