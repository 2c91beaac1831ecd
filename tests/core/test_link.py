"""Links: every config comes back exactly, short and safe in an address; whatever a stranger types is answered."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import time
import urllib.parse
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gandash.core.config import KNOBS, RunConfig
from gandash.core.link import KEYS, LONGEST_OWN, SHORT, _pack, decode, encode, is_kept
from gandash.core.objectives import OBJECTIVES
from gandash.core.presets import PRESETS
from gandash.core.targets import TargetSpec
from tests.core.random_configs import random_config
from tests.core.test_config import configs

WRONG_TARGETS: list[tuple[str, Any]] = [
    ("drawn", {"strokes": []}),
    ("drawn", {"strokes": [{"width": 5, "corners": [[0, 5000]]}]}),
    ("formula", {"y": "__import__('os')", "start": 0, "end": 1, "noise": 0}),
    ("formula", {"y": "1/x", "start": -1, "end": 1, "noise": 0}),
    ("formula", [1, 2]),
    ("shape", {"name": "ring8", "more": 1}),
    ("nothing", {"name": "ring8"}),
]

ALL_CHANGED: dict[str, Any] = {
    "target": "checkerboard",
    "points": 999_999,
    "batch_size": 65_535,
    "generator_widths": (1023, 1022, 1021, 1020, 1019, 1018),
    "discriminator_widths": (1017, 1016, 1015, 1014, 1013, 1012),
    "activation": "leaky_relu",
    "latent_dim": 511,
    "latent": "uniform",
    "latent_digits": 10,
    "packing": 5,
    "generator_fourier": 10,
    "discriminator_fourier": 10,
    "discriminator_steps": 20,
    "penalty_schedule": "constant",
    "lr_schedule": "cosine",
    "epochs": 999_999_999,
    "patience": 999_999_999,
    "early_stopping": "threshold",
    "monitor": "headline",
    "best_by": "textbook",
    "evaluate_every": 999,
    "device": "cuda",
    "seed": 2**32 - 1,
    "standardize": True,
    "fresh": True,
}
LONG_FLOATS = {
    knob.name: float.fromhex("0x1.23456789abcdfp-300") if knob.minimum == 0 else 1.2345678901234567e-05
    for knob in KNOBS.values()
    if knob.kind == "float"
}

PLACED_LINK = (
    "1p_checkerboard_c_999999_65535_on_1023-1022-1021-1020-1019-1018_1017-1016-1015-1014-1013-1012_b_LTI0VniavN8_511_b_"
    "10_on_5_10_10_LTI0VniavN8__20_e_LTI0VniavN8_b_LTI0VniavN8_LTI0VniavN8_b_LTI0VniavN8_LTI0VniavN8_PunkCTAmeLo_"
    "PunkCTAmeLo_LTI0VniavN8_LTI0VniavN8_b_LTI0VniavN8_LTI0VniavN8_999999999_b_999999999_LTI0VniavN8_b_b_999_c_"
    "4294967295"
)


def longest(objective: str) -> RunConfig:
    """Every knob changed to a value of many letters, as far as the objective's rules allow."""
    usual = RunConfig.model_validate({"objective": objective})
    changed = {**ALL_CHANGED, **LONG_FLOATS, "spectral_norm": not usual.spectral_norm}
    changed |= {"objective": objective, "penalty_schedule": "cosine", "discriminator_updates": "joint"}
    changed |= {"label_smoothing_sides": "two", "penalty": "none" if objective == "rpgan" else "r1+r2"}
    if not OBJECTIVES[objective].labels:
        changed["label_smoothing"] = 0.0
    return RunConfig.model_validate(changed)


@given(configs())
@settings(max_examples=250)
def test_a_config_comes_back_exactly_from_a_short_link_that_needs_no_escaping(config: RunConfig) -> None:
    link = encode(config)
    assert decode(link) == (config, ())
    assert len(link) <= SHORT
    assert re.fullmatch(r"[A-Za-z0-9._-]+", link)
    assert urllib.parse.quote(link, safe="") == urllib.parse.quote_plus(link, safe="") == link


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_every_knob_changed_to_its_longest_value_still_fits(objective: str) -> None:
    config = longest(objective)
    link = encode(config)
    assert decode(link) == (config, ())
    assert len(link) <= SHORT == 352
    usual = RunConfig.model_validate({"objective": objective})
    unchanged = {name for name in KEYS if getattr(config, name) == getattr(usual, name)} - {"objective"}
    assert len(unchanged) <= 3, "the test changes every knob that this objective lets one change"


