"""What Streamlit's page has of ours from the beginning, before anything of it is drawn."""

from __future__ import annotations

import gzip
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gandash.live.assets import compressed
from gandash.live.late import below

_ROOT = b'<div id="root">'
_ABOUT_A_COPY = (b"if-none-match", b"if-modified-since", b"range")
_OF_THE_FILE = ("etag", "last-modified", "accept-ranges")


class FirstSight:
    """ASGI middleware: writes `html` into Streamlit's page, after the styles in its header and before what is drawn.

    What is below the paths `besides` is no page of Streamlit's, and is left alone.
    """

    def __init__(self, app: ASGIApp, html: str, besides: Sequence[str] = ()) -> None:
        self._app = app
        self._besides = tuple(besides)
        self._html = html.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request. A copy of the page that a browser has may be without it, so none is asked about."""
        asked_for = Headers(scope=scope).get("accept", "") if scope["type"] == "http" else ""
        if "text/html" not in asked_for or scope["method"] != "GET" or below(scope["path"], self._besides):
            await self._app(scope, receive, send)
            return
        asked = {**scope, "headers": [each for each in scope["headers"] if each[0] not in _ABOUT_A_COPY]}
        start: Message | None = None
        body = b""

        async def with_ours(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and _is_page(message):
                start = message
                return
            if start is None:
                await send(message)
                return
            body += message.get("body", b"")
            if not message.get("more_body", False):
                await send_all(start, body)

        async def send_all(start: Message, body: bytes) -> None:
            headers = MutableHeaders(scope=start)
            packed = "content-encoding" in headers
            page = gzip.decompress(body) if packed else body
            if _ROOT in page:
                page = page.replace(_ROOT, self._html + _ROOT, 1)
                body = compressed(page) if packed else page
                for name in _OF_THE_FILE:
                    del headers[name]
                headers["content-length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        await self._app(asked, receive, with_ours)


def _is_page(start: Message) -> bool:
    headers = MutableHeaders(scope=start)
    html = headers.get("content-type", "").startswith("text/html")
    return bool(start["status"] == 200 and html and headers.get("content-encoding", "gzip") == "gzip")
