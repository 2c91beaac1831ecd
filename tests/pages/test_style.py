"""The style sheets' `:has()`: what it costs while charts draw many times a second."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SHEETS = sorted((Path(__file__).parents[2] / "gandash").rglob("*.css"))
BROAD = re.compile(r"(?:^|[\s,>+~]|:is\()(?:\*|body|html|div|:root|#root)?(?::not\()?:has\(")
"""A `:has()` on whatever there is, or on what holds the charts as well."""
COUNTED = re.compile(r":has\((?:[^()]|\([^()]*\))*\)\s*[\s>+~]\s*:(?:nth|first|last|only)")
"""What is counted below an element that has something."""


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_what_has_something_is_named(sheet: Path) -> None:
    """With `body:has()` or a bare `:has()` a browser styles the page anew whenever a chart adds a point."""
    rules = re.findall(r"[^{};]+(?=\{)", re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL))
    broad = [rule.strip() for rule in rules if BROAD.search(rule) or COUNTED.search(rule)]
    broad = [
        rule for rule in broad if not rule.endswith('#stFloatingOverlayPortal [role="tooltip"]')
    ]  # while one is open
    assert broad == [], 'name the element: [data-testid="stLayoutWrapper"]:has(...), .st-key-...:has(...)'
