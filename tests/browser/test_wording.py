"""Streamlit's own Markdown on hostile texts: none becomes anything but text."""

from __future__ import annotations

from pathlib import Path

from tests.browser.conftest import OpenPage
from tests.browser.driver import ROOT, dashboard_server
from tests.pages.hostile import HOSTILE

APP = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import streamlit as st
from gandash.pages.wording import plain
from tests.pages.hostile import HOSTILE
for text in HOSTILE:
    st.markdown(plain(text))
    st.error(plain(text))
    st.markdown(f"{{plain(text)}} :gray[{{plain(text)}}]")
"""

READ = """() => [...document.querySelectorAll("[data-testid='stMarkdownContainer']")].map((shown) => ({
  text: shown.textContent.replaceAll('\\u2060', ''),
  tags: [...new Set([...shown.querySelectorAll('*')].map((element) => element.tagName))].sort(),
}))"""


def test_plain_text_is_shown_as_it_is(open_page: OpenPage, tmp_path: Path) -> None:
    app = tmp_path / "app.py"
    app.write_text(APP)
    with dashboard_server(tmp_path / "home", module=("streamlit", "run", str(app))) as (url, _):
        page = open_page(url)
        found = page.evaluate(READ)
        page.close()
    expected = []
    for text in HOSTILE:
        shown = " ".join(text.replace("\u202e", " ").split())
        expected += [shown, shown, f"{shown} {shown}"]
    assert [element["text"].strip() for element in found] == expected
    assert {tag for element in found for tag in element["tags"]} <= {"P", "SPAN"}
