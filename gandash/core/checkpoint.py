"""Checkpoints: everything that moves in a training, as bytes, and how the files of past versions are read.

A file is what `torch.save` writes, read back with ``weights_only``, so it can hold plain data and tensors alone. What
follows from the config, such as the scale of the dropout, is not in it. The state of version 4:

- ``version``; ``config``, the knobs as JSON values; ``device``, the kind of device that the random numbers come from
- ``lineage`` (the fields of `Lineage`); ``step`` and ``phase``, the position; ``batches``, finished so far, those of
  the runs before included; ``generator_turns`` in the epoch that has begun
- ``state``, ``message``, ``history`` (records, as dictionaries); ``stopping`` and ``best`` (the fields of
  `EarlyStopping` and `Best`; no ``figure`` if it is to be measured anew)
- ``judge``, the version of the judge that the figures are of; those of an earlier one have names of their own
- ``left_out`` (the fields of `LeftOut`)
- ``rng``; ``tensors``, by the names of `Game.tensors`; ``healthy`` and ``best_weights``, flat weights of generators
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import torch
from pydantic import ValidationError

from gandash.core.config import RunConfig, changed_knobs, explain
from gandash.core.records import of_earlier_judge

CHECKPOINT_VERSION = 4

State = dict[str, Any]


class DamagedError(ValueError):
    """The bytes are a checkpoint, but not a whole one."""

    def __init__(self) -> None:
        super().__init__(
            "The checkpoint is damaged: parts of it are missing or changed. Take another copy of the file."
        )


def dump(state: State) -> bytes:
    """A state as bytes that `load` reads back."""
    buffer = io.BytesIO()
    torch.save({"version": CHECKPOINT_VERSION, **state}, buffer)
    return buffer.getvalue()


def load(data: bytes) -> State:
    """The state in a checkpoint of any version, in the form of today; `ValueError` in words for anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            whole = archive.testzip() is None
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True) if whole else {}
        version = state["version"] if whole else None
    except Exception as error:
        raise ValueError("These bytes are not a gandash checkpoint.") from error
    if not whole:
        raise DamagedError
    if version not in (*UPGRADES, CHECKPOINT_VERSION):
        raise ValueError(
            f"The checkpoint has version {str(version)[:20]}; this gandash reads versions 1 to {CHECKPOINT_VERSION}."
        )
    try:
        for step in range(version, CHECKPOINT_VERSION):
            state = UPGRADES[step](state)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedError from error
    return state


def config_of(state: State) -> RunConfig:
    """The config that a state belongs to; knobs that its gandash did not know have their defaults."""
    try:
        return RunConfig.model_validate(state["config"])
    except KeyError as error:
        raise DamagedError from error
    except ValidationError as error:
        raise ValueError("The checkpoint's config cannot be read. " + "\n".join(explain(error))) from error


def check_config(state: State, config: RunConfig) -> None:
    """Raise `ValueError` if a state belongs to another config; the device alone may differ."""
    different = [name for name in changed_knobs(config, config_of(state)) if name != "device"]
    if different:
        raise ValueError(f"The checkpoint belongs to another config; these knobs differ: {', '.join(different)}.")


def _from_1(state: State) -> State:
    """Version 1 counted batches as steps, and had no phases; its networks' constants were among the tensors."""
    config, batches = state["config"], state["step"]
    turns = config["discriminator_steps"]
    per_epoch = config["points"] // config["batch_size"]
    step, done = divmod(batches, turns)
    begun = batches // per_epoch * per_epoch
    tensors: Mapping[str, torch.Tensor] = state["tensors"]
    spectral = [name for name in tensors if name.endswith(("_u", "_v"))]  # u and v, layer by layer
    renamed = {name: f"discriminator.{index // 2}.{name[-1]}" for index, name in enumerate(spectral)}
    kept = {renamed.get(name, name): tensor for name, tensor in tensors.items()}
    best = {"epoch": state["stopping"]["best_epoch"], "figure": None} if state["best"] is not None else {}
    on_cpu = state["rng"].numel() == torch.Generator().get_state().numel()
    return {
        **state,
        "version": 2,
        "device": "cpu" if on_cpu else "another device",
        "lineage": {"first_epoch": 0, "data_seed": config["seed"], "held": None, "octaves": 0.0},
        "step": step,
        "phase": done * (2 if config["discriminator_updates"] == "separate" else 1),
        "batches": batches,
        "generator_turns": step - begun // turns,
        "tensors": {**kept, "pending": torch.zeros(())},
        "best": best,
        "best_weights": state["best"],
    }


def _from_2(state: State) -> State:
    """Version 2 left no phases out."""
    return {**state, "version": 3, "left_out": {}}


def _from_3(state: State) -> State:
    """Version 3 was of the first judge, whose gap is another figure."""
    history = [{**record, "metrics": of_earlier_judge(record["metrics"])} for record in state["history"]]
    return {**state, "version": 4, "judge": 1, "history": history}


UPGRADES: Mapping[int, Callable[[State], State]] = {1: _from_1, 2: _from_2, 3: _from_3}
"""From each past version to the one after it."""
