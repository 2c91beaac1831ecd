"""What is wrong with a set-up, as a value: said once, shown wherever the knob is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong: a sentence without the knob's name, and the knob that it is about, None for the whole."""

    knob: str | None
    text: str


def one_line(text: str) -> str:
    """A text on one line, without what would move a terminal's cursor or turn its direction of writing."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def some_of(names: Sequence[str]) -> str:
    """The first dozen of some names, each `shortened`."""
    return ", ".join(map(shortened, names[:12])) + (", …" if len(names) > 12 else "")


def shortened(value: object) -> str:
    """A value as one would write it in Python, cut to 60 characters: what users give may be of any length."""
    text = repr(value[:100] if isinstance(value, str | bytes | list | tuple) else value)
    return text if len(text) <= 60 else text[:57] + "..."
