"""Why a user got a push, or got none: everything that is told, as values.

    explanation = explain(history, at_ms=None, until_ms=now_ms, days=7, clock=clock, rules=rules)
    answers(explanation, clock)

*Contract*: pure. All times are milliseconds since the epoch.
"""

from dataclasses import dataclass

from flink_job.core.rules import Rules
from kairos.explain.chance import Chance, chance_of
from kairos.explain.choice import Choice, Considered, choice_of, considered
from kairos.explain.clock import Clock
from kairos.explain.days import Day, days_of
from kairos.explain.history import History
from kairos.explain.moment import Hours, Moment, hours_of, moment_of
from kairos.v1.decision_pb2 import VERDICT_DEFERRED, VERDICT_SENT, Decision
from kairos.v1.feedback_pb2 import Outcome
from kairos.v1.signal_pb2 import Trigger


@dataclass(frozen=True, slots=True)
class GateSeen:
    """``opens_at_ms`` 0: open, or not by itself."""

    name: str
    passed: bool
    opens_at_ms: int


@dataclass(frozen=True, slots=True)
class Told:
    """One decision. ``verdict``: ``sent``, ``deferred`` or ``suppressed``; ``candidates``: best first, empty where none were scored."""

    decision_id: str
    verdict: str
    reason: str
    decided_at_ms: int
    trigger: str
    trigger_number: int
    caused_at_ms: int
    wake_at_ms: int
    gates: tuple[GateSeen, ...]
    candidates: tuple[Considered, ...]
    found_by_source: dict[str, int]
    dropped_by_rule: dict[str, int]
    planned_item_id: str
    planned_dropped_by: str
    hours: Hours | None
    policy: str
    arms: dict[str, str]
    log_rate: float


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that became of a push."""

    outcome: str
    outcome_number: int
    at_ms: int
    value: float


@dataclass(frozen=True, slots=True)
class Sent:
    """A push. ``title`` and the words for the user are empty where the command is not at hand."""

    command_id: str
    item_ids: tuple[str, ...]
    title: str
    body: str
    reason: str
    propensity: float
    outcomes: tuple[Happened, ...]
    choice: Choice | None
    moment: Moment


@dataclass(frozen=True, slots=True)
class Explanation:
    """``at_ms`` None: the latest push was asked for, or, without one, the latest decision.

    ``push``: of ``decision``, if that sent one. ``since``: what is in force now, if that is not ``decision``; ``then``: what came next in the log.
    ``log_rate``: the share of decisions against a push that is in the log, 1 where it is not known.
    """

    user_id: str
    at_ms: int | None
    until_ms: int
    time_zone: str
    time_zone_told_by: str
    decision: Told
    push: Sent | None
    since: Told | None
    then: Told | None
    days: tuple[Day, ...]
    chance: Chance
    log_rate: float


def explain(history: History, *, at_ms: int | None, until_ms: int, days: int, clock: Clock, rules: Rules) -> Explanation | None:
    """``until_ms``: the moment that was asked for, or now. ``rules``: the configured policy, used where it is that of the decision.

    None if the history has no decision at or before ``until_ms``.
    """
    current = history.in_force(until_ms)
    if current is None:
        return None
    pushed = history.last_push(until_ms) if at_ms is None else None
    decision = pushed if pushed is not None and clock.day(pushed.decided_at_ms) in clock.days_before(until_ms, days) else current
    then = history.after(until_ms)
    return Explanation(
        user_id=history.user_id,
        at_ms=at_ms,
        until_ms=until_ms,
        time_zone=clock.name,
        time_zone_told_by=clock.told_by,
        decision=_told(decision, rules),
        push=_sent(history, decision, rules) if decision.verdict == VERDICT_SENT else None,
        since=_told(current, rules) if current is not decision else None,
        then=_told(then, rules) if then is not None else None,
        days=days_of(history, clock, until_ms, days),
        chance=chance_of(history, current, until_ms, _if_its_own(current, rules)),
        log_rate=_log_rate(history, _if_its_own(current, rules)),
    )


def _told(decision: Decision, rules: Rules) -> Told:
    verdicts = {VERDICT_SENT: "sent", VERDICT_DEFERRED: "deferred"}
    return Told(
        decision_id=decision.decision_id,
        verdict=verdicts.get(decision.verdict, "suppressed"),
        reason=decision.reason,
        decided_at_ms=decision.decided_at_ms,
        trigger=_name(Trigger, decision.trigger, "TRIGGER_"),
        trigger_number=decision.trigger,
        caused_at_ms=decision.caused_at_ms,
        wake_at_ms=decision.wake_at_ms,
        gates=tuple(GateSeen(gate.name, gate.passed, gate.opens_at_ms) for gate in decision.gates),
        candidates=considered(decision),
        found_by_source=dict(sorted(decision.candidates_by_source.items())),
        dropped_by_rule=dict(sorted(decision.dropped_by_rule.items())),
        planned_item_id=decision.planned_item_id,
        planned_dropped_by=decision.planned_dropped_by,
        hours=hours_of(decision, _least_gain(decision, rules)),
        policy=f"{decision.policy_id} {decision.policy_version}".strip(),
        arms=dict(sorted(decision.arms.items())),
        log_rate=decision.log_rate,
    )


def _sent(history: History, decision: Decision, rules: Rules) -> Sent:
    command = history.pushes.get(decision.command_id)
    outcomes = tuple(
        Happened(_name(Outcome, each.outcome, "OUTCOME_"), each.outcome, each.occurred_at_ms, each.value)
        for each in history.outcomes(decision.command_id)
    )
    return Sent(
        command_id=decision.command_id,
        item_ids=tuple(decision.item_ids),
        title=command.content.title if command else "",
        body=command.content.body if command else "",
        reason=command.reason if command else "",
        propensity=decision.propensity,
        outcomes=outcomes,
        choice=choice_of(decision, _if_its_own(decision, rules)),
        moment=moment_of(history, decision, _least_gain(decision, rules)),
    )


def _log_rate(history: History, rules: Rules | None) -> float:
    """As those in the log say; where there are none, as the policy does."""
    rates = [each.log_rate for each in history.decisions if each.verdict != VERDICT_SENT and each.log_rate > 0]
    return min(rates) if rates else rules.log.suppressed_share if rules is not None else 1.0


def _least_gain(decision: Decision, rules: Rules) -> float | None:
    own = _if_its_own(decision, rules)
    return own.send_time.least_gain if own else None


def _if_its_own(decision: Decision, rules: Rules) -> Rules | None:
    """A decision by a release, or by an arm, followed other rules than the configured ones."""
    return rules if (decision.policy_id, decision.policy_version) == (rules.policy_id, rules.version) else None


def _name(enumeration: object, number: int, prefix: str) -> str:
    names: dict[int, str] = {value: name for name, value in enumeration.items()}  # type: ignore[attr-defined]  # protobuf's wrapper
    return names.get(number, str(number)).removeprefix(prefix).lower()
