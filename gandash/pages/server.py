"""The one run service of this server, shared by all its pages and visitors, and who looks at a page.

The app opens it when the server starts and closes it when the server ends. It is kept here because the app's own module
is not: Streamlit imports that one from its file, under a name of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import streamlit as st

from gandash.pages import opening
from gandash.pages.wording import plain
from gandash.runs import access
from gandash.runs.service import RunService
from gandash.runs.snapshot import RunSummary, Snapshot

WARM_WITHIN = 6.0
"""Seconds after the server's start, unless a page is drawn sooner: loading torch would take a core from the first."""

_SECRET = "owner_secret"

_opened: RunService | ValueError = ValueError("No server has opened the saved runs: begin with `gandash`.")


@dataclass(frozen=True)
class Visitor:
    """Who looks at a page: the service for all, and the key under which this visitor owns runs.

    `lasting` says whether the browser keeps it. Where it keeps no cookie, in a frame of another site for one, the key
    goes with the page.
    """

    service: RunService
    owner: str
    lasting: bool

    def controls(self, run: Snapshot | RunSummary) -> bool:
        """Whether the visitor may control a run; the service asks again at every request."""
        return access.may_control(run.owners, self.owner)


@contextmanager
def serving() -> Iterator[RunService | None]:
    """A run service for the pages, which ends with the context; None, and the pages say why, if it cannot be opened."""
    try:
        service = RunService.open(warm_within=WARM_WITHIN)
    except ValueError as error:
        opened(error)
        yield None
        return
    opened(service)
    try:
        yield service
    finally:
        service.close()


def opened(service: RunService | ValueError) -> None:
    """Say which service the pages use from now on, or why there is none."""
    global _opened
    _opened = service


def visitor() -> Visitor:
    """Who looks at the page now. Where there is no service, the page says why and ends."""
    return Visitor(run_service(), *_owner())


def run_service() -> RunService:
    """The server's run service; where it cannot be opened, the page says why and ends."""
    try:
        return _open()
    except ValueError as error:
        st.error(f"gandash cannot start. {plain(str(error))} Then start the server again.", icon=":material/error:")
        st.stop()


def _open() -> RunService:
    opening.wait()
    if isinstance(_opened, ValueError):
        raise _opened
    return _opened


def _owner() -> tuple[str, bool]:
    """The visitor's key, and whether the browser keeps it."""
    secret = st.context.cookies.get(access.COOKIE)
    if access.is_secret(secret):
        return access.key_of(secret), True
    return access.key_of(st.session_state.setdefault(_SECRET, access.new_secret())), False
