"""The decision, composed: signal → state → gates → candidates → score → push, wake-up, or a named reason why not.

This module composes the others. Everything it reads is an argument: the user's state, the signal, the moment, and the
catalogue it was made with.

A decision put off is decided again, from the gates on, when its moment has come: later is not now. One waits per user; a better occasion takes
its place, and none waits for a user who has nothing to get.

Time. A signal decides as of its own time, and a wake-up as of its due time, so that what is replayed after a crash decides as it did before;
only what is older than `gates.max_signal_age_ms` (a backlog) is decided again with the present time, by a wake-up.
"""

from __future__ import annotations

from flink_job.core.candidates import CandidateFinder, Finder
from flink_job.core.catalogue import Catalogue
from flink_job.core.deciding import Decider
from flink_job.core.effects import BARE, Effects, Erase, Suppressed, Wake
from flink_job.core.fatigue import Fatigue
from flink_job.core.gates import Gates
from flink_job.core.ids import digest_of, key_of, place_of
from flink_job.core.intake import Intake
from flink_job.core.interest import Interest
from flink_job.core.item_signals import ItemSignalMaker
from flink_job.core.knowledge import Knowledge
from flink_job.core.local_time import LocalClock, ZoneOf
from flink_job.core.moment import Moment
from flink_job.core.occasions import Occasions
from flink_job.core.planner import Planner
from flink_job.core.quiet_hours import QuietClock
from flink_job.core.ranking import Ranker
from flink_job.core.reasons import Reason
from flink_job.core.recents import Recents
from flink_job.core.recording import Recorder
from flink_job.core.rules import Rules
from flink_job.core.sending import Sender
from flink_job.core.signals import Feedback, Interaction, InteractionType, Nudge, Signal, Trigger, UserUpdate
from flink_job.core.state import PendingWake, UserState
from flink_job.core.witness import WatchedFinder, Witness
from flink_job.core.wordings import wordings_of

_NOTHING_TO_GET = (Reason.NO_CANDIDATE, Reason.BELOW_THRESHOLD)