@pytest.mark.parametrize("value", [0.1 + 0.2, 5e-324, math.nextafter(0.9, 0), 1 / 3, 2.2250738585072014e-308, 0.0])
@pytest.mark.parametrize("crowd", [{}, {**ALL_CHANGED, **LONG_FLOATS, "label_smoothing": 0.0}], ids=["alone", "in all"])
def test_floats_come_back_bit_for_bit(value: float, crowd: dict[str, Any]) -> None:
    config = RunConfig.model_validate({**crowd, "dropout": value})
    assert decode(encode(config))[0].dropout.hex() == value.hex()


@pytest.mark.parametrize("name", PRESETS)
def test_a_presets_link_is_readable(name: str) -> None:
    link = encode(PRESETS[name])
    assert decode(link) == (PRESETS[name], ())
    assert link.startswith(f"1_{PRESETS[name].shape}")
    assert len(link) <= 220


def test_the_textbooks_link_is_its_target_and_a_change_is_seen() -> None:
    assert encode(RunConfig()) == "1_exponential"
    config = RunConfig(shape="ring8", dropout=0.5, generator_widths=(64, 64), standardize=True, activation="leaky_relu")
    assert encode(config) == "1_ring8_std.on_g.64-64_act.leaky-relu_drop.0.5"


def test_an_explicit_value_that_is_the_textbooks_but_not_the_objectives_is_kept() -> None:
    config = RunConfig(objective="wgan-gp", dropout=0.3, discriminator_steps=1)
    assert decode(encode(config)) == (config, ())
    assert encode(RunConfig(objective="wgan-gp")) == "1_exponential_obj.wgan-gp"


def test_links_written_long_ago_mean_what_they_meant() -> None:
    """Keys, their order, defaults and the order of choices are promised: to change one takes a new version."""
    keyed = "1_ring8_obj.hinge_n.4096_act.leaky-relu_sn.off_glr.1e-05_stop.off_seed.7"
    assert decode(keyed)[0] == RunConfig(
        shape="ring8",
        objective="hinge",
        points=4096,
        activation="leaky_relu",
        spectral_norm=False,
        generator_lr=1e-5,
        early_stopping="off",
        seed=7,
        beta1=0.0,
        beta2=0.9,
        dropout=0.0,
        discriminator_updates="joint",
    )
    assert decode(PLACED_LINK) == (longest("least-squares").model_copy(update={"fresh": False}), ())


def test_every_knob_has_a_key_of_its_own_and_every_choice_a_word() -> None:
    assert {*KEYS, "target"} == KNOBS.keys(), "a new knob needs a key, at the end of KEYS"
    assert len(set(KEYS.values())) == len(KEYS)
    assert not set(KEYS.values()) & {name.replace("_", "-") for name, key in KEYS.items() if key != name}
    for knob in KNOBS.values():
        if knob.kind == "choice":
            words = {re.sub("[^a-z0-9]", "-", choice) for choice in knob.choices}
            assert len(words) == len(knob.choices)
            assert all(len(word) > 1 for word in words), "a letter alone is a choice's place"


