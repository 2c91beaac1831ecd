"""What a page's header says that the browser will need."""

from __future__ import annotations

import re

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gandash.charts import scripts
from gandash.live.assets import asset, asset_url
from gandash.live.hints import Hints
from tests.live.serving import get, serve

IMPORT = re.compile(r'from "\./([^"]+)"')


def page(_: Request) -> Response:
    return HTMLResponse("<p>here</p>")


def header(address: str) -> str | None:
    _, headers, _ = get(address)
    return headers["link"]


def test_the_page_and_no_other_names_the_scripts_that_it_needs_by_their_present_addresses() -> None:
    hints = Middleware(Hints, path="/gans", scripts=[scripts.PLOTLY], modules=["live.js"])
    paths = ("/gans/", "/gans/runs", "/gans/watch/0123456789")
    with serve(Starlette(routes=[Route(path, page) for path in paths], middleware=[hints])) as host:
        assert header(f"{host}/gans/") == (
            f"<{asset_url(scripts.PLOTLY)}>; rel=preload; as=script, <{asset_url('live.js')}>; rel=modulepreload"
        )
        assert [header(host + path) for path in paths[1:]] == [None, None]


def test_the_charts_module_imports_nothing_that_is_not_named() -> None:
    imported = {name for each in scripts.MODULES for name in IMPORT.findall(asset(each).content.decode())}
    assert imported == {asset(name).name for name in scripts.MODULES[1:]}
