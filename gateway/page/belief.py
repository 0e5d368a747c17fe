"""What Kairos believes about a user, for the panel: its latest decisions in words, the hours of their week, the next wake-up, interests by category.

The state that the job holds says it, where its log tells of that; else the decisions that were logged do, as far as they go.

*Contract*: pure; the words are those of `kairos.words` and `kairos.explain`, as every other tool says them.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Any

from flink_job.config import Config
from gateway.page.catalogue import Catalogue
from gateway.page.interests import interests_held, interests_scored
from kairos.decisions.held import Held
from kairos.decisions.week import week
from kairos.explain.answers import answers
from kairos.explain.clock import Clock
from kairos.explain.explain import explain
from kairos.explain.history import History
from kairos.v1.decision_pb2 import VERDICT_DEFERRED, VERDICT_SENT, Candidate, Decision
from kairos.v1.signal_pb2 import Trigger
from kairos.words import gate_words, outcome_words, reason_words, rule_words, trigger_words, waits_for_words, wake_up_words

_DAYS = 7
_VERDICTS = {VERDICT_SENT: "sent", VERDICT_DEFERRED: "deferred"}


def belief(
    history: History,
    state: Held | None,
    catalogue: Catalogue,
    config: Config,
    *,
    now_ms: int,
    zone: tzinfo | None,
    zone_name: str,
    most: int,
) -> dict[str, Any]:
    """All of the panel. `now_ms`: by the user's clock; `most`: so many decisions."""
    newest_first = list(reversed(history.decisions))
    scored = next((each for each in newest_first if each.candidates), None)
    weighed = next((each for each in newest_first if each.slots), None)
    in_force = history.in_force(now_ms)
    return {
        "userId": history.user_id,
        "nowMs": now_ms,
        "timeZone": zone_name,
        "inForce": decided(in_force, history, catalogue) if in_force is not None else None,
        "decisions": [decided(each, history, catalogue) for each in newest_first[:most]],
        "candidates": candidates(scored, catalogue) if scored is not None else None,
        "curve": curve(weighed) if weighed is not None else None,
        "week": week(state, config.policy, now_ms) if state is not None else None,
        "wakeUp": wake_up(history, state, now_ms),
        "interests": (interests_held(state, catalogue, config) if state is not None else interests_scored(newest_first, catalogue)),
        "answers": _answers(history, state, config, now_ms, zone, zone_name),
    }


def wake_up(history: History, state: Held | None, now_ms: int) -> dict[str, Any] | None:
    """What is waited for, and why: what the job holds, a moment chosen ahead included, or else what the log tells was put off."""
    if state is not None:
        pending = state.state.pending
        return {"atMs": pending.due_ms, "why": wake_up_words(pending.reason)} if pending is not None else None
    waiting = history.waiting(now_ms)
    return {"atMs": waiting.wake_at_ms, "why": waits_for_words(waiting)} if waiting is not None else None


def decided(decision: Decision, history: History, catalogue: Catalogue) -> dict[str, Any]:
    """One decision."""
    verdict = _VERDICTS.get(decision.verdict, "suppressed")
    command = history.pushes.get(decision.command_id) if decision.command_id else None
    return {
        "id": decision.decision_id,
        "verdict": verdict,
        "atMs": decision.decided_at_ms,
        "wakeAtMs": decision.wake_at_ms,
        "trigger": Trigger.Name(decision.trigger).removeprefix("TRIGGER_").lower(),
        "occasion": trigger_words(decision.trigger),
        "reason": decision.reason,
        "why": reason_words(decision.reason) if decision.reason else "",
        "gates": [
            {"name": gate.name, "passed": gate.passed, "says": gate_words(gate.name) if gate.passed else reason_words(gate.name),
             "opensAtMs": gate.opens_at_ms}
            for gate in decision.gates
        ],
        "item": catalogue.shown(decision.item_ids[0]) if decision.item_ids else None,
        "title": command.content.title if command is not None else "",
        "readerReason": command.reason if command is not None else "",
        "outcomes": [outcome_words(each.outcome) for each in history.outcomes(decision.command_id)] if decision.command_id else [],
        "policy": f"{decision.policy_id} {decision.policy_version}".strip(),
        "arms": dict(decision.arms),
    }  # fmt: skip


def candidates(decision: Decision, catalogue: Catalogue) -> dict[str, Any]:
    """What was considered last, with the terms of its score and worth."""
    return {
        "atMs": decision.decided_at_ms,
        "verdict": _VERDICTS.get(decision.verdict, "suppressed"),
        "why": reason_words(decision.reason) if decision.reason else "",
        "rows": [_candidate(each, decision, catalogue) for each in decision.candidates],
        "found": sum(decision.candidates_by_source.values()),
        "dropped": [{"count": count, "why": rule_words(rule)} for rule, count in sorted(decision.dropped_by_rule.items())],
        "costs": {name: value for name, value in decision.utility_terms.items() if name in ("fatigue", "opt_out", "price")},
    }


def curve(decision: Decision) -> dict[str, Any]:
    """CTR, CVR and what is left of the occasion's worth, for now and each coming hour that was weighed."""
    return {
        "atMs": decision.decided_at_ms,
        "chosenAtMs": decision.wake_at_ms if decision.verdict == VERDICT_DEFERRED else decision.decided_at_ms,
        "hours": [
            {"atMs": slot.at_ms, "ctr": slot.ctr, "cvr": slot.cvr, "discount": slot.discount, "propensity": slot.propensity}
            for slot in decision.slots
        ],
    }


def _candidate(each: Candidate, decision: Decision, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "item": catalogue.shown(each.item_id),
        "sources": list(each.sources),
        "score": each.score,
        "interest": each.interest,
        "affinity": each.affinity,
        "pOpen": each.p_open if each.HasField("p_open") else None,
        "pConvert": each.p_convert if each.HasField("p_convert") else None,
        "utility": each.utility if each.HasField("utility") else None,
        "diversity": each.diversity or 1.0,
        "propensity": each.propensity,
        "chosen": each.item_id in decision.item_ids,
    }


def _answers(
    history: History, state: Held | None, config: Config, now_ms: int, zone: tzinfo | None, zone_name: str
) -> list[dict[str, Any]]:
    """As `kairos explain` says it, which knows of the log alone: when the next chance is the state knows better."""
    if not history.decisions or zone is None:
        return []
    clock = Clock(zone, zone_name, "theirs")
    explained = explain(history, at_ms=None, until_ms=now_ms, days=_DAYS, clock=clock, rules=config.policy)
    if explained is None:
        return []
    waits = wake_up(history, state, now_ms) if state is not None else None
    ahead = [f"{clock.moment(waits['atMs'])}, when it is decided again. What it waits for: {waits['why']}."] if waits is not None else []
    told = answers(explained, clock)
    return [{"question": each.question, "lines": ahead if ahead and each.about == "chance" else list(each.lines)} for each in told]
