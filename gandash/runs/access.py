"""Who may control a run: rules without a page, a lock or a store.

A browser is known by a random secret, and its *key* is the secret's hash: runs carry keys, so whoever reads a run or
its file learns no secret. A run that has no owners belongs to whoever controls it first.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from typing import TypeGuard

COOKIE = "gandash_owner"
"""Where a browser keeps its secret."""

ADMINISTRATOR = "administrator"
"""Controls every run and owns none: whoever runs the server. It is no key, so no secret leads to it."""

MOST_OWNERS = 16

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_TOKEN = re.compile(r"[0-9a-f]{40}")


class NotYoursError(ValueError):
    """Somebody wanted to control a run of somebody else."""

    def __init__(self, text: str = "") -> None:
        super().__init__(
            text
            or "This run belongs to somebody else: you can watch it, but not control it. Train its set-up yourself, or "
            "ask its owner for a control link."
        )


def new_secret() -> str:
    """A secret for a browser that has none, 256 random bits."""
    return secrets.token_urlsafe(32)


def is_secret(text: str | None) -> TypeGuard[str]:
    """Whether a text can be one of our secrets; anything else in a cookie counts as none."""
    return text is not None and _SECRET.fullmatch(text) is not None


def key_of(secret: str) -> str:
    """The owner's key that belongs to a secret, 64 hexadecimal digits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def may_control(owners: Sequence[str], owner: str) -> bool:
    """Whether the owner of this key ("" for somebody unknown) may control a run with these owners."""
    return not owners or owner in owners or owner == ADMINISTRATOR


def claimed(owners: tuple[str, ...], owner: str) -> tuple[str, ...]:
    """A run's owners after this one has controlled it; raises `NotYoursError`."""
    if not may_control(owners, owner):
        raise NotYoursError
    return owners if owners or owner in ("", ADMINISTRATOR) else (owner,)


def control_token(run_id: str, owners: Sequence[str]) -> str:
    """What a control link carries: it lets whoever has it control this run, and no other."""
    return hmac.new(owners[0].encode(), f"control {run_id}".encode(), hashlib.sha256).hexdigest()[:40]


def joined(run_id: str, owners: tuple[str, ...], token: str, owner: str) -> tuple[str, ...]:
    """A run's owners after this one came with a control link; raises `NotYoursError` if it is not this run's.

    Of very many the first owner and the newest ones stay.
    """
    fits = owners and _TOKEN.fullmatch(token) and hmac.compare_digest(control_token(run_id, owners), token)
    if not fits or not owner:
        raise NotYoursError("The control link is not one of this run: ask its owner for a new one, or only watch.")
    if owner in owners:
        return owners
    return (*owners, owner) if len(owners) < MOST_OWNERS else (owners[0], *owners[2:], owner)
