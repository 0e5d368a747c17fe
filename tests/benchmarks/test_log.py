"""The records all builds are given: the same every time, realistic enough to say something, and comparable between sizes."""

from collections import Counter

import numpy as np

from benchmarks.events import MIX, make_events
from benchmarks.items import make_catalogue
from benchmarks.log import make_flat_log, make_log
from benchmarks.overlay import engine_config
from benchmarks.stage import marker_positions
from kairos.v1 import interaction_pb2, signal_pb2

NOW_MS = 1_767_605_400_000
CONFIG = engine_config()


def test_the_same_arguments_give_the_same_records() -> None:
    first, second = (make_log(CONFIG, users=200, items=300, events=2_000, now_ms=NOW_MS) for _ in range(2))
    assert first == second
    assert len(first.items) == 300
    assert len(first.signals) == 2_000


def test_events_do_not_depend_on_the_length_of_the_features() -> None:
    logs = [make_events(make_catalogue(300, dim, NOW_MS), 100, 1_000) for dim in (1, 64)]
    assert np.array_equal(logs[0].item, logs[1].item)
    assert np.array_equal(logs[0].user, logs[1].user)


def test_every_item_is_in_the_group_of_its_category() -> None:
    catalogue = make_catalogue(1_000, 8, NOW_MS)
    assert sorted(np.concatenate(catalogue.groups).tolist()) == list(range(1_000))
    assert all(len(group) for group in catalogue.groups)


def test_kinds_of_events_have_their_shares_and_few_records_come_twice() -> None:
    events = make_events(make_catalogue(1_000, 1, NOW_MS), 2_000, 50_000)
    counts = Counter(events.kind.tolist())
    for kind, share in MIX.items():
        assert abs(counts[kind] / 50_000 - share) < 0.01, interaction_pb2.InteractionType.Name(kind)
    twice = 50_000 - len(set(events.number.tolist()))
    assert 50 < twice < 200  # 0.2 %
    assert np.any(np.diff(events.at_ms) < 0)  # some arrive out of order


def test_an_event_without_an_item_is_a_search() -> None:
    log = make_log(CONFIG, users=50, items=100, events=500, now_ms=NOW_MS)
    bodies = [signal_pb2.Signal.FromString(payload).interaction for _, payload in log.signals]
    assert {body.type for body in bodies if not body.item_id} == {interaction_pb2.INTERACTION_TYPE_SEARCH}
    assert all(body.user_id == key for body, (key, _) in zip(bodies, log.signals, strict=True))


def test_the_measured_part_is_the_same_for_all_numbers_of_users_but_for_who_they_are() -> None:
    few, many = (make_flat_log(CONFIG, users=users, items=300, events=3_000, fill=20_000, now_ms=NOW_MS) for users in (10_000, 40_000))
    assert (few.counted_from, many.counted_from) == (20_000, 40_000)

    def measured(log):
        bodies = [signal_pb2.Signal.FromString(payload).interaction for _, payload in log.signals[log.counted_from :]]
        return [(body.type, body.item_id, body.event_id, body.occurred_at_ms) for body in bodies]

    assert measured(few) == measured(many)
    for log, users in ((few, 10_000), (many, 40_000)):
        before = {user for user, _ in log.signals[: log.counted_from]}
        assert len(before) == users
        assert {user for user, _ in log.signals[log.counted_from :]} <= before


def test_markers_are_dense_at_first_and_never_after_the_end() -> None:
    positions = marker_positions(10_000)
    assert positions[:3] == [25, 50, 75]
    assert positions[-2:] == [9_500, 10_000]
    assert positions == sorted(set(positions))
    assert marker_positions(60) == [25, 50]
