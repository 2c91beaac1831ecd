"""Ready recipes: the textbook's for its two curves and its numbers, and a best and a quick one for every shape.

The best ones are one recipe a kind of shape, with few exceptions; `benchmarks/search.py` found them and
`benchmarks/search.md` says what else was tried. The quick ones are the same with smaller networks and fewer steps, for
a picture within ten seconds. A table has neither curve nor modes that a recipe could know of: its rows decide. This
module knows no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from gandash.core.config import RunConfig
from gandash.core.targets import TargetSpec, read_spec
from gandash.core.targets.shapes import SHAPES, Kind, Shape

COMMON: Mapping[str, Any] = {
    "objective": "rpgan",
    "activation": "leaky_relu",
    "generator_widths": (128, 128, 128),
    "discriminator_widths": (128, 128, 128),
    "standardize": True,
    "points": 16_384,
    "batch_size": 256,
    "generator_lr": 2e-3,
    "discriminator_lr": 2e-3,
    "lr_schedule": "cosine",
    "lr_final": 0.01,
    "penalty_weight": 0.1,
    "penalty_schedule": "cosine",
    "penalty_final": 0.01,
    "discriminator_fourier": 7,
    "generator_fourier": 3,
    "fourier_growth": 0.3,
    "ema_decay": 0.999,
    "monitor": "headline",
    "early_stopping": "off",
}
"""What all best recipes share: the relativistic pairing loss with R1 and R2 (Huang 2024) and Fourier features.

An epoch has 64 steps.
"""

STEPS_A_MEASUREMENT = 64
"""Steps between two measurements of a table's recipes, about."""

BY_KIND: Mapping[Kind, Mapping[str, Any]] = {
    "curve": {"epochs": 40},
    "closed line": {"epochs": 48},
    "mixture": {
        "epochs": 160,
        "latent_digits": 6,
        "generator_fourier": 5,
        "discriminator_fourier": 8,
        "fourier_growth": 0.5,
        "penalty_weight": 0.2,
        "ema_decay": 0.95,
    },
    "area": {"epochs": 48},
}
"""What each kind of shape adds to `COMMON` or replaces in it."""

EXCEPTIONS: Mapping[str, Mapping[str, Any]] = {
    "line": {"epochs": 64},
    "grid25": {"fourier_growth": 0.4, "penalty_final": 0.002, "ema_decay": 0.98},
    "ring8": {
        "epochs": 125,
        "latent_digits": 4,
        "generator_fourier": 4,
        "generator_lr": 1e-3,
        "discriminator_lr": 1e-3,
        "penalty_final": 0.005,
    },
}
"""What single shapes add to the recipe of their kind."""

QUICK: Mapping[str, Any] = {"generator_widths": (64, 64, 64), "discriminator_widths": (64, 64, 64)}
"""What a quick recipe replaces in the best one."""

QUICK_EPOCHS: Mapping[Kind, int] = {"curve": 40, "closed line": 40, "mixture": 40, "area": 40}
"""How long the quick recipe of each kind trains."""


def textbook(target: str | TargetSpec) -> RunConfig:
    """The chapter's recipe for a target or its text: one for all shapes, one for all patterns of numbers."""
    spec = read_spec(target)
    return CHAPTERS_PATTERN.model_copy(update={"target": spec}) if spec.build().numbers else RunConfig(target=spec)


def best(target: str | TargetSpec) -> RunConfig:
    """The best recipe known for any target: a built-in shape's own, one of its kind, or a table's by its rows.

    For any pattern of numbers it is that for multiples of 5.
    """
    spec = read_spec(target)
    if (rows := _rows(spec)) is not None:
        return _for_rows(spec, rows, {}, 3072)
    if spec.build().numbers:
        return BEST_PATTERN.model_copy(update={"target": spec})
    return RunConfig(target=spec, **_of_shape(spec))


def quick(target: str | TargetSpec) -> RunConfig:
    """A recipe for any target that has a fair picture of it within ten seconds on one core."""
    spec = read_spec(target)
    if (rows := _rows(spec)) is not None:
        return _for_rows(spec, rows, QUICK, 2048)
    if spec.build().numbers:
        return QUICK_PATTERN.model_copy(update={"target": spec})
    return RunConfig(target=spec, **{**_of_shape(spec), **QUICK, "epochs": QUICK_EPOCHS[_kind(spec)]})


def _rows(spec: TargetSpec) -> int | None:
    """The training rows of a table; None for what is drawn anew at will."""
    rows: int | None = getattr(spec, "rows", None)
    return rows


