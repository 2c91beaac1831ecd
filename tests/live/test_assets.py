"""Files under hashed names: what they are called, how they are served, how they find each other."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from streamlit import config

from gandash.live import assets
from gandash.live.assets import asset, asset_url, register
from tests.live.serving import get, serve

NEAR, FAR = "export const near = 1;\n", 'import { near } from "./near.js";\nconst later = () => import("./near.js");\n'


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(assets, "_files", {})
    asset.cache_clear()
    yield
    asset.cache_clear()


@pytest.fixture
def host() -> Iterator[str]:
    with serve(Starlette(routes=[*assets.routes(""), *assets.routes("/gans")])) as address:
        yield address


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        (folder / f"{name}.js").write_text(text)
        register(folder / f"{name}.js")
    asset.cache_clear()


def test_a_file_is_served_compressed_and_for_ever(host: str, tmp_path: Path) -> None:
    write(tmp_path, near=NEAR)
    status, headers, packed = get(host + asset_url("near.js"), Accept_Encoding="gzip, br")
    assert (status, headers["Content-Encoding"], gzip.decompress(packed).decode()) == (200, "gzip", NEAR)
    assert headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert headers["Content-Type"] == "text/javascript; charset=utf-8"
    _, headers, plain = get(host + asset_url("near.js"))
    assert plain.decode() == NEAR and "Content-Encoding" not in headers


def test_scripts_import_each_other_by_their_hashed_names(host: str, tmp_path: Path) -> None:
    write(tmp_path, near=NEAR, far=FAR + 'import "./elsewhere.js";\n')
    text = get(host + asset_url("far.js"))[2].decode()
    name = asset("near.js").name
    assert text.count(f'"./{name}"') == 2 and '"./near.js"' not in text
    assert '"./elsewhere.js"' in text, "what is not registered is left alone"


def test_a_name_changes_with_the_content_and_with_what_it_imports(host: str, tmp_path: Path) -> None:
    write(tmp_path, near=NEAR, far=FAR)
    old = asset_url("far.js")
    write(tmp_path, near=NEAR + "\n", far=FAR)
    assert asset_url("far.js") != old
    status, headers, _ = get(host + old)
    assert (status, headers["Cache-Control"]) == (404, "no-store")


@pytest.mark.parametrize("path", ["/assets/near.js", "/assets/x", "/assets/.", "/assets/..%2Fapp.py", "/assets/a.b.py"])
def test_nothing_else_is_served(path: str, host: str, tmp_path: Path) -> None:
    write(tmp_path, near=NEAR)
    assert get(host + path)[0] == 404


def test_one_name_is_one_file(tmp_path: Path) -> None:
    write(tmp_path, near=NEAR)
    register(tmp_path / "near.js")
    (tmp_path / "other").mkdir()
    with pytest.raises(ValueError, match=r"There are two files of the name near\.js"):
        register(tmp_path / "other" / "near.js")


def test_a_base_path_comes_first(host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, near=NEAR)
    monkeypatch.setattr(config, "get_option", lambda name: {"server.baseUrlPath": "/gans/"}[name])
    assert asset_url("near.js") == f"/gans/assets/{asset('near.js').name}"
    assert get(host + asset_url("near.js"))[2].decode() == NEAR


def test_of_an_eager_script_the_browser_is_told_that_all_is_needed(tmp_path: Path, host: str) -> None:
    (tmp_path / "large.js").write_text(NEAR)
    register(tmp_path / "large.js", eager=True)
    assert get(host + asset_url("large.js"))[2].decode() == f"//# allFunctionsCalledOnLoad\n{NEAR}"
