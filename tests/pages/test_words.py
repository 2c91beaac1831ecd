"""A run in words: what everybody who watches is told of it, and that none of it is markup."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gandash.core import health
from gandash.core.config import RunConfig
from gandash.core.records import Appraisal, EpochRecord
from gandash.core.targets.shapes import SHAPES
from gandash.pages import wording, words
from gandash.runs.snapshot import Frame, History, Snapshot, Status
from tests.pages.hostile import HOSTILE


def snapshot(status: Status = Status.RUNNING, epochs: int = 40, **changes: object) -> Snapshot:
    config = RunConfig()
    real = config.target.build().sample(1000, np.random.default_rng(0))
    metrics = {"headline": 20.0, "mse": 3.0, "x_coverage": 0.5}
    history = History().extended([EpochRecord(e, 1.0, 1.0, 0.7, 0.4, metrics) for e in range(1, epochs + 1)])
    run = Snapshot(
        "a",
        3,
        config,
        status,
        datetime.now(UTC),
        epoch=epochs,
        progress=epochs / config.epochs,
        frames=(Frame(epochs, epochs / config.epochs, real),),
        history=history,
        variants=("latest",),
    )
    return replace(run, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", list(Status))
def test_every_state_is_told_and_json_can_hold_it(status: Status) -> None:
    told = words.describe(snapshot(status))
    assert json.loads(json.dumps(told)) == told
    assert told["status"]["label"] == wording.LOOKS[status].label
    assert told["progress"] == "Epoch 40 of 10,000"
    assert told["sentence"].startswith(told["told"])
    assert told["announce"].startswith(f"Exponential growth: {wording.LOOKS[status].label}")
    assert len(told["tiles"]) == 5 and told["qualities"] == ["Latest (as shown): not measured yet"]
    assert told.keys() == words.before(SHAPES["circle"], True).keys()


def test_the_state_that_is_announced_stays_the_same_while_a_run_trains() -> None:
    assert len({words.describe(snapshot(epochs=epochs))["announce"] for epochs in (1, 2, 40)}) == 1
    assert "at epoch 7." in words.describe(snapshot(Status.PAUSED, 7))["announce"]


def test_what_to_press_is_told_apart_from_what_happens() -> None:
    told = words.describe(snapshot(Status.PAUSED))
    assert "Resume" in told["sentence"] and "Resume" not in told["told"]
    running = words.describe(snapshot())
    assert running["sentence"] == running["told"] != ""


@pytest.mark.parametrize(
    ("status", "told", "advice", "message"),
    [
        (
            Status.FINISHED,
            "All 7 epochs are done. None of its points lies where real ones do.",
            "Train on, or start a new run with smaller learning rates.",
            "All 7 epochs are done. None of its points lies where real ones do: train on, or start a new run with "
            "smaller learning rates.",
        ),
        (
            Status.STOPPED_EARLY,
            "The generator has collapsed: all its points lie in one spot, near (1, 2).",
            "Start a new run with smaller learning rates, or with another objective.",
            "The generator has collapsed: all its points lie in one spot, near (1, 2). Start a new run with smaller "
            "learning rates, or with another objective.",
        ),
        (
            Status.DIVERGED,
            "The generator of epoch 6 is kept.",
            "Start a new run with smaller learning rates.",
            "The generator of epoch 6 is kept. Start a new run with smaller learning rates.",
        ),
    ],
)
def test_viewers_are_not_told_what_to_try_instead(status: Status, told: str, advice: str, message: str) -> None:
    words_ = words.describe(snapshot(status, message=message))
    assert (words_["told"], words_["sentence"]) == (told, f"{told} {advice}")


def test_nobody_is_sent_to_download_a_generator_that_is_no_good() -> None:
    """Nor told the same thing twice."""
    failing = "All 7 epochs are done. None of its points lies where real ones do: train on."
    told = words.describe(snapshot(Status.FINISHED, message=failing))
    assert told["sentence"] == told["told"] == failing
    far = Frame(7, 0.5, np.full((9, 2), 1e9, np.float32))
    told = words.describe(snapshot(Status.FINISHED, message="All 7 epochs are done.", frames=(far,)))
    assert "Download" not in told["sentence"] and told["sentence"].endswith("press Train.")
    assert "Download" in words.describe(snapshot(Status.FINISHED, message="All 7 epochs are done."))["sentence"]


def test_a_run_that_cannot_be_saved_says_so_for_as_long_as_it_is_so() -> None:
    for status in (Status.RUNNING, Status.PAUSED, Status.FINISHED):
        told = words.describe(snapshot(status, unsaved="It is not saved: the disk is full."))
        assert told["warning"] == "Not saved" and told["sentence"].startswith("It is not saved: the disk is full.")
        assert "not saved" in told["announce"]
        calm = words.describe(snapshot(status))
        assert calm["warning"] == "" and "saved" not in calm["sentence"] + calm["announce"]


def test_a_run_that_waits_tells_its_place() -> None:
    told = words.describe(snapshot(Status.WAITING, place=3))
    assert "number 3 in the queue" in told["told"]
    assert "queue" not in words.describe(snapshot(Status.WAITING))["told"]


def test_before_a_run_the_words_are_those_of_the_shape() -> None:
    told = words.before(SHAPES["ring8"], False)
    assert "warming up" in told["sentence"] and SHAPES["ring8"].title in told["label"]
    assert [tile["label"] for tile in told["tiles"]][1:3] == ["Modes", "High quality"]
    assert {tile["value"] for tile in told["tiles"][:3]} == {"–"}
    assert told["status"]["label"] == told["announce"] == "Ready"
    wrong = words.before(SHAPES["ring8"], True, "Draw a line.")
    assert (wrong["told"], wrong["status"]["label"], wrong["announce"]) == ("Draw a line.", "Not ready", "Not ready")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_message_is_told_as_it_is(text: str) -> None:
    told = words.describe(snapshot(Status.FAILED, message=text))
    assert told["told"] == wording.line(text) and "\n" not in told["told"]


@pytest.mark.parametrize(
    ("status", "message", "begins"),
    [
        (Status.FAILED, "The work was lost (KeyError). Press Resume to try again.", "The work was lost (KeyError)."),
        (Status.PAUSED, "The server stopped; press Resume to go on from epoch 7.", "The server stopped."),
    ],
)
def test_what_its_owner_may_press_is_not_told_to_those_who_watch(status: Status, message: str, begins: str) -> None:
    told = words.describe(snapshot(status, message=message))
    assert told["told"].startswith(begins) and "Resume" not in told["told"] + told["announce"]
    assert told["sentence"].count("Resume") == 1


def test_what_to_try_after_a_divergence_is_told_once() -> None:
    message = "The run diverged in epoch 3. Start a new run with smaller learning rates than 1."
    told = words.describe(snapshot(Status.DIVERGED, message=message))
    assert told["sentence"] == message and told["told"] == "The run diverged in epoch 3."


def test_figures_of_a_generator_follow_its_appraisal() -> None:
    found = Appraisal("latest", 40, 0.004, {"headline": 2.0}, 0.5)
    told = words.describe(snapshot(Status.PAUSED, appraisals={"latest": found}, appraised=0.004))
    assert told["qualities"] == ["Latest (as shown), epoch 40: gap to real 200 % ± 50.0 %"]
    assert told["tiles"][0]["value"] == "200 %"


def test_health_notes_of_a_run_that_trains_are_found_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []
    signals = health.signals

    def counted(config: RunConfig, epochs: NDArray[np.int64], *args: Any) -> health.Signals:
        found.append(int(epochs[-1]))
        return signals(config, epochs, *args)

    clock = [1000.0]
    monkeypatch.setattr(health, "signals", counted)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    runs = {epochs: snapshot(epochs=epochs, run_id="noted") for epochs in (10, 11, 300, 301, 400)}
    for epochs in (10, 11, 300, 301, 10, 301, 400):  # of few epochs each, of many what is far from the last
        words.describe(runs[epochs])
    assert found == [10, 11, 300, 10, 400]
    clock[0] += 2.5
    words.describe(runs[400])
    words.describe(replace(runs[400], status=Status.PAUSED))
    words.describe(replace(runs[400], status=Status.PAUSED))
    assert found[5:] == [400, 400, 400], "what stands still is told as it is"


def test_words_take_little_time_however_long_the_run() -> None:
    """They are found once for each change of a run, on the server's one interpreter."""
    run = snapshot(epochs=100_000)
    words.describe(run)
    start = time.process_time()
    for _ in range(10):
        words.describe(run)
    assert time.process_time() - start < 10 * 0.02
