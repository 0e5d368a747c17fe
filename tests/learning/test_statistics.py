"""How an item is doing: what fades, and that neither order nor repetition changes it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.learning.item_statistics import add_outcome, add_popularity, is_stopped, popularity_at
from flink_job.core.learning.signals import PushStage
from flink_job.core.learning.slots import add_slot_outcome
from flink_job.core.learning.state import OPENED, SENT, ItemState
from tests.core.person import MONDAY_0930
from tests.learning.rules import DAY, HOUR, learning_rules

AT = MONDAY_0930
RULES = learning_rules(popularity__half_life_ms=6 * HOUR, outcomes__half_life_ms=10 * DAY, popularity__countries=2)


def test_popularity_halves_with_every_half_life() -> None:
    state = ItemState()
    add_popularity(RULES.popularity, state, 4.0, "DE", AT)
    add_popularity(RULES.popularity, state, 1.0, "BR", AT + 6 * HOUR)
    total, by_country = popularity_at(RULES.popularity, state, AT + 24 * HOUR)
    assert total == pytest.approx(4.0 * 0.5 ** (24 / 6) + 1.0 * 0.5 ** (18 / 6))
    assert by_country == {"DE": pytest.approx(4.0 * 0.5**4), "BR": pytest.approx(0.5**3)}


def test_the_weakest_of_too_many_countries_is_forgotten_and_the_total_is_not() -> None:
    state = ItemState()
    for country, rating in (("DE", 3.0), ("BR", 1.0), ("FR", 2.0)):
        add_popularity(RULES.popularity, state, rating, country, AT)
    assert popularity_at(RULES.popularity, state, AT) == (6.0, {"DE": 3.0, "FR": 2.0})


visits = st.lists(st.tuples(st.floats(0.1, 5.0), st.integers(0, 60 * DAY)), min_size=1, max_size=30)


@given(visits, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(listed: list[tuple[float, int]], shuffled: random.Random) -> None:
    in_order, mixed = ItemState(), ItemState()
    for rating, after_ms in sorted(listed, key=lambda visit: visit[1]):
        add_popularity(RULES.popularity, in_order, rating, "DE", AT + after_ms)
    shuffled.shuffle(listed)
    for rating, after_ms in listed:
        add_popularity(RULES.popularity, mixed, rating, "DE", AT + after_ms)
    now_ms = AT + 60 * DAY
    by_hand = sum(rating * 0.5 ** ((60 * DAY - after_ms) / (6 * HOUR)) for rating, after_ms in listed)
    assert popularity_at(RULES.popularity, in_order, now_ms)[0] == pytest.approx(by_hand, rel=1e-9)
    assert popularity_at(RULES.popularity, mixed, now_ms)[0] == pytest.approx(by_hand, rel=1e-9)


def test_an_open_counts_as_of_the_sending_so_that_the_rate_is_not_bent_by_waiting() -> None:
    state = ItemState()
    add_outcome(RULES.outcomes, state, PushStage.SENT, AT)
    add_outcome(RULES.outcomes, state, PushStage.SENT, AT + 20 * DAY)
    add_outcome(RULES.outcomes, state, PushStage.OPENED, AT)  # heard of after the second was sent
    assert state.outcomes[SENT] == pytest.approx(1 + 0.5**2)
    assert state.outcomes[OPENED] == pytest.approx(0.5**2)


def test_an_item_is_stopped_by_dismissals_only_after_enough_pushes() -> None:
    rules = learning_rules(outcomes__stop_after_sends=50, outcomes__stop_share=0.3).outcomes
    state = ItemState(outcomes=[60.0, 3.0, 0.0, 18.0, 0.0])
    assert not is_stopped(rules, state)  # 18 / 60 = 0.3 is not more than 0.3
    state.outcomes[4] = 1.0
    assert is_stopped(rules, state)
    assert not is_stopped(rules, ItemState(outcomes=[40.0, 0.0, 0.0, 40.0, 0.0]))


def test_slots_count_sends_opens_and_conversions_and_nothing_else() -> None:
    state = ItemState()
    rules = learning_rules(slots__half_life_ms=30 * DAY).slots
    assert add_slot_outcome(rules, state, PushStage.SENT, 9, AT)
    assert add_slot_outcome(rules, state, PushStage.SENT, 9, AT + 30 * DAY)
    assert add_slot_outcome(rules, state, PushStage.OPENED, 9, AT + 30 * DAY)
    assert not add_slot_outcome(rules, state, PushStage.DISMISSED, 9, AT)
    assert not add_slot_outcome(rules, state, PushStage.SENT, -1, AT)
    assert state.slots is not None
    assert state.slots[9].tolist() == [1.5, 1.0, 0.0]
    assert float(state.slots.sum()) == 2.5
