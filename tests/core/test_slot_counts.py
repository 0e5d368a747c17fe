"""What is remembered of a user's hours: decayed, exact in any order, bounded."""

from collections.abc import Callable
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.slot_counts import SlotCounts
from flink_job.core.state import UserState, new_user
from tests.core.person import MONDAY_0930
from tests.core.policies import DAY, HOUR, MINUTE
from tests.core.timing import send_time_rules

VISITS, PUSHES = 28 * DAY, 60 * DAY
"""The half-lives."""
MONDAY_9, TUESDAY_8 = 9, 32

Happening = tuple[int, int, int]
"""(0 sent, 1 opened, 2 converted; slot; days after MONDAY_0930)"""
happenings = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 167), st.integers(0, 4000)), max_size=40)


def counts() -> SlotCounts:
    return SlotCounts(send_time_rules())


def after(events: list[Happening]) -> UserState:
    state, remembers = new_user(4, MONDAY_0930), counts()
    observe: list[Callable[[UserState, int, int], None]] = [
        remembers.observe_sent,
        remembers.observe_opened,
        remembers.observe_converted,
    ]
    for kind, slot, day in events:
        observe[kind](state, slot, MONDAY_0930 + day * DAY)
    return state


def outcomes(state: UserState, now_ms: int) -> dict[int, list[float]]:
    slots, found = counts().outcomes(state, now_ms)
    return dict(zip(slots.tolist(), found.tolist(), strict=True))


def activity(state: UserState, now_ms: int) -> dict[int, float]:
    slots, found = counts().activity(state, now_ms)
    return dict(zip(slots.tolist(), found.tolist(), strict=True))


def test_after_one_half_life_a_push_counts_half_and_so_do_its_open_and_its_conversion() -> None:
    state = after([(0, TUESDAY_8, 0), (1, TUESDAY_8, 0), (2, TUESDAY_8, 0), (0, TUESDAY_8, 60)])
    assert outcomes(state, MONDAY_0930 + PUSHES) == {TUESDAY_8: pytest.approx([0.5 + 1, 0.5, 0.5])}


def test_an_open_that_comes_days_later_counts_for_the_hour_and_the_day_of_sending_so_that_rates_stay_rates() -> None:
    state, remembers = new_user(4, MONDAY_0930), counts()
    remembers.observe_sent(state, MONDAY_9, MONDAY_0930)
    remembers.observe_sent(state, TUESDAY_8, MONDAY_0930 + 8 * DAY)
    remembers.observe_opened(state, MONDAY_9, MONDAY_0930)
    sends, opens, _ = outcomes(state, MONDAY_0930 + 9 * DAY)[MONDAY_9]
    assert opens == pytest.approx(sends) == pytest.approx(0.5 ** (9 / 60))


def test_a_push_that_reached_no_device_was_not_sent() -> None:
    state, remembers = after([(0, MONDAY_9, 0), (0, MONDAY_9, 3)]), counts()
    remembers.observe_failed(state, MONDAY_9, MONDAY_0930)
    assert outcomes(state, MONDAY_0930 + 3 * DAY)[MONDAY_9] == pytest.approx([1, 0, 0])


def test_a_visit_counts_once_however_much_is_done_in_it() -> None:
    state, remembers = new_user(4, MONDAY_0930), counts()
    for minute in (0, 1, 15, 29):
        assert remembers.is_new_visit(state, MONDAY_0930 + minute * MINUTE) == (minute == 0)
        remembers.observe_activity(state, MONDAY_9, MONDAY_0930 + minute * MINUTE)
    assert activity(state, MONDAY_0930) == {}
    remembers.observe_activity(state, MONDAY_9, MONDAY_0930 + 2 * HOUR)
    assert activity(state, MONDAY_0930) == {MONDAY_9: 1.0}


