"""What the textbook job writes: the same messages as the shipped one."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.textbook.values import Item, Signal
from flink_job.core.ids import command_id, share_of
from flink_job.core.rules import Rules
from kairos.v1 import dead_letter_pb2, decision_pb2, push_pb2, signal_pb2

Out = tuple[str, bytes]


def push_command(signal: Signal, item: Item, score: float, now_ms: int, rules: Rules) -> bytes:
    """The command to send."""
    command = push_pb2.PushCommand(
        command_id=command_id(signal.user_id, signal.event_id),
        user_id=signal.user_id,
        decided_at_ms=now_ms,
        expires_at_ms=now_ms + rules.send.time_to_live_ms,
        priority=push_pb2.PRIORITY_NORMAL,
        purpose=push_pb2.PURPOSE_MARKETING,
        collapse_key=f"item-{item.item_id}",
        relevance=min(1.0, max(0.0, score)),
        item_ids=[item.item_id],
        trigger=signal_pb2.TRIGGER_BEHAVIOUR,
        cause_id=signal.event_id,
        caused_at_ms=signal.at_ms,
        content=push_pb2.Content(
            title=item.title, body=item.body, image_url=item.image_url, deep_link=item.deep_link, locale=signal.locale
        ),
    )
    return command.SerializeToString()


def sent_decision(signal: Signal, item: Item, score: float, now_ms: int, rules: Rules) -> bytes:
    """The log record of a push."""
    decision = _decision(signal, now_ms, rules)
    decision.verdict = decision_pb2.VERDICT_SENT
    decision.decision_id = decision.command_id = command_id(signal.user_id, signal.event_id)
    decision.item_ids.append(item.item_id)
    decision.candidates.add(item_id=item.item_id, score=score)
    return decision.SerializeToString()


def suppressed_decision(signal: Signal, reason: str, now_ms: int, rules: Rules) -> Iterator[Out]:
    """The log record of a decision against a push, for the share of them that is logged."""
    if share_of(signal.event_id, "log") < rules.log.suppressed_share:
        decision = _decision(signal, now_ms, rules)
        decision.verdict = decision_pb2.VERDICT_SUPPRESSED
        decision.reason = reason
        decision.decision_id = command_id(signal.user_id, f"{signal.event_id}\0{reason}")
        yield "decisions", decision.SerializeToString()


def logged(signal: Signal, reason: str, rules: Rules) -> Iterator[Out]:
    """The same, decided as of the signal."""
    return suppressed_decision(signal, reason, signal.at_ms, rules)


def dead_letter(payload: bytes) -> bytes:
    """For a record that is no signal."""
    return dead_letter_pb2.DeadLetter(payload=payload, reason=dead_letter_pb2.DEAD_LETTER_REASON_MALFORMED).SerializeToString()


def _decision(signal: Signal, now_ms: int, rules: Rules) -> decision_pb2.Decision:
    return decision_pb2.Decision(
        user_id=signal.user_id,
        decided_at_ms=now_ms,
        trigger=signal_pb2.TRIGGER_BEHAVIOUR,
        cause_id=signal.event_id,
        caused_at_ms=signal.at_ms,
        policy_id=rules.policy_id,
        policy_version=rules.version,
    )
