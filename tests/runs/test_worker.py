"""What a worker does, in this process: chunks of real training, from checkpoint to checkpoint."""

from __future__ import annotations

import gc
import io
from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from gandash import portable
from gandash.core.checkpoint import load
from gandash.core.config import RunConfig
from gandash.core.devices import available_devices
from gandash.core.judge import Points
from gandash.core.records import Appraisal, EpochRecord
from gandash.core.trainer import Trainer
from gandash.core.verdict import PERMUTATIONS, PIECE, Mixed, TwoSampleTest
from gandash.runs import timeline, worker
from gandash.runs.snapshot import History, records_of
from gandash.runs.timeline import Kept
from gandash.runs.worker import Budget, Chunk

CONFIG = RunConfig(
    shape="exponential", points=256, batch_size=64, epochs=12, ema_decay=0.9, early_stopping="off", seed=5
)
JSON = CONFIG.to_json()


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    worker.warm_up()  # which trains: not with what a test puts in the trainer's place
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(worker, "MEASURING_SECONDS", 60.0)  # however slow the machine is
    worker._trainers.clear()
    yield
    worker._trainers.clear()
    torch.set_num_threads(threads)


def train(seconds: float, before_each: Callable[[], None] = lambda: None) -> tuple[list[EpochRecord], Chunk]:
    """All of CONFIG in chunks of so many seconds."""
    records: list[EpochRecord] = []
    checkpoint = None
    while True:
        before_each()
        chunk = worker.advance("run", JSON, checkpoint, Budget(seconds))
        records += chunk.records
        checkpoint = chunk.checkpoint
        if chunk.state != "running":
            return records, chunk


def same(records: list[EpochRecord], others: list[EpochRecord]) -> bool:
    return repr(records) == repr(others)  # by text, because NaN differs from itself


