"""Where a record came from: `topic/partition/offset/timestamp_ms`, one text made by SQL so that it costs one field on the way to Python."""

from __future__ import annotations

from typing import NamedTuple


class Origin(NamedTuple):
    """Source coordinates of a record; `timestamp_ms` is Kafka's."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int

    @property
    def record_id(self) -> str:
        """The same whenever the record is read again."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def parse_origin(text: str) -> Origin:
    """The parts of an origin."""
    topic, partition, offset, timestamp_ms = text.rsplit("/", 3)
    return Origin(topic, int(partition), int(offset), int(timestamp_ms))
