"""Formulas that a user types: a small grammar of our own over Python's `ast`, and nothing else of Python.

``sin(3*x) + 0.2*x^2`` is numbers, names, ``+ - * / ^``, brackets and the functions of `FUNCTIONS`. The text is cut into
tokens of a fixed alphabet first, so that nothing but these reaches the parser; the tree is checked node by node, and
then computed with NumPy in float64: no name is looked up anywhere but in the tables here, and no number is computed
before it is a float64, so nothing grows without bounds.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

LONGEST = 200
"""Characters of a formula at most."""
MOST_NODES = 200
"""Numbers, names, signs and calls of a formula at most, in all."""

CONSTANTS: Mapping[str, float] = MappingProxyType({"pi": math.pi, "e": math.e, "tau": math.tau})
FUNCTIONS: Mapping[str, tuple[int, Callable[..., Floats]]] = MappingProxyType(
    {
        **dict.fromkeys(("asin", "arcsin"), (1, np.arcsin)),
        **dict.fromkeys(("acos", "arccos"), (1, np.arccos)),
        **dict.fromkeys(("atan", "arctan"), (1, np.arctan)),
        **dict.fromkeys(("log", "ln"), (1, np.log)),
        **{
            name: (1, getattr(np, name))
            for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "log2", "log10")
        },
        **{name: (1, getattr(np, name)) for name in ("sqrt", "cbrt", "abs", "sign", "floor", "ceil")},
        **{"min": (2, np.minimum), "max": (2, np.maximum), "mod": (2, np.mod), "atan2": (2, np.arctan2)},
    }
)
"""Every function by its name: how many numbers it takes, and what it computes."""

_SAME = str.maketrans(
    {"−": "-", "–": "-", "×": "*", "·": "*", "÷": "/", "π": " pi ", "τ": " tau ", "²": "^2", "³": "^3"}
)
_TOKEN = re.compile(
    r"\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|([A-Za-z][A-Za-z0-9]*)|(\*\*|[-+*/^(),]))", re.ASCII
)
_OPEN = ("+", "-", "*", "/", "^", "**", ",")
"""Signs that something has to follow."""
_OPERATORS: Mapping[type[ast.operator], Callable[[Floats, Floats], Floats]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: np.power,
}
_SIGNS: Mapping[type[ast.unaryop], Callable[[Floats], Floats]] = {ast.UAdd: np.positive, ast.USub: np.negative}


class FormulaError(ValueError):
    """What is wrong with a formula, and at which character of it, from 0; None where that is no single place."""

    def __init__(self, text: str, position: int | None = None) -> None:
        super().__init__(text)
        self.position = position


@dataclass(frozen=True)
class Expression:
    """A formula in one variable, ready to be computed.

    >>> Expression.read("-x^2", "x")([1.0, 3.0]).tolist()
    [-1.0, -9.0]
    """

    text: str
    variable: str
    _tree: ast.expr = field(compare=False, repr=False)

    @classmethod
    def read(cls, text: str, variable: str) -> Expression:
        """The formula that a text says; raises `FormulaError` in words for anything but this grammar."""
        if len(text) > LONGEST:
            raise FormulaError(f"The formula has {len(text):,} characters; at most {LONGEST} are allowed.", LONGEST)
        source, places = _translated(text, variable)
        if not source:
            raise FormulaError(f"The formula is empty: type one in {variable}, such as sin({variable}).", 0)
        try:
            tree = ast.parse(source, mode="eval").body
        except SyntaxError as error:
            raise _misread(text, source, places, error) from None
        except (MemoryError, RecursionError, ValueError):
            raise FormulaError("The formula has too many brackets within brackets.") from None
        _check(tree, places)
        return cls(text.strip(), variable, tree)

    def __call__(self, values: ArrayLike) -> Floats:
        """The formula at these values, float64 of the same shape; NaN or infinite where it has no finite value."""
        at = np.asarray(values, np.float64)
        with np.errstate(all="ignore"):
            found = np.asarray(_computed(self._tree, self.variable, at), np.float64)
        return np.broadcast_to(found, at.shape).copy()

    @property
    def source(self) -> str:
        """The formula as Python with NumPy as ``np``, which computes the same bits.

        >>> Expression.read("-x^2 + pi", "x").source
        '-np.power(x, 2.0) + np.pi'
        """
        return ast.unparse(_written(self._tree, self.variable))

    @property
    def constant(self) -> bool:
        """Whether the variable does not occur."""
        return _is_constant(self._tree, self.variable)


def constant(text: str) -> float:
    """The number that a text such as ``2pi`` or ``-1e-3`` means; raises `FormulaError` where it means none."""
    if not text.strip():
        raise FormulaError("Type a number here, such as 3 or 2pi.", 0)
    value = float(Expression.read(text, "pi")(math.pi))  # a formula in the one name that a number may need
    if not math.isfinite(value):
        raise FormulaError(f"{text.strip()[:20]} is no finite number.", 0)
    return value


def _translated(text: str, variable: str) -> tuple[str, list[int]]:
    """The formula in Python's own signs, and for each of its characters the place in the text that it comes from."""
    source: list[str] = []
    places: list[int] = []
    last, at = "", 0
    for kind, word, at in _tokens(text, variable):
        if last == "function" and kind != "(":
            raise FormulaError(_unknown(source[-1].strip(), variable), places[-1])
        if kind == "name" and word != variable and word not in CONSTANTS:
            raise FormulaError(_unknown(word, variable), at)
        if last in ("number", "name", ")") and kind in ("number", "name", "function", "("):  # 2x is 2*x
            source.append("* ")
            places += [at] * 2
        word = {"^": "**", "number": repr(float(word)) if kind == "number" else ""}.get(kind, word) + " "
        source.append(word)
        places += [at] * len(word)
        last = kind
    if last == "function":
        raise FormulaError(_unknown(source[-1].strip(), variable), at)
    if last in _OPEN:
        raise FormulaError(f"The formula ends too early: something has to follow {last!r}.", at)
    return "".join(source), [*places, len(text)]


