"""Make the fixtures beside this file: a checkpoint of each kind, and what the code that wrote it did next.

``python -m tests.core.checkpoints.make v2 hinge`` writes one (without names: all) for the checkpoint version of the
code it runs with, by public names alone. Those of version 1 come from commit 1693645. They are never made anew: that
old files live on is the point.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from gandash import PRESETS, RunConfig, Trainer

FOLDER = Path(__file__).parent
NEXT_EPOCHS = 3
SAMPLE_SEED = 7
SMALL: dict[str, Any] = {"points": 448, "batch_size": 64, "generator_widths": (12, 8), "discriminator_widths": (16, 8)}

CASES: dict[str, tuple[RunConfig, int]] = {
    "textbook-exponential": (PRESETS["textbook-exponential"], 16 * 20),
    "textbook-inverted-u": (PRESETS["textbook-inverted-u"], 16 * 20),
    "best-ring8": (PRESETS["best-ring8"].model_copy(update={**SMALL, "epochs": 24, "evaluate_every": 2}), 7 * 10),
    "hinge": (RunConfig(shape="two-moons", objective="hinge", **SMALL), 7 * 10),
    "wgan-gp": (RunConfig(shape="circle", objective="wgan-gp", **SMALL), 7 * 8 + 3),
    "stopped-early": (RunConfig(shape="exponential", patience=5, seed=1, generator_lr=0.02, **SMALL), 7 * 100),
}
"""Name, config, and after how many batches the checkpoint is taken, unless the run ends before."""


def cpu() -> str:
    """What bits depend on beside the code: torch, and the processor."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    capability = torch.backends.cpu.get_cpu_capability()
    return f"torch {torch.__version__}, {names[0] if names else 'unknown'}, {capability}"


def digest(trainer: Trainer) -> str:
    """Of every weight of both networks."""
    weights = [p.detach().numpy().tobytes() for network in trainer.networks for p in network.parameters()]
    return hashlib.sha256(b"".join(weights)).hexdigest()


def described(trainer: Trainer) -> dict[str, Any]:
    """What training did next, to be compared with."""
    records = [asdict(record) for record in trainer.advance(epochs=NEXT_EPOCHS)]
    for record in records:
        del record["metrics"]
    return {
        "cpu": cpu(),
        "records": records,
        "sample": trainer.sample(8, seed=SAMPLE_SEED, which="latest").tolist(),
        "weights": digest(trainer),
    }


def main(version: str, *names: str) -> None:
    torch.set_num_threads(1)
    for name in names or CASES:
        config, batches = CASES[name]
        trainer = Trainer(config, device="cpu")
        planned = config.epochs * (config.points // config.batch_size)
        while trainer.state == "running" and round(trainer.progress * planned) < batches:
            trainer.advance(seconds=2e-5)  # one step at most
        data = trainer.checkpoint()
        (FOLDER / f"{version}-{name}.ckpt").write_bytes(data)
        document = {
            "config": config.model_dump(mode="json"),
            "state": trainer.state,
            "epoch": trainer.epoch,
            "variants": trainer.variants,
            "best_epoch": trainer.best_epoch,
            "history": [asdict(record) for record in trainer.history[-1:]],
            "next": described(trainer),
        }
        (FOLDER / f"{version}-{name}.json").write_text(json.dumps(document, indent=1) + "\n")
        print(f"{version}-{name}: {len(data):,} bytes, epoch {document['epoch']}, {document['state']}")


if __name__ == "__main__":
    main(*sys.argv[1:])
