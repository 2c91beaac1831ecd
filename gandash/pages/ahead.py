"""What a press leads to, for the page to draw before its script has said so (`ahead.js`).

A shape without a run, the empty page after Reset and a run that is starting follow from the target alone, in the live
part of the page. Each target that has a card has a file with them; what the script says after that counts.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.requests import Request
from starlette.responses import Response

from gandash.charts.live import chart_data, element
from gandash.core.targets import read_spec
from gandash.live import assets
from gandash.pages import gallery, setup

assets.register(Path(__file__).with_name("ahead.js"))

_HEADERS = {"Content-Type": "application/json", "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}


def show(*, run: str, begins: bool, right: bool) -> None:
    """Bring the script to the page, which shows this run, "" for none.

    `begins` says whether Train begins a new run, and `right` whether the set-up can be trained and a worker is warm.
    """
    name = st.session_state[setup.key("target")]
    data = {
        "target": name if gallery.has_card(name) else "",
        "cards": gallery.cards_beside(name),
        "run": run,
        "begins": begins,
        "right": right,
    }
    element("gandash_ahead", "ahead.js", data, key="ahead", height=1)


def answer(request: Request) -> Response:
    """The file of a target, ``/ahead/<target>``."""
    target = request.path_params["target"]
    if not gallery.has_card(target):
        return Response("There is no such file: load the page again.", 404, {"Cache-Control": "no-store"})
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(_file(target), headers=_HEADERS)
    return Response(_packed(target), headers={**_HEADERS, "Content-Encoding": "gzip"})


@lru_cache(maxsize=64)
def _packed(target: str) -> bytes:
    return assets.compressed(_file(target))


def _file(target: str) -> bytes:
    return json.dumps(told(target)).encode()


def told(name: str) -> dict[str, Any]:
    """What elements are told without a run: the ``picture``, and the ``words`` before one and of one ``starting``."""
    from gandash.pages import monitor, words  # later than the server answers

    target = read_spec(name).build()
    before = words.before(target, ready=True)
    scene, options = monitor.picture(None, target, before)
    return {
        "picture": chart_data(scene, **options),
        "words": json.dumps(before),
        "starting": json.dumps(words.starting(target)),
    }
