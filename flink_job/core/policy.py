"""The decision, composed: signal → state → gates → candidates → score → push, wake-up, or a named reason why not.

This module composes the others. Everything it reads is an argument: the user's state, the signal, the moment, and the
catalogue it was made with. Seams: a send-time model answers in `_decide` between gates and ranking; a learned ranker, diversity and exploration
have their places in `ranking`.

Time. A signal decides as of its own time, and a wake-up as of its due time, so that what is replayed after a crash decides as it did before;
only what is older than `gates.max_signal_age_ms` (a backlog) is decided again with the present time, by a wake-up.
"""

from __future__ import annotations

from dataclasses import replace

from flink_job.core import history
from flink_job.core.catalogue import Catalogue
from flink_job.core.effects import BARE, Effects, Erase, Gate, Push, Record, Suppressed, Wake
from flink_job.core.gates import ORDER, Gates
from flink_job.core.ids import command_id, digest_of, key_of, place_of
from flink_job.core.intake import Intake
from flink_job.core.interest import Interest
from flink_job.core.quiet_hours import ZoneOf
from flink_job.core.ranking import Ranked, Ranker
from flink_job.core.reasons import Reason
from flink_job.core.recents import Recents
from flink_job.core.rules import Rules
from flink_job.core.signals import Feedback, Interaction, InteractionType, Nudge, Signal, Trigger, UserUpdate
from flink_job.core.state import PendingWake, UserState

_WHOLE_DIGEST = 1 << 64
_ALL_OPEN = tuple(Gate(gate.metric, True) for gate in ORDER)
_AFTER_THE_GATES = (None, Reason.NO_CANDIDATE, Reason.BELOW_THRESHOLD, Reason.WARM_UP)


