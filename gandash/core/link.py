"""A set-up as a short text that needs no escaping in an address, and back.

``1_ring8_obj.rpgan_g.64-64_glr.0.002`` reads: version 1, the target, then what differs from the objective's own
defaults, a key and a value each. Only letters, digits and ``-._`` occur, which every browser and every tool leaves
alone. A set-up in which nearly everything is changed, with numbers of seventeen digits, is written by place instead,
``1p_ring8__…``: the values alone in the order of `KEYS`, empty where nothing differs.

A target of more than `LONGEST_OWN` characters is named by a hash, ``1_kept.0a3f…``, where somebody keeps it under that.

Floats come back bit for bit. A link is what a stranger typed: `decode` uses what it can, says in words what it could
not, and takes bounded time and room for any text. This module knows no torch.
"""

from __future__ import annotations

import base64
import difflib
import json
import re
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from string import ascii_lowercase
from typing import Any

from pydantic import ValidationError

from gandash.core.config import KNOBS, NO_WIDTHS, Knob, RunConfig, problems
from gandash.core.problems import Problem, cut, shortened
from gandash.core.targets import TargetSpec, read_spec

KEYS: Mapping[str, str] = {
    "objective": "obj",
    "points": "n",
    "batch_size": "batch",
    "standardize": "std",
    "generator_widths": "g",
    "discriminator_widths": "d",
    "activation": "act",
    "dropout": "drop",
    "latent_dim": "dim",
    "latent": "latent",
    "latent_digits": "digits",
    "spectral_norm": "sn",
    "packing": "pack",
    "generator_fourier": "gf",
    "discriminator_fourier": "df",
    "fourier_growth": "grow",
    "discriminator_updates": "du",
    "discriminator_steps": "ds",
    "penalty": "gp",
    "penalty_weight": "gpw",
    "penalty_schedule": "gps",
    "penalty_final": "gpf",
    "label_smoothing": "smooth",
    "label_smoothing_sides": "sides",
    "instance_noise": "noise",
    "instance_noise_decay": "decay",
    "generator_lr": "glr",
    "discriminator_lr": "dlr",
    "beta1": "b1",
    "beta2": "b2",
    "lr_schedule": "lrs",
    "lr_final": "lrf",
    "ema_decay": "ema",
    "epochs": "epochs",
    "early_stopping": "stop",
    "patience": "patience",
    "min_change": "change",
    "monitor": "watch",
    "best_by": "best",
    "evaluate_every": "every",
    "device": "device",
    "seed": "seed",
    "generator_output": "out",
    "fresh": "fresh",
}
"""The key of every knob but the target. Links written long ago are read by it: add at the end, change nothing."""

KEYED, PLACED = "1", "1p"
"""The version, which goes up when an old link would mean something else, and the form: by key or by place."""
SHORT = 352
"""A link of a built-in shape is never longer, in characters: it goes by key if that fits, else by place."""
LONGEST = 4096
"""What `decode` reads at most, in characters; a target of one's own may need more than a shape's name."""
LONGEST_OWN = 2048
"""Characters of a target at most that is written into a link where it can be kept elsewhere."""
LARGEST_TARGET = 65_536
"""Bytes of a target's JSON at most, unpacked."""

_ROOM = SHORT - len("1_checkerboard")
_TELL, _MOST = 1400, 500
_NAMES = {key: name for name, key in KEYS.items()} | {name.replace("_", "-"): name for name in KEYS}
_NUMBER = re.compile(r"-?\d{1,40}(\.\d{1,40})?(e-?\d{1,3})?", re.ASCII)
_PACKED = 11
_KEPT = "kept"
_SWITCH = {"on": True, "off": False}


Keep = Callable[[TargetSpec], str | None]
"""Keeps a target and gives the hash under which it can be had again; None if it cannot."""
Kept = Callable[[str], TargetSpec]
"""The target of a hash; raises `ValueError` in words."""


def encode(config: RunConfig, keep: Keep | None = None, *, room: int = LONGEST_OWN) -> str:
    """The link of a config, at most `SHORT` characters for a built-in shape; `decode` gives back an equal config.

    A target of more than `room` characters goes to `keep`, where there is one.
    """
    usual = RunConfig(objective=KNOBS["objective"].default), RunConfig(objective=config.objective)
    changed = {
        name: value for name in KEYS if (value := getattr(config, name)) != getattr(usual[name != "objective"], name)
    }
    keyed = "_".join(f"{KEYS[name]}.{_write(KNOBS[name], value)}" for name, value in changed.items())
    target = _write_target(config.target)
    if len(target) > room and keep and (name := keep(config.target)):
        target = f"{_KEPT}.{name}"
    if len(keyed) < _ROOM:
        return f"{KEYED}_{target}_{keyed}".rstrip("_")
    placed = "_".join(_write(KNOBS[name], changed[name], short=True) if name in changed else "" for name in KEYS)
    return f"{PLACED}_{target}_{placed}".rstrip("_")


