"""What can be found at a moment, and finding it at random: live items by category, the attractive ones more often."""

import numpy as np
from numpy.typing import NDArray

from kairos.world.behaviour import Behaviour
from kairos.world.catalogue import Catalogue
from kairos.world.memory import Ints
from kairos.world.values import Scenario
from kairos.world.words import CATEGORIES

_N = len(CATEGORIES)


class Shelf:
    """A snapshot; made anew every tick. ``weight`` is (n_categories,): how much there is of each."""

    def __init__(self, catalogue: Catalogue, behaviour: Behaviour, at_ms: int) -> None:
        rows = catalogue.live(at_ms)
        rows = rows[~catalogue.sold_out[rows] & (catalogue.stock[rows] != 0)]
        self._rows = rows[np.argsort(catalogue.category[rows], kind="stable")]
        weights = catalogue.attraction[self._rows] * _freshness(catalogue, behaviour, self._rows, at_ms)
        self._cumulative = np.concatenate([[0.0], np.cumsum(weights)])
        self._bounds = np.searchsorted(catalogue.category[self._rows], np.arange(_N + 1))
        totals = self._cumulative[self._bounds]
        self.weight: NDArray[np.float64] = np.diff(totals)

    def find(self, categories: Ints, luck: NDArray[np.float64]) -> Ints:
        """Rows of items of these categories, by attraction; -1 where the category is empty. ``luck`` is uniform in [0, 1)."""
        return self._between(self._bounds[categories], self._bounds[categories + 1], luck)

    def trending(self, scenario: Scenario, luck: NDArray[np.float64]) -> Ints:
        """Rows of items of the scenario, by attraction."""
        among = [index for index in range(_N) if CATEGORIES[index].scenario == scenario]
        first = np.full(luck.shape, self._bounds[among[0]])
        return self._between(first, np.full(luck.shape, self._bounds[among[-1] + 1]), luck)

    def _between(self, first: Ints, end: Ints, luck: NDArray[np.float64]) -> Ints:
        if not len(self._rows):
            return np.full(luck.shape, -1, np.int64)
        low, high = self._cumulative[first], self._cumulative[end]
        place = np.searchsorted(self._cumulative, low + luck * (high - low), side="right") - 1
        rows: Ints = self._rows[np.clip(np.clip(place, first, end - 1), 0, len(self._rows) - 1)]
        return np.where(end > first, rows, -1)


def _freshness(catalogue: Catalogue, behaviour: Behaviour, rows: Ints, at_ms: int) -> NDArray[np.float64]:
    fresh = np.ones(len(rows))
    age = catalogue.age_ms(rows, np.full(len(rows), at_ms))
    for scenario, pushed in behaviour.pushed.items():
        if pushed.stale_after_ms:
            mine = catalogue.scenario[rows] == scenario
            fresh[mine] = 0.5 ** (age[mine] / pushed.stale_after_ms)
    return fresh
