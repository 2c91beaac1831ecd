"""Where this server's own routes are, and from which pages they may be called: as Streamlit has it for its own."""

from __future__ import annotations

from pathlib import Path

from streamlit import config, file_util
from streamlit.web.server.starlette.starlette_websocket import _is_origin_allowed


def base_path() -> str:
    """What all paths of this server begin with: empty, or such as "/gans" (Streamlit's ``server.baseUrlPath``)."""
    path = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def frontend_folder() -> Path:
    """Where Streamlit's own page and what it asks for are."""
    return Path(file_util.get_static_dir())


def origin_allowed(origin: str | None, host: str | None) -> bool:
    """Whether a page from this origin may open a WebSocket to this host, by the same rules as Streamlit's own."""
    return _is_origin_allowed(origin, host)
