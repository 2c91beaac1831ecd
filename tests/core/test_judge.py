"""The judge: what its figures are of samples with a known fault, against a plain count, and that ties do no harm."""

from __future__ import annotations

import math
from collections.abc import Generator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gandash.core.config import RunConfig
from gandash.core.judge import (
    PAIRS,
    WORST,
    Copying,
    Neighbours,
    Pair,
    Ruler,
    accuracy,
    gap,
    real_samples,
    tell,
    uncertainty,
)
from gandash.core.metrics import Evaluator, sliced_wasserstein
from gandash.core.records import Verdict
from gandash.core.targets.patterns import int_to_onehot
from gandash.core.targets.shapes import SHAPES, Shape
from gandash.core.verdict import (
    LEVEL,
    LINES,
    PERMUTATIONS,
    Mixed,
    Mixture,
    Trial,
    TwoSampleTest,
    compare,
    p_value,
    told_apart,
)

Floats = NDArray[np.float64]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def counted(points: Floats, real: NDArray[np.bool_]) -> float:
    """The accuracy of one neighbour, from all distances."""
    away = np.sqrt(((points[:, None] - points) ** 2).sum(axis=-1))
    np.fill_diagonal(away, np.inf)
    nearest = away <= away.min(axis=1, keepdims=True) * (1 + 1e-9)
    return float(((nearest * (real[:, None] == real)).sum(axis=1) / nearest.sum(axis=1)).mean())


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 30), dim=st.integers(1, 3), values=st.integers(1, 8))
@settings(max_examples=150)
def test_the_accuracy_is_a_plain_count_whatever_is_tied(seed: int, n: int, dim: int, values: int) -> None:
    drawn = rng(seed)
    points = 0.1 * drawn.integers(0, values, (n, dim)) + drawn.standard_normal((n, dim)) * (drawn.random((n, 1)) < 0.3)
    real = drawn.random(n) < 0.5
    assert Neighbours(points).accuracy(real) == pytest.approx(counted(points, real), abs=1e-12)


