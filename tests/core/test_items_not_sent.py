"""Items that may not be sent to a user: sent before, bought, just seen, disliked, gone."""

import pytest

from flink_job.core import history
from flink_job.core.reasons import Reason
from flink_job.core.rules import Rules
from flink_job.core.state import new_user
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, pushed, reasons, shelf
from tests.core.policies import DAY, HOUR, MINUTE, caps, plain_rules

AT = MONDAY_0930


def shopper(rules: Rules | None = None, *names: str) -> Person:
    return Person(shelf(item(name, features=unit([1, 0])) for name in names or ("mug", "lamp")), rules)


def test_the_same_item_is_not_sent_twice_in_fourteen_days_and_then_it_may_be() -> None:
    rules = plain_rules(items__repeat_after_ms=14 * DAY, gates__caps=caps((3, DAY)))
    ann = shopper(rules, "mug")
    assert pushed(ann.does("search", at_ms=AT)) == "mug"
    assert reasons(ann.does("search", at_ms=AT + 14 * DAY - 1)) == [Reason.NO_CANDIDATE]
    assert pushed(ann.does("search", at_ms=AT + 14 * DAY)) == "mug"


def test_the_second_push_is_another_item() -> None:
    ann = shopper(plain_rules(items__repeat_after_ms=14 * DAY, gates__caps=caps((3, DAY))))
    assert {pushed(ann.does("search", at_ms=AT)), pushed(ann.does("search", at_ms=AT + HOUR))} == {"mug", "lamp"}
    assert reasons(ann.does("search", at_ms=AT + 2 * HOUR)) == [Reason.NO_CANDIDATE]


def test_a_push_that_failed_is_not_tried_again_with_the_same_item() -> None:
    ann = shopper(plain_rules(items__repeat_after_ms=14 * DAY, gates__caps=caps((3, DAY))))
    first = pushed(ann.does("search", at_ms=AT))
    ann.reports("failed", ann.pushes[0].command_id, AT)
    assert pushed(ann.does("search", at_ms=AT + 1)) not in ("", first)


def test_a_nudge_with_any_boost_does_not_send_an_item_twice() -> None:
    ann = shopper(plain_rules(items__repeat_after_ms=14 * DAY, gates__caps=caps((3, DAY))), "mug")
    ann.does("search", at_ms=AT)
    assert reasons(ann.is_nudged("mug", AT + HOUR, boost=100.0)) == [Reason.NO_CANDIDATE]


def test_what_was_bought_is_not_sent_for_ninety_days() -> None:
    ann = shopper(plain_rules(items__bought_for_ms=90 * DAY), "mug")
    ann.does("purchase", "mug", AT)
    assert reasons(ann.does("search", at_ms=AT + 90 * DAY - 1)) == [Reason.NO_CANDIDATE]
    assert pushed(ann.does("search", at_ms=AT + 90 * DAY)) == "mug"


def test_what_was_sent_back_may_be_sent_again() -> None:
    ann = shopper(plain_rules(send__min_score=-1.0), "mug")
    ann.does("purchase", "mug", AT)
    ann.does("purchase", "mug", AT + MINUTE)
    ann.does("return", "mug", AT + DAY)
    assert pushed(ann.does("search", at_ms=AT + 2 * DAY)) == "mug"


def test_buying_the_same_thing_over_and_over_does_not_make_the_other_purchases_forgotten() -> None:
    state = new_user(2, AT)
    for number in range(3):
        history.remember_purchase(state, number, AT + number, kept=4)
    for number in range(20):
        history.remember_purchase(state, 1, AT + 10 + number, kept=4)
    assert sorted(zip(state.bought_item, state.bought_at_ms, strict=True)) == [(0, AT), (1, AT + 29), (2, AT + 2)]


def test_a_purchase_that_is_told_late_does_not_make_the_newest_one_older() -> None:
    state = new_user(2, AT)
    history.remember_purchase(state, 1, AT + DAY, kept=4)
    history.remember_purchase(state, 1, AT, kept=4)
    assert (state.bought_item.tolist(), state.bought_at_ms.tolist()) == ([1], [AT + DAY])


def test_of_the_purchases_the_latest_are_kept_whatever_the_order_in_which_they_are_told() -> None:
    state = new_user(2, AT)
    for number in (3, 1, 4, 0, 2):
        history.remember_purchase(state, number, AT + number, kept=3)
    assert sorted(state.bought_item) == [2, 3, 4]


def test_what_the_user_dealt_with_a_moment_ago_is_not_sent() -> None:
    ann = shopper(plain_rules(items__seen_for_ms=10 * MINUTE), "mug")
    assert reasons(ann.does("view", "mug", AT)) == [Reason.NO_CANDIDATE]
    assert reasons(ann.does("search", at_ms=AT + 10 * MINUTE - 1)) == [Reason.NO_CANDIDATE]
    assert pushed(ann.does("search", at_ms=AT + 10 * MINUTE)) == "mug"


@pytest.mark.parametrize("kind", ["dislike", "hide", "report"])
def test_what_the_user_does_not_like_is_not_sent(kind: str) -> None:
    ann = shopper(None, "mug")
    ann.does(kind, "mug", AT)
    assert reasons(ann.does("search", at_ms=AT + 30 * DAY)) == [Reason.NO_CANDIDATE]
    ann.does("like", "mug", AT + 31 * DAY)
    assert pushed(ann.does("search", at_ms=AT + 31 * DAY)) == "mug"


def test_a_withdrawn_item_is_not_sent_even_if_it_waits_in_the_cart() -> None:
    ann = shopper(plain_rules(triggers={"cart": 30 * MINUTE}))
    ann.does("cart", "mug", AT)
    ann.catalogue.remove("mug", AT + MINUTE)
    assert pushed(ann.wakes(AT + 30 * MINUTE)) == "lamp"


def test_an_item_that_sold_out_or_ran_out_while_the_decision_waited_is_not_sent() -> None:
    for change in ({"stock": 0}, {"valid_until_ms": AT + 30 * MINUTE}, {"valid_from_ms": AT + 30 * MINUTE + 1}):
        ann = shopper(plain_rules(triggers={"cart": 30 * MINUTE}))
        ann.does("cart", "mug", AT)
        ann.catalogue.upsert(item("mug", features=unit([1, 0]), updated_at_ms=AT + MINUTE, **change))
        assert pushed(ann.wakes(AT + 30 * MINUTE)) == "lamp", change


def test_an_empty_catalogue_is_no_error() -> None:
    ann = Person(shelf([]))
    assert reasons(ann.does("view", "mug", AT)) == [Reason.NO_CANDIDATE]
    assert reasons(ann.is_nudged("mug", AT + 1)) == [Reason.NO_CANDIDATE]
