"""What goes with what, from visits alone."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pytest

from flink_job.core.learning.covisits import add_visit, best_neighbours, similarities
from flink_job.core.learning.signals import Visit
from flink_job.core.learning.state import ItemState
from flink_job.core.rules.learning import CovisitRules
from tests.core.person import MONDAY_0930
from tests.learning.rules import DAY, learning_rules

AT = MONDAY_0930


def rules(**changes: object) -> CovisitRules:
    return learning_rules(**{f"covisits__{name}": value for name, value in {"support": 0.0, **changes}.items()}).covisits


class Seen(NamedTuple):
    """One item of a visit."""

    item_id: str
    rating: float
    at_ms: int
    told: bool
    rating_sum: float


def visited(item_id: str, rating: float = 1.0, at_ms: int = AT, *, told: bool = False, rating_sum: float = 0.0) -> Seen:
    return Seen(item_id, rating, at_ms, told, rating_sum)


def visit_of(items: Sequence[Seen]) -> Visit:
    """Those told before come first."""
    ids, ratings, at_ms, told, rating_sums = (list(column) for column in zip(*items, strict=True))
    return Visit(ids, ratings, at_ms, rating_sums, sum(told))


def learn(given: CovisitRules, state: ItemState, *items: Seen) -> None:
    """`items[0]` is the item that learns."""
    add_visit(given, state, 0, visit_of(items))


def test_the_similarity_is_that_of_tencentrec() -> None:
    """Two visits with both, ratings (2, 1) and (1, 3); the mug has 4 more elsewhere and the saucer 6 in all: co = 1 + 1."""
    mug, given = ItemState(), rules()
    learn(given, mug, visited("mug", 2.0), visited("saucer", 1.0, rating_sum=6.0))
    learn(given, mug, visited("mug", 1.0), visited("saucer", 3.0, rating_sum=6.0))
    learn(given, mug, visited("mug", 4.0))
    assert similarities(given, mug).tolist() == pytest.approx([2.0 / (7.0**0.5 * 6.0**0.5)])


def test_what_was_only_ever_seen_together_has_a_similarity_of_1_and_little_support_shrinks_it() -> None:
    mug = ItemState()
    learn(rules(), mug, visited("mug"), visited("saucer"))
    assert similarities(rules(), mug).tolist() == [1.0]
    assert similarities(rules(support=3.0), mug).tolist() == [0.25]  # 1 / (1 + 3)


def test_a_pair_that_was_told_before_does_not_count_again_but_goes_with_what_is_new() -> None:
    mug, given = ItemState(), rules()
    learn(given, mug, visited("mug"), visited("saucer"))
    learn(given, mug, visited("mug", told=True), visited("saucer", told=True), visited("kettle"))
    assert mug.rating_sum == 1.0
    assert dict(zip(mug.neighbour_ids, mug.neighbour_weight, strict=True)) == {"saucer": 1.0, "kettle": 1.0}


def test_neighbours_fade_and_late_visits_count_for_what_they_are_worth_now() -> None:
    given = rules(half_life_ms=14 * DAY)
    mug = ItemState()
    learn(given, mug, visited("mug", at_ms=AT + 28 * DAY), visited("kettle", at_ms=AT + 28 * DAY))
    learn(given, mug, visited("mug"), visited("saucer"))
    assert mug.rating_sum == pytest.approx(1 + 0.5**2)
    assert dict(zip(mug.neighbour_ids, mug.neighbour_weight, strict=True)) == {"kettle": 1.0, "saucer": pytest.approx(0.25)}


def test_the_list_is_bounded_and_what_comes_again_outlives_the_noise() -> None:
    """One true companion in every fifth visit among 2,000 strangers that come once each."""
    given, mug = rules(kept=8, released=3, support=2.0), ItemState()
    for number in range(2_000):
        other = "saucer" if number % 5 == 0 else f"stranger {number}"
        learn(
            given, mug, visited("mug", at_ms=AT + number), visited(other, at_ms=AT + number, rating_sum=400.0 if other == "saucer" else 1.0)
        )
        assert len(mug.neighbour_ids) <= 8
    ids, similar = best_neighbours(given, mug)
    assert ids[0] == "saucer"
    assert len(ids) == 3
    assert list(similar) == sorted(similar, reverse=True)


def test_planted_groups_are_found_again() -> None:
    """200 items in groups of 5; of each visit's three items two are of one group. Nine in ten best neighbours are of the own group."""
    given = rules(kept=32, released=4, support=2.0)
    draws = np.random.default_rng(11)
    states = {f"item {number}": ItemState() for number in range(200)}
    for visit in range(6_000):
        group = int(draws.integers(40))
        first, second = (5 * group + draws.choice(5, 2, replace=False)).tolist()
        names = [f"item {first}", f"item {second}", f"item {int(draws.integers(200))}"]
        if len(set(names)) < 3:
            continue
        items = [visited(name, at_ms=AT + 1_000 * visit, rating_sum=states[name].rating_sum) for name in names]
        for own, name in enumerate(names):
            add_visit(given, states[name], own, visit_of(items))
    right = [
        int(neighbour.split()[1]) // 5 == int(name.split()[1]) // 5
        for name, state in states.items()
        for neighbour in best_neighbours(given, state)[0]
    ]
    assert len(right) == 800
    assert np.mean(right) > 0.9
