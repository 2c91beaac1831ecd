"""Wishes: held for a minute, taken away or answered by the server that obeys, whatever else lies in the folder."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from gandash.runs.wishes import FOLDER, Wish, Wishes


@pytest.fixture
def wishes(tmp_path: Path) -> Wishes:
    return Wishes(tmp_path)


def make(wishes: Wishes, *wished: tuple[str, Wish]) -> None:
    """One after the other, as clocks of files may tell no smaller differences."""
    for age, (run_id, wish) in enumerate(reversed(wished)):
        wishes.make(run_id, wish)
        os.utime(wishes._file(run_id, wish), (time.time() - age, time.time() - age))


def test_a_wish_holds_until_it_is_granted(wishes: Wishes) -> None:
    assert wishes.pending() == []
    make(wishes, ("b", "stop"), ("a", "delete"), ("b", "delete"))
    assert wishes.pending() == [("b", "stop"), ("a", "delete"), ("b", "delete")]
    assert wishes.answer("b", "stop") is None
    for _ in range(2):
        wishes.grant("b", "stop")
    assert wishes.answer("b", "stop") == ""
    assert wishes.pending() == [("a", "delete"), ("b", "delete")]


def test_a_wish_that_cannot_be_granted_has_an_answer_and_is_not_tried_again(wishes: Wishes) -> None:
    wishes.make("a", "stop")
    wishes.refuse("a", "stop", "There is no such run.")
    assert wishes.answer("a", "stop") == "There is no such run." and wishes.pending() == []
    wishes.make("a", "stop")
    assert wishes.answer("a", "stop") is None and wishes.pending() == [("a", "stop")], "it is wished again"


def test_a_wish_holds_for_a_minute(wishes: Wishes) -> None:
    wishes.make("a", "stop")
    assert wishes.pending(time.time() + 50) == [("a", "stop")]
    assert wishes.pending(time.time() + 62) == []
    assert wishes.pending() == [], "it is forgotten"


@pytest.mark.parametrize("run_id", ["a.b", "../../etc", "a/b", "\x1b[2J", "ümläut", "", " "])
def test_any_id_is_one_file_in_the_folder(wishes: Wishes, tmp_path: Path, run_id: str) -> None:
    wishes.make(run_id, "stop")
    assert [path.parent for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / FOLDER]
    assert wishes.pending() == [(run_id, "stop")]


def test_what_else_lies_there_is_no_wish(wishes: Wishes, tmp_path: Path) -> None:
    wishes.make("a", "stop")
    for name in ("train.a", "stop", ".stop", "README.md"):
        (tmp_path / FOLDER / name).touch()
    assert wishes.pending() == [("a", "stop")]
