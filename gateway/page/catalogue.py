"""The catalogue as the page shows it, kept up from the topic of items.

>>> catalogue = Catalogue()
>>> item = Item(item_id="mug-7", scenario=SCENARIO_SHOP, categories=["kitchen", "tableware"], price=9.9, currency="EUR")
>>> catalogue.put("mug-7", item)
>>> [shown["id"] for shown in catalogue.some("shop", now_ms=0, most=10)]
['mug-7']
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kairos.v1.item_pb2 import SCENARIO_NEWS, SCENARIO_SHOP, SCENARIO_SOCIAL, Item

SCENARIOS = {"shop": SCENARIO_SHOP, "news": SCENARIO_NEWS, "social": SCENARIO_SOCIAL}
_NAMES = {number: name for name, number in SCENARIOS.items()}

_FLOAT_BYTES = 4

Floats = NDArray[np.float32]


@dataclass(slots=True)
class _Kind:
    """Items of one category: how many have features, and the sum of these, (dim,)."""

    features: Floats
    items: int = 0


class Catalogue:
    """Item id → item, in the order of publication. As large as the catalogue."""

    def __init__(self) -> None:
        self._items: dict[str, Item] = {}
        self._kinds: dict[tuple[int, tuple[str, ...]], _Kind] = {}

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item_id: str, item: Item | None) -> None:
        """None, or one that is deleted: it is gone."""
        former = self._items.get(item_id)
        if former is not None:
            self._count(former, -1)
        if item is None or item.deleted:
            self._items.pop(item_id, None)
            return
        self._count(item, 1)
        self._items[item_id] = item

    def get(self, item_id: str) -> Item | None:
        """None: not known, or not any more."""
        return self._items.get(item_id)

    def shown(self, item_id: str) -> dict[str, Any]:
        """One item for the page; of an unknown one its id alone."""
        item = self._items.get(item_id)
        return as_json(item) if item is not None else {"id": item_id, "title": item_id, "scenario": "", "categories": []}

    def kinds(self) -> list[tuple[int, tuple[str, ...], Floats]]:
        """Each scenario's most specific categories that have items with features, and the mean of these, (dim,)."""
        return [(scenario, path, kind.features / np.float32(kind.items)) for (scenario, path), kind in self._kinds.items() if kind.items]

    def categories(self, scenario: str) -> list[str]:
        """The most general ones of a scenario, in alphabetical order."""
        number = SCENARIOS[scenario]
        return sorted({item.categories[0] for item in self._items.values() if item.scenario == number and item.categories})

    def some(self, scenario: str, now_ms: int, most: int, category: str = "") -> list[dict[str, Any]]:
        """What can be had now, the newest of each most specific category in turn; `category`: of this most general one alone."""
        number = SCENARIOS[scenario]
        by_category: dict[str, list[Item]] = {}
        for item in reversed(self._items.values()):
            if item.scenario == number and _can_be_had(item, now_ms) and (not category or category in item.categories[:1]):
                by_category.setdefault("/".join(item.categories), []).append(item)
        found: list[dict[str, Any]] = []
        for place in range(max(map(len, by_category.values()), default=0)):
            found += [as_json(items[place]) for items in by_category.values() if place < len(items)]
            if len(found) >= most:
                break
        return found[:most]

    def _count(self, item: Item, times: int) -> None:
        """`times`: 1 takes its features in, -1 out again."""
        if not item.categories or not item.features or len(item.features) % _FLOAT_BYTES:
            return
        features = np.frombuffer(item.features, "<f4").astype(np.float32)
        kind = self._kinds.setdefault((item.scenario, tuple(item.categories)), _Kind(np.zeros_like(features)))
        if features.shape == kind.features.shape:
            kind.features += np.float32(times) * features
            kind.items += times


def as_json(item: Item) -> dict[str, Any]:
    """One item for the page."""
    text = item.texts[""] if "" in item.texts else item.texts[min(item.texts)] if item.texts else None
    return {
        "id": item.item_id,
        "scenario": _NAMES.get(item.scenario, ""),
        "title": (text.title if text else "") or item.item_id,
        "summary": text.summary if text else "",
        "categories": list(item.categories),
        "tags": list(item.tags),
        "price": item.price if item.HasField("price") else None,
        "listPrice": item.list_price if item.HasField("list_price") else None,
        "currency": item.currency,
        "creator": item.creator_id,
        "publishedAtMs": item.published_at_ms,
    }


def _can_be_had(item: Item, now_ms: int) -> bool:
    if item.HasField("stock") and item.stock <= 0:
        return False
    return item.valid_from_ms <= now_ms and (not item.valid_until_ms or now_ms < item.valid_until_ms)
