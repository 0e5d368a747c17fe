"""All connected devices of this gateway, and the durable stream behind them.

A push is written to the stream first, then to connections. So a device that was away, or connected to a gateway that died, resumes from
the last id it has; and a push that is in the stream never needs to come from Kafka again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog

from gateway.delivery.channels.channel import Push
from gateway.delivery.channels.payload import fields, to_json
from gateway.delivery.metrics import SENT_SECONDS
from gateway.delivery.outcomes import Report
from gateway.delivery.settings import StreamSettings
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.store import Store
from gateway.delivery.store.values import Addition, Appended, StreamEntry
from gateway.delivery.stream.acknowledging import Acknowledging
from gateway.delivery.stream.connection import Connection, Ending
from gateway.delivery.stream.others import Before, News, news
from gateway.delivery.stream.room import Room
from kairos.v1 import feedback_pb2


class Hub:
    """``tell_all`` hands reports to the job and returns when they are told; ``failed`` is called with what must never happen."""

    def __init__(
        self,
        settings: StreamSettings,
        store: AsyncStore,
        tell_all: Callable[[Sequence[Report]], Awaitable[None]],
        clock_ms: Callable[[], int],
        failed: Callable[[BaseException], None],
    ) -> None:
        self._settings = settings
        self._store = store
        self._tell_all = tell_all
        self._clock_ms = clock_ms
        self.room = Room(settings.max_unwritten)
        """For what devices say."""
        self._acknowledging = Acknowledging(store, tell_all, self._noticed, self.room, clock_ms, failed)
        self._log = structlog.get_logger("stream")
        self._of_user: dict[str, list[Connection]] = {}
        self._unacknowledged: dict[int, asyncio.Event] = {}
        """Entries whose acknowledgement somebody waits for."""
        self._seen_id = 0
        """Up to here, all that other gateways wrote is published."""
        self._closing = False
        self.connections = 0

    async def start(self) -> None:
        """Begin where the stream is now."""
        self._seen_id = await self._store.run(lambda store: store.newest_id())

    # Pushes out
    async def deliver(self, push: Push, accepted: Report, written_at_ms: int, *, another_way: bool) -> bool:
        """Put a push into its user's stream. With ``another_way`` an acknowledgement is waited for, and without one the push is taken out
        again and False returned; else its command is settled at once, for the stream keeps it. What was taken back meanwhile, perhaps by
        another gateway, is not put there: True, for that is its last word.
        """
        settled = None if another_way else accepted
        addition = self.addition(push, settled, self._clock_ms(), sent=self.is_here(push.command.user_id))
        before = self.before((push.command.user_id,))

        def operation(store: Store) -> tuple[Appended, Sequence[StreamEntry]] | None:
            stands = store.settled(push.command.command_id)
            if stands is not None and stands.outcome == feedback_pb2.OUTCOME_CANCELLED:
                return None
            appended = store.append(addition.entry, settled, addition.keep, sent=addition.sent)
            return appended, before.take(store)

        done = await self._store.run(operation)
        if done is None:
            return True
        appended, others = done
        self.publish(others)
        entry = appended.entry
        if another_way:
            self._unacknowledged[entry.stream_id] = asyncio.Event()
        await self._tell_all(self.appended(appended, written_at_ms))
        return not another_way or await self._is_acknowledged(entry)

    def addition(self, push: Push, settled: Report | None, now_ms: int, *, sent: bool) -> Addition:
        """What puts a push into its user's stream. Safe in any thread."""
        command = push.command
        ends_at_ms = min(push.ends_at_ms, now_ms + self._settings.keep_ms)
        payload = to_json(fields(command, push.ends_at_ms))
        entry = StreamEntry(0, command.user_id, command.command_id, payload, command.collapse_key, ends_at_ms)
        return Addition(entry, settled, self._settings.keep_per_user, sent)

    def before(self, user_ids: Iterable[str]) -> Before:
        """What goes first, when something is added for these users."""
        here = (connection for user_id in user_ids for connection in self._of_user.get(user_id, ()))
        return Before(frozenset(user_id for connection in here for user_id in connection.user_ids), self._seen_id)

    def appended(self, appended: Appended, written_at_ms: int) -> list[Report]:
        """A push is in the stream: it goes to the connections. What is to be told of those that made room for it."""
        entry = appended.entry
        if appended.is_new:
            self.publish((entry,))
        if written_at_ms > 0 and self.is_here(entry.user_id):
            SENT_SECONDS.observe(max(0, self._clock_ms() - written_at_ms) / 1000)
        replaced = [self._gone(old, feedback_pb2.OUTCOME_REPLACED, "a newer push took its place") for old in appended.replaced]
        return replaced + [self._gone(old, feedback_pb2.OUTCOME_EXPIRED, "too many waited for the user") for old in appended.overflowed]

    def is_here(self, user_id: str) -> bool:
        """Whether some device of the user is connected to this gateway."""
        return user_id in self._of_user

    def withdrawn(self, user_id: str, command_id: str) -> None:
        """Tell connected devices that a push was taken back."""
        for connection in self._of_user.get(user_id, ()):
            connection.take_back(command_id)

    def publish(self, entries: Iterable[StreamEntry]) -> None:
        """To the connections of their users: in the order of the transactions in which they were written or found."""
        for entry in entries:
            for connection in self._of_user.get(entry.user_id, ()):
                connection.offer(entry)

    async def _is_acknowledged(self, entry: StreamEntry) -> bool:
        """Whether some device has it in time; if none has, it is not in the stream any more."""
        acknowledged = self._unacknowledged[entry.stream_id]
        try:
            async with asyncio.timeout(self._settings.ack_ms / 1000):
                await acknowledged.wait()
        except TimeoutError:
            taken_out = await self._store.run(lambda store: store.withdraw(entry.command_id))
            if taken_out is not None:  # who shows it is about to have it by another way
                self.withdrawn(entry.user_id, entry.command_id)
            return taken_out is None
        else:
            return True
        finally:
            self._unacknowledged.pop(entry.stream_id, None)

    def _gone(self, entry: StreamEntry, outcome: int, reason: str) -> Report:
        channel = feedback_pb2.CHANNEL_IN_APP
        return Report(entry.user_id, entry.command_id, outcome, self._clock_ms(), channel=channel, reason=reason)

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
        now_ms = self._clock_ms()
        user_ids, device_id = connection.user_ids, connection.device_id
        if last_id and not self.room.is_full:  # what it resumes from, it has; if that cannot be kept now, it says so again with the next
            await asyncio.shield(self.acknowledge(user_ids, device_id, last_id))

        def operation(store: Store) -> tuple[list[StreamEntry], int]:
            missed: list[StreamEntry] = []
            for user_id in user_ids:
                store.connect(user_id, device_id)
                missed += store.after(user_id, device_id, last_id, now_ms)
            return sorted(missed, key=lambda entry: entry.stream_id), store.newest_id()

        connection.resume(*await self._store.run(operation))

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

    def acknowledge(self, user_ids: tuple[str, ...], device_id: str, up_to_id: int) -> "asyncio.Future[None]":
        """A device has everything up to this id. Done when that is told and durable; not to be cancelled: it is others' as well."""
        return self._acknowledging.begin(user_ids, device_id, up_to_id)

    def _noticed(self, entries: Iterable[StreamEntry]) -> None:
        for entry in entries:
            if waiting := self._unacknowledged.get(entry.stream_id):
                waiting.set()

    # Time passes
    async def watch(self) -> None:
        """Pass on what other gateways put into the stream, and notice acknowledgements that they got. Runs until cancelled."""
        while True:
            await asyncio.sleep(self._settings.watch_ms / 1000)
            found = await self._news(list(self._unacknowledged))
            if found is None:
                continue
            self.publish(found.entries)
            self._seen_id = found.newest_id
            for stream_id in found.acknowledged:
                if event := self._unacknowledged.get(stream_id):
                    event.set()

    async def _news(self, waiting: Sequence[int]) -> News | None:
        after_id = self._seen_id
        return await self._store.run(lambda store: news(store, after_id, self._of_user, waiting))

    async def expire(self) -> None:
        """Take out what is over; of what no device was ever sent, the job is told."""
        now_ms = self._clock_ms()
        while over := await self._store.run(lambda store: store.expired(now_ms, _MOST_AT_ONCE)):
            reason = "the user did not come back in time"
            await self._tell_all([self._gone(entry, feedback_pb2.OUTCOME_EXPIRED, reason) for entry, sent in over if not sent])
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
