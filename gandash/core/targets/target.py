"""What a GAN learns, as one object: where real samples come from, how they are judged, how they are drawn.

A `TargetSpec` is what a config holds: small, frozen, read from JSON. It builds a `Target`, which answers all that
anybody needs to know of the data: whoever wants to know what the data looks like asks the target. No torch here.
"""

from __future__ import annotations

import csv
import io
import json
import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from gandash.core.problems import MOST_BYTES, cut, one_line, shortened

if TYPE_CHECKING:
    from gandash.core.metrics import Evaluator
    from gandash.core.targets.table import Table

Floats = NDArray[np.float64]
Points = NDArray[np.float32] | NDArray[np.float64]
Bounds = tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Canvas:
    """The picture of a target: fixed axes, ((x_min, x_max), (y_min, y_max)), and the titles of both.

    `equal` axes have one unit, as a plane has; the axes of a curve are two quantities, each with its own scale. Those
    in `log`, 0 for x and 1 for y, are logarithmic: bounds and places there are decimal logarithms.
    """

    bounds: Bounds
    axes: tuple[str, str] = ("x", "y")
    equal: bool = True
    log: tuple[int, ...] = ()

    def scene(self) -> dict[str, Any]:
        """What a script that draws it has to know, as plain data; `log` only where an axis is logarithmic."""
        log = {"log": self.log} if self.log else {}
        return {"axes": self.axes, "bounds": self.bounds, "equal": self.equal, **log}

    def project(self, points: Points) -> Points:
        """What is drawn of samples ``(n, dim)``: their first two coordinates, ``(n, 2)``.

        What is not above 0 is not finite on a logarithmic axis.
        """
        places = points[:, :2]
        if self.log:
            places, columns = places.copy(), list(self.log)
            with np.errstate(all="ignore"):
                places[:, columns] = np.log10(places[:, columns])
        return places

    def samples(self, places: Points) -> Points:
        """Which samples of two coordinates are drawn at these places ``(n, 2)``."""
        found, columns = places.copy(), list(self.log)
        with np.errstate(over="ignore"):
            found[:, columns] = 10.0 ** found[:, columns]
        return found

    def pulls(self, points: Points, pulls: Points) -> Points:
        """Minus gradients ``(n, 2)`` at samples ``(n, 2)`` by what is drawn instead of by the samples themselves."""
        found, columns = pulls.copy(), list(self.log)
        found[:, columns] *= math.log(10) * points[:, columns]
        return found


@dataclass(frozen=True)
class OutputMap:
    """How a GAN's own numbers ``(n, dim)`` become a target's units: times `scale`, plus `shift`, and then, of the
    `exponential` columns, the exponential, for quantities that are positive and span orders of magnitude.

    The GAN learns the real samples under the inverse of it; whatever leaves has it folded in.
    """

    scale: tuple[float, ...]
    shift: tuple[float, ...]
    exponential: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        dim = len(self.scale)
        if len(self.shift) != dim or not all(self.scale) or not set(self.exponential) <= set(range(dim)):
            raise ValueError(
                f"{self} is no output map: one scale, not 0, and one shift a column, and columns there are."
            )

    def in_units(self, learnt: Points) -> Floats:
        """Numbers of the GAN's ``(n, dim)`` in the target's units."""
        points = np.asarray(learnt, np.float64) * self.scale + self.shift
        columns = list(self.exponential)
        with np.errstate(over="ignore"):
            points[:, columns] = np.exp(points[:, columns])
        return points

    def learnt(self, points: Points) -> Floats:
        """What the GAN learns of samples ``(n, dim)``; raises `ValueError` where a logarithm has none."""
        found = np.array(points, np.float64)
        columns = list(self.exponential)
        if not (found[:, columns] > 0).all():
            raise ValueError("An exponential column has values that are not above 0: leave it out of the output map.")
        found[:, columns] = np.log(found[:, columns])
        return (found - self.shift) / self.scale