def _tokens(text: str, variable: str) -> Iterator[tuple[str, str, int]]:
    """Numbers, names, functions and signs, each with its kind and its place."""
    plain = "".join(map(_plain, text))
    places = [place for place, letter in enumerate(text) for _ in _plain(letter)] + [len(text)]
    start, end = 0, len(plain.rstrip())
    while start < end:
        match = _TOKEN.match(plain, start)
        if match is None:
            start += len(plain[start:]) - len(plain[start:].lstrip())
            at = places[start]
            raise FormulaError(
                f"{text[at]!r} has no meaning in a formula: use numbers, {variable}, + - * / ^, brackets and functions "
                "such as sin.",
                at,
            )
        number, name, sign = match.groups()
        at = places[match.end() - len(number or name or sign)]
        if number and not math.isfinite(float(number)):
            raise FormulaError(f"The number {number[:20]} is too large.", at)
        if name:
            yield "function" if name in FUNCTIONS else "name", name, at
        else:
            yield ("number", number, at) if number else (sign, sign, at)
        start = match.end()


def _plain(letter: str) -> str:
    return letter.translate(_SAME)


def _misread(text: str, source: str, places: list[int], error: SyntaxError) -> FormulaError:
    """What Python's parser did not understand, at its place in the text."""
    opened, closed = source.count("("), source.count(")")
    if opened != closed:
        more, missing = ("(", ")") if opened > closed else (")", "(")
        at = places[max(source.rfind(more), 0)]
        return FormulaError(f"A bracket {missing!r} is missing.", at)
    offset = min(max((error.offset or 1) - 1, 0), len(places) - 1)
    at = places[offset]
    return FormulaError(f"{text[at : at + 10]!r} cannot stand here.", at)


