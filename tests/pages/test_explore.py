"""Explore without a browser: which generator it takes, what it says when there is none, and its samples."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from gandash import portable
from gandash.core.config import RunConfig
from gandash.pages import latent
from gandash.runs.service import RunService
from tests.pages.conftest import ANNA, BEN, OpenPage, texts
from tests.portable_files import described, random_generator
from tests.portable_files import portable as write
from tests.runs.conftest import ManualEngine, until

MINE = RunConfig(shape="ring8", seed=1)


def trained(service: RunService, engine: ManualEngine, config: RunConfig = MINE, owner: str = ANNA) -> str:
    run = service.start(config, owner=owner, step=True)
    engine.run_next()
    until(lambda: service.snapshot(run).epoch)
    return run


def elements(at: AppTest) -> dict[str, dict[str, Any]]:
    told = [json.loads(element.proto.json) for element in at.get("bidi_component") if element.proto.json]
    return {each["shows"]: each for each in told if each.get("shows") in ("pad", "sample")}


@pytest.fixture
def asked(service: RunService, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What was exported, by a worker that is made of one random generator."""
    calls: list[tuple[str, ...]] = []

    def export(*args: str) -> bytes:
        calls.append(args)
        return random_generator(title="**A ring**")

    monkeypatch.setattr(service, "export", export)
    return calls


def test_without_a_run_the_page_says_what_to_do(open_page: OpenPage) -> None:
    at = open_page(page="explore")
    assert "No generator yet" in texts(at) and not elements(at)


def test_an_unknown_run_is_told_in_words(open_page: OpenPage) -> None:
    at = open_page(page="explore", run="nonsense")
    assert "There is no run" in texts(at) and not elements(at)


def test_ones_own_runs_are_offered_and_the_generator_on_screen_is_shown(
    open_page: OpenPage, service: RunService, engine: ManualEngine, asked: list[tuple[str, ...]]
) -> None:
    trained(service, engine, owner=BEN)
    run = trained(service, engine)
    at = open_page(page="explore")
    assert len(at.selectbox(key="explore_run").options) == 1
    assert asked == [(run, service.snapshot(run).shown, "portable")]
    found = elements(at)
    assert set(found) == {"pad", "sample"}
    assert "**A ring**" in texts(at), "what a file says is no markup"
    at.number_input(key="explore_n").set_value(10).run()
    assert len(asked) == 1, "what is held is not fetched again"
    assert elements(at)["pad"] == found["pad"] and elements(at)["sample"] != found["sample"]


def test_a_worker_that_fails_is_told_and_can_be_asked_again(
    open_page: OpenPage, service: RunService, engine: ManualEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(service, engine)
    monkeypatch.setattr(service, "export", lambda *args: (_ for _ in ()).throw(ValueError("The workers are away.")))
    at = open_page(page="explore")
    assert "The workers are away." in texts(at) and not elements(at)
    monkeypatch.setattr(service, "export", lambda *args: random_generator())
    at.button(key="explore_again").click().run()
    assert elements(at)


def test_axes_are_those_that_the_points_depend_on() -> None:
    generator = portable.read(random_generator("tanh", latent_dim=6))
    first = generator.layers[0].tensors["weight"]
    first.flags.writeable = True
    first[:, [0, 2, 3, 5]] = 0
    found = latent.axes(generator)
    np.testing.assert_allclose(found @ found.T, np.eye(len(found)), atol=1e-5)
    assert np.abs(found[:2][:, [1, 4]]).sum() > 1.4 and np.abs(found[:2][:, [0, 2, 3, 5]]).max() < 1e-3


def test_truncated_noise_stays_within_and_keeps_its_order() -> None:
    whole, cut = latent.noise(4000, 2, 3), latent.noise(4000, 2, 3, 0.5)
    assert np.abs(whole).max() > 3 and np.abs(cut).max() <= 0.5 and np.abs(cut).max() > 0.45
    assert (np.argsort(whole[:, 0])[::400] == np.argsort(cut[:, 0], kind="stable")[::400]).mean() > 0.9
    np.testing.assert_array_equal(whole, latent.noise(4000, 2, 3))


def test_copies_are_told_from_fresh_points() -> None:
    rng = np.random.default_rng(0)
    known, fresh, new = (rng.standard_normal((2000, 2)).astype(np.float32) for _ in range(3))
    honest, copied = latent.nearness(new, known, fresh), latent.nearness(known[:500], known, fresh)
    assert honest.copies < 0.03 and copied.copies == 1 and copied.median == 0
    assert honest.median == pytest.approx(honest.real_median, rel=0.2)
    with pytest.raises(ValueError, match="No generated point is finite"):
        latent.nearness(np.full((3, 2), np.nan, np.float32), known, fresh)


def test_numbers_of_a_pattern_are_judged_by_whether_they_fit(
    open_page: OpenPage, service: RunService, engine: ManualEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    eye = np.zeros((100, 100), np.float32)
    tensors = {"w": eye, "b": np.eye(100, dtype=np.float32)[35], "one": np.ones(100, np.float32), "zero": eye[0]}
    layers = [
        {"kind": "linear", "weight": "w", "bias": "b"},
        {"kind": "relu"},
        {"kind": "affine", "scale": "one", "shift": "zero"},
    ]
    spec = {"kind": "pattern", "name": "multiples-of-5"}
    said = described(layers, target=spec, dim=100, latent_dim=100, columns=[f"n{i}" for i in range(100)])
    monkeypatch.setattr(service, "export", lambda *args: write(said, tensors))
    trained(service, engine)
    at = open_page(page="explore")
    assert "**100.0%** of these numbers fit" in texts(at) and "To the nearest" not in texts(at)
    sample = elements(at)["sample"]
    assert json.loads(sample["scene"])["board"]
    generated = np.frombuffer(base64.b64decode(sample["generated"]), "<f4").reshape(-1, 2)
    assert (np.round(generated) == (5, 3)).all() and len(np.unique(generated, axis=0)) == 1000
