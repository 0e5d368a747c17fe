"""Gathers the catalogue of a log: for each item, what the first row that tells something about it tells.

The *first*, not the best or the last, so that nothing is known before its time.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from kairos.feed.items import ItemRecord
from kairos.logs.columns import LIST_SEPARATOR
from kairos.logs.order import AT_MS

_TEXTS = ("title", "summary", "currency", "creator_id", "image_url", "deep_link")
_NUMBERS = ("price", "list_price", "stock")


class ItemCollector:
    """Items by id, in the order they were first seen. Memory is bounded by the catalogue, not by the log."""

    def __init__(self) -> None:
        self.items: dict[str, ItemRecord] = {}

    def observe(self, rows: pa.RecordBatch) -> list[ItemRecord]:
        """Rows as ``LogFormat.items`` makes them, in order of time; the items that are new."""
        encoded = rows.column("item_id").dictionary_encode()
        _codes, first_rows = np.unique(encoded.indices.to_numpy(), return_index=True)
        new = [row for item_id, row in zip(encoded.dictionary.to_pylist(), first_rows.tolist(), strict=True) if item_id not in self.items]
        records = [_record(values) for values in rows.take(pa.array(new, pa.int64())).to_pylist()]
        self.items.update((record.item_id, record) for record in records)
        return records


def _record(values: Mapping[str, Any]) -> ItemRecord:
    told: dict[str, Any] = {name: (values.get(name) or "").strip() for name in _TEXTS}
    told |= {name: values.get(name) for name in _NUMBERS}
    return ItemRecord(
        item_id=values["item_id"],
        first_seen_ms=values.get(AT_MS) or 0,
        categories=_words(values.get("categories")),
        tags=_words(values.get("tags")),
        published_at_ms=values.get("published_at_ms") or 0,
        **told,
    )


def _words(joined: str | None) -> tuple[str, ...]:
    return tuple(word for each in (joined or "").split(LIST_SEPARATOR) if (word := each.strip()))
