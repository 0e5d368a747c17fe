"""What deciders know: trending, neighbours, rates and slots, whatever order it came in."""

import random
from dataclasses import replace
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core.catalogue import Catalogue
from flink_job.core.ids import key_of
from flink_job.core.knowledge import Knowledge
from flink_job.core.learning.facts import Facts, ItemFacts, PriceFacts, SegmentFacts
from flink_job.core.local_time import SLOTS
from flink_job.core.outcome_counts import hopeful, normalised_rate
from flink_job.core.rules.learning import LearningRules
from flink_job.core.trending import TopList
from tests.core.catalogue_items import ids, item
from tests.core.person import MONDAY_0930, shelf
from tests.learning.rules import DAY, HOUR, learning_rules

AT = MONDAY_0930
RULES = learning_rules(
    popularity__half_life_ms=DAY,
    outcomes__half_life_ms=30 * DAY,
    outcomes__prior_open=0.05,
    outcomes__prior_convert=0.1,
    outcomes__prior_weight=5,
)
NAMES = [f"item {number}" for number in range(6)]


def known(catalogue: Catalogue, *facts: Facts) -> Knowledge:
    knowledge = Knowledge(RULES, catalogue)
    for each in facts:
        knowledge.put(each)
    return knowledge


def with_bonus(bonus: float) -> LearningRules:
    return replace(RULES, outcomes=replace(RULES.outcomes, open_bonus=bonus))


def facts(item_id: str, made_at_ms: int = AT, **values: Any) -> ItemFacts:
    return ItemFacts(item_id, made_at_ms, **{"outcomes_at_ms": made_at_ms, **values})


def rows(catalogue: Catalogue, *item_ids: str) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.array([catalogue.row_of(item_id) for item_id in item_ids], np.intp)


def test_the_most_popular_come_first_as_of_now_and_not_as_of_when_they_were_told() -> None:
    catalogue = shelf(item(name) for name in NAMES)
    yesterday = facts("item 0", AT - DAY, popularity=10.0, by_group=(("DE", 10.0),))  # 5 by now
    today = facts("item 1", AT, popularity=6.0, by_group=(("BR", 6.0),))
    knowledge = known(catalogue, yesterday, today, facts("item 2", AT, popularity=1.0, by_group=(("DE", 1.0),)))
    assert ids(catalogue, knowledge.trending("", 10, AT)) == ["item 1", "item 0", "item 2"]
    assert ids(catalogue, knowledge.trending("DE", 10, AT)) == ["item 0", "item 2"]
    assert ids(catalogue, knowledge.trending("DE", 1, AT)) == ["item 0"]
    assert len(knowledge.trending("FR", 10, AT)) == 0


def test_what_is_sold_out_or_not_in_the_catalogue_is_no_trend() -> None:
    catalogue = shelf([item("item 0", stock=0), item("item 1"), item("item 2", valid_until_ms=AT)])
    knowledge = known(catalogue, *(facts(name, popularity=9.0 - at) for at, name in enumerate(NAMES)))
    assert ids(catalogue, knowledge.trending("", 1, AT)) == ["item 1"]
    catalogue.upsert(item("item 5"))
    assert ids(catalogue, knowledge.trending("", 5, AT)) == ["item 1", "item 5"]


def test_an_item_that_is_gone_is_forgotten_and_its_place_used_again() -> None:
    catalogue = shelf(item(name) for name in NAMES)
    knowledge = known(catalogue, facts("item 0", popularity=9.0, outcomes=(100.0, 50.0, 0.0, 0.0, 0.0)))
    assert knowledge.rates(rows(catalogue, "item 0"), AT)[0] > 0.4
    knowledge.put(facts("item 0", AT + 1, gone=True))
    knowledge.put(facts("item 1", AT + 1, popularity=1.0, outcomes=(7.0, 0.0, 0.0, 0.0, 0.0)))
    assert len(knowledge) == 1
    gone, unopened, never_sent = knowledge.rates(rows(catalogue, "item 0", "item 1", "item 2"), AT + 1)[0]
    assert gone == never_sent > unopened
    assert ids(catalogue, knowledge.trending("", 5, AT)) == ["item 1"]


