"""Data of one's own as a target: which rows are learnt, what the config says of them, and that it behaves as others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gandash import RunConfig, Target
from gandash.core import rows as by_hash
from gandash.core.link import decode, encode
from gandash.core.presets import best
from gandash.core.rows import MissingRowsError
from gandash.core.targets import read_spec
from gandash.core.targets.table import Table, TableSpec, count_held_out


def real_like(n: int = 300, seed: int = 0) -> NDArray[np.float64]:
    """Rounded values with many repeats, as real tables have them: years of age, and pay with a heavy tail."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 67, n).astype(np.float64)
    pay = np.round(np.exp(rng.normal(10 + age / 100, 0.6)), -2) + 100
    return np.column_stack((age, pay))


def table(n: int = 300, **options: Any) -> Table:
    return Target.from_points(real_like(n), **{"name": "pay", "columns": ("age", "pay"), **options})


def as_set(points: NDArray[Any]) -> set[tuple[float, ...]]:
    return set(map(tuple, np.asarray(points, np.float32).tolist()))


def test_training_rows_and_held_out_rows_are_all_rows_and_share_none() -> None:
    points = np.column_stack((np.arange(500.0), np.arange(500.0) ** 2))
    target = Target.from_points(points)
    assert (target.spec.rows, target.spec.held_out, target.finite) == (250, 250, True)
    learnt = target.sample(250, np.random.default_rng(1))
    unseen = target.unseen(10_000, np.random.default_rng(1))
    assert len(as_set(learnt)) == len(as_set(unseen)) == 250, "each once"
    assert as_set(learnt) | as_set(unseen) == as_set(points)
    assert as_set(target.sample(400, np.random.default_rng(2))) <= as_set(learnt), "more than there are: again"
    assert as_set(target.unseen(40, np.random.default_rng(3))) <= as_set(unseen)
    again = Target.from_points(points.copy()).unseen(250, np.random.default_rng(9))
    assert as_set(again) == as_set(unseen), "the content decides, no seed"


def test_rows_are_hashed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A million rows take a tenth of a second each time."""
    hashed: list[int] = []
    hash_of = by_hash.hash_of

    def counted(rows: by_hash.Rows) -> str:
        hashed.append(len(rows))
        return hash_of(rows)

    monkeypatch.setattr(by_hash, "hash_of", counted)
    points = real_like(60)
    target = Target.from_points(points)
    assert hashed == [60] and len(target.all_rows) == 60
    target.spec.take_rows(points)
    assert hashed == [60, 60]


def test_small_tables_hold_out_half_and_large_ones_a_tenth() -> None:
    assert [count_held_out(n) for n in (50, 101, 1999, 5000, 10_000, 50_000)] == [25, 50, 999, 1000, 1000, 5000]


def test_the_config_holds_no_rows_and_survives_json_and_a_link() -> None:
    config = best(table(logarithm=("pay",)).spec)
    text = config.to_json()
    assert len(text) < 4000
    assert RunConfig.from_json(text) == config
    assert decode(encode(config)) == (config, ())
    assert len(encode(config)) < 800
    assert config.shape == f"pay-{config.target.hash[:8]}"  # type: ignore[attr-defined]
    assert RunConfig(target=table()).target == RunConfig(target=table().spec).target == table().spec


@pytest.mark.parametrize("n", [50, 100, 700])
def test_the_points_are_the_training_rows_and_the_batch_is_cut_to_them(n: int) -> None:
    spec = table(n).spec
    for config in (best(spec), RunConfig(target=spec), RunConfig(target=spec, points=20_000, batch_size=4096)):
        assert config.points == spec.rows
        assert config.batch_size <= spec.rows
        assert config.batches_per_epoch >= 1
        assert config.model_copy(update={"seed": 5}).points == spec.rows
        assert decode(encode(config)) == (config, ())
    packed = RunConfig(target=spec, batch_size=4096, packing=4)
    assert packed.batch_size % 4 == 0 and packed.batch_size > spec.rows - 4
    assert RunConfig(target=spec, batch_size=16).batch_size == 16, "what fits stays"


def test_it_learns_standardised_logarithms_and_gives_the_tables_own_units() -> None:
    target = table(logarithm=("pay",))
    learnt = target.output.learnt(target.sample(target.spec.rows, np.random.default_rng(0)))
    np.testing.assert_allclose(learnt.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(learnt.std(axis=0), 1, atol=1e-4)
    np.testing.assert_allclose(target.output.in_units(learnt), target.output.in_units(learnt.astype(np.float32)), 1e-5)
    plain = table().output
    assert plain.exponential == () and target.output.exponential == (1,)
    assert target.spec.model_copy(update={"logarithm": ()}) == table().spec, "the same rows, learnt as they are"


def test_where_the_logarithm_is_learnt_the_picture_shows_it() -> None:
    target = table(logarithm=("pay",))
    canvas, rows = target.canvas, target.sample(500, np.random.default_rng(0))
    places = canvas.project(rows)
    np.testing.assert_allclose(places, np.column_stack((rows[:, 0], np.log10(rows[:, 1]))), rtol=1e-6)
    np.testing.assert_allclose(canvas.samples(places), rows, rtol=1e-4)
    low, high = np.array(canvas.bounds).T
    assert ((places >= low) & (places <= high)).all(axis=1).mean() > 0.97
    assert np.isnan(canvas.project(np.array([[1.0, -1.0]]))[0, 1]), "what has no logarithm has no place"
    assert table().canvas.log == () and table().canvas.bounds[0] == canvas.bounds[0]
    moved = rows[:1] * [1.0, 1.0 + 1e-6]  # a loss that falls by 1 a unit of pay falls faster by a decade of it
    (pull,) = canvas.pulls(rows[:1].astype(float), np.array([[0.0, 1.0]]))
    apart = canvas.project(moved) - canvas.project(rows[:1].astype(float))
    assert pull[1] * apart[0, 1] == pytest.approx(moved[0, 1] - rows[0, 1], rel=1e-3)


def test_names_out_of_a_file_are_shown_as_one_line_and_quoted_in_csv() -> None:
    target = table(name='<b>a\n"b', columns=("x, really\t", 'say "y"'))
    assert target.title == '<b>a "b'
    assert target.columns == ("x, really", 'say "y"')
    assert target.name.startswith("b-a-b-") and target.name.replace("-", "").isalnum()
    assert target.csv(np.array([[1.5, 2]])) == b'"x, really","say ""y"""\n1.5,2\n'
    (low, high), (bottom, top) = target.canvas.bounds
    assert low < 19 and high > 65 and bottom < 15_000 < 60_000 < top


