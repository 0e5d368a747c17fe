"""What clients say becomes feedback: a user speaks of their own pushes only."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from gateway.delivery.metrics import MESSAGES
from gateway.delivery.outcomes import Report
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.stream.hub import Hub
from gateway.delivery.stream.messages import OUTCOMES, WITHOUT_COMMAND, Ack, Message, MessageError, Ping, Told
from gateway.delivery.stream.room import FullError
from kairos.v1 import feedback_pb2

_ACKS = MESSAGES.labels("ack")


class Inbox:
    """Takes messages of authenticated users."""

    def __init__(self, hub: Hub, store: AsyncStore, tell: Callable[[Report], Awaitable[None]], clock_ms: Callable[[], int]) -> None:
        self._hub = hub
        self._store = store
        self._tell = tell
        self._clock_ms = clock_ms
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def is_full(self) -> bool:
        """Whether too much of what was said waits for Kafka or the store."""
        return self._hub.room.is_full

    async def take(self, message: Message, user_ids: tuple[str, ...], device_id: str) -> None:
        """Returns when Kafka and the store have it. Raises MessageError, and FullError."""
        if self.is_full and not isinstance(message, Ping):
            MESSAGES.labels("refused").inc()
            raise FullError
        MESSAGES.labels(message.type).inc()
        if isinstance(message, Ack):
            await asyncio.shield(self._hub.acknowledge(user_ids, device_id, int(message.id)))
        elif isinstance(message, Told):
            await self._to_its_end(self._outcome(message, user_ids, device_id))

    def take_at_once(self, message: Ack, user_ids: tuple[str, ...], device_id: str) -> None:
        """Nobody waits until Kafka and the store have it. If they never do, the device acknowledges again when it resumes."""
        _ACKS.inc()
        self._hub.acknowledge(user_ids, device_id, int(message.id))

    async def _to_its_end(self, work: Coroutine[None, None, None]) -> None:
        """Whoever gives up waiting takes nothing back: it goes on, and has its room until it is done."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        self._hub.room.take(1)
        task.add_done_callback(self._ended)
        await asyncio.shield(task)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        self._hub.room.give_back(1)

    async def _outcome(self, told: Told, user_ids: tuple[str, ...], device_id: str) -> None:
        outcome = OUTCOMES[told.outcome]
        owner: str | None = user_ids[0]
        if told.command_id:
            owner = await self._store.run(lambda store: store.owner(told.command_id))
            if owner not in user_ids:
                raise MessageError("command_id: no push of this user has this id")
        elif outcome not in WITHOUT_COMMAND:
            raise MessageError("command_id: which push is it about?")
        await self._tell(
            Report(
                user_id=str(owner),
                command_id=told.command_id,
                outcome=outcome,
                at_ms=self._clock_ms(),
                device_at_ms=told.at_ms,
                channel=feedback_pb2.CHANNEL_UNSPECIFIED,
                device_id=device_id,
                item_id=told.item_id,
                action_id=told.action_id,
                value=told.value,
                currency=told.currency,
                once=told.report_id or ("" if told.command_id else str(told.at_ms or self._clock_ms())),
            )
        )
