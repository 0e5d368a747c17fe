"""A whole replay into a list: what goes out, when, in which order, and that nothing of it knows the future."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kairos.errors import USAGE_ERROR, KairosError
from kairos.feed.features import ItemFeaturiser
from kairos.logs.globo import GLOBO
from kairos.logs.log import Log
from kairos.logs.pacing import AtOnce, ByRate, BySpeed
from kairos.logs.replay import MakeSchedule, Options, Replay
from kairos.logs.report import Report
from kairos.logs.retail import RETAIL
from kairos.v1.interaction_pb2 import Interaction
from kairos.v1.item_pb2 import Item
from kairos.v1.signal_pb2 import Signal
from tests.logs.fakes import FakeClock, ListSink

MakeFile = Callable[..., Path]
OPTIONS = Options(items_topic="items", interactions_topic="interactions")
HOUR_MS = 3_600_000
MIDNIGHT_MS = 1_506_816_000_000  # 2017-10-01T00:00Z


def at_speed(speed: float) -> MakeSchedule:
    return lambda start_ms, first_ms: BySpeed(start_ms, first_ms, speed)


def at_once(_start_ms: int, _first_ms: int) -> AtOnce:
    return AtOnce()


def replay(path: Path, sink: ListSink, clock: FakeClock, make: MakeSchedule, log_format: Any = GLOBO, **options: Any) -> Report:
    with Log(path, log_format) as log:
        work = Replay(log, replace(OPTIONS, **options), make, sink, ItemFeaturiser(64), clock)
        work.run()
    return work.report


def interactions(sink: ListSink) -> list[Interaction]:
    return [Signal.FromString(value).interaction for topic, _key, value, _at in sink.records if topic == "interactions"]


def items(sink: ListSink) -> list[Item]:
    return [Item.FromString(value) for topic, _key, value, _at in sink.records if topic == "items"]


def clock_time(minute: int) -> str:
    return f"2017-10-01 {minute // 60:02d}:{minute % 60:02d}:00"


def test_event_time_is_sending_time_however_fast(globo_file: MakeFile, sink: ListSink, clock: FakeClock) -> None:
    path = globo_file([(1, 1, 10, clock_time(0)), (1, 1, 11, clock_time(1)), (2, 2, 10, clock_time(30))])
    report = replay(path, sink, clock, at_speed(60), warm_up_ms=0)
    events = interactions(sink)
    sent_at = [at for topic, _key, _value, at in sink.records if topic == "interactions"]
    assert [event.occurred_at_ms - events[0].occurred_at_ms for event in events] == [0, 1_000, 30_000]
    assert all(0 <= sent - event.occurred_at_ms <= 1 for event, sent in zip(events, sent_at, strict=True))
    assert report.events == 3
    assert [key for _topic, key, _value, _at in sink.records[-3:]] == [b"1", b"1", b"2"]


def test_without_shifting_times_stay_the_logs_and_only_the_pace_changes(globo_file: MakeFile, sink: ListSink, clock: FakeClock) -> None:
    path = globo_file([(1, 1, 10, clock_time(0)), (1, 1, 11, clock_time(60))])
    replay(path, sink, clock, at_speed(3600), warm_up_ms=0, shift=False)
    assert [event.occurred_at_ms for event in interactions(sink)] == [MIDNIGHT_MS, MIDNIGHT_MS + HOUR_MS]
    assert sink.records[-1][3] - sink.records[-2][3] == pytest.approx(1_000, abs=1)
    later = items(sink)[1]
    assert (later.item_id, later.valid_from_ms, later.published_at_ms) == ("11", MIDNIGHT_MS + HOUR_MS, MIDNIGHT_MS + HOUR_MS)


def test_at_a_rate_events_go_out_evenly_across_batches(globo_file: MakeFile, sink: ListSink, clock: FakeClock) -> None:
    path = globo_file([(n, n, 10, clock_time(n // 50)) for n in range(1_000)])
    replay(path, sink, clock, lambda start_ms, _first_ms: ByRate(start_ms, 500), warm_up_ms=0)
    times = [event.occurred_at_ms for event in interactions(sink)]
    assert [time - times[0] for time in times] == [2 * n for n in range(1_000)]


def test_all_items_come_before_the_first_event_and_are_valid_from_their_first_sight(
    globo_file: MakeFile, sink: ListSink, clock: FakeClock
) -> None:
    path = globo_file([(1, 1, 10, clock_time(0)), (1, 1, 11, clock_time(20))])
    replay(path, sink, clock, at_speed(60), warm_up_ms=0)
    assert [topic for topic, _key, _value, _at in sink.records] == ["items", "items", "interactions", "interactions"]
    (old, new), (_first, second) = items(sink), interactions(sink)
    assert (old.item_id, old.valid_from_ms) == ("10", 0)
    assert (new.item_id, new.valid_from_ms) == ("11", second.occurred_at_ms)
    assert new.texts[""].title == "Article 11"


def test_catalogue_only_sends_no_event_and_none_sends_no_item(globo_file: MakeFile, clock: FakeClock) -> None:
    path = globo_file([(1, 1, 10, clock_time(0)), (1, 1, 11, clock_time(1))])
    only, none = ListSink(clock), ListSink(clock)
    replay(path, only, clock, at_once, warm_up_ms=0, catalogue="only")
    replay(path, none, clock, at_once, warm_up_ms=0, catalogue="none")
    assert {topic for topic, *_rest in only.records} == {"items"}
    assert {topic for topic, *_rest in none.records} == {"interactions"}
    assert [item.valid_from_ms for item in items(only)] == [0, 0]  # no events, so no clock to say when


def test_start_until_and_limit_cut_the_log(globo_file: MakeFile, sink: ListSink, clock: FakeClock) -> None:
    path = globo_file([(n, n, 10, clock_time(n)) for n in range(60)])
    window = {"start_ms": MIDNIGHT_MS + 10 * 60_000, "until_ms": MIDNIGHT_MS + 30 * 60_000}
    report = replay(path, sink, clock, at_once, **window)
    assert [event.user_id for event in interactions(sink)] == [str(n) for n in range(10, 30)]
    assert report.expected_rows == 20
    sink.records.clear()
    assert replay(path, sink, clock, at_once, limit=7, **window).events == 7
    assert len(interactions(sink)) == 7


def test_the_warm_up_is_learned_from_and_not_replayed(globo_file: MakeFile, sink: ListSink, clock: FakeClock) -> None:
    path = globo_file([(n, n // 2, 10 + n % 2, clock_time(n)) for n in range(100)])
    report = replay(path, sink, clock, at_once, warm_up_ms=HOUR_MS)
    assert report.learned_visits == 60
    assert report.learned_until_ms == MIDNIGHT_MS + HOUR_MS
    assert interactions(sink)[0].user_id == "60"
    assert all(len(item.features) == 256 for item in items(sink))


def test_an_empty_stretch_says_what_is_in_the_way(globo_file: MakeFile, sink: ListSink, clock: FakeClock) -> None:
    path = globo_file([(1, 1, 10, clock_time(0)), (1, 1, 11, clock_time(1))])
    with pytest.raises(KairosError, match="no row lies in what is to be replayed") as caught:
        replay(path, sink, clock, at_once)
    assert "first 2d of this log are for learning" in caught.value.hint
    assert caught.value.exit_code == USAGE_ERROR
    with pytest.raises(KairosError, match="from 2018-01-01T00:00:00Z on"):
        replay(path, sink, clock, at_once, start_ms=1_514_764_800_000)


def test_a_second_run_under_a_name_has_other_event_ids_and_nothing_else_changes(globo_file: MakeFile, clock: FakeClock) -> None:
    path = globo_file([(1, 1, 10, clock_time(0))])
    first, again = ListSink(clock), ListSink(clock)
    replay(path, first, clock, at_once, warm_up_ms=0)
    replay(path, again, clock, at_once, warm_up_ms=0, run="b")
    assert [event.event_id for event in interactions(first) + interactions(again)] == ["globo-0", "globo-b-0"]


def test_bad_rows_are_left_out_counted_and_never_stop_the_replay(retail_file: MakeFile, sink: ListSink, clock: FakeClock) -> None:
    good = ("1", "22139", "TEA SET", 1, "2010-12-01 08:00", 4.25, 7, "France")
    path = retail_file([good, (*good[:6], None, "France"), good, ("2", "POST", "POSTAGE", *good[3:])])
    report = replay(path, sink, clock, at_once, RETAIL)
    assert report.events == 2
    assert report.skipped_by_reason == {"no customer": 1, "not a product (postage, fee, correction)": 1}
    assert [example["row"] for example in report.as_json()["skipped_examples"]] == [1, 3]


clicks = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12)), min_size=1, max_size=40)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(known=clicks, future=clicks, other_future=clicks)
def test_nothing_that_is_sent_depends_on_what_comes_later(
    known: list[tuple[int, int]], future: list[tuple[int, int]], other_future: list[tuple[int, int]], globo_file: MakeFile
) -> None:
    """Two logs that agree up to an hour say the same about all items known by then, up to that hour, refreshes included."""
    horizon = 3 * 60
    past = [(user, user, item, clock_time(at * horizon // len(known))) for at, (user, item) in enumerate(known)]
    told = []
    for later in (future, other_future):
        rows = past + [(user, user + 100, item, clock_time(horizon + at)) for at, (user, item) in enumerate(later)]
        clock = FakeClock()
        sink = ListSink(clock)
        replay(globo_file(rows), sink, clock, at_speed(60), warm_up_ms=HOUR_MS, refresh_ms=HOUR_MS)
        told.append(_told_before_the_future(sink, {str(item) for _user, item in known}))
    assert told[0] == told[1]


def _told_before_the_future(sink: ListSink, item_ids: set[str]) -> list[tuple[str, bytes]]:
    """Id and features of the known items in the order sent, up to the first event of the future (sessions 100 and up)."""
    sent: list[tuple[str, bytes]] = []
    for topic, _key, value, _at in sink.records:
        if topic == "interactions":
            if int(Signal.FromString(value).interaction.context.session_id) >= 100:
                return sent
        elif (item := Item.FromString(value)).item_id in item_ids:
            sent.append((item.item_id, item.features))
    raise AssertionError("no event of the future was sent")


def test_newcomers_get_features_once_they_were_visited_and_not_before(globo_file: MakeFile, sink: ListSink, clock: FakeClock) -> None:
    random = np.random.default_rng(0)
    warm = [(n, n, int(item), clock_time(n % 60)) for n in range(60) for item in random.integers(10, 14, 3)]
    path = globo_file([*warm, (99, 500, 10, clock_time(70)), (99, 500, 77, clock_time(71)), (98, 501, 11, clock_time(130))])
    report = replay(path, sink, clock, at_speed(60), warm_up_ms=HOUR_MS, refresh_ms=HOUR_MS)
    versions = [
        (at, Item.FromString(value).features)
        for at, (topic, key, value, _t) in enumerate(sink.records)
        if topic == "items" and key == b"77"
    ]
    assert [bool(features) for _at, features in versions] == [False, True]
    topics = [topic for topic, *_rest in sink.records]
    assert topics[versions[1][0] - 2 : versions[1][0] + 2] == ["interactions", "interactions", "items", "interactions"]
    assert report.items_refreshed == 1
