"""The visitor's runs, or everybody's, newest first: open one, stop it, delete it."""

from __future__ import annotations

from gandash.pages import browser, run_list
from gandash.pages.server import visitor

browser.show()
run_list.show(visitor())
