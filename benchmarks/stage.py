"""One run's topics on a real broker, filled before the run: the catalogue, then the log with markers between the events.

A marker is a record that is no Signal: every build must answer it with a dead letter, in its place in the order. The dead-letter topic carries the
broker's own time, so when each marker came through is known afterwards, without a client that watches and costs CPU during the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from kairos.contract.topics import TOPICS, ensure_topics

Records = Sequence[tuple[str, bytes]]

_MARKER = b"\xff"
_TIMEOUT_S = 30.0
_WARNINGS = 4


@dataclass(frozen=True, slots=True)
class Stage:
    """Topics of one partition each, under a prefix of their own."""

    bootstrap_servers: str
    prefix: str

    def topic(self, short_name: str) -> str:
        """A topic's whole name."""
        return self.prefix + short_name

    def write(self, short_name: str, records: Records, markers_after: Sequence[int] = ()) -> None:
        """Write all records, with a marker after those of these numbers (from 1), and return when the broker has them."""
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "linger.ms": 20,
                "batch.size": 1 << 20,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 500_000,
            }
        )
        topic, marked = self.topic(short_name), set(markers_after)
        for number, (key, value) in enumerate(records, start=1):
            _produce(producer, topic, key, value)
            if number in marked:
                _produce(producer, topic, f"marker-{number}", _MARKER)
        if producer.flush(_TIMEOUT_S):
            raise TimeoutError(f"the broker at {self.bootstrap_servers} did not take the records of {topic} within {_TIMEOUT_S:.0f} s")

    @contextmanager
    def counted(self, short_name: str) -> Iterator[Callable[[], int]]:
        """Asks over one connection, as often as one likes, how many records the topic has had."""
        partition = TopicPartition(self.topic(short_name), 0)
        with _consumer(self.bootstrap_servers) as consumer:
            yield lambda: int(consumer.get_watermark_offsets(partition, timeout=_TIMEOUT_S)[1])

    def end(self, short_name: str) -> int:
        """How many records the topic has had."""
        with self.counted(short_name) as count:
            return count()

    def times_ms(self, short_name: str) -> list[int]:
        """The time stamp of every record, in order."""
        return [int(message.timestamp()[1]) for message in self._messages(short_name)]

    def values(self, short_name: str, most: int) -> list[bytes]:
        """The first records."""
        values = []
        for message in self._messages(short_name):
            values.append(bytes(message.value()))
            if len(values) >= most:
                break
        return values

    def _messages(self, short_name: str) -> Iterator[Any]:
        end = self.end(short_name)
        with _consumer(self.bootstrap_servers) as consumer:
            consumer.assign([TopicPartition(self.topic(short_name), 0, 0)])
            position = 0
            deadline = time.monotonic() + _TIMEOUT_S
            while position < end:
                for message in consumer.consume(10_000, timeout=0.5):
                    if message.error() is None:
                        position = message.offset() + 1
                        yield message
                if time.monotonic() > deadline:
                    raise TimeoutError(f"the broker does not give back {self.topic(short_name)}: {position} of {end} records")


def marker_positions(records: int) -> list[int]:
    """After which records of a log a marker stands: every 25 at first, for builds that get no further, then every 500."""
    return [*range(25, min(2_000, records) + 1, 25), *range(2_500, records + 1, 500)]


@contextmanager
def staged(bootstrap_servers: str, name: str) -> Iterator[Stage]:
    """Topics for the length of a ``with`` block."""
    stage = Stage(bootstrap_servers, f"bench.{name}.")
    ensure_topics(bootstrap_servers, stage.prefix, partitions=1)
    admin = AdminClient({"bootstrap.servers": bootstrap_servers, "log_level": _WARNINGS})
    change = ConfigEntry("message.timestamp.type", "LogAppendTime", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, stage.topic("dead-letters"), incremental_configs=[change])
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(_TIMEOUT_S)
    try:
        yield stage
    finally:
        for future in admin.delete_topics([spec.name(stage.prefix) for spec in TOPICS.values()]).values():
            future.result(_TIMEOUT_S)


def _produce(producer: Producer, topic: str, key: str, value: bytes) -> None:
    while True:
        try:
            producer.produce(topic, value, key)
        except BufferError:  # the queue is full: let the broker catch up
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


@contextmanager
def _consumer(bootstrap_servers: str) -> Iterator[Consumer]:
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "bench-reader", "enable.auto.commit": False})
    try:
        yield consumer
    finally:
        consumer.close()
