"""What only a GPU can show: captured steps, their bits, and what goes wrong there. Skipped where there is none."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gandash.core import trainer as trainer_module
from gandash.core.capture import capture
from gandash.core.config import RunConfig
from gandash.core.devices import available_devices
from gandash.core.objectives import OBJECTIVES
from gandash.core.presets import PRESETS
from gandash.core.trainer import Trainer
from gandash.core.views import VIEWS
from gandash.runs import worker
from gandash.runs.executors import LocalWorkers
from gandash.runs.worker import Budget

pytestmark = pytest.mark.skipif("cuda" not in available_devices(), reason="this machine has no GPU that torch can use")

SMALL: dict[str, Any] = {"points": 512, "batch_size": 64, "epochs": 4, "early_stopping": "off", "device": "cuda"}
EVERYTHING = RunConfig(
    shape="ring8",
    discriminator_updates="joint",
    discriminator_steps=3,
    penalty="r1",
    penalty_schedule="cosine",
    lr_schedule="cosine",
    dropout=0.2,
    ema_decay=0.99,
    packing=2,
    instance_noise=0.3,
    latent="uniform",
    latent_digits=4,
    generator_fourier=2,
    discriminator_fourier=3,
    fourier_growth=0.5,
    label_smoothing=0.1,
    fresh=True,
)
CONFIGS = {
    **{name: RunConfig.model_validate({"shape": "ring8", "objective": name}) for name in OBJECTIVES},
    **{name: PRESETS[name] for name in ("textbook-exponential", "quick-two-moons", "best-multiples-of-5")},
    "a penalty through autograd": RunConfig(shape="ring8", objective="rpgan", activation="silu", ema_decay=0.9),
    "everything": EVERYTHING,
}


@pytest.fixture(autouse=True)
def no_complaints(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A capture that fails is logged, and training goes on without it: nobody else would notice."""
    yield
    assert not caplog.records


def bits(trainer: Trainer) -> dict[str, Tensor]:
    return {name: tensor.cpu() for name, tensor in trainer.game.tensors().items()} | {
        "rng": trainer.game.rng.get_state()
    }


def assert_same_bits(one: Trainer, other: Trainer) -> None:
    ours, theirs = bits(one), bits(other)
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []
    assert repr(one.history) == repr(other.history)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_captured_step_has_the_bits_of_its_kernels_one_by_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = CONFIGS[name].model_copy(update=SMALL)
    captured = Trainer(config)
    captured.advance(epochs=2)
    assert captured._captured and all(play.__name__ == "replay" for play in captured._captured.values())
    again = Trainer(config)
    while again.epoch < 2:
        again.advance(epochs=1, seconds=0.002)
        again = Trainer.resume(config, again.checkpoint())
    assert_same_bits(captured, again)
    monkeypatch.setattr(trainer_module, "capture", lambda update, *_: update)
    eager = Trainer(config)
    eager.advance(epochs=2)
    assert_same_bits(captured, eager)


def test_phases_by_hand_have_the_same_bits() -> None:
    config = CONFIGS["everything"].model_copy(update=SMALL)
    whole, by_hand = Trainer(config), Trainer(config)
    whole.advance(epochs=2)
    while by_hand.epoch < 1:
        by_hand.play_phase()
    by_hand.show_phase()
    by_hand.advance(epochs=1)
    assert_same_bits(whole, by_hand)


@pytest.mark.parametrize("name", ["wgan-gp", "best-multiples-of-5", "everything"])
def test_a_checkpoint_moves_between_devices(name: str) -> None:
    config = CONFIGS[name].model_copy(update=SMALL)
    on_cpu = config.model_copy(update={"device": "cpu"})
    trainer = Trainer(config)
    trainer.advance(epochs=2)
    moved = Trainer.resume(on_cpu, trainer.checkpoint())
    for which in trainer.variants:
        np.testing.assert_array_equal(trainer.sample(500, 3, which), moved.sample(500, 3, which))
        assert trainer.appraise(which) == moved.appraise(which)
    before = bits(trainer)
    for view in VIEWS.values():
        if view.applies(config):
            for part, array in view.compute(moved).items():
                np.testing.assert_allclose(view.compute(trainer)[part], array, rtol=2e-3, atol=2e-3, err_msg=part)
    assert all(torch.equal(before[part], tensor) for part, tensor in bits(trainer).items()), "looking changes nothing"
    moved.advance(epochs=1)
    back = Trainer.resume(config, moved.checkpoint())
    assert [record.epoch for record in back.advance(epochs=1)] == [4]
    assert np.isfinite(back.sample(10, 0)).all()


def test_what_is_exported_is_on_the_cpu() -> None:
    trainer = Trainer(CONFIGS["everything"].model_copy(update=SMALL))
    trainer.advance(epochs=1)
    module = trainer._exported("ema")
    assert {tensor.device.type for tensor in (*module.parameters(), *module.buffers())} == {"cpu"}
    assert b"cuda" not in trainer.export("ema").replace(b'"device": "cuda"', b"")


