"""Values over the epochs: smoothing against the recurrence it stands for, thinning, and the range of most values."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gandash.charts.series import robust_range, short, smooth, thin


def tensorboard(values: NDArray[np.float64], weight: float) -> list[float]:
    """The recurrence in TensorBoard's own words (its `resmoothDataset`)."""
    last, smoothed = 0.0, []
    for place, value in enumerate(values.tolist(), 1):
        last = last * weight + (1 - weight) * value
        smoothed.append(last / (1 - weight**place))
    return smoothed


@given(st.integers(0, 600), st.floats(0, 0.9999), st.integers(0, 2**32 - 1))
def test_smoothing_is_tensorboards(n: int, weight: float, seed: int) -> None:
    values = np.random.default_rng(seed).normal(3, 2, n)
    np.testing.assert_allclose(smooth(values, weight), tensorboard(values, weight), rtol=1e-9, atol=1e-9)


def test_no_smoothing_changes_nothing_and_all_of_it_is_the_mean_so_far() -> None:
    values = np.array([3.0, -1.0, 4.0, 1e13, 2.0])
    np.testing.assert_array_equal(smooth(values, 0.0), values)
    np.testing.assert_allclose(smooth(values, 1.0), np.cumsum(values) / np.arange(1, 6))
    assert values[3] == 1e13  # what was given stays as it is


@pytest.mark.parametrize("weight", [-0.1, 1.1, np.nan])
def test_smoothing_outside_its_range_is_refused_in_words(weight: float) -> None:
    with pytest.raises(ValueError, match=r"smoothing is .*; it must be from 0 to 1"):
        smooth(np.ones(3), weight)


def test_smoothing_a_long_history_takes_little_time() -> None:
    """Far less than a loop in Python, let alone a pass over the values for each of the 2,000 that count."""

    def loop(values: NDArray[np.float64], weight: float) -> list[float]:
        found, last, share = [], 0.0, 0.0
        for value in values.tolist():
            if not math.isnan(value):
                last = weight * last + (1 - weight) * value
                share = weight * share + (1 - weight)
            found.append(last / share)
        return found

    values = np.random.default_rng(0).normal(size=300_000)
    seconds: dict[object, float] = {}
    for _ in range(5):
        for each in (smooth, loop):
            start = time.process_time()
            each(values, 0.98)
            seconds[each] = min(seconds.get(each, np.inf), time.process_time() - start)
    assert seconds[smooth] < 0.8 * seconds[loop]


@given(st.integers(0, 5000), st.integers(4, 200), st.integers(0, 2**32 - 1))
def test_thinning_keeps_the_order_the_ends_and_the_extremes(n: int, limit: int, seed: int) -> None:
    y = np.random.default_rng(seed).standard_normal(n)
    x = np.arange(n)
    kept_x, kept_y = thin(x, y, limit)
    assert len(kept_x) == len(kept_y) <= limit
    assert (np.diff(kept_x) > 0).all()
    np.testing.assert_array_equal(kept_y, y[kept_x])
    if n:
        assert (kept_x[0], kept_x[-1]) == (0, n - 1)
        assert (kept_y.min(), kept_y.max()) == (y.min(), y.max())


def test_a_range_of_ordinary_values_is_all_of_them() -> None:
    rng = np.random.default_rng(0)
    assert robust_range([rng.normal(size=1000), rng.uniform(size=10)]) is None
    assert robust_range([2 * np.exp(-np.arange(100) / 30)]) is None
    textbook = np.concatenate((np.linspace(0.7, 3.7, 10), np.linspace(3.7, 0.7, 60), np.full(9000, 0.7)))
    assert robust_range([textbook, np.full(9000, 1.39)]) is None  # its first epochs are not wild
    assert robust_range([np.ones(50)]) is None
    assert robust_range([np.array([1.0])]) is None


@given(st.integers(20, 3000), st.floats(1e3, 1e13), st.booleans(), st.integers(0, 2**32 - 1))
def test_wild_values_leave_most_of_the_range_to_the_others(n: int, wild: float, below: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=n)
    values[rng.integers(n)] = -wild if below else wild
    found = robust_range([values])
    assert found is not None, wild
    low, high = found
    usual = np.sort(values)[1:-1]
    assert low <= np.quantile(usual, 0.05) and np.quantile(usual, 0.95) <= high
    assert (np.quantile(usual, 0.95) - np.quantile(usual, 0.05)) / (high - low) > 0.18


def test_a_line_that_is_flat_but_for_a_peak_is_not_flattened_to_nothing() -> None:
    values = np.ones(1000)
    values[500] = 50
    found = robust_range([values])
    assert found is not None and found[0] < 1 < found[1] < 3


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.2e13, "1.2e13"), (-3.41e-5, "-3.4e-5"), (67155.2, "67,155"), (12.345, "12.3"), (0.0, "0"), (-250.4, "-250")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert short(value) == text
