"""After a crash: what the snapshot holds is all there is, and the operator goes on as if nothing had happened."""

from collections.abc import Callable

import pytest

from flink_job.codec.state import StateCodec, UnknownStateVersion
from tests.codec.messages import item_record, signal
from tests.core.person import MONDAY_0930
from tests.core.policies import HOUR, MINUTE, SECOND, caps, plain_rules
from tests.harness.harness import CATALOGUE_STATE, USER_STATE, OperatorHarness, Sent, decisions, pushes

MakeHarness = Callable[..., OperatorHarness]
AT = MONDAY_0930
RULES = plain_rules(
    log__suppressed_share=1.0,
    triggers={"cart": 50 * SECOND, "view": 0},
    gates__min_gap_ms=40 * SECOND,
    gates__caps=caps((20, 10 * MINUTE)),
    items__repeat_after_ms=5 * MINUTE,
)
USERS = ("ann", "bob", "cleo")


def step(harness: OperatorHarness, number: int) -> list[Sent]:
    """The `number`th thing that happens: a view or a cart of one of three users, now and then a catalogue change."""
    sent = harness.advance_to(AT + number * 20 * SECOND)
    if number % 7 == 0:
        sent += harness.shared(f"item {number}", item_record(f"item {number}", updated_at_ms=AT + number))
    if number % 11 == 0:
        sent += harness.shared("item 0", item_record("item 0", updated_at_ms=AT + number, stock=number % 2))
    user, kind = USERS[number % 3], 6 if number % 5 == 0 else 1
    payload = signal(
        "interaction",
        event_id=f"event-{number}",
        user_id=user,
        occurred_at_ms=harness.task.now_ms,
        item_id=f"item {number % 30}",
        type=kind,
    )
    return sent + harness.signal(user, payload, f"kairos.interactions/0/{number}/{harness.task.now_ms}")


@pytest.mark.parametrize("crash_after", [0, 1, 20, 57, 99])
def test_an_operator_that_was_restored_goes_on_as_the_one_that_ran_through(make_harness: MakeHarness, crash_after: int) -> None:
    steady = make_harness(rules=RULES)
    for number in range(crash_after):
        step(steady, number)
    snapshot = steady.snapshot()
    expected = [step(steady, number) for number in range(crash_after, 120)]
    restored = make_harness(snapshot, rules=RULES)
    # Catalogue versions count changes since the start of the process, and so differ; everything else may not.
    assert [unversioned(step(restored, number)) for number in range(crash_after, 120)] == [unversioned(sent) for sent in expected]
    assert restored.snapshot() == steady.snapshot()
    assert sum(len(pushes(sent)) for sent in expected) >= 5


def unversioned(sent: list[Sent]) -> list[object]:
    found: list[object] = [push.SerializeToString(deterministic=True) for push in pushes(sent)]
    for decision in decisions(sent):
        decision.catalogue_version = 0
        found.append(decision.SerializeToString(deterministic=True))
    return found


def test_what_is_replayed_after_a_crash_carries_the_ids_it_had(make_harness: MakeHarness) -> None:
    """The last checkpoint is older than the crash: everything since is read again, a little later by the clock."""
    harness = make_harness(rules=RULES)
    for number in range(40):
        step(harness, number)
    snapshot = harness.snapshot()
    lost = [push.command_id for number in range(40, 60) for push in pushes(step(harness, number))]
    restored = make_harness(snapshot, rules=RULES)
    again = [push.command_id for number in range(40, 60) for push in pushes(step(restored, number))]
    assert again == lost != []


def test_the_first_signal_after_a_restore_sees_the_catalogue_before_any_item_is_read(make_harness: MakeHarness) -> None:
    harness = make_harness()
    harness.shared("mug", item_record())
    restored = make_harness(harness.snapshot())
    (push,) = pushes(restored.signal("ann", signal("interaction", occurred_at_ms=AT)))
    assert list(push.item_ids) == ["mug"]


