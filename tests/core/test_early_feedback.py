"""What becomes of a push may be told before the job knows the push (after a crash, or from another partition): that does no harm."""

import pytest

from flink_job.codec.state import StateCodec
from flink_job.core.ids import command_id
from flink_job.core.reasons import Reason
from flink_job.core.signals import Outcome
from tests.core.catalogue_items import item
from tests.core.person import MONDAY_0930, Person, pushed, reasons, shelf
from tests.core.policies import DAY, HOUR, MINUTE, caps, plain_rules

AT = MONDAY_0930
ABOUT_PUSHES = [outcome for outcome in Outcome if outcome.name not in ("CHANNEL_DISABLED", "UNSUBSCRIBED", "REPORTED", "NO_DEVICE")]


def shopper() -> Person:
    return Person(shelf(item(f"item {number}") for number in range(5)), plain_rules(gates__caps=caps((1, DAY)), gates__cool_down_ms=HOUR))


@pytest.mark.parametrize("outcome", ABOUT_PUSHES, ids=lambda outcome: outcome.name.lower())
def test_the_push_is_decided_as_if_its_report_had_not_come_yet(outcome: Outcome) -> None:
    ann = shopper()
    early = command_id("ann", "event-1")
    assert reasons(ann.reports(outcome.name, early, AT - MINUTE)) == [Reason.NOTHING_ASKED]
    assert pushed(ann.does("search", at_ms=AT, event_id="event-1"))
    assert ann.pushes[0].command_id == early
    assert ann.state.sent_at_ms.tolist() == [AT]


@pytest.mark.parametrize("outcome", ABOUT_PUSHES, ids=lambda outcome: outcome.name.lower())
def test_a_report_about_a_push_that_is_not_known_leaves_the_known_ones_alone(outcome: Outcome) -> None:
    ann = shopper()
    ann.does("search", at_ms=AT)
    before = ann.state.sent_status.tolist()
    for name in ("", "none of ours", "f" * 32):
        ann.reports(outcome.name, name, AT + MINUTE)
    assert ann.state.sent_status.tolist() == before


def test_every_report_about_a_push_that_is_forgotten_by_now_is_taken() -> None:
    ann = shopper()
    for number, outcome in enumerate(Outcome):
        ann.reports(outcome.name, f"{number:032x}", AT + number)
    StateCodec.encode(ann.state)
    assert ann.state.signals == len(Outcome)
