"""Send-time rules for the tests, with round numbers, and users with counts by hour of the week."""

from dataclasses import replace
from typing import Any

from flink_job.core.rules.send_time import SendTimeRules
from flink_job.core.slot_counts import SlotCounts
from flink_job.core.state import UserState, new_user
from tests.core.person import MONDAY_0930
from tests.core.policies import DAY, MINUTE

PLAIN = SendTimeRules(
    horizon_ms=DAY,
    least_gain=0.15,
    exploration_draws=0,
    exploration_width=0.5,
    spread_ms=20 * MINUTE,
    visit_gap_ms=30 * MINUTE,
    activity_half_life_ms=28 * DAY,
    outcome_half_life_ms=60 * DAY,
    kernel_hours=1.0,
    other_day=0.5,
    other_kind_of_day=0.0,
    open_rate=0.05,
    convert_rate=0.05,
    open_strength=20.0,
    convert_strength=40.0,
    population_strength=200.0,
    visit_strength=10.0,
    user_strength=2.0,
    activity_strength=20.0,
    activity_exponent=0.5,
)


def send_time_rules(**changes: Any) -> SendTimeRules:
    """The plain ones, changed."""
    return replace(PLAIN, **changes)


def user_with(counts: dict[int, tuple[int, int, int]], at_ms: int = MONDAY_0930, visits: dict[int, int] | None = None) -> UserState:
    """Who got pushes in these slots, opened and converted, all of it now so that nothing has faded; and visited."""
    state, remembers = new_user(4, at_ms), SlotCounts(PLAIN)
    for slot, (sends, opens, conversions) in counts.items():
        for observe, times in (
            (remembers.observe_sent, sends),
            (remembers.observe_opened, opens),
            (remembers.observe_converted, conversions),
        ):
            for _ in range(times):
                observe(state, slot, at_ms)
    eager = SlotCounts(send_time_rules(visit_gap_ms=0))
    state.visit_at_ms = at_ms
    for slot, times in (visits or {}).items():
        for _ in range(times):
            eager.observe_activity(state, slot, at_ms)
    return state
