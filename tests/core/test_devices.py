"""Which device trains: what torch finds and can use, and work that is handed over in advance. No GPU is needed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from gandash.core.config import RunConfig
from gandash.core.devices import available_devices, in_step, resolve_device, runs_on
from gandash.core.trainer import Trainer

TODAY = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120")


@pytest.mark.parametrize(
    ("capability", "built", "runs"),
    [
        ((9, 0), TODAY, True),
        ((8, 9), TODAY, True),
        ((12, 1), TODAY, True),
        ((7, 0), TODAY, False),
        ((6, 1), TODAY, False),
        ((11, 0), TODAY, False),
        ((11, 0), (*TODAY, "compute_100"), True),
        ((7, 0), (*TODAY, "compute_120"), False),
        ((9, 0), ("sm_90a",), True),
        ((10, 3), ("sm_100a",), False),
        ((9, 4), ("gfx90a", "gfx942"), True),
        ((9, 0), (), False),
    ],
)
def test_whether_torch_has_code_for_a_gpu(capability: tuple[int, int], built: Sequence[str], runs: bool) -> None:
    assert runs_on(capability, built) is runs


def a_gpu(monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int] | Exception) -> None:
    def told(*_: object) -> tuple[int, int]:
        if isinstance(capability, Exception):
            raise capability
        return capability

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", told)
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: list(TODAY))


def test_a_gpu_that_torch_has_code_for_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    a_gpu(monkeypatch, (8, 6))
    assert available_devices()[:2] == ("cpu", "cuda")
    assert resolve_device("auto").type == resolve_device("cuda").type == "cuda"


@pytest.mark.parametrize("capability", [(6, 1), RuntimeError("no CUDA-capable device is detected")])
def test_a_gpu_that_torch_cannot_use_is_left_alone(
    capability: tuple[int, int] | Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_gpu(monkeypatch, capability)
    assert "cuda" not in available_devices()
    assert resolve_device("auto").type == "cpu"
    with pytest.raises(ValueError, match=r"'cuda' is of no use to torch .*: choose auto or one of cpu"):
        resolve_device("cuda")


def test_a_trainer_works_elsewhere_than_its_config_says_where_it_is_told_to() -> None:
    config = RunConfig(shape="line", points=128, batch_size=64, device="cuda")
    trainer = Trainer(config, device="cpu")
    trainer.advance(epochs=1)
    moved = Trainer.resume(config, trainer.checkpoint(), device="cpu")
    assert moved.config.device == "cuda" and moved.device.type == "cpu"
    assert (moved.sample(10, 0) == trainer.sample(10, 0)).all()


def test_building_networks_leaves_the_random_numbers_of_gpus_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    seeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    state = torch.get_rng_state()
    Trainer(RunConfig(shape="line", points=128, device="cpu"))
    assert seeded == [] and torch.equal(state, torch.get_rng_state())


def test_a_gpu_has_one_piece_of_work_waiting_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    class Event:
        def __init__(self) -> None:
            self.name = f"{len([each for each in said if each.startswith('end')])}"
            said.append(f"end of {self.name} noted")

        def synchronize(self) -> None:
            said.append(f"waited for {self.name}")

    class Stream:
        def record_event(self) -> Event:
            return Event()

    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream())
    keep = in_step(torch.device("cuda"))
    for _ in range(2):
        keep()
    assert said == ["end of 0 noted", "end of 1 noted", "waited for 0", "end of 2 noted", "waited for 1"]
    in_step(torch.device("cpu"))()
    assert len(said) == 5


def test_time_is_kept_by_what_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training for a time waits for its steps, training for so many epochs need not."""
    waits: list[bool] = []
    monkeypatch.setattr("gandash.core.trainer.in_step", lambda device: lambda: waits.append(True))
    trainer = Trainer(RunConfig(shape="line", points=128, batch_size=64, device="cpu"))
    trainer.advance(epochs=1)
    assert waits == []
    trainer.advance(epochs=1, seconds=60)
    assert len(waits) == 2