@pytest.mark.parametrize(
    ("link", "changed", "knob", "told"),
    [
        ("1_ring8_drop.7_seed.3", {"shape": "ring8", "seed": 3}, "dropout", "from 0 to 0.9"),
        ("1_ring8_drop.nan_seed.3", {"shape": "ring8", "seed": 3}, "dropout", "'nan' was given"),
        ("1_ring8_g.64-0", {"shape": "ring8"}, "generator_widths", "layer 2 is 0"),
        ("1_ring8_act.gelu", {"shape": "ring8"}, "activation", "'gelu' was given"),
        ("1_ring8_std.perhaps", {"shape": "ring8"}, "standardize", "true or false"),
        ("1_ring8_epochs.1.5", {"shape": "ring8"}, "epochs", "1.5 was given"),
        ("1_ring8_seed.", {"shape": "ring8"}, "seed", "'' was given"),
        ("1_ring8_obj.gan_seed.3", {"shape": "ring8", "seed": 3}, "objective", "'gan' was given"),
        ("1_rng8_seed.3", {"seed": 3}, "target", "Did you mean ring8?"),
        ("1_cube.AAAA_seed.3", {"seed": 3}, "target", "'cube'"),
        ("1_shape.AAAA_seed.3", {"seed": 3}, "target", "unknown"),
        ("1_ring8_dropp.0.1", {"shape": "ring8"}, None, "a knob 'dropp', which there is not. Did you mean dropout?"),
        ("1_ring8_target.ring8", {"shape": "ring8"}, None, "a knob 'target', which there is not"),
        ("1_ring8_seed.3_seed.4", {"shape": "ring8", "seed": 3}, "seed", "twice"),
        ("1_ring8_seed.3_seed.3", {"shape": "ring8", "seed": 3}, "seed", "twice"),
        ("1_ring8_batch.4096_seed.3", {"shape": "ring8", "seed": 3}, "batch_size", "larger than the data"),
        ("1_ring8_n.64_seed.3", {"shape": "ring8", "seed": 3}, "points", "larger than the data"),
        ("1_ring8_obj.hinge_smooth.0.1", {"shape": "ring8", "objective": "hinge"}, "label_smoothing", "no labels"),
        ("1_ring8_obj.rpgan_du.separate", {"shape": "ring8", "objective": "rpgan"}, "discriminator_updates", "pairs"),
        ("1_ring8_gp.r1_seed.3", {"shape": "ring8", "seed": 3}, "penalty", "joint"),
    ],
)
def test_what_is_wrong_is_named_and_the_rest_is_used(
    link: str, changed: dict[str, Any], knob: str | None, told: str
) -> None:
    config, (problem,) = decode(link)
    assert config == RunConfig(**changed)
    assert problem.knob == knob
    assert told in problem.text


def test_a_knob_may_be_written_with_its_full_name() -> None:
    assert decode("1_ring8_generator-lr.0.002_dropout.0") == (
        RunConfig(shape="ring8", generator_lr=0.002, dropout=0.0),
        (),
    )
    assert decode("1_ring8_dropout.0.1_drop.0.2")[0].dropout == 0.1, "and is the same knob"


@pytest.mark.parametrize(
    "link", ["2_ring8", "ring8", "01_ring8", "1", "1_", "1__", "1p", " ", "_", "1P_ring8", "\uff11_ring8"]
)
def test_another_version_is_left_out_in_words_and_an_empty_link_says_nothing(link: str) -> None:
    config, wrong = decode(link)
    assert config == RunConfig()
    if link in ("1", "1_", "1__", "1p"):
        assert wrong == ()
    else:
        (problem,) = wrong
        assert "this gandash reads version 1" in problem.text
    assert decode("") == (RunConfig(), ())


HOSTILE = {
    "long": "1_" + "ring8_" * 1_000_000,
    "full of unknown knobs": "1_ring8_" + "_".join(f"k{i}.{i}" for i in range(450)),
    "full of near misses": "1_ring8_" + "_".join(f"dropou{i}.{i}" for i in range(280)),
    "full of the same": "1_ring8" + "_seed.1" * 580,
    "full of nothing": "1" + "_" * 4000,
    "one long value": "1_ring8_seed." + "9" * 4000,
    "one long key": "1_ring8_" + "k" * 4000,
    "a long target": "1_" + "r" * 4000,
    "every knob out of bounds": "1_ring8_" + "_".join(f"{key}." + "9" * 60 for key in KEYS.values()),
    "control characters": "1_ring8_\x00\x1b[31m\r\n\u202e.x_seed.\u2028\u0007",
    "no text at all": "1_\ud800_\udfff.\ud83d_seed.\udc00",
    "markup": "1_<script>_<b>.*x*_seed.[x](javascript:1)",
    "wide letters": "1_\U0001f600" + "\U0001f600" * 900 + "_" + "\u4e2d" * 900 + ".1_seed." + "\u4e2d" * 900,
    "a packed number that is none": "1_ring8_drop.f-AAAAAAAAA",
    "a bomb": "1_ring." + base64.b64encode(zlib.compress(b"[" * 2_500_000), b"-.").decode().rstrip("="),
    "too many places": "1p_ring8" + "_7" * 600,
    "deep": "1_ring8_g." + "-".join(["1"] * 1900),
}


