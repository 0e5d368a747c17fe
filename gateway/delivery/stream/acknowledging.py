"""Devices have pushes: what many of them say at the same time is told and noted together.

First the job is told, then it is noted: what a crash comes between is told again, with the same ids.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import TracebackType

from gateway.delivery.outcomes import Report
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.values import Acknowledgement, StreamEntry
from gateway.delivery.stream.room import Room
from gateway.delivery.tasks import Tasks
from kairos.v1 import feedback_pb2


class Acknowledging:
    """``tell_all`` returns when the job is told; ``noticed`` hears at once which entries have arrived; ``failed`` of what must not happen.

    ``room`` counts what is begun and not done; whoever calls looks whether there is some.
    """

    def __init__(
        self,
        store: AsyncStore,
        tell_all: Callable[[Sequence[Report]], Awaitable[None]],
        noticed: Callable[[Iterable[StreamEntry]], None],
        room: Room,
        clock_ms: Callable[[], int],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._store = store
        self._tell_all = tell_all
        self._noticed = noticed
        self._room = room
        self._clock_ms = clock_ms
        self._tasks = Tasks(failed)
        self._next: _Batch | None = None
        self._reading = False

    def begin(self, user_ids: tuple[str, ...], device_id: str, up_to_id: int) -> "asyncio.Future[None]":
        """A device has everything up to this id. The future is done when that is told and durable; nobody needs to wait for it."""
        batch = self._next
        if batch is None:
            batch = self._next = _Batch(self._room)
        now_ms = self._clock_ms()
        for user_id in user_ids:
            batch.told.append(Acknowledgement(user_id, device_id, up_to_id, now_ms))
        batch.take_room(len(user_ids))
        if not self._reading:
            self._reading = True
            self._tasks.start(self._read())
        return batch.done

    async def _read(self) -> None:
        """One batch after the other is looked up; while one is, the next gathers. Telling and noting need not wait for each other."""
        while (batch := self._next) is not None:
            self._next = None
            with batch:
                found = await self._look_up(batch.told)
            self._tasks.start(self._tell_and_note(batch, found))
        self._reading = False

    async def _look_up(self, told: Sequence[Acknowledgement]) -> list[Sequence[StreamEntry]]:
        asked = [(each.user_id, each.up_to_id) for each in told]
        return await self._store.run(lambda store: store.unacknowledged_all(asked))

    async def _tell_and_note(self, batch: "_Batch", found: Sequence[Sequence[StreamEntry]]) -> None:
        channel = feedback_pb2.CHANNEL_IN_APP
        reports: dict[int, Report] = {}
        for who, entries in zip(batch.told, found, strict=True):
            for entry in entries:
                if entry.stream_id not in reports:  # of two devices that say so together, the first is told, as if they had come in turn
                    reports[entry.stream_id] = Report(
                        who.user_id, entry.command_id, feedback_pb2.OUTCOME_DELIVERED, who.now_ms, channel=channel, device_id=who.device_id
                    )
            self._noticed(entries)
        batch.take_room(len(reports))  # one acknowledgement may be of many pushes
        with batch:
            await self._tell_all(list(reports.values()))
            await self._store.run(lambda store: store.acknowledge_all(batch.told))
        batch.done.set_result(None)


class _Batch:
    """What was said since the last. ``with`` it: what goes wrong ends the waiting of those that wait for it."""

    __slots__ = ("_room", "_taken", "done", "told")

    def __init__(self, room: Room) -> None:
        self.told: list[Acknowledgement] = []
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.done.add_done_callback(self._give_room_back)
        self._room = room
        self._taken = 0

    def take_room(self, number: int) -> None:
        self._room.take(number)
        self._taken += number

    def _give_room_back(self, _done: "asyncio.Future[None]") -> None:
        self._room.give_back(self._taken)

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            self.done.cancel()
