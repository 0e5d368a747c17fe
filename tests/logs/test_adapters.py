"""The three public logs, on small files with their columns."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import csv, dataset

from kairos.feed.collect import ItemCollector
from kairos.logs.encode import SignalEncoder
from kairos.logs.globo import GLOBO
from kairos.logs.log import Log, LogFormat
from kairos.logs.order import AT_MS
from kairos.logs.registry import find_format
from kairos.logs.retail import RETAIL
from kairos.logs.skipped import SkippedRows
from kairos.logs.taobao import TAOBAO
from kairos.v1.interaction_pb2 import Interaction, InteractionType, Platform
from kairos.v1.signal_pb2 import Signal

MakeFile = Callable[..., Path]


def read(path: Path, log_format: LogFormat) -> tuple[list[Interaction], SkippedRows]:
    skipped = SkippedRows()
    encoder = SignalEncoder(f"{log_format.name}-")
    with Log(path, log_format) as log:
        events = [log_format.events(rows, skipped) for rows in log.rows()]
        records = [record for part in events for record in encoder.encode(part, part.at_ms.tolist())]
        skipped.counts += log.unreadable.counts
    return [Signal.FromString(value).interaction for _key, value in records], skipped


def test_globo_clicks_come_in_order_of_time_with_their_context(globo_file: MakeFile) -> None:
    path = globo_file(
        [(7, 100, 5, "2017-10-01 03:00:02"), (7, 100, 6, "2017-10-01 03:00:09"), (8, 101, 5, "2017-10-01 03:00:00.026")],
        country=[1, 1, 4],
        deviceGroup=[1, 3, 4],
        environment=[4, 2, 4],
        os=[17, 20, 2],
    )
    events, skipped = read(path, GLOBO)
    assert [(event.user_id, event.item_id, event.occurred_at_ms) for event in events] == [
        ("8", "5", 1506826800026),
        ("7", "5", 1506826802000),
        ("7", "6", 1506826809000),
    ]
    assert [event.event_id for event in events] == ["globo-2", "globo-0", "globo-1"]  # by the row of the file, not by time
    abroad, first, second = (event.context for event in events)
    assert (first.session_id, first.country, first.time_zone, first.region) == ("100", "BR", "America/Sao_Paulo", "25")
    assert (abroad.country, abroad.time_zone, abroad.region) == ("", "", "")
    assert [each.platform for each in (first, second, abroad)] == [
        Platform.PLATFORM_WEB_DESKTOP,
        Platform.PLATFORM_IOS,
        Platform.PLATFORM_WEB_MOBILE,
    ]
    assert all(event.type == InteractionType.INTERACTION_TYPE_VIEW for event in events)
    assert skipped.total == 0


def test_globo_files_made_of_the_published_csv_have_their_times_in_milliseconds(globo_file: MakeFile, tmp_path: Path) -> None:
    folder = tmp_path / "clicks"
    folder.mkdir()
    table = pq.read_table(globo_file([(7, 100, 5, "2017-10-01 03:00:02.500"), (8, 101, 6, "2017-10-01 03:00:01")]))
    at = table.schema.get_field_index("click_timestamp")
    milliseconds = pa.array([1506826802500, 1506826801000])
    for hour in range(2):
        csv.write_csv(table.set_column(at, "click_timestamp", milliseconds).slice(hour, 1), folder / f"clicks_hour_{hour:03d}.csv")
    pq.write_table(dataset.dataset(folder, format="csv").to_table(), tmp_path / "made.parquet")
    events, skipped = read(tmp_path / "made.parquet", GLOBO)
    assert [(event.user_id, event.occurred_at_ms) for event in events] == [("8", 1506826801000), ("7", 1506826802500)]
    assert events[0].context.country == "BR"
    assert skipped.total == 0


def test_retail_lines_become_purchases_and_returns_in_pounds(retail_file: MakeFile) -> None:
    path = retail_file(
        [
            ("536365", "85123a", "WHITE HEART", 6, "2010-12-01 08:26", 2.55, 17850, "United Kingdom"),
            ("C536379", "85123A", "WHITE HEART", -2, "2011-07-01 09:41", 2.55, 17850, "EIRE"),
        ]
    )
    (bought, returned), skipped = read(path, RETAIL)
    assert bought.type == InteractionType.INTERACTION_TYPE_PURCHASE
    assert (bought.quantity, bought.value, bought.currency, bought.order_id) == (6, 15.3, "GBP", "536365")
    assert (bought.item_id, bought.user_id, bought.context.country) == ("85123A", "17850", "GB")
    assert bought.occurred_at_ms == 1291191960000  # 08:26 in London is 08:26 UTC in winter
    assert returned.type == InteractionType.INTERACTION_TYPE_RETURN
    assert (returned.quantity, returned.value, returned.item_id) == (2, 5.1, "85123A")
    assert returned.occurred_at_ms == 1309509660000  # and 08:41 UTC in summer
    assert (returned.context.country, returned.context.time_zone) == ("IE", "Europe/Dublin")
    assert skipped.total == 0


def test_retail_lines_that_are_no_customers_purchase_are_counted_by_reason(retail_file: MakeFile) -> None:
    moment = "2010-12-01 08:26"
    path = retail_file(
        [
            ("1", "85123A", "WHITE HEART", 6, moment, 2.55, None, "United Kingdom"),
            ("2", "POST", "POSTAGE", 1, moment, 18.0, 12583, "France"),
            ("3", "BANK CHARGES", "Bank Charges", 1, moment, 15.0, 12583, "France"),
            ("4", "22728", "ALARM CLOCK", 0, moment, 3.75, 12583, "France"),
            ("5", "22728", "ALARM CLOCK", 1, moment, -1.0, 12583, "France"),
            ("6", "22728", "ALARM CLOCK", 24, moment, 0.0, 12583, "Unspecified"),
        ]
    )
    (gift,), skipped = read(path, RETAIL)
    assert (gift.order_id, gift.value, gift.context.country) == ("6", 0.0, "")
    assert dict(skipped.counts) == {
        "no customer": 1,
        "not a product (postage, fee, correction)": 2,
        "no quantity": 1,
        "no price": 1,
    }


def test_retail_items_take_the_first_description_that_comes_with_a_price(retail_file: MakeFile) -> None:
    path = retail_file(
        [
            ("1", "22139", None, 56, "2010-12-01 08:00", 0.0, None, "United Kingdom"),
            ("2", "22139", "damaged", -3, "2010-12-01 08:10", 0.0, None, "United Kingdom"),
            ("3", "22139", " TEA SET ", 1, "2010-12-01 08:20", 4.25, None, "United Kingdom"),
            ("4", "22139", "TEA SET, LATER", 1, "2010-12-02 08:20", 4.95, 1, "United Kingdom"),
            ("5", "M", "Manual", 1, "2010-12-02 08:30", 1.0, 1, "United Kingdom"),
        ]
    )
    collector = ItemCollector()
    with Log(path, RETAIL) as log:
        for rows in log.rows():
            collector.observe(RETAIL.items(rows))  # type: ignore[misc]
    (item,) = collector.items.values()
    assert (item.item_id, item.title, item.price, item.currency) == ("22139", "TEA SET", 4.25, "GBP")
    assert item.first_seen_ms == 1291191600000


def test_taobao_behaviours_become_types_and_odd_lines_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "taobao.csv"
    path.write_text(
        "1,10,7,pv,1511658001\n1,10,7,cart,1511658000\n2,11,8,fav,1511658002\n2,11,8,buy,1511658003\n3,,8,pv,1511658004\n4,12,8,stare,1511658005\n5,12,8,pv,soon\n"
    )
    events, skipped = read(path, TAOBAO)
    assert [event.type for event in events] == [
        InteractionType.INTERACTION_TYPE_CART,
        InteractionType.INTERACTION_TYPE_VIEW,
        InteractionType.INTERACTION_TYPE_FAVOURITE,
        InteractionType.INTERACTION_TYPE_PURCHASE,
    ]
    assert [event.occurred_at_ms for event in events] == [1511658000000, 1511658001000, 1511658002000, 1511658003000]
    assert dict(skipped.counts) == {"no item id": 1, "behaviour is none of pv, cart, fav, buy": 1, "no readable time in timestamp": 1}
    collector = ItemCollector()
    with Log(path, TAOBAO) as log:
        for rows in log.rows():
            collector.observe(TAOBAO.items(rows))  # type: ignore[misc]
    assert {item.item_id: item.categories for item in collector.items.values()} == {"10": ("7",), "11": ("8",), "12": ("8",)}
    assert collector.items["10"].first_seen_ms == 1511658000000
    assert AT_MS not in collector.items["10"].title


def test_event_ids_are_the_same_in_every_run(globo_file: MakeFile) -> None:
    path = globo_file([(n, n, n, f"2017-10-01 03:00:{59 - n:02d}") for n in range(50)])
    first, _skipped = read(path, GLOBO)
    second, _skipped = read(path, GLOBO)
    assert [event.event_id for event in first] == [event.event_id for event in second]
    assert len({event.event_id for event in first}) == 50


def test_logs_are_recognised_by_what_they_look_like(globo_file: MakeFile, retail_file: MakeFile, tmp_path: Path) -> None:
    taobao = tmp_path / "anything.csv"
    taobao.write_text("543462,1715,1464116,pv,1511658000\n")
    assert find_format(globo_file([(1, 1, 1, "2017-10-01")]), None) is GLOBO
    assert find_format(retail_file([("1", "22139", "TEA", 1, "2010-12-01", 1.0, 1, "EIRE")]), None) is RETAIL
    assert find_format(taobao, None) is TAOBAO


@pytest.mark.parametrize(("wanted", "said"), [("retial", "Did you mean 'retail'"), (None, "none of the logs known")])
def test_a_log_that_is_not_known_is_a_clear_error(wanted: str | None, said: str, tmp_path: Path) -> None:
    from kairos.errors import USAGE_ERROR, KairosError

    path = tmp_path / "own.csv"
    path.write_text("when,who\n1,2\n")
    with pytest.raises(KairosError, match=said) as caught:
        find_format(path, wanted)
    assert caught.value.exit_code == USAGE_ERROR
    assert "docs/replay.md" in caught.value.hint
