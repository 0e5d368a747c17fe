"""When: the hours of one user, and the moment among them that a push waits for.

Composes clock, quiet hours, what is remembered, and the send-time model.
"""

from __future__ import annotations

from functools import partial

from flink_job.core.item_signals import SlotOf
from flink_job.core.knowledge import Knowledge
from flink_job.core.local_time import LocalClock
from flink_job.core.quiet_hours import QuietClock
from flink_job.core.rules import Occasion, SendTimeRules
from flink_job.core.send_time import SendTime, SendTimePlan, WeekRates
from flink_job.core.slot_counts import SlotCounts
from flink_job.core.slot_prior import SlotPrior, flat_prior, prior_of
from flink_job.core.state import CONVERTED, DECIDED, DISMISSED, FAILED, OPENED, UserState
from flink_job.core.witness import HoursAsked, WeekOfOthers, Witness

_HOUR_MS = 3_600_000
_SEEN_AND_LIKED = (OPENED, CONVERTED)


class Moment:
    """The rules of the moment, ready to use."""

    __slots__ = ("_clock", "_counts", "_flat", "_knowledge", "_priors", "_quiet", "_rules", "_send_time", "_witness")

    def __init__(
        self,
        rules: SendTimeRules,
        clock: LocalClock,
        quiet: QuietClock,
        knowledge: Knowledge | None = None,
        witness: Witness | None = None,
    ) -> None:
        self._knowledge = knowledge
        self._witness = witness
        self._rules = rules
        self._clock = clock
        self._quiet = quiet
        self._counts = SlotCounts(rules)
        self._send_time = SendTime(rules, self._counts)
        self._flat = flat_prior(rules.open_rate, rules.convert_rate)
        self._priors: dict[str, tuple[int, SlotPrior, WeekOfOthers | None]] = {}

    def observe_activity(self, state: UserState, at_ms: int) -> None:
        """The user did something."""
        if self._counts.is_new_visit(state, at_ms):
            self._counts.observe_activity(state, self._slot(state, state.visit_at_ms), at_ms)

    def over_slot(self, state: UserState, at_ms: int) -> int:
        """Hour of the week in which the visit began that is over when the user does something at that moment; -1: none is."""
        began_at_ms = state.visit_at_ms
        return self._slot(state, began_at_ms) if began_at_ms and self._counts.is_new_visit(state, at_ms) else -1

    def observe_sent(self, state: UserState, at_ms: int) -> None:
        """A push was sent."""
        self._counts.observe_sent(state, self._slot(state, at_ms), at_ms)

    def observe_outcome(self, state: UserState, row: int, before: int, after: int) -> None:
        """What became of the push in a row of the sent ones is known better than before; it counts for the hour of sending."""
        at_ms = state.sent_at_ms[row]
        slot = self._slot(state, at_ms)
        if after == FAILED and before == DECIDED:
            self._counts.observe_failed(state, slot, at_ms)
        elif before == FAILED:
            self._counts.observe_sent(state, slot, at_ms)
        if after in _SEEN_AND_LIKED and before not in (*_SEEN_AND_LIKED, DISMISSED):
            self._counts.observe_opened(state, slot, at_ms)
        if after == CONVERTED and before != CONVERTED:
            self._counts.observe_converted(state, slot, at_ms)

    def slot_of(self, state: UserState) -> SlotOf:
        """The hour of the user's week of a moment."""
        return partial(self._slot, state)

    def rates(self, state: UserState, now_ms: int) -> WeekRates:
        """What is expected of every hour of the user's week."""
        return self._send_time.rates(state, self._prior(state.country, now_ms), now_ms)

    def factors(self, state: UserState, rates: WeekRates, now_ms: int) -> tuple[float, float]:
        """How much better than the user's mean hour this one is, for opening and for converting."""
        return rates.factors(self._slot(state, now_ms))

    def plan(
        self, state: UserState, rates: WeekRates, occasion: Occasion, earliest_ms: int, until_ms: int, seed: int, jitter: float
    ) -> SendTimePlan | None:
        """The best moment from `earliest_ms` on and before `until_ms`, None if all of that is quiet."""
        place = (state.time_zone, state.country)
        moments, slots = self._clock.coming_hours(earliest_ms, min(until_ms, earliest_ms + self._rules.horizon_ms), *place)
        loud = ~self._quiet.are_quiet(moments, *place)
        return self._send_time.plan(
            rates,
            moments[loud],
            slots[loud],
            now_ms=earliest_ms,
            until_ms=until_ms,
            half_life_ms=occasion.half_life_ms,
            seed=seed,
            jitter=jitter,
        )

    def _prior(self, country: str, now_ms: int) -> SlotPrior:
        """What others' hours tell: everybody's, and those of the same country. Made anew once an hour."""
        if self._knowledge is None:
            return self._flat
        hour = now_ms // _HOUR_MS
        held = self._priors.get(country)
        if held is None or held[0] != hour:
            week = self._knowledge.week(country, now_ms)
            held = self._priors[country] = (hour, self._flat if week is None else prior_of(self._rules, *week), week)
        if self._witness is not None and self._witness.watching:
            self._witness.hours.append(HoursAsked(country, hour, held[2]))
        return held[1]

    def _slot(self, state: UserState, at_ms: int) -> int:
        return self._clock.slot(at_ms, state.time_zone, state.country)
