"""The page's own script: keys and presses, the set-up in the address, marks on wrong fields (`browser.js`)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import streamlit as st

from gandash.core.config import KNOBS
from gandash.pages import presses

KEYS: tuple[tuple[str, str], ...] = (
    ("Space", "train, pause, resume"),
    ("u", "one phase: a single update of one network"),
    ("s", "one step: all phases once"),
    ("e", "one epoch"),
    ("n", "clear the page for a new set-up"),
    ("p", "present: picture, player and headline alone; Escape leaves"),
    ("t", "light or dark"),
    ("?", "these keys"),
)
"""What the keys do that the script knows."""


def show(link: str | None = None, run: str = "") -> None:
    """Bring the script to the page, which shows this run, "" for none.

    `link` is the set-up for the address, empty for none, None to leave it as it is.
    """
    book = presses.book()
    mount = st.components.v2.component("gandash_browser", js=_source(), isolate_styles=False)
    mount(
        key=presses.BROWSER,
        height=1,
        on_theme_change=_nothing,
        on_presses_change=_nothing,
        data={
            "link": link,
            "run": run,
            "book": book.name,
            "taken": book.taken,
            # pairs: of a dict or a list Streamlit asks pandas and Arrow, 65 MB of them, whether it is a data frame
            "inputModes": tuple(
                (name, "numeric" if knob.kind == "int" else "decimal")
                for name, knob in KNOBS.items()
                if knob.kind in ("int", "float")
            ),
        },
    )


def _nothing() -> None:
    """What the script does about presses, or a page that has gone from light to dark, is to run."""


def keys() -> None:
    """A small list of the keys, behind a question mark."""
    with st.popover("?", help="Keys of this page", key="keys"):
        st.markdown("\n".join(f"- `{key}` {what}" for key, what in KEYS))


@cache
def _source() -> str:
    return Path(__file__).with_name("browser.js").read_text(encoding="utf-8")