class Target(ABC):
    """A distribution in its own units. Immutable; a spec builds it once a process.

    `name` is short and safe in file names, `formula` a line that describes it. A sample has `dim` numbers, which a CSV
    calls `columns`. `metrics` are the names (in `gandash.core.metrics.METRICS`) of what a live evaluation gives, the
    headline first; `tiles` the three that tell most. `textbook_metric` is the chapter's own measure of a generated
    batch where there is one. `ideals` are what perfect generators score where that depends on the target. `numbers` are
    the whole numbers from 0 to 99 that belong, sorted, where samples mean such; their picture is a board, not a plane.
    `output` leads from what the GAN learns to the target's units where that is not the same. A `finite` target is a
    table of so many rows, part of which training never sees; others can be sampled at will.
    """

    spec: TargetSpec
    name: str
    title: str
    formula: str
    dim: int
    columns: tuple[str, ...]
    canvas: Canvas
    metrics: tuple[str, ...] = ("headline", "nn_accuracy", "sliced_wasserstein", "sw_ratio", "coverage")
    tiles: tuple[str, str, str] = ("headline", "sw_ratio", "coverage")
    textbook_metric: str | None = None
    ideals: Mapping[str, float] = MappingProxyType({})
    numbers: tuple[int, ...] = ()
    output: OutputMap | None = None
    finite: bool = False

    @staticmethod
    def from_points(
        points: Any,
        *,
        name: str = "points",
        columns: tuple[str, str] | None = None,
        logarithm: Sequence[int | str] = (),
    ) -> Table:
        """The target of points of one's own, an array ``(n, 2)`` or a table of two columns; `ValueError` in words.

        A part of them is held out to judge by. Of the columns in `logarithm`, named or as 0 and 1, the logarithm is
        learnt. A config takes it: ``RunConfig(target=Target.from_points(points))``.
        """
        from gandash.core.targets.table import from_points

        return from_points(points, name=name, columns=columns, logarithm=logarithm)

    @abstractmethod
    def draw(self, n: int, rng: np.random.Generator) -> Floats:
        """`n` independent real samples, ``(n, dim)``; the same generator state gives the same bits."""

    def sample(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw `n` real samples, float32 of shape ``(n, dim)``; the same generator state gives the same bits."""
        try:
            count = operator.index(n)
        except TypeError:
            raise ValueError(f"n is {n!r}; the number of points must be a whole number, such as 1000.") from None
        if count < 1:
            raise ValueError(f"n is {count}; a sample has at least 1 point.")
        return np.ascontiguousarray(self.draw(count, rng), dtype=np.float32)

    def unseen(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """Real samples that training never sees, float32 ``(m, dim)``: generators are judged against them.

        As many as asked for where they can be drawn at will; of a `finite` target its held-out rows without
        replacement, so m is less than `n` where there are fewer.
        """
        return self.sample(n, rng)

    def shown(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        """`sample` for a picture: none, shape ``(0, dim)``, where the rows of a table are not on this machine."""
        return self.sample(n, rng)

    def csv(self, points: Points) -> bytes:
        """Samples ``(n, dim)`` as a CSV file, a column for each of their numbers, with a header."""
        header = io.StringIO()
        csv.writer(header, lineterminator="\n").writerow(self.columns)
        file = io.BytesIO(header.getvalue().encode())
        file.seek(0, io.SEEK_END)
        np.savetxt(file, points, delimiter=",", fmt="%.9g")
        return file.getvalue()

    def judge(self) -> Evaluator:
        """The measuring instrument of this target, made once a process."""
        return _judge(self)

    def make_judge(self) -> Evaluator:
        """Make the instrument; `judge` keeps what this returns."""
        from gandash.core.metrics import Evaluator

        return Evaluator(self)

    def place(self, point: Points) -> str:
        """Where a point ``(dim,)`` lies, in words."""
        return f"({', '.join(f'{value:.3g}' for value in point[:3])})"

    def own_metrics(self, points: Points) -> dict[str, float]:
        """What only this target can measure, of finite points ``(n, dim)``."""
        return {}

    def worst_metrics(self) -> dict[str, float]:
        """What `own_metrics` would say of the worst points there are."""
        return {}

    def batch_metrics(self, points: Points) -> dict[str, float]:
        """The chapter's measure of the last generated batch ``(n, dim)``, by its name; empty without one."""
        return {}


@lru_cache(maxsize=8)
def _judge(target: Target) -> Evaluator:
    return target.make_judge()


_specs: dict[str, type[TargetSpec]] = {}


class TargetSpec(BaseModel):
    """What a config says of its target: frozen, hashable, JSON in and out. `kind` tells the subclasses apart.

    A subclass gives `kind` a `Literal` type with a default, which makes it known to `read_spec`, and makes its target.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str

    @property
    def training_rows(self) -> int | None:
        """How many real points there are to learn from, where there is a number of them; None: any number."""
        return None

    @property
    def rows_hash(self) -> str | None:
        """The hash by which `gandash.core.rows` has them then."""
        return None

    def take_rows(self, points: Any) -> None:
        """Have all rows ``(n, dim)`` of a table at hand; raises `ValueError` in words if these are not they."""
        raise ValueError("Rows were given, but the target is no table: leave them out.")

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        _specs[cls.model_fields["kind"].default] = cls

    @classmethod
    def knows(cls, text: str) -> bool:
        """Whether a short text means a target of this kind, for `read` to read or to refuse."""
        return False

    @classmethod
    def read(cls, text: str) -> TargetSpec:
        """The spec that a short text means, for kinds that have such; raises `ValueError`."""
        raise ValueError(f"{shortened(text)} is not a target")

    @property
    def text(self) -> str:
        """The short text that `read_spec` reads as this spec; its JSON where its kind has none shorter."""
        return self.model_dump_json()

    def make(self) -> Target:
        """Make the target; `build` keeps what this returns."""
        raise NotImplementedError

    def build(self) -> Target:
        """The target of this spec, the same object each time."""
        return _build(self)


@lru_cache(maxsize=64)
def _build(spec: TargetSpec) -> Target:
    return spec.make()


LONGEST_JSON = 200_000
MOST_FIELDS = 32
"""Of any object in a spec; none has half as many."""


def at_most(count: int, what: str) -> BeforeValidator:
    """Refuses what has more items than that before any of them is looked at."""

    def few(value: Any) -> Any:
        if isinstance(value, Mapping | Sequence) and not isinstance(value, str) and len(value) > count:
            raise ValueError(f"{len(value):,} {what} were given; at most {count:,} are read")
        return value

    return BeforeValidator(few)


def _object(text: str) -> object:
    if len(text) > LONGEST_JSON:
        raise ValueError(f"a target of {len(text):,} characters was given; at most {LONGEST_JSON:,} are read")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{shortened(text)} was given, which is no JSON") from error


def read_spec(value: object) -> TargetSpec:
    """A spec from a spec or its target, an object such as ``{"kind": "shape", "name": "ring8"}``, or a short text.

    A text is a shape's name unless another kind knows it, such as ``multiples-of-5``, or it is such an object's JSON.

    Raises `ValueError` with a sentence for anything else.
    """
    if isinstance(value, TargetSpec):
        return value
    if isinstance(value, Target):
        return value.spec
    if isinstance(value, str) and value.lstrip()[:1] == "{":
        value = _object(value)
    if isinstance(value, str):
        known = next((spec for spec in _specs.values() if spec.knows(value)), _specs["shape"])
        return _in_words(known.read, value)
    kinds = ", ".join(sorted(_specs, key=lambda kind: kind != "shape"))
    if not isinstance(value, Mapping):
        raise ValueError(
            f'{shortened(value)} was given; it must be a shape\'s name, such as "ring8", or an object with a kind, '
            f"one of {kinds}"
        )
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in _specs:
        raise ValueError(f"the kind {shortened(kind)} was given; it must be one of {kinds}")
    if len(value) > MOST_FIELDS:
        raise ValueError(f"{len(value):,} fields were given; a target has at most {MOST_FIELDS}")
    return _in_words(_specs[kind].model_validate, value)


def _in_words(read: Callable[[Any], TargetSpec], value: object) -> TargetSpec:
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(cut(one_line(_told(error)), MOST_BYTES)) from error


def _told(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    detail = error.errors(include_url=False, include_input=False)[0]
    at = ".".join(map(str, detail["loc"]))[:60]
    return f"{at + ': ' if at else ''}{detail['msg'].removeprefix('Value error, ')}"
