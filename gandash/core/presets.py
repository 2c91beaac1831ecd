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
    "generator_widths": (64, 64, 64),
    "discriminator_widths": (64, 64, 64),
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
"""What all best and quick recipes share: the relativistic pairing loss with R1 and R2 (Huang 2024), Fourier features.

An epoch has 64 steps.
"""

STEPS_AN_EPOCH = 64
"""Of all these recipes but a table's; there about so many steps lie between two measurements."""

BY_KIND: Mapping[Kind, Mapping[str, Any]] = {
    "curve": {"epochs": 192, "generator_lr": 4e-3, "penalty_weight": 0.001, "ema_decay": 0.995},
    "closed line": {
        "batch_size": 128,
        "points": 8192,
        "fresh": True,
        "epochs": 270,
        "latent_dim": 1,
        "discriminator_widths": (128, 128),
        "generator_fourier": 8,
        "discriminator_fourier": 8,
        "generator_lr": 5e-3,
        "lr_final": 0.001,
        "penalty_weight": 0.005,
        "penalty_final": 0.1,
        "ema_decay": 0.995,
    },
    "mixture": {
        "epochs": 210,
        "latent_digits": 8,
        "generator_fourier": 5,
        "discriminator_fourier": 8,
        "lr_final": 0.0,
        "penalty_weight": 0.2,
        "penalty_final": 0.002,
        "ema_decay": 0.99,
    },
    "area": {
        "batch_size": 1024,
        "points": 65_536,
        "epochs": 72,
        "discriminator_lr": 8e-3,
        "generator_fourier": 6,
    },
}
"""What each kind of shape adds to `COMMON` or replaces in it for the best recipe, in which 60 seconds are spent.

A generator that has one random number draws lines and nothing beside them, and is no use for what is wider than a line.
"""

EXCEPTIONS: Mapping[str, Mapping[str, Any]] = {
    "sine": {"penalty_weight": 0.001},
    "spiral": {"batch_size": 512, "points": 32_768, "epochs": 150},
    "ring8": {
        "latent_digits": 6,
        "generator_fourier": 4,
        "generator_lr": 1e-3,
        "discriminator_lr": 4e-3,
        "fourier_growth": 0.5,
        "penalty_final": 0.005,
    },
}
"""What single shapes add to the best recipe of their kind."""

QUICK: Mapping[Kind, Mapping[str, Any]] = {
    "curve": {"epochs": 44, "batch_size": 128, "points": 8192, "ema_decay": 0.99},
    "closed line": {
        "fresh": False,
        "epochs": 42,
        "discriminator_widths": COMMON["discriminator_widths"],
        "generator_fourier": 6,
        "discriminator_fourier": COMMON["discriminator_fourier"],
        "generator_lr": 8e-3,
        "penalty_final": COMMON["penalty_final"],
        "ema_decay": 0.99,
    },
    "mixture": {
        "batch_size": 512,
        "points": 32_768,
        "epochs": 22,
        "latent_digits": 6,
        "lr_final": COMMON["lr_final"],
        "fourier_growth": 0.4,
        "penalty_weight": 0.1,
        "ema_decay": 0.98,
    },
    "area": {"epochs": 14},
}
"""What a quick recipe replaces in the best one of its kind, to end within 10 seconds; single shapes have none."""

OF_ANOTHER_KIND: Mapping[str, Kind] = {"two-circles": "area", "sine": "closed line"}
"""Shapes that the recipe of another kind suits better: lines with noise around them, and a wave."""

FEW_ROWS = 1000
FOR_FEW_ROWS: Mapping[str, Any] = {"penalty_weight": 1.0, "penalty_schedule": "constant"}
"""What a table with fewer training rows replaces in its recipe; see ``benchmarks/held_out.md``."""


def textbook(target: str | TargetSpec) -> RunConfig:
    """The chapter's recipe for a target or its text: one for all shapes, one for all patterns of numbers."""
    spec = read_spec(target)
    return CHAPTERS_PATTERN.model_copy(update={"target": spec}) if spec.build().numbers else RunConfig(target=spec)


def best(target: str | TargetSpec) -> RunConfig:
    """The best recipe known for any target: a built-in shape's own, one of its kind, or a table's by its rows.

    For any pattern of numbers it is that for multiples of 5.
    """
    spec = read_spec(target)
    if spec.training_rows is not None:
        return _for_rows(spec, spec.training_rows, {**COMMON, **BY_KIND["area"]})
    if spec.build().numbers:
        return BEST_PATTERN.model_copy(update={"target": spec})
    return RunConfig(target=spec, **{**COMMON, **BY_KIND[_kind(spec)], **EXCEPTIONS.get(spec.build().name, {})})


def quick(target: str | TargetSpec) -> RunConfig:
    """A recipe for any target that has a fair picture of it within ten seconds on one core."""
    spec = read_spec(target)
    if spec.training_rows is not None:
        return _for_rows(spec, spec.training_rows, {**COMMON, **BY_KIND["area"], **QUICK["area"]})
    if spec.build().numbers:
        return QUICK_PATTERN.model_copy(update={"target": spec})
    kind = _kind(spec)
    return RunConfig(target=spec, **{**COMMON, **BY_KIND[kind], **QUICK[kind]})


def _kind(spec: TargetSpec) -> Kind:
    """Whose recipe a target has. A line with noise around it is an area."""
    built = spec.build()
    if not isinstance(built, Shape) or getattr(spec, "noise", None):
        return "area"
    return OF_ANOTHER_KIND.get(built.name, built.kind)


def _for_rows(spec: TargetSpec, rows: int, recipe: Mapping[str, Any]) -> RunConfig:
    """A recipe for a table of so many training rows, in about as many steps.

    Every row is shown; a batch has at most a quarter of them, and 16 at least. Few rows are smoothed over by a penalty
    that stays: they are learnt by heart otherwise.
    """
    if rows < FEW_ROWS:
        recipe = {**recipe, **FOR_FEW_ROWS}
    batch = max(16, min(recipe["batch_size"], 2 ** (rows.bit_length() - 3)))
    batches = max(1, rows // batch)
    return RunConfig(
        target=spec,
        **{
            **recipe,
            "points": rows,
            "batch_size": batch,
            "epochs": max(1, round(recipe["epochs"] * STEPS_AN_EPOCH / batches)),
            "evaluate_every": max(1, round(STEPS_AN_EPOCH / batches)),
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
