"""What is expected of the hours of a week before a user's own counts say more, and how hours learn from each other.

**Kernel.** `K(t, k) = exp(−r² / 2σ²) · w(d)`: how much one push in slot k counts as evidence about slot t. The distance is laid around the clock:
the nearest whole number of days d and the hours r left over, |r| ≤ 12, so Sunday 23:00 and Monday 00:00 are neighbours of the same night.
`w` is 1 for d = 0, `other_day` if both slots are on weekdays or both on the weekend, else `other_kind_of_day`. `K(t, t) = 1` and nothing is
more: a push is worth one push in its own hour, and less in any other.

**Prior.** Empirical Bayes in stages, each the prior of the next: the overall rate → the slot's neighbours → the slot itself, of the population and
then of the user's segment; `rate = (κ · before + Σ opens) / (κ + Σ sends)`. With few counts all hours are alike, with many each speaks for itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from flink_job.core.rules.send_time import SendTimeRules

Week = NDArray[np.float32]

SLOTS = 168
_LEAST_RATE, _MOST_RATE = 1e-6, 1.0 - 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class SlotPrior:
    """What is expected of anybody, by slot."""

    rates: Week
    """(2, 168): CTR, opens of sends; CVR, conversions of opens."""
    mean: Week
    """(2, 1): of these over the week."""

    @property
    def ctr(self) -> Week:
        """(168,)."""
        ctr: Week = self.rates[0]
        return ctr

    @property
    def cvr(self) -> Week:
        """(168,)."""
        cvr: Week = self.rates[1]
        return cvr


def flat_prior(ctr: float, cvr: float) -> SlotPrior:
    """Nothing is known: every hour is like any other."""
    mean = np.array([[ctr], [cvr]], np.float32)
    return SlotPrior(mean.repeat(SLOTS, axis=1), mean)


def prior_of(rules: SendTimeRules, population: Week, segment: Week | None = None) -> SlotPrior:
    """What counts of others tell: (168, 3) sends, opens, conversions of the population, and of the user's segment in it."""
    kernel = slot_kernel(rules)
    neighbours = kernel - np.eye(SLOTS, dtype=np.float32)
    rates = _shrunk(np.array([[rules.open_rate], [rules.convert_rate]], np.float32), population.sum(axis=0, keepdims=True), rules)
    for counts in (population,) if segment is None else (population, segment):
        rates = _shrunk(_shrunk(rates, neighbours @ counts, rules), counts, rules)
    rates = rates.clip(_LEAST_RATE, _MOST_RATE)
    return SlotPrior(rates, rates.mean(axis=1, keepdims=True))


@lru_cache(maxsize=8)
def slot_kernel(rules: SendTimeRules) -> Week:
    """K, (168, 168), symmetric. The array is read-only: all who have the same rules share it."""
    slots = np.arange(SLOTS)
    hours = slots[:, None] - slots[None, :]
    days = np.rint(hours / 24)
    weekend = slots >= 5 * 24
    across = np.where(weekend[:, None] == weekend[None, :], rules.other_day, rules.other_kind_of_day)
    bell = np.exp(-0.5 * ((hours - 24 * days) / rules.kernel_hours) ** 2)
    kernel = np.asarray(bell * np.where(days % 7 == 0, 1.0, across), np.float32)
    kernel.setflags(write=False)
    return kernel


def _shrunk(before: Week, counts: Week, rules: SendTimeRules) -> Week:
    """Rates, (2, n), that start at `before`, (2, n) or (2, 1), and learn from counts, (n, 3)."""
    strength = np.float32(rules.population_strength)
    rates: Week = (strength * before + counts[:, 1:].T) / (strength + counts[:, :2].T)
    return rates
