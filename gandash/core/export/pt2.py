"""torch.export: PyTorch's successor to TorchScript, one ``.pt2`` file that torch reads."""

from __future__ import annotations

import io
import warnings

import torch

from gandash.core.config import RunConfig
from gandash.core.export.generator import CONFIG_FILE, REPORT_FILE, ExportedGenerator, report_json
from gandash.core.records import Appraisal

_PLACES = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node")


def write(module: ExportedGenerator, config: RunConfig, appraisal: Appraisal) -> bytes:
    """The generator as `torch.export.load` reads it, for any number of points; config and appraisal are extra files."""
    rows = torch.export.Dim("n", min=1)
    noise = torch.zeros(3, config.latent_dim, dtype=torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(module, (noise,), dynamic_shapes=({0: rows},))
        for node in program.graph.nodes:  # where the code lay on the machine that built the file is nobody's matter
            for name in _PLACES:
                node.meta.pop(name, None)
        buffer = io.BytesIO()
        files = {CONFIG_FILE: config.to_json(), REPORT_FILE: report_json(appraisal)}
        torch.export.save(program, buffer, extra_files=files)
    return buffer.getvalue()
