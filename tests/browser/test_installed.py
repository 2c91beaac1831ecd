"""The dashboard as `gandash` opens it, under a base path: the app, pages, styles and settings that it carries."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.driver import ROOT, dashboard_server, press, until, wait_for_epoch


def test_the_package_is_a_dashboard_under_a_base_path_that_knows_no_torch_and_leaves_no_workers(
    open_page: OpenPage, tmp_path: Path
) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    shutil.copytree(ROOT / "gandash", site / "gandash")
    elsewhere.mkdir()
    env = {"PYTHONPATH": str(site), "GANDASH_WORKERS": "1", "STREAMLIT_SERVER_BASE_URL_PATH": "gans"}
    with dashboard_server(tmp_path / "home", env, module=("gandash",), folder=elsewhere) as (url, pid):
        page = open_page(url)
        expect(page.get_by_test_id("stApp")).to_have_css("color", "rgb(28, 38, 41)")  # the theme's text, #1c2629
        press(page, "Train")
        wait_for_epoch(page, 1)
        page.mouse.move(640, 600)  # away from the button, whose tooltip lies over the link
        page.get_by_role("link", name="Runs").click()
        page.get_by_role("link", name="Open ").click()
        page.wait_for_url("**/gans/?run=*")
        wait_for_epoch(page, 1)
        run = parse_qs(urlsplit(page.url).query)["run"][0]
        viewer = open_page(f"{url}/watch/{run}", session=False)
        until(viewer, "document.getElementById('cloud').dataset.epoch > 0")
        server = psutil.Process(pid)
        workers = server.children(recursive=True)
        assert workers
        if psutil.LINUX:  # elsewhere a process does not tell what it has loaded
            assert not any("libtorch" in mapped.path for mapped in server.memory_maps())
            assert not any("pyarrow" in mapped.path for mapped in server.memory_maps()), "65 MB that no page needs"
            assert any("libtorch" in mapped.path for worker in workers for mapped in worker.memory_maps())
        for each in (page, viewer):  # the server waits for its visitors
            each.close()
    _, alive = psutil.wait_procs(workers, timeout=15)
    assert not alive
