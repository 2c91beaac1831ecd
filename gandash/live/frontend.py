"""Streamlit's own scripts, styles and fonts, from memory and compressed.

Streamlit answers a request for one of them in several steps on other threads and uncompressed. A first page asks for a
hundred of them, six at a time, and would wait for each behind all else that a server does as it starts.
"""

from __future__ import annotations

import re
import threading
from functools import cache

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gandash.live.assets import TYPES, compressed
from gandash.live.base import frontend_folder

LARGEST = 2**20
"""Bytes of a file that is kept; what is larger, no part of a first page, is left to Streamlit."""

_FILE = re.compile(r"(?:js|css|media)/[\w-][\w.-]*")
_NAMED = re.compile(r"""["']\./static/([\w./-]+)["']""")
_PACKED = (".js", ".css")
_TYPES = {ending: TYPES[ending] for ending in _PACKED} | {".woff2": "font/woff2"}


@cache
def kept(name: str) -> Response | None:
    """The answer of a file of Streamlit's, such as "js/index.DormvYxC.js"; None for all that is left to Streamlit."""
    path = frontend_folder() / "static" / name
    if not _FILE.fullmatch(name) or path.suffix not in _TYPES or not path.is_file() or path.stat().st_size > LARGEST:
        return None
    headers = {
        "Content-Type": _TYPES[path.suffix],
        "Cache-Control": "public, immutable, max-age=31536000",  # as Streamlit has it: a name changes with its content
        "Vary": "Accept-Encoding",
    }
    if path.suffix in _PACKED:
        return Response(compressed(path.read_bytes()), headers=headers | {"Content-Encoding": "gzip"})
    return Response(path.read_bytes(), headers=headers)


def keep_first() -> threading.Thread:
    """Begin, on a thread, to read and compress what the page itself names: a tenth of a second of a core."""
    thread = threading.Thread(target=_keep_named, name="gandash-frontend", daemon=True)
    thread.start()
    return thread


def named() -> tuple[str, ...]:
    """What Streamlit's page asks for at once."""
    return tuple(_NAMED.findall((frontend_folder() / "index.html").read_text(encoding="utf-8")))


def _keep_named() -> None:
    for name in named():
        kept(name)


class Frontend:
    """ASGI middleware: answers requests for Streamlit's own files, on a server with this base path."""

    def __init__(self, app: ASGIApp, path: str = "") -> None:
        self._app = app
        self._path = path.rstrip("/") + "/static/"
        keep_first()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; whoever wants a part of a file, or takes nothing compressed, is answered by Streamlit."""
        found = None
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"].startswith(self._path):
            asked = Headers(scope=scope)
            if "gzip" in asked.get("accept-encoding", "") and "range" not in asked:
                found = kept(scope["path"].removeprefix(self._path))
        await (found or self._app)(scope, receive, send)
