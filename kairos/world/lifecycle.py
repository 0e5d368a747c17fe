"""What happens to items: they appear, become cheaper and dearer, sell out, come back, and go.

A queue of things to happen, in life time. Whoever advances it gets the changes, oldest first.
"""

import heapq
from enum import IntEnum

import numpy as np

from kairos.world.behaviour import DAY_MS, HOUR_MS
from kairos.world.catalogue import UNLIMITED, Catalogue
from kairos.world.draws import stream
from kairos.world.latent import CREATORS_PER_CATEGORY, categories_of
from kairos.world.memory import Ints
from kairos.world.values import ItemChange, Scenario, Urgency
from kairos.world.words import CATEGORIES

_STREAM = 4
_LIVES_MS = {  # shortest and longest life
    Scenario.SHOP: (28 * DAY_MS, 84 * DAY_MS),
    Scenario.NEWS: (36 * HOUR_MS, 60 * HOUR_MS),
    Scenario.SOCIAL: (24 * HOUR_MS, 24 * HOUR_MS),
}
_ATTRACTION_SPREAD = {Scenario.SHOP: 1.3, Scenario.NEWS: 1.8, Scenario.SOCIAL: 1.5}
_PROMOTION_EVERY_MS = 42 * DAY_MS  # mean wait of one item
_FEW = 5  # from here on every sale is told
_RESTOCKED = 0.8
_BREAKING, _HIGH = 0.02, 0.08


class _Next(IntEnum):
    PUBLISH = 0
    RETIRE = 1
    PROMOTE = 2
    PROMOTION_ENDS = 3
    SOLD = 4
    RESTOCK = 5


