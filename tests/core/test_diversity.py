"""Diversity: what is like the last pushes counts for less, never for more, and a digest does not repeat itself."""

from dataclasses import replace
from math import log2, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.core import history
from flink_job.core.catalogue import Catalogue
from flink_job.core.diversity import Diversity, Pushed, demoted, entropy, select
from flink_job.core.index.codes import codes_of
from flink_job.core.index.labels import CATEGORY, CREATOR, TOP_CATEGORY, label_of
from flink_job.core.rules.checks import RuleError
from flink_job.core.rules.diversity import DiversityRules
from flink_job.core.state import FAILED, UserState, new_user
from tests.core.catalogue_items import MONDAY_0930, item, unit, units
from tests.core.policies import DAY, HOUR

AT = MONDAY_0930
RULES = DiversityRules(
    last=3,
    half_life_ms=DAY,
    same_category=0.4,
    same_top_category=0.1,
    same_creator=0.2,
    alike=0.5,
    alike_above=0.8,
    digest_items=3,
    digest_relevance=0.7,
    digest_occasions=("best_time",),
)
EAST, NORTH = unit([1, 0]), unit([0, 1])


def catalogue() -> Catalogue:
    """Mugs and a lamp, by two potters; only `twin` points where `mug` does."""
    shelf = Catalogue(2)
    for name, categories, creator, features in (
        ("mug", ("home", "mugs"), "ada", EAST),
        ("other mug", ("home", "mugs"), "bob", NORTH),
        ("lamp", ("home", "lamps"), "ada", NORTH),
        ("ball", ("sport",), "", NORTH),
        ("twin", ("sport", "bats"), "bob", unit([1, 0.5])),
        ("plain", (), "", None),
    ):
        shelf.upsert(item(name, categories=categories, creator_id=creator, features=features))
    return shelf


SHELF = catalogue()
NAMES = ("mug", "other mug", "lamp", "ball", "twin", "plain")
ROWS = np.array([SHELF.row_of(name) for name in NAMES])


def pushed(*names_and_ages: tuple[str, int]) -> Pushed:
    return Pushed(
        np.array([SHELF.row_of(name) for name, _ in names_and_ages], np.intp), np.array([float(age) for _, age in names_and_ages])
    )


def factors(*names_and_ages: tuple[str, int], rules: DiversityRules = RULES) -> dict[str, float]:
    found = Diversity(rules, SHELF).factors(ROWS, pushed(*names_and_ages))
    return dict(zip(NAMES, found.tolist(), strict=True))


def test_without_pushes_nothing_is_demoted() -> None:
    assert set(factors().values()) == {1.0}


def test_the_worked_factors_a_half_life_after_a_mug_was_pushed() -> None:
    found = factors(("mug", DAY))
    assert found["other mug"] == pytest.approx((1 - 0.4 / 2) * (1 - 0.1 / 2))  # category and top category
    assert found["lamp"] == pytest.approx((1 - 0.1 / 2) * (1 - 0.2 / 2))  # top category and creator
    assert found["twin"] == pytest.approx(1 - 0.5 / 2)  # cosine 1 / √1.25 = 0.89
    assert found["ball"] == found["plain"] == 1.0
    assert found["mug"] == pytest.approx((1 - 0.4 / 2) * (1 - 0.1 / 2) * (1 - 0.2 / 2) * (1 - 0.5 / 2))


def test_what_is_unknown_of_both_is_not_the_same() -> None:
    assert factors(("plain", 0))["ball"] == 1.0  # neither has a creator
    assert factors(("plain", 0))["plain"] == 1.0


def test_the_newest_of_those_alike_counts_and_more_of_them_do_not_add_up() -> None:
    once, twice = factors(("mug", HOUR)), factors(("mug", HOUR), ("mug", 5 * DAY), ("mug", 9 * DAY))
    assert once == twice


def test_each_way_of_being_alike_takes_its_own_newest_push() -> None:
    found = factors(("ball", 0), ("mug", DAY))
    assert found["twin"] == pytest.approx((1 - 0.1) * (1 - 0.5 / 2))  # top category of the ball just now, features of the mug a day ago


def test_only_the_last_pushes_that_were_seen_and_are_still_in_the_catalogue_count() -> None:
    state = state_with("mug", "lamp", "gone", "ball", "twin", failed=("twin",))
    found = Diversity(RULES, SHELF).pushed(state, AT)
    assert [SHELF.item(row).item_id for row in found.rows.tolist()] == ["ball", "lamp", "mug"]
    assert found.ages_ms.tolist() == [2 * HOUR, 4 * HOUR, 5 * HOUR]
    assert [SHELF.item(row).item_id for row in Diversity(replace(RULES, last=1), SHELF).pushed(state, AT).rows.tolist()] == ["ball"]
    assert Diversity(replace(RULES, last=0), SHELF).pushed(state, AT).rows.tolist() == []


