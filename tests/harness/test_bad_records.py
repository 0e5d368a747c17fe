"""Bad records become dead letters that say what, where and why; they are counted, and the job goes on until there are too many."""

from collections.abc import Callable

import pytest

from flink_job.codec.errors import reason_name
from flink_job.dead_letter_limit import TooManyDeadLetters
from kairos.v1 import dead_letter_pb2
from tests.codec.messages import item_record, signal
from tests.core.person import MONDAY_0930
from tests.core.policies import DAY, MINUTE
from tests.harness.harness import CATALOGUE_STATE, OperatorHarness, Sent, dead_letters, pushes

MakeHarness = Callable[..., OperatorHarness]
AT = MONDAY_0930
NO_KEY = "\0" + "3/4711"  # what the SQL puts where there is no key
SIGNAL_PLACE, ITEM_PLACE = f"kairos.interactions/3/4711/{AT - 9}", f"kairos.items/1/12/{AT - 9}"

BAD_SIGNALS: dict[str, tuple[str, bytes | None, str]] = {
    "null_key": (NO_KEY, signal("interaction"), "key"),
    "null_value": ("ann", None, "value"),
    "malformed": ("ann", b"\xff\xff\xff garbage", "value"),
    "oversized": ("ann", signal("interaction", query="x" * 300_000), "value"),
    "missing_field": ("ann", signal("interaction", user_id=""), "interaction.user_id"),
    "invalid_field": ("ann", signal("interaction", type=99), "interaction.type"),
    "key_mismatch": ("bob", signal("interaction"), "interaction.user_id"),
    "too_late": ("ann", signal("interaction", occurred_at_ms=AT - 31 * DAY), "interaction.occurred_at_ms"),
    "future": ("ann", signal("interaction", occurred_at_ms=AT + 2 * MINUTE), "interaction.occurred_at_ms"),
    "unknown_kind": ("ann", b"", "body"),
}
BAD_ITEMS: dict[str, tuple[str | None, bytes | None, str]] = {
    "null_key": (None, item_record(), "key"),
    "malformed": ("mug", b"\xff\xff\xff garbage", "value"),
    "oversized": ("mug", item_record(image_url="x" * 300_000), "value"),
    "missing_field": ("mug", item_record(""), "item_id"),
    "invalid_field": ("mug", item_record(features=b"\0" * 12), "features"),
    "key_mismatch": ("mug", item_record("lamp"), "item_id"),
}


def check(sent: list[Sent], reason: str, field: str, key: str | None, payload: bytes | None) -> dead_letter_pb2.DeadLetter:
    (letter,) = dead_letters(sent)
    assert len(sent) == 1
    assert reason_name(letter.reason) == reason
    assert letter.detail.startswith(f"{field}: ")
    assert (letter.source_timestamp_ms, letter.found_at_ms) == (AT - 9, AT)
    assert (letter.source_key if letter.HasField("source_key") else None) == key
    assert (letter.payload if letter.HasField("payload") else None) == (None if payload is None else payload[:4096])
    assert letter.payload_size == len(payload or b"")
    assert letter.producer.startswith("kairos/")
    return letter


@pytest.mark.parametrize("reason", BAD_SIGNALS)
def test_a_bad_signal_becomes_a_dead_letter(harness: OperatorHarness, reason: str) -> None:
    key, payload, field = BAD_SIGNALS[reason]
    sent = harness.signal(key, payload, SIGNAL_PLACE)
    letter = check(sent, reason, field, None if key == NO_KEY else key, payload)
    assert (letter.source_topic, letter.source_partition, letter.source_offset) == ("kairos.interactions", 3, 4711)
    assert harness.metric(f"dead_letters.{reason}") == 1
    assert harness.snapshot().states["user-v1"] == {}


