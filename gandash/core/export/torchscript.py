"""TorchScript: one file that torch alone reads, in Python or C++. Upstream deprecates it for `torch.export`."""

from __future__ import annotations

import io
import struct
import warnings
import zipfile

import torch

from gandash.core.config import RunConfig
from gandash.core.export.generator import CONFIG_FILE, REPORT_FILE, ExportedGenerator, report_json
from gandash.core.records import Appraisal

_EPOCH_OF_ZIP = (1980, 1, 1, 0, 0, 0)
_LOCAL_HEADER = 30
_EXTRA_HEADER = struct.Struct("<HH")
_PADDING = int.from_bytes(b"FB", "little")
_ALIGNMENT = 64


def write(module: ExportedGenerator, config: RunConfig, appraisal: Appraisal) -> bytes:
    """The generator, scripted; the archive holds config and appraisal.

    ``torch.jit.load(path)`` reads it back; ``_extra_files={"config.json": "", "report.json": ""}`` there fetches what
    it was trained with and how good it is. Within a process the same generator gives the same bytes.
    """
    files = {CONFIG_FILE: config.to_json(), REPORT_FILE: report_json(appraisal)}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=r"`torch\.jit\.", category=DeprecationWarning)
        torch.jit.save(torch.jit.script(module), buffer, _extra_files=files)
    return _without_sources(buffer.getvalue())


def _without_sources(archive: bytes) -> bytes:
    """The archive without its ``.debug_pkl`` files, which hold the paths of the machine that built it.

    As torch writes it, each file's contents begin at a multiple of 64 bytes, so that tensors can be mapped to memory.
    """
    stripped = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as before, zipfile.ZipFile(stripped, "w", zipfile.ZIP_STORED) as after:
        for name in before.namelist():
            if name.endswith(".debug_pkl"):
                continue
            info = zipfile.ZipInfo(name, _EPOCH_OF_ZIP)
            padding = -(stripped.tell() + _LOCAL_HEADER + len(name.encode()) + _EXTRA_HEADER.size) % _ALIGNMENT
            info.extra = _EXTRA_HEADER.pack(_PADDING, padding) + bytes(padding)
            after.writestr(info, before.read(name))
    return stripped.getvalue()
