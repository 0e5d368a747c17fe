"""The policy changes while the job runs: the next decision follows it; what cannot be followed is refused and changes nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from flink_job.codec.errors import reason_name
from flink_job.codec.state import StateCodec
from flink_job.inprocess import InProcessRunner
from tests.codec.messages import item_record, policy_record, signal
from tests.core.person import MONDAY_0930
from tests.core.policies import DAY, HOUR, MINUTE, SECOND, caps, plain_rules
from tests.harness.conftest import harness_settings
from tests.harness.harness import CATALOGUE_STATE, OperatorHarness, Sent, dead_letters, decisions, pushes

MakeHarness = Callable[..., OperatorHarness]
AT = MONDAY_0930
KEY = "policy/default"
NOTHING_IS_GOOD_ENOUGH = "send: {min_score: 5}"


def publish(harness: OperatorHarness, document: str, key: str = KEY, **fields: Any) -> list[Sent]:
    fields.setdefault("made_at_ms", harness.task.now_ms)
    return publish_bytes(harness, policy_record(document, **fields), key)


def publish_bytes(harness: OperatorHarness, payload: bytes | None, key: str | None = KEY, offset: int = 0) -> list[Sent]:
    return harness.shared(key, payload, f"kairos.knowledge/2/{offset}/{harness.task.now_ms}")


def view(harness: OperatorHarness, user: str = "ann", event: str = "") -> list[Sent]:
    number = harness.metric("signals")
    return harness.signal(
        user, signal("interaction", event_id=event or f"event-{number}", user_id=user, occurred_at_ms=harness.task.now_ms)
    )


def is_sent(sent: list[Sent]) -> bool:
    return bool(pushes(sent))


@pytest.fixture
def stocked(harness: OperatorHarness) -> OperatorHarness:
    harness.shared("mug", item_record())
    return harness


def test_the_decision_after_a_release_follows_it_and_names_its_version(stocked: OperatorHarness) -> None:
    (before,) = decisions(view(stocked))
    assert (before.policy_id, before.policy_version, before.reason) == ("default", "1", "")
    assert publish(stocked, NOTHING_IS_GOOD_ENOUGH, version="2") == []
    (after,) = decisions(view(stocked))
    assert (after.policy_id, after.policy_version, after.reason) == ("default", "2", "below_threshold")
    assert stocked.metric("policy_changed") == 1


def test_a_push_names_the_version_it_was_decided_by(stocked: OperatorHarness) -> None:
    publish(stocked, "{}", version="7")
    (push,) = pushes(view(stocked))
    assert (push.decision.policy_id, push.decision.policy_version) == ("default", "7")


def test_a_release_is_laid_over_the_configured_policy_not_over_the_release_before(stocked: OperatorHarness) -> None:
    publish(stocked, NOTHING_IS_GOOD_ENOUGH)
    publish(stocked, "log: {suppressed_share: 1}", version="3", made_at_ms=AT + 1)
    assert is_sent(view(stocked))


def test_what_is_known_of_users_and_items_stays(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=plain_rules(log__suppressed_share=1.0, gates__min_gap_ms=HOUR))
    harness.shared("mug", item_record())
    assert is_sent(view(harness))
    publish(harness, "gates: {min_gap_ms: 60000}")
    (told,) = decisions(view(harness))
    assert (told.reason, told.wake_at_ms) == ("min_gap", AT + MINUTE)
    assert [push.decided_at_ms for push in pushes(harness.advance_to(AT + MINUTE))] == [AT + MINUTE]


def test_a_wake_up_that_was_set_before_is_decided_by_what_is_in_force_when_it_fires(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=plain_rules(log__suppressed_share=1.0, triggers={"view": 10 * MINUTE}))
    harness.shared("mug", item_record())
    view(harness)
    publish(harness, NOTHING_IS_GOOD_ENOUGH)
    assert [decision.reason for decision in decisions(harness.advance_to(AT + HOUR))] == ["below_threshold"]


REFUSED = {
    "gates: {min_gap_ms: -1}": "policy.document: gates: min_gap_ms: must not be negative, not -1",
    "gates: {caps: [{count: -3, window_ms: 1}]}": "policy.document: gates.caps.0: count: must be greater than 0, not -3",
    "gates: {quiet_hours: {default_zone: Mars/Olympus}}": "policy.document: gates.quiet_hours.default_zone: there is no time zone",
    "send: {min_scor: 0.1}": "policy.document: send.min_scor: there is no such key; did you mean send.min_score?",
    "memory: {sent_pushes: 0}": "policy.document: memory: sent_pushes: must be greater than 0",
    "gates: {caps: [{count: 99, window_ms: 1}]}": "policy.document: gates.caps: 99 pushes cannot be counted when memory.sent_pushes is 64",
    "version: '9'": "policy.version: is 2, but the document says 9",
    "policy_id: other": "policy.policy_id: is default, but the document says other",
    "job: {parallelism: 2}": "policy.document: job: is no part of a policy",
    "{": "policy.document: document: is not YAML",
}


@pytest.mark.parametrize("document", REFUSED)
def test_a_release_that_cannot_be_followed_is_refused_with_the_field_and_what_was_followed_stays(
    stocked: OperatorHarness, document: str
) -> None:
    publish(stocked, "{}", version="good", made_at_ms=AT - 1)
    (letter,) = dead_letters(publish(stocked, document))
    assert reason_name(letter.reason) == "invalid_field"
    assert letter.detail.startswith(REFUSED[document])
    assert (letter.source_topic, letter.source_key) == ("kairos.knowledge", KEY)
    assert (stocked.metric("policy_refused"), stocked.metric("dead_letters.invalid_field"), stocked.metric("policy_changed")) == (1, 1, 1)
    (decision,) = decisions(view(stocked))
    assert decision.policy_version == "good"


def test_a_refused_release_does_not_stand_in_the_way_of_a_good_one(stocked: OperatorHarness) -> None:
    publish(stocked, "gates: {min_gap_ms: -1}", made_at_ms=AT)
    assert publish(stocked, NOTHING_IS_GOOD_ENOUGH, made_at_ms=AT) == []
    assert not is_sent(view(stocked))


def test_what_is_said_of_a_long_document_is_short(stocked: OperatorHarness) -> None:
    (letter,) = dead_letters(publish(stocked, "send: {" + ", ".join(f"key{number}: 1" for number in range(10_000)) + "}"))
    assert len(letter.detail.encode()) <= 1_024


BAD_BYTES = {
    "malformed": b"\xff\xff garbage",
    "key_mismatch": policy_record(policy_id="other"),
    "missing_field": policy_record(version=""),
    "invalid_field": policy_record(checksum=b"x"),
    "future": policy_record(made_at_ms=AT + 2 * MINUTE),
    "unknown_kind": b"",
    "oversized": policy_record("#" * 300_000),
}


@pytest.mark.parametrize("reason", BAD_BYTES)
def test_a_bad_record_of_a_policy_becomes_a_dead_letter(stocked: OperatorHarness, reason: str) -> None:
    (letter,) = dead_letters(publish_bytes(stocked, BAD_BYTES[reason]))
    assert reason_name(letter.reason) == reason
    assert stocked.metric("policy_refused") == 1
    assert is_sent(view(stocked))


def test_knowledge_without_a_key_is_a_dead_letter(stocked: OperatorHarness) -> None:
    (letter,) = dead_letters(publish_bytes(stocked, policy_record(), None))
    assert reason_name(letter.reason) == "null_key"


@pytest.mark.parametrize("key", ["policy/other", "model/open", "price/a-channel", "policy", "something else"])
def test_what_is_about_something_else_is_not_looked_at(stocked: OperatorHarness, key: str) -> None:
    assert publish_bytes(stocked, b"\xff\xff", key) == []
    assert (stocked.metric("knowledge_unused"), stocked.metric("policy_refused")) == (1, 0)


def test_an_older_release_never_replaces_a_newer_one(stocked: OperatorHarness) -> None:
    publish(stocked, "{}", version="3", made_at_ms=AT)
    for made_at_ms in (AT - 1, AT):
        assert publish(stocked, NOTHING_IS_GOOD_ENOUGH, version="2", made_at_ms=made_at_ms) == []
    assert decisions(view(stocked))[0].policy_version == "3"
    assert (stocked.metric("policy_outdated"), stocked.metric("policy_changed")) == (2, 1)


def test_a_release_comes_into_force_with_the_first_record_at_its_moment(stocked: OperatorHarness) -> None:
    publish(stocked, NOTHING_IS_GOOD_ENOUGH, effective_at_ms=AT + MINUTE)
    assert (stocked.metric("policies_waiting"), stocked.metric("policy_changed")) == (1, 0)
    stocked.advance_to(AT + MINUTE - 1)
    assert is_sent(view(stocked))
    stocked.advance_to(AT + MINUTE)
    assert not is_sent(view(stocked))
    assert (stocked.metric("policies_waiting"), stocked.metric("policy_changed")) == (0, 1)


def test_a_timer_at_the_moment_is_decided_by_the_new_policy_already(make_harness: MakeHarness) -> None:
    harness = make_harness(rules=plain_rules(log__suppressed_share=1.0, triggers={"view": MINUTE}))
    harness.shared("mug", item_record())
    view(harness)
    publish(harness, NOTHING_IS_GOOD_ENOUGH, effective_at_ms=AT + MINUTE)
    assert [decision.reason for decision in decisions(harness.advance_to(AT + MINUTE))] == ["below_threshold"]


def test_while_a_release_waits_the_one_before_is_followed_and_a_newer_one_replaces_what_waits(stocked: OperatorHarness) -> None:
    publish(stocked, "{}", version="2", made_at_ms=AT - 2)
    publish(stocked, NOTHING_IS_GOOD_ENOUGH, version="3", made_at_ms=AT - 1, effective_at_ms=AT + HOUR)
    assert decisions(view(stocked))[0].policy_version == "2"
    publish(stocked, "{}", version="4", made_at_ms=AT, effective_at_ms=AT + MINUTE)
    stocked.advance_to(AT + 2 * HOUR)
    assert decisions(view(stocked))[0].policy_version == "4"


def test_a_bad_release_is_refused_when_it_comes_not_when_its_moment_has_come(stocked: OperatorHarness) -> None:
    assert len(dead_letters(publish(stocked, "gates: {min_gap_ms: -1}", effective_at_ms=AT + DAY))) == 1


def test_a_tombstone_goes_back_to_the_configured_policy(stocked: OperatorHarness) -> None:
    publish(stocked, NOTHING_IS_GOOD_ENOUGH)
    publish_bytes(stocked, None)
    (decision,) = decisions(view(stocked))
    assert (decision.policy_version, decision.reason) == ("1", "")
    assert stocked.metric("policy_changed") == 2
    assert set(stocked.task.broadcast[CATALOGUE_STATE]) == {"mug", "\0ready"}


def test_an_old_tombstone_takes_nothing_away(stocked: OperatorHarness) -> None:
    publish(stocked, NOTHING_IS_GOOD_ENOUGH)
    stocked.shared(KEY, None, f"kairos.knowledge/2/0/{AT - 1}")
    assert not is_sent(view(stocked))
    assert stocked.metric("policy_outdated") == 1


def test_the_share_of_the_log_is_that_of_the_policy_in_force(stocked: OperatorHarness) -> None:
    publish(stocked, "{send: {min_score: 5}, log: {suppressed_share: 0}}")
    assert decisions(view(stocked)) == []


def test_a_smaller_memory_is_accepted_and_no_state_grows_over_what_it_was(make_harness: MakeHarness) -> None:
    """Rows that are held stay until newer ones take their place; caps and gaps go on counting them."""
    rules = plain_rules(log__suppressed_share=1.0, gates__caps=caps((8, DAY)))
    harness = make_harness(rules=rules)
    names = [f"item {number}" for number in range(40)]
    for name in names:
        harness.shared(name, item_record(name))

    def look_at(name: str) -> None:
        harness.task.now_ms += SECOND
        payload = signal("interaction", event_id=f"look {harness.task.now_ms}", item_id=name, occurred_at_ms=harness.task.now_ms)
        harness.signal("ann", payload)

    for name in names:
        look_at(name)
    before = StateCodec(2).decode(harness.blob("ann") or b"")
    assert (len(before.recent_item), len(before.sent_item), len(before.seen_events)) == (32, 8, 8 * 40)
    assert publish(harness, "memory: {recent_items: 4, sent_pushes: 8, seen_events: 4}") == []
    for name in names[:10]:
        look_at(name)
    after = StateCodec(2).decode(harness.blob("ann") or b"")
    assert (len(after.recent_item), len(after.sent_item), len(after.seen_events)) == (32, 8, 8 * 4)


# After a crash


def test_a_restored_operator_follows_the_release_before_the_first_event(stocked: OperatorHarness, make_harness: MakeHarness) -> None:
    publish(stocked, NOTHING_IS_GOOD_ENOUGH, version="2")
    restored = make_harness(stocked.snapshot())
    (decision,) = decisions(view(restored))
    assert (decision.policy_version, decision.reason) == ("2", "below_threshold")
    assert restored.metric("catalogue_items") == 1


def test_the_first_timer_after_a_restore_follows_it_too(make_harness: MakeHarness) -> None:
    rules = plain_rules(log__suppressed_share=1.0, triggers={"view": MINUTE})
    harness = make_harness(rules=rules)
    harness.shared("mug", item_record())
    view(harness)
    publish(harness, NOTHING_IS_GOOD_ENOUGH)
    restored = make_harness(harness.snapshot(), rules=rules)
    assert not is_sent(restored.advance_to(AT + MINUTE))


def test_what_waits_and_what_is_in_force_until_then_are_both_restored(stocked: OperatorHarness, make_harness: MakeHarness) -> None:
    publish(stocked, NOTHING_IS_GOOD_ENOUGH, version="2", made_at_ms=AT - 1)
    publish(stocked, "{}", version="3", effective_at_ms=AT + HOUR)
    restored = make_harness(stocked.snapshot())
    assert decisions(view(restored))[0].policy_version == "2"
    assert restored.metric("policies_waiting") == 1
    restored.advance_to(AT + HOUR)
    assert decisions(view(restored))[0].policy_version == "3"
    later = make_harness(stocked.snapshot())
    later.task.now_ms = AT + 2 * HOUR
    assert decisions(view(later))[0].policy_version == "3"


def test_a_restored_operator_takes_no_older_release(stocked: OperatorHarness, make_harness: MakeHarness) -> None:
    publish(stocked, NOTHING_IS_GOOD_ENOUGH)
    restored = make_harness(stocked.snapshot())
    publish(restored, "{}", version="1b", made_at_ms=AT - 1)
    assert not is_sent(view(restored))
    assert restored.metric("policy_outdated") == 1


def test_a_release_that_no_longer_fits_the_configuration_is_left_out_and_counted(
    stocked: OperatorHarness, make_harness: MakeHarness
) -> None:
    publish(stocked, "gates: {caps: [{count: 60, window_ms: 60000}]}")
    restored = make_harness(stocked.snapshot(), rules=plain_rules(log__suppressed_share=1.0, memory__sent_pushes=10))
    assert decisions(view(restored))[0].policy_version == "1"
    assert restored.metric("policy_refused") == 1


def test_a_job_with_another_policy_id_leaves_what_was_stored_alone(stocked: OperatorHarness, make_harness: MakeHarness) -> None:
    publish(stocked, NOTHING_IS_GOOD_ENOUGH)
    restored = make_harness(stocked.snapshot(), rules=plain_rules(policy_id="news", log__suppressed_share=1.0))
    assert is_sent(view(restored))
    assert (restored.metric("policy_refused"), restored.metric("items_unusable")) == (0, 0)


def test_a_savepoint_from_before_there_were_releases_restores(stocked: OperatorHarness, make_harness: MakeHarness) -> None:
    snapshot = stocked.snapshot()
    assert set(snapshot.broadcast[CATALOGUE_STATE]) == {"mug", "\0ready"}
    assert is_sent(view(make_harness(snapshot)))


def test_decisions_wait_for_the_policy_that_was_there_at_the_start(make_harness: MakeHarness) -> None:
    harness = make_harness(shared_ends={"kairos.items/0": 1, "kairos.knowledge/2": 1})
    harness.shared("mug", item_record())
    assert decisions(view(harness))[0].reason == "warm_up"
    publish(harness, NOTHING_IS_GOOD_ENOUGH)
    assert not is_sent(harness.advance_to(AT + SECOND))


def test_the_in_process_runner_follows_releases_like_the_operator(stocked: OperatorHarness) -> None:
    runner = InProcessRunner(harness_settings())
    runner.load([("mug", item_record())])
    bad = policy_record("gates: {min_gap_ms: -1}")
    waits = policy_record(NOTHING_IS_GOOD_ENOUGH, effective_at_ms=AT + MINUTE)
    theirs = runner.load_knowledge([(KEY, bad), (KEY, waits)], AT)
    ours = publish_bytes(stocked, bad) + publish_bytes(stocked, waits, offset=1)
    assert [letter.detail for letter in dead_letters(theirs)] == [letter.detail for letter in dead_letters(ours)]
    for number in range(4):
        at_ms = AT + number * 30 * SECOND
        payload = signal("interaction", event_id=f"event-{number}", occurred_at_ms=at_ms)
        stocked.advance_to(at_ms)
        assert stocked.signal("ann", payload) == list(runner.run([("ann", payload, at_ms)]))
    assert runner.engine.metrics.values()["pushes"] == stocked.metric("pushes") == 2
