"""What the page has from the beginning, before anything of it is drawn: style sheets, the theme, and a first sight.

A sheet that comes with the page's script is there later than what it lays out, which is then seen to jump. And until
Streamlit has loaded there would be an empty page: the first sight has Train in its place, and a press counts.
"""

from __future__ import annotations

from pathlib import Path

from gandash.charts import palettes

_GANDASH = Path(__file__).parents[1]
_CHARTS = ("live", "layers", "timeline", "board", "networks")
_PAGES = ("style", "sidebar", "share", "present", "draw", "upload")
SHEETS = (
    *(f"pages/{name}.css" for name in _PAGES),
    *(f"charts/{name}.css" for name in _CHARTS),
    "pages/first_sight.css",
)
"""Style sheets of every page, in their order."""


def html() -> str:
    """What is written into Streamlit's page."""
    sheets = "\n".join(map(_read, SHEETS))
    wordmark = _read("pages/wordmark.svg").replace(
        "<svg", '<svg class="gandash-first-logo" role="img" aria-label="gandash"', 1
    )
    sight = _read("pages/first_sight.html").replace("{wordmark}", wordmark)
    scripts = [f"<script>{_read(f'pages/{name}.js')}</script>" for name in ("theme", "first_sight")]
    return f"{palettes.style()}<style>{sheets}</style>{sight}{''.join(scripts)}"


def _read(name: str) -> str:
    return (_GANDASH / name).read_text(encoding="utf-8")
