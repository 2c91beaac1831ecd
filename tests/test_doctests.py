"""The examples in docstrings do what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = [path for path in sorted((ROOT / "gandash").rglob("*.py")) if ">>>" in path.read_text(encoding="utf-8")]


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


@pytest.mark.parametrize("path", EXAMPLES, ids=name_of)
def test_examples_do_what_they_say(path: Path) -> None:
    """Module by module, so that what needs torch or Streamlit is loaded by its own examples alone."""
    assert "+SKIP" not in path.read_text(encoding="utf-8"), "an example that is never run is no example"
    failed, tried = doctest.testmod(importlib.import_module(name_of(path)))
    assert tried
    assert not failed


def test_there_are_examples_to_try() -> None:
    assert {"gandash.core.config", "gandash.core.trainer", "gandash.core.link"} <= set(map(name_of, EXAMPLES))
