"""After a dismissal there is a pause that doubles with each one, until a push is opened."""

from itertools import permutations

import pytest

from flink_job.core.reasons import Reason
from tests.core.catalogue_items import item
from tests.core.person import MONDAY_0930, Person, pushed, reasons, shelf, wake_ups
from tests.core.policies import DAY, HOUR, MINUTE, plain_rules

AT = MONDAY_0930
COOL_DOWN = 12 * HOUR


def shopper_with_a_push() -> Person:
    ann = Person(
        shelf(item(f"item {number}") for number in range(9)),
        plain_rules(gates__cool_down_ms=COOL_DOWN, gates__longest_deferral_ms=99 * DAY),
    )
    assert pushed(ann.does("search", at_ms=AT))
    return ann


def dismissed(times: int) -> Person:
    ann = shopper_with_a_push()
    for number in range(times):
        ann.reports("dismissed", f"{number:032x}", AT + number * MINUTE)
    return ann


def test_nothing_is_sent_until_the_pause_after_a_dismissal_is_over() -> None:
    ann = shopper_with_a_push()
    ann.reports("dismissed", ann.pushes[0].command_id, AT + MINUTE)
    effects = ann.does("search", at_ms=AT + MINUTE + COOL_DOWN - 1)
    assert (reasons(effects), wake_ups(effects)) == ([Reason.COOL_DOWN], [AT + MINUTE + COOL_DOWN])
    assert pushed(ann.wakes(AT + MINUTE + COOL_DOWN))


@pytest.mark.parametrize(("dismissals", "factor"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 32), (40, 32)])
def test_the_pause_doubles_with_each_dismissal_up_to_thirty_two_times(dismissals: int, factor: int) -> None:
    ann = dismissed(dismissals)
    last = AT + (dismissals - 1) * MINUTE
    assert wake_ups(ann.does("search", at_ms=last)) == [last + factor * COOL_DOWN]


@pytest.mark.parametrize("outcome", ["opened", "action_clicked", "converted"])
def test_an_opened_push_ends_the_pause_and_the_doubling(outcome: str) -> None:
    ann = dismissed(3)
    ann.reports(outcome, ann.pushes[0].command_id, AT + HOUR)
    assert pushed(ann.does("search", at_ms=AT + HOUR))
    ann.reports("dismissed", ann.pushes[1].command_id, AT + 2 * HOUR)
    assert wake_ups(ann.does("search", at_ms=AT + 2 * HOUR)) == [AT + 2 * HOUR + COOL_DOWN]


@pytest.mark.parametrize("outcome", ["accepted", "delivered", "displayed", "expired", "replaced", "duplicate", "retrying"])
def test_other_reports_neither_start_nor_end_a_pause(outcome: str) -> None:
    ann = shopper_with_a_push()
    ann.reports(outcome, ann.pushes[0].command_id, AT)
    assert pushed(ann.does("search", at_ms=AT + MINUTE))
    ann = dismissed(1)
    ann.reports(outcome, ann.pushes[0].command_id, AT)
    assert reasons(ann.does("search", at_ms=AT + MINUTE)) == [Reason.COOL_DOWN]


def test_an_open_that_is_told_after_a_later_dismissal_does_not_end_its_pause() -> None:
    for order in permutations([("opened", AT + MINUTE), ("dismissed", AT + 2 * MINUTE)]):
        ann = shopper_with_a_push()
        for outcome, at_ms in order:
            ann.reports(outcome, ann.pushes[0].command_id, at_ms)
        assert wake_ups(ann.does("search", at_ms=AT + HOUR)) == [AT + 2 * MINUTE + COOL_DOWN]


def test_an_older_dismissal_that_is_told_late_doubles_the_pause_but_does_not_begin_it_earlier() -> None:
    ann = dismissed(1)
    ann.reports("dismissed", "f" * 32, AT - HOUR)
    assert wake_ups(ann.does("search", at_ms=AT + MINUTE)) == [AT + 2 * COOL_DOWN]


def test_without_a_cool_down_in_the_policy_there_is_no_pause() -> None:
    ann = Person(shelf([item("a"), item("b")]), plain_rules(gates__cool_down_ms=0))
    ann.does("search", at_ms=AT)
    ann.reports("dismissed", ann.pushes[0].command_id, AT)
    assert pushed(ann.does("search", at_ms=AT + 1))
