"""Can anybody tell generated from real points? A two-sample test, and how much it would see.

Labels are permuted, so no assumption is made of the data, and ties do no harm. Two statistics are taken of the same
permutations: how often one nearest neighbour tells right (`Neighbours`), which sees blur, and the sliced Wasserstein
distance, which sees shift and weight. The smaller of their p-values counts, calibrated on those permutations (Westfall
& Young 1993, section 2.6). NumPy and SciPy, no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, MutableMapping, Sequence
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Protocol

import numpy as np

from gandash.core.judge import Floats, Labels, Neighbours, Points, judged, spread_of
from gandash.core.records import Verdict
from gandash.core.sliced import directions

if TYPE_CHECKING:
    from gandash.core.targets import Target

Trial = list[tuple[float, float]]
"""Accuracy and distance: of a comparison first as it is, then of each permutation."""

LEVEL = 0.01
"""Share of comparisons of real with real samples that may be told apart: so seldom that 6 of 100 hardly ever are."""
PERMUTATIONS = 399
SIZES = (2000, 8000, 20000)
"""How many points of each kind are compared, where there are so many: the first number of these that is enough."""
BLUR = 0.05
"""Standard deviation, as a share of that of the real points, of a blur that has to be seen for points to be enough."""
BLURRED, BLURRED_PERMUTATIONS = 8, 199
SURE = 1.2816
"""The ninth decile of a Gaussian in standard deviations: what is so far beyond a threshold is seen 9 times in 10."""
FEWEST = 10
"""Points without which nothing can be said."""
LINES = 16
BINS = 256
PIECE = 25
"""Permutations between two moments at which a comparison may be interrupted."""


class Mixture:
    """A real and a generated sample ``(n, dim)`` of one size in scaled units, mixed."""

    def __init__(self, real: Points, fake: Points, seed: int) -> None:
        self._seed = seed
        rng = np.random.default_rng(seed)
        self._given: Labels = np.repeat((True, False), (len(real), len(fake)))
        order = rng.permutation(len(self._given))  # what is tied lies in an order that knows no labels
        points = np.concatenate((real, fake), dtype=np.float64)[order]
        self._given = self._given[order]
        self._neighbours = Neighbours(points)
        lines = points @ directions(points.shape[1], LINES).T.astype(np.float64)
        places = np.argsort(lines, axis=0)
        self._order = np.ascontiguousarray(places.T)
        starts = np.unique(np.linspace(0, len(points), min(BINS, len(points)), endpoint=False).astype(np.intp))
        last = np.append(starts[1:], len(points)) - 1
        ends = np.take_along_axis(lines, places[last], axis=0)
        self._starts = starts
        self._widths: Floats = np.diff(ends, axis=0).T / (LINES * len(real))

    def observed(self) -> tuple[float, float]:
        """Accuracy of one neighbour, and distance."""
        return self._statistics(self._given)

    def permuted(self, index: int) -> tuple[float, float]:
        """The same with labels permuted; the index alone decides how."""
        return self._statistics(np.random.default_rng((self._seed, index)).permutation(self._given))

    def _statistics(self, real: Labels) -> tuple[float, float]:
        signs = np.where(real, 1, -1).astype(np.int8)
        sums = np.add.reduceat(signs.take(self._order), self._starts, axis=1, dtype=np.int32)
        ahead = np.abs(np.cumsum(sums, axis=1)[:, :-1])
        return self._neighbours.accuracy(real), float((ahead * self._widths).sum())


class Mixed(Protocol):
    """Two samples of one size, mixed, and the statistics of their labels."""

    def observed(self) -> tuple[float, float]:
        """Of the labels as they are."""

    def permuted(self, index: int) -> tuple[float, float]:
        """Of permuted labels; the index alone decides how."""


def compare(mix: Callable[[], Mixed], trial: Trial, permutations: int = PERMUTATIONS) -> Iterator[None]:
    """Fill a trial of two samples, from where it stands; a moment's work lies between two yields.

    Each moment adds to the trial: who stops at every yield and begins anew from the trial comes to an end, too.
    """
    if len(trial) > permutations:
        return
    mixture = mix()
    if not trial:
        trial.append(mixture.observed())
        yield
    while len(trial) <= permutations:
        for index in range(len(trial), min(len(trial) + PIECE, permutations + 1)):
            trial.append(mixture.permuted(index))
        yield


def p_value(trial: Trial) -> float:
    """How seldom labels without meaning are told apart as well as these, the observed ones being the first."""
    statistics = np.array(trial)
    shares = np.stack([_shares_above(column) for column in statistics.T]).min(axis=0)
    return float((shares <= shares[0]).mean())


def _shares_above(values: Floats) -> Floats:
    """For each value the share of all that are as high or higher."""
    return 1 - np.searchsorted(np.sort(values), values, side="left") / len(values)


def told_apart(trial: Trial) -> bool:
    """Whether what was compared differs."""
    return p_value(trial) <= LEVEL


def enough(blurred: Sequence[tuple[float, float]], permuted: Trial) -> bool:
    """Whether blurred samples are told apart 9 times in 10, by what either statistic says of them and by chance.

    The highest of 199 permutations is what either has to exceed for half the level.
    """
    return any(
        fmean(those) - SURE * stdev(those) > max(chance)
        for those, chance in zip(zip(*blurred, strict=True), zip(*permuted, strict=True), strict=True)
    )


class TwoSampleTest:
    """Tells what a target's generators are: told apart, not told apart, or compared on too few points to say.

    Enough are as many as tell real points blurred by 5 % of their spread 9 times in 10. A table has what it holds out.
    """

    def __init__(self, target: Target, seed: int) -> None:
        self._target, self._seed = target, seed
        self._real: dict[int, Points] = {}
        self._seeing: dict[int, bool] = {}
        real = target.unseen(SIZES[-1], self._rng(0))
        most = len(real)
        self.sizes = (*(size for size in SIZES if size < most), most)
        self._scale = spread_of(judged(target, real))

    def deliberate(
        self,
        generate: Callable[[int], Points],
        trials: MutableMapping[str, Trial],
        name: str,
        at_hand: MutableMapping[str, Mixed] | None = None,
    ) -> Generator[None, None, Verdict]:
        """Compare what `generate` makes, so many points ``(n, dim)``; a moment's work lies between two yields.

        What there is so far is in `trials`, for anybody to go on from: that of the generator under its name, and what
        is the same for all of them. Who stops and goes on with the same generator hands over `at_hand` as well, where
        the samples that are being compared stay mixed until they have been.
        """
        at_hand = {} if at_hand is None else at_hand
        if self.sizes[-1] < FEWEST:
            return "too few points to say"
        if not (yield from self._compare(generate, self.sizes[0], trials, name, at_hand)):
            return "told apart"
        first = trials[f"{name} {self.sizes[0]}"]
        if p_value(first) <= 1 / (PERMUTATIONS + 1):  # as plain as can be: no more points are needed
            return "told apart"
        size, sees = self.sizes[0], False
        for size in self.sizes:
            sees = yield from self._sees(size, trials, at_hand)
            if sees:
                break
        if not (yield from self._compare(generate, size, trials, name, at_hand)):
            return "told apart"
        if told_apart(trials[f"{name} {size}"]):
            return "told apart"
        return "not told apart" if sees else "too few points to say"

    def mixed(self, real: Points, fake: Points) -> Mixed:
        """A real and a generated sample of one size, mixed, all axes counting alike."""
        first, second = (judged(self._target, each) / self._scale for each in (real, fake))
        return Mixture(first, second, self._seed)

    def blurred(self, points: Points, rng: np.random.Generator) -> Points:
        """Real points with what has to be seen done to them."""
        noise = BLUR * self._scale * rng.standard_normal(points.shape)
        blurred: Points = points + noise
        if self._target.output is not None:  # where logarithms are compared, those are blurred
            axes = list(self._target.output.exponential)
            blurred[:, axes] = points[:, axes] * np.exp(noise[:, axes])
        return blurred

    def _compare(
        self,
        generate: Callable[[int], Points],
        size: int,
        trials: MutableMapping[str, Trial],
        name: str,
        at_hand: MutableMapping[str, Mixed],
    ) -> Generator[None, None, bool]:
        """Compare so many points; False if there is one that is not finite."""
        key = f"{name} {size}"
        trial = trials.setdefault(key, [])
        if len(trial) > PERMUTATIONS:
            at_hand.pop(key, None)
            return True
        if key not in at_hand:
            points = generate(size)
            if not np.isfinite(points).all():
                return False
            if size not in self._real:
                self._real[size] = self._target.unseen(size, self._rng(1, size))
            at_hand[key] = self.mixed(self._real[size], points)
        yield from compare(lambda: at_hand[key], trial)
        del at_hand[key]
        return True

    def _sees(
        self, size: int, trials: MutableMapping[str, Trial], at_hand: MutableMapping[str, Mixed]
    ) -> Generator[None, None, bool]:
        """Whether so many points are enough."""
        if size in self._seeing:
            return self._seeing[size]
        key = f"permuted {size}"
        blurred, permuted = trials.setdefault(f"blurred {size}", []), trials.setdefault(key, [])
        while len(blurred) < BLURRED:
            mixture = self._blurred(size, len(blurred))
            if not blurred:  # the one that is permuted afterwards
                at_hand[key] = mixture
            blurred.append(mixture.observed())
            yield
        if key not in at_hand and len(permuted) <= BLURRED_PERMUTATIONS:
            at_hand[key] = self._blurred(size, 0)
        yield from compare(lambda: at_hand[key], permuted, BLURRED_PERMUTATIONS)
        at_hand.pop(key, None)
        self._seeing[size] = enough(blurred, permuted[1:])
        return self._seeing[size]

    def _blurred(self, size: int, index: int) -> Mixed:
        """A real sample, and another one that is blurred."""
        rng = self._rng(2, size, index)
        real, other = self._target.unseen(size, rng), self._target.sample(size, rng)
        return self.mixed(real, self.blurred(other, rng))

    def _rng(self, *numbers: int) -> np.random.Generator:
        return np.random.default_rng((self._seed, 3, *numbers))