def _check(tree: ast.expr, places: list[int]) -> None:
    """Refuse what is not of this grammar."""
    count = 0
    waiting: list[ast.expr] = [tree]
    while waiting:
        node = waiting.pop()
        count += 1
        if count > MOST_NODES:
            raise FormulaError(f"The formula has more than {MOST_NODES} numbers, names and signs. Shorten it.")
        at = places[min(node.col_offset, len(places) - 1)]
        match node:
            case ast.BinOp(left, operator, right) if type(operator) in _OPERATORS:
                waiting += [left, right]
            case ast.UnaryOp(sign, operand) if type(sign) in _SIGNS:
                waiting.append(operand)
            case ast.Constant(float()):
                pass
            case ast.Name():  # `_translated` knows them
                pass
            case ast.Call(ast.Name(name), arguments, []) if name in FUNCTIONS:
                needed = FUNCTIONS[name][0]
                if len(arguments) != needed or any(isinstance(each, ast.Starred) for each in arguments):
                    raise FormulaError(
                        f"{name} takes {'one number' if needed == 1 else f'{needed} numbers'} in brackets.", at
                    )
                waiting += arguments
            case _:
                raise FormulaError("This part cannot be read: use numbers, + - * / ^, brackets and functions.", at)


def _unknown(name: str, variable: str) -> str:
    if name in FUNCTIONS:
        return f"{name} is a function: write what it is of in brackets, such as {name}({variable})."
    known = [variable, *CONSTANTS, *FUNCTIONS]
    close = difflib.get_close_matches(name[:20], known, n=1)
    hint = f" Did you mean {close[0]}?" if close else f" Known are {', '.join(known)}."
    return f"{name[:20]!r} has no meaning here.{hint}"


def _computed(node: ast.expr, variable: str, at: Floats) -> Floats:
    match node:
        case ast.BinOp(left, operator, right):
            return _OPERATORS[type(operator)](_computed(left, variable, at), _computed(right, variable, at))
        case ast.UnaryOp(sign, operand):
            return _SIGNS[type(sign)](_computed(operand, variable, at))
        case ast.Constant(float() as value):
            return np.asarray(value, np.float64)
        case ast.Name(name):
            return at if name == variable else np.asarray(CONSTANTS[name], np.float64)
        case ast.Call(ast.Name(name), arguments):
            return FUNCTIONS[name][1](*(_computed(each, variable, at) for each in arguments))
        case _:
            raise AssertionError("_check has let this through")


def _is_constant(tree: ast.expr, variable: str) -> bool:
    return not any(isinstance(node, ast.Name) and node.id == variable for node in ast.walk(tree))


def _written(node: ast.expr, variable: str) -> ast.expr:
    """The tree in NumPy's names.

    Powers, and divisions of plain numbers, are calls: the operators of Python and of arrays take other ways there.
    """

    def numpy(name: str, *arguments: ast.expr) -> ast.expr:
        function = ast.Attribute(ast.Name("np", ast.Load()), name, ast.Load())
        return ast.Call(function, [_written(each, variable) for each in arguments], []) if arguments else function

    match node:
        case ast.BinOp(left, ast.Pow(), right):
            return numpy("power", left, right)
        case ast.BinOp(left, ast.Div(), right) if _is_constant(node, variable):
            return numpy("divide", left, right)
        case ast.BinOp(left, operator, right):
            return ast.BinOp(_written(left, variable), operator, _written(right, variable))
        case ast.UnaryOp(sign, operand):
            return ast.UnaryOp(sign, _written(operand, variable))
        case ast.Name("tau"):
            return ast.BinOp(ast.Constant(2), ast.Mult(), numpy("pi"))
        case ast.Name(name) if name != variable:
            return numpy(name)
        case ast.Call(ast.Name(name), arguments):
            return numpy(FUNCTIONS[name][1].__name__, *arguments)
        case _:
            return node
