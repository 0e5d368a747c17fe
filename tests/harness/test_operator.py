"""The user operator: effects become records, timers and state, and nothing else."""

from collections.abc import Callable

import pytest

from flink_job.codec.state import StateCodec
from flink_job.core.ids import command_id
from kairos.v1 import decision_pb2
from tests.codec.messages import item_record, signal
from tests.core.person import MONDAY_0930
from tests.core.policies import DAY, HOUR, MINUTE, plain_rules
from tests.harness.harness import CATALOGUE_STATE, USER_STATE, OperatorHarness, decisions, pushes

MakeHarness = Callable[..., OperatorHarness]
AT = MONDAY_0930
CART_WAITS = plain_rules(log__suppressed_share=1.0, triggers={"cart": 30 * MINUTE, "view": 0})
CART = 6


def view(event_id: str = "event-1", at_ms: int = AT, **fields: object) -> bytes:
    return signal("interaction", event_id=event_id, occurred_at_ms=at_ms, **fields)


def test_a_view_becomes_a_push_and_a_decision_for_the_same_user(harness: OperatorHarness) -> None:
    assert harness.shared("mug", item_record()) == []
    sent = harness.signal("ann", view())
    (push,) = pushes(sent)
    (decision,) = decisions(sent)
    assert (push.command_id, list(push.item_ids)) == (command_id("ann", "event-1"), ["mug"])
    assert (decision.command_id, decision.verdict) == (push.command_id, decision_pb2.VERDICT_SENT)
    assert [key for _, key, _ in sent] == ["ann", "ann"]


def test_the_state_is_kept_under_the_key_as_bytes(harness: OperatorHarness) -> None:
    harness.shared("mug", item_record())
    harness.signal("ann", view())
    assert harness.blob("bob") is None
    blob = harness.blob("ann")
    assert blob is not None
    assert StateCodec(2).decode(blob).signals == 1
    harness.signal("ann", view("event-2"))
    assert StateCodec(2).decode(harness.blob("ann") or b"").signals == 2


def test_users_do_not_share_anything(harness: OperatorHarness) -> None:
    harness.shared("mug", item_record())
    harness.signal("ann", view())
    before = harness.blob("ann")
    harness.signal("bob", view(user_id="bob"))
    assert harness.blob("ann") == before
    assert harness.blob("bob") is not None


def test_a_duplicate_sends_nothing_and_writes_nothing(harness: OperatorHarness) -> None:
    harness.shared("mug", item_record())
    harness.signal("ann", view())
    before = harness.blob("ann")
    assert harness.signal("ann", view()) == []
    assert harness.blob("ann") == before
    assert harness.metric("suppressed.duplicate") == 1


def test_a_deferred_decision_sets_a_timer_and_its_firing_sends_the_push(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=CART_WAITS)
    harness.shared("mug", item_record())
    (deferred,) = decisions(harness.signal("ann", view(type=CART)))
    assert (deferred.verdict, deferred.wake_at_ms) == (decision_pb2.VERDICT_DEFERRED, AT + 30 * MINUTE)
    assert harness.task.timers == {(AT + 30 * MINUTE, "ann")}
    assert harness.advance_to(AT + 30 * MINUTE - 1) == []
    (push,) = pushes(harness.advance_to(AT + 30 * MINUTE))
    assert (push.decided_at_ms, push.cause_id) == (AT + 30 * MINUTE, "event-1")
    assert harness.task.timers == set()
    assert (harness.metric("wake_ups_set"), harness.metric("wake_ups_fired")) == (1, 1)


def test_a_timer_nobody_waits_for_any_more_does_nothing(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=CART_WAITS)
    harness.shared("mug", item_record())
    harness.signal("ann", view(type=CART))
    harness.task.now_ms = AT + 31 * MINUTE
    first, second = pushes(harness.signal("ann", view("event-2", AT + 31 * MINUTE)))
    assert (first.cause_id, second.cause_id) == ("event-1", "event-2")
    before = harness.blob("ann")
    assert harness.advance_to(AT + HOUR) == []
    assert harness.blob("ann") == before


def test_an_erasure_clears_the_state_and_the_timer_finds_nobody(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=CART_WAITS)
    harness.shared("mug", item_record())
    harness.signal("ann", view(type=CART))
    assert harness.signal("ann", signal("user_update", update_id="forget", erase=True)) == []
    assert harness.task.states[USER_STATE] == {}
    assert harness.advance_to(AT + DAY) == []
    assert harness.task.states[USER_STATE] == {}
    assert harness.metric("users_erased") == 1


def test_a_user_who_comes_back_after_an_erasure_is_new(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=CART_WAITS)
    harness.shared("mug", item_record())
    harness.signal("ann", view(type=CART))
    harness.signal("ann", signal("user_update", update_id="forget", erase=True))
    harness.signal("ann", view("event-2"))
    state = StateCodec(2).decode(harness.blob("ann") or b"")
    assert (state.signals, list(state.recent_flags), state.pending) == (1, [0], None)
    assert harness.metric("users_new") == 2


