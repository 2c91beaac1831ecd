"""The cookie by which a browser is known: a random secret that no script can read and no other site can send."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gandash.runs import access

YEAR = 365 * 24 * 3600
"""Seconds."""


class OwnerCookie:
    """ASGI middleware: every page that is answered brings the cookie, to a browser that has one its own again.

    So a browser is forgotten a year after its last page, not after its first. `path` is the base path of the server. A
    browser that comes back may hold a copy of the page without its cookie, so the answer that the copy is still good
    brings one too.
    """

    def __init__(self, app: ASGIApp, path: str = "") -> None:
        self._app = app
        self._path = "/" + path.strip("/")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        brought = _cookie(scope["headers"])
        wants_a_page = b"text/html" in _header(scope["headers"], b"accept")
        secure = scope.get("scheme") == "https" or _header(scope["headers"], b"x-forwarded-proto").startswith(b"https")

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                page = headers.get("content-type", "").startswith("text/html")
                if page or (wants_a_page and message["status"] == 304):
                    headers.append("set-cookie", self._given(brought, secure))
                    headers["cache-control"] = "no-cache, private"  # one secret for one browser
            await send(message)

        await self._app(scope, receive, with_cookie)

    def _given(self, brought: str | None, secure: bool) -> str:
        secret = brought if access.is_secret(brought) else access.new_secret()
        parts = [f"{access.COOKIE}={secret}", f"Path={self._path}", f"Max-Age={YEAR}"]
        return "; ".join([*parts, "HttpOnly", "SameSite=Lax", *(["Secure"] if secure else [])])


def _cookie(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The secret that a request brings, if it brings one."""
    return cookie_parser(_header(headers, b"cookie").decode("latin-1")).get(access.COOKIE)


def _header(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> bytes:
    return b"; ".join(value for key, value in headers if key == name)
