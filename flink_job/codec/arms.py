"""Experiment arms in records. Encoded messages may be joined, so what all users of an arm share is encoded once."""

from __future__ import annotations

from functools import lru_cache

from flink_job.core.ids import command_id
from kairos.v1 import decision_pb2, push_pb2

Arms = tuple[tuple[str, str], ...]
"""(layer, arm)"""


@lru_cache(maxsize=256)
def arms_of_decision(arms: Arms) -> bytes:
    """To be joined to a Decision."""
    return decision_pb2.Decision(arms=dict(arms)).SerializeToString()


@lru_cache(maxsize=256)
def arms_of_push(arms: Arms) -> bytes:
    """To be joined to a PushCommand."""
    if not arms:
        return b""
    return push_pb2.PushCommand(decision=push_pb2.DecisionSummary(arms=dict(arms))).SerializeToString()


def encode_exposure(user_id: str, at_ms: int, policy: tuple[str, str], arms: Arms, since_ms: int, producer: str) -> bytes:
    """The log record that these arms, which have differed since `since_ms`, apply to the user from `at_ms` on."""
    exposure = decision_pb2.Decision(
        # As long as the same arms apply it is the same exposure, however often it is read again.
        decision_id=command_id(user_id, f"exposed\0{since_ms}\0{arms}"),
        user_id=user_id,
        decided_at_ms=at_ms,
        verdict=decision_pb2.VERDICT_EXPOSED,
        policy_id=policy[0],
        policy_version=policy[1],
        arms=dict(arms),
        log_rate=1.0,
        producer=producer,
    )
    return exposure.SerializeToString()
