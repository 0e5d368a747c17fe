"""When the next chance of a push is, as far as the log tells.

*Contract*: pure.
"""

from dataclasses import dataclass
from typing import Literal

from flink_job.core.rules import Rules
from kairos.explain.history import History
from kairos.v1.decision_pb2 import VERDICT_DEFERRED, VERDICT_SENT, Decision
from kairos.words import NEVER_BY_ITSELF, reason_of


@dataclass(frozen=True, slots=True)
class Chance:
    """``how``:

    ``wake_up``: it is decided again at ``at_ms``, put off for ``reason``. ``gate``: with the first signal after ``at_ms``, when the gate of this
    ``reason`` opens. ``after_push``: with the first signal after ``at_ms``, the least time between pushes (None: not known). ``signal``: with the
    next signal. ``never``: not until what ``reason`` says has changed. ``ahead_ms``: an hour that was chosen ahead, should nothing come before it
    (None: none was, as far as the log tells).
    """

    how: Literal["wake_up", "gate", "after_push", "signal", "never"]
    at_ms: int | None
    reason: str
    ahead_ms: int | None = None


def chance_of(history: History, decision: Decision, at_ms: int, rules: Rules | None) -> Chance:
    """After ``decision``, the one in force at ``at_ms``. ``rules``: the policy's, if they are known to be those of the decision."""
    reason = reason_of(decision.reason)
    if reason in NEVER_BY_ITSELF:
        return Chance("never", None, decision.reason)
    waiting = history.waiting(at_ms)
    if waiting is not None and waiting.verdict == VERDICT_DEFERRED:
        return Chance("wake_up", waiting.wake_at_ms, waiting.reason)
    ahead_ms = waiting.wake_at_ms if waiting is not None else None
    if decision.verdict == VERDICT_SENT:
        return Chance("after_push", decision.decided_at_ms + rules.gates.min_gap_ms if rules else None, "min_gap", ahead_ms)
    closed = next((gate for gate in decision.gates if not gate.passed), None)
    if closed is not None and closed.opens_at_ms > at_ms:
        return Chance("gate", closed.opens_at_ms, closed.name, ahead_ms)
    return Chance("signal", None, "", ahead_ms)