@pytest.mark.parametrize("link", HOSTILE.values(), ids=list(HOSTILE))
def test_anything_is_answered_in_bounded_time_and_room(link: str) -> None:
    decode(link)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        config, wrong = decode(link)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05
    assert wrong or link == HOSTILE["full of nothing"]
    assert isinstance(config, RunConfig)
    assert sum(len(problem.text.encode("utf-8")) for problem in wrong) < 2000
    assert all(text.isprintable() for text in (problem.text for problem in wrong)), "nothing that a terminal obeys"


@given(st.text() | st.text("1p_.-abdeglnorstu08\x00", max_size=60).map("1_ring8_".__add__))
def test_any_text_is_answered(text: str) -> None:
    config, wrong = decode(text)
    assert decode(encode(config)) == (config, ())
    assert sum(len(problem.text.encode("utf-8")) for problem in wrong) < 2000


@given(configs(), st.data())
def test_a_link_with_one_letter_changed_loses_no_more_than_it_must(config: RunConfig, data: st.DataObject) -> None:
    link = encode(config)
    place = data.draw(st.integers(0, len(link) - 1))
    letter = data.draw(st.sampled_from("x_.-9%\x00"))
    read, wrong = decode(link[:place] + letter + link[place + 1 :])
    assert isinstance(read, RunConfig)
    assert sum(len(problem.text.encode("utf-8")) for problem in wrong) < 2000


class Kept(dict[str, TargetSpec]):
    """Targets by a name, in memory."""

    def keep(self, spec: TargetSpec) -> str:
        name = hashlib.blake2b(spec.text.encode(), digest_size=16).hexdigest()
        self[name] = spec
        return name

    def read(self, name: str) -> TargetSpec:
        if name not in self:
            raise ValueError("the link's target is gone")
        return self[name]


def test_two_hundred_configs_of_any_target_survive_a_link_exactly() -> None:
    kept = Kept()
    sizes = []
    for seed in range(200):
        config = random_config(seed)
        link = encode(config, kept.keep)
        assert decode(link, kept.read) == (config, ()), seed
        assert re.fullmatch(r"[A-Za-z0-9._-]+", link)
        assert is_kept(link) == (config.target in kept.values())
        sizes.append(len(link))
    assert max(sizes) < LONGEST_OWN + SHORT and kept
    assert any(size > 1000 for size in sizes), "and some of one's own are written out"
    kinds = {config.target.kind for config in map(random_config, range(200))}
    assert kinds == {"shape", "pattern", "formula", "drawn", "table"}


@pytest.mark.parametrize("kept", [None, Kept().read])
def test_a_target_that_is_gone_is_told_and_the_rest_is_used(kept: Any) -> None:
    config, (problem,) = decode(f"1_kept.{'0' * 32}_seed.3_g.5-6", kept)
    assert config == RunConfig(seed=3, generator_widths=(5, 6))
    assert problem.knob == "target" and ("gone" in problem.text or "the server that made the link" in problem.text)


@pytest.mark.parametrize("knob", [knob for knob in KNOBS.values() if knob.name != "target"], ids=lambda knob: knob.name)
def test_a_wrong_value_of_any_knob_is_named_and_the_others_are_used(knob: Any) -> None:
    other = {"seed": 5} if knob.name != "seed" else {"dropout": 0.25}
    rest = "seed.5" if knob.name != "seed" else "drop.0.25"
    for bad in ("x-y", "-1", "1e999", "9" * 40, "0.5.5"):
        config, wrong = decode(f"1_ring8_{KEYS[knob.name]}.{bad}_{rest}")
        assert config == RunConfig(shape="ring8", **other)
        assert [problem.knob for problem in wrong] == [knob.name], bad


@pytest.mark.parametrize(
    "target",
    ["moon", "multiples-of-0", "digit-sum-99", "numbers.AAAA", "formula.AAAA", "drawn.AAAA", "drawn.", "kept.", "kept"]
    + ["kept.kept.kept", "table.AAAA"]
    + [f"{kind}.{_pack(zlib.compress(json.dumps(fields).encode()))}" for kind, fields in WRONG_TARGETS],
)
def test_a_wrong_target_of_any_kind_is_named_and_the_knobs_are_used(target: str) -> None:
    config, wrong = decode(f"1_{target}_seed.3_drop.0.2", Kept().read)
    assert config == RunConfig(seed=3, dropout=0.2)
    assert [problem.knob for problem in wrong] == ["target"]