class PushPolicy:
    """Decides for every user by one set of rules over one catalogue."""

    def __init__(
        self,
        rules: Rules,
        catalogue: Catalogue,
        zone_of: ZoneOf,
        knowledge: Knowledge | None = None,
        item_signals: ItemSignalMaker | None = None,
        finder: Finder | None = None,
    ) -> None:
        """`knowledge`: what the item operator taught; `item_signals`: tells it what happens. None where there is none.

        `finder`: brings the candidates of a decision that is taken again; None: they are found in the catalogue. `witness` is there
        where the rules ask for replayable logs.
        """
        self._rules = rules
        self._item_signals = item_signals
        self._wordings = wordings_of(rules.messages)
        self.witness = Witness(rules.log.replayable_share) if rules.log.replayable_share else None
        if self.witness is not None:
            finder = WatchedFinder(finder or CandidateFinder(rules.candidates, catalogue, knowledge), self.witness)
        interest = Interest(rules.interest)
        recents = Recents(rules.affinity, rules.memory.recent_items)
        fatigue = Fatigue(rules.fatigue)
        quiet_hours = rules.gates.quiet_hours
        clock = LocalClock(quiet_hours.default_zone, quiet_hours.zone_of_country, zone_of)
        quiet = QuietClock(quiet_hours, zone_of, clock)
        self._moment = self._make_moment(rules, clock, quiet, knowledge)
        self._intake = Intake(rules, catalogue, interest, recents, fatigue, self._moment)
        self._gates = Gates(rules.gates, fatigue, quiet)
        self._occasions = Occasions(rules, catalogue)
        self._planner = Planner(self._occasions, self._gates, self._moment)
        self._records = Recorder(rules.log, catalogue)
        ranker = self._make_ranker(rules, catalogue, interest, recents, knowledge, finder)
        sender = Sender(rules, catalogue, fatigue, self._gates, self._moment, self._occasions, ranker.utility, self._records, item_signals)
        self._decider = Decider(
            rules,
            catalogue,
            knowledge,
            self._intake,
            fatigue,
            self._moment,
            self._gates,
            self._occasions,
            self._planner,
            ranker,
            self._records,
            sender,
        )
        self._delay_ms: list[int | None] = [None] * (max(InteractionType) + 1)
        for name, delay_ms in rules.triggers.items() if self._occasions.get(Trigger.BEHAVIOUR) else ():
            self._delay_ms[InteractionType[name.upper()]] = delay_ms
        self._seen_bytes = 8 * rules.memory.seen_events

    def on_signal(self, user_id: str, state: UserState, signal: Signal, wall_ms: int, hold_until_ms: int = 0) -> Effects:
        """Take in one signal and decide.

        `wall_ms` is the present time, read only to tell a backlog from the live stream. `hold_until_ms` is not 0 while decisions are held
        back (the catalogue is still being read): they are taken by a wake-up then. Changes `state`.
        """
        digest = digest_of(signal.event_id)
        if place_of(digest, state.seen_events) >= 0:
            return BARE[Reason.DUPLICATE]
        state.seen_events = (state.seen_events + digest)[-self._seen_bytes :]
        state.signals += 1
        due: Effects = ()
        missed_ms = 0
        tell = self._item_signals
        if state.pending is not None and state.pending.due_ms <= signal.at_ms:
            due = self._overtaken(user_id, state, signal.at_ms, wall_ms, hold_until_ms)
            missed_ms = self._missed_ms(state, wall_ms)
        state.last_signal_ms = max(state.last_signal_ms, signal.at_ms)
        if type(signal) is Interaction:
            if tell is not None:
                due += tell.before_interaction(user_id, state, signal, self._moment.over_slot(state, signal.at_ms))
            effects = self._on_interaction(user_id, state, signal, digest, wall_ms, hold_until_ms)
            if state.pending is None:
                effects += _waiting(state, self._planner.ahead(user_id, state))
        elif type(signal) is Feedback:
            if tell is not None:
                due += tell.before_feedback(state, signal, self._moment.slot_of(state)) + self._wordings.before_feedback(state, signal)
            self._intake.feedback(state, signal)
            effects = BARE[Reason.NOTHING_ASKED]
        elif type(signal) is Nudge:
            effects = self._on_nudge(user_id, state, signal, digest, wall_ms, hold_until_ms)
        elif type(signal) is UserUpdate:
            if signal.erase:
                told = tell.before_erasure(user_id, state, signal.event_id, signal.at_ms) if tell is not None else ()
                return (*told, Erase())
            self._intake.user_update(state, signal)
            effects = BARE[Reason.NOTHING_ASKED]
        if missed_ms:
            effects += self.on_wake(user_id, state, missed_ms, wall_ms, hold_until_ms)
        return due + effects if due else effects

    def on_wake(self, user_id: str, state: UserState, at_ms: int, wall_ms: int, hold_until_ms: int = 0) -> Effects:
        """Decide what waited for `at_ms`. A timer that is no longer the pending one has no effect. Changes `state`."""
        pending = state.pending
        if pending is None or pending.due_ms != at_ms:
            return ()
        now_ms = wall_ms if self._missed_ms(state, wall_ms) else at_ms
        state.pending = None
        state.last_signal_ms = max(state.last_signal_ms, now_ms)
        digest = digest_of(pending.cause_id)
        if self._occasions.get(pending.trigger) is None:
            effects: Effects = (self._records.suppressed(state, pending, Reason.OCCASION_OFF, digest),)
        else:
            effects = self._decider.decide(user_id, state, pending, digest, hold_until_ms, state.active_at_ms)
        if state.pending is None:
            # Winning back is tried once, whatever came of it.
            is_over = pending.trigger == Trigger.WIN_BACK and not self._occasions.has_returned(state, pending)
            is_over |= _nothing_to_get(effects) and not self._occasions.only_key(pending)
            ahead = self._planner.used_up if is_over else self._planner.ahead
            effects += _waiting(state, ahead(user_id, state))
        return effects

    def _make_moment(self, rules: Rules, clock: LocalClock, quiet: QuietClock, knowledge: Knowledge | None) -> Moment:
        """Who knows more of the hours than can be learned is judged by overriding this."""
        return Moment(rules.send_time, clock, quiet, knowledge, self.witness)

    def _make_ranker(
        self, rules: Rules, catalogue: Catalogue, interest: Interest, recents: Recents, knowledge: Knowledge | None, finder: Finder | None
    ) -> Ranker:
        """Likewise of the items."""
        return Ranker(rules, catalogue, interest, recents, knowledge, finder)

    def _overtaken(self, user_id: str, state: UserState, at_ms: int, wall_ms: int, hold_until_ms: int) -> Effects:
        """Decide what was due by `at_ms` and whose timer is about to fire: what came first is decided first."""
        due: Effects = ()
        decided_ms = -1
        while (pending := state.pending) is not None and decided_ms < pending.due_ms <= at_ms and not self._missed_ms(state, wall_ms):
            decided_ms = pending.due_ms
            due += self.on_wake(user_id, state, decided_ms, wall_ms, hold_until_ms)
        return due

    def _missed_ms(self, state: UserState, wall_ms: int) -> int:
        """When the pending wake-up should have been, if that is so long ago that it is decided with the present time, else 0.

        The present knows all that was heard meanwhile, the signal at hand included: who has just opted out gets no push for what waited.
        """
        pending = state.pending
        return pending.due_ms if pending is not None and wall_ms - pending.due_ms > self._rules.gates.max_signal_age_ms else 0

    def _on_interaction(
        self, user_id: str, state: UserState, signal: Interaction, digest: bytes, wall_ms: int, hold_until_ms: int
    ) -> Effects:
        self._intake.interaction(state, signal)
        delay_ms = self._delay_ms[signal.kind]
        left = self._occasions.left_behind(state, signal)
        if left is not None and not self._gates.is_shut(user_id, state, left.trigger):
            return self._decider.defer(state, left, Reason.AWAITED, left.due_ms, digest)
        if signal.kind == InteractionType.PURCHASE and self._occasions.is_far_off(state.pending):
            state.pending = None  # it is looked for anew: this may be what runs out first
        if delay_ms is None:
            return self._records.unlogged(state, Reason.NOT_A_TRIGGER, digest, signal.event_id, signal.at_ms)
        if self._occasions.stands_in_the_way(state.pending, Trigger.BEHAVIOUR, state.last_signal_ms, self._rules.gates.min_gap_ms):
            return self._records.unlogged(state, Reason.PENDING, digest, signal.event_id, signal.at_ms)
        cause = PendingWake(state.last_signal_ms, "", signal.event_id, signal.at_ms, Trigger.BEHAVIOUR, 0, 0.0)
        if wall_ms - signal.at_ms > self._rules.gates.max_signal_age_ms:
            return self._decider.defer(state, cause, Reason.STALE_SIGNAL, wall_ms, digest)
        if delay_ms and not self._gates.is_shut(user_id, state, Trigger.BEHAVIOUR):
            return self._decider.defer(state, cause, Reason.DELAY, state.last_signal_ms + delay_ms, digest)
        return self._decider.decide(user_id, state, cause, digest, hold_until_ms, 0)

    def _on_nudge(self, user_id: str, state: UserState, signal: Nudge, digest: bytes, wall_ms: int, hold_until_ms: int) -> Effects:
        key = key_of(signal.item_id) if signal.item_id else 0
        cause = PendingWake(
            state.last_signal_ms,
            "",
            signal.event_id,
            signal.at_ms,
            signal.trigger,
            key,
            signal.boost,
            self._occasions.ends_ms(signal),
            planned_price=self._occasions.price(key),
        )
        if self._occasions.get(signal.trigger) is None:
            return (self._records.suppressed(state, cause, Reason.OCCASION_OFF, digest),)
        if self._occasions.stands_in_the_way(state.pending, signal.trigger, state.last_signal_ms, self._rules.gates.min_gap_ms):
            return (self._records.suppressed(state, cause, Reason.PENDING, digest),)
        state.scored_at_ms = 0  # what it is about has changed since
        if wall_ms - signal.at_ms > self._rules.gates.max_signal_age_ms:
            return self._decider.defer(state, cause, Reason.STALE_SIGNAL, wall_ms, digest)
        return self._decider.decide(user_id, state, cause, digest, hold_until_ms, state.active_at_ms)


def _waiting(state: UserState, ahead: PendingWake | None) -> Effects:
    state.pending = ahead
    return () if ahead is None else (Wake(ahead.due_ms),)


def _nothing_to_get(effects: Effects) -> bool:
    """There is no item for this user: nobody is woken again for that, the next thing they do may change it."""
    return any(type(effect) is Suppressed and effect.reason in _NOTHING_TO_GET for effect in effects)
