"""The formats that a generator leaves in, one module each: `write(module, config, appraisal) -> bytes`.

`gandash.core.formats` lists them without torch.
"""

from __future__ import annotations

from importlib import import_module

from gandash.core.config import RunConfig
from gandash.core.export.generator import CONFIG_FILE, REPORT_FILE, ExportedGenerator, report_json
from gandash.core.formats import known
from gandash.core.records import Appraisal

__all__ = ["CONFIG_FILE", "REPORT_FILE", "ExportedGenerator", "report_json", "write"]


def write(module: ExportedGenerator, config: RunConfig, appraisal: Appraisal, format: str = "torchscript") -> bytes:
    """A generator in one of `FORMATS`; raises `ValueError` for another one, or where a package is missing."""
    found: bytes = import_module(f"gandash.core.export.{known(format).name}").write(module, config, appraisal)
    return found
