"""A target that is two columns of a file: the element that takes the file (`upload.js`), and what is known of it.

The file goes past the page's script (`gandash.live.uploads`); what comes here is the target's text, by which the rows
are found on this server.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import streamlit as st

from gandash.charts.live import element
from gandash.core.targets import read_spec
from gandash.core.targets.table import TableSpec
from gandash.core.targets.target import LONGEST_JSON
from gandash.live import assets
from gandash.live.base import base_path
from gandash.pages import recipes, server, setup

assets.register(Path(__file__).with_name("upload.js"))

EMPTY = '{"kind":"table"}'
"""The text of a target of this kind before there is a file."""
UPLOAD = "upload"
MOST_CARDS = 8

_BEGINS = EMPTY[:-1]
_MINE = "own_tables"


def is_table(text: str) -> bool:
    """Whether a target's text is that of a file's columns, perhaps a wrong one's."""
    return text.startswith(_BEGINS)


def title(text: str) -> str:
    """What such a target is called."""
    with suppress(ValueError):
        spec = read_spec(text)
        if isinstance(spec, TableSpec):  # its rows may not be on this server
            return spec.build().title
    return "A file"


def labels(texts: Sequence[str]) -> Mapping[str, str]:
    """What their cards are called, each otherwise: browsers send back what a card is called."""
    found: dict[str, str] = {}
    for text in texts:
        name, count = title(text), 1
        while (label := name if count == 1 else f"{name} ({count})") in found.values():
            count += 1
        found[text] = label
    return found


def cards(held: str) -> list[str]:
    """The texts of what this session has used, and of what is held."""
    mine: list[str] = st.session_state.get(_MINE, [])
    if setup.target(held) and held not in mine:
        st.session_state[_MINE] = mine = [*mine, held][-MOST_CARDS:]
    return list(mine)


def show(held: str) -> None:
    """Draw the element that takes a file."""
    looking = server.visitor()
    data = {
        "address": f"{base_path()}/uploads",
        "most": looking.service.incoming.quota.file,
        "allowed": looking.lasting,
        "chosen": setup.target(held) is not None,
    }
    element("gandash_upload", "upload.js", data, key=UPLOAD, on_target_change=_take)


def told(said: object) -> str | None:
    """The text of the target that the element has sent; None for what is none."""
    if not isinstance(said, str) or len(said) > LONGEST_JSON:
        return None
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        spec = setup.target(json.loads(said)["target"])
        if spec and is_table(spec.text):
            return spec.text
    return None


def _take() -> None:
    found = told(st.session_state[UPLOAD].get("target"))
    if found is None:
        return
    st.session_state[setup.key("target")] = found
    take_table()


def take_table() -> None:
    """What a choice of a file's columns does to the knobs: as a shape, and they say how many rows there are."""
    recipes.take_shape()
    if config := setup.read(None).config:
        setup.fill(config)
