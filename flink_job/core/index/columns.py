"""What the indexes and the scorer need of every item, as columns over rows.

A row belongs to an item for as long as it lives and is given to another one later. Columns are replaced when they grow: do not keep them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flink_job.core.index.labels import LABELS, Labels
from flink_job.core.scenarios import SCENARIOS

Rows = NDArray[np.intp]
Floats = NDArray[np.float32]

FOREVER = (1 << 63) - 1
SCENARIO_COUNT = len(SCENARIOS)

NO_ROWS: Rows = np.empty(0, np.intp)
NO_ROWS.setflags(write=False)


class Columns:
    """Growing columns; all have `capacity` entries, of which those of free rows are never visible."""

    __slots__ = ("boost", "features", "keys", "labels", "price", "published_at_ms", "scenario", "visible_from_ms", "visible_until_ms")

    def __init__(self, dim: int, capacity: int) -> None:
        self.keys: NDArray[np.uint64] = np.zeros(capacity, np.uint64)
        self.features: Floats = np.zeros((capacity, dim + 1), np.float32)
        self.labels: Labels = np.zeros((capacity, LABELS), np.int32)
        self.published_at_ms: NDArray[np.int64] = np.zeros(capacity, np.int64)
        self.scenario: NDArray[np.uint8] = np.zeros(capacity, np.uint8)
        self.price: Floats = np.zeros(capacity, np.float32)
        self.boost: Floats = np.zeros(capacity, np.float32)
        self.visible_from_ms: NDArray[np.int64] = np.full(capacity, FOREVER, np.int64)
        self.visible_until_ms: NDArray[np.int64] = np.zeros(capacity, np.int64)

    @property
    def capacity(self) -> int:
        """Rows there is room for."""
        return len(self.keys)

    def grow(self) -> None:
        """Twice the room."""
        capacity = self.capacity
        self.keys = np.concatenate((self.keys, np.zeros(capacity, np.uint64)))
        self.features = np.concatenate((self.features, np.zeros_like(self.features)))
        self.scenario = np.concatenate((self.scenario, np.zeros(capacity, np.uint8)))
        self.price = np.concatenate((self.price, np.zeros(capacity, np.float32)))
        self.boost = np.concatenate((self.boost, np.zeros(capacity, np.float32)))
        self.labels = np.concatenate((self.labels, np.zeros_like(self.labels)))
        self.published_at_ms = np.concatenate((self.published_at_ms, np.zeros(capacity, np.int64)))
        self.visible_from_ms = np.concatenate((self.visible_from_ms, np.full(capacity, FOREVER, np.int64)))
        self.visible_until_ms = np.concatenate((self.visible_until_ms, np.zeros(capacity, np.int64)))

    def hide(self, row: int) -> None:
        """The row is free, or its item is sold out."""
        self.visible_from_ms[row] = FOREVER
        self.visible_until_ms[row] = 0