@pytest.mark.parametrize("state_cache_users", [0, 1, 1_000])
def test_users_that_are_kept_decoded_decide_like_users_that_are_read_from_flink(make_harness: MakeHarness, state_cache_users: int) -> None:
    harness = make_harness(state_cache_users=state_cache_users, rules=CART_WAITS)
    harness.shared("mug", item_record())
    sent = []
    for number in range(20):
        user = f"user-{number % 3}"
        kind = CART if number % 4 == 0 else 1
        sent += harness.signal(user, view(f"event-{number}", AT + number, user_id=user, type=kind))
    sent += harness.advance_to(AT + HOUR)
    plain = make_harness(state_cache_users=0, rules=CART_WAITS)
    plain.shared("mug", item_record())
    expected = []
    for number in range(20):
        user = f"user-{number % 3}"
        kind = CART if number % 4 == 0 else 1
        expected += plain.signal(user, view(f"event-{number}", AT + number, user_id=user, type=kind))
    expected += plain.advance_to(AT + HOUR)
    assert sent == expected
    assert harness.task.states == plain.task.states
    assert (harness.task.reads < 20) == (state_cache_users == 1_000)


def test_a_user_of_whom_nothing_was_heard_for_too_long_is_new(make_harness: MakeHarness) -> None:
    for days, is_new in ((10, False), (11, True)):
        harness = make_harness(user_ttl_days=10)
        harness.shared("mug", item_record())
        harness.signal("ann", view())
        harness.task.now_ms = AT + days * DAY
        harness.signal("ann", view("event-2", harness.task.now_ms))
        assert StateCodec(2).decode(harness.blob("ann") or b"").signals == (1 if is_new else 2)


def test_flink_forgets_users_by_itself_in_thread_mode_only(make_harness: MakeHarness) -> None:
    """In process mode a TTL would make every update wait for Flink; there the engine alone forgets."""
    for native_ttl in (True, False):
        harness = make_harness(native_ttl=native_ttl, user_ttl_days=7)
        ttl = harness.task.descriptors[USER_STATE]._ttl_config
        if native_ttl:
            assert ttl.is_enabled()
            assert ttl.get_ttl().to_milliseconds() == 7 * DAY
        else:
            assert ttl is None


def test_items_are_stored_as_they_came_and_withdrawn_ones_are_not(harness: OperatorHarness) -> None:
    mug, lamp = item_record(), item_record("lamp")
    harness.shared("mug", mug)
    harness.shared("lamp", lamp)
    assert harness.task.broadcast[CATALOGUE_STATE] == {"mug": mug, "lamp": lamp, "\0ready": b"1"}
    harness.shared("mug", None)
    harness.shared("lamp", item_record("lamp", deleted=True, updated_at_ms=AT + 1))
    assert harness.task.broadcast[CATALOGUE_STATE] == {"\0ready": b"1"}
    assert harness.metric("catalogue_items") == 0


def test_an_older_version_or_a_second_deletion_changes_nothing(harness: OperatorHarness) -> None:
    newer = item_record(updated_at_ms=AT + 5)
    harness.shared("mug", newer)
    harness.shared("mug", item_record(updated_at_ms=AT))
    harness.shared("lamp", None)
    assert harness.task.broadcast[CATALOGUE_STATE] == {"mug": newer, "\0ready": b"1"}
    assert (harness.metric("items_changed"), harness.metric("items_outdated")) == (1, 2)


def test_a_tombstone_deletes_what_is_not_newer_than_it(harness: OperatorHarness) -> None:
    harness.shared("mug", item_record(updated_at_ms=AT))
    harness.shared("mug", None, f"kairos.items/0/7/{AT - 1}")
    assert harness.metric("catalogue_items") == 1
    harness.shared("mug", None, f"kairos.items/0/8/{AT}")
    assert harness.metric("catalogue_items") == 0
    harness.shared("mug", item_record(updated_at_ms=AT + 1))
    assert harness.metric("catalogue_items") == 1


def test_knowledge_that_this_release_does_not_use_is_counted_and_left_alone(harness: OperatorHarness) -> None:
    assert harness.shared("policy", b"anything", f"kairos.knowledge/0/0/{AT}") == []
    assert harness.metric("knowledge_unused") == 1
    assert "policy" not in harness.task.broadcast[CATALOGUE_STATE]


def test_a_catalogue_that_is_empty_is_no_error(harness: OperatorHarness) -> None:
    (decision,) = decisions(harness.signal("ann", view()))
    assert decision.reason == "no_candidate"


def test_the_push_that_the_item_changed_into_is_the_one_that_is_sent(harness: OperatorHarness) -> None:
    harness.shared("mug", item_record(deep_link="old", updated_at_ms=AT))
    harness.shared("mug", item_record(deep_link="new", updated_at_ms=AT + 1))
    (push,) = pushes(harness.signal("ann", view()))
    assert push.content.deep_link == "new"
