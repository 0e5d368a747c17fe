"""The holdout: users who never get a push, to measure what pushes do. Drawn by a hash, so that nobody has to remember who is in it."""

import pytest

from flink_job.core.ids import share_of
from flink_job.core.reasons import Reason
from tests.core.catalogue_items import item
from tests.core.person import MONDAY_0930, Person, pushed, reasons, shelf
from tests.core.policies import DAY, plain_rules

USERS = 20_000


def held_out(share: float, salt: str = "holdout-1") -> set[int]:
    return {number for number in range(USERS) if share_of(f"user-{number}", salt) < share}


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_the_holdout_has_the_share_that_was_asked_for(share: float) -> None:
    """Within four standard deviations of a binomial draw."""
    deviation = (USERS * share * (1 - share)) ** 0.5
    assert abs(len(held_out(share)) - USERS * share) < 4 * deviation


def test_a_larger_share_keeps_everybody_who_was_in_the_smaller_one() -> None:
    assert held_out(0.02) < held_out(0.05) < held_out(0.5)


def test_another_salt_draws_other_users_independently() -> None:
    both = held_out(0.2, "holdout-1") & held_out(0.2, "holdout-2")
    deviation = (USERS * 0.04 * 0.96) ** 0.5
    assert abs(len(both) - USERS * 0.04) < 4 * deviation


@pytest.mark.parametrize("salt", ["", "s", "x" * 64, "x" * 500, "Σ" * 100])
def test_any_text_is_a_salt(salt: str) -> None:
    assert 0 <= share_of("ann", salt) < 1


def test_the_draw_is_the_same_in_every_release() -> None:
    """Golden numbers: were they to change, a running experiment would silently change its users."""
    assert [round(share_of(user, "holdout-1"), 6) for user in ("ann", "bob", "Ζωή")] == [0.784294, 0.703377, 0.959001]


def test_users_in_the_holdout_never_get_a_push_and_the_others_do() -> None:
    shop, rules = shelf([item("mug")]), plain_rules(gates__holdout_share=0.3, gates__holdout_salt="s")
    for number in range(200):
        person = Person(shop, rules, user_id=f"user-{number}")
        is_held_out = share_of(person.user_id, "s") < 0.3
        for day in range(3):
            effects = person.does("search", at_ms=MONDAY_0930 + day * DAY)
            assert (reasons(effects) == [Reason.HOLDOUT]) == is_held_out
            assert bool(pushed(effects)) != is_held_out
        assert bool(pushed(person.is_nudged("mug", MONDAY_0930 + 4 * DAY, boost=9.0))) != is_held_out


def test_the_interest_of_users_in_the_holdout_is_kept_like_that_of_others() -> None:
    shop = shelf([item("mug")])
    inside, outside = (Person(shop, plain_rules(gates__holdout_share=share)) for share in (1.0, 0.0))
    for person in (inside, outside):
        person.does("view", "mug")
    assert inside.state.interest.tolist() == outside.state.interest.tolist()
    assert inside.state.recent_item == outside.state.recent_item
