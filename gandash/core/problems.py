"""What is wrong with a set-up, as a value: said once, shown wherever the knob is."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from dataclasses import dataclass

MOST_BYTES = 1200
"""Of one problem's text: with its knob's name and what is said around it, an answer stays below 2 KB."""

_brief = reprlib.Repr()
_brief.maxlevel = 3
_brief.maxdict = _brief.maxlist = _brief.maxtuple = _brief.maxset = 20
_brief.maxstring = _brief.maxlong = _brief.maxother = 100


@dataclass(frozen=True)
class Problem:
    """One thing wrong: a sentence without the knob's name, and the knob that it is about, None for the whole.

    Whatever was given, the text is one printable line of at most `MOST_BYTES`.
    """

    knob: str | None
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", cut(one_line(self.text), MOST_BYTES))


def one_line(text: str) -> str:
    """A text on one line, without what would move a terminal's cursor or turn its direction of writing."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def cut(text: str, most: int) -> str:
    """A text's beginning that has no more bytes than that in UTF-8; with an ellipsis where something is left out."""
    data = text.encode("utf-8", "backslashreplace")
    return text if len(data) <= most else data[: most - 3].decode("utf-8", "ignore") + "…"


def some_of(names: Sequence[str]) -> str:
    """The first dozen of some names, each `shortened`."""
    return ", ".join(map(shortened, names[:12])) + (", …" if len(names) > 12 else "")


def shortened(value: object) -> str:
    """A value as one would write it in Python, cut to 60 characters: what users give may be of any length and depth."""
    text = repr(value[:100]) if isinstance(value, str | bytes) else _brief.repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
