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
from gandash.core.records import Appraisal
from gandash.pages import exploring, latent
from gandash.runs.service import RunService
from tests.pages.conftest import ANNA, BEN, OpenPage, components, texts
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
    return {each["shows"]: each for each in components(at) if each.get("shows") in ("pad", "sample")}


@pytest.fixture
def asked(service: RunService, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What was exported, by a worker that is made of one random generator."""
    calls: list[tuple[str, ...]] = []

    def export(*args: str) -> bytes:
        calls.append(args)
        return random_generator(title="**A ring**")

    monkeypatch.setattr(service, "export", export)
    return calls


@pytest.fixture
def run(service: RunService, engine: ManualEngine, asked: list[tuple[str, ...]]) -> str:
    """A run that has been trained; what is exported of it is `asked`."""
    return trained(service, engine)


def test_without_a_run_the_page_says_what_to_do(open_page: OpenPage) -> None:
    at = open_page(page="explore")
    assert "No generator yet" in texts(at) and not elements(at)


def test_an_unknown_run_is_told_in_words(open_page: OpenPage) -> None:
    at = open_page(page="explore", run="nonsense")
    assert "There is no run" in texts(at) and not elements(at)
    with pytest.raises(KeyError):
        at.button(key="explore_other")  # there is none


def test_from_a_run_that_has_gone_a_way_leads_to_ones_own(
    open_page: OpenPage, service: RunService, engine: ManualEngine, asked: list[tuple[str, ...]]
) -> None:
    run = trained(service, engine)
    at = open_page(page="explore", run="nonsense", generator="epoch-3")
    at.button(key="explore_other").click().run()
    assert elements(at) and asked == [(run, service.snapshot(run).shown, "portable")]
    assert "There is no run" not in texts(at)


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


def shown(at: AppTest) -> list[dict[str, Any]]:
    """What the pad is told of each generator."""
    told: list[dict[str, Any]] = json.loads(elements(at)["pad"]["generators"])
    return told


def test_a_second_generator_of_the_same_run_is_in_the_address(
    open_page: OpenPage, service: RunService, engine: ManualEngine, asked: list[tuple[str, ...]]
) -> None:
    run = trained(service, engine)
    at = open_page(page="explore")
    assert len(shown(at)) == 1 and "beside" not in at.query_params
    at.selectbox(key="beside_run").set_value(run).run()
    assert asked[-1] == (run, "best", "portable"), "not the one that is there already"
    assert at.query_params["beside"] in (f"{run}.best", [f"{run}.best"])
    assert [each["caption"] for each in shown(at)] == ["EMA, epoch 12"] * 2, "as the files say"
    at.selectbox(key="beside_run").set_value("").run()
    assert len(shown(at)) == 1 and "beside" not in at.query_params


def test_a_run_that_trains_stays_chosen_and_its_newest_is_taken_when_asked_for(
    open_page: OpenPage, service: RunService, engine: ManualEngine, asked: list[tuple[str, ...]]
) -> None:
    run = service.start(MINE, owner=ANNA)
    engine.run_next()
    until(lambda: service.snapshot(run).variants)
    at = open_page(page="explore")
    options = at.selectbox(key="explore_run").options
    engine.run_next()
    until(lambda: service.snapshot(run).epoch > 2)
    at.run()
    assert at.selectbox(key="explore_run").options == options, "browsers send the text back that they were given"
    assert len(asked) == 1
    at.session_state["explore_newer"] = True
    at.run()
    assert len(asked) == 2 and len(shown(at)) == 1


def test_the_address_brings_both_generators(
    open_page: OpenPage, service: RunService, engine: ManualEngine, asked: list[tuple[str, ...]]
) -> None:
    run, other = trained(service, engine), trained(service, engine, owner=BEN)
    at = open_page()
    at.query_params.update({"run": run, "generator": "best", "beside": f"{other}.latest"})
    at.switch_page("explore.py").run()
    assert sorted(asked) == sorted([(run, "best", "portable"), (other, "latest", "portable")])
    assert len(shown(at)) == 2 and len([each for each in shown(at) if each["scene"]]) == 2


@pytest.mark.parametrize(
    ("other", "why"),
    [({"latent_dim": 3}, "the second 3 numbers"), ({"uniform": True}, "the second on uniform noise")],
)
def test_generators_that_no_noise_fits_are_not_compared(
    open_page: OpenPage,
    service: RunService,
    engine: ManualEngine,
    monkeypatch: pytest.MonkeyPatch,
    other: dict[str, Any],
    why: str,
) -> None:
    run = trained(service, engine)
    makes: dict[str, dict[str, Any]] = {"latest": {}, "best": other}
    monkeypatch.setattr(service, "export", lambda run, which, format: random_generator(**makes[which]))
    at = open_page(page="explore")
    at.selectbox(key="beside_run").set_value(run).run()
    assert why in texts(at) and len(shown(at)) == 1


def test_a_run_that_is_gone_is_not_beside(
    open_page: OpenPage, service: RunService, engine: ManualEngine, asked: list[tuple[str, ...]]
) -> None:
    trained(service, engine)
    at = open_page()
    at.query_params["beside"] = "nonsense.best"
    at.switch_page("explore.py").run()
    assert "There is no run" in texts(at) and len(shown(at)) == 1


def test_a_run_without_a_generator_says_what_it_waits_for(
    open_page: OpenPage, service: RunService, engine: ManualEngine, asked: list[tuple[str, ...]]
) -> None:
    run = service.start(MINE, owner=ANNA)
    at = open_page(page="explore")
    assert "comes here with its first points" in texts(at) and not elements(at)
    engine.run_next()
    until(lambda: service.snapshot(run).variants)
    at.run()
    assert len(shown(at)) == 1 and at.toggle(key="explore_follow")


@pytest.mark.usefixtures("run")
def test_everything_is_measured_when_it_is_asked_for(
    open_page: OpenPage,
    service: RunService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files: list[bytes] = []

    def appraise(file: bytes) -> Appraisal:
        files.append(file)
        if len(files) == 1:
            raise ValueError("The workers are away.")
        return Appraisal("ema", 12, 0.0, {"headline": 0.015, "modes": 8.0}, 0.0025, "not told apart")

    monkeypatch.setattr(service, "appraise", appraise)
    at = open_page(page="explore")
    assert "How good is it?" in [each.value for each in at.subheader] and not files
    at.button(key="explore_measure").click().run()
    assert "The workers are away." in texts(at)
    at.button(key="explore_measure").click().run()
    assert portable.read(files[1]).title == "**A ring**"
    assert "EMA, epoch 12: **Not told apart:**" in texts(at)
    assert "| Gap to real | 1.5 % ± 0.2 % | 0.0 % | lower |" in texts(at)
    at.number_input(key="explore_n").set_value(10).run()
    assert len(files) == 2 and "1.5 %" in texts(at), "the same generator is measured once"


@pytest.mark.usefixtures("run")
def test_a_large_generator_draws_fewer_points(
    open_page: OpenPage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exploring, "MOST_WORK", 1)
    at = open_page(page="explore")
    assert "100 points are drawn" in texts(at)
    assert elements(at)["sample"]["label"].startswith("100 generated points")


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


def test_points_that_the_picture_does_not_show_are_counted() -> None:
    ring = RunConfig(shape="ring8").target.build()
    known = exploring._known(ring)
    points = known[:100].copy()
    assert "outside" not in exploring._compared(ring, points, known)
    points[:7] += 100
    assert "7 of 100 points lie outside the picture." in exploring._compared(ring, points, known)


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
    assert "**100.0 %** of these numbers fit" in texts(at) and "To the nearest" not in texts(at)
    sample = elements(at)["sample"]
    assert json.loads(sample["scene"])["board"]
    generated = np.frombuffer(base64.b64decode(sample["generated"]), "<f4").reshape(-1, 2)
    assert (np.round(generated) == (5, 3)).all() and len(np.unique(generated, axis=0)) == 1000


def test_a_kept_epoch_is_chosen_among_those_whose_networks_are_kept_and_named_by_the_address(
    open_page: OpenPage,
    service: RunService,
    run: str,
    asked: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(service, "timeline", lambda *_, **__: (10, 20, 40))
    at = open_page(page="explore", run=run, generator="epoch-20")
    assert not at.exception and asked == [(run, "epoch-20", "portable")]
    assert at.selectbox(key="explore_variant_epoch").value == 20
    assert "Epoch 20 ·" in texts(at) and "EMA, epoch" not in texts(at), "it is what was chosen, whatever its file says"
    at.selectbox(key="explore_variant_epoch").select(40).run()
    assert asked[-1] == (run, "epoch-40", "portable") and at.query_params["generator"] == "epoch-40"
    at = open_page(page="explore", run=run, generator="epoch-999")
    assert asked[-1] == (run, service.snapshot(run).shown, "portable"), "one that is not kept is none"


def test_networks_that_are_not_kept_are_refused_in_words(service: RunService, engine: ManualEngine) -> None:
    run = trained(service, engine)
    with pytest.raises(ValueError, match="not kept"):
        service.export(run, "epoch-999", "portable")