@pytest.mark.parametrize("reason", BAD_ITEMS)
def test_a_bad_item_becomes_a_dead_letter(harness: OperatorHarness, reason: str) -> None:
    key, payload, field = BAD_ITEMS[reason]
    letter = check(harness.shared(key, payload, ITEM_PLACE), reason, field, key, payload)
    assert (letter.source_topic, letter.source_partition, letter.source_offset) == ("kairos.items", 1, 12)
    assert harness.metric(f"dead_letters.{reason}") == 1
    assert harness.snapshot().broadcast[CATALOGUE_STATE].keys() <= {"\0ready"}


def test_every_reason_there_is_has_a_record_above() -> None:
    reasons = {reason_name(number) for number in dead_letter_pb2.DeadLetterReason.values() if number}
    assert reasons == BAD_SIGNALS.keys()
    assert reasons - BAD_ITEMS.keys() == {"null_value", "too_late", "future", "unknown_kind"}


def test_an_empty_item_key_is_no_key(harness: OperatorHarness) -> None:
    (letter,) = dead_letters(harness.shared("", item_record(""), ITEM_PLACE))
    assert reason_name(letter.reason) == "null_key"


def test_an_item_cannot_pass_for_the_mark_that_the_catalogue_was_read(make_harness: MakeHarness) -> None:
    harness = make_harness(shared_ends={"kairos.items/0": 9})
    (letter,) = dead_letters(harness.shared("\0ready", item_record("\0ready"), ITEM_PLACE))
    assert reason_name(letter.reason) == "invalid_field"
    assert harness.task.broadcast[CATALOGUE_STATE] == {}


def test_features_whose_length_overflows_are_refused(harness: OperatorHarness) -> None:
    (letter,) = dead_letters(harness.shared("mug", item_record(features=b"\xff\xff\x7f\x7f" * 2), ITEM_PLACE))
    assert reason_name(letter.reason) == "invalid_field"


def test_between_bad_records_the_good_ones_are_decided(harness: OperatorHarness) -> None:
    harness.shared("mug", item_record())
    sent: list[Sent] = []
    for number, (key, payload, _) in enumerate(BAD_SIGNALS.values()):
        sent += harness.signal(key, payload, SIGNAL_PLACE)
        sent += harness.signal("ann", signal("interaction", event_id=f"event-{number}", occurred_at_ms=AT))
    assert len(dead_letters(sent)) == len(pushes(sent)) == len(BAD_SIGNALS)
    assert harness.metric("signals") == 2 * len(BAD_SIGNALS)


def test_a_late_signal_within_bounds_is_learned_from_and_an_early_one_within_the_clocks_difference_too(harness: OperatorHarness) -> None:
    harness.shared("mug", item_record())
    for number, at_ms in enumerate((AT - 30 * DAY, AT - 1, AT, AT + MINUTE)):
        assert dead_letters(harness.signal("ann", signal("interaction", event_id=f"event-{number}", occurred_at_ms=at_ms))) == []
    assert harness.metric("signals") == 4


def test_a_topic_of_garbage_stops_the_job_with_a_reason(make_harness: MakeHarness) -> None:
    harness = make_harness(dead_letter_share=0.5, dead_letter_sample=100)
    for _ in range(50):
        harness.signal("ann", b"garbage")
    with pytest.raises(TooManyDeadLetters, match=r"51 of the last 51 records.*limits\.dead_letter_share"):
        harness.signal("ann", b"garbage")


def test_a_catalogue_of_garbage_stops_the_job_too(make_harness: MakeHarness) -> None:
    harness = make_harness(dead_letter_share=0.1, dead_letter_sample=100)
    for _ in range(10):
        harness.shared("mug", b"garbage")
    with pytest.raises(TooManyDeadLetters):
        harness.shared("mug", b"garbage")


def test_now_and_then_a_bad_record_never_stops_the_job(make_harness: MakeHarness) -> None:
    harness = make_harness(dead_letter_share=0.5, dead_letter_sample=10)
    for number in range(200):
        harness.signal("ann", signal("interaction", event_id=f"event-{number}", occurred_at_ms=AT) if number % 2 else b"garbage")
    assert harness.metric("dead_letters.malformed") == 100
