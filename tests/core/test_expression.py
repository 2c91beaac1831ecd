"""Formulas that a user types: what they mean, and what they cannot do."""

import math
import time
from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from gandash.core.expression import LONGEST, MOST_NODES, Expression, FormulaError

VALUES = np.array([-2.0, -0.5, 0.25, 3.0])

MEANT: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "sin(3*x)+0.2*x^2": lambda x: np.sin(3 * x) + 0.2 * x**2,
    "-x^2": lambda x: -(x**2),
    "(-x)^2": lambda x: x**2,
    "2^-1": lambda x: np.full_like(x, 0.5),
    "2^3^2": lambda x: np.full_like(x, 512.0),
    "2x": lambda x: 2 * x,
    "3sin(x)cos(x)": lambda x: 3 * np.sin(x) * np.cos(x),
    "2(x+1)(x-1)": lambda x: 2 * (x + 1) * (x - 1),
    "πx": lambda x: np.pi * x,
    "x² − x³": lambda x: x**2 - x**3,
    "1e-3x": lambda x: 1e-3 * x,
    "2e": lambda x: np.full_like(x, 2 * math.e),
    "abs(x)/2": lambda x: abs(x) / 2,
    "max(x, 1) + min(x, 1)": lambda x: x + 1,
    "8/4/2": lambda x: np.full_like(x, 1.0),
    "1 - 2 - 3": lambda x: np.full_like(x, -4.0),
    "  x  ": lambda x: x,
}

HOSTILE = [
    "__import__('os').system('id')",
    "x.__class__.__mro__",
    "().__class__.__bases__[0].__subclasses__()",
    "open('/etc/passwd').read()",
    "exec('1')",
    "eval(x)",
    "globals()",
    "lambda: x",
    "lambda x: x",
    "[x for x in e]",
    "(x := 3)",
    "x if x else 1",
    "x and x",
    "not x",
    "x is x",
    "x == x",
    "x < 1",
    "x | 1",
    "x & 1",
    "x ~ 1",
    "x % 2",
    "x @ x",
    "x // 2",
    "x << 9",
    "'x' * 9",
    '"x"',
    "f'{x}'",
    "b'x'",
    "...",
    "x[0]",
    "{x}",
    "{x: x}",
    "x; x",
    "x\\",
    "x # x",
    "x = 3",
    "import os",
    "None",
    "True",
    "1j",
    "0x10",
    "1_000",
    "1__0",
    "0b1",
    "x!",
    "sin",
    "sin x",
    "sin()",
    "sin(x, x)",
    "sin(*x)",
    "max(**x, 1)",
    "max(x, key=x)",
    "sin(sin)",
    "x(x",
    "x)",
    "()",
    "x()",
    "*x",
    "x**",
    "x +",
    "x,,x",
    "x, x",
    "",
    "   ",
    "\n",
    "\x00",
    "x\x00",
    "\ud800",
    "\U0001d4cd",
    "\uff58",
    "ⅷ",
    "٣",
    "x\u200b",
    "y",
    "t",
    "foo",
    "foo(x)",
    "os.system",
    "sin.__self__",
    "e.real",
    "1.0.real",
    "1..real",
    "x" * 200,
    "sin(" * 49 + "x",
    "(" * 200,
    ")" * 200,
    "(" * 100 + ")" * 100,
    "-" * 200,
    "+" * 200,
    "9" * 200 + "9" * 200,
    "1e999",
    "1e99999999999",
    "x" * 100_000,
    " " * 100_000 + "!",
    "(" * 1_000_000,
    "x^" * 100_000,
    "<script>alert(1)</script>",
    "![x](http://example.org)",
    "$(id)",
    "`id`",
    "%s" * 90,
    "\\N{BULLET}",
]


@pytest.mark.parametrize("text", MEANT)
def test_a_formula_means_what_mathematics_does(text: str) -> None:
    np.testing.assert_allclose(Expression.read(text, "x")(VALUES), MEANT[text](VALUES), rtol=1e-14)


def test_every_hostile_text_is_refused_in_words_at_once() -> None:
    assert len(HOSTILE) >= 100
    for text in HOSTILE:
        start = time.perf_counter()
        with pytest.raises(FormulaError) as caught:
            Expression.read(text, "x")
        assert time.perf_counter() - start < 0.5, text[:40]
        said = str(caught.value)
        assert 10 < len(said) < 500, said
        assert "Traceback" not in said
        position = caught.value.position
        assert position is None or 0 <= position <= len(text)


@pytest.mark.parametrize("text", ["9^9^9^9^9", "exp(exp(exp(exp(x))))", "10^10^10^x", "(9^9^9)^(9^9^9)"])
def test_a_number_without_bounds_is_infinite_at_once(text: str) -> None:
    start = time.perf_counter()
    assert not np.isfinite(Expression.read(text, "x")(VALUES)).all()
    assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize("sign", ["-", "+"])
def test_a_long_row_of_signs_is_computed_or_refused(sign: str) -> None:
    assert Expression.read(sign * (LONGEST - 2) + "x", "x")([2.0]) == [2.0]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("x + foo(x)", 4),
        ("sin x", 0),
        ("2 $ x", 2),
        ("(x", 0),
        ("x + ", 2),
        ("x * * 2", 4),
        ("π + y", 4),
        ("max(x)", 0),
    ],
)
def test_an_error_points_at_its_place(text: str, position: int) -> None:
    with pytest.raises(FormulaError) as caught:
        Expression.read(text, "x")
    assert caught.value.position == position


def test_a_name_that_is_nearly_right_is_suggested() -> None:
    with pytest.raises(FormulaError, match="Did you mean sqrt"):
        Expression.read("sqr(x)", "x")


def test_a_formula_without_the_variable_has_a_value_everywhere() -> None:
    assert Expression.read("2pi", "t")(np.zeros((2, 3))).shape == (2, 3)


def test_a_formula_of_too_many_parts_is_refused() -> None:
    text = "+".join("x" * 100)
    assert len(text) <= LONGEST
    assert Expression.read(text, "x")([1.0]) == [100.0]
    assert MOST_NODES == 200  # 100 names and 99 signs are the most that fit, so the length decides first
