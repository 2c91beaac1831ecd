"""What a GAN can learn: one module a kind of target.

Every module of this package is imported here, so that its specs can be read from configs: a new kind of target is one
file with a `TargetSpec` and its `Target`.
"""

from importlib import import_module
from pkgutil import iter_modules

from gandash.core.targets.target import Canvas, Target, TargetSpec, read_spec

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = ["Canvas", "Target", "TargetSpec", "read_spec"]
