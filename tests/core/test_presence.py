"""Presence: what waited is not sent to a user who is here; what they do themselves may be answered at once."""

from flink_job.core.reasons import Reason
from flink_job.core.signals import Trigger
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, pushed, reasons, shelf, wake_ups
from tests.core.policies import HOUR, MINUTE, plain_rules

AT = MONDAY_0930


def shopper(**changes: object) -> Person:
    catalogue = shelf(item(f"item {number}", features=unit([1, number])) for number in range(9))
    return Person(
        catalogue, plain_rules(**{"gates__in_session_ms": 10 * MINUTE, "triggers": {"search": 0, "cart": 30 * MINUTE}, **changes})
    )


def test_a_nudge_waits_until_ten_minutes_after_the_users_last_activity() -> None:
    ann = shopper()
    ann.does("view", "item 0", AT)
    effects = ann.is_nudged("item 1", AT + MINUTE)
    assert reasons(effects) == [Reason.IN_SESSION]
    assert wake_ups(effects) == [AT + 10 * MINUTE]
    assert pushed(ann.wakes(AT + 10 * MINUTE))


def test_one_millisecond_before_they_have_left_the_user_is_here() -> None:
    for early_ms, is_sent in ((1, False), (0, True)):
        ann = shopper()
        ann.does("view", "item 0", AT)
        assert bool(pushed(ann.is_nudged("item 1", AT + 10 * MINUTE - early_ms))) == is_sent


def test_what_waited_waits_on_while_the_user_stays() -> None:
    ann = shopper()
    ann.does("cart", "item 0", AT)
    ann.does("view", "item 1", AT + 25 * MINUTE)
    assert wake_ups(ann.wakes(AT + 30 * MINUTE)) == [AT + 35 * MINUTE]
    ann.does("view", "item 2", AT + 34 * MINUTE)
    assert wake_ups(ann.wakes(AT + 35 * MINUTE)) == [AT + 44 * MINUTE]
    assert pushed(ann.wakes(AT + 44 * MINUTE))


def test_what_the_user_does_is_answered_while_they_are_here() -> None:
    ann = shopper()
    ann.does("view", "item 0", AT)
    assert pushed(ann.does("search", at_ms=AT + MINUTE))


def test_a_late_event_does_not_bring_the_user_back() -> None:
    ann = shopper()
    ann.does("view", "item 0", AT + HOUR)
    ann.does("view", "item 0", AT)
    assert ann.state.active_at_ms == AT + HOUR
    assert pushed(ann.is_nudged("item 1", AT + 2 * HOUR))


def test_feedback_and_facts_are_no_activity() -> None:
    ann = shopper()
    ann.reports("delivered", "f" * 32, AT)
    ann.changes(AT, consent=True)
    assert ann.state.active_at_ms == 0
    assert pushed(ann.is_nudged("item 1", AT + MINUTE))


def test_a_user_who_was_never_active_is_not_here() -> None:
    assert pushed(shopper().is_nudged("item 1", AT))


def test_without_the_rule_presence_is_not_asked() -> None:
    ann = shopper(gates__in_session_ms=0)
    ann.does("view", "item 0", AT)
    assert pushed(ann.is_nudged("item 1", AT))


def test_breaking_news_that_would_be_over_when_the_user_has_left_is_dropped_and_wakes_nobody() -> None:
    ann = shopper()
    ann.does("view", "item 0", AT)
    effects = ann.is_nudged("item 1", AT + MINUTE, trigger=Trigger.BREAKING_NEWS, expires_at_ms=AT + 10 * MINUTE)
    assert reasons(effects) == [Reason.IN_SESSION]
    assert wake_ups(effects) == []
