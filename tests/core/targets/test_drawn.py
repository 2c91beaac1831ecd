"""Targets that a user draws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from gandash import RunConfig, Trainer
from gandash.core.link import decode, encode
from gandash.core.presets import best
from gandash.core.targets import read_spec
from gandash.core.targets.drawn import DrawnSpec, Stroke

CORNER = DrawnSpec(strokes=(Stroke(20, ((-800, -800), (800, -800), (800, 0))),))


def _points(spec: DrawnSpec, n: int = 20_000) -> Any:
    return spec.build().sample(n, np.random.default_rng(0))


def test_points_lie_evenly_by_length_and_within_the_brush() -> None:
    x, y = _points(CORNER).T
    upright = y > -0.78
    assert upright.mean() == pytest.approx((800 - 20) / 2400, abs=0.01)
    assert np.histogram(x[~upright], bins=8, range=(-0.8, 0.8))[0] == pytest.approx(np.mean(~upright) * 2500, rel=0.15)
    off = np.hypot(np.clip(abs(x) - 0.8, 0, None), np.minimum(abs(y + 0.8), abs(x - 0.8)))
    assert off.max() <= 0.0101 * math.sqrt(2)


def test_a_dot_beside_a_line_has_its_share_and_is_as_round_as_the_brush() -> None:
    spec = DrawnSpec(strokes=(Stroke(100, ((0, 0),)), Stroke(20, ((-500, 500), (400, 500)))))
    points = _points(spec)
    dot = points[points[:, 1] < 0.4]
    assert len(dot) / len(points) == pytest.approx(0.1, abs=0.01)
    assert np.hypot(*dot.T).max() == pytest.approx(0.05, rel=0.05)
    assert np.hypot(*dot.T).mean() == pytest.approx(0.05 * 2 / 3, rel=0.05), "evenly over the disc"


def test_it_survives_text_json_and_link() -> None:
    assert read_spec(CORNER.text) == CORNER
    config = RunConfig(target=CORNER)
    assert RunConfig.from_json(config.to_json()) == config
    assert decode(encode(config)) == (config, ())


def test_a_scribble_of_two_hundred_corners_fits_into_a_link() -> None:
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.integers(-40, 41, (200, 2)), axis=0).clip(-1000, 1000)
    config = RunConfig(target=DrawnSpec(strokes=(Stroke(30, tuple(map(tuple, walk.tolist()))),)))
    assert len(encode(config)) < 2048
    assert decode(encode(config)) == (config, ())


@pytest.mark.parametrize(
    ("strokes", "said"),
    [
        ([], "nothing is drawn"),
        ([{"width": 20, "corners": [[0, 0]]}], "one dot"),
        ([{"width": 20, "corners": [[0, 0], [5, 5]]}], "one dot"),
        ([{"width": 20, "corners": []}], "at least 1"),
        ([{"width": 2000, "corners": [[0, 0], [500, 500]]}], "less than or equal"),
        ([{"width": 20, "corners": [[0, 0], [5000, 500]]}], "less than or equal"),
        ([{"width": 20, "corners": [[0, 0], [0.5, 500]]}], "integer"),
        ([{"width": 20, "corners": [[0, math.nan], [1, 500]]}], "(?i)nan|integer|finite"),
        ([{"width": 20, "corners": [[0, 0]] * 9000}], "9,000 corners; at most 4,000"),
        ([{"width": 20, "corners": [[0, 0], [500, 0]] * 1500}] * 2, "6,000 corners"),
        ("scribble", "tuple"),
        ([{"width": 20, "corners": [[0, 0], [500, 500]], "colour": "red"}], "(?i)unexpected|extra"),
    ],
)
def test_what_is_wrong_with_a_drawing_is_said(strokes: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        read_spec({"kind": "drawn", "strokes": strokes})
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("text", ["{", '{"kind": "drawn"', "{}", '{"kind": "drown"}', "[" * 10_000, "{" * 300_000])
def test_a_text_that_is_no_target_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - several sentences
        read_spec(text)
    assert len(str(caught.value)) < 2000


def test_it_is_trained_on_as_a_built_in_shape_is() -> None:
    config = best(CORNER).model_copy(update={"points": 512, "epochs": 2, "batch_size": 128})
    trainer = Trainer(config)
    trainer.advance(epochs=2)
    assert np.isfinite(trainer.sample(50, seed=0)).all()
    again = Trainer.resume(config, trainer.checkpoint())
    np.testing.assert_array_equal(again.sample(10, seed=1), trainer.sample(10, seed=1))
