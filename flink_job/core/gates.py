"""The gates before any scoring: the cheap questions whether this user may get a push now at all.

Asked in a fixed order, first the ones that cost least; the first closed one answers, and says when it opens again.
"""

from __future__ import annotations

from flink_job.core.channels import is_any_allowed
from flink_job.core.fatigue import Fatigue
from flink_job.core.history import cap_opens_at_ms, counts_until_ms
from flink_job.core.ids import share_of
from flink_job.core.quiet_hours import QuietClock
from flink_job.core.reasons import Reason
from flink_job.core.rules import GateRules
from flink_job.core.state import UserState

ORDER = (
    Reason.OPTED_OUT,
    Reason.UNREACHABLE,
    Reason.NO_CHANNEL,
    Reason.MIN_GAP,
    Reason.CAP,
    Reason.COOL_DOWN,
    Reason.FATIGUE,
    Reason.IN_SESSION,
    Reason.HOLDOUT,
    Reason.SCORED_LATELY,
    Reason.QUIET_HOURS,
)

_LONGEST_COOL_DOWN = 6


class Gates:
    """The rules of the gates, ready to use."""

    __slots__ = ("_by_trigger", "_clock", "_fatigue", "_overall", "_rules")

    def __init__(self, rules: GateRules, fatigue: Fatigue, quiet: QuietClock) -> None:
        self._rules = rules
        self._fatigue = fatigue
        self._overall = [cap for cap in rules.caps if cap.per == "all"]
        self._by_trigger = [cap for cap in rules.caps if cap.per == "trigger"]
        self._clock = quiet

    def first_closed(
        self, user_id: str, state: UserState, now_ms: int, trigger: int = 0, active_at_ms: int = 0
    ) -> tuple[Reason, int] | None:
        """The first closed gate and when it opens (0: not by itself), or None if all are open.

        `active_at_ms`: when the user was last active, for a decision that did not come of that activity; 0 for one that did.
        """
        rules = self._rules
        if state.opted_out:
            return Reason.OPTED_OUT, 0
        if state.unreachable:
            return Reason.UNREACHABLE, 0
        if state.channels_off and not is_any_allowed(state):
            return Reason.NO_CHANNEL, 0
        if state.sent_at_ms:
            opens_at_ms = self._gap_opens_at_ms(state, now_ms)
            if opens_at_ms > now_ms:
                return Reason.MIN_GAP, opens_at_ms
            opens_at_ms = self._caps_open_at_ms(state, now_ms, trigger)
            if opens_at_ms > now_ms:
                return Reason.CAP, opens_at_ms
            opens_at_ms = self._cool_down_ends_ms(state)
            if opens_at_ms > now_ms:
                return Reason.COOL_DOWN, opens_at_ms
            opens_at_ms = self._fatigue.falls_to_limit_ms(state, now_ms)
            if opens_at_ms > now_ms:
                return Reason.FATIGUE, opens_at_ms
        if active_at_ms + rules.in_session_ms > now_ms and rules.in_session_ms:
            return Reason.IN_SESSION, active_at_ms + rules.in_session_ms
        if rules.holdout_share and share_of(user_id, rules.holdout_salt) < rules.holdout_share:
            return Reason.HOLDOUT, 0
        if state.scored_at_ms and now_ms - state.scored_at_ms < rules.rescore_after_ms:
            return Reason.SCORED_LATELY, 0
        if self._clock.is_quiet(now_ms, state.time_zone, state.country):
            opens_at_ms = self._clock.opens_at_ms(now_ms, state.time_zone, state.country)
            return Reason.QUIET_HOURS, opens_at_ms + int(share_of(user_id, "smear") * rules.quiet_hours.smear_ms)
        return None

    def is_shut(self, user_id: str, state: UserState, trigger: int) -> bool:
        """A gate is closed that does not open by itself: there is nothing to wait for."""
        closed = self.first_closed(user_id, state, state.last_signal_ms, trigger)
        return closed is not None and not closed[1] and closed[0] is not Reason.SCORED_LATELY

    def quiet_from_ms(self, state: UserState, now_ms: int) -> int:
        """When the user's next quiet hours start, 0 if never."""
        return self._clock.quiet_from_ms(now_ms, state.time_zone, state.country)

    def _gap_opens_at_ms(self, state: UserState, now_ms: int) -> int:
        """New users get fewer: `max(min_gap, ramp_up_gap / ⌈age / phase⌉)` after the last push (Twitter's ramp-up)."""
        rules = self._rules
        gap_ms = rules.min_gap_ms
        if rules.ramp_up_gap_ms > gap_ms and rules.ramp_up_phase_ms:
            phases = -(-max(now_ms - state.first_seen_ms, 1) // rules.ramp_up_phase_ms)
            gap_ms = max(gap_ms, rules.ramp_up_gap_ms // phases)
        opens_at_ms = 0
        for row in range(len(state.sent_at_ms) - 1, -1, -1):
            if state.sent_at_ms[row] + gap_ms <= now_ms:
                break
            opens_at_ms = max(opens_at_ms, counts_until_ms(state, row, gap_ms, rules.release_unconfirmed_after_ms))
        return opens_at_ms

    def _caps_open_at_ms(self, state: UserState, now_ms: int, trigger: int) -> int:
        release_ms = self._rules.release_unconfirmed_after_ms
        opens_at_ms = 0
        for cap in self._overall:
            opens_at_ms = max(opens_at_ms, cap_opens_at_ms(state, cap, now_ms, release_ms))
        for cap in self._by_trigger:
            opens_at_ms = max(opens_at_ms, cap_opens_at_ms(state, cap, now_ms, release_ms, state.sent_trigger, trigger))
        return opens_at_ms

    def _cool_down_ends_ms(self, state: UserState) -> int:
        """A dismissal is followed by a pause that doubles with each one until a push is opened (at most 2⁵-fold)."""
        if not state.dismissed_at_ms:
            return 0
        return state.dismissed_at_ms + (self._rules.cool_down_ms << min(state.dismissals, _LONGEST_COOL_DOWN) - 1)
