"""Both networks at one moment, as bytes: enough to look at a past epoch and to take its generator home.

Unlike a checkpoint these bytes hold no optimizer, no random numbers and no history, so nothing can be trained on from
them: they are kept beside the frames of a run. A file is what `torch.save` writes, read back with ``weights_only``.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from gandash.core.networks import FourierFeatures

if TYPE_CHECKING:
    from gandash.core.trainer import Trainer


def dump(trainer: Trainer) -> bytes:
    """The networks of a trainer with what belongs to them, and the epoch it stands at."""
    buffer = io.BytesIO()
    torch.save({"epoch": trainer.epoch, **{name: value.cpu() for name, value in _of(trainer).items()}}, buffer)
    return buffer.getvalue()


def size(trainer: Trainer) -> int:
    """About how many bytes `dump` gives."""
    return sum(tensor.numel() * tensor.element_size() for tensor in _of(trainer).values())


@torch.no_grad()
def put(trainer: Trainer, data: bytes) -> None:
    """Make a trainer's networks what they were at an earlier moment of its run, or of that of its parent.

    It is only to be looked at from now on: its optimizers are still those of where it stood. Raises `ValueError` for
    bytes that are none, or of other networks.
    """
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        if "ema" not in state:  # the parent kept no average
            state["ema"] = state["generator"]
        found = {name: (tensor, state[name]) for name, tensor in _of(trainer).items()}
        epoch = int(state["epoch"])
        if any(values.shape != tensor.shape for tensor, values in found.values()) or epoch < 0:
            raise ValueError("other shapes")
    except Exception as error:
        raise ValueError("The weights that were kept of this epoch cannot be read: look at another one.") from error
    for tensor, values in found.values():
        tensor.copy_(values)
    trainer.rewound(epoch)


def _of(trainer: Trainer) -> dict[str, Tensor]:
    """The tensors that are kept, by name: the live ones."""
    game = trainer.game
    state = {
        name: tensor
        for name, tensor in game.tensors().items()
        if name in ("generator", "discriminator", "ema") or name.startswith("discriminator.")
    }
    if isinstance(features := game.discriminator[0], FourierFeatures):
        state["gates"] = features.gates
    return state
