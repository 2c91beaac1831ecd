"""A generator under the hand: from a run of the visitor's, or from a file."""

from __future__ import annotations

from gandash.pages import browser, exploring
from gandash.pages.server import visitor

browser.show()
exploring.show(visitor())
