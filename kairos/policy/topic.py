"""Policies on the knowledge topic: what was released, and another release.

*Contract*: raises ``KairosError`` when the brokers do not answer, the topic is missing or the record is refused. Reads without a consumer
group and commits nothing.
"""

import time
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError

from flink_job.codec.errors import DecodeError
from flink_job.codec.knowledge import PolicyDecoder, PolicyRelease, PolicyWithdrawal, encode_release, policy_key
from flink_job.releases import Releases
from kairos.contract.clients import open_consumer, open_producer
from kairos.contract.connection import Connection
from kairos.errors import KairosError

_DEADLINE_S = 60.0
_WRITE_TIMEOUT_S = 30.0
_ANY_TIME_MS = 1 << 62


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record was written."""

    topic: str
    partition: int
    offset: int


def read_releases(there: Connection, policy_id: str, now_ms: int) -> Releases:
    """What is to be followed of this policy, now and later, as a job that reads the whole topic would see it.

    Records that are no release are passed over, as the job does. The topic is read to its end: keys cannot be looked up in Kafka.
    """
    topic = there.topic("knowledge")
    own = policy_key(policy_id)
    decoder = PolicyDecoder(max_record_bytes=1 << 30, max_id_bytes=1 << 30)
    releases = Releases()
    for record in _all_records(there, topic):
        key = (record.key or b"").decode(errors="replace")
        if key != own and not key.startswith(f"{own}/"):
            continue
        try:
            change = decoder.decode(key, record.value, record.timestamp, _ANY_TIME_MS)
        except DecodeError:
            continue
        if isinstance(change, PolicyWithdrawal):
            releases = releases.without(key)
        elif not releases.newer_than(change):
            releases = releases.with_release(change, now_ms)
    return releases


def publish(there: Connection, release: PolicyRelease) -> Place:
    """Writes it, and waits until all copies have it."""
    return _write(there, release.key, encode_release(release))


def withdraw(there: Connection, key: str) -> Place:
    """Takes back what was released under this key: jobs follow the policy they were configured with."""
    return _write(there, key, None)


def _write(there: Connection, key: str, value: bytes | None) -> Place:
    topic = there.topic("knowledge")
    with open_producer(there.bootstrap_servers, there.properties, acks="all", allow_auto_create_topics=False) as producer:
        try:
            written = producer.send(topic, key=key.encode(), value=value).get(timeout=_WRITE_TIMEOUT_S)
        except KafkaError as error:
            raise KairosError(
                f"{topic} does not take the record ({error}).", "Run `kairos check`: it tells what the topic lacks."
            ) from error
    return Place(written.topic, written.partition, written.offset)


def _all_records(there: Connection, topic: str) -> list[Any]:
    """Policies among them are few; others are dropped as they are read."""
    with open_consumer(there.bootstrap_servers, there.properties, group_id=None, fetch_max_wait_ms=50) as consumer:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            raise KairosError(
                f"There is no topic {topic} at {there.bootstrap_servers}.", "Run `kairos topics create`, or give another --prefix."
            )
        partitions = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        deadline = time.monotonic() + _DEADLINE_S
        found: list[Any] = []
        # Compaction and transactions leave offsets without a record: the position tells the end, not the count.
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            if time.monotonic() > deadline:
                raise KairosError(f"{topic} cannot be read to its end within {_DEADLINE_S:.0f} s.", "Check the brokers.")
            for batch in consumer.poll(100).values():
                found += [record for record in batch if (record.key or b"").startswith(b"policy/")]
        return found