class Lifecycle:
    """``sizes``: how many live items of each scenario there are, on average."""

    def __init__(self, seed: int, catalogue: Catalogue, sizes: dict[Scenario, int], start_ms: int) -> None:
        self._rng = stream(seed, _STREAM)
        self._catalogue = catalogue
        self._queue: list[tuple[int, int, _Next, int]] = []
        self._number = 0
        self._every_ms = {scenario: float(np.mean(_LIVES_MS[scenario])) / size for scenario, size in sizes.items() if size}
        for scenario, size in sizes.items():
            for _ in range(size):
                self._publish(scenario, start_ms, aged=True)
            if size:
                self._schedule(start_ms + self._wait(self._every_ms[scenario]), _Next.PUBLISH, int(scenario))

    def advance(self, until_ms: int) -> list[ItemChange]:
        """Lets happen what is due at or before ``until_ms``."""
        changes: list[ItemChange] = []
        while self._queue and self._queue[0][0] <= until_ms:
            at_ms, _, what, about = heapq.heappop(self._queue)
            change = self._happen(what, about, at_ms)
            if change is not None:
                changes.append(change)
        return changes

    def sell(self, rows: Ints, quantities: Ints, at_ms: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Takes pieces from stock in order of time; False where there are not enough left."""
        sold = np.zeros(len(rows), bool)
        stock, last = self._catalogue.stock, self._catalogue.last_sale_ms
        for sale in np.argsort(at_ms, kind="stable").tolist():
            row, quantity = int(rows[sale]), int(quantities[sale])
            if stock[row] == UNLIMITED:
                sold[sale] = True
            elif stock[row] >= quantity and not self._catalogue.sold_out[row]:
                sold[sale] = True
                stock[row] -= quantity
                last[row] = max(last[row], at_ms[sale])
                if stock[row] <= _FEW:
                    self._schedule(int(last[row]), _Next.SOLD, row)
        return sold

    def _happen(self, what: _Next, about: int, at_ms: int) -> ItemChange | None:
        catalogue = self._catalogue
        if what is _Next.PUBLISH:
            scenario = Scenario(about)
            self._schedule(at_ms + self._wait(self._every_ms[scenario]), _Next.PUBLISH, about)
            return catalogue.change(self._publish(scenario, at_ms, aged=False), at_ms)
        if catalogue.gone[about]:
            return None
        if what is _Next.RETIRE:
            catalogue.gone[about] = True
        elif what is _Next.PROMOTE:
            catalogue.price[about] = round(catalogue.list_price[about] * self._rng.uniform(0.6, 0.9), 2)
            self._schedule(at_ms + int(self._rng.uniform(3, 7) * DAY_MS), _Next.PROMOTION_ENDS, about)
        elif what is _Next.PROMOTION_ENDS:
            catalogue.price[about] = catalogue.list_price[about]
            self._schedule(at_ms + self._wait(_PROMOTION_EVERY_MS), _Next.PROMOTE, about)
        elif what is _Next.SOLD:
            last_piece = catalogue.stock[about] == 0 and at_ms >= catalogue.last_sale_ms[about]
            if last_piece and not catalogue.sold_out[about]:
                catalogue.sold_out[about] = True
                comes_back = self._rng.random() < _RESTOCKED
                self._schedule(at_ms + int(self._rng.uniform(1, 7) * DAY_MS), _Next.RESTOCK if comes_back else _Next.RETIRE, about)
        elif what is _Next.RESTOCK:
            catalogue.stock[about], catalogue.sold_out[about] = self._rng.integers(5, 60), False
        return catalogue.change(about, at_ms)

    def _publish(self, scenario: Scenario, now_ms: int, *, aged: bool) -> int:
        """A new item; ``aged``: somewhere in its life already, for the catalogue one starts with."""
        rng, catalogue = self._rng, self._catalogue
        among = categories_of(scenario)
        category = int(among[int(rng.integers(len(among)))])
        kind = CATEGORIES[category]
        creator = category * CREATORS_PER_CATEGORY + int(rng.integers(CREATORS_PER_CATEGORY))
        row = catalogue.add(category, int(rng.integers(len(kind.nouns))), int(rng.integers(len(kind.styles))), creator, rng)
        life_ms = int(rng.uniform(*_LIVES_MS[scenario]))
        published = now_ms - (int(rng.random() * life_ms) if aged else 0)
        catalogue.published_ms[row] = published
        catalogue.attraction[row] = np.exp(_ATTRACTION_SPREAD[scenario] * rng.normal())
        catalogue.urgency[row] = self._urgency(scenario, row)
        ends = published + life_ms
        if scenario == Scenario.SHOP:  # a shop does not know how long it will sell a thing
            self._offer(row, kind.typical_price, now_ms)
        else:
            catalogue.ends_ms[row] = ends
        self._schedule(ends, _Next.RETIRE, row)
        newest = catalogue.newest_of[creator]
        if newest < 0 or catalogue.published_ms[newest] <= published:
            catalogue.newest_of[creator] = row
        return row

    def _offer(self, row: int, typical_price: float, now_ms: int) -> None:
        rng, catalogue = self._rng, self._catalogue
        price = max(1.0, round(typical_price * float(np.exp(0.45 * rng.normal())))) - 0.05
        catalogue.price[row] = catalogue.list_price[row] = price
        few = rng.random() < 0.2
        catalogue.stock[row] = int(rng.integers(1, 6)) if few else int(rng.integers(20, 200))
        self._schedule(now_ms + self._wait(_PROMOTION_EVERY_MS), _Next.PROMOTE, row)

    def _urgency(self, scenario: Scenario, row: int) -> Urgency:
        if scenario == Scenario.SHOP:
            return Urgency.NORMAL
        luck = self._rng.random()
        if scenario == Scenario.NEWS and luck < _BREAKING:
            self._catalogue.attraction[row] *= 5
            return Urgency.BREAKING
        return Urgency.HIGH if luck < _BREAKING + _HIGH else Urgency.NORMAL

    def _wait(self, mean_ms: float) -> int:
        return max(1, int(self._rng.exponential(mean_ms)))

    def _schedule(self, at_ms: int, what: _Next, about: int) -> None:
        self._number += 1
        heapq.heappush(self._queue, (at_ms, self._number, what, about))
