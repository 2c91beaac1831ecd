"""What this server answers besides Streamlit's own paths."""

from __future__ import annotations

from starlette.routing import BaseRoute

from gandash.live import assets
from gandash.live.base import base_path


def routes() -> list[BaseRoute]:
    """All routes, under the base path of this server."""
    base = base_path()
    return [*assets.routes(base)]
