"""The gates before any scoring: the cheap questions whether this user may get a push now at all.

Asked in a fixed order, first the ones that cost least; the first closed one answers, and says when it opens again.
"""

from __future__ import annotations

from flink_job.core.history import cap_opens_at_ms
from flink_job.core.ids import share_of
from flink_job.core.quiet_hours import QuietClock, ZoneOf
from flink_job.core.reasons import Reason
from flink_job.core.rules import GateRules
from flink_job.core.state import FAILED, UserState

ORDER = (
    Reason.OPTED_OUT,
    Reason.UNREACHABLE,
    Reason.MIN_GAP,
    Reason.CAP,
    Reason.COOL_DOWN,
    Reason.HOLDOUT,
    Reason.SCORED_LATELY,
    Reason.QUIET_HOURS,
)

_LONGEST_COOL_DOWN = 6


class Gates:
    """The rules of the gates, ready to use."""

    __slots__ = ("_clock", "_rules")

    def __init__(self, rules: GateRules, zone_of: ZoneOf) -> None:
        self._rules = rules
        self._clock = QuietClock(rules.quiet_hours, zone_of)

    def first_closed(self, user_id: str, state: UserState, now_ms: int) -> tuple[Reason, int] | None:
        """The first closed gate and when it opens (0: not by itself), or None if all are open."""
        rules = self._rules
        if state.opted_out:
            return Reason.OPTED_OUT, 0
        if state.unreachable:
            return Reason.UNREACHABLE, 0
        if state.sent_at_ms:
            opens_at_ms = self._gap_opens_at_ms(state)
            if opens_at_ms > now_ms:
                return Reason.MIN_GAP, opens_at_ms
            opens_at_ms = max((cap_opens_at_ms(state, cap) for cap in rules.caps), default=0)
            if opens_at_ms > now_ms:
                return Reason.CAP, opens_at_ms
            opens_at_ms = self._cool_down_ends_ms(state)
            if opens_at_ms > now_ms:
                return Reason.COOL_DOWN, opens_at_ms
        if rules.holdout_share and share_of(user_id, rules.holdout_salt) < rules.holdout_share:
            return Reason.HOLDOUT, 0
        if state.scored_at_ms and now_ms - state.scored_at_ms < rules.rescore_after_ms:
            return Reason.SCORED_LATELY, 0
        if self._clock.is_quiet(now_ms, state.time_zone, state.country):
            opens_at_ms = self._clock.opens_at_ms(now_ms, state.time_zone, state.country)
            return Reason.QUIET_HOURS, opens_at_ms + int(share_of(user_id, "smear") * rules.quiet_hours.smear_ms)
        return None

    def quiet_from_ms(self, state: UserState, now_ms: int) -> int:
        """When the user's next quiet hours start, 0 if never."""
        return self._clock.quiet_from_ms(now_ms, state.time_zone, state.country)

    def _gap_opens_at_ms(self, state: UserState) -> int:
        for row in range(len(state.sent_at_ms) - 1, -1, -1):
            if state.sent_status[row] != FAILED:
                return state.sent_at_ms[row] + self._rules.min_gap_ms
        return 0

    def _cool_down_ends_ms(self, state: UserState) -> int:
        """A dismissal is followed by a pause that doubles with each one until a push is opened (at most 2⁵-fold)."""
        if not state.dismissed_at_ms:
            return 0
        return state.dismissed_at_ms + (self._rules.cool_down_ms << min(state.dismissals, _LONGEST_COOL_DOWN) - 1)
