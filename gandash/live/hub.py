"""Who watches what: every change of a run is encoded once, and the same bytes go to all who watch it.

All of it happens on the server's event loop. A run that somebody watches has a room with its newest snapshot. Each
client has a cursor and one task, which sends what takes the cursor to the newest snapshot, and waits for the next: who
is slow finds a newer snapshot, so it misses frames, but no row and no status, and nothing is kept for it meanwhile.
What goes wrong with one run is written to the log and tried again: it is not another's matter.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol

from gandash.live import messages
from gandash.live.changes import Changes
from gandash.live.messages import Cursor
from gandash.runs.incoming import Incoming
from gandash.runs.library import UnknownRun
from gandash.runs.looks import Sight
from gandash.runs.snapshot import Snapshot
from gandash.runs.timeline import Kept

SHORTEST_GAP = 0.1
"""Seconds between two messages of a run, unless its status changes."""
WATCH_SECONDS = 1.0
"""How often a run is told that it is watched."""
LOOK_SECONDS = 1.0
REST_SECONDS = 5.0
"""How often a run is looked up of which nothing was heard: one that should train, or is missing; one that rests."""
READY_SECONDS = 0.25
UNREADABLE = "This run cannot be read now. The server's log says why, and it is tried again."

Describe = Callable[[Snapshot], Mapping[str, Any]]
Send = Callable[[bytes], Awaitable[None]]
Listener = Callable[[Snapshot | None, str], None]

_log = logging.getLogger(__name__)


class Service(Protocol):
    """What the hub asks of the run service. Any thread calls the listeners of `subscribe` and `subscribe_views`."""

    @property
    def ready(self) -> bool: ...
    def warm_up(self) -> None: ...
    def snapshot(self, run_id: str) -> Snapshot: ...
    def watch(self, run_id: str, views: Sequence[str] = ()) -> None: ...
    def sight(self, run_id: str) -> Sight | None: ...
    def subscribe(self, listener: Listener) -> Callable[[], None]: ...
    def subscribe_views(self, seer: Callable[[str, Sight], None]) -> Callable[[], None]: ...
    def kept_frames(self, run_id: str, epochs: tuple[int, ...]) -> tuple[Kept, ...]: ...
    def views_at(self, run_id: str, epoch: int, names: tuple[str, ...]) -> Sight: ...
    @property
    def incoming(self) -> Incoming: ...
    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]: ...


@dataclass(frozen=True)
class _Place:
    """Where a client is: up to which publication of its room, and its cursor; None if it knows nothing of the run."""

    serial: int
    cursor: Cursor | None


@dataclass(eq=False)
class _Room:
    """A run that is watched. `told` is the newest snapshot, `shown` the one that is published, which may lag behind.

    `looks` are the views that each client looks at who looks inside, and `sight` what was seen of them last.
    """

    run_id: str
    told: Snapshot | None = None
    shown: Snapshot | None = None
    sentence: str = ""
    serial: int = 0
    clients: int = 0
    heard: float = 0.0
    published: float = float("-inf")
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    words: Mapping[str, Any] | None = None
    encoded: dict[Cursor | None, bytes] = field(default_factory=dict)
    looks: list[Sequence[str]] = field(default_factory=list)
    sight: Sight | None = None
    sights: int = 0
    pictured: dict[Sequence[str], bytes] = field(default_factory=dict)
    later: asyncio.TimerHandle | None = None
    first: asyncio.Task[None] | None = None


class Hub:
    """Sends runs to all who watch them. `describe` gives the words that go with a snapshot.

    Used between `async with hub.over(service)`, on one event loop.
    """

    def __init__(self, describe: Describe) -> None:
        self.describe = describe
        self.life = secrets.token_hex(4)
        self._changes = Changes()
        self._service: Service | None = None
        self._rooms: dict[str, _Room] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    @contextlib.asynccontextmanager
    async def over(self, service: Service | None) -> AsyncIterator[None]:
        """Send the runs of this service for as long as the context lasts; None if there is no service."""
        if service is None:
            yield
            return
        self._service, self._loop = service, asyncio.get_running_loop()
        leave = [service.subscribe(self._heard), service.subscribe_views(self._saw)]
        tasks = [asyncio.create_task(self._watch()), asyncio.create_task(self._look_around())]
        try:
            yield
        finally:
            for unsubscribe in leave:
                unsubscribe()
            self._service = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def service(self) -> Service | None:
        """Whose runs are sent; None before and after."""
        return self._service

    @property
    def watched(self) -> dict[str, int]:
        """How many clients each run has."""
        return {run_id: room.clients for run_id, room in self._rooms.items()}

    async def send(self, run_id: str, cursor: Cursor | None, send: Send, views: Sequence[str] | None = None) -> None:
        """Send a client what it does not know of a run, and then all that is new, until cancelled or `send` raises.

        `views` are those that it looks at; None if it wants to know nothing of them.
        """
        if self._service is not None and not self._service.ready:  # the page is drawn: it had the cores so far
            await asyncio.to_thread(self._service.warm_up)
        if not run_id:
            await self._send_ready(send)
            return
        room = self._enter(run_id, views)
        seen = -1
        try:
            await room.looked.wait()
            place = _Place(-1, self._taken_up(room, cursor))
            while True:
                if place.serial != room.serial:
                    message, place = self._message(room, place)
                    await send(message)
                elif views is not None and room.shown is not None and seen != room.sights:
                    seen = room.sights
                    await send(self._picture(room, room.shown, views))
                else:
                    await room.changed.wait()
        finally:
            self._leave(room, views)

    async def _send_ready(self, send: Send) -> None:
        told: bool | None = None
        while not told and self._service is not None:
            if self._service.ready is not told:
                told = self._service.ready
                await send(messages.server(told))
            await asyncio.sleep(READY_SECONDS)
        await asyncio.Event().wait()

    def _taken_up(self, room: _Room, cursor: Cursor | None) -> Cursor | None:
        """Where a client goes on that comes back; None if a picture is better, or the run may have gone another way."""
        if cursor is None or room.shown is None or cursor.life != self.life:
            return None
        return cursor if len(room.shown.history) - cursor.rows <= messages.MOST_ROWS else None

    def _message(self, room: _Room, place: _Place) -> tuple[bytes, _Place]:
        """What takes a client from its place to the newest publication: the same object for all at one place."""
        snapshot, cursor = room.shown, place.cursor
        if snapshot is None:
            if None not in room.encoded:
                room.encoded[None] = messages.missing(room.run_id, room.sentence)
            return room.encoded[None], _Place(room.serial, None)
        if cursor is not None and not messages.goes_on(snapshot, cursor):
            cursor = None
        if cursor not in room.encoded:
            room.encoded[cursor] = self._encode(room, snapshot, cursor)
        reached = messages.after(snapshot, cursor, self.life)
        all_of_it = reached.rows == len(snapshot.history)
        return room.encoded[cursor], _Place(room.serial if all_of_it else place.serial, reached)

    def _encode(self, room: _Room, snapshot: Snapshot, cursor: Cursor | None) -> bytes:
        if room.words is None:
            try:
                room.words = self.describe(snapshot)
            except Exception:  # the points and curves go on without words
                _log.exception("Run %s: there are no words for it", room.run_id)
                room.words = {}
        changes = self._changes.since(room.run_id, -1 if cursor is None else cursor.version)
        if cursor is None:
            return messages.picture(snapshot, room.words, changes, self.life)
        return messages.news(snapshot, room.words, cursor, changes)

    def _picture(self, room: _Room, snapshot: Snapshot, views: Sequence[str]) -> bytes:
        """What is seen of these views: the same object for all who look at the same."""
        if views not in room.pictured:
            room.pictured[views] = messages.views(snapshot, room.sight, views)
        return room.pictured[views]

    # Rooms

    def _enter(self, run_id: str, views: Sequence[str] | None) -> _Room:
        room = self._rooms.get(run_id)
        if room is None:
            room = self._rooms[run_id] = _Room(run_id)
            room.first = asyncio.create_task(self._look(room))
        room.clients += 1
        if views is not None:
            room.looks.append(views)
        if self._service is not None:
            room.sight = room.sight or self._service.sight(run_id)
            self._say_watched(room)
        return room

    def _leave(self, room: _Room, views: Sequence[str] | None) -> None:
        room.clients -= 1
        if views is not None:
            room.looks.remove(views)
        if room.clients == 0:
            del self._rooms[room.run_id]
            if room.later is not None:
                room.later.cancel()

    def _heard(self, snapshot: Snapshot | None, run_id: str) -> None:
        """The service's listener, on any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._tell, run_id, snapshot)

    def _saw(self, run_id: str, sight: Sight) -> None:
        """The service's listener for views, on any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._see, run_id, sight)

    def _see(self, run_id: str, sight: Sight | None) -> None:
        room = self._rooms.get(run_id)
        if room is None:
            return
        room.sight = sight
        room.sights += 1
        room.pictured.clear()
        room.changed.set()
        room.changed.clear()

    def _tell(self, run_id: str, snapshot: Snapshot | None, sentence: str = "The run was deleted.") -> None:
        """Take in a run's newest snapshot, or that there is no such run, and say when it is published."""
        self._changes.hear(run_id, snapshot)
        room = self._rooms.get(run_id)
        if room is None:
            return
        now = asyncio.get_running_loop().time()
        room.heard = now
        before = room.told
        if room.looked.is_set() and (snapshot is before or _older(snapshot, before)):
            return
        room.told = snapshot
        if snapshot is None and room.sight is not None:
            self._see(run_id, None)
        changed = snapshot is None or before is None or snapshot.status is not before.status
        room.sentence = sentence
        gap = room.published + SHORTEST_GAP - now
        if changed or gap <= 0:
            self._publish(room)
        elif room.later is None:
            room.later = asyncio.get_running_loop().call_later(gap, self._publish, room)

    def _publish(self, room: _Room) -> None:
        """Let all who watch have what the room was told."""
        if room.later is not None:
            room.later.cancel()
            room.later = None
        room.shown = room.told
        room.serial += 1
        room.words = None
        room.encoded.clear()
        room.published = asyncio.get_running_loop().time()
        room.looked.set()
        room.changed.set()
        room.changed.clear()

    # Looking after runs

    async def _watch(self) -> None:
        """Keep runs that somebody watches from being paused."""
        while self._service is not None:
            for room in self._rooms.values():
                self._say_watched(room)
            await asyncio.sleep(WATCH_SECONDS)

    def _say_watched(self, room: _Room) -> None:
        if self._service is not None:
            try:
                self._service.watch(room.run_id, _together(room))
            except Exception:
                _log.exception("Run %s: the service cannot be told that it is watched", room.run_id)

    async def _look_around(self) -> None:
        """Look up runs that nothing was heard of: those to come, those that another server trains, those deleted."""
        while True:
            await asyncio.sleep(LOOK_SECONDS / 4)
            for room in list(self._rooms.values()):
                waiting = room.told is None or room.told.status.active
                seconds = LOOK_SECONDS if waiting else REST_SECONDS
                if asyncio.get_running_loop().time() - room.heard >= seconds:
                    await self._look(room)

    async def _look(self, room: _Room) -> None:
        """Take in a run as the service has it, which may have to read it from the disk."""
        if self._service is None:
            return
        known = room.told
        try:
            snapshot = await asyncio.to_thread(self._service.snapshot, room.run_id)
        except UnknownRun as error:
            self._tell(room.run_id, None, str(error))
        except Exception as error:  # it cannot be read, perhaps only now: what is known stays
            told = isinstance(error, ValueError)
            if not told:
                _log.exception("Run %s cannot be looked up", room.run_id)
            if known is None:
                self._tell(room.run_id, None, str(error) if told else UNREADABLE)
            room.heard = asyncio.get_running_loop().time()
        else:
            if known is None or room.told is not known or snapshot.version != known.version:
                self._tell(room.run_id, snapshot)
            if room.looks:  # it may have come to memory only now
                self._say_watched(room)
            room.heard = asyncio.get_running_loop().time()


def _together(room: _Room) -> list[str]:
    """All views of a run that somebody looks at, first those of who came last."""
    return list(dict.fromkeys(name for views in reversed(room.looks) for name in views))


def _older(snapshot: Snapshot | None, known: Snapshot | None) -> bool:
    """Whether a snapshot was overtaken by one that is already known."""
    return snapshot is not None and known is not None and snapshot.version < known.version
