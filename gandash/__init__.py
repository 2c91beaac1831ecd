"""gandash: train a GAN on a 2-D shape or a pattern of numbers and watch it learn.

The public names load on first use, so that importing the package alone costs nothing: the dashboard's server needs the
config and the shapes but never torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gandash.core.config import RunConfig
    from gandash.core.presets import PRESETS
    from gandash.core.targets import Target
    from gandash.core.targets.patterns import PATTERNS, int_to_onehot, onehot_encoder, onehot_to_int
    from gandash.core.targets.shapes import SHAPES
    from gandash.core.trainer import Trainer

__version__ = "0.1.0"
__all__ = [
    "PATTERNS",
    "PRESETS",
    "SHAPES",
    "RunConfig",
    "Target",
    "Trainer",
    "int_to_onehot",
    "onehot_encoder",
    "onehot_to_int",
]

_HOME = {
    "PATTERNS": "gandash.core.targets.patterns",
    "PRESETS": "gandash.core.presets",
    "RunConfig": "gandash.core.config",
    "SHAPES": "gandash.core.targets.shapes",
    "Target": "gandash.core.targets",
    "Trainer": "gandash.core.trainer",
    "int_to_onehot": "gandash.core.targets.patterns",
    "onehot_encoder": "gandash.core.targets.patterns",
    "onehot_to_int": "gandash.core.targets.patterns",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'gandash' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
