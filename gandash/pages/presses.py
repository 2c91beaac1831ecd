"""Presses of the page's main buttons, as the browser numbers them: each is done once, in order, and none is lost.

Streamlit forgets that a button was pressed where the page's script has to begin anew before it has answered, as it does
when a run comes to another stage in that very moment. So `browser.js` tells presses as a value that stays, and the
script takes each number once; the buttons themselves answer until that script is there.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

BROWSER = "gandash_browser"
"""The element that tells them."""

NAMES = ("train", "phase", "step", "epoch", "reset")
MOST = 20
"""How many can wait to be taken; as in `browser.js`."""

_BOOK = "presses"


@dataclass
class Book:
    """What a session has taken: up to which number, and the run that it has begun and not yet put into the address.

    Scripts of one session may overlap for a moment, and one may end anywhere that it asks Streamlit for something; so a
    number is taken under the lock, and right after what it asks for is done. `name` tells sessions apart: a browser
    that comes back to another one tells the last presses again.
    """

    name: str = field(default_factory=lambda: secrets.token_hex(8))
    taken: int = 0
    begun: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)


@dataclass(frozen=True)
class Press:
    """A press: its number, the button, the run that the page showed, "" for none, and which press it had shown last."""

    number: int
    name: str
    run: str
    seen: int


def book() -> Book:
    """This session's."""
    found: Book = st.session_state.setdefault(_BOOK, Book())
    return found


def take(shown: Callable[[], str], do: Callable[[str], None]) -> bool:
    """Have all presses done that have not been, by the name of the button; `shown` is the run that the page shows now.

    A press is not passed on to another run than the one that it was meant for, unless an earlier press led there that
    the browser had not seen the end of. Returns whether there was any.
    """
    ours, found = book(), False
    for press in read(_told(), ours.name):
        with ours.lock:
            if press.number <= ours.taken:
                continue
            if press.run == shown() or press.seen < ours.taken:
                do(press.name)
            ours.taken, found = press.number, True
    return found


def _told() -> Any:
    element = st.session_state.get(BROWSER)
    return None if element is None else element.get("presses")


def read(told: Any, name: str) -> tuple[Press, ...]:
    """What a browser tells of presses in a session of this name; nothing where that is none of it."""
    try:
        listed = json.loads(told) if isinstance(told, str) and len(told) < 10_000 else []
    except (ValueError, RecursionError):
        return ()
    found = []
    for each in listed[:MOST] if isinstance(listed, list) else []:
        match each:
            case {"book": book_, "number": int(number), "name": str(button), "run": str(run), "seen": int(seen)}:
                if book_ == name and button in NAMES and 0 < number < 2**53:
                    found.append(Press(number, button, run, seen))
    return tuple(found)
