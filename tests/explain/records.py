"""Records of the decision log, written by hand."""

from typing import Any

from kairos.explain.clock import Clock, given_clock
from kairos.explain.history import History, history_of
from kairos.v1 import decision_pb2
from kairos.v1.signal_pb2 import Trigger
from tests.core.person import moment

AT = moment("2026-03-04 09:30")
BERLIN: Clock = given_clock("Europe/Berlin")


def decision(at_ms: int, reason: str = "", **fields: Any) -> decision_pb2.Decision:
    """Without a reason, a push; with one and `wake_at_ms`, put off; else not sent. Caused by what happened just then."""
    verdict = decision_pb2.VERDICT_SENT if not reason else decision_pb2.VERDICT_SUPPRESSED
    values: dict[str, Any] = {
        "decision_id": f"{at_ms}/{reason}",
        "user_id": "ann",
        "decided_at_ms": at_ms,
        "caused_at_ms": at_ms,
        "cause_id": f"event-{at_ms}",
        "verdict": decision_pb2.VERDICT_DEFERRED if reason and fields.get("wake_at_ms") else verdict,
        "reason": reason,
        "trigger": Trigger.TRIGGER_BEHAVIOUR,
        "policy_id": "default",
        "policy_version": "1",
        "log_rate": 1.0,
        **fields,
    }
    if not reason:
        values.setdefault("command_id", values["decision_id"])
    return decision_pb2.Decision(**values)


def candidate(item_id: str, **fields: Any) -> decision_pb2.Candidate:
    return decision_pb2.Candidate(item_id=item_id, **{"sources": ["interest"], **fields})


def slot(at_ms: int, ctr: float, cvr: float = 0.05, discount: float = 1.0, propensity: float = 0.0) -> decision_pb2.Slot:
    return decision_pb2.Slot(at_ms=at_ms, ctr=ctr, cvr=cvr, discount=discount, propensity=propensity)


def history(*decisions: decision_pb2.Decision) -> History:
    return history_of("ann", (each.SerializeToString() for each in decisions), (), ())
