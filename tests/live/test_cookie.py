"""A browser gets its secret with the first page, keeps it, and nobody else can read or send it."""

from __future__ import annotations

import asyncio
from http.cookies import SimpleCookie

import pytest
from starlette.types import Message, Receive, Scope, Send

from gandash.live.cookie import OwnerCookie
from gandash.runs import access

ACCEPT = {"accept": "text/html,application/xhtml+xml"}


async def site(scope: Scope, receive: Receive, send: Send) -> None:
    """A page at /, a script everywhere else; who has a copy of either is told that it is still good."""
    kind = b"text/html; charset=utf-8" if scope["path"] == "/" else b"text/javascript"
    known = any(name == b"if-none-match" for name, _ in scope["headers"])
    await send({"type": "http.response.start", "status": 304, "headers": []} if known else _start(kind))
    await send({"type": "http.response.body", "body": b""})


def _start(kind: bytes) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": [(b"content-type", kind)]}


def get(path: str = "/", base: str = "", scheme: str = "http", **headers: str) -> Message:
    """Ask for a path, and return how the answer starts; headers with `_` for `-`."""
    sent: list[Message] = []
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "path": path, "scheme": scheme, "headers": raw}
    asyncio.run(OwnerCookie(site, base)(scope, receive, send))
    return sent[0]


def header(answer: Message, name: str) -> str:
    return "; ".join(value.decode() for key, value in answer["headers"] if key == name.encode())


def cookie_of(answer: Message) -> dict[str, str]:
    """The cookie that an answer sets: its attributes in lower case, and its value as `value`."""
    cookies = SimpleCookie(header(answer, "set-cookie"))
    if access.COOKIE not in cookies:
        return {}
    morsel = cookies[access.COOKIE]
    return {name: str(text) for name, text in morsel.items() if text} | {"value": morsel.value}


def test_the_first_page_brings_a_secret_and_every_other_the_same_for_another_year() -> None:
    first = get(**ACCEPT)
    cookie = cookie_of(first)
    secret = cookie["value"]
    assert access.is_secret(secret)
    assert cookie == {
        "value": secret,
        "httponly": "True",
        "samesite": "Lax",
        "path": "/",
        "max-age": str(365 * 24 * 3600),
    }
    known = {**ACCEPT, "cookie": f"{access.COOKIE}={secret}"}
    for answer in (first, get(**known), get(**known, if_none_match="x")):
        assert cookie_of(answer) == cookie and "private" in header(answer, "cache-control")
    assert cookie_of(get("/script", **known)) == {} == cookie_of(get("/script", cookie=known["cookie"]))


def test_every_browser_gets_a_secret_of_its_own() -> None:
    assert len({cookie_of(get())["value"] for _ in range(20)}) == 20


def test_nothing_but_a_page_brings_one() -> None:
    assert cookie_of(get("/script")) == {}
    assert cookie_of(get("/script", if_none_match="x", accept="*/*")) == {}


def test_a_page_that_the_browser_still_has_brings_one_too() -> None:
    answer = get(**ACCEPT, if_none_match="x")
    assert answer["status"] == 304 and access.is_secret(cookie_of(answer)["value"])


@pytest.mark.parametrize("odd", ["", "short", "x" * 42 + "!", "x" * 44, "x" * 4000, "../../etc"])
def test_an_odd_cookie_is_replaced(odd: str) -> None:
    assert access.is_secret(cookie_of(get(cookie=f"{access.COOKIE}={odd}"))["value"])


def test_others_cookies_hide_ours_not() -> None:
    secret = access.new_secret()
    assert cookie_of(get(cookie=f'odd={{"a": 1}}; nothing; {access.COOKIE}={secret}; =x'))["value"] == secret


@pytest.mark.parametrize(("scheme", "headers"), [("https", {}), ("http", {"x_forwarded_proto": "https"})])
def test_under_https_it_is_never_sent_without(scheme: str, headers: dict[str, str]) -> None:
    assert cookie_of(get(scheme=scheme, **headers)).get("secure") == "True"


@pytest.mark.parametrize(("base", "path"), [("g", "/g"), ("/g/h/", "/g/h"), ("", "/")])
def test_it_is_for_the_servers_own_path(base: str, path: str) -> None:
    assert cookie_of(get(base=base))["path"] == path
