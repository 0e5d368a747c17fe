"""What waits for its moment: a decision for which a later hour is better, and, where nothing waits, the best hour of the coming day."""

from __future__ import annotations

from flink_job.core.gates import Gates
from flink_job.core.ids import command_id, share_of
from flink_job.core.index.columns import FOREVER
from flink_job.core.moment import Moment
from flink_job.core.occasions import Occasions
from flink_job.core.reasons import Reason
from flink_job.core.send_time import SendTimePlan, WeekRates
from flink_job.core.signals import Trigger
from flink_job.core.state import PendingWake, UserState

_HOUR_MS = 3_600_000
"""What hours are told apart by: another one begins no later."""

_PLACE_IN_THE_HOUR = "jitter"
_ITS_TIME_HAS_COME = frozenset({Reason.BETTER_TIME.metric, Trigger.BEST_TIME.name.lower(), Trigger.WIN_BACK.name.lower()})
"""What a wake-up is for whose moment was chosen already."""


class Planner:
    """The rules of waiting, ready to use."""

    __slots__ = ("_gates", "_moment", "_occasions")

    def __init__(self, occasions: Occasions, gates: Gates, moment: Moment) -> None:
        self._occasions = occasions
        self._gates = gates
        self._moment = moment

    def weighs(self, cause: PendingWake) -> bool:
        """The moment is a question: the occasion asks for the best one, and none was chosen yet."""
        occasion = self._occasions.get(cause.trigger)
        return occasion is not None and occasion.timing == "best" and cause.reason not in _ITS_TIME_HAS_COME

    def weighed(self, user_id: str, state: UserState, cause: PendingWake, rates: WeekRates) -> SendTimePlan | None:
        """Now and the coming hours, while the occasion and the item it is about last; None where the moment is not a question (any more)."""
        occasion = self._occasions.get(cause.trigger)
        if occasion is None or not self.weighs(cause):
            return None
        until_ms = min(cause.caused_at_ms + occasion.horizon_ms, cause.expires_at_ms or FOREVER, self._occasions.item_ends_ms(cause))
        return self._moment.plan(
            state, rates, occasion, state.last_signal_ms, until_ms, _seed(user_id, cause.cause_id), share_of(user_id, _PLACE_IN_THE_HOUR)
        )

    def ahead(self, user_id: str, state: UserState) -> PendingWake | None:
        """What to wait for where nothing waits: what the user runs out of in the coming days, else the best hour; None if neither is there.

        Where no best hour is looked for: that the user has been away for long.

        What they run out of later than that is looked for again when the best hour has come.
        """
        used_up, best = self.used_up(user_id, state), self._best_hour(user_id, state) or self._away(user_id, state)
        return used_up if best is None or (used_up is not None and used_up.due_ms <= best.expires_at_ms) else best

    def used_up(self, user_id: str, state: UserState) -> PendingWake | None:
        """What the user will run out of first, None if there is no such thing or they get no pushes."""
        now_ms = state.last_signal_ms
        if not state.bought_item or (used_up := self._occasions.used_up_next(state, now_ms)) is None:
            return None
        return None if self._gates.is_shut(user_id, state, used_up.trigger) else used_up

    def _away(self, user_id: str, state: UserState) -> PendingWake | None:
        """When to win the user back if they do not return, None if there is no such moment or they get no pushes."""
        away = self._occasions.away_next(state, state.last_signal_ms)
        return None if away is None or self._gates.is_shut(user_id, state, away.trigger) else away

    def _best_hour(self, user_id: str, state: UserState) -> PendingWake | None:
        """The best hour of the coming day, or, for who has been away for long, one try to win them back; None if there is nothing to wait for."""
        now_ms = state.last_signal_ms
        if state.opted_out or state.unreachable or (ahead := self._occasions.ahead(state, now_ms)) is None:
            return None
        trigger, occasion, earliest_ms = ahead
        earliest_ms = max(earliest_ms, now_ms + _HOUR_MS)  # now has been decided about: nobody is looked at again and again
        closed = self._gates.first_closed(user_id, state, now_ms, trigger)
        if closed is not None and closed[0] is not Reason.SCORED_LATELY:
            if not closed[1]:
                return None
            earliest_ms = max(earliest_ms, closed[1])
        until_ms = earliest_ms + occasion.horizon_ms
        name = trigger.name.lower()
        rates = self._moment.rates(state, now_ms)
        seed = _seed(user_id, f"{name}/{earliest_ms}")
        plan = self._moment.plan(state, rates, occasion, earliest_ms, until_ms, seed, share_of(user_id, _PLACE_IN_THE_HOUR))
        if plan is None:
            return None
        at_ms = plan.at_ms
        return PendingWake(at_ms, name, f"{name}/{at_ms}", at_ms, trigger, 0, 0.0, until_ms)


def _seed(user_id: str, cause_id: str) -> int:
    """64 bits that name the draw: the same cause draws the same, also after a crash."""
    return int(command_id(user_id, cause_id)[:16], 16)