def decode(text: str, kept: Kept | None = None) -> tuple[RunConfig, tuple[Problem, ...]]:
    """The config that a link means, and what was wrong with it, under 2 KB in all; `kept` knows targets by their hash.

    Never raises. What cannot be used, an unknown knob, a value out of bounds, one of two that contradict each other, is
    named and left out; a link of another version or of excessive length is left out altogether.

    >>> config, wrong = decode("1_ring8_glr.0.002_drop.7")
    >>> config.shape, config.generator_lr, [problem.knob for problem in wrong]
    ('ring8', 0.002, ['dropout'])
    """
    if not text:
        return RunConfig(), ()
    if len(text) > LONGEST:
        too_long = f"The link is {len(text):,} characters long; at most {LONGEST:,} are read. All of it was left out."
        return RunConfig(), (Problem(None, too_long),)
    version, *parts = text.split("_")
    if version not in (KEYED, PLACED):
        other = f"The link begins with {shortened(version)}; this gandash reads version 1. All of it was left out."
        return RunConfig(), (Problem(None, other),)
    wrong = _Wrong()
    values: dict[str, Any] = {}
    if parts and parts[0]:
        try:
            values["target"] = _read_target(parts[0], kept)
        except ValueError as error:
            wrong.add("target", str(error))
    for name, value in (_by_key if version == KEYED else _by_place)(parts[1:], wrong):
        values[name] = _read(KNOBS[name], value)
    return _config(values, wrong), wrong.told()


def is_kept(text: str) -> bool:
    """Whether a link has its target by hash alone."""
    return f"{text}__".split("_")[1].startswith(f"{_KEPT}.")


class _Wrong:
    """What is wrong: told as far as there is room, the rest counted."""

    def __init__(self) -> None:
        self._room = _TELL
        self._told: list[Problem] = []
        self._untold = 0

    @property
    def full(self) -> bool:
        """Whether another sentence would only be counted, so that nobody need write it."""
        return self._room <= 0

    def add(self, knob: str | None, sentence: str) -> None:
        """Take one more thing."""
        if self.full:
            self._untold += 1
            return
        problem = Problem(knob, cut(sentence, _MOST))
        if problem not in self._told:
            self._told.append(problem)
            self._room -= len(problem.text.encode())

    def told(self) -> tuple[Problem, ...]:
        """All that was told, and how much was not."""
        rest = [Problem(None, f"And {self._untold:,} more parts of the link were left out.")] if self._untold else []
        return (*self._told, *rest)


def _by_key(parts: Iterable[str], wrong: _Wrong) -> Iterator[tuple[str, str]]:
    """Each knob's name and its text, from ``key.text``; a knob's full name is read for its key."""
    seen = set()
    for part in filter(None, parts):
        key, _, text = part.partition(".")
        name = _NAMES.get(key, "")
        if name not in KNOBS:
            wrong.add(None, "" if wrong.full else _unknown(key))
        elif name in seen:
            wrong.add(name, "the link gives this twice: the first counts")
        else:
            seen.add(name)
            yield name, text


def _by_place(parts: Sequence[str], wrong: _Wrong) -> Iterator[tuple[str, str]]:
    """Each knob's name and its text, from texts in the order of `KEYS`; empty ones say nothing."""
    if len(parts) > len(KEYS):
        wrong.add(None, f"The link has {len(parts):,} values; this gandash knows {len(KEYS)} knobs.")
    for name, text in zip(KEYS, parts, strict=False):
        if text and name in KNOBS:
            yield name, text
        elif text:
            wrong.add(None, f"There is no knob {name} any more.")


def _unknown(key: str) -> str:
    close = difflib.get_close_matches(key[:40], _NAMES, n=1)
    return f"The link names a knob {shortened(key)}, which there is not." + (
        f" Did you mean {_NAMES[close[0]]}?" if close else ""
    )