def test_building_a_trainer_leaves_the_gpus_own_random_numbers_alone() -> None:
    before = torch.cuda.get_rng_state()
    Trainer(RunConfig(**SMALL)).advance(epochs=1)
    assert torch.equal(before, torch.cuda.get_rng_state())


def test_a_capture_that_fails_leaves_no_trace_and_training_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    rng = torch.Generator("cuda").manual_seed(1)
    total, stream = torch.zeros(3, device="cuda"), torch.cuda.current_stream()

    def update() -> None:
        total.add_(torch.rand(3, generator=rng, device="cuda"))
        total.sum().item()  # waits for the GPU, which no graph can hold

    played = capture(update, [total], rng)
    assert "capture failed" in caplog.text
    caplog.clear()
    assert played is update and torch.cuda.current_stream() == stream
    assert not total.any() and torch.equal(rng.get_state(), torch.Generator("cuda").manual_seed(1).get_state())
    played()
    assert torch.equal(total, torch.rand(3, generator=torch.Generator("cuda").manual_seed(1), device="cuda"))
    Trainer(RunConfig(**SMALL)).advance(epochs=1)  # is captured, or `no_complaints` would tell


def test_garbage_of_an_older_trainer_does_not_spoil_a_capture() -> None:
    thresholds = gc.get_threshold()
    try:
        for seed in range(3):
            trainer = Trainer(RunConfig(**SMALL, seed=seed))
            gc.set_threshold(1, 1, 1)
            trainer.advance(epochs=1)
            gc.set_threshold(10**6)
            del trainer  # its parts know each other: it goes when garbage is collected next
    finally:
        gc.set_threshold(*thresholds)


def test_captures_share_a_stream() -> None:
    def stay(seed: int) -> int:
        trainer = Trainer(RunConfig(**SMALL, seed=seed))
        trainer.advance(steps=1)
        del trainer
        gc.collect()
        torch.cuda.empty_cache()
        return torch.cuda.memory_allocated()

    first = stay(0)
    assert max(stay(seed) for seed in range(1, 4)) <= first + 2**20


def test_threads_of_one_process_train_side_by_side() -> None:
    """As on a Dask worker; what one captures is no business of the others."""
    config = RunConfig(**SMALL | {"epochs": 100})
    whole = Trainer(config)
    whole.advance(epochs=6)
    done: list[Trainer] = []

    def train() -> None:
        for _ in range(4):
            trainer = Trainer(config)
            trainer.advance(epochs=6)
            done.append(trainer)

    threads = [threading.Thread(target=train) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(done) == 12
    for trainer in done:
        assert_same_bits(whole, trainer)


def test_a_chunk_ends_when_its_time_is_over_however_large_the_networks() -> None:
    wide = {"generator_widths": (1024,) * 6, "discriminator_widths": (1024,) * 6}
    trainer = Trainer(RunConfig(points=100_000, batch_size=1000, device="cuda", early_stopping="off", **wide))
    trainer.advance(steps=3)
    torch.cuda.synchronize()
    start = time.perf_counter()
    trainer.advance(seconds=0.1)
    torch.cuda.synchronize()
    assert time.perf_counter() - start < 0.2


def lose_the_gpu() -> str:
    """Makes CUDA of no use to this process, as a fault of the GPU does."""
    try:
        torch.zeros(4, device="cuda")[torch.tensor([10**6], device="cuda")].tolist()
    except RuntimeError as error:
        return str(error)
    return ""


def test_a_worker_that_has_lost_its_gpu_is_replaced() -> None:
    workers = LocalWorkers(1)
    try:
        config = RunConfig(**SMALL | {"epochs": 10**5}).to_json()
        chunk = workers.submit(worker.advance, "run", config, None, Budget(0.2)).result(60)
        assert "CUDA error" in workers.submit(lose_the_gpu).result(60)
        drawn = workers.submit(worker.samples, config, chunk.checkpoint, 10, "latest", 0).result(60)
        assert len(drawn) == 10, "what is drawn needs no GPU"
        further = workers.submit(worker.advance, "run", config, chunk.checkpoint, Budget(0.2)).result(90)
        assert further.state == "running" and further.progress > chunk.progress
    finally:
        workers.shutdown(wait=False, cancel_futures=True)


def test_a_run_too_large_for_the_gpu_fails_in_words_and_the_next_one_trains(caplog: pytest.LogCaptureFixture) -> None:
    torch.cuda.empty_cache()
    gc.collect()
    total = torch.cuda.get_device_properties().total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**28) / total)
    try:
        large = {"points": 65_536, "batch_size": 65_536, "discriminator_widths": (1024,) * 4}
        chunk = worker.advance("large", RunConfig(**SMALL | large).to_json(), None, Budget(0.1))
        assert (chunk.state, chunk.message.partition(":")[0]) == ("failed", "The GPU ran out of memory")
        caplog.clear()
        assert worker.advance("small", RunConfig(**SMALL).to_json(), None, Budget(0.1)).state != "failed"
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        worker._trainers.clear()
