"""The app as a process: it starts, answers, and ends with all that it started."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil
import pytest
from streamlit.testing.v1 import AppTest

from gandash.pages import NAVIGATION, server
from tests.browser.driver import dashboard_server
from tests.runs.conftest import until


def test_ctrl_c_ends_the_server_and_its_workers(tmp_path: Path) -> None:
    with dashboard_server(tmp_path, {"GANDASH_WORKERS": "1"}) as (_, pid):
        dashboard = psutil.Process(pid)
        until(lambda: any("popen_loky" in " ".join(child.cmdline()) for child in dashboard.children()))
        started = dashboard.children(recursive=True)
        os.killpg(pid, signal.SIGINT)  # a terminal sends it to all
        _, alive = psutil.wait_procs(started, timeout=30)
        assert not alive
        until(lambda: dashboard.status() == psutil.STATUS_ZOMBIE)
    assert "Traceback" not in (tmp_path / "server.log").read_text()


def test_a_server_without_a_service_says_why_on_its_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_opened", server._opened)  # put back afterwards
    monkeypatch.setenv("GANDASH_WORKERS", "many")
    with server.serving() as service:
        assert service is None
        (error,) = AppTest.from_file(NAVIGATION, default_timeout=30).run().error
    assert error.value.startswith("gandash cannot start. GANDASH_WORKERS is 'many'; give a whole number")
