"""A user's own log: what the mapping file says is done, and what is wrong in it is said."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from kairos.errors import USAGE_ERROR, KairosError
from kairos.feed.collect import ItemCollector
from kairos.logs.encode import SignalEncoder
from kairos.logs.events import EVENT_FIELDS
from kairos.logs.files import read_batches
from kairos.logs.log import Log
from kairos.logs.mapped import mapped_format
from kairos.logs.mapping import ContextMapping, EventMapping, ItemMapping
from kairos.logs.mapping_file import load_mapping
from kairos.logs.skipped import SkippedRows
from kairos.v1.interaction_pb2 import Interaction, InteractionType, Platform
from kairos.v1.item_pb2 import Item
from kairos.v1.signal_pb2 import Signal

EXAMPLE = Path(__file__).parents[2] / "examples" / "shop"
MINIMAL: dict[str, Any] = {
    "name": "own",
    "scenario": "shop",
    "events": {"user_id": "who", "occurred_at": "when", "type": {"constant": "view"}, "item_id": "what"},
}
Change = Callable[[dict[str, Any]], object]


def mapping_file(tmp_path: Path, change: Change = lambda mapping: None) -> Path:
    document = json.loads(json.dumps(MINIMAL))
    change(document)
    path = tmp_path / "mapping.yaml"
    path.write_text(yaml.safe_dump(document))
    return path


def replayed(log: Path, mapping: Path) -> tuple[list[Interaction], SkippedRows]:
    log_format = mapped_format(load_mapping(mapping), log, mapping.parent)
    skipped = SkippedRows()
    encoder = SignalEncoder(f"{log_format.name}-")
    with Log(log, log_format) as opened:
        parts = [log_format.events(rows, skipped) for rows in opened.rows()]
        records = [record for part in parts for record in encoder.encode(part, part.at_ms.tolist())]
        skipped.counts += opened.unreadable.counts
    return [Signal.FromString(value).interaction for _key, value in records], skipped


def test_the_example_runs_as_it_is() -> None:
    events, skipped = replayed(EXAMPLE / "events.csv", EXAMPLE / "mapping.yaml")
    assert len(events) == 60
    assert dict(skipped.counts) == {"type is not in events.type.table (action)": 1, "quantity is no number (pieces)": 1}
    first, returned = events[0], events[-1]
    assert (first.event_id, first.user_id, first.item_id) == ("example-shop-0", "c3", "G-01")
    assert first.occurred_at_ms == 1772438824000  # 09:07:04 in Berlin
    assert (first.context.country, first.context.time_zone, first.context.platform) == (
        "DE",
        "Europe/Berlin",
        Platform.PLATFORM_WEB_DESKTOP,
    )
    assert returned.type == InteractionType.INTERACTION_TYPE_RETURN
    assert (returned.quantity, returned.value, returned.currency) == (1, 6.5, "EUR")


def test_the_examples_products_are_its_catalogue() -> None:
    log_format = mapped_format(load_mapping(EXAMPLE / "mapping.yaml"), EXAMPLE / "events.csv", EXAMPLE)
    file = log_format.item_file
    assert file is not None
    collector = ItemCollector()
    for batch in read_batches(file.path, file.layout, file.columns, SkippedRows()):
        collector.observe(file.items(batch))
    cups = collector.items["M-03"]
    assert (cups.title, cups.categories, cups.price, cups.stock) == ("Glass cup, set of 4", ("Home", "Kitchen"), 14.9, 35)
    assert len(collector.items) == 12


def test_csv_parquet_and_json_lines_of_the_same_log_make_the_same_events(tmp_path: Path) -> None:
    rows = [("u1", 1_700_000_000, "a", 2, 1.5), ("u2", 1_700_000_060, "b", None, None)]
    names = ("who", "when", "what", "pieces", "price")
    (tmp_path / "log.csv").write_text(
        ",".join(names) + "\n" + "".join(",".join("" if v is None else str(v) for v in row) + "\n" for row in rows)
    )
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows]), tmp_path / "log.parquet")

    def change(mapping: dict[str, Any]) -> None:
        mapping["events"] |= {"occurred_at": {"column": "when", "unit": "s"}, "quantity": "pieces", "price": "price"}

    mapping = mapping_file(tmp_path, change)
    in_csv, in_jsonl, in_parquet = (replayed(tmp_path / f"log.{kind}", mapping)[0] for kind in ("csv", "jsonl", "parquet"))
    assert in_csv == in_jsonl == in_parquet
    assert [(event.quantity, event.value) for event in in_csv] == [(2, 3.0), (0, 0)]


def test_each_bad_row_is_counted_under_its_own_reason(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    good = "u,2020-01-01,view,a,1,0.5"
    bad = [
        ",2020-01-01,view,a,1,0.5",
        f"{'x' * 129},2020-01-01,view,a,1,0.5",
        "u,never,view,a,1,0.5",
        "u,2020-01-01,stare,a,1,0.5",
        "u,2020-01-01,view,,1,0.5",
        "u,2020-01-01,view,a,one,0.5",
        "u,2020-01-01,view,a,-1,0.5",
        "u,2020-01-01,view,a,1,7",
        "u,2020-01-01",
    ]
    log.write_text("\n".join(["who,when,how,what,pieces,stars", good, *bad, "u,2020-01-02,search,,,"]) + "\n")

    def change(mapping: dict[str, Any]) -> None:
        mapping["events"] |= {
            "type": {"column": "how", "table": {"view": "view", "search": "search"}},
            "quantity": "pieces",
            "rating": "stars",
        }

    events, skipped = replayed(log, mapping_file(tmp_path, change))
    assert [event.type for event in events] == [InteractionType.INTERACTION_TYPE_VIEW, InteractionType.INTERACTION_TYPE_SEARCH]
    assert dict(skipped.counts) == {
        "no user_id": 1,
        "user_id is longer than 128 bytes": 1,
        "no readable time in when": 1,
        "type is not in events.type.table (how)": 1,
        "no item_id": 1,
        "quantity is no number (pieces)": 1,
        "quantity is negative (pieces)": 1,
        "rating is not within 0..1 (stars)": 1,
        "2 columns instead of 6": 1,
    }


def test_lists_and_paths_become_categories(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(
        json.dumps({"who": "u", "when": "2020-01-01", "what": "a", "path": "Home > Mugs", "tags": ["red", "new"], "name": "Mug"}) + "\n"
    )

    def change(mapping: dict[str, Any]) -> None:
        mapping["items"] = {"item_id": "what", "title": "name", "categories": {"column": "path", "split": ">"}, "tags": "tags"}

    log_format = mapped_format(load_mapping(mapping_file(tmp_path, change)), log, tmp_path)
    collector = ItemCollector()
    with Log(log, log_format) as opened:
        for rows in opened.rows():
            collector.observe(log_format.items(rows))  # type: ignore[misc]
    item = collector.items["a"]
    assert (item.categories, item.tags, item.title) == (("Home", "Mugs"), ("red", "new"), "Mug")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m["events"].update(usr_id="x"), "events.usr_id: there is no such key. Did you mean 'user_id'?"),
        (lambda m: m["events"].pop("user_id"), "events.user_id: this key is required."),
        (
            lambda m: m["events"].update(context={"timezone": "x"}),
            "events.context.timezone: there is no such key. Did you mean 'time_zone'?",
        ),
        (lambda m: m.update(scenario="shops"), "scenario: input should be 'shop', 'news' or 'social', not 'shops'."),
        (lambda m: m["events"].update(type={"constant": "vew"}), "events.type.constant: 'vew' is not known. Did you mean 'view'?"),
        (lambda m: m["events"].update(type={"column": "t", "table": {"p": "buy"}}), "events.type.table.p: 'buy' is not known."),
        (
            lambda m: m["events"].update(context={"platform": {"constant": "androd"}}),
            "events.context.platform.constant: 'androd' is not known. Did you mean 'android'?",
        ),
        (lambda m: m["events"].update(currency={"column": "c", "constant": "EUR"}), "events.currency: give either column or constant."),
        (
            lambda m: m["events"].update(occurred_at={"column": "t", "zone": "Europe/Berln"}),
            "events.occurred_at.zone: 'Europe/Berln' is no IANA time zone such as Europe/Berlin.",
        ),
        (
            lambda m: m["events"].update(occurred_at={"column": "t", "unit": "sec"}),
            "events.occurred_at.unit: input should be 's', 'ms', 'us' or 'ns', not 'sec'.",
        ),
        (
            lambda m: m["events"].update(value="v", price="p"),
            "events: give either value or price, not both: value is price times quantity.",
        ),
        (lambda m: m.update(covisits={"group": "visit", "warm_up": "two days"}), "covisits.warm_up: 'two days' is no length of time"),
        (
            lambda m: m.update(covisits={"group": "v", "warm_up": "2d", "things": "categories"}),
            "covisits.things: categories needs items.categories",
        ),
        (lambda m: m.update(items={"item_id": "i", "categories": []}), "items.categories.columns:"),
        (lambda m: m.update(fiel={}), "fiel: there is no such key. Did you mean 'file'?"),
    ],
)
def test_a_mistake_in_the_mapping_names_the_key_and_what_was_meant(change: Change, said: str, tmp_path: Path) -> None:
    path = mapping_file(tmp_path, change)
    with pytest.raises(KairosError) as caught:
        load_mapping(path)
    assert f"{path}: {said}" in caught.value.message
    assert caught.value.exit_code == USAGE_ERROR
    assert "docs/replay.md" in caught.value.hint


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(KairosError) as caught:
        load_mapping(mapping_file(tmp_path, lambda m: m["events"].update(tpye="x", usr="y")))
    assert len(caught.value.message.splitlines()) == 2


@pytest.mark.parametrize(("text", "said"), [("a: [", "is no YAML"), ("- a", "has no keys"), ("", "has no keys")])
def test_a_file_that_is_no_mapping_is_a_clear_error(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(text)
    with pytest.raises(KairosError, match=said):
        load_mapping(path)
    with pytest.raises(KairosError, match="cannot be read"):
        load_mapping(tmp_path / "none.yaml")


def test_every_field_of_the_contract_can_be_mapped() -> None:
    context = {f"context.{name}" for name in ContextMapping.model_fields}
    assert (set(EventMapping.model_fields) | context) - {
        "user_id",
        "occurred_at",
        "context",
        "attributes",
        "price",
        "negative_quantity",
    } == set(EVENT_FIELDS)
    renamed = {"path": None, "file": None, "title": "texts", "summary": "texts", "published_at": "published_at_ms"}
    fields = {renamed.get(name, name) for name in ItemMapping.model_fields} - {None}
    assert fields <= {field.name for field in Item.DESCRIPTOR.fields}


def test_the_mapping_that_the_manual_shows_is_valid(tmp_path: Path) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "replay.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```yaml\n(.*?)^```", manual, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    path = tmp_path / "manual.yaml"
    path.write_text("\n".join(blocks))
    mapping = load_mapping(path)
    assert mapping.items is not None
    assert mapping.covisits is not None
    assert mapping.covisits.warm_up == 7 * 24 * 3_600_000
