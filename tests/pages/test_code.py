"""The section that shows and hands over a run's set-up as a script."""

from __future__ import annotations

from dataclasses import replace

from gandash.core import link
from gandash.core.config import RunConfig
from gandash.core.standalone import script
from gandash.pages import code
from gandash.runs.service import RunService
from tests.pages.conftest import OpenPage, texts
from tests.pages.test_downloads import snapshot
from tests.pages.test_train import train_some
from tests.runs.conftest import ManualEngine


def test_the_script_of_a_run_is_shown_and_offered(
    open_page: OpenPage, engine: ManualEngine, service: RunService
) -> None:
    at = open_page()
    assert "Code: the set-up as one script" not in texts(at)
    run_id = train_some(at, engine, service)
    assert "Code: the set-up as one script" in texts(at)
    expected = script(service.snapshot(run_id).config).rstrip()  # as Streamlit shows code
    assert expected not in [shown.value for shown in at.code]
    at.toggle("show_code").set_value(True).run()
    assert expected in [shown.value for shown in at.code]
    assert "download_code" in str([button.proto.id for button in at.get("download_button")])


def test_a_child_is_told_that_the_script_is_the_setup_alone() -> None:
    assert "with the same seed it trains as this run did" in code.about(snapshot())
    child = code.about(replace(snapshot(), parent="b", first_epoch=40))
    assert "The script is its set-up alone" in child and "as this run did" not in child


def test_a_pattern_of_numbers_has_a_script_too(open_page: OpenPage, engine: ManualEngine, service: RunService) -> None:
    config = RunConfig(shape="numbers:3,7,21", points=64, batch_size=16)
    at = open_page(setup=link.encode(config))
    run_id = train_some(at, engine, service)
    assert service.snapshot(run_id).config == config
    at.toggle("show_code").set_value(True).run()
    shown = [code.value for code in at.code]
    assert script(config).rstrip() in shown and "def onehot_to_int" in script(config)
