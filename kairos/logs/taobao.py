"""Taobao UserBehavior: views, carts, favourites and purchases with a category for each item, and no other word about it."""

import pyarrow as pa
import pyarrow.compute as pc

from kairos.logs.columns import as_text, is_blank, text_list
from kairos.logs.events import EventColumns
from kairos.logs.files import FileLayout
from kairos.logs.log import Covisits, LogFormat
from kairos.logs.order import AT_MS
from kairos.logs.skipped import ROW, SkippedRows
from kairos.logs.timestamps import TimeReader
from kairos.v1.interaction_pb2 import InteractionType
from kairos.v1.item_pb2 import Scenario

_HOUR_MS = 60 * 60 * 1000
_BEHAVIOURS = {
    "pv": InteractionType.INTERACTION_TYPE_VIEW,
    "cart": InteractionType.INTERACTION_TYPE_CART,
    "fav": InteractionType.INTERACTION_TYPE_FAVOURITE,
    "buy": InteractionType.INTERACTION_TYPE_PURCHASE,
}


def _events(batch: pa.RecordBatch, skipped: SkippedRows) -> EventColumns:
    for column in ("user", "item"):
        batch = skipped.drop(batch, is_blank(batch.column(column)), f"no {column} id")
    behaviour = batch.column("behaviour")
    batch = skipped.drop(batch, pc.invert(pc.is_in(behaviour, pa.array(list(_BEHAVIOURS)))), "behaviour is none of pv, cart, fav, buy")
    return EventColumns(
        rows=batch.column(ROW).to_numpy(),
        at_ms=batch.column(AT_MS).to_numpy(),
        user_id=text_list(batch.column("user")),
        fields={
            "type": [int(_BEHAVIOURS[word]) for word in text_list(batch.column("behaviour"))],
            "item_id": text_list(batch.column("item")),
            "context.country": "CN",
            "context.time_zone": "Asia/Shanghai",
        },
    )


def _items(batch: pa.RecordBatch) -> pa.RecordBatch:
    item_id, category = batch.column("item"), as_text(batch.column("category"))
    known = pa.RecordBatch.from_arrays([item_id, batch.column(AT_MS), category], names=["item_id", AT_MS, "categories"])
    return known.filter(pc.invert(is_blank(item_id)))


def _visits(batch: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
    return batch.column("user"), as_text(batch.column("category"))


TAOBAO = LogFormat(
    name="taobao",
    title="Taobao UserBehavior",
    scenario=int(Scenario.SCENARIO_SHOP),
    layout=FileLayout("csv", names=("user", "item", "category", "behaviour", "timestamp")),
    columns=("user", "item", "category", "behaviour", "timestamp"),
    time_column="timestamp",
    time=TimeReader(unit="s"),
    in_order=False,  # the slice is; the published file is by user
    events=_events,
    items=_items,
    # Five of six items are seen once, categories are not.
    covisits=Covisits(_visits, "categories", warm_up_ms=_HOUR_MS, refresh_ms=10 * 60 * 1000),
)
