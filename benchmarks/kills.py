"""Whether runs survive what befalls them with the same bits: ``python -m benchmarks.kills``.

A server trains 8 runs while its workers, and now and then the server itself, are ended by ``kill -9``; a server that
was killed is started again on the same folder and resumes its runs. At the end every run is compared, weight by weight
and record by record, with one that was trained undisturbed in this process. Prints a table and writes
``benchmarks/results/kills.json``; ends with an error if a run differs.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
import torch

from benchmarks.common import one_thread, save, table
from gandash.core.config import RunConfig
from gandash.core.presets import PRESETS
from gandash.core.trainer import Trainer
from gandash.runs.service import RunService
from gandash.runs.settings import Settings
from gandash.runs.snapshot import columns_of
from gandash.runs.store import RunStore

SHAPES = ("exponential", "ring8", "grid25", "line")
RUNS = 8
PATIENCE_SECONDS = 1800.0
WARM_SECONDS = 8.0
"""Workers younger than this are spared: they load torch, and a worker that dies three times doing so is given up."""


def configs(epochs: int) -> list[RunConfig]:
    """As many different set-ups as there are runs: the textbook's and the best presets in turn."""
    found = []
    for seed in range(RUNS):
        shape = SHAPES[seed // 2]
        preset = PRESETS[f"best-{shape}"] if seed % 2 else RunConfig(shape=shape)
        found.append(
            preset.model_copy(update={"seed": seed, "epochs": epochs, "early_stopping": "off", "points": 2048})
        )
    return found


def serve(home: Path, epochs: int) -> None:
    """A server that starts the runs, or resumes them where they are there already, and ends when all have ended."""
    service = RunService.open(Settings(home=home, idle_pause=None, most_runs=RUNS, most_runs_each=RUNS))
    known = {summary.run_id for summary in service.runs()}
    begun = [service.snapshot(run_id).config for run_id in known]
    ids = [*known, *(service.start(config) for config in configs(epochs) if config not in begun)]
    for run_id in known:
        if not service.snapshot(run_id).status.ended:
            service.resume(run_id)
    while any(service.snapshot(run_id).status.active for run_id in ids):
        time.sleep(0.1)
    service.close()


def start(home: Path, epochs: int) -> subprocess.Popen[bytes]:
    """A server process."""
    command = [sys.executable, "-m", "benchmarks.kills", "--serve", str(home), "--epochs", str(epochs)]
    return subprocess.Popen(command)


def workers(server: int) -> list[psutil.Process]:
    """The worker processes of a server that have had time to begin."""
    born = time.time() - WARM_SECONDS
    children = [child for child in psutil.Process(server).children() if child.create_time() < born]
    return [child for child in children if "popen_loky" in " ".join(child.cmdline())]


def disturb(home: Path, epochs: int, kills: list[str], every: float) -> dict[str, int]:
    """Let a server train all runs, kill what the list says one after the other, and count what was killed."""
    rng, done, deadline = random.Random(0), {"worker": 0, "server": 0}, time.monotonic() + PATIENCE_SECONDS
    server = start(home, epochs)
    while server.poll() is None or kills:
        if time.monotonic() > deadline:
            server.kill()
            raise SystemExit("The runs did not come to an end.")
        time.sleep(every)
        if server.poll() is not None:
            break  # all runs have ended
        if not kills:
            continue
        if kills[0] == "server":
            server.kill()
            server.wait()
            server = start(home, epochs)
        elif found := workers(server.pid):
            rng.choice(found).kill()
        else:
            continue
        done[kills.pop(0)] += 1
    if server.returncode:
        raise SystemExit(f"The server ended by itself with {server.returncode}.")
    return done


def differences(home: Path) -> list[dict[str, object]]:
    """Each saved run against one that was trained undisturbed: how it ended, and what differs."""
    store = RunStore(home)
    rows: list[dict[str, object]] = []
    for summary in store.summaries():
        run = store.load(summary.run_id)
        assert run is not None and run.checkpoint is not None, summary
        config, history = run.snapshot.config, run.snapshot.history
        trainer = Trainer(config)
        epochs, columns = columns_of(trainer.advance(epochs=config.epochs))
        ended = Trainer.resume(config, run.checkpoint).game.tensors()
        wrong = [name for name, tensor in trainer.game.tensors().items() if not torch.equal(tensor, ended[name])]
        if history.epoch.tolist() != epochs.tolist() or history.columns.keys() != columns.keys():
            wrong.append("epochs")
        else:
            wrong += [
                name
                for name, column in columns.items()
                if not np.array_equal(history.columns[name], column, equal_nan=True)
            ]
        rows.append(
            {
                "run": f"{config.shape}, {config.objective}, seed {config.seed}",
                "ended": run.snapshot.status.value,
                "epochs": run.snapshot.epoch,
                "differs": wrong,
            }
        )
    store.close()
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark from the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("--epochs", type=int, default=300, help="of each run (default 300)")
    parser.add_argument("--workers", type=int, default=20, help="kills of workers (default 20)")
    parser.add_argument("--servers", type=int, default=5, help="kills of the server (default 5)")
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two kills (default 3)")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        serve(options.serve, options.epochs)
        return
    one_thread()
    kills = ["worker"] * options.workers + ["server"] * options.servers
    random.Random(0).shuffle(kills)
    with tempfile.TemporaryDirectory() as folder:
        done = disturb(Path(folder), options.epochs, kills, options.every)
        rows = differences(Path(folder))
    print(f"Killed: {done['worker']} workers, {done['server']} servers")
    cells = [[str(row["run"]), str(row["ended"]), str(row["epochs"]), str(row["differs"] or "nothing")] for row in rows]
    print(table(["run", "ended", "epochs", "differs"], cells))
    save("kills", killed=done, runs=rows)
    if len(rows) != RUNS or any(row["differs"] or row["ended"] != "finished" for row in rows):
        raise SystemExit("Not every run ended with the bits of an undisturbed one.")
    if kills:
        raise SystemExit(f"The runs ended before {len(kills)} of the kills: take more --epochs.")


if __name__ == "__main__":
    main()