@pytest.mark.parametrize("n", [7, 511, 513, 1023, 1537, 4097])
def test_samples_in_pieces_are_the_same_points_bit_for_bit(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    trainer = Trainer(CONFIG)
    monkeypatch.setattr(worker, "_restore", lambda *_: trainer)
    whole = trainer.sample(n, seed=5, which="latest")
    monkeypatch.setattr(worker, "SAMPLING_SECONDS", 60.0)
    np.testing.assert_array_equal(worker.samples(JSON, b"", n, "latest", 5), whole)
    monkeypatch.setattr(worker, "SAMPLING_SECONDS", 0.0)
    pieces: list[NDArray[np.float32]] = []
    while (first := sum(map(len, pieces))) < n:
        pieces.append(worker.samples(JSON, b"", n, "latest", 5, first))
    assert len(pieces) == max(1, n // 512)
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


@pytest.mark.parametrize("cached", [True, False])
def test_chunks_end_where_one_call_ends_bit_for_bit(cached: bool) -> None:
    whole = Trainer(CONFIG)
    expected = whole.advance(epochs=CONFIG.epochs)
    records, last = train(1e-4, before_each=(lambda: None) if cached else worker._trainers.clear)
    assert same(records, expected)
    assert (last.state, last.epoch, last.progress) == ("finished", 12, 1.0)
    assert last.variants == whole.variants == ("latest", "ema", "best")
    assert last.checkpoint is not None
    for which in whole.variants:
        points = worker.samples(JSON, last.checkpoint, 500, which, 1)
        np.testing.assert_array_equal(points, whole.sample(500, seed=1, which=which))
    found = {appraisal.which: appraisal for appraisal in last.appraisals}
    assert list(found) == ["ema", "latest", "best"], "the one on screen first"
    assert found["ema"].verdict == whole.verdict(), "only that on screen gets one"
    assert found == {which: whole.appraise(which) for which in whole.variants}
    assert found["ema"].epoch == 12


def test_an_older_checkpoint_counts_more_than_what_the_process_remembers() -> None:
    first = worker.advance("run", JSON, None, Budget(60, until_epoch=2))
    second = worker.advance("run", JSON, first.checkpoint, Budget(60, until_epoch=5))
    again = worker.advance("run", JSON, first.checkpoint, Budget(60, until_epoch=5))
    assert [record.epoch for record in again.records] == [3, 4, 5]
    assert same(list(again.records), list(second.records))
    np.testing.assert_array_equal(again.frames[-1].points, second.frames[-1].points)


def test_a_chunk_brings_a_few_frames_in_order_from_the_first_on() -> None:
    config = CONFIG.model_copy(update={"epochs": 10_000}).to_json()
    first = worker.advance("run", config, None, Budget(0.25))
    second = worker.advance("run", config, first.checkpoint, Budget(0.25))
    assert first.frames[0].progress == 0.0, "the untrained generator is shown first"
    assert 2 <= len(first.frames) <= 4 and 1 <= len(second.frames) <= 4
    progress = [frame.progress for frame in (*first.frames, *second.frames)]
    assert progress == sorted(set(progress)) and progress[-1] == second.progress
    frame = second.frames[-1]
    assert frame.points.shape == (1000, 2) and frame.points.dtype == np.float32
    assert second.checkpoint is not None
    np.testing.assert_array_equal(frame.points, worker.samples(config, second.checkpoint, 1000, "ema", 0))
    assert first.appraisals == second.appraisals == ()


def test_a_budget_of_epochs_is_kept_exactly_and_evaluated() -> None:
    chunk = worker.advance("run", JSON, None, Budget(60, until_epoch=3))
    assert (chunk.state, chunk.epoch, chunk.progress) == ("running", 3, 0.25)
    assert [record.epoch for record in chunk.records] == [1, 2, 3]
    assert np.isfinite(chunk.appraisals[0].metrics["sliced_wasserstein"])
    beyond = worker.advance("run", JSON, chunk.checkpoint, Budget(60, until_epoch=99))
    assert (beyond.state, beyond.epoch) == ("finished", 12)


def test_an_evaluation_is_made_when_it_is_asked_for_and_changes_nothing() -> None:
    asked = worker.advance("a", JSON, None, Budget(60, until_epoch=2, evaluate=True))
    plain = worker.advance("b", JSON, worker.advance("b", JSON, None, Budget(1e-4)).checkpoint, Budget(60))
    on = worker.advance("a", JSON, asked.checkpoint, Budget(60))
    assert asked.appraisals
    np.testing.assert_array_equal(on.frames[-1].points, plain.frames[-1].points)


def test_a_chunk_of_no_seconds_appraises_and_trains_nothing() -> None:
    first = worker.advance("run", JSON, None, Budget(1e-4))
    again = worker.advance("run", JSON, first.checkpoint, Budget(0.0, evaluate=True))
    assert (again.state, again.epoch, again.progress) == ("running", first.epoch, first.progress)
    assert again.records == () and again.frames == ()
    assert [appraisal.which for appraisal in again.appraisals] == ["ema", "latest"]
    assert {appraisal.progress for appraisal in again.appraisals} == {first.progress}
    assert 0 < again.appraisal_seconds <= again.seconds
    one, other = (worker.advance("run", JSON, chunk.checkpoint, Budget(60, 3)) for chunk in (first, again))
    assert same(list(one.records), list(other.records))


@pytest.mark.parametrize("cached", [True, False])
def test_an_appraisal_may_take_many_chunks_and_is_the_same(cached: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = worker.advance("run", JSON, None, Budget(60, until_epoch=3))
    assert begun.measured is None
    monkeypatch.setattr(worker, "MEASURING_SECONDS", 0.0)
    worker._trainers.clear()  # it knows already
    chunks = [worker.advance("run", JSON, begun.checkpoint, Budget(0.0, evaluate=True))]
    while not chunks[-1].appraisals:
        assert chunks[-1].measured is not None
        if not cached:
            worker._trainers.clear()
        budget = Budget(0.0, evaluate=True, measured=chunks[-1].measured)
        chunks.append(worker.advance("run", JSON, chunks[-1].checkpoint, budget))
        assert len(chunks) < 100
    assert len(chunks) > 10, "a sample or a report in each"
    assert chunks[-1].measured is None
    assert chunks[-1].appraisals == begun.appraisals
    assert {chunk.checkpoint for chunk in chunks} == {begun.checkpoint}


def test_a_verdict_that_takes_many_chunks_mixes_its_samples_once(monkeypatch: pytest.MonkeyPatch) -> None:
    mixed: list[int] = []
    make = TwoSampleTest.mixed

    def counted(test: TwoSampleTest, real: Points, fake: Points) -> Mixed:
        mixed.append(len(real))
        return make(test, real, fake)

    monkeypatch.setattr(TwoSampleTest, "mixed", counted)
    monkeypatch.setattr(worker, "MEASURING_SECONDS", 0.0)
    chunk = worker.advance("run", JSON, None, Budget(60))
    chunks = 0
    while chunk.measured is not None:
        chunk = worker.advance("run", JSON, chunk.checkpoint, Budget(0.0, evaluate=True, measured=chunk.measured))
        chunks += 1
    assert (chunk.state, chunk.appraisals[0].verdict) == ("finished", "told apart")
    assert chunks > PERMUTATIONS // PIECE
    assert len(mixed) == 1


def test_a_large_generator_is_drawn_less_often() -> None:
    def frames(widths: tuple[int, ...], seconds: float) -> int:
        config = CONFIG.model_copy(update={"generator_widths": widths, "epochs": 10_000})
        return worker._frames(Trainer(config), Budget(seconds))

    assert frames((16, 32), 0.25) >= worker.MOST_FRAMES
    assert frames((1024,) * 6, 0.25) == 0, "one, at the end of the chunk"
    assert frames((1024,) * 2, 4.0) > frames((1024,) * 6, 4.0) > 0


def test_trainers_of_large_networks_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(worker.advance("0", JSON, None, Budget(1e-4)).checkpoint or b"")
    monkeypatch.setattr(worker, "CACHED_BYTES", int(1.5 * size))
    for number in range(1, 4):
        worker.advance(f"{number}", JSON, None, Budget(1e-4))
    assert list(worker._trainers) == ["2", "3"]
    monkeypatch.setattr(worker, "CACHED_BYTES", 0)
    worker.advance("4", JSON, None, Budget(1e-4))
    assert list(worker._trainers) == ["4"], "the newest stays, however large"


@pytest.mark.parametrize("standardize", [False, True])
def test_the_real_points_are_the_first_that_are_trained_on(standardize: bool) -> None:
    config = CONFIG.model_copy(update={"points": 5000, "shape": "ring8", "standardize": standardize})
    first = worker.advance("run", config.to_json(), None, Budget(1e-4, real=True))
    assert first.real is not None and first.real.shape == (worker.REAL_POINTS, 2) and first.real.dtype == np.float32
    trainer = Trainer(config, device="cpu")
    np.testing.assert_allclose(first.real, (trainer._data * trainer._std + trainer._mean)[:2048], atol=1e-6)
    later = worker.advance("run", config.to_json(), first.checkpoint, Budget(0.0, real=True))
    np.testing.assert_array_equal(later.real, first.real)
    assert worker.advance("run", config.to_json(), first.checkpoint, Budget(1e-4)).real is None
    few = worker.advance("few", JSON, None, Budget(1e-4, real=True)).real
    assert few is not None and len(few) == CONFIG.points


def test_a_child_begins_where_its_parent_stands() -> None:
    parent = worker.advance("parent", JSON, None, Budget(60, until_epoch=4, real=True))
    assert parent.checkpoint is not None
    child_json, begun = worker.fork(JSON, parent.checkpoint, {"epochs": 3, "generator_lr": 1e-4})
    child = RunConfig.from_json(child_json)
    assert (child.epochs, child.generator_lr, child.discriminator_lr) == (3, 1e-4, CONFIG.discriminator_lr)
    assert (begun.state, begun.epoch, begun.progress, begun.records) == ("running", 4, 0.0, ())
    np.testing.assert_array_equal(begun.frames[0].points, parent.frames[-1].points)
    np.testing.assert_array_equal(begun.real, parent.real)
    done = worker.advance("child", child_json, begun.checkpoint, Budget(60))
    assert (done.state, done.epoch, [record.epoch for record in done.records]) == ("finished", 7, [5, 6, 7])
    with pytest.raises(ValueError, match="Latent dimension"):
        worker.fork(JSON, parent.checkpoint, {"latent_dim": 3})


def test_a_checkpoint_to_keep_holds_the_history_and_goes_on_bit_for_bit() -> None:
    chunk = worker.advance("run", JSON, None, Budget(60, until_epoch=4))
    assert chunk.checkpoint is not None
    history = History().extended(chunk.records)
    trainer = Trainer.resume(CONFIG, worker.checkpoint(chunk.checkpoint, records_of(history)))
    assert same(trainer.history, list(chunk.records))
    further = worker.advance("run", JSON, chunk.checkpoint, Budget(60, until_epoch=6))
    assert same(trainer.advance(epochs=2), list(further.records))


def test_a_device_that_is_not_there_fails_with_the_trainers_sentence(caplog: pytest.LogCaptureFixture) -> None:
    missing = next(device for device in ("mps", "cuda") if device not in available_devices())
    config = CONFIG.model_copy(update={"device": missing})
    chunk = worker.advance("run", config.to_json(), None, Budget(0.1))
    assert (chunk.state, chunk.checkpoint) == ("failed", None)
    assert missing in chunk.message and "cpu" in chunk.message
    assert not caplog.records


def test_a_run_is_looked_at_drawn_from_and_exported_where_its_device_is_missing() -> None:
    elsewhere = CONFIG.model_copy(update={"device": next(d for d in ("mps", "cuda") if d not in available_devices())})
    trainer = Trainer(elsewhere, device="cpu")
    records = trainer.advance(epochs=2)
    json, data = elsewhere.to_json(), trainer.checkpoint(history=False)
    np.testing.assert_array_equal(worker.samples(json, data, 500, "ema", 1), trainer.sample(500, 1, "ema"))
    generator = portable.read(worker.export(json, data, "best", "portable"))
    assert generator.config["device"] == elsewhere.device
    found, unseen = worker.views(json, data, ("discriminator",))
    assert (set(found), unseen) == ({"discriminator"}, ())
    kept = load(worker.checkpoint(data, records))
    assert kept["config"]["device"] == elsewhere.device and len(kept["history"]) == 2
    child, begun = worker.fork(json, data, {"device": "cpu"})
    assert (RunConfig.from_json(child).device, begun.epoch) == ("cpu", 2)
    with pytest.raises(ValueError, match="not on this machine"):
        worker.fork(json, data, {})


class Ended(BaseException):
    """Instead of the end of this process."""


@pytest.mark.parametrize(
    ("gpu_says", "ends"),
    [
        (RuntimeError("CUDA error: an illegal memory access was encountered"), True),
        (RuntimeError("CUDA error: unspecified launch failure"), True),
        (RuntimeError("CUDA error: out of memory"), False),
        (None, False),
    ],
)
def test_a_worker_that_has_lost_its_gpu_ends_and_others_take_over(
    gpu_says: RuntimeError | None, ends: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object, **kwargs: object) -> list[EpochRecord]:
        raise RuntimeError("CUDA error: what was asked for")

    def synchronize() -> None:
        if gpu_says is not None:
            raise gpu_says

    def leave(status: int) -> None:
        raise Ended(status)

    monkeypatch.setattr(Trainer, "advance", fail)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", synchronize)
    monkeypatch.setattr("os._exit", leave)
    if ends:
        with pytest.raises(Ended):
            worker.advance("run", JSON, None, Budget(0.1))
        assert "The GPU is lost" in caplog.text
    else:
        assert worker.advance("run", JSON, None, Budget(0.1)).message.startswith("The GPU failed")


def test_want_of_memory_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    worker.advance("other", JSON, None, Budget(1e-4))
    assert list(worker._trainers) == ["other"]

    def advance(*args: object, **kwargs: object) -> list[EpochRecord]:
        raise MemoryError

    monkeypatch.setattr(Trainer, "advance", advance)
    worker.advance("run", JSON, None, Budget(0.1))
    assert not worker._trainers


def test_a_gpu_that_cannot_be_warmed_up_keeps_nobody_from_the_cpu(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    def advance(trainer: Trainer, *args: object, **kwargs: object) -> list[EpochRecord]:
        seen.append(trainer.config.device)
        if trainer.config.device != "cpu":
            raise RuntimeError("CUDA error: out of memory")
        return []

    monkeypatch.setattr("gandash.core.devices.available_devices", lambda: ("cpu", "cuda"))
    monkeypatch.setattr("gandash.core.trainer.resolve_device", lambda device: torch.device("cpu"))
    monkeypatch.setattr(Trainer, "advance", advance)
    threads = torch.get_num_threads()
    try:
        worker._load_torch.__wrapped__()
    finally:
        gc.unfreeze()
        torch.set_num_threads(threads)
    assert seen == ["cpu", "cuda"] and "cuda could not be warmed up" in caplog.text


def test_a_broken_checkpoint_fails_with_a_sentence() -> None:
    chunk = worker.advance("run", JSON, b"nonsense", Budget(0.1))
    assert (chunk.state, chunk.message) == ("failed", "These bytes are not a gandash checkpoint.")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("inner detail"), "unexpected error (RuntimeError); the server's log says more"),
        (ValueError("inner detail"), "unexpected error (ValueError)"),
        (MemoryError(), "The machine ran out of memory"),
        (RuntimeError("CUDA out of memory. inner detail"), "The GPU ran out of memory"),
        (
            RuntimeError("CUDA error: unspecified launch failure\ninner detail"),
            "The GPU failed (CUDA error: unspecified",
        ),
    ],
)
def test_what_goes_wrong_in_training_is_told_briefly_and_logged_fully(
    error: Exception, told: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def advance(*args: object, **kwargs: object) -> list[EpochRecord]:
        raise error

    monkeypatch.setattr(Trainer, "advance", advance)
    chunk = worker.advance("run", JSON, None, Budget(0.1))
    assert chunk.state == "failed"
    assert told in chunk.message and "inner detail" not in chunk.message
    assert caplog.records[0].exc_info is not None and caplog.records[0].exc_info[1] is error
    assert not worker._trainers, "a trainer in an unknown state is not used again"


def test_a_diverged_run_shows_its_last_healthy_generator() -> None:
    start = worker.advance("run", JSON, None, Budget(60, until_epoch=2))
    trainer = worker._trainers["run"].trainer
    with torch.no_grad():
        for weights in trainer.networks[1].parameters():
            weights.fill_(torch.nan)
    unnoticed = worker.advance("run", JSON, start.checkpoint, Budget(1e-4))
    assert (unnoticed.state, unnoticed.frames) == ("running", ()), "nothing to show before the epoch is judged"
    chunk = worker.advance("run", JSON, unnoticed.checkpoint, Budget(60))
    assert (chunk.state, chunk.records) == ("diverged", ())
    assert "diverged in epoch 3" in chunk.message
    assert chunk.checkpoint is not None and chunk.appraisals[0].which == "latest"
    assert np.isfinite(chunk.appraisals[0].metrics["sliced_wasserstein"])
    healthy = worker.samples(JSON, chunk.checkpoint, 1000, "latest", 0)
    assert np.isfinite(healthy).all()
    np.testing.assert_array_equal(chunk.frames[-1].points, healthy)


def test_only_a_few_trainers_are_kept() -> None:
    for number in range(worker.CACHED_TRAINERS + 3):
        worker.advance(f"{number}", JSON, None, Budget(1e-4))
    assert list(worker._trainers) == [f"{number}" for number in range(3, worker.CACHED_TRAINERS + 3)]


def test_an_export_draws_the_points_that_are_shown() -> None:
    chunk = worker.advance("run", JSON, None, Budget(60, until_epoch=4))
    assert chunk.checkpoint is not None
    module = torch.jit.load(io.BytesIO(worker.export(JSON, chunk.checkpoint, "ema")))  # type: ignore[no-untyped-call]
    noise = torch.randn(1000, CONFIG.latent_dim, generator=torch.Generator().manual_seed(worker.FRAME_SEED))
    np.testing.assert_allclose(module(noise).detach().numpy(), chunk.frames[-1].points, rtol=1e-5, atol=1e-5)


def test_a_portable_export_is_read_without_torch_and_draws_the_points_that_are_shown() -> None:
    chunk = worker.advance("run", JSON, None, Budget(60, until_epoch=4))
    assert chunk.checkpoint is not None
    generator = portable.read(worker.export(JSON, chunk.checkpoint, "ema", "portable"))
    noise = torch.randn(1000, CONFIG.latent_dim, generator=torch.Generator().manual_seed(worker.FRAME_SEED))
    np.testing.assert_allclose(generator(noise.numpy()), chunk.frames[-1].points, rtol=1e-5, atol=1e-5)


def test_warm_up_tells_the_devices() -> None:
    assert worker.warm_up() == available_devices()


LONG = CONFIG.model_copy(update={"points": 128, "epochs": 23})


def kept_of(seconds: float, *, cached: bool) -> dict[int, tuple[bytes, bytes | None]]:
    """All that the timeline keeps of LONG, trained in chunks of so many seconds."""
    moments: tuple[Kept, ...] = ()
    checkpoint = None
    while True:
        if not cached:
            worker._trainers.clear()
        chunk = worker.advance("run", LONG.to_json(), checkpoint, Budget(seconds))
        moments = timeline.thinned((*moments, *chunk.kept), chunk.epoch)
        checkpoint = chunk.checkpoint
        if chunk.state != "running":
            return {each.epoch: (each.points.tobytes(), each.weights) for each in moments}


def test_the_same_frames_are_kept_however_the_training_is_cut_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trainer, "appraise", lambda trainer, which: Appraisal(which, 0, 0.0, {}, 0.0))
    monkeypatch.setattr(Trainer, "measure", lambda trainer, seconds, known: None)
    monkeypatch.setattr(timeline, "MOST", 10)
    monkeypatch.setattr(timeline, "WEIGHTS_EVERY", 5)
    whole = kept_of(60.0, cached=True)
    assert list(whole) == list(range(0, 24, 4))
    assert [epoch for epoch, (_, weights) in whole.items() if weights] == list(range(0, 24, 20))
    assert kept_of(0.02, cached=False) == whole == kept_of(0.003, cached=True)
    trainer = Trainer(LONG)
    trainer.advance(epochs=20)
    points, weights = whole[20]
    assert points == trainer.sample(1000, seed=0, which="ema").tobytes()
    assert weights == trainer.weights()


def test_keeping_frames_changes_nothing_of_the_training() -> None:
    chunk = worker.advance("run", JSON, None, Budget(60.0))
    plain = Trainer(CONFIG)
    plain.advance(epochs=12)
    assert [each.epoch for each in chunk.kept] == list(range(13))
    assert chunk.checkpoint is not None
    found, expected = (Trainer.resume(CONFIG, data) for data in (chunk.checkpoint, plain.checkpoint()))
    for name, tensor in expected.game.tensors().items():
        assert torch.equal(found.game.tensors()[name], tensor), name


def test_a_chunk_between_two_kept_epochs_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timeline, "MOST", 4)
    checkpoint = worker.advance("run", LONG.to_json(), None, Budget(60.0, until_epoch=4)).checkpoint
    odd = worker.advance("run", LONG.to_json(), checkpoint, Budget(60.0, until_epoch=5))
    assert odd.kept == () and odd.epoch == 5
    even = worker.advance("run", LONG.to_json(), odd.checkpoint, Budget(60.0, until_epoch=6))
    assert [each.epoch for each in even.kept] == [6]
    still = worker.advance("run", LONG.to_json(), even.checkpoint, Budget(0.0, evaluate=True))
    assert still.kept == ()
