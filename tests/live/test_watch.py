"""The page for viewers as a server answers it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from streamlit import config

from gandash.charts.palettes import Theme, colours
from gandash.live import assets, watch
from tests.live.serving import get, serve

BASES = ("", "/gans")


@pytest.fixture(autouse=True, params=BASES)
def base(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    base: str = request.param
    monkeypatch.setattr(config, "get_option", lambda name: {"server.baseUrlPath": base}[name])
    watch.page.cache_clear()
    yield base
    watch.page.cache_clear()


@pytest.fixture
def host(base: str) -> Iterator[str]:
    with serve(Starlette(routes=[*assets.routes(base), *watch.routes(base)])) as address:
        yield address


@pytest.mark.parametrize("run", ["/0a1b2c3d4e", "/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/", ""])
def test_every_run_has_the_same_page(host: str, base: str, run: str) -> None:
    status, headers, content = get(f"{host}{base}/watch{run}")
    assert (status, content) == (200, watch.page()) and b"alert" not in content
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")


def test_all_that_the_page_asks_for_is_kept_for_ever(host: str, base: str) -> None:
    asked = set(re.findall(r'(?:href|src)="([^"]+)"', watch.page().decode()))
    assert len(asked) >= 10
    for path in asked:
        status, headers, _ = get(host + path)
        assert status == 200 and "immutable" in headers["Cache-Control"], path
        assert path.startswith(f"{base}/assets/"), path
    imported = {
        f"{base}/assets/{name}"
        for name in ("watch.js", *watch._PRELOADED)
        for name in re.findall(r'from "\./([^"]+)"', assets.asset(name).content.decode())
    }
    assert imported <= asked, "every script is asked for at once, not one after the other"


def test_who_has_the_page_is_told_that_it_is_still_good(host: str, base: str) -> None:
    _, headers, packed = get(f"{host}{base}/watch/x", Accept_Encoding="gzip")
    assert gzip.decompress(packed) == watch.page() and headers["Cache-Control"] == "no-cache"
    status, again, body = get(f"{host}{base}/watch/y", If_None_Match=headers["ETag"])
    assert (status, body, again["ETag"]) == (304, b"", headers["ETag"])
    assert get(f"{host}{base}/watch/y", If_None_Match='"other"')[0] == 200


def test_the_first_visit_is_light(host: str) -> None:
    asked = set(re.findall(r'(?:href|src)="([^"]+)"', watch.page().decode()))
    sent = sum(len(get(host + path, Accept_Encoding="gzip")[2]) for path in asked)
    assert sent < 30_000


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_the_colours_of_the_charts(theme: Theme) -> None:
    style = assets.asset("watch.css").content.decode()
    parts = style.split("@media (prefers-color-scheme: dark)")
    blocks = [parts[0]] if theme == "light" else re.split(r'(?=:root\[data-theme="dark"\])', parts[1])[:2]
    charts = colours(theme)
    expected = charts | {"measure": charts["line-0"]}
    for block in blocks:
        found = dict(re.findall(r"--([\w-]+): ([^;]+);", block))
        assert found.keys() >= {"ground", "plot-text", "grid", "hint", "real", "dot", "generated", "star", "misfit"}
        assert found.keys() >= {"discriminator", "measure"}
        assert {name: colour for name, colour in found.items() if name in expected} == {
            name: colour for name, colour in expected.items() if name in found
        }
