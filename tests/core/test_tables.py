"""Tables out of files: what is read right, what is refused in words, and that neither takes long nor much room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gandash.core import rows as by_hash
from gandash.core import tables
from gandash.core.tables.drawing import draw
from gandash.core.tables.source import Batch

X = np.round(np.random.default_rng(0).normal(5, 2, 120), 3)
Y = np.round(np.exp(np.random.default_rng(1).normal(3, 1.5, 120)), 2)
LINES = "".join(f"{x},{y}\n" for x, y in zip(X, Y, strict=True))


def written(folder: Path, data: bytes | str, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_a_table_is_looked_at_and_two_of_its_columns_are_kept(tmp_path: Path) -> None:
    path = written(tmp_path, f"width,height\n{LINES}NA,3\n4,inf\n1,2,3\n", "Leaves 2024.csv")
    table = tables.read(path)
    assert (table.name, table.rows, table.broken, table.numeric) == ("Leaves 2024", 123, 1, ("width", "height"))
    assert [column.missing for column in table.columns] == [1, 1]
    assert [column.heavy for column in table.columns] == [False, True], "the second is better learnt as its logarithm"
    assert table.preview[0] == (str(X[0]), str(Y[0]))
    taken = tables.take(path, "width", "height", tmp_path / "data", logarithm=(1,))
    assert taken.notices == ("3 rows of 123 without a finite number in width or height: left out.",)
    spec = taken.spec
    assert (spec.name, spec.columns, spec.rows, spec.held_out) == ("Leaves 2024", ("width", "height"), 60, 60)
    assert tables.take(path, "width", "height", tmp_path / "data").spec == spec.model_copy(update={"logarithm": ()})
    kept = np.load(by_hash.path_of(tmp_path / "data", spec.hash))
    np.testing.assert_array_equal(kept, np.column_stack((X, Y)))
    turned = tables.points(path, "height", "width")
    np.testing.assert_array_equal(turned.rows, np.column_stack((Y, X)))


def test_numbers_far_out_and_rows_that_repeat_are_told_of(tmp_path: Path) -> None:
    far = written(tmp_path, f"width,height\n{LINES}-5000,3\n")
    (notice,) = tables.points(far, "width", "height").notices
    assert notice.startswith("'width' has numbers far out, such as -5000, where 8 in 10 lie between ")
    assert not tables.points(written(tmp_path, f"width,height\n{LINES}-15,3\n"), "width", "height").notices
    counts = "".join(f"{i % 4},{i % 5}\n" for i in range(120))
    (notice,) = tables.take(written(tmp_path, f"a,b\n{counts}"), "a", "b", tmp_path / "data").notices
    assert notice.startswith("Of 120 rows only 20 differ.")
    assert not tables.points(written(tmp_path, f"a,b\n{counts}{LINES}"), "a", "b").notices, "most of half differ"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (LINES, "utf-8"),
        (f"a,b\n{LINES}", "utf-8"),
        (f"\ufeffa,b\n{LINES}", "utf-8"),
        (f"größe,höhe\n{LINES}", "latin-1"),
        (f"größe,höhe\n{LINES}", "utf-16"),
        (f"a,b\n{LINES}", "utf-16-le"),
        (f"a,b\n{LINES}", "utf-16-be"),
        (f"a,b\n{LINES}".replace("\n", "\r\n"), "utf-8"),
        (f"a,b\n{LINES}".replace("\n", "\r"), "utf-8"),
        (f"a,b\n{LINES}".replace(",", "\t"), "utf-8"),
        (f"a,b\n{LINES}".replace(",", "|"), "utf-8"),
        (f"a,b\n{LINES}".replace(",", " "), "utf-8"),
        (f"a;b\n{LINES}".replace(",", ";"), "utf-8"),
        (f"a;b\n{LINES}".replace(",", ";").replace(".", ","), "utf-8"),
        (f"sep=;\na;b\n{LINES}".replace(",", ";").replace(".", ","), "utf-8"),
        (f"# a remark, with a comma\n\na,b\n{LINES}", "utf-8"),
        ('"a, 1","b"\n' + LINES.replace(",", '","').replace("\n", '"\n"').removesuffix('"').join(('"', "")), "utf-8"),
        ("name;a;b\n" + "".join(f"1,5 kg;{x};{y}\n" for x, y in zip(X, Y, strict=True)).replace(".", ","), "utf-8"),
        ("note,a,b\n" + "".join(f'"a;b\n""c""",{x},{y}\n' for x, y in zip(X, Y, strict=True)), "utf-8"),
        ("a,b\n" + "".join(f"+{x:.3f},{y}\n" for x, y in zip(X, Y, strict=True)).replace("+-", "\u2212"), "utf-8"),
        ("a,b,c\n" + "".join(f'{x},"{y:,.2f}",\n' for x, y in zip(X, Y, strict=True)), "utf-8"),
        ("a;b\n" + "".join(f"{x};{y:,.2f}\n" for x, y in zip(X, Y, strict=True)).translate({44: 46, 46: 44}), "utf-8"),
    ],
)
def test_what_people_write_is_read_and_not_refused(text: str, encoding: str, tmp_path: Path) -> None:
    path = written(tmp_path, text.encode(encoding))
    numeric = tables.read(path).numeric
    found = tables.points(path, *numeric[:2])
    assert np.abs(found.rows / np.column_stack((X, Y)) - 1).max() < 1e-12
    assert found.left_out == 0


def test_of_too_many_rows_some_are_drawn_by_the_content_alone(tmp_path: Path) -> None:
    path = written(tmp_path, f"a,b\n{LINES}")
    found = tables.points(path, "a", "b", most_rows=70)
    assert found.notices == ("70 of 120 rows are used, drawn at random and the same each time.",)
    assert tables.read(path, most_rows=70).notices == found.notices
    everything = list(map(tuple, np.column_stack((X, Y)).tolist()))
    places = [everything.index(tuple(row)) for row in found.rows.tolist()]
    assert len(set(places)) == 70 and places == sorted(places), "each once, in their order"
    assert max(places) > 100 and min(places) < 20, "from everywhere"
    np.testing.assert_array_equal(tables.points(path, "a", "b", most_rows=70).rows, found.rows)
    other = tables.points(written(tmp_path, f"a,b\n{LINES}\n", "other.csv"), "a", "b", most_rows=70)
    assert not np.array_equal(other.rows, found.rows), "other bytes, other rows"


def test_a_long_stream_is_drawn_from_evenly_in_little_room() -> None:
    def batches() -> Iterator[Batch]:
        for start in range(0, 100_000, 1000):
            values = np.arange(start, start + 1000.0)
            yield Batch((values, np.where(values % 4 == 0, np.nan, values)), 1, 1001)

    found = draw(batches(), 5000, seed=3)
    assert (len(found.rows), found.total, found.left_out) == (5000, 100_100, 25_100)
    assert np.abs(np.quantile(found.rows[:, 0], (0.25, 0.5, 0.75)) / 100_000 - (0.25, 0.5, 0.75)).max() < 0.03
    assert (np.diff(found.rows[:, 0]) > 0).all()
