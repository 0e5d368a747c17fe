"""Items and catalogues for the tests of the catalogue."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flink_job.core.catalogue import Catalogue
from flink_job.core.catalogue_item import CatalogueItem
from flink_job.core.ids import key_of

MONDAY_0930 = 1_767_605_400_000
HOUR_MS = 3_600_000

_PLAIN = CatalogueItem(
    item_id="",
    key=0,
    updated_at_ms=MONDAY_0930,
    features=None,
    categories=(),
    price=float("nan"),
    stock=None,
    valid_from_ms=0,
    valid_until_ms=0,
    published_at_ms=MONDAY_0930,
    creator_id="",
    countries=frozenset(),
    languages=frozenset(),
    min_age=0,
    sensitivities=frozenset(),
    consumable=False,
    boost=0.0,
    payload=b"",
)


def item(item_id: str, **changes: object) -> CatalogueItem:
    """A plain item, changed."""
    named: dict[str, Any] = {"item_id": item_id, "key": key_of(item_id), **changes}
    return replace(_PLAIN, **named)


def unit(vector: Iterable[float]) -> NDArray[np.float32]:
    """The vector at length 1, float32."""
    wide = np.array(list(vector), np.float64)
    return np.asarray(wide / np.linalg.norm(wide), np.float32)


def units(count: int, dim: int, seed: int = 7) -> NDArray[np.float32]:
    """Random directions, (count, dim) float32."""
    wide = np.random.default_rng(seed).normal(size=(count, dim))
    return np.asarray(wide / np.linalg.norm(wide, axis=1, keepdims=True), np.float32)


def ids(catalogue: Catalogue, rows: NDArray[np.intp]) -> list[str]:
    """The items in these rows."""
    return [catalogue.item(int(row)).item_id for row in rows]
