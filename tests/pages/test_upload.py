"""Two columns of a file as a target on the pages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gandash.core import link, rows
from gandash.core.config import RunConfig
from gandash.core.presets import best, textbook
from gandash.core.targets.table import TableSpec
from gandash.pages import exploring, gallery, own, setup, upload
from gandash.pages.wording import plain
from gandash.runs import reading
from gandash.runs.service import RunService
from tests.pages.conftest import BEN, OpenPage, as_read, components, config_of, texts, widget
from tests.pages.hostile import HOSTILE
from tests.pages.test_own import choose
from tests.pages.test_train import train_some
from tests.runs.conftest import ManualEngine

NAME = "![x](http://evil.example/a) **b**.csv"


def table(
    folder: Path, name: str = NAME, columns: tuple[str, str] = ("<img src=x>", "[a](http://b)"), seed: int = 0
) -> Any:
    """Rows that are kept on this server as an upload leaves them, and their spec."""
    values = np.random.default_rng(seed).normal(size=(200, 2)) * [1, 50] + [5, 300]
    spec = TableSpec.of(values, name=name, columns=columns)
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{spec.hash}.npy", values)
    return spec


@pytest.fixture
def spec(service: RunService) -> Any:
    return table(service.incoming.folder)


def element(at: AppTest) -> dict[str, Any]:
    """What the page tells the element that takes a file."""
    return next(each for each in components(at) if each.get("script", "").startswith("/assets/upload."))


def downloads(at: AppTest) -> list[Any]:
    """What the download buttons of the page are called."""
    buttons: Any = at.get("download_button")
    return [button.label for button in buttons]


def hold(at: AppTest, text: str) -> None:
    """Put a target where the element's callback puts it."""
    at.session_state[setup.key("target")] = text
    at.run()
    assert not at.exception


def test_before_there_is_a_file_train_is_off_and_the_set_up_stays(open_page: OpenPage, spec: TableSpec) -> None:
    at = open_page()
    at.segmented_control("recipe").set_value("best").run()
    choose(at, "own", "table")
    told = element(at)
    assert (told["address"], told["most"], told["allowed"], told["chosen"]) == ("/uploads", 200 * 10**6, True, False)
    assert at.button("train").disabled and at.segmented_control("recipe").value == "best"
    hold(at, spec.text)
    assert element(at)["chosen"] and not at.button("train").disabled
    assert "150" not in texts(at) and "100 rows and 100 held out" in texts(at)


def test_names_out_of_files_are_text_and_no_markup(open_page: OpenPage, service: RunService) -> None:
    specs = [
        table(service.incoming.folder, name, (name, "y"), seed=place) for place, name in enumerate(HOSTILE, start=20)
    ]
    at = open_page()
    at.session_state[upload._MINE] = [spec.text for spec in specs]
    choose(at, "own", "table")
    hold(at, specs[-1].text)
    assert widget(at, "target").options == [plain(spec.build().title) for spec in specs]
    assert plain(specs[-1].build().formula) in [caption.value for caption in at.caption]


def test_it_comes_by_link_and_stays_while_other_things_are_shown(open_page: OpenPage, spec: TableSpec) -> None:
    config = best(spec).model_copy(update={"seed": 4})
    at = open_page(setup=link.encode(config))
    assert config_of(at) == config and at.segmented_control(own.FORM).value == "table"
    assert at.segmented_control("recipe").value == "best"
    at.switch_page("runs.py").run()
    at.switch_page("train.py").run()
    choose(at, "shapes")
    choose(at, "own")
    assert config_of(at) == config


def test_each_file_that_was_used_has_a_card_of_its_own(open_page: OpenPage, service: RunService) -> None:
    first, second = (table(service.incoming.folder, "a", seed=seed) for seed in (1, 2))
    at = open_page()
    at.session_state[upload._MINE] = [first.text]
    choose(at, "own", "table")
    assert element(at)["chosen"] is False and not at.radio, "what is held has no card, so none is drawn"
    hold(at, second.text)
    assert widget(at, "target").options == ["a", r"a \(2\)"]
    widget(at, "dropout").set_value("0.2").run()
    widget(at, "points").set_value("64").run()
    widget(at, "target").set_value(first.text).run()
    assert not at.exception and config_of(at).target == first
    assert widget(at, "points").value == str(first.rows), "the knob says what the run takes"
    assert widget(at, "dropout").value == "0.2"


