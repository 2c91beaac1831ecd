"""Every knob's bounds, the combinations refused, and the sentences that say so."""

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gandash.core.config import KNOBS, OBJECTIVE_DEFAULTS, Knob, RunConfig, explain
from gandash.core.objectives import OBJECTIVES

BOUNDED = [knob for knob in KNOBS.values() if knob.minimum is not None and knob.maximum is not None]
CHOICES = [knob for knob in KNOBS.values() if knob.choices]


def refusal(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        RunConfig(**values)
    assert isinstance(caught.value, ValueError)
    return "\n".join(explain(caught.value))


def strategy(knob: Knob) -> st.SearchStrategy[Any]:
    match knob.kind:
        case "int":
            assert knob.minimum is not None and knob.maximum is not None
            return st.integers(int(knob.minimum), int(knob.maximum))
        case "float":
            return st.floats(knob.minimum, knob.maximum)
        case "bool":
            return st.booleans()
        case "widths":
            return st.lists(st.integers(1, 1024), min_size=1, max_size=6).map(tuple)
        case _:
            return st.sampled_from(knob.choices)


def test_the_defaults_are_the_textbooks_recipe() -> None:
    config = RunConfig(shape="exponential", seed=0)
    assert (config.points, config.batch_size, config.latent_dim) == (2048, 128, 2)
    assert (config.generator_widths, config.discriminator_widths) == ((16, 32), (256, 128, 64))
    assert (config.activation, config.dropout) == ("relu", 0.3)
    assert (config.generator_lr, config.discriminator_lr) == (0.0005, 0.0005)
    assert (config.objective, config.discriminator_updates) == ("non-saturating", "separate")
    assert (config.early_stopping, config.patience, config.ema_decay) == ("patience", 1000, 0.0)


@settings(max_examples=100, deadline=None)
@given(st.fixed_dictionaries({}, optional={knob.name: strategy(knob) for knob in KNOBS.values()}))
def test_json_round_trip(values: dict[str, Any]) -> None:
    try:
        config = RunConfig(**values)
    except ValidationError as error:
        refused = {detail["loc"] for detail in error.errors()}
    else:
        refused = set()
        assert RunConfig.from_json(config.to_json()) == config
    assert refused <= {()}, "values within their bounds may be refused as a combination only"


@pytest.mark.parametrize("knob", BOUNDED, ids=lambda knob: knob.name)
def test_bounds_are_refused_at_both_ends(knob: Knob) -> None:
    assert knob.minimum is not None and knob.maximum is not None
    for given_value in (knob.minimum - 1, knob.maximum + 1):
        value = int(given_value) if knob.kind == "int" else given_value
        said = refusal(**{knob.name: value})
        assert knob.label in said and repr(value) in said and knob.allowed in said


@pytest.mark.parametrize("knob", [k for k in BOUNDED if k.kind == "float"], ids=lambda knob: knob.name)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "much", None])
def test_what_is_no_number_is_refused(knob: Knob, value: Any) -> None:
    assert knob.label in refusal(**{knob.name: value})


@pytest.mark.parametrize("knob", CHOICES, ids=lambda knob: knob.name)
def test_unknown_choices_are_refused_with_the_known_ones(knob: Knob) -> None:
    said = refusal(**{knob.name: "nonsense"})
    assert "nonsense" in said and all(choice in said for choice in knob.choices)


@pytest.mark.parametrize("name", ["generator_widths", "discriminator_widths"])
@pytest.mark.parametrize(
    "widths", [(), "", " , ", (0,), (16, 0), (100_000,), (-1,), (1,) * 7, "16, x", (1.5,), 16, None]
)
def test_bad_widths_are_refused(name: str, widths: Any) -> None:
    said = refusal(**{name: widths})
    assert KNOBS[name].label in said and "1 to 6 whole numbers from 1 to 1,024" in said


@pytest.mark.parametrize("text", ["16, 32", "16-32", "16 32", "16;32", " 16 ,32 "])
def test_widths_may_be_typed(text: str) -> None:
    assert RunConfig(generator_widths=text).generator_widths == (16, 32)  # type: ignore[arg-type]


CONTRADICTIONS: list[tuple[dict[str, Any], str]] = [
    ({"points": 100}, "a batch of 128 is larger than the data, 100 points"),
    ({"packing": 3}, "packs of 3"),
    ({"penalty": "wgan-gp", "discriminator_updates": "joint"}, "take r1, r2 or r1+r2"),
    ({"objective": "wgan-gp", "penalty": "none"}, "grows without bound"),
    ({"objective": "hinge", "label_smoothing": 0.1}, "no labels to smooth"),
    ({"objective": "rpgan", "label_smoothing": 0.1}, "no labels to smooth"),
    ({"objective": "rpgan", "discriminator_updates": "separate", "penalty": "none"}, "in pairs"),
    ({"penalty": "r1"}, "joint discriminator updates"),
    ({"shape": "rign8"}, "Did you mean ring8?"),
]


@pytest.mark.parametrize(("values", "reason"), CONTRADICTIONS, ids=str)
def test_contradictions_are_refused_with_the_reason(values: dict[str, Any], reason: str) -> None:
    assert reason in refusal(**values)


def test_spectral_normalisation_without_dropout_is_fine() -> None:
    assert RunConfig(spectral_norm=True, dropout=0.0).spectral_norm


def test_unknown_knobs_are_refused_with_a_suggestion() -> None:
    assert "Did you mean dropout?" in refusal(dropuot=0.1)
    assert "The knobs are" in refusal(zzz=1)


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '"ring8"', '{"dropout": NaN}', '{"dropout": 2}', b"\xff\xfe{"])
def test_malformed_json_is_refused_in_plain_words(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|Dropout") as caught:
        RunConfig.from_json(text)
    assert "pydantic" not in str(caught.value)


def test_json_may_be_partial() -> None:
    assert RunConfig.from_json('{"shape": "ring8"}') == RunConfig(shape="ring8")


def test_copies_are_validated() -> None:
    config = RunConfig()
    assert config.model_copy(update={"seed": 1}).seed == 1
    with pytest.raises(ValidationError):
        config.model_copy(update={"dropout": 1.0})
    with pytest.raises(ValidationError):
        config.dropout = 0.5


def test_objectives_bring_their_defaults_and_explicit_values_win() -> None:
    assert OBJECTIVE_DEFAULTS.keys() == OBJECTIVES.keys() == set(KNOBS["objective"].choices)
    for objective, defaults in OBJECTIVE_DEFAULTS.items():
        config = RunConfig(objective=objective)  # type: ignore[arg-type]
        assert {name: getattr(config, name) for name in defaults} == defaults
    assert RunConfig(objective="wgan-gp", discriminator_steps=2).discriminator_steps == 2


def test_knobs_describe_every_field() -> None:
    assert list(KNOBS) == list(RunConfig.model_fields)
    for knob in KNOBS.values():
        assert knob.label and knob.help.endswith(".")
        assert (knob.kind in ("int", "float")) == (knob.minimum is not None and knob.maximum is not None)
    assert json.loads(RunConfig().to_json()).keys() == KNOBS.keys()