class PushPolicy:
    """Decides for every user by one set of rules over one catalogue."""

    def __init__(self, rules: Rules, catalogue: Catalogue, zone_of: ZoneOf) -> None:
        self._rules = rules
        self._catalogue = catalogue
        interest = Interest(rules.interest)
        recents = Recents(rules.affinity, rules.memory.recent_items)
        self._intake = Intake(rules, catalogue, interest, recents)
        self._gates = Gates(rules.gates, zone_of)
        self._ranker = Ranker(rules, catalogue, interest, recents)
        self._delay_ms: list[int | None] = [None] * (max(InteractionType) + 1)
        for name, delay_ms in rules.triggers.items():
            self._delay_ms[InteractionType[name.upper()]] = delay_ms
        self._seen_bytes = 8 * rules.memory.seen_events
        self._logged_below = int(rules.log.suppressed_share * _WHOLE_DIGEST)

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
        if state.pending is not None and state.pending.due_ms <= signal.at_ms:
            due = self._overtaken(user_id, state, signal.at_ms, wall_ms, hold_until_ms)
            missed_ms = self._missed_ms(state, wall_ms)
        state.last_signal_ms = max(state.last_signal_ms, signal.at_ms)
        if type(signal) is Interaction:
            effects = self._on_interaction(user_id, state, signal, digest, wall_ms, hold_until_ms)
        elif type(signal) is Feedback:
            self._intake.feedback(state, signal)
            effects = BARE[Reason.NOTHING_ASKED]
        elif type(signal) is Nudge:
            effects = self._on_nudge(user_id, state, signal, digest, wall_ms, hold_until_ms)
        elif type(signal) is UserUpdate:
            if signal.erase:
                return (Erase(),)
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
        return self._decide(user_id, state, pending, digest_of(pending.cause_id), hold_until_ms)

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
        if delay_ms is None:
            return self._unlogged(state, Reason.NOT_A_TRIGGER, digest, signal.event_id, signal.at_ms)
        if state.pending is not None:
            return self._unlogged(state, Reason.PENDING, digest, signal.event_id, signal.at_ms)
        cause = PendingWake(state.last_signal_ms, "", signal.event_id, signal.at_ms, Trigger.BEHAVIOUR, 0, 0.0)
        if wall_ms - signal.at_ms > self._rules.gates.max_signal_age_ms:
            return self._defer(state, cause, Reason.STALE_SIGNAL, wall_ms, digest)
        if delay_ms:
            closed = self._gates.first_closed(user_id, state, state.last_signal_ms)
            if closed is None or closed[1] or closed[0] is Reason.SCORED_LATELY:
                return self._defer(state, cause, Reason.DELAY, state.last_signal_ms + delay_ms, digest)
        return self._decide(user_id, state, cause, digest, hold_until_ms)

    def _on_nudge(self, user_id: str, state: UserState, signal: Nudge, digest: bytes, wall_ms: int, hold_until_ms: int) -> Effects:
        key = key_of(signal.item_id) if signal.item_id else 0
        cause = PendingWake(
            state.last_signal_ms, "", signal.event_id, signal.at_ms, signal.trigger, key, signal.boost, signal.expires_at_ms
        )
        if state.pending is not None:
            return (self._suppressed(state, cause, Reason.PENDING, digest),)
        state.scored_at_ms = 0  # what it is about has changed since
        if wall_ms - signal.at_ms > self._rules.gates.max_signal_age_ms:
            return self._defer(state, cause, Reason.STALE_SIGNAL, wall_ms, digest)
        return self._decide(user_id, state, cause, digest, hold_until_ms)

    def _decide(self, user_id: str, state: UserState, cause: PendingWake, digest: bytes, hold_until_ms: int) -> Effects:
        """Gates, candidates, score: a push or a reason."""
        now_ms = state.last_signal_ms
        if cause.expires_at_ms and now_ms >= cause.expires_at_ms:
            return (self._suppressed(state, cause, Reason.EXPIRED_NUDGE, digest),)
        state.decisions += 1
        closed = self._gates.first_closed(user_id, state, now_ms)
        if closed is not None:
            reason, opens_at_ms = closed
            if opens_at_ms and opens_at_ms - now_ms <= self._rules.gates.longest_deferral_ms:
                return self._defer(state, cause, reason, opens_at_ms, digest)
            return (self._suppressed(state, cause, reason, digest, opens_at_ms=opens_at_ms),)
        if hold_until_ms:
            return self._defer(state, cause, Reason.WARM_UP, hold_until_ms, digest)
        if state.unfolded_item:
            self._intake.fold(state)
        ranked = self._ranker.rank(state, cause.item_key, cause.boost, now_ms)
        if not ranked.items or ranked.items[0].score < self._rules.send.min_score:
            state.scored_at_ms = now_ms
            reason = Reason.BELOW_THRESHOLD if ranked.items else Reason.NO_CANDIDATE
            return (self._suppressed(state, cause, reason, digest, ranked=ranked),)
        state.scored_at_ms = 0
        item = self._catalogue.item(ranked.rows[0])
        command = command_id(user_id, cause.cause_id)
        history.remember_push(state, item.key, command, now_ms, self._rules.memory.sent_pushes)
        return (
            Push(
                command_id=command,
                item=ranked.items[0],
                payload=item.payload,
                decided_at_ms=now_ms,
                expires_at_ms=now_ms + self._rules.send.time_to_live_ms,
                quiet_from_ms=self._gates.quiet_from_ms(state, now_ms),
                record=self._record(state, cause, None, 0, ranked),
            ),
        )

    def _defer(self, state: UserState, cause: PendingWake, reason: Reason, at_ms: int, digest: bytes) -> Effects:
        state.pending = replace(cause, due_ms=at_ms, reason=reason.metric)
        return self._suppressed(state, cause, reason, digest, wake_at_ms=at_ms), Wake(at_ms)

    def _unlogged(self, state: UserState, reason: Reason, digest: bytes, cause_id: str, at_ms: int) -> Effects:
        """The answer to most events: nothing, for a reason that needs no look at the user."""
        if not self._logged(digest):
            return BARE[reason]
        cause = PendingWake(0, "", cause_id, at_ms, Trigger.BEHAVIOUR, 0, 0.0)
        return (self._suppressed(state, cause, reason, digest),)

    def _suppressed(
        self,
        state: UserState,
        cause: PendingWake,
        reason: Reason,
        digest: bytes,
        *,
        opens_at_ms: int = 0,
        wake_at_ms: int = 0,
        ranked: Ranked | None = None,
    ) -> Suppressed:
        record = self._record(state, cause, reason, opens_at_ms or wake_at_ms, ranked) if self._logged(digest) else None
        return Suppressed(reason, state.last_signal_ms, wake_at_ms, record)

    def _record(
        self,
        state: UserState,
        cause: PendingWake,
        reason: Reason | None,
        opens_at_ms: int,
        ranked: Ranked | None,
    ) -> Record:
        return Record(
            cause_id=cause.cause_id,
            caused_at_ms=cause.caused_at_ms,
            trigger=cause.trigger,
            number=state.decisions,
            gates=_gates_asked(reason, opens_at_ms),
            candidates=ranked.items if ranked else (),
            found_by_source=tuple((name, len(rows)) for name, rows in ranked.found.by_source) if ranked else (),
            catalogue_version=self._catalogue.version,
        )

    def _logged(self, digest: bytes) -> bool:
        return int.from_bytes(digest, "little") < self._logged_below


def _gates_asked(reason: Reason | None, opens_at_ms: int) -> tuple[Gate, ...]:
    """The gates up to the one that closed; all of them if none did."""
    if reason in ORDER:
        at = ORDER.index(reason)
        return (*_ALL_OPEN[:at], Gate(reason.metric, False, opens_at_ms))
    return _ALL_OPEN if reason in _AFTER_THE_GATES else ()
