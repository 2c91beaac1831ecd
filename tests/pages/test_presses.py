"""Presses that the browser numbers: each is done once, in order, whatever becomes of the script that takes it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from gandash.pages import presses
from gandash.runs.service import RunService
from tests.pages.conftest import OpenPage, run_in_address
from tests.runs.conftest import FakeTraining, ManualEngine, until

Tell = Callable[..., None]


class Ended(BaseException):
    """What Streamlit ends a script with, wherever that asks it for something."""


@pytest.fixture
def tell(monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Have the browser tell presses: `tell((1, "step"), (2, "reset"), run="id", seen=0)`."""
    book = presses.Book("ours")
    monkeypatch.setattr(presses, "book", lambda: book)

    def say(*pressed: tuple[int, str], run: str = "", seen: int = 0, book: str = "ours") -> None:
        listed = [{"book": book, "number": n, "name": name, "run": run, "seen": seen} for n, name in pressed]
        monkeypatch.setattr(presses, "_told", lambda: json.dumps(listed))

    return say


def test_a_press_is_done_once_and_again_only_where_the_script_ended_before_it_was(tell: Tell) -> None:
    done: list[str] = []

    def do(name: str) -> None:
        if name == "epoch" and "ended" not in done:
            done.append("ended")
            raise Ended
        done.append(name)

    tell((1, "step"), (2, "step"), (3, "epoch"), (4, "phase"))
    with pytest.raises(Ended):
        presses.take(lambda: "", do)
    for _ in range(2):
        presses.take(lambda: "", do)
    assert done == ["step", "step", "ended", "epoch", "phase"]
    tell((4, "phase"), (5, "step"))
    presses.take(lambda: "", do)
    assert done[5:] == ["step"]


def test_a_press_is_for_the_run_that_was_seen_and_for_what_presses_before_it_lead_to(tell: Tell) -> None:
    shown, done = ["a"], []

    def do(name: str) -> None:
        done.append((name, shown[0]))
        if name == "reset":
            shown[0] = ""

    tell((1, "step"), (2, "reset"), (3, "phase"), run="a")
    presses.take(lambda: shown[0], do)
    assert done == [("step", "a"), ("reset", "a"), ("phase", "")]
    shown[0] = "b"  # somebody opened another one
    tell((4, "step"), run="a", seen=3)
    presses.take(lambda: shown[0], do)
    tell((4, "step"), (5, "step"), run="b", seen=4)
    presses.take(lambda: shown[0], do)
    assert done[3:] == [("step", "b")]


@pytest.mark.parametrize(
    "told",
    [None, 7, "", "no", "[" * 5_000, "[7, null]", '{"book": 1}', '[{"book": "ours", "number": true}]', "x" * 20_000]
    + [json.dumps([{"book": "ours", "number": 1, "run": "", "seen": 0, "name": name}]) for name in ("fork", 3, "")]
    + [json.dumps([{"book": "theirs", "number": 1, "run": "", "seen": 0, "name": "step"}])],
)
def test_what_is_no_press_of_this_session_is_left_alone(told: Any) -> None:
    assert presses.read(told, "ours") == ()


def test_the_page_does_what_was_pressed_before_it_is_drawn(
    open_page: OpenPage, service: RunService, engine: ManualEngine, training: FakeTraining, tell: Tell
) -> None:
    at = open_page()
    tell((1, "step"), (2, "step"), (3, "step"))
    at.run()
    run_id = run_in_address(at)
    assert run_id is not None and not at.button("step").disabled
    for _ in range(3):
        engine.run_next()
    until(lambda: service.snapshot(run_id).status == "paused")
    assert [budget.steps for budget in training.budgets] == [1, 1, 1]
    threading.Thread(target=lambda: [engine.run_next() for _ in range(2)]).start()  # its figures, then the step
    tell((4, "step"), run=run_id, seen=3)
    at.run()
    assert at.button("train").label == "Resume", "the answer comes first, and the page is drawn for what came of it"
    tell((5, "train"), (6, "epoch"), run=run_id, seen=4)
    at.run()
    assert at.button("train").label == "Pause" and not service.snapshot(run_id).asked, "what is off was not pressed"
    tell((7, "train"), (8, "reset"), (9, "reset"), run=run_id, seen=6)
    at.run()
    assert service.snapshot(run_id).status == "paused" and run_in_address(at) is None
    assert len(service.runs()) == 1 and not at.exception
