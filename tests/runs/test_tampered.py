"""Saved checkpoints that somebody has changed: nothing in them is executed, and the run says that it cannot go on."""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch

from gandash.core.checkpoint import load
from gandash.core.config import RunConfig
from gandash.core.trainer import Trainer
from gandash.runs.service import RunService
from gandash.runs.snapshot import Status
from gandash.runs.store import RunStore

from .conftest import ManualEngine, forget, until

CONFIG = RunConfig(shape="line", points=64, batch_size=32, generator_widths=(8,), discriminator_widths=(8,), epochs=9)


class Trap:
    """What reads this with pickle makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.folder),)


@cache
def state() -> dict[str, Any]:
    trainer = Trainer(CONFIG)
    trainer.advance(epochs=2)
    return trainer.state_dict()


def saved(content: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def with_part(name: str, part: object) -> bytes:
    return saved({"version": 2, **state(), name: part})


TAMPERED: dict[str, Callable[[Trap], bytes]] = {
    **{f"a trap as {name}": partial(with_part, name) for name in state()},
    "a trap as version": lambda trap: saved({**state(), "version": trap}),
    "a trap among the tensors": lambda trap: with_part("tensors", state()["tensors"] | {"trap": trap}),
    "a trap beside the parts": lambda trap: with_part("more", trap),
    "a trap alone": saved,
    "a trap, pickled": pickle.dumps,
    "an unknown state": lambda trap: with_part("state", "asleep"),
    "a state of runs": lambda trap: with_part("state", "waiting"),
    "a module": lambda trap: saved(torch.nn.Linear(2, 2)),
    "nothing": lambda trap: b"",
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED)
def test_nothing_in_a_checkpoint_is_executed(
    store: RunStore, engine: ManualEngine, tmp_path: Path, tamper: Callable[[Trap], bytes]
) -> None:
    service = RunService(store, engine)
    run = service.start(CONFIG, step=True)
    while not service._library[run].idle:  # measuring may take more than one chunk
        until(lambda: engine.calls or service._library[run].idle)
        if engine.calls:
            engine.run_next()
    forget(service, run)
    trap = Trap(tmp_path / "sprung")
    with store._transaction() as db:
        db.execute("UPDATE checkpoints SET data = ?", (tamper(trap),))
    service.resume(run)
    assert engine.run_next() == run
    until(lambda: not service.snapshot(run).status.active)
    end = service.snapshot(run)
    assert end.status is Status.FAILED
    assert "checkpoint" in end.message and len(end.message) < 500
    assert not engine.calls and not trap.folder.exists()
    service.close()


def test_the_trap_works_where_everything_is_read(tmp_path: Path) -> None:
    trap = Trap(tmp_path / "sprung")
    with pytest.raises(ValueError, match="not a gandash checkpoint"):
        load(with_part("message", trap))
    assert not trap.folder.exists()
    torch.load(io.BytesIO(with_part("message", trap)), weights_only=False)
    assert trap.folder.exists()
