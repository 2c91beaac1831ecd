"""What is wrong with a set-up, as a value: said once, shown wherever the knob is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing wrong: a sentence without the knob's name, and the knob that it is about, None for the whole."""

    knob: str | None
    text: str


def shortened(value: object) -> str:
    """A value as one would write it in Python, cut to 60 characters: what users give may be of any length."""
    text = repr(value[:100] if isinstance(value, str | bytes | list | tuple) else value)
    return text if len(text) <= 60 else text[:57] + "..."
