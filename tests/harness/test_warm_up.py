"""Decisions wait until the catalogue that was there at the start has been read, but not for ever."""

from collections.abc import Callable

from tests.codec.messages import item_record, signal
from tests.core.person import MONDAY_0930
from tests.core.policies import MINUTE, SECOND
from tests.harness.harness import CATALOGUE_STATE, OperatorHarness, decisions, pushes

MakeHarness = Callable[..., OperatorHarness]
AT = MONDAY_0930
ENDS = {"kairos.items/0": 3, "kairos.items/1": 1, "kairos.items/2": 0}


def view(harness: OperatorHarness, number: int = 1) -> list[tuple[str, str | None, bytes]]:
    return harness.signal("ann", signal("interaction", event_id=f"event-{number}", occurred_at_ms=harness.task.now_ms))


def read(harness: OperatorHarness, partition: int, offset: int) -> None:
    harness.shared("mug", item_record(updated_at_ms=AT + offset), f"kairos.items/{partition}/{offset}/{AT}")


def test_a_decision_waits_for_the_last_item_of_every_partition_and_is_taken_then(make_harness: MakeHarness) -> None:
    harness = make_harness(shared_ends=ENDS)
    read(harness, 0, 0)
    (waiting,) = decisions(view(harness))
    assert (waiting.reason, waiting.wake_at_ms) == ("warm_up", AT + SECOND)
    assert harness.metric("warming_up") == 1
    read(harness, 0, 2)
    (waiting,) = decisions(harness.advance_to(AT + SECOND))
    assert (waiting.reason, waiting.wake_at_ms) == ("warm_up", AT + 2 * SECOND)
    read(harness, 1, 0)
    (push,) = pushes(harness.advance_to(AT + 2 * SECOND))
    assert (push.cause_id, push.caused_at_ms) == ("event-1", AT)
    assert harness.metric("warming_up") == 0


def test_after_the_last_item_decisions_are_taken_at_once(make_harness: MakeHarness) -> None:
    harness = make_harness(shared_ends=ENDS)
    read(harness, 1, 0)
    read(harness, 0, 2)
    assert len(pushes(view(harness))) == 1


def test_records_of_other_topics_and_partitions_do_not_end_the_wait(make_harness: MakeHarness) -> None:
    harness = make_harness(shared_ends={"kairos.items/0": 3})
    harness.shared("policy", b"", f"kairos.knowledge/0/99/{AT}")
    read(harness, 1, 99)
    assert decisions(view(harness))[0].reason == "warm_up"


def test_a_bad_item_counts_as_read(make_harness: MakeHarness) -> None:
    harness = make_harness(shared_ends={"kairos.items/0": 3})
    harness.shared("mug", b"garbage", f"kairos.items/0/2/{AT}")
    assert harness.metric("warming_up") == 0


def test_the_wait_has_an_end_although_the_last_record_never_comes(make_harness: MakeHarness) -> None:
    """The last offset may be a transaction's marker, which no consumer sees."""
    harness = make_harness(shared_ends=ENDS, warm_up_timeout_ms=MINUTE)
    read(harness, 0, 0)
    view(harness)
    sent = harness.advance_to(AT + MINUTE - 1)
    assert pushes(sent) == []
    assert {decision.reason for decision in decisions(sent)} == {"warm_up"}
    assert len(pushes(harness.advance_to(AT + MINUTE))) == 1


def test_one_timer_at_a_time_waits_for_the_catalogue_whatever_the_user_does(make_harness: MakeHarness) -> None:
    harness = make_harness(shared_ends=ENDS)
    read(harness, 0, 0)
    for number in range(5):
        view(harness, number)
    assert len(harness.task.timers) == 1
    read(harness, 0, 2)
    read(harness, 1, 0)
    assert [push.cause_id for push in pushes(harness.advance_to(AT + SECOND))] == ["event-0"]


def test_an_empty_catalogue_topic_is_not_waited_for(make_harness: MakeHarness) -> None:
    harness = make_harness(shared_ends={"kairos.items/0": 0})
    assert decisions(view(harness))[0].reason == "no_candidate"


def test_that_the_catalogue_was_read_is_remembered_in_the_snapshot(make_harness: MakeHarness) -> None:
    harness = make_harness(shared_ends=ENDS)
    read(harness, 0, 2)
    assert "\0ready" not in harness.task.broadcast[CATALOGUE_STATE]
    halfway = make_harness(harness.snapshot(), shared_ends=ENDS)
    assert decisions(view(halfway))[0].reason == "warm_up"
    read(harness, 1, 0)
    assert harness.task.broadcast[CATALOGUE_STATE]["\0ready"] == b"1"
    restored = make_harness(harness.snapshot(), shared_ends={"kairos.items/0": 100})
    assert len(pushes(view(restored, 2))) == 1
    assert restored.metric("catalogue_items") == 1
