"""What the dispatcher says about a command: reports, and which outcome a provider's answer is."""

from dataclasses import replace

from gateway.delivery.channels.channel import Answer, Verdict
from gateway.delivery.outcomes import Report
from gateway.delivery.sending import OUT_OF_TIME
from kairos.v1 import feedback_pb2
from kairos.v1.push_pb2 import PushCommand, Target

CANCELLED = "CANCELLED"

OUTCOME_OF = {
    Verdict.ACCEPTED: feedback_pb2.OUTCOME_ACCEPTED,
    Verdict.DEAD_ADDRESS: feedback_pb2.OUTCOME_TOKEN_INVALID,
    Verdict.REFUSED: feedback_pb2.OUTCOME_REJECTED,
    Verdict.AGAIN: feedback_pb2.OUTCOME_FAILED,
    Verdict.CREDENTIALS: feedback_pb2.OUTCOME_FAILED,
}
OUTCOME_OF_CODE = {OUT_OF_TIME: feedback_pb2.OUTCOME_EXPIRED, CANCELLED: feedback_pb2.OUTCOME_CANCELLED}


def report_of(command: PushCommand, outcome: int, at_ms: int, target: Target | None = None, reason: str = "", once: str = "") -> Report:
    """What the gateway itself says of a command."""
    return Report(
        user_id=command.user_id,
        command_id=command.command_id,
        outcome=outcome,
        at_ms=at_ms,
        item_id=command.item_ids[0] if command.item_ids else "",
        channel=target.channel if target else feedback_pb2.CHANNEL_UNSPECIFIED,
        platform=target.platform if target else 0,
        device_id=target.device_id if target else "",
        reason=reason,
        once=once,
    )


def answered(command: PushCommand, target: Target, answer: Answer, attempt: int, outcome: int, at_ms: int) -> Report:
    """What a provider's answer says of a command."""
    return replace(
        report_of(command, outcome, at_ms, target, answer.reason),
        provider_code=answer.code,
        attempt=attempt,
        provider_message_id=answer.message_id,
    )
