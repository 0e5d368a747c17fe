"""What another policy would have decided in the place of the one that did, decision by decision.

Each is taken from the state in which the user was then, so a push that would not have been sent is still there for the next decision: what is
counted is one step, not a life under the other policy (`make evaluate` and experiments are for that). Candidates are those that were found; where
the other policy would have looked for some and this one did not, what it would have decided is not known, and counted as such.

*Contract*: pure.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from flink_job.core.rules import LearningRules, Rules
from kairos.decisions.again import NotReplayable, counterpart, taken_again
from kairos.decisions.difference import first_difference
from kairos.decisions.offpolicy import Estimates, estimate
from kairos.decisions.policies import KnownPolicies
from kairos.decisions.replay import each_once, rules_by, verdict_name
from kairos.decisions.replayed import Replayed
from kairos.v1.decision_pb2 import VERDICT_SENT, Candidate, Decision
from kairos.v1.signal_pb2 import Trigger

FEWEST_USERS = 2
"""An interval is of what differs between users."""

_ALL = 1 << 20
"""More candidates than any list has."""


@dataclass(slots=True)
class WhatIf:
    """``missing``: why decisions could not be taken again; ``unknown``: why the other policy's decision is not known. Each → how many."""

    replayed: list[Replayed] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)

    @property
    def pushes(self) -> list[Replayed]:
        """Those that were sent: what became of them is known, so estimates are made of these."""
        return [each for each in self.replayed if each.item_id]


def what_if(decisions: Iterable[Decision], policies: KnownPolicies, target: Rules, learning: LearningRules) -> WhatIf:
    """All of the decisions under the rules ``target``."""
    result = WhatIf()
    for decision in each_once(decisions):
        try:
            logging = rules_by(decision, policies)
            same = counterpart(decision, taken_again(decision, logging, learning))
            if same is None or first_difference(decision, same) is not None:
                raise NotReplayable("it does not come out as it was logged")
        except NotReplayable as why:
            result.missing[str(why)] += 1
            continue
        try:
            other = counterpart(decision, taken_again(decision, target, learning))
        except NotReplayable as why:
            result.unknown[str(why)] += 1
            continue
        if other is None:
            result.unknown["what it is about would not have been decided on then"] += 1
        else:
            result.replayed.append(_replayed(decision, other, _values(decision, logging, learning)))
    return result


def estimates_of(result: WhatIf, rewards: Mapping[str, float]) -> Estimates | None:
    """What the other policy would have brought, by what became of the pushes that were sent; ``None``: of too few users to say.

    ``rewards``: conversions by command, the unit of the values.
    """
    if len({each.user_id for each in result.replayed}) < FEWEST_USERS:
        return None
    return estimate(result.replayed, rewards)


def _replayed(logged: Decision, other: Decision, values: dict[str, float]) -> Replayed:
    sent, would_send = logged.verdict == VERDICT_SENT, other.verdict == VERDICT_SENT
    item_id = logged.item_ids[0] if sent else ""
    if sent:
        propensity = sum(each.propensity for each in other.candidates if each.item_id == item_id) if would_send else 0.0
    else:
        propensity = float(not would_send)
    return Replayed(
        user_id=logged.user_id,
        decision_id=logged.decision_id,
        command_id=logged.command_id,
        decided_at_ms=logged.decided_at_ms,
        trigger=Trigger.Name(logged.trigger).removeprefix("TRIGGER_").lower(),
        item_id=item_id,
        logged_verdict=verdict_name(logged),
        logged_reason=logged.reason,
        target_verdict=verdict_name(other),
        target_reason=other.reason,
        target_item_id=other.item_ids[0] if would_send else "",
        logged_propensity=logged.propensity if sent else 1.0,
        target_propensity=propensity,
        logged_utility=_expected(_utilities(logged)) if sent else 0.0,
        target_utility=_expected(_utilities(other)) if would_send else 0.0,
        logged_value=values.get(item_id, 0.0),
        target_value=_expected((each.propensity, values.get(each.item_id, _value(each))) for each in other.candidates)
        if would_send
        else 0.0,
        log_rate=logged.inputs.log_rate,
    )


def _values(decision: Decision, logging: Rules, learning: LearningRules) -> dict[str, float]:
    """By item, what the logging policy's model expects of a push of it: of all that it would have listed, had its list been long enough."""
    whole = replace(logging, candidates=replace(logging.candidates, listed=_ALL, looked_at=_ALL))
    listed = counterpart(decision, taken_again(decision, whole, learning))
    return {each.item_id: _value(each) for each in listed.candidates} if listed is not None else {}


def _value(candidate: Candidate) -> float:
    return candidate.p_open * candidate.p_convert


def _utilities(decision: Decision) -> Iterator[tuple[float, float]]:
    return ((each.propensity, each.utility) for each in decision.candidates)


def _expected(weighed: Iterable[tuple[float, float]]) -> float:
    return sum(probability * value for probability, value in weighed)
