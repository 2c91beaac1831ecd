"""The first sight of the page, which cannot ask the theme for its colours."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from gandash.pages import first_sight, style

ROOT = Path(__file__).parents[2]
CSS = (Path(first_sight.__file__).with_name("first_sight.css")).read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_its_colours_are_the_themes(theme: str) -> None:
    themes = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
    wanted = themes[theme]
    page = ':root[data-theme="dark"] ' if theme == "dark" else "\n"
    rule = CSS.split(f"{page}#gandash-first {{", 1)[1].split("}", 1)[0]
    colours = dict(re.findall(r"--(\w+): (#\w+);", rule))
    assert colours == {
        "ground": wanted["backgroundColor"],
        "text": wanted["textColor"],
        "panel": wanted["sidebar"]["backgroundColor"],
        "line": wanted["borderColor"],
        "primary": wanted["primaryColor"],
    }


def test_it_has_every_sheet_the_wordmark_and_a_button() -> None:
    html = first_sight.html()
    assert all((ROOT / "gandash" / name).read_text(encoding="utf-8") in html for name in first_sight.SHEETS)
    assert html.count("<svg") == 2 and "{wordmark}" not in html and ">Train</span></button>" in html
    assert f"{style.SIDEBAR_PIXELS}}}px" in html, "as wide as the sidebar is at first"
