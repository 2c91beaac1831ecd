"""The config: round trips, every bound at both ends, contradictions, and sentences that name what is wrong."""

from __future__ import annotations

import json
import math
import re
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from gandash.core.config import KNOBS, Knob, RunConfig, contradictions, explain, problems
from gandash.core.objectives import OBJECTIVES
from gandash.core.problems import Problem
from gandash.core.targets.shapes import SHAPES

BOUNDED = [knob for knob in KNOBS.values() if knob.kind in ("int", "float")]
WIDTHS = [knob for knob in KNOBS.values() if knob.kind == "widths"]


def refusal(**values: Any) -> list[str]:
    """The sentences that refuse a config."""
    with pytest.raises(ValidationError) as caught:
        RunConfig(**values)
    return explain(caught.value)


def values_of(knob: Knob) -> st.SearchStrategy[Any]:
    match knob.kind:
        case "bool":
            return st.booleans()
        case "widths":
            return st.lists(st.integers(1, 1024), max_size=6).map(tuple)
        case "choice" | "target":
            return st.sampled_from(knob.choices)
    assert knob.minimum is not None
    assert knob.maximum is not None
    if knob.kind == "int":
        return st.integers(int(knob.minimum), int(knob.maximum))
    return st.floats(knob.minimum, knob.maximum)


@st.composite
def configs(draw: st.DrawFn) -> RunConfig:
    """Valid configs: any value of any knob, with what contradicts the rest left to its default."""
    values = draw(st.fixed_dictionaries({}, optional={name: values_of(knob) for name, knob in KNOBS.items()}))
    values["packing"] = draw(st.sampled_from((1, 2, 4, 8)))
    values["batch_size"] = 8 * draw(st.integers(1, 8000))
    values["points"] = draw(st.integers(max(16, values["batch_size"]), 1_000_000))
    if values.get("penalty") == "wgan-gp" or values.get("objective") in ("hinge", "wgan-gp", "rpgan"):
        for name in ("penalty", "label_smoothing", "discriminator_updates"):
            values.pop(name, None)
    if values.get("early_stopping") == "fit":
        del values["early_stopping"]  # no shape has it
    if values.get("penalty", "none") != "none":
        values["discriminator_updates"] = "joint"
    return RunConfig(**values)


@given(configs())
def test_json_brings_back_an_equal_config(config: RunConfig) -> None:
    text = config.to_json()
    assert RunConfig.from_json(text) == config
    assert RunConfig.from_json(text.encode()) == config
    assert json.loads(text).keys() == KNOBS.keys()


@given(configs())
def test_a_valid_config_has_whole_batches_and_no_contradictions(config: RunConfig) -> None:
    assert contradictions(config) == []
    assert 1 <= config.batches_per_epoch <= config.points
    assert config.total_batches == config.batches_per_epoch * config.epochs
    assert config.batches_per_epoch * config.batch_size <= config.points


def test_every_knob_has_a_label_a_help_text_and_a_valid_default() -> None:
    for name, knob in KNOBS.items():
        assert knob.label
        assert knob.help.endswith((".", ")"))
        assert getattr(RunConfig(), name) == knob.default
        RunConfig(**{name: knob.default})


@pytest.mark.parametrize("knob", BOUNDED, ids=lambda knob: knob.name)
def test_bounds_are_refused_at_both_ends_by_a_sentence_with_the_range(knob: Knob) -> None:
    assert knob.minimum is not None
    assert knob.maximum is not None
    step = 1 if knob.kind == "int" else 1e-9
    for value in (knob.minimum - step, knob.maximum + step, -math.inf, math.inf, math.nan, "many", None):
        (sentence,) = refusal(**{knob.name: value})
        assert sentence.startswith(f"{knob.label} ({knob.name}): {value!r} was given; it must be a ")
        assert sentence.endswith(f"{knob.allowed}.")
        assert f"{knob.minimum:g}" in sentence.replace(",", "") or f"{knob.minimum:,.0f}" in sentence
        assert f"{knob.maximum:g}" in sentence.replace(",", "") or f"{knob.maximum:,.0f}" in sentence


@pytest.mark.parametrize("knob", BOUNDED, ids=lambda knob: knob.name)
def test_both_ends_are_themselves_allowed(knob: Knob) -> None:
    room: dict[str, Any] = {"points": 1_000_000, "batch_size": 840}  # a batch that every pack size divides
    for end in (knob.minimum, knob.maximum):
        if (knob.name, end) == ("points", 16):
            room["batch_size"] = 16
        value = knob.kind == "int" and end is not None and int(end)
        config = RunConfig(**{**room, knob.name: end if knob.kind == "float" else value})
        assert getattr(config, knob.name) == end


