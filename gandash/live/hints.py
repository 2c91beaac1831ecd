"""What a browser should ask for at once, with the page itself, instead of when a script on the page asks for it."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gandash.live.assets import asset_url


class Hints:
    """ASGI middleware: the page at this path names assets that it will need, `scripts` and `modules`, in its header."""

    def __init__(self, app: ASGIApp, path: str, scripts: Sequence[str] = (), modules: Sequence[str] = ()) -> None:
        self._app = app
        self._path = path.rstrip("/") + "/"
        self._scripts = scripts
        self._modules = modules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["path"] != self._path:
            await self._app(scope, receive, send)
            return
        links = [f"<{asset_url(name)}>; rel=preload; as=script" for name in self._scripts]
        links += [f"<{asset_url(name)}>; rel=modulepreload" for name in self._modules]

        async def with_links(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == 200:
                MutableHeaders(scope=message).append("link", ", ".join(links))
            await send(message)

        await self._app(scope, receive, with_links)
