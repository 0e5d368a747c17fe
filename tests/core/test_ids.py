"""Identifiers that are the same on every machine, in every run and in every release."""

from flink_job.codec.state import StateCodec
from flink_job.core.effects import Push
from flink_job.core.ids import command_id, digest_of, key_of
from flink_job.core.reasons import Reason
from tests.core.catalogue_items import item
from tests.core.person import MONDAY_0930, Person, reasons, shelf


def test_ids_are_the_same_in_every_release() -> None:
    """States, command ids and the deduplication of every consumer rest on these."""
    assert key_of("item-1") == 8_406_168_460_641_299_428
    assert digest_of("item-1") == key_of("item-1").to_bytes(8, "little")
    assert command_id("ann", "event-1") == "d9c5bb196c2ac3c707989b195c7d9608"


def test_command_ids_differ_by_user_and_by_cause_and_do_not_run_into_each_other() -> None:
    ids = {command_id(user, cause) for user in ("a", "ab", "b") for cause in ("c", "bc", "b")}
    assert len(ids) == 9
    assert all(len(name) == 32 and set(name) <= set("0123456789abcdef") for name in ids)


def test_the_command_of_a_push_is_named_by_the_user_and_the_event_alone() -> None:
    """Whatever came between, and whatever is in the catalogue by now: a replayed decision carries the id it had."""
    plain = Person(shelf([item("mug")]))
    busy = Person(shelf([item("lamp"), item("kettle")]))
    for number in range(5):
        busy.does("view", "lamp", MONDAY_0930 - 1_000 + number)
    names = set()
    for ann in (plain, busy):
        (push,) = ann.does("search", event_id="event-1")
        assert isinstance(push, Push)
        names.add(push.command_id)
    assert names == {command_id("ann", "event-1")}


def test_an_event_that_comes_again_is_known_within_the_window_of_event_ids() -> None:
    ann = Person(shelf([item("mug")]))
    kept = 64
    for number in range(kept):
        ann.does("view", "mug", event_id=f"event-{number}")
    for number in range(kept):
        assert reasons(ann.does("view", "mug", event_id=f"event-{number}")) == [Reason.DUPLICATE]
    ann.does("view", "mug", event_id="one more")
    assert reasons(ann.does("view", "mug", event_id="event-1")) == [Reason.DUPLICATE]
    assert reasons(ann.does("view", "mug", event_id="event-0")) != [Reason.DUPLICATE]


def test_an_event_that_comes_again_changes_nothing() -> None:
    once, twice = Person(shelf([item("mug")])), Person(shelf([item("mug")]))
    for ann, times in ((once, 1), (twice, 5)):
        for _ in range(times):
            ann.does("cart", "mug", event_id="event-1")
            ann.reports("dismissed", "f" * 32, MONDAY_0930 + 1, event_id="report-1")
    assert StateCodec.encode(once.state) == StateCodec.encode(twice.state)
    assert len(twice.pushes) == 1


def test_a_digest_that_lies_across_two_others_is_not_taken_for_a_duplicate() -> None:
    ann = Person(shelf([item("mug")]))
    wanted = digest_of("event-x")
    ann.state.seen_events = b"\0" * 5 + wanted + b"\0" * 3
    assert len(ann.state.seen_events) % 8 == 0
    assert reasons(ann.does("view", "mug", event_id="event-x")) != [Reason.DUPLICATE]
    assert reasons(ann.does("view", "mug", event_id="event-x")) == [Reason.DUPLICATE]
