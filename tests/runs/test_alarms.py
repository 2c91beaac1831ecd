"""The alarm clock of runs."""

from __future__ import annotations

import threading
import time

import pytest

from gandash.runs.alarms import Alarms

from .conftest import until


def test_alarms_ring_in_time_and_the_newest_of_a_name_counts() -> None:
    rung: list[tuple[str, float]] = []
    alarms = Alarms(lambda name: rung.append((name, time.monotonic())))
    start = time.monotonic()
    alarms.set("slow", 1.0)  # far enough apart that no busy machine changes their order
    alarms.set("quick", 0.05)
    alarms.set("put off", 0.3)
    alarms.set("put off", 0.5)
    until(lambda: len(rung) == 3)
    assert [name for name, _ in rung] == ["quick", "put off", "slow"]
    for (_, at), seconds in zip(rung, (0.05, 0.5, 1.0), strict=True):
        assert at - start >= seconds
    alarms.close()


def test_what_goes_wrong_silences_no_other_and_a_closed_clock_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    rung = threading.Event()

    def ring(name: str) -> None:
        if name == "bad":
            raise OSError("it went wrong")
        rung.set()

    alarms = Alarms(ring)
    alarms.set("bad", 0.0)
    alarms.set("good", 0.01)
    assert rung.wait(5) and "bad" in caplog.text
    rung.clear()
    alarms.set("good", 0.05)
    alarms.close()
    alarms.set("good", 0.0)
    assert not rung.wait(0.2)
