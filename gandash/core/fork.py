"""Train on: a run that begins where another stands, with other knobs. What may change, and what the child takes over.

The child is built fresh from its own config; networks, Adam's moments and, unless the seed changes, the random numbers
are its parent's, by name. Importing this module loads no torch, so that pages can ask what may change; `fork` does.

Schedules run over the child's own epochs. Only where nothing that touches training changes but the number of epochs do
they stay where the parent stood.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from gandash.core.config import KNOBS, RunConfig, changed_knobs, explain
from gandash.core.objectives import OBJECTIVES

BOOKKEEPING = frozenset(
    {"epochs", "seed", "device", "early_stopping", "patience", "min_change", "monitor", "best_by", "evaluate_every"}
)
"""Knobs that leave the recipe as it is, so that the schedules need not begin anew."""

FREE = BOOKKEEPING | {
    "dropout",
    "objective",
    "discriminator_updates",
    "discriminator_steps",
    "penalty",
    "penalty_weight",
    "penalty_schedule",
    "penalty_final",
    "label_smoothing",
    "label_smoothing_sides",
    "instance_noise",
    "instance_noise_decay",
    "generator_lr",
    "discriminator_lr",
    "beta1",
    "beta2",
    "lr_schedule",
    "lr_final",
    "ema_decay",
}
"""Knobs that may change when a run is trained on; the real points and the networks' shapes stay."""


def child_config(config: RunConfig, changes: Mapping[str, Any]) -> RunConfig:
    """The config of a child of a run with `config`; `epochs` are the child's own.

    Another objective brings its own defaults, as in a new run, and takes those of the old one with it; spectral
    normalisation stays. Raises `ValueError` in words for a knob that must stay and for what is no config.
    """
    objective = str(changes.get("objective", config.objective))
    brought: dict[str, Any] = {}
    if objective in OBJECTIVES and objective != config.objective:
        brought = {name: KNOBS[name].default for name in OBJECTIVES[config.objective].defaults}
        brought |= OBJECTIVES[objective].defaults
    try:
        child = config.model_copy(update={**{k: v for k, v in brought.items() if k in FREE}, **changes})
    except ValidationError as error:
        raise ValueError("\n".join(explain(error))) from error
    fixed = [name for name in changed_knobs(config, child) if name not in FREE]
    if fixed:
        named = ", ".join(f"{KNOBS[name].label} ({name})" for name in fixed)
        raise ValueError(
            f"{named}: {'these knobs stay as they are' if len(fixed) > 1 else 'this knob stays as it is'} when a run "
            "is trained on, because the real points and the networks are its parent's. Start a new run to change it."
        )
    return child


def fork(config: RunConfig, checkpoint: bytes, changes: Mapping[str, Any]) -> tuple[RunConfig, bytes]:
    """Config and first checkpoint of a child of the run with this config and checkpoint, which stays as it is.

    A child begins with a whole epoch: one that its parent has begun is begun anew. Its epochs are counted on from the
    parent's, its history begins with the parent's, early stopping starts anew. Without changes it goes on as the parent
    would have, bit for bit, where no schedule runs and no epoch was begun.

    Raises `ValueError` in words for a knob that must stay, a run that has diverged and bytes that are no checkpoint of
    this config.
    """
    from gandash.core.checkpoint import DamagedError, check_config, dump, load
    from gandash.core.trainer import Trainer

    child = child_config(config, changes)
    parent = load(checkpoint)
    check_config(parent, config)
    if parent["state"] == "diverged":
        raise ValueError(
            "This run has diverged: its networks hold numbers that are not finite, so it cannot be trained on. Start a "
            "new run with smaller learning rates."
        )
    fresh = Trainer(child).state_dict()
    try:
        state = fresh | _inherited(config, child, parent, fresh)
    except (KeyError, TypeError) as error:
        raise DamagedError from error
    data = dump(state)
    Trainer.resume(child, data)  # a damaged parent is noticed here
    return child, data


def _inherited(config: RunConfig, child: RunConfig, parent: dict[str, Any], fresh: dict[str, Any]) -> dict[str, Any]:
    """What of a fresh child's state comes from its parent's."""
    epoch = parent["batches"] // config.batches_per_epoch
    whole = parent["batches"] % config.batches_per_epoch == 0
    changed = set(changed_knobs(config, child))
    same_turns = not changed & {"discriminator_updates", "discriminator_steps"}
    kept = ("sums", "pending", "fake_batch")
    tensors = {name: (fresh if name in kept else parent)["tensors"].get(name) for name in fresh["tensors"]}
    if "ema" in tensors and tensors["ema"] is None:
        tensors["ema"] = tensors["generator"]
    lineage = parent["lineage"]
    done = (parent["batches"] - lineage["first_epoch"] * config.batches_per_epoch) / config.total_batches
    held = lineage["held"] if lineage["held"] is not None else done
    return {
        "lineage": {
            "first_epoch": epoch,
            "data_seed": lineage["data_seed"],
            "held": None if changed - BOOKKEEPING else held,
            "octaves": lineage["octaves"] + (1 - lineage["octaves"]) * done,
        },
        "step": parent["step"],
        "phase": parent["phase"] if whole and same_turns else 0,
        "batches": epoch * config.batches_per_epoch,
        "tensors": tensors,
        "healthy": {"latest": tensors["generator"]} | ({"ema": tensors["ema"]} if "ema" in tensors else {}),
        "judge": parent["judge"],
        "history": [record for record in parent["history"] if record["epoch"] <= epoch],
        **({} if "seed" in changed else {"rng": parent["rng"], "device": parent["device"]}),
        **({} if "best_by" in changed else {"best": parent["best"], "best_weights": parent["best_weights"]}),
    }
