"""A user for whom nothing was good enough is not looked at again for a while: most events of a visit cost no scoring."""

from flink_job.core.reasons import Reason
from tests.core.catalogue_items import item, unit
from tests.core.person import MONDAY_0930, Person, pushed, reasons, shelf
from tests.core.policies import MINUTE, SECOND, plain_rules

AT = MONDAY_0930


def shopper(**changes: object) -> Person:
    """Nothing reaches the score that is asked for, until the user has shown some interest."""
    shop = shelf([item("mug", features=unit([1, 0]))])
    return Person(shop, plain_rules(**{"gates__rescore_after_ms": MINUTE, "send__min_score": 0.9, "triggers": {"search": 0}, **changes}))


def test_after_a_score_too_low_the_next_minute_is_not_scored() -> None:
    for after_ms, answer in ((MINUTE - 1, Reason.SCORED_LATELY), (MINUTE, Reason.BELOW_THRESHOLD)):
        ann = shopper()
        assert reasons(ann.does("search", at_ms=AT)) == [Reason.BELOW_THRESHOLD]
        assert reasons(ann.does("search", at_ms=AT + after_ms)) == [answer]


def test_the_minute_is_counted_from_the_last_score_not_from_the_last_event() -> None:
    ann = shopper()
    ann.does("search", at_ms=AT)
    ann.does("search", at_ms=AT + 30 * SECOND)
    assert reasons(ann.does("search", at_ms=AT + MINUTE)) == [Reason.BELOW_THRESHOLD]


def test_a_catalogue_without_anything_to_send_counts_too() -> None:
    ann = Person(shelf([]), plain_rules(gates__rescore_after_ms=MINUTE))
    assert reasons(ann.does("search", at_ms=AT)) == [Reason.NO_CANDIDATE]
    assert reasons(ann.does("search", at_ms=AT + SECOND)) == [Reason.SCORED_LATELY]


def test_a_push_ends_it() -> None:
    ann = shopper()
    ann.does("search", at_ms=AT)
    ann.does("dwell", "mug", AT + SECOND)
    assert pushed(ann.does("search", at_ms=AT + MINUTE)) == "mug"
    assert pushed(ann.does("search", at_ms=AT + MINUTE + 1)) == "mug"


def test_what_the_user_does_meanwhile_is_learned_from() -> None:
    ann = shopper()
    ann.does("search", at_ms=AT)
    before = ann.state.interest.copy()
    ann.does("dwell", "mug", AT + SECOND)
    assert (ann.state.interest != before).any()
