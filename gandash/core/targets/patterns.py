"""Number patterns: which of the whole numbers from 0 to 99 belong, learnt from one-hot vectors of depth 100.

A sample is one number as a vector of 100 entries; a generator's vector means the number of its largest entry, however
large that is. This module knows NumPy alone.
"""

from __future__ import annotations

import io
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import field_validator

from gandash.core.problems import shortened
from gandash.core.targets.target import Canvas, Floats, Points, Target, TargetSpec

if TYPE_CHECKING:
    from gandash.core.pattern_metrics import PatternEvaluator

DEPTH = 100
"""Numbers from 0 to 99, and so the entries of a vector."""
LONGEST_NAME = 48
"""Letters of a name that lists its numbers one by one; more numbers are told as the bits of a hexadecimal number."""
LONGEST_TEXT = 600


def onehot_encoder(position: ArrayLike, depth: int) -> NDArray[np.float32]:
    """Vectors of `depth` entries, 1 at `position` and 0 elsewhere: float32 ``(..., depth)`` for positions ``(...)``.

    >>> onehot_encoder(2, 4)
    array([0., 0., 1., 0.], dtype=float32)
    """
    try:
        size = operator.index(depth)
    except TypeError:
        raise ValueError(f"depth is {shortened(depth)}; it must be a whole number, such as 100.") from None
    if size < 1:
        raise ValueError(f"depth is {size}; it must be at least 1.")
    at = _whole(position, "position", size)
    encoded = np.zeros((*at.shape, size), dtype=np.float32)
    np.put_along_axis(encoded, at[..., None], 1.0, axis=-1)
    return encoded


def int_to_onehot(number: ArrayLike) -> NDArray[np.float32]:
    """The one-hot vectors of whole numbers from 0 to 99: float32 ``(..., 100)`` for numbers ``(...)``.

    >>> int_to_onehot([3, 5]).shape
    (2, 100)
    """
    return onehot_encoder(_whole(number, "number", DEPTH), DEPTH)


def onehot_to_int(vector: ArrayLike) -> NDArray[np.int64]:
    """The place of the largest entry of each vector, the first of equals: ``(...)`` for vectors ``(..., depth)``.

    It reads a generator's vectors too, which are not one-hot, of any depth.

    >>> int(onehot_to_int(int_to_onehot(35)))
    35
    """
    vectors = np.asarray(vector)
    if vectors.dtype.kind not in "biuf" or vectors.ndim < 1 or not vectors.shape[-1]:
        raise ValueError(
            f"vector has type {vectors.dtype} and shape {vectors.shape}; it must hold numbers and have the shape "
            "(..., depth), such as (10, 100)."
        )
    if np.isnan(vectors).any():
        raise ValueError("vector has entries that are NaN; which entry is the largest cannot be told.")
    return np.asarray(vectors.argmax(axis=-1), dtype=np.int64)


def _whole(value: ArrayLike, name: str, end: int) -> NDArray[np.int64]:
    """Whole numbers from 0 to `end` - 1, or `ValueError`."""
    try:
        given = np.asarray(value)
    except ValueError:
        given = np.asarray(None)
    if given.dtype.kind not in "iu":
        raise ValueError(
            f"{name} is {shortened(value)}; it must be a whole number from 0 to {end - 1}, or an array of them."
        )
    if given.size and (given.min() < 0 or given.max() >= end):
        wrong = given[(given < 0) | (given >= end)].flat[0]
        raise ValueError(f"{name} {wrong} is out of range; it must be from 0 to {end - 1}.")
    return given.astype(np.int64)


def _prime(number: int) -> bool:
    return number > 1 and all(number % other for other in range(2, number))


def _fibonacci() -> tuple[int, ...]:
    found = [0, 1]
    while found[-1] < DEPTH:
        found.append(found[-1] + found[-2])
    return tuple(sorted({number for number in found if number < DEPTH}))


def _those(belongs: Callable[[int], bool]) -> tuple[int, ...]:
    return tuple(number for number in range(DEPTH) if belongs(number))


_NAMED: Mapping[str, tuple[str, str, tuple[int, ...]]] = {
    "even": ("Even numbers", "n mod 2 = 0", _those(lambda n: n % 2 == 0)),
    "odd": ("Odd numbers", "n mod 2 = 1", _those(lambda n: n % 2 == 1)),
    "squares": ("Squares", "n = k²", tuple(k * k for k in range(10))),
    "primes": ("Primes", "n has two divisors", _those(_prime)),
    "fibonacci": ("Fibonacci numbers", "each is the sum of the two before it", _fibonacci()),
}
"""Title, formula and numbers of the patterns that take no number of their own."""

FORMS = "multiples-of-N, even, odd, squares, primes, fibonacci, digit-sum-N or numbers:3,7,21 with numbers of your own"
"""What a pattern's text may be, in words."""

_MULTIPLES = re.compile(r"multiples-of-(\d{1,9})", re.ASCII)
_DIGIT_SUM = re.compile(r"digit-sum-(\d{1,9})", re.ASCII)
_LIST = re.compile(r"numbers[:-]\s*(\d{1,9}(?:[\s,-]+\d{1,9})*)[\s,]*", re.ASCII)
_BITS = re.compile(rf"numbers-x([0-9a-f]{{{DEPTH // 4}}})", re.ASCII)
_BEGINS = re.compile(r"multiples-of-|digit-sum-|numbers[:-]")