def _config(values: dict[str, Any], wrong: _Wrong) -> RunConfig:
    """The config of these values without those that cannot be used."""
    while True:
        try:
            return RunConfig.model_validate(values)
        except ValidationError as error:
            found = problems(error)
        blamed = {problem.knob: problem.text for problem in reversed(found) if problem.knob in values}
        for name, text in (blamed or {_odd_one_out(values): found[0].text}).items():
            assert name is not None
            del values[name]
            wrong.add(name, text)


def _odd_one_out(values: dict[str, Any]) -> str:
    """The knob without which the fewest contradictions remain, the last of them if several do alike.

    The objective and the target are what a link is about: they go last.
    """

    def remaining(name: str) -> int:
        try:
            RunConfig.model_validate({other: value for other, value in values.items() if other != name})
        except ValidationError as error:
            return len(problems(error))
        return 0

    last_first = list(reversed(values))
    return min([name for name in last_first if name not in ("objective", "target")] or last_first, key=remaining)


def _write(knob: Knob, value: Any, *, short: bool = False) -> str:
    """A value as text of letters, digits, ``-`` and ``.``; `short`: a choice by its place, a long float packed."""
    match knob.kind:
        case "bool":
            return next(word for word, meaning in _SWITCH.items() if meaning == value)
        case "choice":
            return ascii_lowercase[knob.choices.index(value)] if short else _slug(value)
        case "widths":
            return "-".join(map(str, value)) or NO_WIDTHS
        case "float":
            text = repr(value).removesuffix(".0").replace("+", "")
            return _pack(struct.pack(">d", value)) if short and len(text) > _PACKED and value > 0 else text
        case _:
            return str(value)


def _read(knob: Knob, text: str) -> Any:
    """What `_write` wrote; anything else comes back as it is, for the config to refuse in words."""
    match knob.kind:
        case "bool":
            return _SWITCH.get(text, text)
        case "choice":
            named = {_slug(choice): choice for choice in knob.choices}
            named |= dict(zip(ascii_lowercase, knob.choices, strict=False))
            return named.get(text, text)
        case "int" | "float" if _NUMBER.fullmatch(text):
            return (int if knob.kind == "int" and text.lstrip("-").isdecimal() else float)(text)
        case "float" if len(text) == _PACKED:  # of no negative number, so it begins with a letter
            try:
                return struct.unpack(">d", _unpack(text))[0]
            except ValueError:
                return text
        case _:
            return text


def _slug(choice: str) -> str:
    """A choice in characters that an address leaves alone; `KNOBS` has no two choices that this makes alike."""
    return re.sub("[^a-z0-9]", "-", choice)


def _pack(data: bytes) -> str:
    """Base64 without padding, in characters that a link's parts may have."""
    return base64.b64encode(data, b"-.").decode().rstrip("=")


def _unpack(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), b"-.", validate=True)


def _write_target(spec: TargetSpec) -> str:
    """A shape or a pattern by its name, any other target by its kind, a full stop and what its kind writes."""
    write, _ = TARGETS.get(spec.kind, _AS_JSON)
    return write(spec) if spec.kind in TARGETS else f"{spec.kind}.{write(spec)}"


def _read_target(text: str, kept: Kept | None) -> TargetSpec:
    """The spec that `_write_target` wrote, or that is kept; raises `ValueError` in words."""
    kind, dot, rest = text.partition(".")
    if not dot:
        return TARGETS["shape"][1]("shape", kind)
    if kind == _KEPT:
        if kept is None:
            raise ValueError("the link names a target by its hash; the server that made the link keeps it")
        return kept(rest)
    _, read = TARGETS.get(kind, _AS_JSON)
    return read(kind, rest)


def _write_json(spec: TargetSpec) -> str:
    return _pack(zlib.compress(spec.model_dump_json(exclude={"kind"}).encode(), 9))


def _read_json(kind: str, text: str) -> TargetSpec:
    try:
        data = zlib.decompressobj().decompress(_unpack(text), LARGEST_TARGET)
        fields = json.loads(data)
    except (ValueError, zlib.error, RecursionError) as error:
        raise ValueError(f"a target of the kind {shortened(kind)} was given, but what it is cannot be read") from error
    return read_spec({**fields, "kind": kind} if isinstance(fields, dict) else fields)


TargetCode = tuple[Callable[[Any], str], Callable[[str, str], TargetSpec]]
_AS_JSON: TargetCode = (_write_json, _read_json)
_BY_NAME: TargetCode = (lambda spec: spec.build().name, lambda kind, name: read_spec(name))
TARGETS: Mapping[str, TargetCode] = {"shape": _BY_NAME, "pattern": _BY_NAME}
"""The kinds of targets whose name says all; others go as packed JSON, so a new kind needs nothing."""