def test_a_push_from_the_future_is_one_of_now() -> None:
    state = state_with("mug")
    assert Diversity(RULES, SHELF).pushed(state, AT - DAY).ages_ms.tolist() == [0.0]


def state_with(*names: str, failed: tuple[str, ...] = ()) -> UserState:
    state = new_user(2, AT)
    for number, name in enumerate(names):
        command = f"{number + 1:032x}"[::-1]
        history.remember_push(state, item(name).key, command, AT - (len(names) - number) * HOUR, 64)
        if name in failed:
            history.mark_push(state, command, FAILED)
    return state


ages = st.integers(0, 30 * DAY)
pushes = st.lists(st.tuples(st.sampled_from(NAMES), ages), max_size=5)


@given(pushes)
def test_factors_are_above_zero_and_at_most_one_and_never_below_the_product_of_all(sent: list[tuple[str, int]]) -> None:
    least = (1 - 0.4) * (1 - 0.1) * (1 - 0.2) * (1 - 0.5)
    assert all(least - 1e-12 <= factor <= 1.0 for factor in factors(*sent).values())


@given(pushes)
def test_who_is_like_a_push_in_more_ways_is_never_demoted_less(sent: list[tuple[str, int]]) -> None:
    """`again` is the pushed item itself but in one respect less in each step."""
    shelf = catalogue()
    chain = (
        ("1", ("home", "mugs"), "ada", EAST),
        ("2", ("home", "mugs"), "ada", None),
        ("3", ("home", "mugs"), "", None),
        ("4", ("home", "x"), "", None),
    )
    for name, categories, creator, features in chain:
        shelf.upsert(item(name, categories=categories, creator_id=creator, features=features))
    rows = np.array([shelf.row_of(name) for name, *_ in chain])
    sent = [("mug", 0), *sent]
    found = Diversity(RULES, shelf).factors(
        rows, Pushed(np.array([shelf.row_of(n) for n, _ in sent]), np.array([float(a) for _, a in sent]))
    )
    assert (np.diff(found) >= 0.0).all()


@given(pushes, st.integers(0, 10 * DAY))
def test_demotion_fades(sent: list[tuple[str, int]], later_ms: int) -> None:
    now, later = factors(*sent), factors(*((name, age + later_ms) for name, age in sent))
    assert all(later[name] >= now[name] for name in NAMES)


@given(pushes, st.permutations(range(len(NAMES))))
def test_a_permutation_of_the_candidates_permutes_the_factors_bit_for_bit(sent: list[tuple[str, int]], order: list[int]) -> None:
    diversity, recent = Diversity(RULES, SHELF), pushed(*sent)
    assert diversity.factors(ROWS[order], recent).tobytes() == diversity.factors(ROWS, recent)[order].tobytes()


def test_a_factor_has_the_same_bits_whatever_the_other_candidates_are() -> None:
    shelf = Catalogue(64)
    for at, vector in enumerate(units(400, 64)):
        shelf.upsert(item(str(at), features=vector, categories=("a", f"c{at % 7}"), creator_id=f"by{at % 11}"))
    rows = np.arange(400)
    rows = np.array([shelf.row_of(str(at)) for at in rows])
    diversity = Diversity(replace(RULES, alike_above=0.1), shelf)
    recent = Pushed(rows[:9], np.arange(9) * 3.3 * HOUR)
    alone = np.array([diversity.factors(rows[at : at + 1], recent)[0] for at in range(400)])
    assert len(set(alone.tolist())) > 20
    for size in (2, 7, 33, 400):
        assert diversity.factors(rows[:size], recent).tobytes() == alone[:size].tobytes()


@given(st.lists(st.tuples(st.floats(-10, 10), st.floats(0.01, 1)), min_size=1))
def test_no_utility_rises_or_changes_its_sign(pairs: list[tuple[float, float]]) -> None:
    utilities, factor = np.array(pairs).T
    found = demoted(utilities, factor)
    assert (found <= utilities).all()
    assert (np.sign(found) == np.sign(utilities)).all() or (abs(utilities) < 1e-300).any()
    assert (found[utilities <= 0] == utilities[utilities <= 0]).all()


def test_labels_follow_the_newest_version_of_an_item_and_growth() -> None:
    shelf = Catalogue(2)
    shelf.upsert(item("a", updated_at_ms=1, categories=("home", "mugs"), creator_id="ada"))
    for number in range(1500):
        shelf.upsert(item(str(number)))
    assert shelf.labels[shelf.row_of("a")].tolist() == [label_of("mugs"), label_of("home"), label_of("ada")]
    shelf.upsert(item("a", updated_at_ms=2, categories=("sport",)))
    labels = shelf.labels[shelf.row_of("a")]
    assert (labels[CATEGORY], labels[TOP_CATEGORY], labels[CREATOR]) == (label_of("sport"), label_of("sport"), 0)


