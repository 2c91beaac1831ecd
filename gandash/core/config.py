"""One source of truth for every knob of a run: defaults, bounds, units, help texts and the combinations refused.

Widgets, links, the command line and saved runs all derive from `RunConfig`. This module knows no torch, so the
dashboard's server and the command line can read and check a config without loading it. The defaults are the textbook's
recipe; another objective replaces some of them, by its own `defaults`, unless the caller sets them.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from gandash.core.objectives import OBJECTIVES
from gandash.core.problems import Problem, shortened
from gandash.core.targets import TargetSpec, read_spec
from gandash.core.targets.patterns import FORMS
from gandash.core.targets.shapes import SHAPES, ShapeSpec

Penalty = Literal["none", "wgan-gp", "r1", "r2", "r1+r2"]
Activation = Literal["relu", "leaky_relu", "silu", "tanh"]
Schedule = Literal["constant", "cosine", "linear"]
Device = Literal["auto", "cpu", "cuda", "mps"]
Group = Literal["data", "networks", "objective", "training", "stopping", "device"]

LONGEST_WIDTHS = 200
"""Letters; whoever types more widths than that has mistaken the field."""
NO_WIDTHS = "none"
"""How one types that there is no hidden layer."""
LONGEST_JSON = 300_000
"""Bytes of a config at most; of the largest drawing there are some 262,000."""
MOST_PROBLEMS, MOST_TOLD = 12, 1800
"""How many things that are wrong are told, in how many bytes of UTF-8; the rest is counted."""
MOST_EPOCHS = 10**9

_WIDTHS_TEXT = re.compile(r"\s*\d+((\s*[,;x-]\s*|\s+)\d+)*[\s,;]*", re.ASCII)


def parse_widths(value: object) -> object:
    """Read widths typed as text, such as ``"16, 32"`` or ``"16-32"``; anything else is passed on to the validator."""
    if isinstance(value, list | tuple) and len(value) > LONGEST_WIDTHS:
        raise ValueError("too many")
    if not isinstance(value, str):
        return value
    if len(value) > LONGEST_WIDTHS:
        raise ValueError(f"at most {LONGEST_WIDTHS} letters")
    if value.strip() == NO_WIDTHS:
        return ()
    if not _WIDTHS_TEXT.fullmatch(value):
        raise ValueError("widths are whole numbers separated by commas, such as 16, 32")
    return tuple(int(number) for number in re.findall(r"\d+", value))


Widths = Annotated[
    tuple[Annotated[int, Field(ge=1, le=1024)], ...],
    BeforeValidator(parse_widths),
    Field(max_length=6),
]


def _known_objective(name: str) -> str:
    if name not in OBJECTIVES:
        raise ValueError("unknown")
    return name


def _target(value: object) -> TargetSpec:
    try:
        return read_spec(value)
    except ValueError as error:
        raise PydanticCustomError("target", "{reason}", {"reason": str(error)}) from error


Objective = Annotated[str, AfterValidator(_known_objective)]
TargetField = Annotated[TargetSpec, PlainValidator(_target), PlainSerializer(lambda spec: spec.model_dump(mode="json"))]


def _knob(default: Any, label: str, help: str, group: Group, *, unit: str = "", **bounds: Any) -> Any:
    return Field(
        default,
        title=label,
        description=help,
        json_schema_extra={"group": group, "unit": unit},
        allow_inf_nan=False if isinstance(default, float) else None,
        **bounds,
    )


class RunConfig(BaseModel):
    """Everything that determines a run; the same config gives the same bits on the same machine.

    Frozen and validated. ``RunConfig(shape="exponential", seed=0)`` is the textbook's recipe; ``shape`` is a short way
    to give the `target`. Unknown names, values out of bounds and combinations that make no sense raise
    `pydantic.ValidationError`, a `ValueError`; `problems` and `explain` turn one into plain words. `model_copy`
    validates too, unlike pydantic's own.

    >>> RunConfig(shape="line").generator_widths
    (16, 32)
    >>> RunConfig(objective="wgan-gp").discriminator_steps
    5
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=False)

    # Data
    target: TargetField = _knob(
        ShapeSpec(name="exponential"),
        "Target",
        "What the generator learns: a shape or a pattern of numbers, by its name.",
        "data",
    )
    points: int = _knob(
        2048,
        "Real points",
        "How many real points the discriminator is shown. Of a table it is all rows that are not held out.",
        "data",
        unit="points",
        ge=16,
        le=1_000_000,
    )
    batch_size: int = _knob(
        128,
        "Batch size",
        "Points per update. Each epoch shuffles the real points and cuts them into batches of this size; a remainder "
        "waits for the next epoch.",
        "data",
        unit="points",
        ge=1,
        le=65_536,
    )
    fresh: bool = _knob(
        False,
        "Fresh real points",
        "Draw other real points for every epoch, as the chapter draws each sequence of numbers anew. Off: the same "
        "points in every epoch, each time in another order.",
        "data",
    )
    standardize: bool = _knob(
        False,
        "Standardise the data",
        "Train on data shifted and scaled to mean 0 and standard deviation 1. The exported generator undoes it.",
        "data",
    )

    # Networks
    generator_widths: Widths = _knob(
        (16, 32), "Generator widths", "Hidden layers of the generator, 6 at most.", "networks", unit="units"
    )
    discriminator_widths: Widths = _knob(
        (256, 128, 64),
        "Discriminator widths",
        "Hidden layers of the discriminator, 6 at most.",
        "networks",
        unit="units",
    )
    activation: Activation = _knob(
        "relu", "Activation", "The non-linearity between the layers of both networks.", "networks"
    )
    generator_output: Literal["linear", "relu"] = _knob(
        "linear",
        "Output of the generator",
        "What follows the generator's last layer: linear, nothing; relu, which makes all coordinates positive or 0, as "
        "the chapter's patterns of numbers have it.",
        "networks",
    )
    dropout: float = _knob(
        0.3,
        "Dropout of the discriminator",
        "Share of the discriminator's hidden units silenced at random in every pass.",
        "networks",
        ge=0.0,
        le=0.9,
    )
    latent_dim: int = _knob(
        2, "Latent dimension", "How many random numbers the generator turns into one point.", "networks", ge=1, le=512
    )
    latent: Literal["normal", "uniform"] = _knob(
        "normal",
        "Latent distribution",
        "Where the noise comes from: N(0, 1), or uniform on [-1, 1]. The exported file takes N(0, 1) in either case.",
        "networks",
    )
    latent_digits: int = _knob(
        0,
        "Latent digits",
        "Show the generator this many binary digits of each random number's rank too. At their edges it can jump from "
        "one mode to another where it would draw a bridge otherwise (Khayatkhoei 2018).",
        "networks",
        unit="digits",
        ge=0,
        le=10,
    )
    spectral_norm: bool = _knob(
        False,
        "Spectral normalisation",
        "Divide each weight matrix of the discriminator by its largest singular value (Miyato 2018).",
        "networks",
    )
    packing: int = _knob(
        1,
        "Packing",
        "How many points the discriminator judges together (PacGAN, Lin 2018). 1 is the usual GAN.",
        "networks",
        unit="points",
        ge=1,
        le=8,
    )
    generator_fourier: int = _knob(
        0,
        "Fourier octaves, generator",
        "Append sin and cos of the noise at this many octaves to the generator's input.",
        "networks",
        unit="octaves",
        ge=0,
        le=10,
    )
    discriminator_fourier: int = _knob(
        0,
        "Fourier octaves, discriminator",
        "Append sin and cos of each coordinate at this many octaves to the discriminator's input (Tancik 2020).",
        "networks",
        unit="octaves",
        ge=0,
        le=10,
    )
    fourier_growth: float = _knob(
        0.0,
        "Growth of the octaves",
        "Share of the training over which the discriminator's octaves are switched on one by one. 0: all at once.",
        "networks",
        ge=0.0,
        le=1.0,
    )

    # Objective
    objective: Objective = _knob(
        "non-saturating", "Objective", "What the two networks play for. The textbook's is non-saturating.", "objective"
    )
    discriminator_updates: Literal["separate", "joint"] = _knob(
        "separate",
        "Discriminator updates",
        "separate: one update on real points, then one on generated points, as in the textbook. joint: one on both.",
        "objective",
    )
    discriminator_steps: int = _knob(
        1,
        "Discriminator steps",
        "Discriminator steps for each generator step.",
        "objective",
        unit="steps",
        ge=1,
        le=20,
    )
    penalty: Penalty = _knob(
        "none",
        "Gradient penalty",
        "wgan-gp: pull the gradient's norm towards 1 between real and generated points (Gulrajani 2017). r1, r2: pull "
        "it towards 0 at real, at generated points (Mescheder 2018).",
        "objective",
    )
    penalty_weight: float = _knob(
        1.0, "Penalty weight", "How much the gradient penalty counts.", "objective", ge=0.0, le=1000.0
    )
    penalty_schedule: Schedule = _knob(
        "constant", "Penalty schedule", "How the penalty's weight changes over the training.", "objective"
    )
    penalty_final: float = _knob(
        0.01, "Final penalty", "The penalty's weight at the end, as a share of the first.", "objective", ge=0.0, le=1.0
    )
    label_smoothing: float = _knob(
        0.0,
        "Label smoothing",
        "Soften the discriminator's labels by this much: real points are 1 minus it (Salimans 2016).",
        "objective",
        ge=0.0,
        le=0.45,
    )
    label_smoothing_sides: Literal["one", "two"] = _knob(
        "one",
        "Smoothed labels",
        "one: only the label of real points; two: that of generated points as well.",
        "objective",
    )
    instance_noise: float = _knob(
        0.0,
        "Instance noise",
        "Standard deviation of Gaussian noise added to everything the discriminator sees (Sønderby 2017).",
        "objective",
        unit="of the training data's standard deviation",
        ge=0.0,
        le=2.0,
    )
    instance_noise_decay: float = _knob(
        1.0,
        "Decay of the instance noise",
        "Share of the training after which the noise has fallen linearly to 0. 0: it never falls.",
        "objective",
        ge=0.0,
        le=1.0,
    )

    # Training
    generator_lr: float = _knob(
        0.0005, "Learning rate, generator", "Adam's step size for the generator.", "training", ge=1e-6, le=1.0
    )
    discriminator_lr: float = _knob(
        0.0005, "Learning rate, discriminator", "Adam's step size for the discriminator.", "training", ge=1e-6, le=1.0
    )
    beta1: float = _knob(
        0.9, "Adam beta 1", "Decay of Adam's running mean of the gradient.", "training", ge=0.0, le=0.999
    )
    beta2: float = _knob(
        0.999, "Adam beta 2", "Decay of Adam's running mean of the squared gradient.", "training", ge=0.0, le=0.99999
    )
    lr_schedule: Schedule = _knob(
        "constant", "Learning rate schedule", "How both learning rates change over the training.", "training"
    )
    lr_final: float = _knob(
        0.01,
        "Final learning rate",
        "The learning rates at the end, as a share of the first.",
        "training",
        ge=0.0,
        le=1.0,
    )
    ema_decay: float = _knob(
        0.0,
        "EMA of the generator",
        "Decay of a running average of the generator's weights, shown, judged and exported beside the latest. 0: off.",
        "training",
        ge=0.0,
        le=0.99999,
    )
    epochs: int = _knob(
        10_000,
        "Epochs",
        "Passes over the real points; schedules end here.",
        "training",
        unit="epochs",
        ge=1,
        le=MOST_EPOCHS,
    )

    # Stopping and measuring
    early_stopping: Literal["patience", "threshold", "off", "fit"] = _knob(
        "patience",
        "Early stopping",
        "patience: stop when the metric has not improved for so many epochs. threshold: stop when it has changed by "
        "less than a threshold over so many epochs. fit, for a pattern of numbers: stop when none of 10,000 fresh "
        "numbers misfits.",
        "stopping",
    )
    patience: int = _knob(
        1000, "Patience", "Epochs that early stopping waits.", "stopping", unit="epochs", ge=1, le=MOST_EPOCHS
    )
    min_change: float = _knob(
        0.001, "Smallest change", "What early stopping by threshold counts as a change.", "stopping", ge=0.0, le=1000.0
    )
    monitor: Literal["textbook", "headline"] = _knob(
        "textbook",
        "Watched metric",
        "What early stopping goes by. textbook: on a curve, the squared error of the last generated batch. headline: "
        "the gap to real, on the same noise each time, as always for a target without a curve.",
        "stopping",
    )
    best_by: Literal["headline", "textbook"] = _knob(
        "headline",
        "Best goes by",
        "How the best generator is chosen. headline: the gap to real, on the same noise each time, averaged over a few "
        "measurements. textbook: on a curve, the squared error of the last generated batch, which is blind to missing "
        "x.",
        "stopping",
    )
    evaluate_every: int = _knob(
        1, "Measure every", "Epochs between two measurements on 1,000 points.", "stopping", unit="epochs", ge=1, le=1000
    )

    # Machine
    device: Device = _knob("auto", "Device", "Where to train. auto takes a GPU if there is one.", "device")
    seed: int = _knob(0, "Seed", "The same seed gives the same run again.", "device", ge=0, le=2**32 - 1)

    if TYPE_CHECKING:

        def __init__(self, **values: Any) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        data = dict(data)
        known = {*cls.model_fields, "shape"}
        if len(unknown := [name for name in data if name not in known]) > MOST_PROBLEMS:
            raise PydanticCustomError("unknown", "{names}", {"names": _unknown_knobs(unknown)})
        if "shape" in data:
            shape = data.pop("shape")
            if "target" in data and _target(data["target"]) != _target(shape):
                reason = f"shape {shortened(shape)} and another target were given: give one of them"
                raise PydanticCustomError("contradiction", "", {"problems": (Problem("target", reason),)})
            data["target"] = shape
        named = data.get("objective")
        objective = OBJECTIVES.get(named) if isinstance(named, str) else None
        return {**objective.defaults, **data} if objective else data

    @model_validator(mode="after")
    def _fit_rows(self) -> Self:
        """All training rows of a table are learnt, and a batch that is larger is cut to what fits."""
        rows = self.target.training_rows
        if rows is not None:
            fits = rows - rows % self.packing
            self.__dict__["points"] = rows  # the model is frozen, which this validator is before
            self.__dict__["batch_size"] = min(self.batch_size, fits)
        return self

    @model_validator(mode="after")
    def _refuse_contradictions(self) -> Self:
        if found := contradictions(self):
            raise PydanticCustomError("contradiction", "", {"problems": tuple(found)})
        return self

    @property
    def shape(self) -> str:
        """The target's short name; a built-in shape's own."""
        return self.target.build().name

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with other values, validated like a new config (pydantic's own would not check it)."""
        values, update = self.model_dump(), update or {}
        if "shape" in update and "target" not in update:
            del values["target"]
        return type(self).model_validate({**values, **update})

    def to_json(self) -> str:
        """All knobs as a JSON object, two spaces deep, which `from_json` reads back to an equal config."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what `to_json` wrote, or a part of it; raises `ValueError` in plain words for anything else."""
        if len(text) > LONGEST_JSON:
            raise ValueError(
                f"The config is {len(text):,} characters long; at most {LONGEST_JSON:,} are read: give "
                "what gandash saved."
            )
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ValueError(
                f'The config is not valid JSON: {error}. Give an object such as {{"shape": "ring8"}}.'
            ) from error
        if not isinstance(data, dict):
            raise ValueError(
                f'The config must be a JSON object of knobs, not {type(data).__name__}: give {{"shape": "ring8"}}, say.'
            )
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise ValueError("\n".join(explain(error))) from error

    @property
    def batches_per_epoch(self) -> int:
        """Whole batches in the real points."""
        return self.points // self.batch_size

    @property
    def total_batches(self) -> int:
        """Batches of the whole training, which the schedules span."""
        return self.batches_per_epoch * self.epochs


def contradictions(config: RunConfig) -> list[Problem]:
    """Why this combination of values makes no sense, each at the knob to change; empty if it does."""
    objective = OBJECTIVES[config.objective]
    found: list[Problem] = []
    if config.batch_size > config.points:
        found.append(
            Problem(
                "batch_size",
                f"a batch of {config.batch_size} is larger than the data, {config.points} points: take a smaller batch "
                "or more points",
            )
        )
    if config.batch_size % config.packing:
        found.append(
            Problem(
                "packing",
                f"a batch of {config.batch_size} cannot be cut into packs of {config.packing}: take a batch size that "
                f"{config.packing} divides",
            )
        )
    if config.penalty == "wgan-gp" and config.objective != "wgan-gp":
        found.append(
            Problem(
                "penalty",
                f"the wgan-gp penalty holds a critic's slope at 1 and contradicts the {config.objective} loss, whose "
                "optimum has no such slope: take r1, r2 or r1+r2, or the objective wgan-gp",
            )
        )
    if config.objective == "wgan-gp" and config.penalty == "none" and not config.spectral_norm:
        found.append(
            Problem(
                "penalty",
                "a Wasserstein critic without a gradient penalty or spectral normalisation grows without bound: "
                "switch one on",
            )
        )
    if config.label_smoothing and not objective.labels:
        found.append(
            Problem("label_smoothing", f"the {config.objective} loss has no labels to smooth: set label smoothing to 0")
        )
    if config.early_stopping == "fit" and "fit" not in config.target.build().metrics:
        found.append(
            Problem("early_stopping", "numbers fit a pattern, and points no shape: take patience, threshold or off")
        )
    if config.discriminator_updates == "separate" and objective.pairs:
        found.append(
            Problem(
                "discriminator_updates",
                f"{config.objective} compares real with generated points in pairs: take joint discriminator updates",
            )
        )
    if config.discriminator_updates == "separate" and config.penalty != "none":
        found.append(
            Problem(
                "discriminator_updates",
                "a gradient penalty belongs to one update on both kinds of points: take joint discriminator updates",
            )
        )
    return found


@dataclass(frozen=True)
class Knob:
    """What a widget or a command-line option needs to know of one field of `RunConfig`."""

    name: str
    label: str
    help: str
    group: Group
    unit: str
    kind: Literal["int", "float", "bool", "choice", "widths", "target"]
    default: Any
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        match self.kind:
            case "choice":
                return "one of " + ", ".join(self.choices)
            case "target":
                return f"one of {', '.join(self.choices)}, or a pattern: {FORMS}"
            case "bool":
                return "true or false"
            case "widths":
                return "1 to 6 whole numbers from 1 to 1,024, such as 16, 32, or none"
            case "int":
                return f"a whole number from {self.minimum:,.0f} to {self.maximum:,.0f}"
            case _:
                return f"a number from {self.minimum:g} to {self.maximum:g}"


def _knob_of(name: str, field: FieldInfo) -> Knob:
    extra: dict[str, Any] = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    annotation: Any = field.annotation
    choices: tuple[str, ...] = ()
    if name == "target":
        kind, choices = "target", tuple(SHAPES)
    elif name == "objective":
        kind, choices = "choice", tuple(OBJECTIVES)
    elif get_origin(annotation) is Literal:
        kind, choices = "choice", get_args(annotation)
    elif get_origin(annotation) is tuple:
        kind = "widths"
    else:
        kind = {bool: "bool", int: "int", float: "float"}[annotation]
    minimum = next((m.ge for m in field.metadata if isinstance(m, Ge)), None)
    maximum = next((m.le for m in field.metadata if isinstance(m, Le)), None)
    return Knob(
        name=name,
        label=field.title or name,
        help=field.description or "",
        group=extra["group"],
        unit=extra["unit"],
        kind=kind,  # type: ignore[arg-type]
        default=field.default,
        minimum=minimum,  # type: ignore[arg-type]
        maximum=maximum,  # type: ignore[arg-type]
        choices=choices,
    )


KNOBS: Mapping[str, Knob] = {name: _knob_of(name, field) for name, field in RunConfig.model_fields.items()}
"""Every knob by its name in `RunConfig`, in the order of the fields."""


def changed_knobs(config: RunConfig, other: RunConfig) -> list[str]:
    """The names of the knobs in which two configs differ, in the order of the fields."""
    return [name for name in KNOBS if getattr(config, name) != getattr(other, name)]


def problems(error: ValidationError) -> list[Problem]:
    """Everything wrong, each at its knob where it has one: what was given, what is allowed, what to do."""
    details = error.errors(include_url=False)
    unknown = [detail["loc"][0] for detail in details if detail["type"] == "extra_forbidden"]
    found = [problem for detail in details for problem in _problems_of(detail)]
    if unknown:
        found.append(Problem(None, _unknown_knobs(unknown)))
    found = list(dict.fromkeys(found))
    room = MOST_TOLD
    for told, problem in enumerate(found):
        room -= len(sentence(problem).encode())
        if told == MOST_PROBLEMS or room < 0:
            return [*found[:told], Problem(None, f"and {len(found) - told} more things are wrong")]
    return found


def explain(error: ValidationError) -> list[str]:
    """One plain sentence for each thing wrong: what was given, what is allowed, what to do."""
    return [sentence(problem) for problem in problems(error)]


def sentence(problem: Problem) -> str:
    """A problem as a sentence of its own, with its knob's label and name in front."""
    if problem.knob is None:
        text = problem.text[:1].upper() + problem.text[1:]
    else:
        text = f"{KNOBS[problem.knob].label} ({problem.knob}): {problem.text}"
    return text if text.endswith(("?", ".")) else f"{text}."


def _problems_of(detail: ErrorDetails) -> tuple[Problem, ...]:
    location = detail["loc"]
    match detail["type"]:
        case "contradiction":
            found: tuple[Problem, ...] = detail["ctx"]["problems"]
            return found
        case "extra_forbidden":
            return ()
        case "target":
            return (Problem("target", detail["msg"]),)
        case _ if not location:
            return (Problem(None, detail["msg"].removeprefix("Value error, ")),)
    name = str(location[0])
    given = shortened(detail["input"])
    shown = f"layer {int(location[1]) + 1} is {given}" if len(location) > 1 else f"{given} was given"
    return (Problem(name, f"{shown}; it must be {KNOBS[name].allowed}"),)


def _unknown_knobs(names: Sequence[object]) -> str:
    """What to say of names that are no knobs."""
    if len(names) == 1:
        close = difflib.get_close_matches(str(names[0])[:40], [*KNOBS, "shape"], n=1)
        hint = f"Did you mean {close[0]}?" if close else f"The knobs are {', '.join(KNOBS)}"
        return f"There is no knob {shortened(names[0])}. {hint}"
    told = ", ".join(map(shortened, names[:5])) + (f" and {len(names) - 5:,} more" if len(names) > 5 else "")
    return f"There are no knobs {told}. The knobs are {', '.join(KNOBS)}"
