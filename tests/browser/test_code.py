"""The section with the script of a run, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import expect

from gandash.core.config import RunConfig
from gandash.core.standalone import script
from tests.browser.conftest import OpenPage
from tests.browser.test_dashboard import pause, train


@pytest.mark.parametrize(("width", "theme"), [(390, "dark"), (1280, "light")])
def test_the_script_is_read_and_downloaded(
    dashboard: str, open_page: OpenPage, width: int, theme: Literal["light", "dark"]
) -> None:
    page = open_page(dashboard, width=width, theme=theme)
    train(page)
    pause(page)
    section = page.locator(".st-key-code")
    section.get_by_text("Show the code").click()
    code = section.locator("[data-testid=stCode]")
    expect(code).to_contain_text("discriminator = nn.Sequential(")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    box = section.bounding_box()
    inner = code.bounding_box()
    assert box is not None and inner is not None
    assert box["x"] <= inner["x"] and inner["x"] + inner["width"] <= box["x"] + box["width"]
    with page.expect_download() as found:
        section.locator(".st-key-download_code button").first.click()
    assert found.value.suggested_filename == "exponential.py"
    assert Path(found.value.path()).read_text(encoding="utf-8") == script(RunConfig())