def test_the_visit_that_goes_on_does_not_count_yet() -> None:
    """It tells that the user is here, which is why something is decided now, and not that this is one of their hours."""
    state, remembers = new_user(4, MONDAY_0930), counts()
    remembers.observe_activity(state, MONDAY_9, MONDAY_0930)
    remembers.observe_activity(state, MONDAY_9, MONDAY_0930 + 23 * HOUR)  # it is Tuesday at half past eight, and Monday's visit is over
    assert activity(state, MONDAY_0930) == {MONDAY_9: 1.0}


def test_after_the_gap_it_is_another_visit_and_what_arrives_late_is_not_counted() -> None:
    state, remembers = new_user(4, MONDAY_0930), counts()
    remembers.observe_activity(state, 0, MONDAY_0930)
    remembers.observe_activity(state, MONDAY_9, MONDAY_0930 + 30 * MINUTE)
    remembers.observe_activity(state, 10, MONDAY_0930 - 2 * HOUR)
    remembers.observe_activity(state, 10, MONDAY_0930 + 60 * MINUTE)
    assert activity(state, MONDAY_0930 + 30 * MINUTE) == pytest.approx({MONDAY_9: 1.0, 10: 1.0}, abs=1e-3)


def test_after_one_half_life_a_visit_counts_half() -> None:
    state, remembers = new_user(4, MONDAY_0930), counts()
    remembers.observe_activity(state, 0, MONDAY_0930)
    remembers.observe_activity(state, MONDAY_9, MONDAY_0930 + HOUR)
    assert activity(state, MONDAY_0930 + VISITS) == {MONDAY_9: pytest.approx(0.5)}


@given(happenings, st.integers(0, 2**32))
def test_the_order_in_which_things_are_heard_of_does_not_matter(events: list[Happening], seed: int) -> None:
    shuffled = events.copy()
    Random(seed).shuffle(shuffled)
    now_ms = MONDAY_0930 + 4000 * DAY
    one, other = outcomes(after(events), now_ms), outcomes(after(shuffled), now_ms)
    for slot in one.keys() | other.keys():
        assert one.get(slot, [0, 0, 0]) == pytest.approx(other.get(slot, [0, 0, 0]), rel=1e-4, abs=1e-5), slot


@given(happenings)
def test_counts_are_what_the_formula_says(events: list[Happening]) -> None:
    now_ms = MONDAY_0930 + 4000 * DAY
    expected = np.zeros((168, 3))
    for kind, slot, day in events:
        expected[slot, kind] += 0.5 ** ((4000 - day) / 60)
    found = np.zeros((168, 3))
    for slot, row in outcomes(after(events), now_ms).items():
        found[slot] = row
    assert found == pytest.approx(expected, rel=1e-4, abs=1e-5)


@given(happenings, st.lists(st.integers(0, 5000), min_size=2, max_size=5))
def test_what_is_left_never_grows_with_time(events: list[Happening], days: list[int]) -> None:
    state = after(events)
    left = [sum(map(sum, outcomes(state, MONDAY_0930 + (4000 + day) * DAY).values())) for day in sorted(days)]
    assert left == sorted(left, reverse=True)


def test_the_slots_are_in_order_and_each_is_there_once_however_many_happened() -> None:
    rng = Random(5)
    state = after([(rng.randrange(3), rng.randrange(168), rng.randrange(400)) for _ in range(3000)])
    assert state.outcome_slot.tolist() == list(range(168))
    assert len(state.outcomes) == 3 * 168


def test_after_years_without_them_hours_are_forgotten() -> None:
    state, remembers = after([(0, MONDAY_9, 0), (1, MONDAY_9, 0)]), counts()
    remembers.observe_activity(state, 3, MONDAY_0930)
    remembers.observe_sent(state, TUESDAY_8, MONDAY_0930 + 5000 * DAY)
    assert outcomes(state, MONDAY_0930 + 5000 * DAY) == {TUESDAY_8: [1.0, 0.0, 0.0]}
    assert activity(state, MONDAY_0930 + 5000 * DAY) == {}
