"""Files that wait for a choice, and for how long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gandash.core.targets import read_spec
from gandash.core.targets.table import TableSpec
from gandash.runs import reading
from gandash.runs.incoming import BROKEN_SECONDS, KEPT_SECONDS, MOST_AT_ONCE, Incoming, Quota, RefusedError

ANNA, BEN = "a" * 64, "b" * 64


def put(incoming: Incoming, owner: str = ANNA, data: bytes = b"1,2") -> str:
    with incoming.take(owner, len(data)) as arrival:
        arrival.write(data)
        arrival.finish()
    return arrival.upload_id


def test_what_waits_too_long_or_was_broken_off_goes_when_another_file_comes(tmp_path: Path) -> None:

    ahead = 0.0
    incoming = Incoming(tmp_path, clock=lambda: time.time() + ahead)
    old = put(incoming)
    part = incoming.find(ANNA, old).with_name("left.part")
    part.write_bytes(b"1")
    incoming.kept(BEN, "ab" * 16)
    ahead = BROKEN_SECONDS + 5
    Incoming(tmp_path, clock=lambda: time.time() + ahead)  # as a server begins
    assert not part.exists() and incoming.find(ANNA, old)
    assert not (tmp_path / "incoming" / BEN).exists(), "the mark of rows that are gone goes too"
    ahead = KEPT_SECONDS + 5
    put(incoming, BEN)
    with pytest.raises(RefusedError, match="no longer here"):
        incoming.find(ANNA, old)


def test_a_file_counts_as_announced_while_it_comes_and_few_come_at_once(tmp_path: Path) -> None:
    incoming = Incoming(tmp_path, Quota(100, 250, 1000))
    with incoming.take(ANNA, 100), incoming.take(ANNA, 100):
        assert incoming.used(ANNA) == 200
        with pytest.raises(RefusedError, match="Your data takes"), incoming.take(ANNA, 80):
            pass
        with incoming.take(ANNA, None) as arrival:
            assert MOST_AT_ONCE == 3
            with pytest.raises(RefusedError, match="already"), incoming.take(ANNA, 1):
                pass
            arrival.write(b"x" * 50)
            with pytest.raises(RefusedError, match="Your data takes"):
                arrival.write(b"x")
    assert incoming.used() == 0


def test_a_disk_that_takes_nothing_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "incoming").write_text("a file in the way")
    with pytest.raises(RefusedError, match="The server cannot keep the file") as error:
        put(Incoming(tmp_path))
    assert error.value.status == 507


@pytest.mark.parametrize(
    ("names", "numeric", "found"),
    [
        (["a", "b", "c"], [True, True, True], (0, 1)),
        (["id", "name", "y", "x"], [True, False, True, True], (3, 2)),
        (["Index", "a"], [True, True], (1, 0)),
        (["a", "id", "b"], [True, True, True], (0, 2)),
    ],
)
def test_the_first_choice_is_sensible(names: list[str], numeric: list[bool], found: tuple[int, int]) -> None:
    assert reading.sensible(names, numeric) == found


def test_what_takes_too_long_is_broken_off_in_words() -> None:
    with pytest.raises(ValueError, match=r"longer than 0\.05 s: take fewer rows"), reading.within(0.05):
        time.sleep(10)
    time.sleep(0.06)  # nothing rings afterwards


def test_a_file_is_read_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("id,v,w\n" + "".join(f"{i},{i / 7},{2.0 ** (i % 30)}\n" for i in range(200)) + "200,,1\n")
    said = reading.read(str(file), "<b>.csv")
    assert said["choice"] == (1, 2) and [each["numeric"] for each in said["columns"]] == [True] * 3
    assert said["columns"][2]["heavy"] and said["preview"][1] == ("1", "0.14285714285714285", "2.0")
    kept = reading.keep(str(file), str(tmp_path / "data"), reading.Choice("<b>.csv", "v", "w", (1,)))
    spec = read_spec(kept.target)
    assert isinstance(spec, TableSpec) and (spec.name, spec.columns, spec.logarithm) == ("<b>", ("v", "w"), (1,))
    assert (tmp_path / "data" / f"{kept.hash}.npy").exists() and "1 row of 201" in kept.notices[0]
    with pytest.raises(ValueError, match="no column 'q'"):
        reading.keep(str(file), str(tmp_path / "data"), reading.Choice("f", "q", "w"))
