"""Targets that a user types."""

from collections.abc import Callable

import numpy as np
import pytest
from pydantic import ValidationError

from gandash import RunConfig, Trainer
from gandash.core.link import decode, encode
from gandash.core.presets import best, textbook
from gandash.core.targets import read_spec
from gandash.core.targets.formula import FormulaSpec

CURVE = "y = sin(3x) + 0.2x^2; x = -3..3; noise = 0.05"
LINE = "x = cos(t); y = sin(2t); t = 0..6.3"


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_curve_has_its_range_its_values_and_its_noise() -> None:
    target = read_spec(CURVE).build()
    x, y = target.sample(20_000, _rng()).T
    assert x.min() > -3.001
    assert x.max() < 3.001
    off = y - (np.sin(3 * x) + 0.2 * x**2)
    assert off.std() == pytest.approx(0.05, rel=0.03)
    assert target.ideals["mse"] == pytest.approx(0.0025)
    assert target.own_metrics(target.sample(5000, _rng()))["mse"] == pytest.approx(0.0025, rel=0.1)


def test_a_line_is_drawn_evenly_by_its_length() -> None:
    target = read_spec("x = t^3; y = 0t; t = 0..1").build()
    x, y = target.sample(20_000, _rng()).T
    assert not y.any()
    assert np.histogram(x, bins=10, range=(0, 1))[0] == pytest.approx(2000, rel=0.1)
    assert target.canvas.equal


def test_all_that_is_drawn_lies_within_the_picture() -> None:
    for text in (CURVE, LINE, "y = 3; x = 0..1", "y = x; x = 5..5.1; noise = 2"):
        target = read_spec(text).build()
        points = target.sample(2000, _rng())
        low, high = np.array(target.canvas.bounds).T
        assert (low < high).all()
        assert ((points > low) & (points < high)).mean() > 0.99


@pytest.mark.parametrize("text", [CURVE, LINE, "y=-x^2;x=-1e-3..3", "y = x; x = 0..1; noise = 1e-05"])
def test_text_json_and_link_come_back_as_the_same_target(text: str) -> None:
    spec = read_spec(text)
    assert read_spec(spec.text) == spec
    config = RunConfig(target=spec)
    assert RunConfig.from_json(config.to_json()) == config
    found, wrong = decode(encode(config))
    assert found == config
    assert not wrong
    assert config.shape.startswith("formula-")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("y = 1/x; x = -1..1", "infinite at x = 0"),
        ("y = log(x); x = -1..1", "no number at x = -1"),
        ("y = sqrt(x - 1); x = 0..4", "no number at x = 0"),
        ("y = 10^x; x = 0..9", "more than 1e\\+06"),
        ("y = x; x = 1..1", "begin below its end"),
        ("y = x; x = 3..1", "begin below its end"),
        ("y = x; x = 0..1e9", "less than or equal"),
        ("y = x; x = 0..1; noise = -1", "greater than or equal"),
        ("y = x", "a formula is written as"),
        ("y = x; x = a..b", "a formula is written as"),
        ("y = x; x = 0..1; colour = red", "a formula is written as"),
        ("y = x; y = x; x = 0..1", "a formula is written as"),
        ("x = 3; y = 4; t = 0..1", "stand still"),
        ("y = foo(x); x = 0..1", "Did you mean floor"),
        ("y = t; x = 0..1", "no meaning here"),
        ("y = " + "x" * 1000, "at most 600"),
    ],
)
def test_what_is_wrong_with_a_formula_is_said(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        read_spec(text)
    assert len(str(caught.value)) < 2000
    assert "\n" not in str(caught.value) and "pydantic" not in str(caught.value)


def test_a_config_says_it_too_and_not_as_a_traceback() -> None:
    with pytest.raises(ValidationError) as caught:
        RunConfig(target={"kind": "formula", "y": "1/x", "start": -1, "end": 1})
    assert "infinite at x = 0" in str(caught.value)


def test_a_pole_between_two_places_of_the_grid_stays_near_the_picture() -> None:
    target = FormulaSpec(y="1/(x-0.00012345)", start=-1.0, end=1.0).build()
    points = target.sample(100_000, _rng())
    assert np.isfinite(points).all()


@pytest.mark.parametrize("recipe", [textbook, best])
@pytest.mark.parametrize("text", [CURVE, LINE, "y = 2; x = 0..1"])
def test_it_is_trained_on_as_a_built_in_shape_is(recipe: Callable[[str], RunConfig], text: str) -> None:
    config = recipe(text).model_copy(update={"points": 512, "epochs": 2, "batch_size": 128})
    trainer = Trainer(config)
    records = trainer.advance(epochs=2)
    assert [record.epoch for record in records] == [1, 2]
    assert np.isfinite(trainer.sample(100, seed=0)).all()
    assert trainer.evaluate()["headline"] > 0
    again = Trainer.resume(config, trainer.checkpoint())
    np.testing.assert_array_equal(again.sample(10, seed=1), trainer.sample(10, seed=1))
