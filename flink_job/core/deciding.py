"""One decision: gates → candidates → worth → moment → a push, a wake-up, or a named reason why neither.

Who calls it: the policy, when something asks for a decision or the moment of one has come. It composes; every step is a module of its own.
"""

from __future__ import annotations

from dataclasses import replace

from flink_job.core.catalogue import Catalogue
from flink_job.core.choosing import Chooser
from flink_job.core.digests import Digests
from flink_job.core.effects import Effects, Wake
from flink_job.core.fatigue import Fatigue
from flink_job.core.gates import Gates
from flink_job.core.ids import command_id
from flink_job.core.intake import Intake
from flink_job.core.knowledge import Knowledge
from flink_job.core.moment import Moment
from flink_job.core.occasions import Occasions
from flink_job.core.planner import Planner
from flink_job.core.ranking import Ranked, Ranker
from flink_job.core.reasons import Reason
from flink_job.core.recording import Recorder
from flink_job.core.rules import Rules
from flink_job.core.send_time import SendTimePlan
from flink_job.core.sending import Sender
from flink_job.core.state import PendingWake, UserState
from flink_job.core.utility import Circumstances


class Decider:
    """The steps of a decision, ready to use."""

    __slots__ = (
        "_catalogue",
        "_chooser",
        "_digests",
        "_fatigue",
        "_gates",
        "_intake",
        "_knowledge",
        "_moment",
        "_occasions",
        "_planner",
        "_ranker",
        "_records",
        "_rules",
        "_sender",
    )

    def __init__(
        self,
        rules: Rules,
        catalogue: Catalogue,
        knowledge: Knowledge | None,
        intake: Intake,
        fatigue: Fatigue,
        moment: Moment,
        gates: Gates,
        occasions: Occasions,
        planner: Planner,
        ranker: Ranker,
        records: Recorder,
        sender: Sender,
    ) -> None:
        self._rules = rules
        self._catalogue = catalogue
        self._knowledge = knowledge
        self._intake = intake
        self._fatigue = fatigue
        self._moment = moment
        self._gates = gates
        self._occasions = occasions
        self._planner = planner
        self._ranker = ranker
        self._records = records
        self._sender = sender
        self._chooser = Chooser(rules, catalogue)
        self._digests = Digests(rules, catalogue)

    def decide(self, user_id: str, state: UserState, cause: PendingWake, digest: bytes, hold_until_ms: int, active_at_ms: int) -> Effects:
        """Gates, candidates, worth, moment: a push or a reason. `active_at_ms`: see `Gates.first_closed`."""
        now_ms = state.last_signal_ms
        records = self._records
        if cause.expires_at_ms and now_ms >= cause.expires_at_ms:
            return (records.suppressed(state, cause, Reason.EXPIRED_NUDGE, digest),)
        state.decisions += 1
        closed = self._gates.first_closed(user_id, state, now_ms, cause.trigger, active_at_ms)
        if closed is not None:
            reason, opens_at_ms = closed
            is_too_late = bool(cause.expires_at_ms) and opens_at_ms >= cause.expires_at_ms
            if opens_at_ms and opens_at_ms - now_ms <= self._rules.gates.longest_deferral_ms and not is_too_late:
                return self.defer(state, cause, reason, opens_at_ms, digest)
            return (records.suppressed(state, cause, reason, digest, opens_at_ms=opens_at_ms),)
        if hold_until_ms:
            return self.defer(state, cause, Reason.WARM_UP, hold_until_ms, digest)
        if state.unfolded_item:
            self._intake.fold(state)
        fatigue, rates = self._fatigue.at(state, now_ms), None
        push_price = self._knowledge.price(now_ms) if self._knowledge is not None else 0.0
        around = Circumstances(fatigue=fatigue, price=push_price)
        if self._rules.utility.enabled or self._planner.weighs(cause):
            rates = self._moment.rates(state, now_ms)
            around = Circumstances(*self._moment.factors(state, rates, now_ms), fatigue, push_price)
        ranked = self._ranker.rank(
            state, cause.item_key, cause.boost, now_ms, around, cause.item_key or cause.planned_key, self._occasions.only_key(cause)
        )
        over = self._occasions.over(state, cause, ranked.about_dropped_by)
        if over is not None:
            return (records.suppressed(state, cause, over, digest, ranked=ranked),)
        reason_against = self._chooser.reason_against_all(ranked)
        if reason_against is not None:
            state.scored_at_ms = now_ms
            return (records.suppressed(state, cause, reason_against, digest, ranked=ranked),)
        state.scored_at_ms = 0
        command = command_id(user_id, cause.cause_id)
        plan = self._planner.weighed(user_id, state, cause, rates) if rates is not None else None
        if plan is not None and not plan.is_now:
            key, price = self._catalogue.key_of_row(ranked.rows[0]), cause.planned_price or self._occasions.price(cause.item_key)
            planned = replace(cause, planned_key=key, planned_price=price)
            return self.defer(state, planned, Reason.BETTER_TIME, plan.at_ms, digest, ranked, plan)
        chosen, propensities = self._chooser.choose(ranked, command)
        also = self._digests.others(state, cause, ranked, chosen, now_ms) if cause.trigger in self._digests.triggers else ()
        return self._sender.send(state, cause, command, ranked, chosen, propensities, around, plan, also)

    def defer(
        self,
        state: UserState,
        cause: PendingWake,
        reason: Reason,
        at_ms: int,
        digest: bytes,
        ranked: Ranked | None = None,
        plan: SendTimePlan | None = None,
    ) -> Effects:
        """Nothing now, for this reason; it is decided again at `at_ms`, unless something better waits already. Changes `state`."""
        if self._occasions.stands_in_the_way(state.pending, cause.trigger, at_ms, self._rules.gates.longest_deferral_ms):
            return (self._records.suppressed(state, cause, Reason.PENDING, digest),)
        state.pending = replace(cause, due_ms=at_ms, reason=reason.metric)
        return self._records.suppressed(state, cause, reason, digest, wake_at_ms=at_ms, ranked=ranked, plan=plan), Wake(at_ms)
