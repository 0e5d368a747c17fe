"""Devices and erasures from the topic of interactions: every gateway's group reads it once, however many gateways there are.

The topic is wide and nearly all of it is none of the gateway's business: a record is parsed only if its first byte says that it holds a
UserUpdate.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from google.protobuf.message import DecodeError

from gateway.common.kafka import client_options
from gateway.delivery.metrics import DEVICES
from gateway.delivery.store.async_store import AsyncStore
from gateway.delivery.store.store import Store
from kairos.contract.connection import Connection
from kairos.v1.push_pb2 import Target
from kairos.v1.signal_pb2 import Signal, UserUpdate

_USER_UPDATE = Signal.USER_UPDATE_FIELD_NUMBER << 3 | 2
"""First byte of a Signal that holds a UserUpdate: the field's number, and that its length follows."""
_BATCH = 5_000
_POLL_S = 0.1


class DeviceFeed:
    """Reads in a thread of its own; commits what the store has."""

    def __init__(
        self, connection: Connection, group_id: str, most_per_user: int, store: AsyncStore, failed: Callable[[BaseException], None]
    ) -> None:
        self._options = client_options(connection, "kairos-gateway-devices")
        self._topic = connection.topic("interactions")
        self._group_id = f"{group_id}-devices"
        self._most = most_per_user
        self._store = store
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="devices", daemon=True)

    def start(self) -> None:
        """Join the group."""
        self._thread.start()

    async def stop(self) -> None:
        """Leave it."""
        self._stopping.set()
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        try:
            consumer = self._consumer()
            try:
                self._read(consumer)
            finally:
                consumer.close()
        except Exception as error:  # noqa: BLE001 - also what the store raises: the gateway ends with it, where a thread would die unseen
            self._loop.call_soon_threadsafe(self._failed, error)

    def _consumer(self) -> Consumer:
        return Consumer(
            {
                **self._options,
                "group.id": self._group_id,
                "auto.offset.reset": "earliest",  # who has told a device before the gateway was there is reached as well
                "enable.auto.offset.store": False,
                "isolation.level": "read_committed",
                "partition.assignment.strategy": "cooperative-sticky",
                "allow.auto.create.topics": False,
            }
        )

    def _read(self, consumer: Consumer) -> None:
        consumer.subscribe([self._topic])
        while not self._stopping.is_set():
            messages = [message for message in consumer.consume(_BATCH, _POLL_S) if _is_record(message)]
            updates = [found for message in messages if (found := _user_update(message)) is not None]
            if updates and not self._are_noted(updates):
                return  # whoever comes next reads them again
            last = {message.partition(): message for message in messages}
            for message in last.values():
                consumer.store_offsets(message)

    def _are_noted(self, updates: Sequence[UserUpdate]) -> bool:
        """Once the store has them; False if the feed is stopped while that is waited for."""
        noting = asyncio.run_coroutine_threadsafe(self._note(updates), self._loop)
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                noting.result(_POLL_S)
                return True
        return noting.done() and noting.exception() is None

    async def _note(self, updates: Sequence[UserUpdate]) -> None:
        def operation(store: Store) -> None:
            for update in updates:
                if update.erase:
                    store.forget_user(update.user_id)
                else:
                    targets = [Target.FromString(device.SerializeToString()) for device in update.devices]
                    store.put_devices(update.user_id, targets, update.occurred_at_ms, all_of_them=update.devices_set, most=self._most)

        DEVICES.labels("told").inc(len(updates))
        await self._store.run(operation)


def _is_record(message: Message) -> bool:
    """Raises KafkaException for what does not pass; brokers that are away, librdkafka tries again."""
    error = message.error()
    if error is not None and (
        error.fatal() or error.code() in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)
    ):
        raise KafkaException(error)
    return error is None


def _user_update(message: Message) -> UserUpdate | None:
    """The update in a record, if it says something about devices or erases its user."""
    value = message.value()
    if not value or value[0] != _USER_UPDATE:
        return None
    try:
        update = Signal.FromString(value).user_update
    except DecodeError:
        return None  # the job makes a dead letter of it
    if not (update.erase or update.devices or update.devices_set) or update.user_id.encode() != message.key():
        return None
    update.occurred_at_ms = update.occurred_at_ms or message.timestamp()[1]
    return update
