"""All connected devices of this gateway, and the durable stream behind them.

A push is written to the stream first, then to connections. So a device that was away, or connected to a gateway that died, resumes from
the last id it has; and a push that is in the stream never needs to come from Kafka again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from gateway.delivery.channels.channel import Push
from gateway.delivery.channels.payload import fields, to_json
from gateway.delivery.metrics import SENT_SECONDS
from gateway.delivery.outcomes import Report
from gateway.delivery.settings import StreamSettings
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.store import Store
from gateway.delivery.store.values import StreamEntry, Withdrawn
from gateway.delivery.stream.connection import Connection, Ending
from kairos.v1 import feedback_pb2


class Hub:
    """``tell`` hands a report to the job and returns when it is told."""

    def __init__(
        self, settings: StreamSettings, store: AsyncStore, tell: Callable[[Report], Awaitable[None]], clock_ms: Callable[[], int]
    ) -> None:
        self._settings = settings
        self._store = store
        self._tell = tell
        self._clock_ms = clock_ms
        self._log = structlog.get_logger("stream")
        self._of_user: dict[str, list[Connection]] = {}
        self._unacknowledged: dict[int, asyncio.Event] = {}
        """Entries whose acknowledgement somebody waits for."""
        self._seen_id = 0
        self._closing = False
        self.connections = 0

    async def start(self) -> None:
        """Begin where the stream is now."""
        self._seen_id = await self._store.run(lambda store: store.newest_id())

    # Pushes out
    async def deliver(self, push: Push, accepted: Report, written_at_ms: int, *, another_way: bool) -> bool:
        """Put a push into its user's stream. With ``another_way`` an acknowledgement is waited for, and without one the push is taken out
        again and False returned; else its command is settled at once, for the stream keeps it.
        """
        command = push.command
        here = self._of_user.get(command.user_id)
        ends_at_ms = min(push.ends_at_ms, self._clock_ms() + self._settings.keep_ms)
        entry = StreamEntry(
            0, command.user_id, command.command_id, to_json(fields(command, push.ends_at_ms)), command.collapse_key, ends_at_ms
        )
        settled = None if another_way else accepted
        appended = await self._store.run(lambda store: store.append(entry, settled, self._settings.keep_per_user, sent=bool(here)))
        entry = appended.entry
        if another_way:
            self._unacknowledged[entry.stream_id] = asyncio.Event()
        if appended.is_new:
            self._publish(entry)
        if written_at_ms > 0 and here:
            SENT_SECONDS.observe(max(0, self._clock_ms() - written_at_ms) / 1000)
        for old in appended.replaced:
            await self._gone(old, feedback_pb2.OUTCOME_REPLACED, "a newer push took its place")
        for old in appended.overflowed:
            await self._gone(old, feedback_pb2.OUTCOME_EXPIRED, "too many waited for the user")
        return not another_way or await self._is_acknowledged(entry)

    def withdrawn(self, user_id: str, command_id: str) -> None:
        """Tell connected devices that a push was taken back."""
        for connection in self._of_user.get(user_id, ()):
            connection.offer(Withdrawn(command_id))

    def _publish(self, entry: StreamEntry) -> None:
        for connection in self._of_user.get(entry.user_id, ()):
            connection.offer(entry)

    async def _is_acknowledged(self, entry: StreamEntry) -> bool:
        """Whether some device has it in time; if none has, it is not in the stream any more."""
        acknowledged = self._unacknowledged[entry.stream_id]
        try:
            async with asyncio.timeout(self._settings.ack_ms / 1000):
                await acknowledged.wait()
        except TimeoutError:
            return await self._store.run(lambda store: store.withdraw(entry.command_id)) is None
        else:
            return True
        finally:
            self._unacknowledged.pop(entry.stream_id, None)

    async def _gone(self, entry: StreamEntry, outcome: int, reason: str) -> None:
        channel = feedback_pb2.CHANNEL_IN_APP
        await self._tell(Report(entry.user_id, entry.command_id, outcome, self._clock_ms(), channel=channel, reason=reason))

    # Devices in
    def refusal(self, user_ids: tuple[str, ...]) -> Ending | None:
        """Why no further connection of this user is taken."""
        if self._closing:
            return Ending.RESTART
        if self.connections >= self._settings.max_connections:
            return Ending.TOO_MANY
        if len(self._of_user.get(user_ids[0], ())) >= self._settings.max_per_user:
            return Ending.TOO_MANY
        return None

    async def join(self, connection: Connection, last_id: int | None) -> None:
        """A device is connected, and gets what it has missed."""
        self.connections += 1
        for user_id in connection.user_ids:
            self._of_user.setdefault(user_id, []).append(connection)
        missed: list[StreamEntry] = []
        for user_id in connection.user_ids:
            missed += await self._missed(user_id, connection.device_id, last_id)
        connection.resume(sorted(missed, key=lambda entry: entry.stream_id))

    async def _missed(self, user_id: str, device_id: str, last_id: int | None) -> Sequence[StreamEntry]:
        now_ms = self._clock_ms()
        if last_id:  # what it resumes from, it has
            await self._have_told(user_id, last_id, device_id)

        def operation(store: Store) -> Sequence[StreamEntry]:
            store.connect(user_id, device_id)
            if last_id:
                store.acknowledge(user_id, device_id, last_id, now_ms)
            return store.after(user_id, device_id, last_id, now_ms)

        return await self._store.run(operation)

    async def leave(self, connection: Connection) -> None:
        """It is gone; for a while it counts as connected, for it may come back."""
        self.connections -= 1
        connection.closed()
        for user_id in connection.user_ids:
            others = self._of_user[user_id]
            others.remove(connection)
            if not others:
                del self._of_user[user_id]
            if not any(other.device_id == connection.device_id for other in others):
                await self._left(user_id, connection.device_id)

    async def _left(self, user_id: str, device_id: str) -> None:
        until_ms = self._clock_ms() + self._settings.linger_ms
        await self._store.run(lambda store: store.disconnect(user_id, device_id, until_ms))

    async def acknowledge(self, user_ids: tuple[str, ...], device_id: str, up_to_id: int) -> None:
        """A device has everything up to this id. Returns when that is told and durable."""
        for user_id in user_ids:
            await self._have_told(user_id, up_to_id, device_id)
            await self._note_acknowledged(user_id, device_id, up_to_id)

    async def _note_acknowledged(self, user_id: str, device_id: str, up_to_id: int) -> None:
        now_ms = self._clock_ms()
        await self._store.run(lambda store: store.acknowledge(user_id, device_id, up_to_id, now_ms))

    async def _have_told(self, user_id: str, up_to_id: int, device_id: str) -> None:
        """First the job is told, then it is noted: what a crash comes between is told again, with the same ids."""
        entries = await self._store.run(lambda store: store.unacknowledged(user_id, up_to_id))
        for entry in entries:
            if waiting := self._unacknowledged.get(entry.stream_id):
                waiting.set()
        channel = feedback_pb2.CHANNEL_IN_APP
        now_ms = self._clock_ms()
        reports = [
            Report(user_id, entry.command_id, feedback_pb2.OUTCOME_DELIVERED, now_ms, channel=channel, device_id=device_id)
            for entry in entries
        ]
        if len(reports) == 1:
            await self._tell(reports[0])
        elif reports:
            await asyncio.gather(*(self._tell(report) for report in reports))

    # Time passes
    async def watch(self) -> None:
        """Pass on what other gateways put into the stream, and notice acknowledgements that they got. Runs until cancelled."""
        while True:
            await asyncio.sleep(self._settings.watch_ms / 1000)
            news = await self._news(list(self._unacknowledged))
            if news is None:
                continue
            entries, acknowledged, self._seen_id = news
            for entry in entries:
                self._publish(entry)
            for stream_id in acknowledged:
                if event := self._unacknowledged.get(stream_id):
                    event.set()

    async def _news(self, waiting: list[int]) -> tuple[Sequence[StreamEntry], Sequence[int], int] | None:
        after_id = self._seen_id

        def operation(store: Store) -> tuple[Sequence[StreamEntry], Sequence[int], int] | None:
            return (store.written_by_others(after_id), store.acknowledged(waiting), store.newest_id()) if store.changed() else None

        return await self._store.run(operation)

    async def expire(self) -> None:
        """Take out what is over; of what no device was ever sent, the job is told."""
        now_ms = self._clock_ms()
        while over := await self._store.run(lambda store: store.expired(now_ms, _MOST_AT_ONCE)):
            for entry, sent in over:
                if not sent:
                    await self._gone(entry, feedback_pb2.OUTCOME_EXPIRED, "the user did not come back in time")
            await self._remove([entry.stream_id for entry, _ in over])

    async def _remove(self, stream_ids: list[int]) -> None:
        await self._store.run(lambda store: store.remove(stream_ids))

    def close(self) -> None:
        """Send everybody away; they come back to another gateway, or to this one's successor."""
        self._closing = True
        for connections in list(self._of_user.values()):
            for connection in list(connections):
                connection.end(Ending.RESTART)


_MOST_AT_ONCE = 500
