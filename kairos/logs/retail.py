"""UCI Online Retail: the invoices of a British gift shop, with product descriptions, prices and returns.

A line with a negative quantity (invoices that begin with "C") is a return. Lines without a customer, and lines that are no product
(postage, fees, samples, manual corrections), are left out and counted.
"""

import pyarrow as pa
import pyarrow.compute as pc

from kairos.logs.columns import as_integer, as_number, as_text, floats, is_blank, null_where, replace, text_list
from kairos.logs.countries import ISO_CODES, ONLY_ZONES
from kairos.logs.events import EventColumns
from kairos.logs.files import FileLayout
from kairos.logs.log import Covisits, LogFormat
from kairos.logs.order import AT_MS
from kairos.logs.skipped import ROW, SkippedRows
from kairos.logs.timestamps import TimeReader
from kairos.v1.interaction_pb2 import InteractionType
from kairos.v1.item_pb2 import Scenario

_CURRENCY = "GBP"
# Five digits and perhaps letters for a variant; gift sets and vouchers. Everything else is POST, D, M, BANK CHARGES, AMAZONFEE, …
_PRODUCT = r"^(\d{5}[A-Z]*|DCGS[A-Z0-9]+|GIFT_.+)$"


def _events(batch: pa.RecordBatch, skipped: SkippedRows) -> EventColumns:
    batch = skipped.drop(batch, is_blank(batch.column("CustomerID")), "no customer")
    batch = skipped.drop(batch, pc.invert(_is_product(batch)), "not a product (postage, fee, correction)")
    quantity = as_number(batch.column("Quantity"))
    batch = skipped.drop(batch, pc.fill_null(pc.equal(quantity, 0), True), "no quantity")
    price = as_number(batch.column("UnitPrice"))
    batch = skipped.drop(batch, pc.fill_null(pc.less(price, 0), True), "no price")
    quantity = floats(as_number(batch.column("Quantity")))
    pieces = abs(quantity)
    country = as_text(batch.column("Country"))
    returned, bought = int(InteractionType.INTERACTION_TYPE_RETURN), int(InteractionType.INTERACTION_TYPE_PURCHASE)
    return EventColumns(
        rows=batch.column(ROW).to_numpy(),
        at_ms=batch.column(AT_MS).to_numpy(),
        user_id=text_list(batch.column("CustomerID")),
        fields={
            "type": [returned if negative else bought for negative in (quantity < 0).tolist()],
            "item_id": text_list(_product_code(batch)),
            "quantity": pieces.tolist(),
            "value": (pieces * floats(as_number(batch.column("UnitPrice")))).round(2).tolist(),
            "currency": _CURRENCY,
            "order_id": text_list(batch.column("InvoiceNo")),
            "context.country": text_list(replace(country, ISO_CODES, "")),
            "context.time_zone": text_list(replace(country, ONLY_ZONES, "")),
        },
    )


def _items(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Only from lines with a price: the others' descriptions are the warehouse's notes ("damaged", "found", "?")."""
    price = as_number(batch.column("UnitPrice"))
    title = pc.utf8_trim_whitespace(as_text(batch.column("Description")))
    currency = pa.repeat(_CURRENCY, batch.num_rows)
    known = pa.RecordBatch.from_arrays(
        [_product_code(batch), batch.column(AT_MS), title, price, currency], names=["item_id", AT_MS, "title", "price", "currency"]
    )
    usable = pc.and_(pc.and_(_is_product(batch), pc.greater(price, 0)), pc.invert(is_blank(title)))
    return known.filter(pc.fill_null(usable, False))


def _visits(batch: pa.RecordBatch) -> tuple[pa.Array, pa.Array]:
    bought = pc.fill_null(pc.greater(as_integer(batch.column("Quantity")), 0), False)
    products = null_where(_product_code(batch), pc.invert(pc.and_(_is_product(batch), bought)))
    return as_text(batch.column("InvoiceNo")), products


def _product_code(batch: pa.RecordBatch) -> pa.Array:
    """In capitals: some invoices write 85123a for 85123A."""
    return pc.utf8_upper(pc.utf8_trim_whitespace(as_text(batch.column("StockCode"))))


def _is_product(batch: pa.RecordBatch) -> pa.Array:
    return pc.fill_null(pc.match_substring_regex(_product_code(batch), _PRODUCT), False)


RETAIL = LogFormat(
    name="retail",
    title="UCI Online Retail",
    scenario=int(Scenario.SCENARIO_SHOP),
    layout=FileLayout("parquet"),
    columns=("InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"),
    time_column="InvoiceDate",
    time=TimeReader(zone="Europe/London"),
    in_order=True,
    events=_events,
    items=_items,
    # The descriptions do; co-visits only if a warm-up is asked for.
    covisits=Covisits(_visits, "items", warm_up_ms=0, refresh_ms=0),
)
