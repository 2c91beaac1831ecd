"""Files that wait for a choice, and for how long."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

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
    put(incoming)
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
