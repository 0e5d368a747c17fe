"""Records of the decision log as bytes."""

from __future__ import annotations

from functools import lru_cache

from flink_job.core.effects import Gate, Push, Record, Suppressed
from flink_job.core.ids import command_id
from kairos.v1 import decision_pb2


def encode_sent(user_id: str, push: Push, wake_at_ms: int, policy: tuple[str, str], producer: str) -> bytes:
    """The log record of a push. `wake_at_ms`: of the wake-up that was set with it, 0: none."""
    decision = _decision(user_id, push.record, push.decided_at_ms, policy, producer)
    decision.wake_at_ms = wake_at_ms
    decision.decision_id = decision.command_id = push.command_id
    decision.verdict = decision_pb2.VERDICT_SENT
    decision.item_ids.extend([push.item.item_id, *(item.item_id for item in push.also)])
    decision.propensity = push.propensity
    decision.log_rate = 1.0
    return decision.SerializeToString() + _gates(push.record.gates)


def encode_suppressed(
    user_id: str, answer: Suppressed, record: Record, wake_at_ms: int, policy: tuple[str, str], log_rate: float, producer: str
) -> bytes:
    """The log record of a decision against a push, or for later. `wake_at_ms`: of the wake-up that was set with it, for whatever reason."""
    decision = _decision(user_id, record, answer.decided_at_ms, policy, producer)
    # One cause may be decided on, and deferred for the same reason, more than once.
    decision.decision_id = command_id(user_id, f"{record.cause_id}\0{answer.reason.metric}\0{answer.decided_at_ms}")
    decision.verdict = decision_pb2.VERDICT_DEFERRED if answer.wake_at_ms else decision_pb2.VERDICT_SUPPRESSED
    decision.reason = answer.reason.metric
    decision.wake_at_ms = wake_at_ms
    decision.log_rate = log_rate
    return decision.SerializeToString() + _gates(record.gates)


@lru_cache(maxsize=64)
def _gates(gates: tuple[Gate, ...]) -> bytes:
    """The field `gates`; encoded messages may be joined, and the same few lists come again and again."""
    decision = decision_pb2.Decision()
    for gate in gates:
        decision.gates.add(name=gate.name, passed=gate.passed, opens_at_ms=gate.opens_at_ms)
    return decision.SerializeToString()


def _decision(user_id: str, record: Record, decided_at_ms: int, policy: tuple[str, str], producer: str) -> decision_pb2.Decision:
    decision = decision_pb2.Decision(
        user_id=user_id,
        decided_at_ms=decided_at_ms,
        trigger=record.trigger,  # type: ignore[arg-type]  # the numbers are the contract's
        cause_id=record.cause_id,
        caused_at_ms=record.caused_at_ms,
        policy_id=policy[0],
        policy_version=policy[1],
        catalogue_version=record.catalogue_version,
        decision_number=record.number,
        producer=producer,
    )
    propensities = record.propensities or (0.0,) * len(record.candidates)
    for item, propensity in zip(record.candidates, propensities, strict=True):
        listed = decision.candidates.add(
            item_id=item.item_id, score=item.score, interest=item.interest, affinity=item.affinity, sources=item.sources
        )
        if item.p_open:
            listed.p_open, listed.p_convert, listed.utility = item.p_open, item.p_convert, item.utility
        if propensity:
            listed.propensity = propensity
        if item.diversity != 1.0:
            listed.diversity = item.diversity
    for name, count in record.found_by_source:
        decision.candidates_by_source[name] = count
    for name, count in record.dropped_by_rule:
        decision.dropped_by_rule[name] = count
    for name, value in record.terms:
        decision.utility_terms[name] = value
    for slot in record.slots:
        decision.slots.add(at_ms=slot.at_ms, ctr=slot.ctr, cvr=slot.cvr, discount=slot.discount, propensity=slot.propensity)
    decision.planned_item_id = record.planned_item_id
    decision.planned_dropped_by = record.planned_dropped_by
    return decision
