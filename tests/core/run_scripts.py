"""Runs scripts that gandash has written, in a process that knows no gandash: ``run_scripts.py [--pictures] FILE...``.

Each one's losses, points and words go to an ``.npz`` beside it.
"""

import contextlib
import io
import runpy
import sys
import types
from pathlib import Path
from unittest.mock import MagicMock


def main(files: list[str]) -> None:
    if "--pictures" in files:
        files.remove("--pictures")
        import matplotlib

        matplotlib.use("Agg")
    else:  # which takes longer than a few steps of training
        sys.modules["matplotlib"] = types.ModuleType("matplotlib")
        sys.modules["matplotlib.pyplot"] = MagicMock(
            subplots=lambda *_, **__: (MagicMock(), (MagicMock(), MagicMock()))
        )
    import numpy as np
    import torch

    torch.set_num_threads(1)
    for file in files:
        with contextlib.redirect_stdout(io.StringIO()) as said:
            left = runpy.run_path(file, run_name="__main__")
        np.savez(
            Path(file).with_suffix(".npz"),
            generator=left["generator_losses"],
            discriminator=left["discriminator_losses"],
            real=left["real_points"],
            points=left["points"].numpy(),
            said=np.array(said.getvalue()),
        )
    assert not [name for name in sys.modules if name.partition(".")[0] == "gandash"]


if __name__ == "__main__":
    main(sys.argv[1:])