def test_rates_lean_on_the_category_which_leans_on_all_which_leans_on_the_prior() -> None:
    catalogue = shelf(
        [item("mug", categories=("home", "mugs")), item("cup", categories=("mugs",)), item("kettle", categories=("kettles",))]
    )
    knowledge = known(
        catalogue,
        facts("mug", outcomes=(10.0, 2.0, 1.0, 0.0, 0.0), category="mugs"),
        facts("cup", outcomes=(10.0, 2.0, 0.0, 0.0, 0.0), category="mugs"),
        facts("elsewhere", outcomes=(80.0, 1.0, 0.0, 0.0, 0.0), category="else"),
    )
    p_all = (5 + 5) / (5 / 0.05 + 100)
    p_mugs = (5 + 4) / (5 / p_all + 20)
    p_open, p_convert = knowledge.rates(rows(catalogue, "mug", "kettle"), AT)
    assert p_open.tolist() == pytest.approx([(5 + 2) / (5 / p_mugs + 10), p_all])
    c_all = (5 + 1) / (5 / 0.1 + 5)
    c_mugs = (5 + 1) / (5 / c_all + 4)
    assert p_convert.tolist() == pytest.approx([(5 + 1) / (5 / c_mugs + 2), c_all])


def test_little_known_items_are_hoped_to_be_opened_more() -> None:
    """Of a mean of 0.05 in every case, so that only what is known differs: Beta(5, 95) and Beta(5 + 45, 95 + 855)."""
    catalogue = shelf([item("new"), item("old")])
    old = facts("old", outcomes=(900.0, 45.0, 9.0, 0.0, 0.0))
    knowledge = Knowledge(with_bonus(2.0), catalogue)
    knowledge.put(old)
    p_open, p_convert = knowledge.rates(rows(catalogue, "new", "old"), AT)
    assert p_open.tolist() == pytest.approx([0.05 + 2 * sqrt(0.05 * 0.95 / 101), 0.05 + 2 * sqrt(0.05 * 0.95 / 1001)])
    assert p_convert.tolist() == known(catalogue, old).rates(rows(catalogue, "new", "old"), AT)[1].tolist()


def test_without_a_bonus_rates_are_means() -> None:
    catalogue = shelf([item("new"), item("old")])
    p_open, _ = known(catalogue, facts("old", outcomes=(900.0, 45.0, 9.0, 0.0, 0.0))).rates(rows(catalogue, "new", "old"), AT)
    assert p_open.tolist() == pytest.approx([0.05, 0.05])


def test_the_worked_example_of_hope() -> None:
    rate = np.full(2, 0.04)
    assert hopeful(1.0, rate, np.array([0.0, 40.0]), 5.0).tolist() == pytest.approx([0.0575, 0.0458], abs=5e-5)


@given(
    bonus=st.floats(0, 100),
    prior=st.floats(0.001, 0.999),
    sent=st.lists(st.floats(0, 1e6), min_size=1, max_size=8),
    opened_share=st.floats(0, 1),
)
def test_a_hopeful_rate_is_a_probability_and_never_below_the_mean(
    bonus: float, prior: float, sent: list[float], opened_share: float
) -> None:
    tries = np.array(sent)
    mean = normalised_rate(tries * opened_share, tries, np.full(len(sent), prior), 5.0)
    raised = hopeful(bonus, mean, tries * opened_share, 5.0)
    assert (raised < 1.0).all()
    assert (raised >= np.minimum(mean, 1.0 - 1e-9)).all()


@given(bonus=st.floats(0.1, 5), fewer=st.floats(0, 1e4), more=st.floats(1, 1e4))
def test_the_more_pushes_the_less_hope(bonus: float, fewer: float, more: float) -> None:
    """Both of the same mean: 4 % of all were opened, as the prior has it."""
    tries = np.array([fewer, fewer + more])
    less_known, better_known = hopeful(bonus, np.full(2, 0.04), 0.04 * tries, 5.0).tolist()
    assert less_known > better_known > 0.04


def test_what_was_learned_long_ago_leaves_the_prior() -> None:
    catalogue = shelf([item("mug")])
    knowledge = known(catalogue, facts("mug", outcomes=(1000.0, 900.0, 0.0, 0.0, 0.0)))
    assert knowledge.rates(rows(catalogue, "mug"), AT)[0][0] > 0.8
    assert knowledge.rates(rows(catalogue, "mug"), AT + 30 * 365 * DAY)[0].tolist() == pytest.approx([0.05])


