"""Who gets what of a run: the same bytes for all, a picture for who comes late, nothing lost for who is slow."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gandash.live import hub as hub_module
from gandash.live.hub import Hub
from gandash.live.messages import MOST_ROWS, Arrays, Cursor, decode
from gandash.runs.looks import Sight
from gandash.runs.snapshot import Snapshot, Status
from tests.live.snapshots import RUN, FakeService, snapshot

Scenario = Callable[..., Awaitable[None]]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SHORTEST_GAP", "WATCH_SECONDS", "LOOK_SECONDS", "REST_SECONDS", "READY_SECONDS"):
        monkeypatch.setattr(hub_module, name, 0.01)


class Client:
    """What somebody was sent; with `slow` the connection takes nothing until it is set."""

    def __init__(
        self,
        hub: Hub,
        cursor: Cursor | None = None,
        run: str = RUN,
        slow: asyncio.Event | None = None,
        views: tuple[str, ...] | None = None,
    ) -> None:
        self.received: list[bytes] = []
        self.slow = slow
        self.task = asyncio.create_task(hub.send(run, cursor, self._take, views))

    async def _take(self, message: bytes) -> None:
        self.received.append(message)
        if self.slow is not None:
            await self.slow.wait()

    async def get(self, number: int = 1) -> tuple[dict[str, Any], Arrays]:
        """The message of this number, counted from 1, once it is there."""
        async with asyncio.timeout(30):
            while len(self.received) < number:
                await asyncio.sleep(0.001)
        return decode(self.received[number - 1])

    async def until(self, condition: Callable[[dict[str, Any]], bool]) -> list[tuple[dict[str, Any], Arrays]]:
        """All messages, once one of them is as the condition asks."""
        number = 1
        while not condition((await self.get(number))[0]):
            number += 1
        return [decode(message) for message in self.received]

    async def version(self, version: int) -> None:
        await self.until(lambda header: header["version"] == version)

    async def leave(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


@asynccontextmanager
async def hub_of(service: FakeService, describe: Callable[[Snapshot], Any] = lambda _: {}) -> AsyncIterator[Hub]:
    hub = Hub(describe)
    async with hub.over(service):
        yield hub
    assert service.listeners == []


def test_all_who_watch_get_the_same_bytes_encoded_once() -> None:
    described: list[int] = []

    def describe(shown: Snapshot) -> dict[str, Any]:
        described.append(shown.version)
        return {"progress": f"Epoch {shown.epoch}"}

    async def scenario() -> None:
        service = FakeService(snapshot(1, 5))
        async with hub_of(service, describe) as hub:
            clients = [Client(hub) for _ in range(3)]
            for client in clients:
                await client.get()
            service.tell(snapshot(2, 7))
            for client in clients:
                header, arrays = await client.get(2)
            assert hub.watched == {RUN: 3}
            assert all(client.received[place] is clients[0].received[place] for client in clients for place in (0, 1))
            assert described == [1, 2]
            assert (header["kind"], header["version"], header["rows"]) == ("news", 2, 7)
            assert header["words"] == {"progress": "Epoch 7"}
            assert arrays["epoch"].tolist() == [6, 7] and arrays["column:generator_loss"].tolist() == [6.25, 7.25]
            np.testing.assert_array_equal(arrays["column:headline"], [3.0, np.nan])
            assert [each["epoch"] for each in header["frames"]] == [6, 7], "what the picture had is not sent again"

    asyncio.run(scenario())


def test_who_comes_late_gets_a_picture_and_then_news() -> None:
    async def scenario() -> None:
        service = FakeService(snapshot(1, 3000))
        async with hub_of(service) as hub:
            client = Client(hub)
            header, arrays = await client.get()
            assert (header["kind"], header["rows"]) == ("picture", 3000)
            assert arrays["real"].shape == (32, 2) and arrays["frame:3"].shape == (5, 2)
            assert arrays["x:generator_loss"].shape <= (2000,) and arrays["x:generator_loss"][-1] == 3000
            assert arrays["y:headline"].tolist() == (arrays["x:headline"] / 2).tolist()
            service.tell(snapshot(2, 3001))
            header, arrays = await client.get(2)
            assert (header["kind"], arrays["epoch"].tolist()) == ("news", [3001])
            assert "real" not in arrays

    asyncio.run(scenario())


def test_real_points_that_come_later_are_sent() -> None:
    async def scenario() -> None:
        service = FakeService(snapshot(1, 0, Status.STARTING))
        async with hub_of(service) as hub:
            client = Client(hub)
            assert "real" not in (await client.get())[1]
            service.tell(snapshot(2, 1))
            header, arrays = await client.get(2)
            assert header["kind"] == "picture" and arrays["real"].shape == (32, 2)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("cursor", "kind", "rows"),
    [
        (Cursor(8, 3), "news", [9, 10]),
        (Cursor(10, 4), "news", []),
        (Cursor(11, 4), "picture", []),  # the run was read from the disk again, and is behind
        (Cursor(9, 5), "picture", []),
        (Cursor(8, 3, life="another"), "picture", []),  # the server was killed, and the run went another way
    ],
)
def test_who_was_cut_off_goes_on_where_it_was(cursor: Cursor, kind: str, rows: list[int]) -> None:
    async def scenario() -> None:
        async with hub_of(FakeService(snapshot(4, 10))) as hub:
            header, arrays = await Client(hub, replace(cursor, life=cursor.life or hub.life)).get()
            assert header["life"] == hub.life != Hub(lambda _: {}).life
            assert (header["kind"], header["rows"], header["version"]) == (kind, 10, 4)
            assert arrays.get("epoch", np.empty(0)).tolist() == rows
            assert ("x:generator_loss" in arrays) == (kind == "picture")

    asyncio.run(scenario())


def test_who_comes_back_and_missed_very_many_rows_gets_a_picture() -> None:
    async def scenario() -> None:
        async with hub_of(FakeService(snapshot(4, MOST_ROWS + 2))) as hub:
            assert (await Client(hub, Cursor(1, 1, life=hub.life)).get())[0]["kind"] == "picture"
            assert (await Client(hub, Cursor(2, 1, life=hub.life)).get())[0]["kind"] == "news"

    asyncio.run(scenario())


def test_a_slow_client_gets_every_row_however_many_it_missed() -> None:
    async def scenario() -> None:
        service = FakeService(snapshot(1, 1))
        async with hub_of(service) as hub:
            slow, quick = Client(hub, slow=asyncio.Event()), Client(hub)
            await slow.get()
            await quick.get()
            service.tell(snapshot(2, 2 * MOST_ROWS + 5))
            await quick.version(2)
            assert slow.slow is not None
            slow.slow.set()
            messages = await slow.until(lambda header: header["rows"] == 2 * MOST_ROWS + 5)
            assert [header["kind"] for header, _ in messages] == ["picture", "news", "news", "news"]
            rows = [epoch for _, arrays in messages[1:] for epoch in arrays["epoch"].tolist()]
            assert rows == list(range(2, 2 * MOST_ROWS + 6))
            assert [len(header["frames"]) for header, _ in messages] == [1, 4, 0, 0]
            await asyncio.sleep(0.05)
            assert len(slow.received) == 4

    asyncio.run(scenario())


def test_changes_of_status_are_told_to_who_was_cut_off_though_nobody_watched() -> None:
    async def scenario() -> None:
        service = FakeService(snapshot(1, 1))
        async with hub_of(service) as hub:
            alone = Client(hub)
            await alone.get()
            await alone.leave()
            assert hub.watched == {}
            service.tell(snapshot(2, 2, Status.PAUSED))
            service.tell(snapshot(3, 3))
            back = Client(hub, Cursor(1, 1, life=hub.life))
            header, _ = await back.get()
            assert (header["kind"], header["changes"]) == ("news", [[2, "paused"], [3, "running"]])
            await back.leave()
            header, _ = await Client(hub).get()
            assert (header["kind"], header["changes"]) == ("picture", [[1, "running"], [2, "paused"], [3, "running"]])

    asyncio.run(scenario())


def test_a_client_that_takes_nothing_costs_no_more_than_its_message_and_a_few_kilobytes() -> None:
    stuck, bound = 50, 16_384

    async def scenario() -> None:
        service = FakeService(snapshot(1, 1))
        async with hub_of(service) as hub:
            quick = Client(hub)
            await quick.get()
            begun = tracemalloc.get_traced_memory()[0]
            clients = [Client(hub, slow=asyncio.Event()) for _ in range(stuck)]
            for client in clients:
                await client.get()
            for version in range(2, 60):
                service.tell(snapshot(version, version, Status.PAUSED if version % 2 else Status.RUNNING))
                await quick.version(version)
                quick.received[:-1] = [quick.received[-1]] * (len(quick.received) - 1)
            gc.collect()
            grown = tracemalloc.get_traced_memory()[0] - begun - len(clients[0].received[0])
            assert all(len(client.received) == 1 for client in clients)
            assert grown < stuck * bound, f"{grown / stuck:.0f} bytes a client"

    tracemalloc.start()
    try:
        asyncio.run(scenario())
    finally:
        tracemalloc.stop()


def test_what_goes_wrong_once_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(FakeService):
        """Two runs, of which the one called "odd" fails now and then."""

        looks = 0

        def snapshot(self, run_id: str) -> Snapshot:
            if run_id == "odd":
                self.looks += 1
                if self.looks in (1, 2, 4):
                    raise RuntimeError("the disk is odd")
            return super().snapshot(run_id)

        def watch(self, run_id: str, views: Sequence[str] = ()) -> None:
            super().watch(run_id, views)
            if run_id == "odd":
                raise RuntimeError("the lock is odd")

    async def scenario() -> None:
        service = Faulty(replace(snapshot(1, 3), run_id="odd"), snapshot(1, 3))
        async with hub_of(service) as hub:
            odd, other = Client(hub, run="odd"), Client(hub)
            header, _ = await odd.get()
            assert (header["kind"], header["sentence"]) == ("missing", hub_module.UNREADABLE)
            assert (await odd.get(2))[0]["kind"] == "picture"
            async with asyncio.timeout(30):
                while service.looks < 6:
                    await asyncio.sleep(0.001)
            assert len(odd.received) == 2, "what is known stays"
            service.watched.clear()
            service.runs[RUN] = snapshot(2, 4)  # nobody tells: it is looked up
            await other.version(2)
            async with asyncio.timeout(30):
                while service.watched.count(RUN) < 2 or service.watched.count("odd") < 2:
                    await asyncio.sleep(0.001)

    asyncio.run(scenario())
    assert "the disk is odd" in caplog.text and "the lock is odd" in caplog.text


def test_a_slow_client_loses_frames_but_no_row_and_no_state() -> None:
    async def scenario() -> None:
        service = FakeService(snapshot(1, 1))
        async with hub_of(service) as hub:
            slow, quick = Client(hub, slow=asyncio.Event()), Client(hub)
            await slow.get()
            await quick.get()
            for version in range(2, 30):
                status = Status.PAUSED if version == 9 else Status.RUNNING
                service.tell(snapshot(version, version, status))
                await quick.version(version)
            assert slow.slow is not None and len(slow.received) == 1
            slow.slow.set()
            header, arrays = await slow.get(2)
            assert arrays["epoch"].tolist() == list(range(2, 30))
            assert header["changes"] == [[9, "paused"], [10, "running"]] and header["state"]["status"] == "running"
            assert [each["epoch"] for each in header["frames"]] == [26, 27, 28, 29]
            shown = [each["epoch"] for header, _ in await quick.until(lambda _: True) for each in header["frames"]]
            assert shown == list(range(1, 30))

    asyncio.run(scenario())


def test_nothing_is_kept_for_a_client_that_takes_nothing() -> None:
    async def scenario() -> None:
        service = FakeService(snapshot(1, 1))
        async with hub_of(service) as hub:
            slow, quick = Client(hub, slow=asyncio.Event()), Client(hub)
            for version in range(2, 40):
                service.tell(snapshot(version, version))
                await quick.version(version)
            (room,) = hub._rooms.values()
            assert len(room.encoded) == 1 and len(slow.received) == 1

    asyncio.run(scenario())


def test_a_run_that_is_not_there_is_followed_once_it_is() -> None:
    async def scenario() -> None:
        service = FakeService()
        async with hub_of(service) as hub:
            client = Client(hub)
            header, _ = await client.get()
            assert (header["kind"], header["run"]) == ("missing", RUN)
            assert header["sentence"].startswith(f"There is no run {RUN!r}")
            service.runs[RUN] = snapshot(1, 3)  # by another server: nobody tells
            assert (await client.get(2))[0]["kind"] == "picture"
            service.delete(RUN)
            assert (await client.get(3))[0]["sentence"] == "The run was deleted."
            service.tell(snapshot(2, 3, Status.PAUSED))
            assert (await client.get(4))[0]["kind"] == "picture"

    asyncio.run(scenario())


def test_a_run_that_another_server_trains_is_followed() -> None:
    async def scenario() -> None:
        service = FakeService(snapshot(1, 3))
        async with hub_of(service) as hub:
            client = Client(hub)
            await client.get()
            service.runs[RUN] = snapshot(2, 4)
            header, arrays = await client.get(2)
            assert (header["kind"], arrays["epoch"].tolist()) == ("news", [4])

    asyncio.run(scenario())


def test_who_is_connected_watches_and_who_leaves_does_not() -> None:
    async def scenario() -> None:
        service = FakeService(snapshot(1, 3, Status.PAUSED))
        async with hub_of(service) as hub:
            client = Client(hub)
            await client.get()
            async with asyncio.timeout(30):
                while len(service.watched) < 3:  # though there is nothing new to send
                    await asyncio.sleep(0.001)
            await client.leave()
            assert hub.watched == {}
            service.watched.clear()
            await asyncio.sleep(0.05)
            assert service.watched == []

    asyncio.run(scenario())


def test_messages_of_a_run_keep_a_distance_but_for_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_module, "SHORTEST_GAP", 1000.0)

    async def scenario() -> None:
        service = FakeService(snapshot(1, 1))
        async with hub_of(service) as hub:
            client = Client(hub)
            await client.get()
            for version in range(2, 50):
                service.tell(snapshot(version, version))
                await asyncio.sleep(0)
            await asyncio.sleep(0.05)
            assert len(client.received) == 1
            service.tell(snapshot(50, 50, Status.PAUSED))
            header, arrays = await client.get(2)
            assert header["version"] == 50 and arrays["epoch"].tolist() == list(range(2, 51))

    asyncio.run(scenario())


def test_the_last_word_arrives_after_a_burst() -> None:
    async def scenario() -> None:
        service = FakeService(snapshot(1, 1))
        async with hub_of(service) as hub:
            client = Client(hub)
            await client.get()
            for version in range(2, 50):
                service.tell(snapshot(version, version))
            messages = await client.until(lambda header: header["version"] == 49)
            assert len(messages) < 10
            rows = [epoch for _, arrays in messages[1:] for epoch in arrays["epoch"].tolist()]
            assert rows == list(range(2, 50))

    asyncio.run(scenario())


def test_a_snapshot_that_comes_too_late_is_left_out() -> None:
    async def scenario() -> None:
        service = FakeService(snapshot(5, 5))
        async with hub_of(service) as hub:
            client = Client(hub)
            await client.get()
            for listener in service.listeners:
                listener(snapshot(4, 4), RUN)
            service.tell(snapshot(6, 6))
            messages = await client.until(lambda header: header["version"] == 6)
            assert [header["version"] for header, _ in messages] == [5, 6]

    asyncio.run(scenario())


def test_without_words_the_points_go_on() -> None:
    def describe(_: Snapshot) -> dict[str, Any]:
        raise RuntimeError("no words")

    async def scenario() -> None:
        async with hub_of(FakeService(snapshot(1, 1)), describe) as hub:
            header, arrays = await Client(hub).get()
            assert header["words"] == {} and "frame:0" in arrays

    asyncio.run(scenario())


def test_who_names_no_run_hears_when_the_server_is_ready() -> None:
    async def scenario() -> None:
        service = FakeService()
        service.ready = False
        async with hub_of(service) as hub:
            client = Client(hub, run="")
            assert (await client.get())[0]["ready"] is False and service.warmed == 1
            service.ready = True
            header, _ = await client.get(2)
            assert (header["kind"], header["ready"]) == ("server", True)

    asyncio.run(scenario())


def sight(epoch: int) -> Sight:
    surface = np.full((2, 2), epoch, np.float32)
    parts = {"surface": surface, "scale": np.array([0, 0.5, 1], np.float32)}
    return Sight(epoch, epoch / 10, {"discriminator": parts, "manifold": {"mesh": np.zeros((2, 2, 2), np.float32)}})


def test_who_looks_inside_is_told_what_there_is_and_what_is_seen() -> None:
    async def scenario() -> None:
        service = FakeService(snapshot(1, 5))
        async with hub_of(service) as hub:
            blind = Client(hub)
            looking = [Client(hub, views=("discriminator",)) for _ in range(2)]
            curious = Client(hub, views=())
            for client in (*looking, curious):
                assert (await client.get(1))[0]["kind"] == "picture"
                header, arrays = await client.get(2)
                assert header["kind"] == "views" and header["epoch"] is None and header["names"] == [] and not arrays
                assert header["offers"][0]["name"] == "discriminator"
            async with asyncio.timeout(30):
                while service.views[-1] != ["discriminator"]:
                    await asyncio.sleep(0.001)
            service.see(RUN, sight(7))
            header, arrays = await looking[0].get(3)
            assert (header["epoch"], header["at"], header["names"]) == (7, 0.7, ["discriminator"])
            assert set(arrays) == {"view:discriminator:surface", "view:discriminator:scale"}
            assert arrays["view:discriminator:surface"].tolist() == [[7, 7], [7, 7]]
            await looking[1].get(3)
            assert looking[1].received[2] is looking[0].received[2]
            assert (await curious.get(3))[0]["names"] == []
            late = Client(hub, views=("discriminator",))
            assert (await late.get(2))[0]["epoch"] == 7
            turning = Client(hub, views=("manifold@1.5", "manifold@x"))
            assert (await turning.get(2))[0]["names"] == ["manifold"], "as it was, until it is turned"
            assert service.views[-1] == ["manifold@1.5", "manifold@x", "discriminator"], "who came last is served first"
            for client in (*looking, late, turning):
                await client.leave()
            async with asyncio.timeout(30):
                while service.views[-1]:
                    await asyncio.sleep(0.001)
            service.tell(snapshot(2, 7))
            assert (await blind.get(2))[0]["kind"] == "news", "nothing of it for who has not asked"
            service.delete(RUN)
            await curious.until(lambda header: header["kind"] == "missing")

    asyncio.run(scenario())
