"""What is shown of a push, and the totals: worked numbers, no Kafka."""

import io
import random
from typing import Any

import pytest
from kafka import TopicPartition
from rich.console import Console

from kairos.consume.consumer import ReceivedPush
from kairos.consume.seen import SeenIds
from kairos.consume.table import PushTable, summary
from kairos.consume.totals import LATENCIES_KEPT, Totals
from kairos.consume.view import duration_words, view_of
from kairos.v1.push_pb2 import Content, DecisionSummary, PushCommand
from kairos.v1.signal_pb2 import Trigger

MONDAY_0930 = 1_767_605_400_000
STARTED = MONDAY_0930 - 60_000


def push(*, caused: int = MONDAY_0930, decided: int | None = None, received: int = MONDAY_0930 + 5, **fields: Any) -> ReceivedPush:
    command = PushCommand(
        command_id="c1", user_id="ada", caused_at_ms=caused, decided_at_ms=caused if decided is None else decided, **fields
    )
    return ReceivedPush(command, TopicPartition("pushes", 0), 0, written_at_ms=received - 1, received_at_ms=received)


def test_latency_runs_from_the_event_to_its_receipt() -> None:
    view = view_of(push(), STARTED)
    assert (view.latency_ms, view.waited_ms) == (5, 0)


def test_a_push_that_waited_for_its_moment_says_so_and_is_no_latency() -> None:
    night = 8 * 3_600_000
    view = view_of(push(decided=MONDAY_0930 + night, received=MONDAY_0930 + night + 7), STARTED)
    assert view.waited_ms == night
    totals = Totals()
    totals.add(view)
    assert (totals.waited, totals.latency_ms(50)) == (1, None)


def test_a_push_that_lay_in_the_topic_before_we_came_is_no_latency() -> None:
    assert view_of(push(), MONDAY_0930 + 5_000).latency_ms is None


def test_a_push_of_unknown_cause_is_no_latency_and_did_not_wait() -> None:
    view = view_of(push(caused=0, decided=MONDAY_0930), STARTED)
    assert (view.latency_ms, view.waited_ms) == (None, 0)


def test_an_expired_push_is_told() -> None:
    assert not view_of(push(expires_at_ms=MONDAY_0930 + 6), STARTED).expired
    assert view_of(push(expires_at_ms=MONDAY_0930 + 5), STARTED).expired
    assert not view_of(push(expires_at_ms=0), STARTED).expired


def test_the_reason_is_the_jobs_own_words_or_else_the_trigger_in_words() -> None:
    assert view_of(push(reason="because you looked at mugs"), STARTED).reason == "because you looked at mugs"
    assert view_of(push(trigger=Trigger.TRIGGER_PRICE_DROP), STARTED).reason == "became cheaper"
    assert view_of(push(trigger=99), STARTED).reason == "trigger 99"  # a newer job than this program


def test_every_trigger_of_the_schemas_has_words() -> None:
    for number in Trigger.values():
        assert not view_of(push(trigger=number), STARTED).reason.startswith("trigger ")


def test_items_are_named_by_title_or_id_and_a_digest_says_how_many_more() -> None:
    assert view_of(push(item_ids=["a"]), STARTED).what == "a"
    assert view_of(push(item_ids=["a", "b", "c"], content=Content(title="Mug")), STARTED).what == "Mug (+2)"
    assert view_of(push(), STARTED).what == ""


def test_percentiles_are_those_of_the_last_ten_thousand() -> None:
    totals = Totals()
    for latency_ms in range(1, 102):
        totals.add(view_of(push(received=MONDAY_0930 + latency_ms), STARTED))
    assert (totals.latency_ms(50), totals.latency_ms(99)) == (51.0, 100.0)
    for _ in range(LATENCIES_KEPT):
        totals.add(view_of(push(received=MONDAY_0930 + 7), STARTED))
    assert (totals.pushes, totals.latency_ms(99)) == (101 + LATENCIES_KEPT, 7.0)


def test_the_summary_leaves_out_what_did_not_occur() -> None:
    totals = Totals()
    assert summary(totals, 0, 0) == "0 pushes"
    totals.add(view_of(push(), STARTED))
    assert summary(totals, 3, 1) == "1 pushes · event to push p50 5 ms, p99 5 ms · 3 duplicates dropped · 1 malformed"


def test_the_table_shows_the_newest_that_fit_and_takes_no_data_for_markup() -> None:
    totals = Totals()
    table = PushTable(totals)
    for number in range(50):
        shown = push(item_ids=[f"item-{number}"], decision=DecisionSummary(score=number / 100), reason="[red]sale[/]")
        totals.add(view_of(shown, STARTED))
        table.add(view_of(shown, STARTED))
    output = io.StringIO()
    Console(file=output, width=100, height=20, force_terminal=False).print(table)
    text = output.getvalue()
    assert "item-49" in text
    assert "item-35" in text
    assert "item-34" not in text  # 20 lines less 5 around: the last 15
    assert "[red]sale[/]" in text
    assert "50 pushes" in text
    assert "0.490" in text


def test_an_empty_table_says_that_it_waits() -> None:
    output = io.StringIO()
    Console(file=output, width=100, height=20).print(PushTable(Totals()))
    assert "waiting for pushes" in output.getvalue()


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (0, "0 ms"),
        (999, "999 ms"),
        (1000, "1.0 s"),
        (59_949, "59.9 s"),
        (60_000, "1 min 0 s"),
        (3_600_000, "1 h 0 min"),
        (172_800_000, "2 d 0 h"),
        (-5, "-5 ms"),
    ],
)
def test_durations_read_as_people_say_them(milliseconds: int, words: str) -> None:
    assert duration_words(milliseconds) == words


def test_seen_ids_never_hold_more_than_their_size_and_forget_the_least_recent() -> None:
    seen, rng = SeenIds(50), random.Random(7)
    order: list[str] = []
    for _ in range(5_000):
        command_id = str(rng.randrange(200))
        if rng.random() < 0.5:
            seen.add(command_id)
        elif command_id not in seen:
            continue
        order = [other for other in order if other != command_id] + [command_id]
        assert len(seen) <= 50
    assert all(command_id in seen for command_id in order[-50:])
    assert not any(command_id in seen for command_id in order[:-50])
