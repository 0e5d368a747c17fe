"""Takes every decision of a log again and compares it with what was logged, bit for bit.

*Contract*: pure. A decision that is in the log twice counts once; what is no decision (an exposure) does not count.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from flink_job.core.rules import LearningRules, Rules
from kairos.decisions.again import NotReplayable, counterpart, taken_again
from kairos.decisions.difference import Difference, first_difference
from kairos.decisions.policies import KnownPolicies
from kairos.v1.decision_pb2 import VERDICT_EXPOSED, Decision, Verdict

MOST_SHOWN = 20
"""Differing decisions that are named one by one."""


@dataclass(frozen=True, slots=True)
class Differing:
    """A decision that comes out otherwise, and where it does so first."""

    decision_id: str
    user_id: str
    producer: str
    first: Difference


@dataclass(slots=True)
class Comparison:
    """``missing``: why decisions could not be taken again → how many; ``fields``: first differing field → how many."""

    equal: int = 0
    by_verdict: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    differing: list[Differing] = field(default_factory=list)

    @property
    def different(self) -> int:
        """How many come out otherwise."""
        return self.fields.total()

    @property
    def compared(self) -> int:
        """How many were taken again."""
        return self.equal + self.different


def compare(decisions: Iterable[Decision], policies: KnownPolicies, learning: LearningRules) -> Comparison:
    """All of the decisions, each by the policy it names."""
    comparison = Comparison()
    for decision in each_once(decisions):
        try:
            again = counterpart(decision, taken_again(decision, rules_by(decision, policies), learning))
        except NotReplayable as why:
            comparison.missing[str(why)] += 1
            continue
        first = Difference("decision", "taken", "not taken") if again is None else first_difference(decision, again)
        comparison.by_verdict[verdict_name(decision)] += 1
        if first is None:
            comparison.equal += 1
            continue
        comparison.fields[first.field] += 1
        if len(comparison.differing) < MOST_SHOWN:
            comparison.differing.append(Differing(decision.decision_id, decision.user_id, decision.producer, first))
    return comparison


def each_once(decisions: Iterable[Decision]) -> Iterator[Decision]:
    """Decisions, and none that was written again after a crash."""
    seen: set[str] = set()
    for decision in decisions:
        if decision.verdict != VERDICT_EXPOSED and decision.decision_id not in seen:
            seen.add(decision.decision_id)
            yield decision


def rules_by(decision: Decision, policies: KnownPolicies) -> Rules:
    """The rules that the decision was taken by. Raises ``NotReplayable``."""
    if not decision.HasField("inputs"):
        raise NotReplayable("it has no inputs")
    rules = policies.rules_of(decision.policy_id, decision.policy_version)
    if rules is None:
        raise NotReplayable(f"its policy is not known: {decision.policy_id} version {decision.policy_version}")
    return rules


def verdict_name(decision: Decision) -> str:
    """``sent``, ``suppressed`` or ``deferred``."""
    return Verdict.Name(decision.verdict).removeprefix("VERDICT_").lower()
