"""Number patterns: one-hot vectors there and back, which numbers belong, how a pattern is written and drawn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gandash import PATTERNS, int_to_onehot, onehot_encoder, onehot_to_int
from gandash.core.config import RunConfig, explain
from gandash.core.link import decode, encode
from gandash.core.targets import read_spec
from gandash.core.targets.patterns import DEPTH, Pattern, PatternSpec

TEXTS = {
    "multiples-of-5": range(0, 100, 5),
    "multiples-of-1": range(100),
    "multiples-of-99": (0, 99),
    "even": range(0, 100, 2),
    "odd": range(1, 100, 2),
    "squares": (0, 1, 4, 9, 16, 25, 36, 49, 64, 81),
    "primes": (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97),
    "fibonacci": (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89),
    "digit-sum-10": (19, 28, 37, 46, 55, 64, 73, 82, 91),
    "digit-sum-0": (0,),
    "digit-sum-18": (99,),
    "numbers:21,3,7,3": (3, 7, 21),
    "numbers: 3 7": (3, 7),
    "numbers:" + ",".join(map(str, range(99))): range(99),
}


def pattern(text: str) -> Pattern:
    target = read_spec(text).build()
    assert isinstance(target, Pattern)
    return target


def test_one_hot_vectors_have_the_chapters_meaning() -> None:
    assert onehot_encoder(1, 3).tolist() == [0, 1, 0]
    assert int_to_onehot(99).shape == (DEPTH,) and int_to_onehot(99)[99] == 1 == int_to_onehot(99).sum()
    assert int_to_onehot(np.arange(6).reshape(2, 3)).shape == (2, 3, DEPTH)
    assert onehot_to_int(np.array([[0.1, 0.7, 0.7], [-3, -2, -9]])).tolist() == [1, 1], (
        "the first of equals, any numbers"
    )
    assert onehot_to_int(np.zeros(DEPTH)) == 0, "as argmax has it"


@given(st.lists(st.integers(0, 99), min_size=1, max_size=20))
def test_numbers_come_back_from_their_vectors(numbers: list[int]) -> None:
    assert onehot_to_int(int_to_onehot(numbers)).tolist() == numbers


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: int_to_onehot(100), "number 100 is out of range; it must be from 0 to 99."),
        (lambda: int_to_onehot([3, -1]), "number -1 is out of range; it must be from 0 to 99."),
        (lambda: int_to_onehot(2.5), "number is 2.5; it must be a whole number from 0 to 99"),
        (lambda: int_to_onehot(True), "number is True; it must be a whole number"),
        (lambda: int_to_onehot([[1], [2, 3]]), "number is [[1], [2, 3]]; it must be a whole number"),
        (lambda: onehot_encoder(4, 4), "position 4 is out of range; it must be from 0 to 3."),
        (lambda: onehot_encoder(0, 0), "depth is 0; it must be at least 1."),
        (lambda: onehot_encoder(0, "many"), "depth is 'many'; it must be a whole number"),  # type: ignore[arg-type]
        (lambda: onehot_to_int(3), "it must hold numbers and have the shape (..., depth)"),
        (lambda: onehot_to_int([0.0, np.nan]), "vector has entries that are NaN"),
    ],
)
def test_what_is_out_of_range_is_refused_in_words(call: Any, told: str) -> None:
    with pytest.raises(ValueError, match=r"must|cannot be told") as caught:
        call()
    assert told in str(caught.value) and len(str(caught.value)) < 300


@pytest.mark.parametrize(("text", "numbers"), TEXTS.items(), ids=lambda part: str(part)[:20])
def test_a_text_names_its_numbers_and_survives_a_link_a_file_and_its_own_name(text: str, numbers: range) -> None:
    config = RunConfig(shape=text)
    assert pattern(text).numbers == tuple(numbers)
    assert decode(encode(config)) == (config, ())
    assert RunConfig.from_json(config.to_json()) == config
    assert RunConfig(shape=config.shape) == config
    assert RunConfig(target={"kind": "pattern", "name": text}) == config
    assert len(config.shape) <= 48 and set(config.shape) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")


def test_a_link_tells_a_pattern_by_its_name() -> None:
    assert encode(RunConfig(shape="numbers:21,3,7", seed=3)) == "1_numbers-3-7-21_seed.3"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("multiples-of-0", "0 was given; multiples-of-N takes a whole number from 1 to 99"),
        ("multiples-of-five", "the pattern 'multiples-of-five' is unknown: give multiples-of-N, even"),
        ("digit-sum-19", "digit-sum-N takes a whole number from 0 to 18"),
        ("numbers:100", "100 was given; a number of the list takes a whole number from 0 to 99"),
        ("numbers:", "the pattern 'numbers:' is unknown"),
        ("numbers-x" + "0" * 25, "is unknown"),
        ("numbers:" + "1," * 5000, "a pattern of 10,008 letters was given; it has at most 600"),
    ],
)
def test_a_pattern_without_sense_is_refused_in_words(text: str, told: str) -> None:
    from pydantic import ValidationError

    for values in ({"shape": text}, {"target": {"kind": "pattern", "name": text}}):
        with pytest.raises(ValidationError) as caught:
            RunConfig(**values)
        (sentence,) = explain(caught.value)
        assert told in sentence and len(sentence) < 700


def test_a_sample_is_uniform_over_the_numbers_and_repeatable() -> None:
    five = PATTERNS["multiples-of-5"]
    vectors = five.sample(20_000, np.random.default_rng(0))
    assert vectors.shape == (20_000, 100) and vectors.dtype == np.float32
    assert set(np.unique(vectors)) == {0, 1} and (vectors.sum(axis=1) == 1).all()
    shares = np.bincount(onehot_to_int(vectors), minlength=100) / 20_000
    assert (shares[::5] > 0.04).all() and shares[::5].sum() == 1
    np.testing.assert_array_equal(vectors, five.sample(20_000, np.random.default_rng(0)))


def test_the_board_shows_ones_and_tens_of_the_largest_entry() -> None:
    canvas = PATTERNS["primes"].canvas
    drawn = canvas.project(np.concatenate((int_to_onehot([0, 7, 97]), -int_to_onehot([0]))))
    assert drawn.dtype == np.float32
    assert drawn.tolist() == [[0, 0], [7, 0], [7, 9], [1, 0]]
    assert canvas.project(drawn).tolist() == drawn.tolist(), "what is drawn already stays"
    assert canvas.bounds == ((-0.5, 9.5), (-0.5, 9.5)) and canvas.axes == ("ones", "tens")


def test_the_named_patterns_are_their_own_specs() -> None:
    assert next(iter(PATTERNS)) == "multiples-of-5"
    for name, target in PATTERNS.items():
        assert target.spec == PatternSpec(name=name) == read_spec(name)
        assert target.name == name and target.dim == len(target.columns) == 100
    assert len({target.title for target in PATTERNS.values()}) == len(PATTERNS)
