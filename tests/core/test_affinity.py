"""`r_ui`, the user's history with the item itself, and the recent items it is kept in."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.recents import Recents, unfinished
from flink_job.core.rules import AffinityRules
from flink_job.core.signals import InteractionType
from flink_job.core.state import BOUGHT, DISLIKED, FAVOURITE, IN_CART, UserState, new_user
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, shelf
from tests.core.policies import DAY, HOUR, MINUTE, plain_rules

AT = MONDAY_0930
HALF_LIFE, SATURATION = 3 * DAY, 4.0
MUG, LAMP, KETTLE = 11, 22, 33
VIEW = InteractionType.VIEW

Event = tuple[int, float, int]
"""(item key, weight, milliseconds after AT)"""


def recents(kept: int = 32) -> Recents:
    return Recents(AffinityRules(0.3, HALF_LIFE, SATURATION), kept)


def after(*events: Event, kept: int = 32, kind: InteractionType = VIEW) -> UserState:
    state = new_user(2, AT)
    for key, weight, at_ms in events:
        recents(kept).observe(state, key, kind, weight, AT + at_ms)
    return state


def affinity(state: UserState, key: int, at_ms: int) -> float:
    return recents().affinity(state, state.recent_item.index(key), AT + at_ms)


def test_one_interaction_of_weight_w_gives_w_over_w_plus_saturation() -> None:
    assert affinity(after((MUG, 1.0, 0)), MUG, 0) == pytest.approx(1 / (1 + 4))
    assert affinity(after((MUG, 4.0, 0)), MUG, 0) == pytest.approx(1 / 2)


def test_weights_add_up_and_fade_by_their_half_life() -> None:
    value = 3 * 0.5 ** (6 / 72) + 1
    assert affinity(after((MUG, 3.0, 0), (MUG, 1.0, 6 * HOUR)), MUG, 6 * HOUR) == pytest.approx(value / (value + 4))
    faded = value * 0.5 ** (24 / 72)
    assert affinity(after((MUG, 3.0, 0), (MUG, 1.0, 6 * HOUR)), MUG, 30 * HOUR) == pytest.approx(faded / (faded + 4))


def test_affinity_is_never_negative_and_never_reaches_one() -> None:
    assert affinity(after((MUG, -4.0, 0)), MUG, 0) == 0
    assert affinity(after((MUG, 1.0, 0), (MUG, -1.0, 0)), MUG, 0) == 0
    assert 0.99 < affinity(after(*[(MUG, 5.0, 0)] * 1000), MUG, 0) < 1


def test_an_event_from_just_ahead_of_the_clock_counts_in_full_and_no_more() -> None:
    assert affinity(after((MUG, 4.0, MINUTE)), MUG, 0) == pytest.approx(1 / 2)


history = st.lists(st.tuples(st.sampled_from([MUG, LAMP, KETTLE]), st.sampled_from([1.0, 4.0, -2.0]), st.integers(0, 9 * DAY)), max_size=20)


@given(history, st.randoms(use_true_random=False))
def test_events_in_any_order_give_what_they_give_in_order(events: list[Event], rng: Random) -> None:
    shuffled = list(events)
    rng.shuffle(shuffled)
    in_order, out_of_order = after(*sorted(events, key=lambda event: event[2])), after(*shuffled)
    for key in {event[0] for event in events}:
        expected = affinity(in_order, key, 9 * DAY)
        assert affinity(out_of_order, key, 9 * DAY) == pytest.approx(expected, rel=1e-5, abs=1e-6)
    assert sorted(out_of_order.recent_at_ms) == list(out_of_order.recent_at_ms) == list(in_order.recent_at_ms)


@given(st.permutations([(key, 1.0, key * HOUR) for key in range(12)]))
def test_the_newest_items_are_kept_whatever_the_order_in_which_they_arrive(events: list[Event]) -> None:
    assert after(*events, kept=5).recent_item.tolist() == [7, 8, 9, 10, 11]


def test_the_oldest_item_makes_room_and_its_columns_with_it() -> None:
    state = after((1, 1.0, 1), (2, 2.0, 2), (3, 3.0, 3), (1, 1.0, 4), (4, 4.0, 5), kept=3)
    assert state.recent_item.tolist() == [3, 1, 4]
    assert state.recent_at_ms.tolist() == [AT + 3, AT + 4, AT + 5]
    assert state.recent_weight.tolist() == pytest.approx([3, 2, 4])
    assert len(state.recent_flags) == 3


def flags_after(*kinds: str) -> int:
    state = new_user(2, AT)
    for number, kind in enumerate(kinds):
        recents().observe(state, MUG, InteractionType[kind.upper()], 1.0, AT + number)
    return state.recent_flags[0]


@pytest.mark.parametrize(
    ("kinds", "flags"),
    [
        (["view"], 0),
        (["cart"], IN_CART),
        (["cart", "view", "click"], IN_CART),
        (["cart", "remove_from_cart"], 0),
        (["cart", "favourite"], IN_CART | FAVOURITE),
        (["cart", "favourite", "unfavourite"], IN_CART),
        (["cart", "purchase"], BOUGHT),
        (["cart", "favourite", "purchase", "return"], FAVOURITE),
        (["dislike"], DISLIKED),
        (["hide"], DISLIKED),
        (["report"], DISLIKED),
        (["dislike", "like"], 0),
        (["dislike", "view"], DISLIKED),
    ],
)
def test_what_was_done_with_an_item_is_remembered(kinds: list[str], flags: int) -> None:
    assert flags_after(*kinds) == flags


def test_unfinished_business_is_what_is_in_the_cart_or_wished_for_and_not_bought_newest_first() -> None:
    state = new_user(2, AT)
    for number, (key, kind) in enumerate(
        [(1, "CART"), (2, "FAVOURITE"), (3, "VIEW"), (4, "CART"), (4, "PURCHASE"), (5, "FAVOURITE"), (5, "DISLIKE"), (1, "VIEW")]
    ):
        recents().observe(state, key, InteractionType[kind], 1.0, AT + number)
    assert unfinished(state, 9) == [1, 2]
    assert unfinished(state, 1) == [1]
    assert unfinished(new_user(2, AT), 9) == []


def test_items_that_were_merely_shown_in_a_list_do_not_crowd_out_what_the_user_dealt_with() -> None:
    shop = shelf(item(f"item {number}", features=unit([1, number])) for number in range(50))
    ann = Person(shop, plain_rules(memory__recent_items=8))
    ann.does("cart", "item 7")
    for number in range(10, 40):
        ann.does("impression", f"item {number}", AT + number)
    assert ann.state.recent_item.tolist() == [item("item 7").key]


def test_an_item_left_in_the_cart_is_a_candidate_though_nothing_else_finds_it() -> None:
    shop = shelf([item("mug"), *(item(f"item {number}", published_at_ms=AT + number) for number in range(9))])
    ann = Person(shop, plain_rules(candidates__fresh=1, interest__weights={"cart": 4.0}))
    ann.does("cart", "mug")
    (push,) = ann.pushes
    assert (push.item.item_id, push.item.sources) == ("mug", ("unfinished",))
    assert push.item.score == pytest.approx(0.3 * 0.5)
