"""The items, as columns: what they are, what they cost, how many are left, how long they live.

One row an item, in the order of publication; rows are never used again, so a row number names an item for good. ``lifecycle``
changes the rows as time goes by, ``Shelf`` is what can be found at a moment.
"""

import numpy as np
from numpy.typing import NDArray

from kairos.world.latent import CREATORS_PER_CATEGORY, DIM, LatentSpace, Vectors, creator_name
from kairos.world.memory import Ints
from kairos.world.pace import Pace
from kairos.world.texts import write
from kairos.world.values import NEVER_MS, ItemChange, Scenario, Urgency
from kairos.world.words import CATEGORIES

UNLIMITED = -1


class Catalogue:
    """All items that ever were. Only the world's own modules write here."""

    def __init__(self, space: LatentSpace, pace: Pace) -> None:
        self._space, self._pace = space, pace
        self.n = 0
        self.ids: list[str] = []
        self.titles: list[str] = []
        self.summaries: list[str] = []
        self.row_of: dict[str, int] = {}
        self.newest_of = np.full(len(CATEGORIES) * CREATORS_PER_CATEGORY, -1, np.int64)  # by creator
        self._numbers: dict[tuple[int, int, int], int] = {}
        capacity = 1024
        self.scenario = np.zeros(capacity, np.int8)
        self.category = np.zeros(capacity, np.int16)
        self.style = np.zeros(capacity, np.int8)
        self.creator = np.zeros(capacity, np.int32)
        self.vector: Vectors = np.zeros((capacity, DIM), np.float32)
        self.price = np.zeros(capacity)
        self.list_price = np.zeros(capacity)
        self.stock = np.zeros(capacity, np.int64)
        self.sold_out = np.zeros(capacity, bool)
        self.attraction = np.zeros(capacity)
        self.urgency = np.zeros(capacity, np.int8)
        self.published_ms = np.zeros(capacity, np.int64)
        self.ends_ms = np.zeros(capacity, np.int64)
        self.gone = np.zeros(capacity, bool)
        self.last_sale_ms = np.zeros(capacity, np.int64)

    def add(self, category: int, noun: int, style: int, creator: int, rng: np.random.Generator) -> int:
        """A new row with its texts and its place in the latent space; the caller fills in the rest."""
        if self.n == len(self.scenario):
            self._grow()
        row = self.n
        kind = CATEGORIES[category]
        number = self._numbers.get((category, noun, style), 0) + 1
        self._numbers[category, noun, style] = number
        title, summary = write(kind, noun, style, number)
        item_id = f"{kind.scenario.name.lower()}-{row:07d}"
        self.ids.append(item_id)
        self.titles.append(title)
        self.summaries.append(summary)
        self.row_of[item_id] = row
        self.scenario[row], self.category[row], self.style[row], self.creator[row] = kind.scenario, category, style, creator
        self.vector[row] = self._space.item(category, style, rng)
        self.stock[row], self.ends_ms[row] = UNLIMITED, NEVER_MS
        self.n += 1
        return row

    def change(self, row: int, at_ms: int) -> ItemChange:
        """The item as it stands, as a record for the outside, at this moment of life."""
        kind = CATEGORIES[self.category[row]]
        shop = kind.scenario == Scenario.SHOP
        civil = self._pace.civil
        cheaper = self.price[row] < self.list_price[row]
        return ItemChange(
            item_id=self.ids[row],
            updated_at_ms=civil(at_ms),
            deleted=bool(self.gone[row]),
            scenario=kind.scenario,
            categories=kind.path,
            tags=(kind.styles[self.style[row]].lower(),),
            title=self.titles[row],
            summary=self.summaries[row],
            price=float(self.price[row]) if shop else None,
            list_price=float(self.list_price[row]) if shop and cheaper else None,
            stock=self._told_stock(row) if shop else None,
            valid_from_ms=civil(int(self.published_ms[row])),
            valid_until_ms=0 if shop else civil(int(self.ends_ms[row])),
            published_at_ms=civil(int(self.published_ms[row])),
            creator_id=creator_name(int(self.creator[row])),
            urgency=Urgency(int(self.urgency[row])),
            consumable=kind.consumable,
            replenish_after_ms=int(REPLENISH_MS / self._pace.factor) if kind.consumable else 0,
        )

    def live(self, at_ms: int) -> Ints:
        """Rows of what is published and not over."""
        rows: Ints = np.nonzero(~self.gone[: self.n] & (self.published_ms[: self.n] <= at_ms) & (self.ends_ms[: self.n] > at_ms))[0]
        return rows

    def discount(self, rows: Ints) -> NDArray[np.float64]:
        """How much cheaper than usual, 0..1."""
        usual = self.list_price[rows]
        reduced: NDArray[np.float64] = np.where(usual > 0, 1 - self.price[rows] / np.maximum(usual, 0.01), 0.0)
        return np.maximum(reduced, 0)

    def dearness(self, rows: Ints) -> NDArray[np.float64]:
        """Log of the price over what such things usually cost; 0 for what is not for sale."""
        typical = _TYPICAL_PRICE[self.category[rows]]
        ratio: NDArray[np.float64] = np.where(typical > 0, np.maximum(self.price[rows], 0.01) / np.maximum(typical, 0.01), 1.0)
        return np.log(ratio)

    def durable(self, rows: Ints) -> NDArray[np.bool_]:
        """One does not buy it twice."""
        flags: NDArray[np.bool_] = _DURABLE[self.category[rows]]
        return flags

    def age_ms(self, rows: Ints, at_ms: Ints) -> Ints:
        """How long ago they were published; 0 for what is still to come."""
        return np.maximum(at_ms - self.published_ms[rows], 0)

    def _told_stock(self, row: int) -> int:
        """Sold out is told when it happens, not when the world has reckoned it."""
        return 0 if self.sold_out[row] else max(1, int(self.stock[row]))

    def _grow(self) -> None:
        for name, column in vars(self).items():
            if isinstance(column, np.ndarray) and name != "newest_of":
                setattr(self, name, np.concatenate([column, np.zeros_like(column)]))


REPLENISH_MS = 28 * 24 * 3_600_000
_TYPICAL_PRICE = np.array([category.typical_price for category in CATEGORIES])
_DURABLE = np.array([category.scenario == Scenario.SHOP and not category.consumable for category in CATEGORIES])
