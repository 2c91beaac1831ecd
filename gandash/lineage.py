"""What to train on from, as the command line names it: a saved run by its id, or a checkpoint file by its path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gandash.core.config import RunConfig
from gandash.core.problems import shortened
from gandash.core.records import EpochRecord
from gandash.core.setup_file import MOST_BYTES, read_config
from gandash.runs.settings import Settings
from gandash.runs.snapshot import records_of
from gandash.runs.store import opened


@dataclass(frozen=True)
class Parent:
    """A training to go on from: how it is called, what it trained, its state, and its epochs so far in figures.

    `file` is where it was read from, None for a saved run.
    """

    name: str
    config: RunConfig
    checkpoint: bytes
    records: Sequence[EpochRecord]
    file: Path | None = None


def find(name: str) -> Parent:
    """The file of this path, or else the saved run of this id, which is read only, whether it trains or not.

    Raises `ValueError` with a sentence that begins with the name if there is neither or it cannot be gone on from.
    """
    path = Path(name)
    return _file(path) if os.path.isfile(path) else _run(name)  # Path.is_file() fails for a name that is too long


def _file(path: Path) -> Parent:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror or error}.") from error
    if _is_setup(data):
        raise ValueError(f"{path} holds a set-up but no training state: give a file that --checkpoint wrote.")
    from gandash.core import checkpoint

    try:
        state = checkpoint.load(data)
        config = checkpoint.config_of(state)
        records = [EpochRecord(**record) for record in state["history"]]
    except ValueError as error:
        raise ValueError(f"{path} cannot be trained on: {error}") from error
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} cannot be trained on: {checkpoint.DamagedError()}") from error
    return Parent(str(path), config, data, records, path)


def _is_setup(data: bytes) -> bool:
    try:
        read_config("", data[: MOST_BYTES + 1])
    except ValueError:
        return False
    return True


def _run(run_id: str) -> Parent:
    called = shortened(run_id)
    try:
        home = Settings.from_environment().home
        with opened(home) as store:
            stored = None if store is None else store.load(run_id)
    except ValueError as error:
        raise ValueError(f"{called} cannot be trained on: {error}") from error
    if stored is None:
        raise ValueError(
            f"{called} is neither a file nor a run among those saved in {home}: give a run's id, as the dashboard's "
            "address shows it, or a file that --checkpoint wrote."
        )
    if stored.checkpoint is None:
        raise ValueError(f"{called} has not trained yet, so there is nothing to go on from.")
    return Parent(f"run {run_id}", stored.snapshot.config, stored.checkpoint, records_of(stored.snapshot.history))
