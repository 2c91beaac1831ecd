"""*Share*: the link of the set-up."""

from __future__ import annotations

from random import Random
from urllib.parse import parse_qs, urlparse

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gandash.core import link
from gandash.core.config import RunConfig
from gandash.core.presets import best
from gandash.core.targets import Target, read_spec
from gandash.pages import address, setup
from gandash.runs.service import RunService
from tests.core.random_configs import drawing
from tests.pages.conftest import OpenPage, components, config_of, texts, widget

LARGE = read_spec(drawing(Random(0), 1500))


def copied(at: AppTest) -> dict[str, str]:
    """What can be copied, by its label, once *Share* is open."""
    at.session_state["share"] = True
    at.run()
    assert not at.exception
    return {each["label"]: each["text"] for each in components(at) if "button" in each}


def canvas(at: AppTest) -> str:
    return str(next(each["target"] for each in components(at) if "seq" in each))


def set_up(at_address: str) -> str:
    return parse_qs(urlparse(at_address).query)["setup"][0]


def test_the_link_has_what_is_in_the_knobs(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANDASH_URL", "https://example.org/gans")
    at = open_page()
    widget(at, "target").set_value("heart").run()
    widget(at, "dropout").set_value("0.15").run()
    assert copied(at)["Link to this set-up"] == "https://example.org/gans/?setup=1_heart_drop.0.15"
    widget(at, "dropout").set_value("nonsense").run()
    assert copied(at) == {} and "put right first" in texts(at)


def test_a_large_drawing_is_linked_by_its_hash_and_a_link_to_one_that_is_gone_says_so(
    open_page: OpenPage, service: RunService
) -> None:
    config = best("ring8").model_copy(update={"target": LARGE, "seed": 7, "epochs": 12})
    assert len(link.encode(config)) > link.LONGEST
    whole = link.encode(config, service.targets.keep)
    at = open_page(setup=whole)
    assert set_up(copied(at)["Link to this set-up"]) == whole and link.is_kept(whole)
    assert "this server keeps it" in texts(at)
    held = setup.Setup(config)
    assert canvas(at) == LARGE.text and widget(at, "seed").value == "7" and not at.warning
    assert address.link_of(held, None, service.targets.keep) == whole, "a refresh keeps it"
    for path in (service.targets.folder).iterdir():
        path.unlink()
    at = open_page(setup=whole)
    assert config_of(at) == config.model_copy(update={"target": RunConfig().target})
    assert "not any more" in texts(at) and not at.button("train").disabled


def test_a_link_to_data_that_is_not_here_says_so_and_keeps_the_knobs(open_page: OpenPage) -> None:
    spec = Target.from_points(np.random.default_rng(77).normal(size=(300, 2)), name="mine").spec
    fields = {**spec.model_dump(), "hash": "0" * len(spec.model_dump()["hash"])}
    config = RunConfig(target=read_spec(fields), seed=7, points=100, batch_size=20)
    at = open_page(setup=link.encode(config))
    assert "rows of mine are not on this server" in texts(at) and at.button("train").disabled
    assert widget(at, "seed").value == "7" and not at.exception