def test_a_row_that_was_given_to_another_item_has_that_items_knowledge() -> None:
    catalogue = shelf([item("mug"), item("never sent")])
    knowledge = known(catalogue, facts("mug", outcomes=(50.0, 0.0, 0.0, 0.0, 0.0)))
    both = rows(catalogue, "mug", "never sent")
    unopened, never_sent = knowledge.rates(both, AT)[0]
    assert unopened < never_sent
    catalogue.remove("mug", AT + 1)
    catalogue.upsert(item("cup"))
    assert catalogue.row_of("cup") == both[0]
    new, never_sent = knowledge.rates(both, AT)[0]
    assert new == never_sent
    knowledge.put(facts("cup", outcomes=(3.0, 0.0, 0.0, 0.0, 0.0)))
    unopened, never_sent = knowledge.rates(both, AT)[0]
    assert unopened < never_sent


def test_neighbours_are_those_in_the_catalogue_best_first() -> None:
    catalogue = shelf([item("mug"), item("saucer"), item("kettle")])
    knowledge = known(catalogue, facts("mug", neighbours=("saucer", "gone", "kettle"), similarities=(0.5, 0.4, 0.25), rating_sum=8.0))
    found, similar = knowledge.neighbours(key_of("mug"), 10)
    assert (ids(catalogue, found), similar.tolist()) == (["saucer", "kettle"], [0.5, 0.25])
    assert len(knowledge.neighbours(key_of("saucer"), 10)[0]) == 0
    assert knowledge.rating_sum(key_of("mug")) == 8.0


def test_slots_of_a_segment_fade_and_all_segments_add_up() -> None:
    slots = np.zeros((SLOTS, 4), np.float32)
    slots[9] = (8, 4, 2, 16)
    half_life_ms = RULES.slots.half_life_ms
    knowledge = known(shelf([]), SegmentFacts("DE", AT, AT, slots), SegmentFacts("BR", AT, AT + half_life_ms, slots))
    assert knowledge.hours.of("DE", AT + half_life_ms)[9].tolist() == [4.0, 2.0, 1.0, 8.0]
    assert knowledge.hours.of_all(AT + half_life_ms)[9].tolist() == [12.0, 6.0, 3.0, 24.0]
    assert not knowledge.hours.of("FR", AT).any()


told = st.lists(
    st.builds(
        lambda name, at, popularity, sent, category: facts(
            name, AT + at * HOUR, popularity=popularity, outcomes=(sent, sent / 2, 0.0, 0.0, 0.0), category=category
        ),
        st.sampled_from(NAMES),
        st.integers(0, 5),
        st.floats(0, 50),
        st.integers(0, 20).map(float),
        st.sampled_from(["a", "b", ""]),
    ),
    max_size=30,
    unique_by=lambda each: (each.item_id, each.made_at_ms),
)


@given(told, st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(listed: list[ItemFacts], shuffled: random.Random) -> None:
    catalogue = shelf(item(name, categories=("a",)) for name in NAMES)
    one = known(catalogue, *listed)
    shuffled.shuffle(listed)
    other = known(catalogue, *listed)
    everything, now_ms = rows(catalogue, *NAMES), AT + 6 * HOUR
    assert one.trending("", 10, now_ms).tolist() == other.trending("", 10, now_ms).tolist()
    for ours, theirs in zip(one.rates(everything, now_ms), other.rates(everything, now_ms), strict=True):
        assert ours.tolist() == pytest.approx(theirs.tolist(), rel=1e-9)
        assert ((ours > 0) & (ours <= 1)).all()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 40)), max_size=60), st.integers(1, 6))
def test_the_top_list_is_what_sorting_gives_as_long_as_heights_only_grow(steps: list[tuple[int, int]], most: int) -> None:
    top, heights = TopList(most), dict.fromkeys(range(0), 0)
    for place, growth in steps:
        heights[place] = heights.get(place, 0) + growth
        top.put(place, place, float(heights[place]))
        expected = sorted(heights, key=lambda each: (-heights[each], each))[:most]
        assert top.first(most).tolist() == expected


def test_the_newest_price_counts_until_it_is_over_whatever_order_prices_come_in() -> None:
    newest, older = PriceFacts(AT, 0.002, AT + HOUR), PriceFacts(AT - 1, 0.5)
    for told in ((newest, older), (older, newest)):
        knowledge = known(Catalogue(2), *told)
        assert [knowledge.price(at_ms) for at_ms in (AT, AT + HOUR - 1, AT + HOUR)] == [0.002, 0.002, 0.0]
    assert known(Catalogue(2)).price(AT) == 0.0
