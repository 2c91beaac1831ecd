"""What is in Streamlit's page from the beginning."""

from __future__ import annotations

import gzip

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from gandash.live.base import frontend_folder
from gandash.live.first_sight import FirstSight
from tests.live.serving import get, serve

PAGE = frontend_folder() / "index.html"
OURS = "<style>.own { color: red; }</style><p>first</p>"


def index(_: Request) -> Response:
    return FileResponse(PAGE)


def watch(request: Request) -> Response:
    return HTMLResponse(
        "<p>no page of Streamlit's</p>" * 100, headers={"asked": request.headers.get("if-none-match", "")}
    )


@pytest.mark.parametrize("packed", [False, True])
def test_streamlits_page_has_it_before_what_is_drawn_and_no_other_has(packed: bool) -> None:
    inner = [Middleware(GZipMiddleware, minimum_size=10)] if packed else []
    routes = [Route("/", index), Route("/watch", watch)]
    first = Middleware(FirstSight, html=OURS, besides=["/watch"])
    with serve(Starlette(routes=routes, middleware=[first, *inner])) as host:

        def ask(path: str, **headers: str) -> tuple[int, dict[str, str], str]:
            status, answered, body = get(host + path, Accept_Encoding="gzip", **headers)
            text = gzip.decompress(body) if answered["Content-Encoding"] == "gzip" else body
            return status, dict(answered.items()), text.decode()

        plain = PAGE.read_text(encoding="utf-8")
        _, headers, page = ask("/", Accept="text/html")
        assert page == plain.replace('<div id="root">', f'{OURS}<div id="root">') and OURS in page
        assert "etag" not in headers and "last-modified" not in headers
        old = ask("/", Accept="text/html", If_Modified_Since=headers["date"])  # a copy from before ours
        assert (old[0], old[2]) == (200, page)
        assert ask("/", Accept="*/*")[2] == plain  # no browser
        _, headers, page = ask("/watch", Accept="text/html", If_None_Match="a copy")
        assert page.count("<p>") == 100 and headers["asked"] == "a copy"
