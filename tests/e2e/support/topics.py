"""Writing to and reading from the job's topics, with deadlines instead of sleeps."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Message, Producer, TopicPartition

_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to publish; `topic` is the full name."""

    topic: str
    key: bytes | None
    value: bytes | None
    timestamp_ms: int = 0


Place = tuple[str, int, int]
"""Topic, partition, offset."""


def publish(bootstrap_servers: str, records: Iterable[Outgoing], *, per_second: int = 0) -> list[Place]:
    """Write all of them, with Kafka's own partitioner; paced if `per_second` is given. Returns where each of them is."""
    places: dict[int, Place] = {}
    producer = Producer(
        {
            "bootstrap.servers": bootstrap_servers,
            "partitioner": "murmur2_random",
            "linger.ms": 5,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    started = time.monotonic()
    for number, record in enumerate(records):
        while per_second and (ahead_s := number / per_second - (time.monotonic() - started)) > 0:
            producer.poll(ahead_s)
        options = {"timestamp": record.timestamp_ms} if record.timestamp_ms else {}
        producer.produce(record.topic, key=record.key, value=record.value, on_delivery=partial(_note, places, number), **options)
        producer.poll(0)
    assert producer.flush(60) == 0, "the broker does not take the records"
    return [places[number] for number in sorted(places)]


def _note(places: dict[int, Place], number: int, error: KafkaError | None, message: Message) -> None:
    assert error is None, str(error)
    places[number] = (message.topic(), message.partition(), message.offset())


@dataclass(frozen=True, slots=True)
class Incoming:
    """A record that was read."""

    key: bytes | None
    value: bytes | None
    partition: int
    offset: int
    timestamp_ms: int


class TopicReader:
    """Reads one topic from its start and keeps all of it in `records`."""

    def __init__(self, bootstrap_servers: str, topic: str, *, committed: bool = True) -> None:
        """`committed`: only what transactions have committed; else also what is open or was aborted."""
        self.topic = topic
        self.records: list[Incoming] = []
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "test-reader",
                "enable.auto.commit": False,
                "isolation.level": "read_committed" if committed else "read_uncommitted",
                "enable.partition.eof": True,
                "fetch.wait.max.ms": 20,
            }
        )
        partitions = self._consumer.list_topics(topic, timeout=10).topics[topic].partitions
        self._read_to = dict.fromkeys(partitions, 0)
        self._consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])

    def poll(self, timeout_s: float = _POLL_S) -> None:
        """Take in what is there, or wait for it."""
        for message in self._consumer.consume(1000, timeout_s):
            error = message.error()
            if error is None:
                self.records.append(Incoming(message.key(), message.value(), message.partition(), message.offset(), message.timestamp()[1]))
                self._read_to[message.partition()] = message.offset() + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                self._read_to[message.partition()] = message.offset()
            else:
                raise AssertionError(f"{self.topic}: {error}")

    def read_until(self, done: Callable[[], bool], goal: str, *, deadline_s: float) -> None:
        """Read until `done()`; fails, naming the goal, when time is up."""
        deadline = time.monotonic() + deadline_s
        while not done():
            assert time.monotonic() < deadline, (
                f"{self.topic}: {deadline_s:.0f} s went by before {goal}; {len(self.records)} records were read"
            )
            self.poll()

    def read_to_end(self, *, deadline_s: float = 30.0) -> None:
        """Read what the topic holds now; fails if an open transaction hides the end of it."""
        ends = {number: self._consumer.get_watermark_offsets(TopicPartition(self.topic, number), timeout=10)[1] for number in self._read_to}
        self.read_until(
            lambda: all(self._read_to[number] >= end for number, end in ends.items()), f"its end {ends} was read", deadline_s=deadline_s
        )

    def close(self) -> None:
        self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
