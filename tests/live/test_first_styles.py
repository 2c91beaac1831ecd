"""Style sheets that are in Streamlit's page from the beginning."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.routing import Route

from gandash.live.base import frontend_folder
from gandash.live.first_styles import FirstStyles
from tests.live.serving import get, serve

PAGE = frontend_folder() / "index.html"
SHEET = ".own { color: red; }"


def index(_: Request) -> Response:
    return FileResponse(PAGE)


def watch(request: Request) -> Response:
    return HTMLResponse(
        "<p>no page of Streamlit's</p>" * 100, headers={"asked": request.headers.get("if-none-match", "")}
    )


@pytest.mark.parametrize("packed", [False, True])
def test_streamlits_page_has_the_sheets_before_what_is_drawn_and_no_other_has(tmp_path: Path, packed: bool) -> None:
    sheets = [tmp_path / "one.css", tmp_path / "two.css"]
    sheets[0].write_text(SHEET)
    sheets[1].write_text("/* two */")
    inner = [Middleware(GZipMiddleware, minimum_size=10)] if packed else []
    routes = [Route("/", index), Route("/watch", watch)]
    styles = Middleware(FirstStyles, sheets=sheets, besides=["/watch"])
    with serve(Starlette(routes=routes, middleware=[styles, *inner])) as host:

        def ask(path: str, **headers: str) -> tuple[int, dict[str, str], str]:
            status, answered, body = get(host + path, Accept_Encoding="gzip", **headers)
            text = gzip.decompress(body) if answered["Content-Encoding"] == "gzip" else body
            return status, dict(answered.items()), text.decode()

        plain = PAGE.read_text(encoding="utf-8")
        _, headers, page = ask("/", Accept="text/html")
        style = f"<style>{SHEET}\n/* two */</style>"
        assert page == plain.replace('<div id="root">', f'{style}<div id="root">') and style in page
        assert "etag" not in headers and "last-modified" not in headers
        old = ask("/", Accept="text/html", If_Modified_Since=headers["date"])  # a copy from before the sheets
        assert (old[0], old[2]) == (200, page)
        assert ask("/", Accept="*/*")[2] == plain  # no browser
        _, headers, page = ask("/watch", Accept="text/html", If_None_Match="a copy")
        assert page.count("<p>") == 100 and headers["asked"] == "a copy"
