"""Runs scripts that gandash has written, in a process that knows no gandash: each line of its input is a file.

One whose name ends in ``pictures.py`` draws them. Each runs in its folder; its losses, points and words go to an
``.npz`` beside it, and its name is printed once they are there.
"""

import contextlib
import io
import os
import runpy
import sys
import types
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import torch

NO_PLOTS: dict[str, Any] = {  # which takes longer than a few steps of training
    "matplotlib": types.ModuleType("matplotlib"),
    "matplotlib.pyplot": MagicMock(subplots=lambda *_, **__: (MagicMock(), (MagicMock(), MagicMock()))),
}


def run(file: Path) -> None:
    for name, nothing in NO_PLOTS.items():
        if not file.name.endswith("pictures.py"):
            sys.modules[name] = nothing
        elif sys.modules.get(name) is nothing:
            del sys.modules[name]
    os.chdir(file.parent)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        left = runpy.run_path(str(file), run_name="__main__")
    np.savez(
        file.with_suffix(".npz"),
        generator=left["generator_losses"],
        discriminator=left["discriminator_losses"],
        real=left["real_points"],
        points=left["points"].numpy(),
        said=np.array(said.getvalue()),
    )
    assert not [name for name in sys.modules if name.partition(".")[0] == "gandash"]


if __name__ == "__main__":
    torch.set_num_threads(1)
    os.environ["MPLBACKEND"] = "Agg"
    for line in sys.stdin:
        run(Path(line.strip()))
        print(line.strip(), flush=True)
