"""Why then: what led to the decision, how long it was put off, and the hours that were weighed.

*Contract*: pure; the slots are those of the decision itself, or of the one that put it off for a better hour.
"""

from dataclasses import dataclass
from typing import Literal

from flink_job.core.reasons import Reason
from kairos.explain.history import History
from kairos.v1.decision_pb2 import VERDICT_DEFERRED, Decision
from kairos.v1.signal_pb2 import Trigger
from kairos.words import reason_of


@dataclass(frozen=True, slots=True)
class Hour:
    """One moment that was weighed. ``value``: CTR·CVR·discount over that of the earliest one."""

    at_ms: int
    ctr: float
    cvr: float
    discount: float
    value: float
    propensity: float


@dataclass(frozen=True, slots=True)
class Hours:
    """``chosen`` and ``best``: rows. ``best`` is by the estimates, and not before the earliest one unless it gains ``least_gain`` (None: not known).

    ``explored``: the draw fell on another hour than the estimates would.
    """

    weighed_at_ms: int
    hours: tuple[Hour, ...]
    chosen: int
    best: int
    least_gain: float | None
    explored: bool


@dataclass(frozen=True, slots=True)
class PutOff:
    """An earlier word on the same cause: not yet."""

    decided_at_ms: int
    reason: str
    wake_at_ms: int


@dataclass(frozen=True, slots=True)
class Moment:
    """``how``: ``at_once``, when what caused it happened; ``waited``, put off before; ``hour``, an hour that was chosen while nothing else waited."""

    how: Literal["at_once", "waited", "hour"]
    caused_at_ms: int
    decided_at_ms: int
    put_off: tuple[PutOff, ...]
    hours: Hours | None


def moment_of(history: History, decision: Decision, least_gain: float | None) -> Moment:
    """``least_gain``: the policy's, if it is known to be that of the decision."""
    earlier = [
        each
        for each in history.decisions
        if each.cause_id == decision.cause_id and each.verdict == VERDICT_DEFERRED and each.decided_at_ms < decision.decided_at_ms
    ]
    hours = hours_of(decision, least_gain)
    for each in reversed(earlier):
        if hours is None and reason_of(each.reason) is Reason.BETTER_TIME:
            hours = hours_of(each, least_gain)
    if decision.trigger in (Trigger.TRIGGER_BEST_TIME, Trigger.TRIGGER_WIN_BACK) and not earlier:
        how: Literal["at_once", "waited", "hour"] = "hour"
    else:
        how = "waited" if earlier or decision.decided_at_ms > decision.caused_at_ms > 0 else "at_once"
    put_off = tuple(PutOff(each.decided_at_ms, each.reason, each.wake_at_ms) for each in earlier)
    return Moment(how, decision.caused_at_ms, decision.decided_at_ms, put_off, hours)


def hours_of(decision: Decision, least_gain: float | None) -> Hours | None:
    """None where no hours were weighed."""
    slots = decision.slots
    if not slots:
        return None
    values = [each.ctr * each.cvr * each.discount for each in slots]
    until_ms = decision.wake_at_ms if decision.verdict == VERDICT_DEFERRED else decision.decided_at_ms
    chosen = max(row for row, each in enumerate(slots) if row == 0 or each.at_ms <= until_ms)
    lifted = [values[0] * (1 + (least_gain or 0.0)), *values[1:]]
    best = max(range(len(values)), key=lambda row: (lifted[row], -row))
    hours = tuple(
        Hour(each.at_ms, each.ctr, each.cvr, each.discount, value / values[0] if values[0] else 0.0, each.propensity)
        for each, value in zip(slots, values, strict=True)
    )
    return Hours(decision.decided_at_ms, hours, chosen, best, least_gain, explored=chosen != best)
