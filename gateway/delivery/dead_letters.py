"""Records of the topic of pushes that are none, with the place they came from."""

from gateway.delivery.source import Record
from kairos.v1.dead_letter_pb2 import DEAD_LETTER_REASON_MALFORMED, DeadLetter

PAYLOAD_BYTES = 4096


def dead_letter(record: Record, detail: str, now_ms: int) -> tuple[bytes, bytes]:
    """Key and value of the dead letter."""
    value = record.value or b""
    letter = DeadLetter(
        source_topic=record.place.topic,
        source_partition=record.place.partition,
        source_offset=record.place.offset,
        payload=value[:PAYLOAD_BYTES],
        payload_size=len(value),
        reason=DEAD_LETTER_REASON_MALFORMED,
        detail=detail,
        found_at_ms=now_ms,
        source_timestamp_ms=record.written_at_ms,
        producer="kairos-gateway",
    )
    if record.key is not None:
        letter.source_key = record.key.decode(errors="replace")
    return record.place.origin.encode(), letter.SerializeToString()
