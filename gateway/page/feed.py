"""What the page knows, from Kafka: the catalogue from its beginning, the rest from a while ago on. No group, nothing committed.

The consumer lives in a thread; what it reads is handed to the event loop in batches, where alone memory is written and read.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import structlog
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, KafkaException, Message, TopicPartition

from gateway.common.kafka import client_options
from kairos.contract.connection import Connection

TOPICS = ("items", "decisions", "pushes", "feedback", "dead-letters")
_BATCH = 1_000
_POLL_S = 0.05
_TIMEOUT_S = 10.0
_AGAIN_S = 2.0

Records = list[tuple[str, bytes | None, bytes | None, int]]
"""Topic without its prefix, key, value, and when it was written, milliseconds since the epoch."""


class Feed:
    """`take` is called in the event loop with each batch."""

    def __init__(self, connection: Connection, lookback_ms: int, take: Callable[[Records], None]) -> None:
        self._connection = connection
        self._lookback_ms = lookback_ms
        self._take = take
        self._loop = asyncio.get_running_loop()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="feed", daemon=True)
        self.obstacle = "has not asked the brokers yet"
        """Why nothing is read; empty: it is."""

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    async def stop(self) -> None:
        """Returns when the consumer is closed."""
        self._stopping.set()
        await asyncio.to_thread(self._thread.join)

    def _work(self) -> None:
        log = structlog.get_logger("page")
        while not self._stopping.is_set():
            try:
                self._read()
            except KafkaException as error:
                self.obstacle = f"Kafka does not answer ({error.args[0].name() if error.args else 'unknown'})"
                log.warning("feed interrupted", reason=self.obstacle)
                self._stopping.wait(_AGAIN_S)
            except Exception as error:  # the thread would die unseen, and the page show for ever what was true once
                self.obstacle = f"what is in Kafka cannot be read ({type(error).__name__})"
                log.exception("feed failed")
                self._stopping.wait(_AGAIN_S)

    def _read(self) -> None:
        options: dict[str, Any] = {
            **client_options(self._connection, "kairos-page"),
            "group.id": "kairos-page",  # the client wants one; nothing is committed under it
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "allow.auto.create.topics": False,
            "fetch.wait.max.ms": 10,
        }
        consumer = Consumer(options)
        try:
            consumer.assign(self._places(consumer))
            self.obstacle = ""
            while not self._stopping.is_set():
                messages = consumer.consume(_BATCH, _POLL_S)
                records = [self._record(message) for message in messages if not _failed(message)]
                if records:
                    self._loop.call_soon_threadsafe(self._take, records)
        finally:
            consumer.close()

    def _places(self, consumer: Consumer) -> list[TopicPartition]:
        """Where to begin. Raises KafkaException."""
        places = []
        since_ms = max(0, time.time_ns() // 1_000_000 - self._lookback_ms)
        for name in TOPICS:
            topic = self._connection.topic(name)
            found = consumer.list_topics(topic, timeout=_TIMEOUT_S).topics[topic]
            if found.error is not None:
                raise KafkaException(found.error)
            if name == "items":
                places += [TopicPartition(topic, number, OFFSET_BEGINNING) for number in found.partitions]
            else:
                asked = [TopicPartition(topic, number, since_ms) for number in found.partitions]
                places += [_pinned(consumer, place) for place in consumer.offsets_for_times(asked, timeout=_TIMEOUT_S)]
        return places

    def _record(self, message: Message) -> tuple[str, bytes | None, bytes | None, int]:
        return message.topic().removeprefix(self._connection.prefix), message.key(), message.value(), message.timestamp()[1]


def _pinned(consumer: Consumer, place: TopicPartition) -> TopicPartition:
    """The end as it is now, by its number: the client would look for the end when it first fetches, and skip what came until then."""
    if place.offset != OFFSET_END:
        return place
    return TopicPartition(place.topic, place.partition, consumer.get_watermark_offsets(place, timeout=_TIMEOUT_S)[1])


def _failed(message: Message) -> bool:
    """Not a record. Raises KafkaException for what does not pass by itself."""
    error: KafkaError | None = message.error()
    if error is not None and error.fatal():
        raise KafkaException(error)
    return error is not None