def test_the_first_timer_after_a_restore_sees_the_catalogue_too(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=RULES)
    harness.shared("mug", item_record())
    harness.signal("ann", signal("interaction", occurred_at_ms=AT, type=6))
    restored = make_harness(harness.snapshot(), rules=RULES)
    (push,) = pushes(restored.advance_to(AT + 50 * SECOND))
    assert list(push.item_ids) == ["mug"]


def test_a_timer_that_should_have_fired_while_the_job_was_down_fires_with_the_present_time(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=RULES)
    harness.shared("mug", item_record())
    harness.signal("ann", signal("interaction", occurred_at_ms=AT, type=6))
    restored = make_harness(harness.snapshot(), rules=RULES)
    restored.task.now_ms = AT + 5 * HOUR
    (push,) = pushes(restored.advance_to(AT + 5 * HOUR))
    assert push.decided_at_ms == AT + 5 * HOUR


def test_an_item_that_is_read_first_after_a_restore_does_not_hide_the_others(make_harness: MakeHarness) -> None:
    harness = make_harness()
    harness.shared("mug", item_record())
    restored = make_harness(harness.snapshot())
    restored.shared("lamp", item_record("lamp"))
    assert restored.metric("catalogue_items") == 2
    assert set(restored.task.broadcast[CATALOGUE_STATE]) == {"mug", "lamp", "\0ready"}


def test_a_version_that_was_stored_is_not_replaced_by_an_older_one_after_a_restore(make_harness: MakeHarness) -> None:
    harness = make_harness()
    newer = item_record(updated_at_ms=AT + 5)
    harness.shared("mug", newer)
    restored = make_harness(harness.snapshot())
    restored.shared("mug", item_record(updated_at_ms=AT))
    assert restored.task.broadcast[CATALOGUE_STATE]["mug"] == newer


def test_an_item_withdrawn_before_the_snapshot_is_not_sent_after_it(make_harness: MakeHarness) -> None:
    harness = make_harness()
    harness.shared("mug", item_record())
    harness.shared("mug", None)
    restored = make_harness(harness.snapshot())
    assert pushes(restored.signal("ann", signal("interaction", occurred_at_ms=AT))) == []


def test_items_of_another_feature_dimension_are_left_out_and_counted_and_the_job_starts(make_harness: MakeHarness) -> None:
    harness = make_harness()
    harness.shared("mug", item_record())
    harness.signal("ann", signal("interaction", occurred_at_ms=AT))
    restored = make_harness(harness.snapshot(), feature_dim=3)
    (decision,) = decisions(restored.signal("ann", signal("interaction", event_id="event-2", occurred_at_ms=AT + 1)))
    assert decision.reason == "no_candidate"
    assert (restored.metric("items_unusable"), restored.metric("catalogue_items")) == (1, 0)
    restored.shared("mug", item_record(features=b"\0\0\x80\x3f" + b"\0" * 8, updated_at_ms=AT + 2))
    assert restored.metric("catalogue_items") == 1


def test_a_state_of_a_newer_release_stops_the_job_and_says_why(make_harness: MakeHarness) -> None:
    harness = make_harness()
    harness.signal("ann", signal("interaction", occurred_at_ms=AT))
    snapshot = harness.snapshot()
    snapshot.states[USER_STATE]["ann"] = b"\x63" + snapshot.states[USER_STATE]["ann"][1:]
    with pytest.raises(UnknownStateVersion, match="version 99"):
        make_harness(snapshot).signal("ann", signal("interaction", event_id="event-2", occurred_at_ms=AT))


def test_a_snapshot_holds_nothing_but_bytes(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=RULES)
    for number in range(30):
        step(harness, number)
    snapshot = harness.snapshot()
    for blob in snapshot.states[USER_STATE].values():
        StateCodec(2).decode(blob)
    assert set(snapshot.states) == {USER_STATE}
    assert set(snapshot.broadcast) == {CATALOGUE_STATE}
