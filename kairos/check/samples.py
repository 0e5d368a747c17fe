"""Whether the newest records are what the job expects: the wrong topic, or the wrong feature length, is seen before it is wired.

*Contract*: reads at most ``NEWEST`` records a partition, without a consumer group, and commits nothing.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

from google.protobuf.message import DecodeError
from kafka import KafkaConsumer, TopicPartition

from flink_job.config import Config
from kairos.check.finding import Finding, fail, ok, skip, warn
from kairos.contract.clients import open_consumer
from kairos.v1.item_pb2 import Item
from kairos.v1.signal_pb2 import Signal

NEWEST = 10
_DEADLINE_S = 5.0
_EXAMPLES = 2


def check_samples(config: Config) -> Iterator[Finding]:
    """The topics must exist."""
    judges: dict[str, Callable[[Any], str | None]] = {
        "interactions": _judge_signal,
        "feedback": _judge_signal,
        "items": lambda record: _judge_item(record, config.catalogue.feature_dim),
    }
    consumer = open_consumer(config.kafka.bootstrap_servers, config.kafka.properties, group_id=None, fetch_max_wait_ms=50)
    with consumer:
        for short_name, judge in judges.items():
            topic = config.kafka.topic_prefix + short_name
            yield _judge_all(topic, _newest(consumer, topic), judge)


def _judge_all(topic: str, records: list[Any], judge: Callable[[Any], str | None]) -> Finding:
    what = f"newest records of {topic}"
    if not records:
        return skip(what, "there are none yet")
    verdicts = [(record, judge(record)) for record in records]
    bad = [f"partition {record.partition}, offset {record.offset}: {problem}" for record, problem in verdicts if problem]
    if not bad:
        return ok(what, f"{len(records)} read, all as the job expects them")
    detail = f"{len(bad)} of {len(records)} would be dead letters ({'; '.join(bad[:_EXAMPLES])})"
    if len(bad) == len(records):
        return fail(
            what,
            detail,
            "Check kafka.topic_prefix, catalogue.feature_dim and who writes there; docs/contract.md has the format.",
        )
    return warn(what, detail, "Find out who writes them; docs/contract.md has the format.")


def _judge_signal(record: Any) -> str | None:
    """What is wrong with it; ``None`` if nothing is."""
    if record.key is None:
        return "no key"
    if record.value is None:
        return "no value"
    try:
        signal = Signal.FromString(record.value)
    except DecodeError:
        return "no kairos.v1.Signal"
    body = signal.WhichOneof("body")
    if body is None:
        return "an empty kairos.v1.Signal"
    user_id = getattr(signal, body).user_id
    return None if user_id.encode() == record.key else f"{body}.user_id differs from the key"


def _judge_item(record: Any, feature_dim: int) -> str | None:
    if record.key is None:
        return "no key"
    if record.value is None:
        return None  # a tombstone
    try:
        item = Item.FromString(record.value)
    except DecodeError:
        return "no kairos.v1.Item"
    if item.item_id.encode() != record.key:
        return "item_id differs from the key"
    if item.features and len(item.features) != 4 * feature_dim:
        return f"{len(item.features) // 4} features, but catalogue.feature_dim is {feature_dim}"
    return None


def _newest(consumer: KafkaConsumer, topic: str) -> list[Any]:
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
    consumer.assign(partitions)
    begins, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    for partition in partitions:
        consumer.seek(partition, max(begins[partition], ends[partition] - NEWEST))
    records: list[Any] = []
    deadline = time.monotonic() + _DEADLINE_S
    # Compaction and transactions leave offsets without a record: the position tells the end, not the count.
    while any(consumer.position(partition) < ends[partition] for partition in partitions) and time.monotonic() < deadline:
        for batch in consumer.poll(100).values():
            records.extend(record for record in batch if record.offset < ends[TopicPartition(record.topic, record.partition)])
    return records
