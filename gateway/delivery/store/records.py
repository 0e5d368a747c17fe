"""Reports as stored bytes: the feedback record itself."""

from gateway.delivery.outcomes import Report
from kairos.v1.feedback_pb2 import Feedback


def to_feedback(report: Report) -> bytes:
    """The bytes of a report."""
    return report.feedback().SerializeToString()


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
