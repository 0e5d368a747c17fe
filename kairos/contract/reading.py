"""All that a topic holds at this moment, read once.

*Contract*: reads without a consumer group and commits nothing. Raises ``KairosError`` when no broker answers, the topic is missing or stands still.
"""

import time
from collections.abc import Iterator
from typing import Any

from kafka import TopicPartition

from kairos.contract.clients import open_consumer
from kairos.contract.connection import Connection
from kairos.errors import KairosError

_STILL_S = 30.0


def read_to_end(there: Connection, short_name: str) -> Iterator[Any]:
    """kafka-python's records (key, value, timestamp, …), of each partition in order, up to where the topic ends now."""
    topic = there.topic(short_name)
    options = {"group_id": None, "enable_auto_commit": False, "isolation_level": "read_committed", "fetch_max_wait_ms": 50}
    with open_consumer(there.bootstrap_servers, there.properties, **options) as consumer:
        numbers = consumer.partitions_for_topic(topic)
        if not numbers:
            raise KairosError(
                f"There is no topic {topic} at {there.bootstrap_servers}.", "Run `kairos topics create`, or give another --prefix."
            )
        partitions = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        moved_s = time.monotonic()
        # Compaction and transactions leave offsets without a record: the position tells the end, not the count.
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            before = [consumer.position(partition) for partition in partitions]
            for batch in consumer.poll(100).values():
                yield from batch
            if [consumer.position(partition) for partition in partitions] != before:
                moved_s = time.monotonic()
            elif time.monotonic() - moved_s > _STILL_S:
                raise KairosError(f"{topic} cannot be read to its end: nothing came for {_STILL_S:.0f} s.", "Check the brokers.")
