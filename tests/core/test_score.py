"""The score `s_ui = I_u · F_i + α · r_ui` and its list, by numbers one can check by hand."""

import numpy as np
import pytest

from flink_job.core.scoring import best_first, scores
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, shelf
from tests.core.policies import HOUR, plain_rules

EAST, NORTH, NORTH_EAST = [1, 0], [0, 1], [1, 1]


def floats(*values: float) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    return np.array(values, np.float32)


def test_the_worked_example_scores_one() -> None:
    interest, features = floats(1, 0, 1), floats(1, 1, 0)
    assert scores(floats(float(interest @ features)), alpha=0.3, affinity=floats(0)).tolist() == [1.0]


def test_history_with_the_item_adds_alpha_times_r() -> None:
    assert scores(floats(0.25, 0.25), 0.5, floats(0, 0.5)).tolist() == [0.25, 0.25 + 0.5 * 0.5]


def in_order(scored: list[float], keys: list[int]) -> list[int]:
    rows = np.arange(len(keys))[::-1].copy()  # candidate 0 is in the last row, and so on
    return list(best_first(floats(*scored), np.array(keys[::-1], np.uint64), rows))


def test_the_list_falls_by_score_and_equal_ones_rise_by_key() -> None:
    assert in_order([0.2, 0.9, 0.2, 0.9, 0.5], keys=[10, 21, 12, 20, 14]) == [3, 1, 4, 0, 2]


@pytest.mark.parametrize("levels", [4, 40, 1_000, 10_000_000])
@pytest.mark.parametrize("candidates", [1, 31, 32, 33, 34, 500])
def test_with_many_or_few_equal_scores_the_whole_order_holds(levels: int, candidates: int) -> None:
    random = np.random.default_rng([levels, candidates])
    scored = random.integers(0, levels, candidates).astype(float).tolist()
    keys = random.permutation(candidates).tolist()
    assert in_order(scored, keys) == sorted(range(candidates), key=lambda at: (-scored[at], keys[at]))


def test_the_best_item_is_the_one_most_like_what_the_user_looked_at() -> None:
    shop = shelf([item("east", features=unit(EAST)), item("north-east", features=unit(NORTH_EAST)), item("north", features=unit(NORTH))])
    ann = Person(shop, plain_rules(items__seen_for_ms=HOUR, affinity__alpha=0.0))
    ann.does("view", "east")
    (push,) = ann.pushes
    assert push.item.item_id == "north-east"
    assert push.item.score == push.item.interest == pytest.approx(2**-0.5)


def test_the_score_of_a_push_is_its_interest_and_alpha_times_its_affinity() -> None:
    shop = shelf([item("east", features=unit(EAST))])
    ann = Person(shop, plain_rules(affinity__alpha=0.3, affinity__saturation=4.0, interest__weights={"view": 1.0}))
    ann.does("view", "east")
    (push,) = ann.pushes
    assert push.item.interest == pytest.approx(1.0)
    assert push.item.affinity == pytest.approx(1 / (1 + 4))
    assert push.item.score == pytest.approx(1.0 + 0.3 * 1 / (1 + 4))


def test_a_score_just_at_the_threshold_is_sent_and_one_below_is_not() -> None:
    shop = shelf([item("east", features=unit(EAST))])
    rules = plain_rules(affinity__alpha=0.0, send__min_score=1.0)
    exactly, above = Person(shop, rules), Person(shop, plain_rules(affinity__alpha=0.0, send__min_score=1.001))
    exactly.does("view", "east")
    above.does("view", "east")
    assert len(exactly.pushes) == 1
    assert not above.pushes


def test_equal_items_are_decided_by_their_keys_whatever_the_order_they_came_in() -> None:
    twins = [item(f"twin {number}", features=unit(EAST)) for number in range(20)]
    chosen = set()
    for some_order in (twins, twins[::-1], twins[7:] + twins[:7]):
        ann = Person(shelf(some_order), plain_rules(affinity__alpha=0.0))
        ann.does("search", at_ms=MONDAY_0930)
        chosen.add(ann.pushes[0].item.item_id)
    assert chosen == {min(twins, key=lambda twin: twin.key).item_id}


def test_a_user_of_whom_nothing_is_known_gets_what_is_new_and_scores_zero() -> None:
    shop = shelf([item("old", features=unit(EAST), published_at_ms=1), item("new", features=unit(NORTH), published_at_ms=2)])
    ann = Person(shop, plain_rules(candidates__fresh=1))
    ann.does("search")
    (push,) = ann.pushes
    assert (push.item.item_id, push.item.score, push.item.sources) == ("new", 0.0, ("fresh",))


def test_the_list_has_as_many_items_as_the_policy_says() -> None:
    shop = shelf(item(f"item {number}", features=unit([1, number])) for number in range(9))
    ann = Person(shop, plain_rules(candidates__listed=4))
    ann.does("view", "item 0")
    candidates = ann.pushes[0].record.candidates
    assert [candidate.item_id for candidate in candidates] == ["item 0", "item 1", "item 2", "item 3"]
    assert [candidate.score for candidate in candidates] == sorted((candidate.score for candidate in candidates), reverse=True)
