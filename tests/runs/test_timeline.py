"""What a run keeps of its past: the same however it was trained, never too much, and enough to look at it again."""

from __future__ import annotations

import numpy as np
import pytest

from gandash import portable
from gandash.core.config import RunConfig
from gandash.core.records import Variant
from gandash.core.trainer import Trainer
from gandash.runs import timeline, worker
from gandash.runs.timeline import Kept, epoch_of, past
from gandash.runs.worker import Budget

POINTS = np.zeros((1, 2), np.float32)
SIZES = [1_000, 170_000, 2_000_000, 5_000_000, 13_000_000, 20_000_000, 50_000_000]


def test_what_is_kept_on_the_way_is_what_is_kept_at_the_end() -> None:
    kept: tuple[Kept, ...] = (Kept(0, POINTS),)
    for epoch in range(1, 3000):
        if timeline.is_kept(epoch):
            kept = (*kept, Kept(epoch, POINTS))
        kept = timeline.thinned(kept, epoch)
        found = [each.epoch for each in kept]
        assert len(found) <= 200
        assert found == list(range(0, epoch + 1, timeline.stride(epoch))), "evenly spread over all that was trained"
        assert len(found) > 99 or epoch < 200
        assert timeline.is_kept(timeline.following(epoch)) and timeline.following(epoch) > epoch
        assert not any(timeline.is_kept(between) for between in range(epoch + 1, timeline.following(epoch)))


@pytest.mark.parametrize("size", SIZES)
def test_weights_stay_within_their_bytes_and_lie_beside_every_tenth_frame_at_most(size: int) -> None:
    for epoch in [*range(0, 450, 3), 5000, 99_999]:
        every = range(0, epoch + 1, timeline.stride(epoch))
        weighted = [each for each in every if timeline.has_weights(each, epoch, size)]
        assert len(weighted) * size <= 40_000_000
        assert len(weighted) <= len(every) / 10 + 1
        assert set(weighted) >= {each for each in weighted if timeline.has_weights(each, 2 * epoch, size)}, "a subset"
        if size <= 1_800_000:
            assert weighted == list(every)[::10]


def test_thinning_drops_weights_before_frames_and_takes_the_newest_of_an_epoch() -> None:
    weights = bytes(1_000)
    before = [Kept(epoch, POINTS, weights) for epoch in range(0, 201, 10)]
    again = Kept(40, POINTS + 1, weights)
    found = {each.epoch: each for each in timeline.thinned([*before, again], 200)}
    assert list(found) == list(range(0, 201, 10))
    assert [epoch for epoch, each in found.items() if each.weights] == list(range(0, 201, 20))
    assert found[40] is again


def test_the_generator_of_a_kept_epoch_leaves_as_it_was_then() -> None:
    config = RunConfig(shape="line", points=256, epochs=40, ema_decay=0.9)
    chunk = worker.advance("past", config.to_json(), None, Budget(60.0, until_epoch=12))
    kept = next(each for each in chunk.kept if each.weights is not None and 0 < each.epoch < 12)
    assert chunk.checkpoint is not None
    then = Trainer(config)
    then.advance(epochs=kept.epoch)
    noise = np.random.default_rng(0).standard_normal((50, 2)).astype(np.float32)
    variants: tuple[Variant, ...] = ("latest", "ema")
    for which in variants:
        file = worker.export(config.to_json(), chunk.checkpoint, which, "portable", kept.weights)
        generator = portable.read(file)
        assert generator.epoch == kept.epoch
        np.testing.assert_array_equal(generator(noise), portable.read(then.export(which, "portable"))(noise))
    assert epoch_of(past(kept.epoch)) == kept.epoch and epoch_of("epoch--1") is None and epoch_of("best") is None
