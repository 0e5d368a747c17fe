"""What is expected of the hours of a week before a user's own counts say more, and how hours learn from each other.

**Kernel.** `K(t, k) = exp(−r² / 2σ²) · w(d)`: how much one push in slot k counts as evidence about slot t. The distance is laid around the clock:
the nearest whole number of days d and the hours r left over, |r| ≤ 12, so Sunday 23:00 and Monday 00:00 are neighbours of the same night.
`w` is 1 for d = 0, `other_day` if both slots are on weekdays or both on the weekend, else `other_kind_of_day`. `K(t, t) = 1` and nothing is
more: a push is worth one push in its own hour, and less in any other.

**Prior.** Empirical Bayes in stages, each the prior of the next: the overall rate → the slot's neighbours → the slot itself, of the population and
then of the user's segment; `rate = (κ · before + Σ opens) / (κ + Σ sends)`. With few counts all hours are alike, with many each speaks for itself.

**Visits.** What anybody's hours are like before any push: V(t), visits of the hour over those of a mean hour, in the same stages (a slot has as many
visits as the mean one, until counts say otherwise). The overall rate is not that of every hour, then, but follows `v(t) = V(t)^γ` over its mean:

    rate(t) = v(t) · (κ · rate_0 + Σ opens) / (κ + Σ_t v(t) · sends(t))

Beside the rates stands what a user's own visits are to be compared with: those of anybody, smoothed by K as the user's are. Where none are known, the
rates themselves are in their place: anybody is there when they open.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from flink_job.core.learning.state import CONVERTED, OPENED, SENT, VISITS
from flink_job.core.local_time import SLOTS
from flink_job.core.rules.send_time import SendTimeRules

Week = NDArray[np.float32]

_LEAST_RATE, _MOST_RATE = 1e-6, 1.0 - 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class SlotPrior:
    """What is expected of anybody, by slot."""

    rates: Week
    """(2, 168): CTR, opens of sends; CVR, conversions of opens."""
    mean: Week
    """(2, 1): of these over the week."""
    usual: Week
    """(2, 168): how often anybody is there, over the mean hour."""

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
    return SlotPrior(mean.repeat(SLOTS, axis=1), mean, np.ones((2, SLOTS), np.float32))


def prior_of(rules: SendTimeRules, population: Week, segment: Week | None = None) -> SlotPrior:
    """What counts of others tell: (168, 4) sends, opens, conversions, visits of the population, and of the user's segment in it."""
    stages = (population,) if segment is None else (population, segment)
    kernel = slot_kernel(rules)
    neighbours = kernel - np.eye(SLOTS, dtype=np.float32)
    strength = np.float32(rules.population_strength)
    tried, came = _tried(population), _came(population)
    visits = _visits(rules, neighbours, stages)
    habit = _habit(rules, visits)
    start = np.array([[rules.open_rate], [rules.convert_rate]], np.float32)
    rates = habit * _shrunk(start, (tried * habit).sum(axis=1, keepdims=True), came.sum(axis=1, keepdims=True), strength)
    for counts in stages:
        for seen in (neighbours @ counts, counts):
            rates = _shrunk(rates, _tried(seen), _came(seen), strength)
    rates = rates.clip(_LEAST_RATE, _MOST_RATE)
    mean = rates.mean(axis=1, keepdims=True)
    usual = np.stack([_habit(rules, kernel @ visits)] * 2) if population[:, VISITS].any() else rates / mean
    return SlotPrior(rates, mean, usual)


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


def _tried(counts: Week) -> Week:
    """Sends and opens, (2, 168)."""
    return counts[:, SENT:CONVERTED].T


def _came(counts: Week) -> Week:
    """Opens and conversions, (2, 168)."""
    return counts[:, OPENED:VISITS].T


def _visits(rules: SendTimeRules, neighbours: Week, stages: tuple[Week, ...]) -> Week:
    """V(t), (168,); 1 everywhere where there are no visits."""
    strength = np.float32(rules.visit_strength)
    visits = np.ones(SLOTS, np.float32)
    for counts in stages:
        came = counts[:, VISITS]
        even = np.full(SLOTS, came.mean(), np.float32)
        visits = _shrunk(_shrunk(visits, neighbours @ even, neighbours @ came, strength), even, came, strength)
    return visits


def _habit(rules: SendTimeRules, visits: Week) -> Week:
    """v(t), (168,), with the mean 1."""
    habit = visits ** np.float32(rules.activity_exponent)
    scaled: Week = habit / habit.mean()
    return scaled


def _shrunk(before: Week, tried: Week, came: Week, strength: np.float32) -> Week:
    """Rates that start at `before` and learn from what was tried and what came of it; shapes as for addition."""
    rates: Week = (strength * before + came) / (strength + tried)
    return rates
