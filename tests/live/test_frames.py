"""Past epochs of a run as a server answers them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from starlette.applications import Starlette

from gandash.live import frames
from gandash.live.messages import Cursor, decode, news, picture
from gandash.runs.snapshot import Snapshot
from tests.live.serving import get, serve
from tests.live.snapshots import RUN, FakeService, snapshot


@pytest.fixture
def service() -> FakeService:
    return FakeService(snapshot(5, 90, timeline=tuple(range(0, 91, 2))))


@pytest.fixture
def host(service: FakeService) -> Iterator[str]:
    def describe(shown: Snapshot) -> dict[str, object]:
        return {"told": f"epoch {shown.epoch}", "rows": len(shown.history), "figures": shown.current}

    def draw(shown: Snapshot, points: NDArray[np.float32], epoch: int, theme: str) -> bytes:
        return f"{epoch} {theme} {points[0, 0]:g}".encode()

    with serve(Starlette(routes=frames.routes("/gans", lambda: service, describe, draw))) as address:
        yield f"{address}/gans/frames"


def test_the_points_and_the_figures_are_those_of_the_epoch(host: str) -> None:
    status, headers, body = get(f"{host}/{RUN}?epochs=40,0,7,12")
    header, arrays = decode(body)
    assert (status, header["kind"], header["run"]) == (200, "frames", RUN)
    assert [each["epoch"] for each in header["frames"]] == [0, 12, 40], "7 is not kept"
    assert [each["words"]["rows"] for each in header["frames"]] == [0, 12, 40]
    assert header["frames"][2]["words"]["figures"] == [{"headline": 20.0}, 40]
    assert [arrays[f"frame:{place}"][0, 0] for place in range(3)] == [0, 12, 40]
    assert "max-age=3600" in headers["Cache-Control"]


@pytest.mark.parametrize("query", ["", "?epochs=", "?epochs=-1", "?epochs=1;2", "?epochs=" + ",".join(["1"] * 51)])
def test_a_query_without_sense_is_told_what_can_be_asked(host: str, query: str) -> None:
    status, _, body = get(f"{host}/{RUN}{query}")
    assert status == 400 and b"such as epochs=0,8,16" in body


def test_a_run_that_is_gone_is_not_answered_from_what_was_remembered(host: str, service: FakeService) -> None:
    assert get(f"{host}/{RUN}?epochs=0")[0] == 200
    service.runs.clear()
    status, headers, body = get(f"{host}/{RUN}?epochs=0")
    assert (status, headers["Cache-Control"]) == (404, "no-store") and b"There is no run" in body
    assert get(f"{host}/{RUN}/p0.png")[0] == 404


def test_a_picture_is_of_a_kept_epoch_or_of_the_newest_points(host: str) -> None:
    status, headers, body = get(f"{host}/{RUN}/p40.png?theme=dark")
    assert (status, body, headers["Content-Type"]) == (200, b"40 dark 40", "image/png")
    assert headers["Content-Disposition"] == 'attachment; filename="p40.png"'
    assert get(f"{host}/{RUN}/now.png")[2] == b"90 light 90"
    for name in ("p41.png", "p.png", "p-2.png", "x.png", "p9999999999.png"):
        assert get(f"{host}/{RUN}/{name}")[0] == 404, name


def test_the_stream_says_which_epochs_can_be_asked_for() -> None:
    shown = snapshot(5, 90, timeline=tuple(range(4, 91, 2)))
    assert decode(picture(shown, {}))[0]["kept"] == [4, 90, 2]
    assert decode(news(shown, {}, Cursor(80, 3)))[0]["kept"] == [4, 90, 2]
    assert "kept" not in decode(picture(snapshot(5, 90), {}))[0]
    assert decode(picture(snapshot(5, 90, timeline=(4,)), {}))[0]["kept"] == [4, 4, 1]


def test_what_is_seen_inside_is_of_the_nearest_epoch_that_has_its_networks(host: str) -> None:
    status, _, body = get(f"{host}/{RUN}/views?epoch=44&views=manifold,discriminator")
    header, arrays = decode(body)
    assert (status, header["kind"], header["epoch"], header["names"]) == (200, "views", 40, ["discriminator"])
    assert (arrays["view:discriminator:surface"] == 44).all()
    assert get(f"{host}/{RUN}/views?epoch=45&views=discriminator")[0] == 404, "not kept"
    for query in ("", "?epoch=x", "?epoch=4&views=" + "a" * 41, "?epoch=4&views=" + ",".join("abcdefghi")):
        assert get(f"{host}/{RUN}/views{query}")[0] == 400, query
