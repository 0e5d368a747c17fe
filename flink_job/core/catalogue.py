"""The catalogue: live items, dense in memory, found by category, recency and nearness without a scan.

Who calls it: the policy, for every event; the operator, with every broadcast item and, after a restore, with all of them in any order.
Whatever is asked, the answer depends on the live items and the arguments only (see `flink_job.core.index`), so a run that crashed and was
restored decides as one that was not. Indexes are made at the first question: filling a new catalogue costs no index work per item.

Not thread-safe. Rows are good until the next change.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flink_job.core.catalogue_item import CatalogueItem
from flink_job.core.index.codes import MOST_DIMENSIONS, Codes, codes_of
from flink_job.core.index.columns import FOREVER, SCENARIO_COUNT, Columns, Floats, Rows
from flink_job.core.index.indexes import Indexes
from flink_job.core.index.labels import Labels, label
from flink_job.core.tombstones import Tombstones

_FIRST_CAPACITY = 1024
_EARLIEST_MS, _LATEST_MS = -(1 << 62), 1 << 62


class Catalogue:
    """Items by row, with `version` counting accepted changes.

    `features` has one column more than F_i has: 1 for an item with features, so that a sum over items carries its mass, and 0 for one without.
    """

    def __init__(self, feature_dim: int, *, look_at: int = 400, tombstones: int = 100_000) -> None:
        """`look_at`: items that `near` compares at least. `tombstones`: removals remembered, the latest ones."""
        if not 1 <= feature_dim <= MOST_DIMENSIONS:
            raise ValueError(f"feature_dim is {feature_dim}, it must be in 1..{MOST_DIMENSIONS}")
        self.version = 0
        self._dim = feature_dim
        self._columns = Columns(feature_dim, _FIRST_CAPACITY)
        self._items: list[CatalogueItem | None] = [None] * _FIRST_CAPACITY
        self._free = list(range(_FIRST_CAPACITY - 1, -1, -1))
        self._row_of: dict[str, int] = {}
        self._row_of_key: dict[int, int] = {}
        self._look_at = look_at
        self._indexes: Indexes | None = None
        self._tombstones = Tombstones(tombstones)

    def __len__(self) -> int:
        return len(self._row_of)

    @property
    def keys(self) -> NDArray[np.uint64]:
        """Item keys by row, (capacity,); meaningless for free rows."""
        return self._columns.keys

    @property
    def features(self) -> Floats:
        """Features by row, (capacity, dim + 1)."""
        return self._columns.features

    @property
    def labels(self) -> Labels:
        """Labels of category, top category and creator by row, (capacity, 3); meaningless for free rows."""
        return self._columns.labels

    def upsert(self, item: CatalogueItem) -> bool:
        """Take in a version of an item; False if an equal or newer one is held, or was removed. Raises ValueError for unusable features."""
        row = self._row_of.get(item.item_id, -1)
        if row >= 0:
            held = self._items[row]
            if held is not None and held.updated_at_ms >= item.updated_at_ms:
                return False
        elif self._tombstones.covers(item.item_id, item.updated_at_ms):
            return False
        features = item.features
        if features is not None and not (features.shape == (self._dim,) and isfinite(features.dot(features))):
            raise ValueError(f"item {item.item_id!r}: features must be {self._dim} finite numbers")
        if row < 0:
            row = self._new_row(item)
        self._write(row, item)
        self._tombstones.forget(item.item_id)
        self.version += 1
        return True

    def remove(self, item_id: str, updated_at_ms: int) -> bool:
        """Take out an item as of `updated_at_ms`; False if it is not there or a newer version is held. Older versions that come later are ignored."""
        row = self._row_of.get(item_id, -1)
        if row < 0:
            self._tombstones.remember(item_id, updated_at_ms)
            return False
        held = self.item(row)
        if held.updated_at_ms > updated_at_ms:
            return False
        self._tombstones.remember(item_id, updated_at_ms)
        if self._indexes is not None:
            self._indexes.remove(row)
        self._columns.hide(row)
        self._columns.features[row] = 0.0
        self._items[row] = None
        self._free.append(row)
        del self._row_of[item_id], self._row_of_key[held.key]
        self.version += 1
        return True

    def ids(self) -> list[str]:
        """Ids of all items, in no particular order."""
        return list(self._row_of)

    def row_of(self, item_id: str) -> int:
        """The row of an item; -1 if it is not there."""
        return self._row_of.get(item_id, -1)

    def row_of_key(self, key: int) -> int:
        """The row of the item with this key; -1 if it is not there."""
        return self._row_of_key.get(key, -1)

    def key_of_row(self, row: int) -> int:
        """The key of the item in a row. Raises KeyError for a free row."""
        return self.item(row).key

    def item(self, row: int) -> CatalogueItem:
        """The item in a row. Raises KeyError for a free row."""
        item = self._items[row]
        if item is None:
            raise KeyError(f"row {row} holds no item")
        return item

    @property
    def columns(self) -> Columns:
        """What is kept of every item, by row; do not keep them, they are replaced when they grow."""
        return self._columns

    def near(self, vector: NDArray[np.floating[Any]], limit: int, now_ms: int) -> Rows:
        """Up to `limit` items, visible at `now_ms`, in about the direction of `vector`, (dim,); nearest first, equally near ones newest first."""
        return (self._indexes or self._index()).near.near(vector, limit, now_ms)

    def near_of(self, scenario: int, vector: NDArray[np.floating[Any]], limit: int, now_ms: int) -> Rows:
        """As `near`, of one scenario only: the index holds them all, so so many are asked for that an even mixture has enough of each."""
        rows = self.near(vector, max(SCENARIO_COUNT * limit, self._look_at), now_ms)
        of_it: Rows = rows[self._columns.scenario.take(rows) == scenario]
        return of_it[:limit]

    def alike(self, rows: Iterable[int], limit: int, now_ms: int) -> Rows:
        """Items visible at `now_ms` from the neighbourhoods of the items in a few `rows`: up to `limit` of each, newest first, each item once."""
        return (self._indexes or self._index()).near.alike(rows, limit, now_ms)

    def in_category(self, category: str, limit: int, now_ms: int) -> Rows:
        """The `limit` newest items of a category that are visible at `now_ms`, newest first. The array is read-only."""
        return (self._indexes or self._index()).categories.first(category, limit, now_ms)

    def fresh(self, limit: int, now_ms: int) -> Rows:
        """The `limit` newest items that are visible at `now_ms`, newest first. The array is read-only."""
        return (self._indexes or self._index()).newest.first(limit, now_ms)

    def eligible(self, rows: Rows, now_ms: int) -> NDArray[np.bool_]:
        """Which rows hold an item that is in stock and valid at `now_ms`, (n,)."""
        columns = self._columns
        return (columns.visible_from_ms.take(rows) <= now_ms) & (columns.visible_until_ms.take(rows) > now_ms)

    def score(self, rows: Rows, profile: Floats) -> Floats:
        """I_u · F_i of each row, (n,). An item's score has the same bits whatever the other rows are.

        einsum and not `@`: BLAS adds in an order that depends on how many rows there are.
        """
        features = self._columns.features.take(rows, axis=0)[:, :-1]
        scores: Floats = np.einsum("ij,j->i", features, np.ascontiguousarray(profile, np.float32))
        return scores

    def directions(self, rows: Rows) -> Codes:
        """F_i of each row as whole numbers of length `SCALE`, (n, dim), whose inner products are exact; zeros for an item without features."""
        return codes_of(self._columns.features.take(rows, axis=0)[:, :-1])[0]

    def _index(self) -> Indexes:
        listed = ((row, item.groups) for row, item in enumerate(self._items) if item is not None)
        self._indexes = Indexes(self._dim, self._columns, self._look_at, listed)
        return self._indexes

    def _new_row(self, item: CatalogueItem) -> int:
        if item.key in self._row_of_key:
            other = self.item(self._row_of_key[item.key]).item_id
            raise ValueError(f"item {item.item_id!r} has the key of item {other!r}; rename one of them")
        if not self._free:
            capacity = self._columns.capacity
            self._columns.grow()
            self._items.extend([None] * capacity)
            self._free = list(range(2 * capacity - 1, capacity - 1, -1))
        row = self._free.pop()
        self._row_of[item.item_id] = row
        self._row_of_key[item.key] = row
        return row

    def _write(self, row: int, item: CatalogueItem) -> None:
        columns, held = self._columns, self._items[row]
        same_features = held is not None and _same(held.features, item.features)
        if not same_features:
            columns.features[row, :-1] = 0.0 if item.features is None else item.features
            columns.features[row, -1] = item.features is not None
        columns.keys[row] = item.key
        columns.scenario[row] = item.scenario if 0 < item.scenario < SCENARIO_COUNT else 0
        columns.price[row] = item.price if item.price > 0 else 0.0
        columns.boost[row] = item.boost
        label(columns.labels, row, item.categories, item.creator_id)
        columns.published_at_ms[row] = min(max(item.published_at_ms, _EARLIEST_MS), _LATEST_MS)
        if item.stock is not None and item.stock <= 0:
            columns.hide(row)
        else:
            columns.visible_from_ms[row] = item.valid_from_ms
            columns.visible_until_ms[row] = item.valid_until_ms or FOREVER
        self._items[row] = item
        if self._indexes is not None:
            self._indexes.put(row, item.groups, same_features=same_features)


def _same(one: Floats | None, other: Floats | None) -> bool:
    return one is other or (one is not None and other is not None and one.tobytes() == other.tobytes())
