"""The public logs themselves, where they are at hand: that nothing in them is a surprise."""

from pathlib import Path

import pytest

from kairos.feed.features import ItemFeaturiser
from kairos.logs.log import Log
from kairos.logs.pacing import AtOnce
from kairos.logs.registry import find_format
from kairos.logs.replay import Options, Replay
from kairos.logs.report import Report
from kairos.v1.item_pb2 import Item
from tests.logs.fakes import FakeClock, ListSink


def replay(path: Path, sink: ListSink, limit: int | None = None) -> Report:
    with Log(path, find_format(path, None)) as log:
        options = Options(items_topic="items", interactions_topic="interactions", limit=limit, refresh_ms=0)
        work = Replay(log, options, lambda _start, _first: AtOnce(), sink, ItemFeaturiser(64), FakeClock())
        work.run()
    return work.report


def item_count(sink: ListSink) -> tuple[int, int]:
    """Items, and how many of them have features."""
    items = [Item.FromString(value) for topic, _key, value, _at in sink.records if topic == "items"]
    return len(items), sum(bool(item.features) for item in items)


def test_online_retail_every_line_is_an_event_or_accounted_for(real_data: Path, sink: ListSink) -> None:
    report = replay(real_data / "online_retail.parquet", sink)
    assert report.events == 404_909
    assert report.skipped_by_reason == {"no customer": 135_080, "not a product (postage, fee, correction)": 1_920}
    assert report.events + report.skipped.total == 541_909
    assert item_count(sink) == (3_817, 3_817)


def test_taobao_the_rest_after_the_warm_up_is_replayed(real_data: Path, sink: ListSink) -> None:
    report = replay(real_data / "taobao_user_behavior_slice.csv", sink)
    assert (report.learned_visits, report.events) == (46_895, 63_405)
    assert report.skipped_by_reason == {}
    assert item_count(sink) == (84_793, 84_793)


@pytest.mark.timeout(120)
def test_globo_features_come_from_the_first_two_days(real_data: Path, sink: ListSink) -> None:
    report = replay(real_data / "globo_clicks_h000_h191.parquet", sink, limit=50_000)
    assert (report.learned_visits, report.events) == (437_645, 50_000)
    items, with_features = item_count(sink)
    assert items == 26_350
    assert 8_000 < with_features < 10_000  # the others were not read together with anything in these two days