class PatternSpec(TargetSpec):
    """A pattern by its text: see `FORMS`."""

    kind: Literal["pattern"] = "pattern"
    name: str

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        return _described(name).text

    @classmethod
    def knows(cls, text: str) -> bool:
        """Whether a text means a pattern, perhaps one that there is not."""
        return text in _NAMED or _BEGINS.match(text) is not None

    @classmethod
    def read(cls, text: str) -> PatternSpec:
        """The pattern of this text; raises `ValueError`."""
        return cls(name=_described(text).text)

    @property
    def text(self) -> str:
        """Its text."""
        return self.name

    def make(self) -> Pattern:
        """The pattern."""
        found = _described(self.name)
        return Pattern(self, found.name, found.title, found.formula, found.numbers)


@dataclass(frozen=True)
class _Described:
    """What a text says: in its canonical form, as a name for files and links, in words and in numbers."""

    text: str
    name: str
    title: str
    formula: str
    numbers: tuple[int, ...]


def _described(text: str) -> _Described:
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"a pattern of {len(text):,} letters was given; it has at most {LONGEST_TEXT}")
    if text in _NAMED:
        return _Described(text, text, *_NAMED[text])
    if match := _MULTIPLES.fullmatch(text):
        n = _between(int(match[1]), 1, DEPTH - 1, "multiples-of-N")
        name = f"multiples-of-{n}"
        return _Described(name, name, f"Multiples of {n}", f"n mod {n} = 0", _those(lambda number: number % n == 0))
    if match := _DIGIT_SUM.fullmatch(text):
        total = _between(int(match[1]), 0, 18, "digit-sum-N")
        name, numbers = f"digit-sum-{total}", _those(lambda number: sum(divmod(number, 10)) == total)
        return _Described(name, name, f"Digits that sum to {total}", f"tens + ones = {total}", numbers)
    if match := _LIST.fullmatch(text):
        given = [_between(int(number), 0, DEPTH - 1, "a number of the list") for number in re.findall(r"\d+", match[1])]
        return _own(tuple(sorted(set(given))))
    if match := _BITS.fullmatch(text):
        bits = int(match[1], 16)
        if bits:
            return _own(_those(lambda number: bool(bits >> number & 1)))
    raise ValueError(f"the pattern {shortened(text)} is unknown: give {FORMS}")


def _own(numbers: tuple[int, ...]) -> _Described:
    name = "numbers-" + "-".join(map(str, numbers))
    if len(name) > LONGEST_NAME:
        name = f"numbers-x{sum(1 << number for number in numbers):0{DEPTH // 4}x}"
    first = ", ".join(map(str, numbers[:8])) + (", …" if len(numbers) > 8 else "")
    title = f"{len(numbers)} numbers of one's own" if len(numbers) > 1 else f"The number {first}"
    return _Described("numbers:" + ",".join(map(str, numbers)), name, title, f"n in {{{first}}}", numbers)


def _between(number: int, low: int, high: int, what: str) -> int:
    if not low <= number <= high:
        raise ValueError(f"{number} was given; {what} takes a whole number from {low} to {high}")
    return number


class Board(Canvas):
    """The numbers on a board of 10 by 10: ones from left to right, tens upwards."""

    def project(self, points: Points) -> Points:
        """Vectors ``(n, 100)`` to (ones, tens) of the numbers they mean, float32 ``(n, 2)``."""
        if points.shape[1] == len(self.axes):  # drawn already
            return points
        number = points.argmax(axis=1)
        return np.column_stack((number % 10, number // 10)).astype(np.float32)


_EDGES = (-0.5, 9.5)


@dataclass(frozen=True, eq=False)
class Pattern(Target):
    """A uniform distribution over `numbers`, sorted, each as a one-hot vector.

    >>> PATTERNS["multiples-of-5"].draw(3, np.random.default_rng(0)).shape
    (3, 100)
    """

    spec: PatternSpec
    name: str
    title: str
    formula: str
    numbers: tuple[int, ...]

    dim = DEPTH
    columns = tuple(f"is_{number}" for number in range(DEPTH))
    metrics = ("headline", "fit", "variety", "total_variation", "tv_ratio")
    tiles = ("fit", "variety", "total_variation")
    canvas = Board((_EDGES, _EDGES), axes=("ones", "tens"))

    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """One-hot vectors ``(n, 100)`` of numbers drawn independently."""
        numbers = np.array(self.numbers)[rng.integers(len(self.numbers), size=n)]
        return int_to_onehot(numbers).astype(np.float64)

    def csv(self, points: Points) -> bytes:
        """Vectors ``(n, 100)`` as a CSV file: the number that each means, then its entries."""
        file = io.BytesIO()
        rows = np.column_stack((points.argmax(axis=1), points))
        header = ",".join(("number", *self.columns))
        np.savetxt(file, rows, delimiter=",", header=header, comments="", fmt="%.9g")
        return file.getvalue()

    def own_metrics(self, points: Points) -> dict[str, float]:
        from gandash.core.pattern_metrics import fit_and_variety

        fit, variety = fit_and_variety(points, self.numbers)
        return {"fit": fit, "variety": variety}

    def worst_metrics(self) -> dict[str, float]:
        return {"fit": 0.0, "variety": 0.0}

    def make_judge(self) -> PatternEvaluator:
        """The judge of frequencies."""
        from gandash.core.pattern_metrics import PatternEvaluator

        return PatternEvaluator(self)

    def place(self, point: Points) -> str:
        """The number that a vector means."""
        return f"the number {point.argmax()}"


PATTERNS: Mapping[str, Pattern] = MappingProxyType(
    {name: PatternSpec(name=name).make() for name in ("multiples-of-5", *_NAMED, "digit-sum-10")}
)
"""Patterns to choose from by their names: any other multiple, digit sum or list is as good."""
