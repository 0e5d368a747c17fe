"""Records of an experiment as the job and its users write them."""

from typing import Any

from kairos.v1 import decision_pb2, feedback_pb2, interaction_pb2, signal_pb2

DAY = 86_400_000
START = 1_772_000_000_000


def exposed(user: str, arm: str, at_ms: int = START, layer: str = "timing") -> decision_pb2.Decision:
    """The user's first signal under arms that differ."""
    return decision_pb2.Decision(
        decision_id=f"e-{user}-{at_ms}", user_id=user, decided_at_ms=at_ms, verdict=decision_pb2.VERDICT_EXPOSED, arms={layer: arm}
    )


def sent(user: str, command: str, at_ms: int, arms: dict[str, str] | None = None) -> decision_pb2.Decision:
    """A push."""
    return decision_pb2.Decision(
        decision_id=command, command_id=command, user_id=user, decided_at_ms=at_ms, verdict=decision_pb2.VERDICT_SENT, arms=arms or {}
    )


def feedback(user: str, outcome: str, command: str, at_ms: int, value: float = 0.0) -> signal_pb2.Signal:
    """What became of a push: `feedback("ann", "OPENED", "c1", at)`."""
    body = feedback_pb2.Feedback(
        feedback_id=f"{command}-{outcome}",
        user_id=user,
        command_id=command,
        occurred_at_ms=at_ms,
        outcome=feedback_pb2.Outcome.Value(f"OUTCOME_{outcome}"),
        value=value,
    )
    return signal_pb2.Signal(feedback=body)


def interaction(user: str, event: str, at_ms: int, kind: str = "VIEW", value: float = 0.0) -> signal_pb2.Signal:
    """What a user did."""
    fields: dict[str, Any] = {"event_id": event, "user_id": user, "occurred_at_ms": at_ms, "value": value}
    return signal_pb2.Signal(
        interaction=interaction_pb2.Interaction(type=interaction_pb2.InteractionType.Value(f"INTERACTION_TYPE_{kind}"), **fields)
    )
