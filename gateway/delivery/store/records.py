"""Reports as bytes: the feedback record itself, as it is stored, and as it goes into Kafka."""

from functools import lru_cache

from gateway.delivery.outcomes import Report
from kairos.v1.feedback_pb2 import Feedback
from kairos.v1.signal_pb2 import Signal

_JUST_MADE = 1024
"""Reports: those of two large batches."""
_FEEDBACK = Signal.FEEDBACK_FIELD_NUMBER << 3 | 2


@lru_cache(_JUST_MADE)
def to_feedback(report: Report) -> bytes:
    """The bytes of a report. What is stored is told right afterwards: it is made once."""
    return report.feedback().SerializeToString()


def to_signal(report: Report) -> bytes:
    """The bytes of a ``Signal`` that holds the report: a message within a message is its field's number, its length and its bytes."""
    feedback = to_feedback(report)
    length = len(feedback)
    head = bytearray((_FEEDBACK,))
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head) + feedback


def from_feedback(data: bytes | None) -> Report | None:
    """The report in these bytes."""
    if data is None:
        return None
    told = Feedback.FromString(data)
    return Report(
        user_id=told.user_id,
        command_id=told.command_id,
        outcome=told.outcome,
        at_ms=told.occurred_at_ms,
        channel=told.channel,
        platform=told.platform,
        device_id=told.device_id,
        provider_code=told.provider_code,
        reason=told.reason,
        attempt=told.attempt,
        provider_message_id=told.provider_message_id,
        item_id=told.item_id,
    )