@pytest.mark.parametrize("knob", WIDTHS, ids=lambda knob: knob.name)
@pytest.mark.parametrize(
    "widths",
    [
        "",
        " , ",
        (0,),
        (100_000,),
        (1025,),
        (16, -1),
        "-5",
        "16,-32",
        "16;;32",
        "16.5",
        "sixteen",
        (1,) * 7,
        16,
        None,
        "²",
    ],
    ids=repr,
)
def test_widths_without_sense_are_refused(knob: Knob, widths: Any) -> None:
    (sentence,) = refusal(**{knob.name: widths})
    assert sentence.startswith(f"{knob.label} ({knob.name}): ")
    assert "it must be 1 to 6 whole numbers from 1 to 1,024" in sentence


@pytest.mark.parametrize("none", [(), [], "none", " none "], ids=repr)
def test_a_network_may_have_no_hidden_layer(none: Any) -> None:
    config = RunConfig(generator_widths=none, discriminator_widths=none)
    assert config.generator_widths == config.discriminator_widths == ()
    assert RunConfig.from_json(config.to_json()) == config


def test_only_numbers_can_fit() -> None:
    (sentence,) = refusal(early_stopping="fit")
    assert sentence.startswith("Early stopping (early_stopping): numbers fit a pattern, and points no shape")
    assert RunConfig(shape="even", early_stopping="fit").early_stopping == "fit"


def test_a_refused_width_is_named_by_its_layer() -> None:
    assert "layer 2 is 0;" in refusal(generator_widths=(16, 0))[0]


@pytest.mark.parametrize("text", ["16, 32", "16,32", "16 32", " 16-32 ", "16x32", "16; 32", "16, 32,"])
def test_widths_may_be_typed(text: str) -> None:
    assert RunConfig.model_validate({"generator_widths": text}).generator_widths == (16, 32)


@given(st.text())
@example("\f")
def test_any_text_for_widths_is_read_or_refused_in_words(text: str) -> None:
    try:
        widths = RunConfig.model_validate({"generator_widths": text}).generator_widths
    except ValidationError as error:
        sentences = explain(error)
    else:
        sentences = []
        assert len(widths) <= 6 and (widths or text.strip() == "none")
        assert all(1 <= width <= 1024 for width in widths)
    assert all(sentence.startswith("Generator widths (generator_widths): ") for sentence in sentences)


@pytest.mark.parametrize("name", [knob.name for knob in KNOBS.values() if knob.kind == "choice"])
def test_unknown_choices_are_refused_with_the_choices(name: str) -> None:
    (sentence,) = refusal(**{name: "nonsense"})
    assert all(choice in sentence for choice in KNOBS[name].choices)


def test_an_unknown_shape_suggests_a_near_one() -> None:
    (sentence,) = refusal(shape="rng8")
    assert sentence.startswith("Target (target): shape 'rng8' is unknown. Did you mean ring8?")
    assert all(name in sentence for name in SHAPES)


