"""How states and figures read."""

from __future__ import annotations

import pytest

from gandash.pages import wording
from tests.pages.conftest import as_read
from tests.pages.hostile import HOSTILE


@pytest.mark.parametrize("text", HOSTILE)
def test_plain_text_keeps_every_sign_in_its_order(text: str) -> None:
    escaped = wording.plain(text)
    assert "\n" not in escaped
    assert as_read(escaped) == " ".join(text.replace("\u202e", " ").split())


@pytest.mark.parametrize(("text", "line"), [("a\nb\t c ", "a b c"), ("", ""), ("ring8", "ring8"), ("é ∂ 環", "é ∂ 環")])
def test_plain_text_is_one_line_and_ordinary_words_stay_as_they_are(text: str, line: str) -> None:
    assert wording.plain(text) == line
