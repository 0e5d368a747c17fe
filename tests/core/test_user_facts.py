"""Consent, reachability and where the user is: the newest fact counts, whatever the order in which facts arrive."""

from itertools import permutations

import pytest

from flink_job.core.effects import Erase
from flink_job.core.reasons import Reason
from tests.core.catalogue_items import item
from tests.core.person import MONDAY_0930, Person, pushed, reasons, shelf
from tests.core.policies import HOUR, MINUTE, plain_rules

AT = MONDAY_0930


def shopper(**changes: object) -> Person:
    return Person(shelf(item(f"item {number}") for number in range(5)), plain_rules(**changes))


def is_let_through(ann: Person) -> bool:
    return bool(pushed(ann.does("search", at_ms=AT + HOUR)))


@pytest.mark.parametrize("outcome", ["unsubscribed", "channel_disabled", "reported"])
def test_a_user_who_opted_out_gets_nothing_until_they_subscribe_again(outcome: str) -> None:
    ann = shopper()
    ann.reports(outcome, "", AT)
    effects = ann.does("search", at_ms=AT + MINUTE)
    assert reasons(effects) == [Reason.OPTED_OUT]
    assert reasons(ann.is_nudged("item 1", AT + MINUTE, boost=9.0)) == [Reason.OPTED_OUT]
    ann.reports("subscribed", "", AT + 2 * MINUTE)
    assert is_let_through(ann)


def test_consent_can_be_withdrawn_and_given_by_a_user_update() -> None:
    ann = shopper()
    ann.changes(AT, consent=False)
    assert reasons(ann.does("search", at_ms=AT + MINUTE)) == [Reason.OPTED_OUT]
    ann.changes(AT + 2 * MINUTE, consent=True)
    assert is_let_through(ann)


def test_the_newest_word_on_consent_counts_in_whatever_order_they_arrive() -> None:
    words = [("unsubscribed", AT), ("subscribed", AT + MINUTE), ("channel_disabled", AT + 2 * MINUTE), ("subscribed", AT + 3 * MINUTE)]
    for some in range(1, 5):
        for order in permutations(words[:some]):
            ann = shopper()
            for outcome, at_ms in order:
                ann.reports(outcome, "", at_ms)
            assert is_let_through(ann) == (words[some - 1][0] == "subscribed"), order


def test_an_opt_out_while_a_decision_waits_stops_it() -> None:
    ann = shopper(triggers={"cart": 30 * MINUTE})
    ann.does("cart", "item 1", AT)
    ann.reports("unsubscribed", "", AT + MINUTE)
    assert reasons(ann.wakes(AT + 30 * MINUTE)) == [Reason.OPTED_OUT]
    assert ann.state.pending is None


def test_a_user_without_a_device_gets_nothing_until_there_is_one() -> None:
    ann = shopper()
    ann.changes(AT, reachable=False)
    assert reasons(ann.does("search", at_ms=AT + MINUTE)) == [Reason.UNREACHABLE]
    ann.changes(AT + 2 * MINUTE, reachable=True)
    assert is_let_through(ann)


def test_an_older_update_never_undoes_a_newer_one() -> None:
    ann = shopper()
    ann.changes(AT + MINUTE, reachable=True, zone="Asia/Tokyo", country="JP", locale="ja")
    ann.changes(AT, reachable=False, zone="Europe/Berlin", country="DE", locale="de")
    assert (ann.state.time_zone, ann.state.country, ann.state.locale) == ("Asia/Tokyo", "JP", "ja")
    assert is_let_through(ann)


def test_consent_and_reachability_are_two_facts_with_a_time_each() -> None:
    ann = shopper()
    ann.changes(AT + MINUTE, reachable=True)
    ann.changes(AT, consent=False)
    assert reasons(ann.does("search", at_ms=AT + HOUR)) == [Reason.OPTED_OUT]


def test_facts_that_are_not_told_stay_as_they_were() -> None:
    ann = shopper()
    ann.changes(AT, consent=False, reachable=True, zone="Asia/Tokyo", country="JP", locale="ja")
    ann.changes(AT + MINUTE)
    assert (ann.state.time_zone, ann.state.country, ann.state.locale) == ("Asia/Tokyo", "JP", "ja")
    assert ann.state.opted_out
    ann.does("view", "item 0", AT + 2 * MINUTE)
    assert (ann.state.time_zone, ann.state.country, ann.state.locale) == ("Asia/Tokyo", "JP", "ja")


def test_a_fact_can_be_taken_back_by_an_empty_one() -> None:
    ann = shopper()
    ann.changes(AT, zone="Asia/Tokyo", country="JP")
    ann.changes(AT + MINUTE, zone="", country="")
    assert (ann.state.time_zone, ann.state.country) == ("", "")


def test_where_the_user_is_follows_what_they_do_and_a_late_event_does_not_take_them_back() -> None:
    ann = shopper()
    ann.does("view", "item 0", AT, zone="Europe/Berlin", country="DE", locale="de")
    ann.does("view", "item 0", AT + HOUR, zone="Asia/Tokyo", country="JP", locale="ja")
    ann.does("view", "item 0", AT + MINUTE, zone="Europe/Berlin", country="DE", locale="de")
    assert (ann.state.time_zone, ann.state.country, ann.state.locale) == ("Asia/Tokyo", "JP", "ja")


def test_updates_and_reports_ask_for_no_decision() -> None:
    ann = shopper()
    assert reasons(ann.changes(AT, consent=True)) == [Reason.NOTHING_ASKED]
    assert reasons(ann.reports("delivered", "f" * 32, AT)) == [Reason.NOTHING_ASKED]


def test_an_erasure_forgets_the_user_whatever_waits() -> None:
    ann = shopper(triggers={"cart": 30 * MINUTE})
    assert ann.changes(AT, erase=True) == (Erase(),)
    ann.does("cart", "item 1", AT)
    assert ann.changes(AT + MINUTE, erase=True) == (Erase(),)
