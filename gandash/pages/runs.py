"""All runs of this server, newest first: open one, stop it, delete it."""

from __future__ import annotations

from gandash.pages import run_list
from gandash.pages.server import run_service

run_list.show(run_service())
