"""The page for viewers of a run, `/watch/<run>`: the same few bytes for every run, which it reads from its address.

It has no session. Its scripts and its style are assets, so a second visit asks for nothing but the page itself, and is
told that the copy it has is still good.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from string import Template

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gandash.live import assets
from gandash.live.base import base_path

_HERE = Path(__file__).parent
_SCRIPTS = ("watch.js", "stream.js", "picture.js", "curve.js", "axes.js", "glide.js")
_OTHERS = (
    *(f"charts/{name}" for name in ("board.css", "board.js", "elements.js", "follow.js", "points.js", "series.js")),
    *(f"charts/{name}" for name in ("contours.js", "layers.css", "layers.js", "phase.js", "switches.js", "symbols.js")),
    *(f"charts/{name}" for name in ("timeline.css", "timeline.js")),
    "pages/logo.svg",
)
"""Of other rooms, which this one does not import."""

_PRELOADED = (*_SCRIPTS[1:], "elements.js", "points.js", "series.js", "symbols.js")
"""What is needed at first sight; board, timeline and layers come when they are."""

for _path in [
    *map(_HERE.joinpath, (*_SCRIPTS, "moment.js")),
    _HERE / "watch.css",
    *map(_HERE.parent.joinpath, _OTHERS),
]:
    assets.register(_path)

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
    "Vary": "Accept-Encoding",
}


def routes(base: str) -> list[Route]:
    """The page, with and without a run in its address."""
    return [Route(f"{base}/watch{path}", _answer) for path in ("", "/{run:path}")]


@cache
def page() -> bytes:
    """The page as it is served."""
    names = ("watch.css", "board.css", "layers.css", "logo.svg", "watch.js")
    style, board, layers, logo, script = map(assets.asset_url, names)
    preloads = "\n".join(f'<link rel="modulepreload" href="{assets.asset_url(name)}">' for name in _PRELOADED)
    words = {"style": style, "board": board, "layers": layers, "logo": logo, "script": script}
    words |= {"timeline": assets.asset_url("timeline.css"), "base": base_path(), "font": _font()}
    page = Template((_HERE / "watch.html").read_text(encoding="utf-8"))
    return page.substitute({name: escape(word) for name, word in words.items()}, preloads=preloads).encode()


def _answer(request: Request) -> Response:
    content = page()
    tag = f'"{hashlib.blake2b(content, digest_size=8).hexdigest()}"'
    headers = HEADERS | {"ETag": tag}
    if tag in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(content, headers=headers)
    return Response(gzip.compress(content), headers=headers | {"Content-Encoding": "gzip"})


def _font() -> str:
    """The address of the dashboard's own font among Streamlit's files; empty if it is not where it used to be."""
    spec = find_spec("streamlit")
    assert spec is not None and spec.origin is not None
    found = sorted(Path(spec.origin).parent.glob("static/static/media/SourceSansVF-Upright*.woff2"))
    return f"{base_path()}/static/media/{found[0].name}" if found else ""
