"""Routes that a server has only a moment after it answers: who asks sooner waits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from functools import cached_property

from starlette.routing import BaseRoute, Match, Router
from starlette.types import Receive, Scope, Send


class LateRoutes(BaseRoute):
    """All routes that `coming` will have; until then, whatever is below these paths is theirs."""

    def __init__(self, paths: Sequence[str], coming: Future[Sequence[BaseRoute]]) -> None:
        self._paths = tuple(paths)
        self._coming = coming

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request is for one of the routes."""
        if not self._coming.done() or self._coming.exception() is not None:
            ours = below(scope.get("path", ""), self._paths)
        else:
            ours = any(route.matches(scope)[0] is not Match.NONE for route in self._coming.result())
        return Match.FULL if ours else Match.NONE, {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, once the routes are there."""
        await asyncio.shield(asyncio.wrap_future(self._coming))
        await self._router(scope, receive, send)

    @cached_property
    def _router(self) -> Router:
        return Router(self._coming.result(), redirect_slashes=False)


def below(path: str, paths: Sequence[str]) -> bool:
    """Whether a path is one of these, or below one."""
    return any(path == each or path.startswith(f"{each}/") for each in paths)
