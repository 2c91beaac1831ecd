"""Early stopping against the textbook's class, written out."""

import math

import numpy as np
import pytest

from gandash.core.early_stopping import EarlyStopping


def textbook_stop(values: list[float], patience: int) -> int | None:
    """The epoch at which the textbook's EarlyStop says stop."""
    steps, smallest = 0, float("inf")
    for epoch, value in enumerate(values, start=1):
        if value < smallest:
            smallest, steps = value, 0
        else:
            steps += 1
        if steps >= patience:
            return epoch
    return None


def our_stop(values: list[float], stopping: EarlyStopping) -> int | None:
    return next((epoch for epoch, value in enumerate(values, start=1) if stopping.update(value)), None)


@pytest.mark.parametrize("patience", [1, 2, 7, 50])
@pytest.mark.parametrize("seed", range(10))
def test_patience_is_the_textbooks(patience: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = (rng.random(200) + np.geomspace(3, 1e-3, 200)).round(2).tolist()
    stopping = EarlyStopping(patience)
    stop = our_stop(values, stopping)
    assert stop == textbook_stop(values, patience)
    assert stopping.best == min(values[:stop])


def test_threshold_stops_when_the_metric_settles() -> None:
    falling = [10.0 - i for i in range(9)]
    assert our_stop([*falling, 1.01, 1.02, 0.99, 1.0], EarlyStopping(3, min_change=0.1)) == 13
    assert our_stop([1.0] * 9, EarlyStopping(3, min_change=0.1)) == 4
    assert our_stop(falling, EarlyStopping(3, min_change=0.1)) is None


def test_threshold_sees_a_slow_drift() -> None:
    """Each change is small, together they are not: the run goes on."""
    assert our_stop([1 - 0.04 * i for i in range(20)], EarlyStopping(5, min_change=0.1)) is None


@pytest.mark.parametrize("min_change", [None, 0.1])
def test_nan_never_counts_as_better(min_change: float | None) -> None:
    stopping = EarlyStopping(2, min_change)
    for value in (2.0, math.nan, math.nan):
        stopping.update(value)
    assert (stopping.best, stopping.best_epoch) == (2.0, 1)


@pytest.mark.parametrize("patience", [6, 10])
def test_measurements_may_skip_epochs_and_the_one_at_which_patience_ends(patience: int) -> None:
    stopping = EarlyStopping(patience)
    assert not stopping.update(1.0, epoch=5)
    assert not stopping.update(2.0, epoch=10)
    assert stopping.update(2.0, epoch=15)


def test_what_can_never_be_measured_ends_after_the_patience_but_never_settles() -> None:
    assert our_stop([math.nan] * 5, EarlyStopping(3)) == 3
    assert our_stop([math.nan] * 5, EarlyStopping(3, min_change=0.1)) is None


def test_patience_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        EarlyStopping(patience=0)