def _kind(spec: TargetSpec) -> Kind:
    built = spec.build()
    return built.kind if isinstance(built, Shape) else "area"


def _of_shape(spec: TargetSpec) -> dict[str, Any]:
    return {**COMMON, **BY_KIND[_kind(spec)], **EXCEPTIONS.get(spec.build().name, {})}


def _for_rows(spec: TargetSpec, rows: int, changes: Mapping[str, Any], steps: int) -> RunConfig:
    """The recipe of an area for a table of so many training rows, in about so many steps.

    Every row is shown; a batch has at most a quarter of them, and 16 at least.
    """
    recipe = {**COMMON, **BY_KIND["area"], **changes}
    batch = max(16, min(recipe["batch_size"], 2 ** (rows.bit_length() - 3)))
    batches = rows // batch
    return RunConfig(
        target=spec,
        **{
            **recipe,
            "points": rows,
            "batch_size": batch,
            "epochs": max(1, round(steps / batches)),
            "evaluate_every": max(1, round(STEPS_A_MEASUREMENT / batches)),
        },
    )


def _lower_first(title: str) -> str:
    return title[0].lower() + title[1:]


TEXTBOOK_SHAPES = ("exponential", "inverted-u")
CHAPTERS_PATTERN = RunConfig(
    shape="multiples-of-5",
    points=2000,
    fresh=True,
    batch_size=10,
    generator_widths=(),
    generator_output="relu",
    discriminator_widths=(),
    dropout=0.0,
    latent_dim=100,
    early_stopping="fit",
    epochs=400,
)
"""The chapter's recipe for numbers: each batch is a sequence of 10 numbers, drawn anew; an epoch is 200 of them.

It learns what fits, not how often: the total variation stays near 0.5.
"""
BEST_PATTERN = RunConfig(
    shape="multiples-of-5",
    objective="rpgan",
    activation="leaky_relu",
    generator_widths=(256,),
    generator_output="relu",
    discriminator_widths=(128,),
    latent_dim=100,
    points=65_536,
    fresh=True,
    batch_size=512,
    generator_lr=3e-3,
    discriminator_lr=6e-3,
    lr_schedule="cosine",
    penalty_weight=5.0,
    ema_decay=0.998,
    monitor="headline",
    early_stopping="off",
    evaluate_every=2,
    epochs=16,
)
"""The best recipe known for numbers: 2,048 steps, in which the frequencies come out right, too.

Numbers drawn anew and large batches do it: with 32,768 drawn once, in batches of 256, the total variation from the
pattern itself was 0.023 (seeds 10 to 12), with fresh ones 0.012 to 0.024 (10 to 15), in batches of 512 0.012 to 0.019
(10 to 14). A weaker penalty and a narrower generator leave more; a linear generator lets one number in a thousand
misfit.
"""

QUICK_PATTERN = BEST_PATTERN.model_copy(update={"points": 16_384})
"""The best recipe for numbers in a quarter of its steps, which has their frequencies nearly right."""

RECIPES: Mapping[str, Callable[[str | TargetSpec], RunConfig]] = MappingProxyType(
    {"textbook": textbook, "quick": quick, "best": best}
)
"""The recipe of each name for a target; the textbook's is the chapter's on any shape."""

PRESETS: Mapping[str, RunConfig] = MappingProxyType(
    {f"textbook-{name}": RunConfig(shape=name) for name in TEXTBOOK_SHAPES}
    | {f"best-{name}": best(name) for name in SHAPES}
    | {f"quick-{name}": quick(name) for name in SHAPES}
    | {
        "textbook-multiples-of-5": CHAPTERS_PATTERN,
        "best-multiples-of-5": BEST_PATTERN,
        "quick-multiples-of-5": QUICK_PATTERN,
    }
)
"""Every preset by its name, ``<recipe>-<shape>``; the textbook's is the chapter's unchanged."""

PRESET_TITLES: Mapping[str, str] = MappingProxyType(
    {f"textbook-{name}": f"Textbook: {_lower_first(SHAPES[name].title)}" for name in TEXTBOOK_SHAPES}
    | {f"best-{name}": f"Best: {SHAPES[name].title}" for name in SHAPES}
    | {f"quick-{name}": f"Quick: {SHAPES[name].title}" for name in SHAPES}
    | {
        "textbook-multiples-of-5": "Textbook: multiples of 5",
        "best-multiples-of-5": "Best: Multiples of 5",
        "quick-multiples-of-5": "Quick: Multiples of 5",
    }
)
"""The title of every preset, as a menu shows it."""
