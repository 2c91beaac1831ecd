"""A text to copy with one press of a button (`copy.js`)."""

from __future__ import annotations

from pathlib import Path

from gandash.charts.live import element
from gandash.live import assets

assets.register(Path(__file__).with_name("copy.js"))


def show(text: str, *, label: str, key: str, button: str = "Copy") -> None:
    """Draw a field with the text and a button that copies it."""
    element("gandash_copy", "copy.js", {"text": text, "label": label, "button": button}, key=key)
