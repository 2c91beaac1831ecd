"""Elements of the page that `words.js` draws from a run's stream, from the script's own words on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gandash.charts.live import element
from gandash.live import assets
from gandash.pages.words import Words
from gandash.runs.snapshot import Snapshot

assets.register(Path(__file__).with_name("words.js"))

Told = dict[str, Any]


def telling(snapshot: Snapshot | None, words: Words, *, mine: bool = True) -> Told:
    """What all elements of a page are told: the run to watch, if any, and the words to begin with.

    `mine` says whether who looks may press what the sentences tell of.
    """
    return {
        "run": snapshot.run_id if snapshot else "",
        "version": snapshot.version if snapshot else 0,
        "words": json.dumps(words),  # as text: of lists Streamlit asks pandas and Arrow whether they are data frames
        "mine": mine,
        "live": snapshot is not None,
    }


def part(name: str, told: Told, **options: Any) -> None:
    """Draw one of the elements, by its name in `words.js`, which is its key too; `options` are Streamlit's."""
    element("gandash_words", "words.js", {"part": name, **told}, key=name, **options)
