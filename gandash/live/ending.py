"""A server that is told to end does end, whoever is just coming."""

from __future__ import annotations

import signal

import uvicorn

LONGEST_END = 5
"""Seconds after which who is still connected is cut off."""


def bound_end() -> None:
    """Have this process's server end within a time.

    Uvicorn closes the connections that it has, and then waits for all to be closed: for ever, if one came just then.
    Streamlit leaves that so and hands out no server; it is the one that the process's signals go to.
    """
    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    if isinstance(server, uvicorn.Server) and server.config.timeout_graceful_shutdown is None:
        server.config.timeout_graceful_shutdown = LONGEST_END
