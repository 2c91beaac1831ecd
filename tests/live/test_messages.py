"""The format of the stream: what was recorded of version 1 is read as it was meant, here and in a browser's tests."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gandash.core.config import RunConfig
from gandash.core.records import PlayedPhase
from gandash.live import messages
from gandash.live.messages import MAGIC, MOST_ROWS, Cursor, decode, encode, picture
from gandash.live.thin import MOST_POINTS, thin
from gandash.runs.snapshot import Frame
from tests.live.record import FOLDER, WORDS, recorded
from tests.live.snapshots import REAL, RUN, snapshot


def read(name: str) -> tuple[dict[str, Any], messages.Arrays]:
    return decode((FOLDER / f"{name}.bin").read_bytes())


def test_the_recorded_messages_of_version_1_are_read() -> None:
    header, arrays = read("missing")
    assert (header["kind"], header["run"], header["sentence"]) == ("missing", RUN, "There is no such run.")
    header, arrays = read("picture")
    assert (header["kind"], header["version"], header["rows"]) == ("picture", 3, 4)
    assert header["words"] == WORDS
    assert header["scene"] == {
        "title": "Line",
        "name": "Ünïted",
        "axes": ["x", "y"],
        "bounds": [[-1.25, 1.25], [-1.25, 1.25]],
        "equal": False,
        "objective": "non-saturating",
        "probability": True,
        "since": 0,
        "shown": "latest",
    }
    np.testing.assert_array_equal(arrays["real"], REAL)
    assert arrays["x:headline"].tolist() == [2, 4] and arrays["y:headline"].tolist() == [1, 2]
    assert [arrays[f"frame:{place}"][0, 0] for place in range(4)] == [1, 2, 3, 4]
    header, arrays = read("news")
    assert (header["kind"], header["version"], header["rows"]) == ("news", 7, 6)
    assert header["changes"] == [[6, "running"], [7, "paused"]]
    assert arrays["epoch"].tolist() == [5, 6]
    assert arrays["column:generator_loss"].tolist() == [5.25, 1e300], "too large for float32"
    np.testing.assert_array_equal(arrays["column:coverage"], [np.nan, 0.5])
    np.testing.assert_array_equal(arrays["frame:1"][1:], np.array([[3e38, 1e-30], [np.nan, np.inf]], np.float32))
    assert header["frames"] == [{"epoch": 5, "at": 0.0005}, {"epoch": 6, "at": 0.5}]
    header, arrays = read("no-news")
    assert (header["kind"], header["rows"], arrays) == ("news", 6, {})
    assert read("server")[0]["ready"] is True
    header, arrays = read("played")
    assert (header["life"], header["kept"], header["changes"]) == (
        "1f2e3d4c",
        [0, 4, 2],
        [[6, "running"], [7, "paused"]],
    )
    assert header["state"]["phase"] == {
        **{"step": 3, "name": "generator", "network": "generator", "loss": "generator", "next": "on real"},
        **{"before": 0.5, "after": None},
    }
    assert [arrays[f"phase:{name}"].shape for name in ("real", "generated", "moved")] == [(0, 2), (3, 2), (3, 2)]
    assert arrays["phase:moved"].ravel().tolist() == [1, 2, 3, 4, 5, 6] and arrays["phase:wanted"].shape == (3, 2, 2)
    header, arrays = read("numbers")
    assert header["scene"]["numbers"] == list(range(0, 100, 2)) and "real" not in arrays
    assert arrays["outputs"].shape == (2, 100) and arrays["outputs"][1, -1] == -1
    header, arrays = read("views")
    assert (header["kind"], header["epoch"], header["at"]) == ("views", 4, 0.25)
    assert header["names"] == ["discriminator", "manifold"], "the one as it was turned before, of the third nothing"
    assert arrays["view:discriminator:surface"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert arrays["view:manifold:mesh"].shape == (2, 2, 2)
    assert "older" not in header
    assert read("views-behind")[0]["older"] == {"discriminator": 3}, "there was no time for it"
    header, arrays = read("no-views")
    assert (header["epoch"], header["at"], header["names"], arrays) == (None, None, [], {})
    assert {"name", "title", "help", "legend", "quarters"} <= header["offers"][0].keys()
    header, arrays = read("frames")
    assert (header["kind"], header["run"]) == ("frames", RUN)
    assert header["frames"] == [{"epoch": 0, "words": {"label": "Epoch 0"}}, {"epoch": 8, "words": {"tiles": []}}]
    assert arrays["frame:0"].shape == (5, 2) and arrays["frame:1"][0].tolist() == [1.5, -2.25]
    assert {path.stem for path in FOLDER.iterdir()} == recorded().keys(), "each was looked at here"


def test_what_is_sent_today_is_what_was_recorded() -> None:
    for name, message in recorded().items():
        (header, arrays), (old_header, old_arrays) = decode(message), read(name)
        for each in (header, old_header):
            each["time"] = 0
            each.get("state", {})["stage"] = "a digest"
            each.get("offers", []).clear()  # all views of its day
        assert header == old_header, name
        assert arrays.keys() == old_arrays.keys(), name
        for key, array in arrays.items():
            np.testing.assert_array_equal(array, old_arrays[key], f"{name}: {key}")


@pytest.mark.parametrize("length", range(9))
def test_arrays_begin_at_multiples_of_8_bytes(length: int) -> None:
    arrays: messages.Arrays = {"odd": np.ones(3, np.float32), "wide": np.ones(2), "flat": np.ones((0, 2), np.float32)}
    message = encode({"kind": "news", "words": "é" * length}, arrays)
    (header_length,) = struct.unpack_from("<I", message, 4)
    assert header_length % 8 == 0 and len(message) == 8 + header_length + 16 + 16
    header, found = decode(message)
    assert header["words"] == "é" * length
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("data", [b"", b"GD\x01", b"GD\x02\x00\x00\x00\x00\x00", b"GIF89a--------"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="no message of version 1"):
        decode(data)


def test_a_message_that_is_cut_off_is_refused() -> None:
    message = (FOLDER / "picture.bin").read_bytes()
    with pytest.raises(ValueError, match="ends before its array 'frame:3'"):
        decode(message[:-16])


def test_text_stays_text() -> None:
    odd = "\ud800 </script> \x00"
    header, _ = decode(messages.missing(odd, odd))
    assert (header["run"], header["sentence"]) == (odd, odd)


def test_a_picture_stays_small_and_keeps_its_spikes() -> None:
    run = snapshot(1, 50_000)
    column = np.array(run.history.columns["d_real"])
    column[[7, 31_234]] = [-9.0, 9.0]
    long = run.history.joined(run.history.epoch[:0], {})
    object.__setattr__(long, "columns", {**long.columns, "d_real": column})
    object.__setattr__(run, "history", long)
    message = messages.picture(run, {})
    _, arrays = decode(message)
    assert len(message) < 5 * MOST_POINTS * 8 + 2000
    assert {-9.0, 9.0} <= set(arrays["y:d_real"].tolist()) and len(arrays["y:d_real"]) <= MOST_POINTS
    assert arrays["x:d_real"][[0, -1]].tolist() == [1, 50_000]


@pytest.mark.parametrize("n", [0, 1, 4, 1999, 2000, 2001, 3999, 4000, 123_457])
def test_thinning_keeps_ends_extremes_and_order(n: int) -> None:
    rng = np.random.default_rng(n)
    x, y = np.arange(n), rng.normal(size=n)
    y[rng.random(n) < 0.1] = np.nan
    thinned, values = thin(x, y)
    assert len(thinned) == len(values) <= MOST_POINTS
    assert (np.diff(thinned) > 0).all()
    np.testing.assert_array_equal(values, y[thinned])
    finite = y[np.isfinite(y)]
    if len(finite):
        assert (values.min(), values.max()) == (finite.min(), finite.max())
        assert (values[0], values[-1]) == (finite[0], finite[-1])


def test_who_may_go_on() -> None:
    run = snapshot(5, 10)
    assert messages.goes_on(run, messages.after(run))
    assert not messages.goes_on(run, Cursor(10, 5, real=False))
    assert messages.goes_on(snapshot(2, 0), messages.after(snapshot(1, 0)))
    assert not messages.goes_on(run, Cursor(11, 5)) and not messages.goes_on(run, Cursor(10, 6))
    many = snapshot(5, MOST_ROWS + 2)
    assert messages.after(many, Cursor(1, 1, life="b")) == Cursor(MOST_ROWS + 1, 5, many.frames[-1].progress, life="b")


def test_the_header_is_plain_json() -> None:
    message = (FOLDER / "news.bin").read_bytes()
    assert message.startswith(MAGIC)
    (length,) = struct.unpack_from("<I", message, 4)
    assert json.loads(message[8 : 8 + length].decode("ascii"))["kind"] == "news"
    assert Path(FOLDER).name == "stream-1"


def test_a_phase_that_was_played_by_itself_is_told_with_its_points() -> None:
    none, some = np.empty((0, 2), np.float32), np.arange(6, dtype=np.float32).reshape(3, 2)
    wanted = np.arange(12, dtype=np.float32).reshape(3, 2, 2)
    phase = PlayedPhase(
        *(3, "generator", "generator", "generator", "discriminator", 0.5, math.nan, none, some, some + 1, wanted)
    )
    header, arrays = decode(picture(snapshot(3, 4, phase=phase), {}))
    assert header["state"]["phase"] == {
        **{"step": 3, "name": "generator", "network": "generator", "loss": "generator", "next": "discriminator"},
        **{"before": 0.5, "after": None},
    }
    assert [arrays[f"phase:{name}"].tolist() for name in ("real", "generated", "moved")] == [
        [],
        some.tolist(),
        (some + 1).tolist(),
    ]
    np.testing.assert_array_equal(arrays["phase:wanted"], wanted)
    header, arrays = decode(picture(snapshot(3, 4), {}))
    assert "phase" not in header["state"] and not [name for name in arrays if name.startswith("phase")]


def test_the_newest_frames_outputs_are_told_where_it_has_any() -> None:
    config = RunConfig(shape="even")
    outputs = np.arange(1000, dtype=np.float32).reshape(10, 100)
    frames = [Frame(epoch, epoch / 100, np.zeros((5, 2), np.float32), outputs + epoch) for epoch in (1, 2)]
    told = replace(snapshot(1, 1), config=config, frames=tuple(frames), real=None)
    header, arrays = decode(messages.picture(told, WORDS))
    assert len(header["frames"]) == 2
    np.testing.assert_array_equal(arrays["outputs"], outputs + 2)
    assert all(each["type"] in ("f4", "f8") for each in header["arrays"]), "who reads version 1 knows no other types"
    known = messages.after(told)
    assert "outputs" not in decode(messages.news(told, WORDS, known))[1], "who has the frame has them"
    older = replace(known, at=frames[0].progress)
    np.testing.assert_array_equal(decode(messages.news(told, WORDS, older))[1]["outputs"], outputs + 2)
    loaded = replace(told, frames=(Frame(2, 0.02, np.zeros((5, 2), np.float32)),))
    assert "outputs" not in decode(messages.picture(loaded, WORDS))[1]
