"""A generator under the hand: from a run of the visitor's, or from a file."""

from __future__ import annotations

from gandash.pages import exploring
from gandash.pages.server import visitor

exploring.show(visitor())
