"""Decayed outcomes of items, categories and all, as columns; and the smoothed rates that are made of them.

Columns hold counts relative to a landmark L, `R = count · 2^((t − L) / h)`, so that taking in an item is one addition, whatever its time, and
fading is one factor for all of them when they are read. The landmark moves before they could outgrow a double.

The rate of an item with few pushes leans on its category, that on all, and that on the prior, by Metarank's normalised rate

    rate(opened, sent | p) = (w + opened) / (w / p + sent)

which is p for what was never sent, and worth w opens of evidence (Metarank's documentation, "rate"). P(convert | open) likewise, with opens as the
denominator.

It is the mean of a Beta(w + opened, w / p − w + sent − opened), whose spread says how well it is known: `hopeful` adds some of that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flink_job.core.rules.learning import OutcomeRules

Counts = NDArray[np.float64]
"""(n, 3): sent, opened, converted."""
Probabilities = NDArray[np.float64]

_MOST_DOUBLINGS = 200
_COLUMNS = 3
_MOST_RATE = 1.0 - 1e-9
"""So that its odds are a number."""


class OutcomeCounts:
    """Counts of items by place, and their sums by category and over all. Place 0 and category 0 are nobody's and stay zero."""

    __slots__ = ("_categories", "_category_of", "_half_life_ms", "_items", "_landmark_ms", "_overall")

    def __init__(self, half_life_ms: int) -> None:
        self._half_life_ms = half_life_ms
        self._landmark_ms = 0
        self._items: Counts = np.zeros((1024, _COLUMNS))
        self._category_of: NDArray[np.intp] = np.zeros(1024, np.intp)
        self._categories: Counts = np.zeros((64, _COLUMNS))
        self._overall: Counts = np.zeros((1, _COLUMNS))

    def put(self, place: int, category: int, counts: tuple[float, float, float], at_ms: int) -> None:
        """The counts of the item at `place`, decayed to `at_ms`, are these now, and those of its category and of all change with them."""
        self._items = _with_room(self._items, place)
        self._category_of = _with_room(self._category_of, place)
        self._categories = _with_room(self._categories, category)
        measured = np.array(counts) * self._measure(at_ms)
        held = self._items[place].copy()
        _change(self._categories[self._category_of[place]], -held)
        _change(self._categories[category], measured)
        self._categories[0] = 0.0  # items without a category have nothing in common
        _change(self._overall[0], measured - held)
        self._items[place] = measured
        self._category_of[place] = category

    def at(self, places: NDArray[np.intp], categories: NDArray[np.intp], now_ms: int) -> tuple[Counts, Counts, Counts]:
        """Counts as of `now_ms`: of all, (1, 3), of these categories, (n, 3), and of the items at these places, (n, 3)."""
        left = 2.0 ** -min(max((now_ms - self._landmark_ms) / self._half_life_ms, -1000.0), 1000.0)
        return self._overall * left, self._categories.take(categories, axis=0) * left, self._items.take(places, axis=0) * left

    def _measure(self, at_ms: int) -> float:
        """Factor from counts as of `at_ms` to the columns' measure."""
        doublings = (at_ms - self._landmark_ms) / self._half_life_ms
        if doublings > _MOST_DOUBLINGS:
            left = 2.0 ** -min(doublings, 1000.0)
            self._items *= left
            self._categories *= left
            self._overall *= left
            self._landmark_ms = at_ms
            return 1.0
        measure: float = 2.0 ** max(doublings, -1000.0)
        return measure


def _with_room(values: NDArray[Any], place: int) -> NDArray[Any]:
    while place >= len(values):
        values = np.concatenate((values, np.zeros_like(values)))
    return values


def _change(counts: Counts, by: Counts) -> None:
    """Add in place; what rounding leaves below 0 is 0."""
    np.maximum(counts + by, 0.0, out=counts)


def smoothed(rules: OutcomeRules, overall: Counts, categories: Counts, items: Counts) -> tuple[Probabilities, Probabilities]:
    """P(open) and P(convert | open) of each item, (n,), from counts of all, (1, 3), of its category, (n, 3), and of itself, (n, 3).

    P(open) is the hopeful one where there is a bonus. P(convert | open) is not: an item has so few opens that all are about as little known.

    Worked example, w = 5 and a prior of 0.05: 100 pushes of all with 5 opens give (5 + 5) / (100 + 100) = 0.05; 20 of the category with 4 give
    (5 + 4) / (100 + 20) = 0.075; 10 of the item with 2 give (5 + 2) / (66.7 + 10) = 0.0913.
    """
    p_open = np.full(1, rules.prior_open)
    p_convert = np.full(1, rules.prior_convert)
    for counts in (overall, categories, items):
        sent, opened, converted = counts.T
        p_open = normalised_rate(opened, sent, p_open, rules.prior_weight)
        p_convert = normalised_rate(converted, opened, p_convert, rules.prior_weight)
    if rules.open_bonus:
        p_open = hopeful(rules.open_bonus, p_open, items[:, 1], rules.prior_weight)
    return p_open, p_convert


def hopeful(bonus: float, rate: Probabilities, hits: Probabilities, weight: float) -> Probabilities:
    """The rate and `bonus` standard deviations of the Beta that it is the mean of, below 1, (n,): more for what is little known.

    `rate + bonus · √(rate · (1 − rate) / (a + b + 1))` with `a + b = (weight + hits) / rate`, the variance of a Beta(a, b): the upper confidence
    bound of Bayes-UCB (Kaufmann, Cappé and Garivier, AISTATS 2012) with the quantile of a normal distribution.

    Worked example, bonus 1 and w = 5: a rate of 0.04 of what was never sent is 0.04 + √(0.0384 / 126) = 0.0575; of 1,000 pushes with 40 opens
    0.04 + √(0.0384 / 1126) = 0.0458.
    """
    spread = np.sqrt(rate * (1.0 - rate) / ((weight + hits) / rate + 1.0))
    above: Probabilities = rate + bonus * spread
    return np.minimum(above, _MOST_RATE, out=above)


def normalised_rate(hits: Probabilities, tries: Probabilities, prior: Probabilities, weight: float) -> Probabilities:
    """`(w + hits) / (w / prior + tries)`, at most 1, (n,); `prior` > 0."""
    rate: Probabilities = (weight + hits) / (weight / prior + tries)
    return np.minimum(rate, 1.0, out=rate)
