"""Dead letters as bytes."""

from __future__ import annotations

from flink_job.codec.errors import DecodeError
from flink_job.codec.origin import parse_origin
from kairos.v1 import dead_letter_pb2

_MOST_DETAIL_BYTES = 1_024
"""What is said may quote what was sent, however long that was."""


def encode_dead_letter(
    key: str | None, payload: bytes | None, origin: str, error: DecodeError, now_ms: int, payload_limit: int, producer: str
) -> tuple[str, bytes]:
    """Key and value of the dead letter for a record."""
    source = parse_origin(origin)
    letter = dead_letter_pb2.DeadLetter(
        source_topic=source.topic,
        source_partition=source.partition,
        source_offset=source.offset,
        payload_size=len(payload or b""),
        reason=error.reason,
        detail=error.detail.encode()[:_MOST_DETAIL_BYTES].decode(errors="ignore"),
        found_at_ms=now_ms,
        source_timestamp_ms=source.timestamp_ms,
        producer=producer,
    )
    if key is not None and not key.startswith("\0"):
        letter.source_key = key
    if payload is not None:
        letter.payload = payload[:payload_limit]
    return source.record_id, letter.SerializeToString()
