"""How an item is doing: what fades, and that neither order nor repetition changes it."""

import random
from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.learning.item_statistics import add_outcome, add_popularity, is_stopped, popularity_at
from flink_job.core.learning.signals import ItemSignal, PushStage, Visit
from flink_job.core.learning.slots import add_slot_outcome, add_slot_visit
from flink_job.core.learning.state import OPENED, SENT, ItemState
from tests.core.person import MONDAY_0930
from tests.learning.rules import DAY, HOUR, learning_rules

AT = MONDAY_0930
RULES = learning_rules(popularity__half_life_ms=6 * HOUR, outcomes__half_life_ms=10 * DAY, popularity__countries=2)
VISIT = Visit(["mug"], [1.0], [AT], [0.0])


def test_popularity_halves_with_every_half_life() -> None:
    state = ItemState()
    add_popularity(RULES.popularity, state, 4.0, ("DE",), AT)
    add_popularity(RULES.popularity, state, 1.0, ("BR",), AT + 6 * HOUR)
    total, by_group = popularity_at(RULES.popularity, state, AT + 24 * HOUR)
    assert total == pytest.approx(4.0 * 0.5 ** (24 / 6) + 1.0 * 0.5 ** (18 / 6))
    assert by_group == {"DE": pytest.approx(4.0 * 0.5**4), "BR": pytest.approx(0.5**3)}


def test_the_weakest_of_too_many_countries_is_forgotten_and_the_total_is_not() -> None:
    state = ItemState()
    for group, rating in (("DE", 3.0), ("BR", 1.0), ("FR", 2.0)):
        add_popularity(RULES.popularity, state, rating, (group,), AT)
    assert popularity_at(RULES.popularity, state, AT) == (6.0, {"DE": 3.0, "FR": 2.0})


def test_a_visit_counts_in_the_country_and_in_every_segment_of_the_user_and_once_over_all() -> None:
    state = ItemState()
    rules = learning_rules().popularity
    add_popularity(rules, state, 3.0, ItemSignal("v", (), AT, "DE", VISIT, ("loyal", "parents")).groups, AT)
    add_popularity(rules, state, 1.0, ItemSignal("w", (), AT, "", VISIT, ("loyal",)).groups, AT)
    assert popularity_at(rules, state, AT) == (4.0, {"DE": 3.0, "segment/loyal": 4.0, "segment/parents": 3.0})


def test_segments_do_not_take_the_place_of_countries() -> None:
    state = ItemState()
    rules = learning_rules(popularity__countries=1, popularity__segments=2).popularity
    for rating, groups in ((1.0, ("DE", "segment/a", "segment/b")), (5.0, ("segment/c",)), (3.0, ("BR", "segment/a"))):
        add_popularity(rules, state, rating, groups, AT)
    assert popularity_at(rules, state, AT)[1] == {"BR": 3.0, "segment/a": 3.0, "segment/c": 5.0}


visits = st.lists(st.tuples(st.floats(0.1, 5.0), st.integers(0, 60 * DAY)), min_size=1, max_size=30)


@given(visits, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(listed: list[tuple[float, int]], shuffled: random.Random) -> None:
    in_order, mixed = ItemState(), ItemState()
    for rating, after_ms in sorted(listed, key=lambda visit: visit[1]):
        add_popularity(RULES.popularity, in_order, rating, ("DE",), AT + after_ms)
    shuffled.shuffle(listed)
    for rating, after_ms in listed:
        add_popularity(RULES.popularity, mixed, rating, ("DE",), AT + after_ms)
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
    assert state.slots[9].tolist() == [1.5, 1.0, 0.0, 0.0]
    assert float(state.slots.sum()) == 2.5


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 90 * DAY)), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_counts_by_slot_are_what_the_formula_says_in_whatever_order_things_are_heard_of(
    listed: list[tuple[int, int]], shuffled: random.Random
) -> None:
    """Column 3 is that of visits; half-life 30 days."""
    rules = learning_rules(slots__half_life_ms=30 * DAY).slots
    state = ItemState()
    shuffled.shuffle(listed)
    for column, after_ms in listed:
        if column == 3:
            add_slot_visit(rules, state, 9, AT + after_ms)
        else:
            add_slot_outcome(rules, state, [PushStage.SENT, PushStage.OPENED, PushStage.CONVERTED][column], 9, AT + after_ms)
    assert state.slots is not None
    left = state.slots[9] * 0.5 ** ((AT + 90 * DAY - state.outcomes_at_ms) / (30 * DAY))
    by_hand = [sum(0.5 ** ((90 * DAY - after_ms) / (30 * DAY)) for each, after_ms in listed if each == column) for column in range(4)]
    assert left.tolist() == pytest.approx(by_hand, rel=1e-5, abs=1e-6)


def test_what_is_heard_of_every_few_milliseconds_fades_as_well() -> None:
    """Ten visits a second for two hours, half of which are left after one: 36,000 · (1 + ½) · ∫ 2^(−t) dt from 0 to 1, and that is ½ / ln 2."""
    rules = learning_rules(slots__half_life_ms=HOUR).slots
    state = ItemState()
    for after_ms in range(0, 2 * HOUR, 100):
        add_slot_visit(rules, state, 9, AT + after_ms)
    assert state.slots is not None
    left = float(state.slots[9, 3]) * 0.5 ** ((AT + 2 * HOUR - state.outcomes_at_ms) / HOUR)
    assert left == pytest.approx(36_000 * 1.5 * 0.5 / log(2), rel=1e-3)