BAD: dict[str, tuple[Any, str]] = {
    "text": ([["a", "b"]] * 60, "give numbers"),
    "objects": (np.array([[None, 1]] * 60), "give numbers"),
    "one column": (np.zeros((60, 1)), "two columns"),
    "flat": (np.zeros(60), "two columns"),
    "three columns": (np.zeros((60, 3)), "two columns"),
    "ragged": ([[1, 2], [3]], "no array"),
    "too few": (np.zeros((49, 2)), "give 50 to 1,000,000"),
    "too many": (np.zeros((1_000_001, 2), np.int8), "give 50 to 1,000,000"),
    "missing": (np.where(np.eye(60, 2) > 0, np.nan, 1.0), "missing or infinite"),
    "infinite": (np.where(np.eye(60, 2) > 0, np.inf, 1.0), "missing or infinite"),
    "constant": (np.column_stack((np.arange(60), np.ones(60))), "nothing to learn"),
    "huge": (np.column_stack((np.arange(60), np.arange(60) * 1e20)), "too large"),
    "fine": (np.column_stack((np.arange(60), 1e9 + np.arange(60))), "subtract a constant"),
    "complex": (np.ones((60, 2)) * 1j, "give numbers"),
}


@pytest.mark.parametrize("name", BAD)
def test_arrays_from_which_nothing_can_be_learnt_are_refused_in_words(name: str) -> None:
    points, words = BAD[name]
    with pytest.raises(ValueError, match=words) as caught:
        Target.from_points(points)
    assert len(str(caught.value)) < 2000


def test_a_logarithm_of_what_is_not_above_0_is_refused() -> None:
    points = real_like() - [40, 0]
    with pytest.raises(ValueError, match="not above 0"):
        Target.from_points(points, columns=("age", "pay"), logarithm=("age",))
    with pytest.raises(ValueError, match="'wage' was asked for"):
        Target.from_points(points, columns=("age", "pay"), logarithm=("wage",))


def test_rows_that_are_not_here_are_told_and_a_damaged_file_is_none(tmp_path: Any) -> None:
    rows = real_like(seed=77)
    spec = TableSpec.of(rows, name="pay")
    target = spec.make()
    with pytest.raises(MissingRowsError, match=f"the table pay \\({spec.hash}\\) are not on this machine"):
        target.sample(10, np.random.default_rng(0))
    by_hash.look_in(tmp_path)
    path = by_hash.keep(spec.hash, tmp_path, rows)
    whole = path.read_bytes()
    path.write_bytes(whole[:-8] + b"\0" * 8)
    with pytest.raises(MissingRowsError):
        target.sample(10, np.random.default_rng(0))
    path.write_bytes(whole)
    assert as_set(target.sample(spec.rows, np.random.default_rng(0))) <= as_set(rows)


@pytest.mark.parametrize(
    "changes",
    [
        {"hash": "../../etc/passwd"},
        {"hash": "A" * 32},
        {"rows": 3},
        {"columns": ["a", "a"]},
        {"logarithm": [2]},
        {"logarithm": [0]},
        {"spread": [{"low": 1, "high": 1, "mean": 0, "std": 1}] * 2},
        {"spread": [{"low": 0, "high": 1, "mean": 0, "std": 0}] * 2},
        {"more": 1},
    ],
)
def test_a_spec_that_somebody_changed_is_refused_in_words(changes: dict[str, Any]) -> None:
    spec = Target.from_points(real_like() - [40, 0]).spec
    with pytest.raises(ValueError, match=r"[a-z]") as caught:
        read_spec({**spec.model_dump(mode="json"), **changes})
    assert len(str(caught.value)) < 600
    with pytest.raises(ValueError, match="the set-up was changed"):
        read_spec({**spec.model_dump(mode="json"), "rows": spec.rows + 1}).build().sample(1, np.random.default_rng(0))