def inside(at: AppTest, key: str) -> str:
    """What the errors in a container of the page say, by its key."""

    def found(block: Any) -> list[str]:
        here = getattr(block.proto, "id", "").endswith(f"-{key}")
        deeper = [each for each in block.children.values() if hasattr(each, "children")]
        said = [as_read(each.value) for each in block.children.values() if here and each.type == "error"]
        return said + [text for each in deeper for text in found(each)]

    return " ".join(found(at.main))


def test_on_another_server_it_says_what_is_missing_and_keeps_the_rest(open_page: OpenPage, tmp_path: Path) -> None:
    config = textbook(table(tmp_path / "elsewhere", "far", seed=9)).model_copy(update={"dropout": 0.1})
    at = open_page(setup=link.encode(config))
    assert "The rows of far are not on this server" in texts(at) and at.button("train").disabled
    assert not element(at)["chosen"] and widget(at, "dropout").value == "0.1"
    assert setup.key("target") not in [radio.key for radio in at.radio], "there is no card of what is not there"
    assert at.button("choose").label.startswith("far") and not inside(at, "wrong_own")
    assert "The rows of far are not on this server" in inside(at, "wrong"), "which shows beside an open sidebar too"
    assert "not on this server" not in " ".join(each.value for each in at.sidebar.markdown), "once is enough"
    choose(at, "shapes")
    assert config_of(at) == RunConfig(dropout=0.1, points=config.points, batch_size=config.batch_size)
    at = open_page(setup=link.encode(best(table(tmp_path / "elsewhere", "far", seed=9))))
    assert at.segmented_control("recipe").value == "best"
    choose(at, "shapes")
    assert config_of(at) == best(config_of(at).target), "the link's recipe, for the shape"


def test_what_the_element_sends_is_distrusted(spec: TableSpec) -> None:
    assert upload.told(json.dumps({"target": spec.text})) == spec.text
    wrong = spec.model_copy(update={"rows": spec.rows + 30}).text
    for said in (None, 3, "", "[", "[]", "{}", "x" * 10**6):
        assert upload.told(said) is None
    for target in ("ring8", "y = x; x = 0..1", upload.EMPTY, wrong, spec.text.replace(spec.hash, "0" * 32), 3):
        assert upload.told(json.dumps({"target": target})) is None


def test_a_run_is_listed_and_its_pages_open_even_when_its_rows_are_gone(
    open_page: OpenPage, engine: ManualEngine, service: RunService, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = table(service.incoming.folder, seed=77)
    at = open_page(setup=link.encode(textbook(spec)))
    run_id = train_some(at, engine, service)
    assert service.snapshot(run_id).config.target == spec
    assert "Data" in downloads(at) and "Data" not in downloads(open_page(owner=BEN, run=run_id))
    at.switch_page("runs.py").run()
    assert "evil" in as_read(" ".join(each.value for each in at.page_link))
    shutil.rmtree(service.incoming.folder)
    monkeypatch.setattr(rows, "_mapped", type(rows._mapped)())
    for page in (None, "runs"):
        at = open_page(page=page, run=run_id)
        assert not at.exception
    assert exploring._known(spec.build()).shape == (0, 2)
    assert "not on this server" in exploring._compared(
        spec.build(), np.zeros((3, 2), np.float32), np.zeros((0, 2), np.float32)
    )


def test_the_rows_leave_as_the_file_that_the_script_reads(service: RunService) -> None:
    spec = table(service.incoming.folder, columns=("a,b", "c"))
    header, *lines = reading.as_csv(spec.text).decode().splitlines()
    assert header == '"a,b",c'
    kept = np.load(service.incoming.folder / f"{spec.hash}.npy")
    np.testing.assert_allclose([[float(value) for value in line.split(",")] for line in lines], kept, rtol=1e-8)


def test_its_group_is_ones_own(spec: TableSpec) -> None:
    assert gallery.group_of(spec.text) == gallery.group_of(upload.EMPTY) == "own"
    assert own.title(upload.EMPTY) == "A file"
