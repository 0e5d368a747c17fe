"""Interest: decayed sums that are exact whatever the order in which events arrive, and the profile made of them."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.interest import Interest
from flink_job.core.rules import InterestRules
from flink_job.core.state import Floats, UserState, new_user
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, shelf
from tests.core.policies import DAY, HOUR, MINUTE, plain_rules

SHORT, LONG = 6 * HOUR, 7 * DAY
DIM = 3

Event = tuple[int, float, int]
"""(which of the features, weight, milliseconds after MONDAY_0930)"""

FEATURES = [np.append(unit(direction), np.float32(1)) for direction in ([1, 0, 0], [0, 1, 0], [1, 2, 2])]


def interest(short_share: float = 0.5) -> Interest:
    return Interest(InterestRules(SHORT, LONG, short_share, {}))


def after(events: Sequence[Event]) -> UserState:
    """The state of a user who did these things, in the order given."""
    state = new_user(DIM, MONDAY_0930 + (events[0][2] if events else 0))
    for which, weight, at_ms in events:
        interest().observe(state, FEATURES[which], weight, MONDAY_0930 + at_ms)
    return state


def as_of(state: UserState, at_ms: int) -> Floats:
    """S(t) at `at_ms` after MONDAY_0930, (2, dim + 1): short and long. The state holds it relative to `interest_at_ms`."""
    age_ms = MONDAY_0930 + at_ms - state.interest_at_ms
    fade = np.array([[0.5 ** (age_ms / SHORT)], [0.5 ** (age_ms / LONG)]])
    return np.asarray(state.interest * fade, np.float64)


def test_after_one_half_life_an_event_counts_half() -> None:
    short, long = as_of(after([(0, 1.0, 0), (1, 1.0, SHORT)]), SHORT)
    assert short.tolist() == pytest.approx([0.5, 1, 0, 0.5 + 1])
    assert long.tolist() == pytest.approx([0.5 ** (6 / (7 * 24)), 1, 0, 0.5 ** (6 / (7 * 24)) + 1])


def test_after_six_hours_of_a_seven_day_half_life_an_event_counts_as_the_formula_says() -> None:
    (mass,) = as_of(after([(0, 1.0, 0)]), 6 * HOUR)[1, -1:]
    assert mass == pytest.approx(0.5 ** (6 / (7 * 24)))


def test_a_late_event_counts_as_if_it_had_been_on_time() -> None:
    assert as_of(after([(1, 1.0, SHORT), (0, 1.0, 0)]), SHORT)[0].tolist() == pytest.approx([0.5, 1, 0, 1.5])


def test_an_event_counts_with_its_weight() -> None:
    assert as_of(after([(0, 4.0, 0)]), 0)[0].tolist() == [4, 0, 0, 4]


def test_a_negative_event_points_away_but_adds_to_the_mass() -> None:
    short, long = as_of(after([(0, 3.0, 0), (1, -1.0, 0)]), 0)
    assert short.tolist() == long.tolist() == [3, -1, 0, 3 + 1]


def test_a_late_negative_event_fades_like_any_other() -> None:
    assert as_of(after([(0, 3.0, SHORT), (1, -1.0, 0)]), SHORT)[0].tolist() == pytest.approx([3, -0.5, 0, 3.5])


def test_an_item_without_features_leaves_no_trace_whatever_its_weight() -> None:
    state = after([(0, 1.0, 0)])
    for weight in (2.0, -2.0):
        interest().observe(state, np.zeros(DIM + 1, np.float32), weight, MONDAY_0930)
    assert as_of(state, 0).tolist() == [[1, 0, 0, 1], [1, 0, 0, 1]]


def test_the_profile_of_equal_events_is_that_event() -> None:
    for count in (1, 2, 50):
        assert interest().profile(after([(2, 1.0, 0)] * count)).tolist() == pytest.approx(unit([1, 2, 2]).tolist())


def test_the_profile_weighs_the_short_and_the_long_mean() -> None:
    state = after([(0, 1.0, 0), (1, 1.0, SHORT)])
    old = 0.5 ** (6 / (7 * 24))
    for share in (0.0, 0.25, 1.0):
        expected = share * np.array([0.5 / 1.5, 1 / 1.5, 0]) + (1 - share) * np.array([old / (old + 1), 1 / (old + 1), 0])
        assert interest(share).profile(state).tolist() == pytest.approx(expected.tolist())


def test_the_profile_of_a_user_without_interest_is_zero() -> None:
    assert interest().profile(after([])).tolist() == [0, 0, 0]


def test_likes_and_dislikes_of_one_thing_cancel_and_do_not_blow_up() -> None:
    assert interest().profile(after([(0, 1.0, 0), (0, -1.0, 0)])).tolist() == [0, 0, 0]


def test_scores_keep_their_scale_however_busy_a_user_is() -> None:
    """No profile is longer than 1, so no unit vector scores more than 1."""
    rng = np.random.default_rng(5)
    for count in (1, 10, 1000):
        events = [(int(which), float(weight), int(at)) for which, weight, at in zip(
            rng.integers(0, 3, count), rng.uniform(-5, 5, count), rng.integers(0, 30 * DAY, count), strict=True
        )]  # fmt: skip
        assert np.linalg.norm(interest().profile(after(events))) <= 1 + 1e-5


def test_a_user_who_comes_back_after_a_year_is_known_by_the_long_interest_and_moved_by_the_new_visit() -> None:
    state = after([(0, 5.0, 0), (1, 1.0, 365 * DAY)])
    short, long = as_of(state, 365 * DAY)
    assert short.tolist() == pytest.approx([0, 1, 0, 1])
    assert long.tolist() == pytest.approx([5 * 0.5 ** (365 / 7), 1, 0, 1])


events = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([1.0, 2.0, 5.0, -3.0]), st.integers(0, 2 * DAY)), min_size=1, max_size=25)


def test_a_sum_that_would_outgrow_its_landmark_moves_it() -> None:
    """More half-lives than a float32 has powers of two, one event each: the sum is that of the geometric series."""
    halved_each_time = [(0, 1.0, number * SHORT) for number in range(1_000)]
    short, _ = as_of(after(halved_each_time), 999 * SHORT)
    assert short.tolist() == pytest.approx([2, 0, 0, 2])
    assert np.isfinite(after(halved_each_time).interest).all()


@given(events, st.randoms(use_true_random=False))
def test_events_in_any_order_give_what_they_give_in_order(history: list[Event], rng: Random) -> None:
    shuffled = list(history)
    rng.shuffle(shuffled)
    in_order = as_of(after(sorted(history, key=lambda event: event[2])), 2 * DAY)
    out_of_order = as_of(after(shuffled), 2 * DAY)
    mass = in_order[:, -1:]
    assert np.all(np.abs(out_of_order - in_order) <= 1e-5 * mass)


@given(events, st.integers(0, 365 * DAY))
def test_the_profile_does_not_depend_on_when_it_is_asked(history: list[Event], later_ms: int) -> None:
    state = after(history)
    before = interest().profile(state)
    faded = after(history)
    interest().observe(faded, np.zeros(DIM + 1, np.float32), 1.0, MONDAY_0930 + 2 * DAY + min(later_ms, 3 * DAY))
    assert interest().profile(faded).tolist() == pytest.approx(before.tolist(), abs=1e-5)


def test_what_a_user_did_in_the_app_reaches_the_interest_with_the_weight_of_the_policy() -> None:
    shop = shelf([item("mug", features=unit([3, 4]))])
    ann = Person(shop, plain_rules(interest__weights={"cart": 4.0}))
    ann.does("view", "mug")
    assert ann.state.interest.tolist() == [[0, 0, 0], [0, 0, 0]]
    ann.does("cart", "mug", MONDAY_0930 + MINUTE)
    assert (ann.state.interest[1] / ann.state.interest[1, -1]).tolist() == pytest.approx([0.6, 0.8, 1])
    ann.does("cart", "mug", MONDAY_0930 + MINUTE)
    ann.does("purchase", "mug", MONDAY_0930 + MINUTE)  # no weight in this policy
    mass = ann.state.interest[1, -1] * 0.5 ** ((MONDAY_0930 + MINUTE - ann.state.interest_at_ms) / LONG)
    assert mass == pytest.approx(4 + 4)