def test_an_unknown_knob_suggests_a_near_one() -> None:
    assert refusal(drop_out=0.3) == ["There is no knob 'drop_out'. Did you mean dropout?"]
    (sentence,) = refusal(zzz=1)
    assert sentence.startswith("There is no knob 'zzz'. The knobs are target, ")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"points": 100, "batch_size": 128}, "a batch of 128 is larger than the data, 100 points"),
        ({"batch_size": 128, "packing": 3}, "a batch of 128 cannot be cut into packs of 3"),
        ({"penalty": "wgan-gp", "discriminator_updates": "joint"}, "contradicts the non-saturating loss"),
        ({"objective": "wgan-gp", "penalty": "none"}, "without a gradient penalty or spectral normalisation"),
        ({"objective": "hinge", "label_smoothing": 0.1}, "the hinge loss has no labels to smooth"),
        ({"objective": "wgan-gp", "label_smoothing": 0.1}, "the wgan-gp loss has no labels to smooth"),
        ({"objective": "rpgan", "label_smoothing": 0.1}, "the rpgan loss has no labels to smooth"),
        ({"objective": "rpgan", "penalty": "none", "discriminator_updates": "separate"}, "in pairs"),
        ({"penalty": "r1"}, "a gradient penalty belongs to one update"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_contradictions_are_refused_with_their_reason(values: dict[str, Any], reason: str) -> None:
    (sentence,) = refusal(**values)
    assert reason in sentence
    assert "; " not in sentence, "one contradiction, one reason"


def test_several_things_wrong_are_all_told_once() -> None:
    sentences = refusal(dropout=1.0, epochs=0, generator_widths=(0, 0))
    assert [sentence.partition(" (")[2].partition(")")[0] for sentence in sentences] == [
        "generator_widths",
        "generator_widths",
        "dropout",
        "epochs",
    ]
    assert len(set(sentences)) == 4
    assert len(refusal(points=100, batch_size=128, packing=3)) == 2


def test_what_is_wrong_comes_with_its_knob_and_without_its_name() -> None:
    with pytest.raises(ValidationError) as caught:
        RunConfig(points=100, dropout=2.0)
    assert problems(caught.value) == [Problem("dropout", "2.0 was given; it must be a number from 0 to 0.9")]
    with pytest.raises(ValidationError) as caught:
        RunConfig(points=100, packing=3)
    assert [problem.knob for problem in problems(caught.value)] == ["batch_size", "packing"]


def test_hostile_configs_are_answered_shortly_and_at_once() -> None:
    for values in (
        {f"k{i}": "x" * 50 for i in range(20_000)},
        {"generator_widths": " " * 100_000 + "!"},
        dict.fromkeys(KNOBS, "x" * 1000),
        dict.fromkeys(KNOBS, "\N{GRINNING FACE}" * 1000),
        dict.fromkeys(("generator_widths", "discriminator_widths"), [0] * 200),
    ):
        start = time.perf_counter()
        assert 0 < len("\n".join(refusal(**values)).encode()) < 2048
        assert time.perf_counter() - start < 0.5  # ten times what is wanted; a hang took minutes


def test_what_there_is_no_room_to_tell_is_counted() -> None:
    sentences = refusal(**dict.fromkeys(KNOBS, "\N{GRINNING FACE}" * 1000))
    count = re.fullmatch(r"And (\d+) more things are wrong\.", sentences[-1])
    assert count is not None and len(sentences) - 1 + int(count[1]) >= len(KNOBS) - 1


def test_long_nonsense_is_not_repeated_at_length() -> None:
    for sentence in refusal(dropout="x" * 10_000, epochs=[0] * 10_000) + refusal(shape="y" * 10_000):
        assert len(sentence) < 400
    assert len(refusal(**{"z" * 10_000: 1})[0]) < 1000


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_an_objective_brings_its_defaults_unless_they_are_given(objective: Any) -> None:
    config = RunConfig(objective=objective)
    defaults = OBJECTIVES[objective].defaults
    assert config.model_dump(include=set(defaults)) == defaults
    untouched = KNOBS.keys() - defaults.keys() - {"objective"}
    assert all(getattr(config, name) == KNOBS[name].default for name in untouched)
    assert RunConfig(objective=objective, beta1=0.25).beta1 == 0.25


def test_a_copy_is_validated_and_leaves_the_original_alone() -> None:
    config = RunConfig(seed=3)
    copy = config.model_copy(update={"epochs": 5})
    assert (copy.epochs, copy.seed, config.epochs) == (5, 3, 10_000)
    with pytest.raises(ValidationError):
        config.model_copy(update={"epochs": 0})
    with pytest.raises(ValidationError):
        config.model_copy(update={"batch_size": 4096})
    with pytest.raises(ValidationError):
        config.model_copy(update={"epoch": 5})


def test_a_config_is_frozen_and_can_be_a_key() -> None:
    config = RunConfig()
    with pytest.raises(ValidationError):
        config.epochs = 3
    assert {config: "same"}[RunConfig()] == "same"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"shape": ', "The config is not valid JSON"),
        ("", "The config is not valid JSON"),
        (b"\xff\xfe\xfa", "The config is not valid JSON"),
        ("[1]", "must be a JSON object of knobs, not list"),
        ("null", "must be a JSON object of knobs, not NoneType"),
        ('{"dropout": NaN}', "Dropout of the discriminator (dropout): nan was given"),
        ('{"epochs": 1e999}', "Epochs (epochs): inf was given"),
        ('{"epochs": 2.5}', "Epochs (epochs): 2.5 was given"),
        ('{"shape": 8}', "Target (target): 8 was given; it must be a shape's name"),
        ('{"target": {"kind": "sha"}}', "Target (target): the kind 'sha' was given; it must be one of shape"),
        ('{"target": {"kind": "shape"}}', "Target (target): name: Field required"),
        ('{"target": {"kind": "shape", "name": ["ring8"]}}', "Target (target): name: Input should be a valid string"),
        ('{"target": {"kind": "shape", "name": "ring8", "x": 1}}', "Target (target): x: Extra inputs"),
        ('{"target": "ring8", "shape": "line"}', "shape 'line' and another target were given: give one of them"),
        ('{"shape": "ring8", "colour": 1}', "There is no knob 'colour'"),
        ('{"batch_size": 4096}', "a batch of 4096 is larger than the data"),
    ],
)
def test_bad_json_is_refused_in_plain_words(text: str | bytes, told: str) -> None:
    with pytest.raises(ValueError, match=r"^(?!.*validation error)") as caught:
        RunConfig.from_json(text)
    assert told in str(caught.value)


def test_a_part_of_a_config_is_filled_with_defaults() -> None:
    assert RunConfig.from_json('{"shape": "ring8", "objective": "hinge"}') == RunConfig(
        shape="ring8", objective="hinge"
    )