def test_a_label_is_these_bits_on_every_machine() -> None:
    assert label_of("mugs") == 1989879014


DIRECTIONS = codes_of(np.array([[1, 0], [1, 0], [0, 1], [0.6, 0.8]], np.float32))[0]
NONE = DIRECTIONS[:0]
KEYS = np.array([4, 3, 2, 1], np.uint64)


def test_the_worked_digest() -> None:
    # u / max = 1, 0.9, 0.5, 0.4. First the best. Then 0.7·u − 0.3·cos with it: 0.63 − 0.3, 0.35 − 0, 0.28 − 0.18.
    # Then the nearest of both: 0.33, and for the last 0.28 − 0.3·0.8.
    assert select(np.array([2.0, 1.8, 1.0, 0.8]), DIRECTIONS, KEYS, NONE, 3, 0.7) == [0, 2, 1]


def test_a_digest_starts_from_what_was_pushed_before() -> None:
    # 0.5·(1, 0.9, 0.5, 0.4) − 0.5·(1, 1, 0, 0.6)
    assert select(np.array([2.0, 1.8, 1.0, 0.8]), DIRECTIONS, KEYS, DIRECTIONS[:1], 1, 0.5) == [2]


def test_a_digest_goes_on_from_what_is_in_it_already() -> None:
    # Given the third: 0.7·(1, 0.9, 0.4) − 0.3·cos with it, (0, 0, 0.8): the best; then 0.63 − 0.3·1 against 0.28 − 0.3·0.8 as above.
    assert select(np.array([2.0, 1.8, 1.0, 0.8]), DIRECTIONS, KEYS, NONE, 2, 0.7, (2,)) == [0, 1]


def test_only_what_is_worth_sending_is_in_a_digest() -> None:
    assert select(np.array([2.0, -1.0, 0.0, 1.0]), DIRECTIONS, KEYS, NONE, 4, 0.7) == [0, 3]
    assert select(np.array([-2.0, -1.0, 0.0, -1.0]), DIRECTIONS, KEYS, NONE, 4, 0.7) == []


def test_with_relevance_alone_a_digest_is_the_list_of_the_best() -> None:
    assert select(np.array([1.0, 3.0, 2.0, 3.0]), DIRECTIONS, KEYS, NONE, 4, 1.0) == [3, 1, 2, 0]


@given(st.lists(st.floats(-1, 5), min_size=1, max_size=20), st.integers(1, 6), st.randoms(use_true_random=False))
def test_the_order_of_candidates_does_not_change_a_digest(utilities, items, random) -> None:  # type: ignore[no-untyped-def]
    values, count = np.array(utilities), len(utilities)
    directions = codes_of(units(count, 5))[0]
    keys = np.random.default_rng(2).permutation(count).astype(np.uint64)
    order = list(range(count))
    random.shuffle(order)
    before = codes_of(units(3, 5, seed=1))[0]
    one = select(values, directions, keys, before, items, 0.6)
    other = select(values[order], directions[order], keys[order], before, items, 0.6)
    assert [order[position] for position in other] == one
    assert len(set(one)) == len(one) == min(items, np.count_nonzero(values > 0))


def test_entropy_in_bits() -> None:
    assert entropy([7, 7, 9, 0, 0]) == pytest.approx(-(2 / 3) * log2(2 / 3) - (1 / 3) * log2(1 / 3))
    assert entropy([7, 7]) == entropy([]) == 0.0
    assert entropy(range(1, 9)) == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("last", -1), ("half_life_ms", 0), ("same_category", 1.0), ("same_creator", -0.1), ("alike", float("nan")), ("alike_above", 1.1),
        ("digest_items", 0), ("digest_relevance", 1.5), ("digest_occasions", ("tea_time",)),
    ],
)  # fmt: skip
def test_impossible_rules_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(RuleError, match=f"^{name}: "):
        replace(RULES, **{name: value})


def test_a_cosine_of_just_the_threshold_is_not_above_it() -> None:
    """Directions are whole numbers, so the comparison is exact."""
    assert factors(("mug", 0), rules=replace(RULES, alike_above=1 / sqrt(1.25) + 1e-3))["twin"] == 1.0
    assert factors(("mug", 0), rules=replace(RULES, alike_above=1.0))["mug"] == factors(("mug", 0), rules=replace(RULES, alike=0.0))["mug"]
