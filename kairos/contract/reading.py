"""What a topic holds at this moment, read once: all of it, or what one key has in some time.

*Contract*: reads without a consumer group and commits nothing. Raises ``KairosError`` when no broker answers, the topic is missing or stands still.
"""

import time
from collections.abc import Iterator, Mapping
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2

from kairos.contract.clients import open_consumer
from kairos.contract.connection import Connection
from kairos.errors import KairosError

_STILL_S = 30.0
_OPTIONS = {"group_id": None, "enable_auto_commit": False, "isolation_level": "read_committed", "fetch_max_wait_ms": 50}


def read_to_end(there: Connection, short_name: str) -> Iterator[Any]:
    """kafka-python's records (key, value, timestamp, …), of each partition in order, up to where the topic ends now."""
    with open_consumer(there.bootstrap_servers, there.properties, **_OPTIONS) as consumer:
        partitions = [TopicPartition(there.topic(short_name), number) for number in _numbers(there, short_name, consumer)]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        yield from _until(consumer, consumer.end_offsets(partitions))


def read_key(there: Connection, short_name: str, key: str, from_ms: int, until_ms: int | None = None) -> Iterator[Any]:
    """The records of one key that were written from ``from_ms`` on and, if told, before ``until_ms``, as of now.

    No more is read than the partition the key belongs to (docs/topics.md); what was written before partitions were added may lie in another one.
    """
    name = key.encode()
    # Checksums in pure Python take four fifths of the time, for records of which nearly all are somebody else's; brokers have checked them.
    with open_consumer(there.bootstrap_servers, there.properties, **_OPTIONS, check_crcs=False) as consumer:
        numbers = _numbers(there, short_name, consumer)
        partition = TopicPartition(there.topic(short_name), partition_of(name, len(numbers)))
        consumer.assign([partition])
        end = consumer.end_offsets([partition])[partition]
        begin, stop = (_offset_at(consumer, partition, at_ms, end) for at_ms in (from_ms, until_ms))
        consumer.seek(partition, begin)
        for record in _until(consumer, {partition: stop}):
            if record.offset < stop and record.key == name:
                yield record


def partition_of(key: bytes, partitions: int) -> int:
    """Where Kafka's default partitioner puts a key: `(murmur2(key) & 0x7fffffff) mod partitions`.

    >>> partition_of(b"user-000001", 12)
    11
    """
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def _numbers(there: Connection, short_name: str, consumer: KafkaConsumer) -> list[int]:
    topic = there.topic(short_name)
    numbers = consumer.partitions_for_topic(topic)
    if not numbers:
        raise KairosError(
            f"There is no topic {topic} at {there.bootstrap_servers}.", "Run `kairos topics create`, or give another --prefix."
        )
    return sorted(numbers)


def _offset_at(consumer: KafkaConsumer, partition: TopicPartition, at_ms: int | None, end: int) -> int:
    """Of the first record written at this moment or later; the end if there is none, or no moment."""
    found = consumer.offsets_for_times({partition: max(at_ms, 0)})[partition] if at_ms is not None else None
    return int(found.offset) if found is not None and found.offset >= 0 else end


def _until(consumer: KafkaConsumer, ends: Mapping[TopicPartition, int]) -> Iterator[Any]:
    moved_s = time.monotonic()
    # Compaction and transactions leave offsets without a record: the position tells the end, not the count.
    while any(consumer.position(partition) < end for partition, end in ends.items()):
        before = [consumer.position(partition) for partition in ends]
        for batch in consumer.poll(100).values():
            yield from batch
        if [consumer.position(partition) for partition in ends] != before:
            moved_s = time.monotonic()
        elif time.monotonic() - moved_s > _STILL_S:
            topic = next(iter(ends)).topic
            raise KairosError(f"{topic} cannot be read to its end: nothing came for {_STILL_S:.0f} s.", "Check the brokers.")
