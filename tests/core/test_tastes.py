"""A profile for each kind of item: goods, news and posts do not drown each other, and who deals with one kind is served as if there were no other."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flink_job.codec.state import StateCodec
from flink_job.core.candidates import CandidateFinder
from flink_job.core.catalogue_item import CatalogueItem
from flink_job.core.index.columns import SCENARIO_COUNT
from flink_job.core.interest import Interest
from flink_job.core.rules import InterestRules
from flink_job.core.state import EVERY, Floats, UserState, new_user
from tests.core.catalogue_items import item, unit, units
from tests.core.person import MONDAY_0930, Person, shelf
from tests.core.policies import DAY, HOUR, MINUTE, plain_rules

SHORT, LONG = 6 * HOUR, 7 * DAY
NONE, SHOP, NEWS, SOCIAL = range(SCENARIO_COUNT)
DIM = 3
EAST, NORTH, UP = [1, 0, 0], [0, 1, 0], [0, 0, 1]
FEATURES = [np.append(unit(direction), np.float32(1)) for direction in (EAST, NORTH, UP, [1, 2, 2])]

Event = tuple[int, int, float, int]
"""(scenario, which of the features, weight, milliseconds after MONDAY_0930)"""

INTEREST = Interest(InterestRules(SHORT, LONG, 0.5, {}))

moments = st.integers(0, 6 * DAY)
events = st.lists(
    st.tuples(st.integers(0, SCENARIO_COUNT - 1), st.integers(0, 3), st.sampled_from([1.0, 2.0, 5.0, -3.0]), moments), max_size=25
)


def after(history: Sequence[Event]) -> UserState:
    """The state of a user who did these things, in the order given."""
    state = new_user(DIM, MONDAY_0930)
    for scenario, which, weight, at_ms in history:
        INTEREST.observe(state, FEATURES[which], weight, MONDAY_0930 + at_ms, scenario)
    return state


def of(state: UserState, scenario: int) -> list[float]:
    """The profile that scores items of a scenario."""
    return [float(value) for value in INTEREST.tastes(state).of(scenario)]


def test_a_hundred_posts_do_not_drown_three_mugs() -> None:
    state = after([(SHOP, 0, 1.0, 0)] * 3 + [(SOCIAL, 1, 1.0, 0)] * 100)
    assert of(state, SHOP) == EAST
    assert of(state, SOCIAL) == NORTH
    assert INTEREST.profile(state).tolist() == pytest.approx([3 / 103, 100 / 103, 0])


def test_a_kind_never_dealt_with_is_scored_by_all_others_with_their_mass() -> None:
    """News: 3 of 4 parts of what was done were about goods. The post is twice as old as one short half-life: its mass is a quarter there."""
    assert of(after([(SHOP, 0, 3.0, 0), (SOCIAL, 1, 1.0, 0)]), NEWS) == pytest.approx([0.75, 0.25, 0])
    short, long = 0.25, 0.5 ** (12 / (7 * 24))
    expected = 0.5 * np.array([1, short]) / (1 + short) + 0.5 * np.array([1, long]) / (1 + long)
    assert of(after([(SOCIAL, 1, 1.0, 0), (SHOP, 0, 1.0, 2 * SHORT)]), NEWS)[:2] == pytest.approx(expected.tolist())


def test_the_shares_are_those_of_recent_mass() -> None:
    tastes = INTEREST.tastes(after([(SOCIAL, 1, 1.0, 0), (SHOP, 0, 1.0, 2 * SHORT)]))
    short, long = 0.25, 0.5 ** (12 / (7 * 24))
    social = 0.5 * short / (1 + short) + 0.5 * long / (1 + long)
    assert [(taste.scenario, taste.share) for taste in tastes.apart] == [(SHOP, pytest.approx(1 - social)), (SOCIAL, pytest.approx(social))]


def test_what_was_done_in_another_kind_does_not_age_a_profile() -> None:
    """Thirty days of posts move the landmark of posts; the mug of then is all that is known of goods."""
    state = after([(SHOP, 3, 1.0, 0)] + [(SOCIAL, 1, 1.0, day * DAY) for day in range(30)])
    assert of(state, SHOP) == pytest.approx(unit([1, 2, 2]).tolist())


def test_a_user_without_interest_likes_nothing_of_any_kind() -> None:
    for scenario in range(SCENARIO_COUNT):
        assert of(after([]), scenario) == [0, 0, 0]


def test_an_item_without_features_begins_no_profile() -> None:
    state = after([(SHOP, 0, 1.0, 0)])
    INTEREST.observe(state, np.zeros(DIM + 1, np.float32), 1.0, MONDAY_0930, NEWS)
    assert (state.interest_of, state.interest_elsewhere) == (SHOP, {})
    fresh = new_user(DIM, MONDAY_0930)
    INTEREST.observe(fresh, np.zeros(DIM + 1, np.float32), 1.0, MONDAY_0930, NEWS)
    assert fresh.interest_of == EVERY


@given(events, st.randoms(use_true_random=False))
def test_events_in_any_order_give_the_same_tastes(history: list[Event], rng: Random) -> None:
    shuffled = list(history)
    rng.shuffle(shuffled)
    one, other = INTEREST.tastes(after(history)), INTEREST.tastes(after(shuffled))
    assert one.overall.tolist() == pytest.approx(other.overall.tolist(), abs=2e-4)
    assert [taste.scenario for taste in one.apart] == [taste.scenario for taste in other.apart]
    for mine, theirs in zip(one.apart, other.apart, strict=True):
        assert mine.profile.tolist() == pytest.approx(theirs.profile.tolist(), abs=2e-4)
        assert mine.share == pytest.approx(theirs.share, abs=2e-4)


@given(events)
def test_each_profile_is_that_of_a_user_who_did_nothing_else(history: list[Event]) -> None:
    """To the bit: nothing of what is done in one scenario reaches another."""
    tastes = INTEREST.tastes(after(history))
    for taste in tastes.apart:
        alone = [event for event in history if event[0] == taste.scenario]
        state = new_user(DIM, MONDAY_0930 + alone[0][3])
        for scenario, which, weight, at_ms in alone:
            INTEREST.observe(state, FEATURES[which], weight, MONDAY_0930 + at_ms, scenario)
        if taste.scenario != history[0][0]:  # the first one's landmark is when the user was first seen
            assert taste.profile.tobytes() == INTEREST.profile(state).tobytes()
        else:
            assert taste.profile.tolist() == pytest.approx(INTEREST.profile(state).tolist(), abs=2e-4)


@given(events)
def test_the_shares_sum_to_one_and_all_profiles_are_at_most_1_long(history: list[Event]) -> None:
    tastes = INTEREST.tastes(after(history))
    assert len(tastes.apart) != 1
    assert not tastes.apart or sum(taste.share for taste in tastes.apart) == pytest.approx(1.0)
    for profile in (tastes.overall, *(taste.profile for taste in tastes.apart)):
        assert np.linalg.norm(profile) <= 1 + 1e-5


@given(events)
def test_a_state_that_was_written_and_read_has_the_same_tastes_to_the_bit(history: list[Event]) -> None:
    state = after(history)
    read = StateCodec(DIM).decode(StateCodec.encode(state))
    one, other = INTEREST.tastes(state), INTEREST.tastes(read)
    assert one.overall.tobytes() == other.overall.tobytes()
    assert [(each.scenario, each.profile.tobytes(), each.share) for each in one.apart] == [
        (each.scenario, each.profile.tobytes(), each.share) for each in other.apart
    ]


def as_before_there_were_scenarios(sums: Floats) -> Floats:
    """The profile as it was made of one block of sums, for all items."""
    short, long = sums
    profile: Floats = short[:-1] * np.float32(0.5 / max(float(short[-1]), 1e-30))
    profile += long[:-1] * np.float32((1 - 0.5) / max(float(long[-1]), 1e-30))
    return profile


@given(st.lists(st.tuples(st.just(SHOP), st.integers(0, 3), st.sampled_from([1.0, 4.0, -2.0]), moments), max_size=25))
def test_whoever_deals_with_one_kind_has_the_bits_they_had_when_there_was_one_profile(history: list[Event]) -> None:
    state, before = after(history), new_user(DIM, MONDAY_0930)
    for _, which, weight, at_ms in history:
        INTEREST.observe(before, FEATURES[which], weight, MONDAY_0930 + at_ms, NONE)
    assert state.interest_elsewhere == {}
    assert (state.interest.tobytes(), state.interest_at_ms) == (before.interest.tobytes(), before.interest_at_ms)
    tastes = INTEREST.tastes(state)
    assert tastes.apart == ()
    assert tastes.overall.tobytes() == as_before_there_were_scenarios(before.interest).tobytes()


THINGS = [item(f"{number}", features=features, published_at_ms=number) for number, features in enumerate(units(60, 8))]


def of_kinds(*kinds: int) -> list[CatalogueItem]:
    """The same things, their scenarios in turn."""
    return [
        item(thing.item_id, features=thing.features, published_at_ms=thing.published_at_ms, scenario=kinds[at % len(kinds)])
        for at, thing in enumerate(THINGS)
    ]


@given(st.lists(st.sampled_from(THINGS), min_size=1, max_size=9))
def test_a_shopper_gets_the_same_scores_and_the_same_push_as_without_scenarios(viewed: list[CatalogueItem]) -> None:
    people = [Person(shelf(things, 8), plain_rules(triggers={"search": 0}, send__min_score=-1.0)) for things in (THINGS, of_kinds(SHOP))]
    for ann in people:
        for at, thing in enumerate(viewed):
            ann.does("view", thing.item_id, MONDAY_0930 + at * MINUTE)
        ann.does("search", at_ms=MONDAY_0930 + HOUR)
    plain, shopper = (ann.pushes[0].record for ann in people)
    assert plain.candidates == shopper.candidates
    assert plain.found_by_source == shopper.found_by_source


def test_every_candidate_is_scored_by_the_profile_of_its_kind() -> None:
    kinds = [item(f"{name} {way}", features=unit(features), scenario=scenario)
             for name, scenario in (("shop", SHOP), ("news", NEWS), ("social", SOCIAL))
             for way, features in (("east", EAST), ("north", NORTH), ("up", UP))]  # fmt: skip
    ann = Person(shelf(kinds, DIM), plain_rules(triggers={"search": 0}, affinity__alpha=0.0, candidates__listed=9, candidates__looked_at=9))
    ann.does("view", "shop east", MONDAY_0930)
    for _ in range(3):
        ann.does("view", "social north", MONDAY_0930)
    ann.does("search", at_ms=MONDAY_0930)
    scores = {candidate.item_id: candidate.interest for candidate in ann.pushes[0].record.candidates}
    assert scores == pytest.approx({
        "shop east": 1, "shop north": 0, "shop up": 0,
        "social east": 0, "social north": 1, "social up": 0,
        "news east": 0.25, "news north": 0.75, "news up": 0,
    })  # fmt: skip


def found_by_interest(*done: tuple[str, int], interest: int = 12) -> dict[int, int]:
    """How many of each scenario the source `interest` brings to somebody who viewed these items so many times."""
    no_others = {f"candidates__{name}": 0 for name in ("neighbours", "category", "fresh", "unfinished", "followed", "urgent")}
    rules = plain_rules(**no_others, triggers={"search": 0}, candidates__interest=interest, candidates__listed=60, candidates__looked_at=60)
    ann = Person(shelf(of_kinds(SHOP, NEWS, SOCIAL), 8), rules)
    for item_id, times in done:
        for _ in range(times):
            ann.does("view", item_id, MONDAY_0930)
    tastes = Interest(rules.interest).tastes(ann.state)
    rows = CandidateFinder(rules.candidates, ann.catalogue).find(ann.state, tastes, 0, MONDAY_0930).rows
    counted = np.bincount(ann.catalogue.columns.scenario[rows], minlength=SCENARIO_COUNT)
    return {scenario: int(count) for scenario, count in enumerate(counted) if count}


def test_each_kind_dealt_with_brings_its_own_items_as_many_as_its_share_of_what_was_done() -> None:
    assert found_by_interest(("0", 1), ("2", 3)) == {SHOP: 3, SOCIAL: 9}


def test_a_kind_of_which_little_was_done_brings_one_item_at_least() -> None:
    assert found_by_interest(("0", 1), ("2", 99)) == {SHOP: 1, SOCIAL: 12}


def test_whoever_deals_with_one_kind_finds_all_kinds_near_to_it_as_ever() -> None:
    found = found_by_interest(("0", 5), interest=30)
    assert sum(found.values()) == 30
    assert set(found) == {SHOP, NEWS, SOCIAL}
