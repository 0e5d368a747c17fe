"""Hours of the week in a user's bytes: sparse, and absent where there is nothing to remember."""

from array import array
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from flink_job.codec.state import StateCodec
from flink_job.core.slot_counts import SlotCounts
from flink_job.core.state import UserState, new_user
from tests.core.person import MONDAY_0930
from tests.core.policies import DAY, HOUR
from tests.core.timing import send_time_rules

CODEC = StateCodec(4)
COUNTS = SlotCounts(send_time_rules())
HOURS = ("activity_slot", "activity", "outcome_slot", "outcomes", "slots_at_ms", "visit_at_ms")


def hours(state: UserState) -> list[object]:
    return [getattr(state, name) for name in HOURS]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 167), st.integers(0, 3000 * 24)), max_size=30))
def test_hours_are_read_as_written(happened: list[tuple[bool, int, int]]) -> None:
    state = new_user(4, MONDAY_0930)
    for visited, slot, hour in happened:
        (COUNTS.observe_activity if visited else COUNTS.observe_sent)(state, slot, MONDAY_0930 + hour * HOUR)
    assert hours(CODEC.decode(CODEC.encode(state))) == hours(state)


def test_a_state_without_hours_is_read_as_that_of_a_user_of_whose_hours_nothing_is_known() -> None:
    state = new_user(4, MONDAY_0930)
    before = len(CODEC.encode(state))
    assert hours(CODEC.decode(CODEC.encode(state))) == [array("B"), array("f"), array("B"), array("f"), 0, 0]
    COUNTS.observe_activity(state, 0, MONDAY_0930 - HOUR)
    COUNTS.observe_activity(state, 9, MONDAY_0930)  # the visit before counts
    COUNTS.observe_sent(state, 9, MONDAY_0930)
    assert len(CODEC.encode(state)) - before == (2 + 6) + (2 + 6) + (3 + 1) + (3 + 4) + (3 + 1) + (3 + 12)  # times, slots, counts


def test_a_user_of_three_months_with_their_habits_and_pushes_takes_less_than_300_bytes_for_them() -> None:
    """Two visits a day around two hours, a push every other day at one of three."""
    rng, state = Random(3), new_user(4, MONDAY_0930)
    without = len(CODEC.encode(state))
    for day in range(90):
        for hour in (8, 20):
            slot = day % 7 * 24 + hour + (rng.random() < 0.3)
            COUNTS.observe_activity(state, slot, MONDAY_0930 + day * DAY + hour * HOUR)
        if day % 7 in (1, 3, 5):
            COUNTS.observe_sent(state, day % 7 * 24 + rng.choice((8, 12, 20)), MONDAY_0930 + day * DAY)
    assert len(CODEC.encode(state)) - without < 300


def test_no_user_takes_more_than_every_hour_once() -> None:
    rng, state = Random(4), new_user(4, MONDAY_0930)
    without = len(CODEC.encode(state))
    for number in range(4000):
        COUNTS.observe_activity(state, rng.randrange(168), MONDAY_0930 + number * HOUR)
        COUNTS.observe_sent(state, rng.randrange(168), MONDAY_0930 + number * HOUR)
    assert len(CODEC.encode(state)) - without <= 168 * (5 + 13) + 6 * 12
