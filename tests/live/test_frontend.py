"""Streamlit's own files as they are served beside its own handler."""

from __future__ import annotations

import gzip

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gandash.live import frontend
from gandash.live.base import frontend_folder
from gandash.live.frontend import Frontend
from tests.live.serving import get, serve


def left(_: Request) -> Response:
    return PlainTextResponse("Streamlit's own")


def server(base: str = "") -> Starlette:
    return Starlette(routes=[Route("/{path:path}", left)], middleware=[Middleware(Frontend, path=base)])


@pytest.mark.parametrize("base", ["", "/gans"])
def test_all_that_the_page_names_is_served_as_it_is(base: str) -> None:
    names = frontend.named()
    assert len(names) > 20 and {name.rpartition(".")[2] for name in names} == {"js", "css", "woff2"}
    with serve(server(base)) as host:
        for name in names if not base else names[:1]:
            status, headers, body = get(f"{host}{base}/static/{name}", Accept_Encoding="gzip, br")
            content = gzip.decompress(body) if headers["Content-Encoding"] == "gzip" else body
            assert (status, content) == (200, (frontend_folder() / "static" / name).read_bytes())
            assert headers["Cache-Control"] == "public, immutable, max-age=31536000"


def test_the_rest_is_left_to_streamlit(monkeypatch: pytest.MonkeyPatch) -> None:
    script = next(name for name in frontend.named() if name.endswith(".js"))
    monkeypatch.setattr(frontend, "LARGEST", 500)
    small = {name for name in frontend.named() if (frontend_folder() / "static" / name).stat().st_size <= 500}
    frontend.kept.cache_clear()
    with serve(server()) as host:
        assert small and all(
            (get(f"{host}/static/{name}", Accept_Encoding="gzip")[2] == b"Streamlit's own") != (name in small)
            for name in frontend.named()
        )
        for path in ("/static/js/../index.html", "/static/js/none.js", "/static/../index.html", f"/{script}", "/"):
            assert get(host + path, Accept_Encoding="gzip")[2] == b"Streamlit's own"
        name = next(iter(small))
        assert get(f"{host}/static/{name}")[2] == b"Streamlit's own"  # takes nothing compressed
        assert get(f"{host}/static/{name}", Accept_Encoding="gzip", Range="bytes=0-9")[2] == b"Streamlit's own"
    frontend.kept.cache_clear()