@pytest.mark.parametrize("decimals", [0, 1, 9])
@pytest.mark.parametrize("n", [5, 40, 400])
def test_repeated_values_score_a_half_real_against_real(decimals: int, n: int) -> None:
    drawn, real = rng(1), np.arange(2 * n) < n
    found = [
        tell(Neighbours(drawn.standard_normal((2 * n, 2)).round(decimals)).accuracy(real), n)
        for _ in range(40000 // n**2 + 20)
    ]
    assert abs(np.mean(found)) < 4 * np.std(found) / math.sqrt(len(found))


def test_tell_goes_from_nobody_to_everybody() -> None:
    assert tell(49 / 99, 50) == pytest.approx(0) and tell(1.0, 50) == 1
    assert (accuracy(0.0), accuracy(1.0), accuracy(1.1)) == (0.5, 1.0, 1.0)


def ruler(shape: Shape, seed: int = 0) -> Ruler:
    drawn = rng(seed)
    return Ruler(*([shape.sample(1000, drawn) for _ in range(count)] for count in (PAIRS, 32)))


@pytest.mark.parametrize("name", ["exponential", "grid25", "checkerboard"])
def test_what_the_gap_says_of_known_faults(name: str) -> None:
    shape, drawn = SHAPES[name], rng(3)
    held, spread = ruler(shape), shape.sample(20_000, drawn).std(axis=0)

    def measured(blur: float = 0.0, shift: float = 0.0) -> float:
        noise = [blur * spread * drawn.standard_normal((1000, 2)) + shift * spread for _ in range(PAIRS)]
        return gap([held.pair(shape.sample(1000, drawn) + each, index) for index, each in enumerate(noise)])

    assert measured() < 0.07
    assert measured(shift=2.0) > 1.5
    spot = np.tile(shape.sample(20_000, drawn).mean(axis=0), (1000, 1)) + 1e-6 * drawn.standard_normal((1000, 2))
    assert gap([held.pair(spot, index) for index in range(PAIRS)]) == pytest.approx(2, abs=0.02)
    blurred = [measured(blur=share) for share in (0.05, 0.2, 1.0)]
    assert blurred == sorted(blurred) and blurred[1] > 0.12
    if name != "checkerboard":
        assert blurred[0] > 0.4


def test_all_axes_count_alike() -> None:
    shape, drawn = SHAPES["spiral"], rng(4)
    samples = [shape.sample(500, drawn).astype(np.float64) for _ in range(5)]
    fake = samples.pop() * 1.1
    one = Ruler(samples[:2], samples[2:]).pair(fake)
    stretch = np.array([1e-4, 1e3])
    other = Ruler([each * stretch for each in samples[:2]], [each * stretch for each in samples[2:]]).pair(
        fake * stretch
    )
    assert other == pytest.approx(one, rel=1e-4)


def test_the_excess_is_of_squares_beyond_other_real_samples() -> None:
    shape, drawn = SHAPES["two-moons"], rng(5)
    reals, others = ([shape.sample(300, drawn).astype(np.float64) for _ in range(count)] for count in (2, 3))
    fake = shape.sample(300, drawn) + 0.1
    together = np.concatenate(reals)
    scale = together.std(axis=0)
    spot = np.tile(together.mean(axis=0), (300, 1))
    spread = sliced_wasserstein(np.concatenate(reals) / scale, np.concatenate([spot, spot]) / scale)
    floor = np.mean([sliced_wasserstein(other / scale, reals[1] / scale) ** 2 for other in others])
    expected = (sliced_wasserstein(fake / scale, reals[1] / scale) ** 2 - floor) / spread**2
    assert Ruler(reals, others).pair(fake, 1).excess == pytest.approx(expected, rel=1e-3)


def test_the_gap_is_the_same_whatever_the_number_of_pairs_and_as_sure_as_it_says() -> None:
    shape, drawn = SHAPES["ring8"], rng(6)
    many = [ruler(shape, seed) for seed in range(3)]
    noise = 0.02 * shape.sample(5000, drawn).std(axis=0)

    def pairs(held: Ruler) -> list[Pair]:
        fakes = [shape.sample(1000, drawn) + noise * drawn.standard_normal((1000, 2)) for _ in range(PAIRS)]
        return [held.pair(fake, index) for index, fake in enumerate(fakes)]

    found = [pairs(many[index % 3]) for index in range(18)]
    gaps = [gap(each) for each in found]
    assert np.mean([gap(each[:1]) for each in found]) == pytest.approx(np.mean(gaps), abs=0.03)
    assert 0.5 < np.mean([uncertainty(each) for each in found]) / np.std(gaps) < 2


def test_the_uncertainty_knows_what_is_shared_and_what_is_not_known() -> None:
    some = [Pair(0.1, 0.01), Pair(0.2, 0.02), Pair(0.15, 0.015)]
    assert uncertainty(some, 1.0) > uncertainty(some, 0.5) > uncertainty(some) > 0
    assert uncertainty(some[:1]) == uncertainty([*some, WORST]) == math.inf
    assert gap([*some, WORST]) == math.inf and gap([Pair(-0.1, -0.01)]) == 0


class FewRows(Shape):
    """Two hundred rows of a shape, of which training never sees the last `held`."""

    finite = True
    held = 50

    def unseen(self, n: int, rng: np.random.Generator) -> NDArray[np.float32]:
        rows = self.sample(200, np.random.default_rng(9))[-self.held :]
        return rows[rng.permutation(len(rows))[:n]]


def few(held: int) -> FewRows:
    shape = SHAPES["two-moons"]
    rows = FewRows(shape.name, shape.title, shape.kind, shape.formula, shape.bounds, shape.sampler)
    object.__setattr__(rows, "held", held)
    return rows


@pytest.mark.parametrize(("held", "n", "overlap"), [(160, 20, 0.0), (100, 20, 0.2), (50, 50, 1.0), (50, 70, 1.0)])
def test_held_out_rows_are_shared_out_as_far_as_they_go(held: int, n: int, overlap: float) -> None:
    samples, found = real_samples(few(held), n, rng())
    drawn = list(samples)
    assert found == overlap and len(drawn) == PAIRS and {len(each) for each in drawn} == {min(n, held)}
    assert all(len(np.unique(each, axis=0)) == len(each) for each in drawn)
    if not overlap:
        assert len(np.unique(np.concatenate(drawn), axis=0)) == PAIRS * n


def test_a_table_is_judged_on_what_it_holds_out() -> None:
    rows = few(50)
    evaluator = Evaluator(rows)
    assert evaluator.n == 50 and evaluator.overlap == 1.0
    assert evaluator.live(rows.sample(50, rng(2)))["headline"] < 0.5
    assert evaluator.live(rows.sample(50, rng(2)) + 3)["headline"] > 1
    assert evaluator.test.sizes == (50,)


@pytest.mark.parametrize("decimals", [6, 1, 0])
def test_copies_are_told_from_fair_samples_though_values_repeat(decimals: int) -> None:
    drawn = rng(7)

    def some(n: int) -> Floats:
        return drawn.standard_normal((n, 2)).round(decimals)

    rows = some(400)
    fair = np.mean([Copying(rows, some(300)).share(some(300)) for _ in range(20)])
    assert fair == pytest.approx(0.5, abs=0.03)
    copies = Copying(rows, some(300)).share(rows[drawn.integers(400, size=300)])
    assert copies == 1.0 if decimals == 6 else copies > fair
    assert Copying(rows, some(300)).share(some(300) + 5) < 0.1


@pytest.mark.parametrize("decimals", [(6, 6), (1, 1), (0, 6), (0, 0)])
def test_what_a_generator_blurs_is_told_from_copies_as_far_as_rows_do_not_repeat(decimals: tuple[int, int]) -> None:
    drawn = rng(7)

    def some(n: int) -> Floats:
        return np.column_stack([drawn.standard_normal(n).round(places) for places in decimals])

    def blurred(points: Floats) -> Floats:
        return points + 1e-3 * drawn.standard_normal(points.shape)

    rows = some(400)
    held_out = some(300)
    repeated = (rows[:, None] == held_out).all(axis=2).any(axis=0).mean()
    near = Copying(rows, held_out)
    assert np.mean([near.share(blurred(some(300))) for _ in range(20)]) == pytest.approx(0.5, abs=0.05)
    copies = near.share(blurred(rows[drawn.integers(400, size=300)]))
    assert copies == pytest.approx(1 - repeated / 2, abs=0.05)


# The verdict


def trial_of(real: Floats, fake: Floats, permutations: int = 99) -> Trial:
    found: Trial = []
    for _ in compare(lambda: Mixture(real, fake, 1), found, permutations):
        pass
    return found


@pytest.mark.parametrize("decimals", [6, 0])
def test_real_samples_are_told_apart_as_seldom_as_the_level_says(decimals: int) -> None:
    drawn = rng(8)
    values = [p_value(trial_of(*drawn.standard_normal((2, 60, 2)).round(decimals))) for _ in range(80)]
    assert sum(value <= 0.05 for value in values) <= 10  # 4 are to be expected
    assert sum(value <= LEVEL for value in values) <= 4
    assert sum(value <= 0.5 for value in values) > 20


def test_shift_and_blur_are_told_apart() -> None:
    drawn, line = rng(9), SHAPES["line"]
    real, other = (line.sample(400, drawn).astype(np.float64) for _ in range(2))
    for fake in (other + 0.05 * drawn.standard_normal((400, 2)), other + (0.5, 0.5) * other.std(axis=0)):
        assert told_apart(trial_of(real, fake, PERMUTATIONS))


def test_a_comparison_goes_on_where_it_was_left_off() -> None:
    drawn = rng(10)
    real, fake = drawn.standard_normal((2, 50, 2))
    whole, parts = trial_of(real, fake), list[tuple[float, float]]()
    for _ in range(20):
        next(compare(lambda: Mixture(real, fake, 1), parts, 99), None)
        next(iter(compare(lambda: Mixture(real, fake, 1), parts, 99)), None)
        for _, _ in zip(range(2), compare(lambda: Mixture(real, fake, 1), parts, 99), strict=False):
            pass
    assert parts == whole


def test_a_comparison_that_is_left_off_at_every_moment_comes_to_an_end() -> None:
    """A run's measuring is cut into moments that may be shorter than it takes to mix two large samples."""
    real, fake = rng(11).standard_normal((2, 50, 2))
    parts: list[tuple[float, float]] = []
    for _ in range(99):
        next(compare(lambda: Mixture(real, fake, 1), parts, 99), None)
    assert parts == trial_of(real, fake)


def verdict_of(shape: Shape, blur: float, drawn: np.random.Generator, test: TwoSampleTest) -> str:
    spread = blur * shape.sample(5000, rng(1)).std(axis=0)
    return said(test.deliberate(lambda n: shape.sample(n, drawn) + spread * drawn.standard_normal((n, 2)), {}, "one"))


def said(steps: Generator[None, None, Verdict]) -> str:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return str(end.value)


@pytest.mark.parametrize("name", ["circle", "grid25"])
def test_a_blur_of_a_twentieth_is_always_seen_and_real_points_are_not(name: str) -> None:
    shape, drawn = SHAPES[name], rng(11)
    test = TwoSampleTest(shape, 2014)
    assert [verdict_of(shape, 0.05, drawn, test) for _ in range(3)] == ["told apart"] * 3
    assert verdict_of(shape, 0.0, drawn, test) == "not told apart"


def test_measuring_in_slices_mixes_samples_once_and_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    shape, mixed = SHAPES["circle"], list[int]()
    make = Mixture.__init__

    def counted(mixture: Mixture, real: Floats, fake: Floats, seed: int) -> None:
        mixed.append(len(real))
        make(mixture, real, fake, seed)

    monkeypatch.setattr(Mixture, "__init__", counted)
    whole, parts, at_hand = dict[str, Trial](), dict[str, Trial](), dict[str, Mixed]()
    said(TwoSampleTest(shape, 2014).deliberate(lambda n: shape.sample(n, rng(15)), whole, "one"))
    assert len(mixed) == 9  # the generator's, and eight blurred ones of which the first is permuted
    test = TwoSampleTest(shape, 2014)
    for _ in range(60):
        next(test.deliberate(lambda n: shape.sample(n, rng(15)), parts, "one", at_hand), None)
    assert len(mixed) == 18
    assert parts == whole
    assert not at_hand


def test_of_few_rows_nothing_can_be_said_unless_it_is_plain() -> None:
    rows, drawn = few(50), rng(12)
    test = TwoSampleTest(rows, 2014)
    assert verdict_of(rows, 0.0, drawn, test) == "too few points to say"
    assert verdict_of(rows, 3.0, drawn, test) == "told apart"
    assert verdict_of(few(5), 3.0, drawn, TwoSampleTest(few(5), 2014)) == "too few points to say"


def test_numbers_get_a_verdict_from_their_frequencies() -> None:
    numbers, drawn = RunConfig(shape="multiples-of-5").target.build(), rng(13)
    test = numbers.judge().test
    assert said(test.deliberate(lambda n: numbers.sample(n, drawn), {}, "real")) == "not told apart"
    assert said(test.deliberate(lambda n: int_to_onehot(5 * drawn.integers(0, 19, n)), {}, "one less")) == "told apart"


def test_distances_of_permutations_are_sliced_wasserstein_distances() -> None:
    drawn = rng(14)
    for n, near in ((100, 1e-9), (2000, 0.01)):
        real, fake = drawn.standard_normal((n, 2)), drawn.standard_normal((n, 2)) + 0.2
        expected = sliced_wasserstein(real, fake, LINES)
        assert Mixture(real, fake, 1).observed()[1] == pytest.approx(expected, rel=near)
