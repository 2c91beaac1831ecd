"""A formula as the target on the command line: ``--formula "sin(x)" --range -3 3 --noise 0.05``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from gandash.core.expression import constant
from gandash.core.problems import shortened
from gandash.core.targets import TargetSpec, read_spec
from gandash.headless import RefusedError

_TAKES = {"--formula": 1, "--range": 2, "--noise": 1}
"""The options here, and how many words each takes, which may begin with a minus sign."""


def add_options(group: argparse._ArgumentGroup) -> None:
    """The options; what is not given is not there, as for knobs."""
    shared: dict[str, Any] = {"default": argparse.SUPPRESS}
    group.add_argument(
        "--formula",
        metavar="F",
        help='learn y = f(x), such as "sin(3x) + 0.2x^2", or a line, such as "x = cos(t); y = sin(2t)"',
        **shared,
    )
    group.add_argument(
        "--range", metavar="FROM TO", help="where x, or t, lies in --formula, such as -3 3 or 0 2pi", **shared
    )
    group.add_argument("--noise", metavar="X", help="standard deviation of the noise on --formula; default 0", **shared)


def joined(argv: Sequence[str]) -> list[str]:
    """The arguments with the words of these options bound to them: ``-x^2`` is no option."""
    found: list[str] = []
    waiting = list(argv)
    while waiting:
        option = waiting.pop(0)
        words: list[str] = []
        while waiting and len(words) < _TAKES.get(option, 0) and not waiting[0].startswith("--"):
            words.append(waiting.pop(0))
        found.append(f"{option}={' '.join(words)}" if words else option)
    return found


def take(given: argparse.Namespace) -> None:
    """Make a formula that is given the target; raises `RefusedError`."""
    formula, ends, noise = (vars(given).pop(name, None) for name in ("formula", "range", "noise"))
    if formula is None:
        if alone := [option for option, value in (("--range", ends), ("--noise", noise)) if value is not None]:
            hint = " The generator's noise is --latent." if alone == ["--noise"] else ""
            raise RefusedError(f"{' and '.join(alone)} say what is around a formula: add --formula.{hint}")
        return
    if "target" in given:
        raise RefusedError("--formula and --shape were given: give one of them.")
    try:
        given.target = _read(formula, ends, noise)
    except ValueError as error:
        raise RefusedError(f"--formula {shortened(formula)}: {error}") from error


def _read(formula: str, ends: str | None, noise: str | None) -> TargetSpec:
    if ".." in formula:  # all of it in one text
        if ends or noise:
            raise ValueError("the range and the noise are in there already: leave out --range and --noise")
        return read_spec(formula)
    if ends is None:
        raise ValueError("where does it begin and end? Add --range FROM TO, such as --range -3 3")
    start, end = _ends(ends)
    fields: dict[str, Any] = {"start": start, "end": end, "noise": _number("--noise", noise or "0")}
    for part in formula.split(";"):
        name, equals, text = part.partition("=")
        axis = name.strip() if equals else "y"
        if axis not in ("x", "y") or axis in fields:
            raise ValueError('it is written as "sin(x)", as "y = sin(x)" or as "x = cos(t); y = sin(2t)"')
        fields[axis] = text if equals else part
    if "y" not in fields:
        raise ValueError("it has no y: add one, such as y = sin(2t)")
    return read_spec({"kind": "formula", **fields})


def _ends(text: str) -> tuple[float, float]:
    words = text.replace("..", " ").replace(",", " ").split()
    if len(words) != 2:
        raise ValueError(f"--range {shortened(text)} was given; it has two ends, such as --range -3 3")
    return _number("--range", words[0]), _number("--range", words[1])


def _number(option: str, text: str) -> float:
    try:
        return constant(text)
    except ValueError as error:
        raise ValueError(f"{option} {shortened(text)}: {error}") from error
