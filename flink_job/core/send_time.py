"""The moment for a push: `t* = argmax_t CTR(t) · CVR(t) · 2^(−(t − now) / half-life)` over now and the start of each coming hour.

**Rates.** A Beta posterior for each hour of the user's week, from the decayed counts of `slot_counts`, the prior and kernel of `slot_prior`:

    CTR_u(t) = (κ · p_u(t) + Σ_k K(t, k) · opens(k)) / (κ + Σ_k K(t, k) · sends(k))

and CVR_u(t) in the same way from conversions of opens. `p_u(t) = p(t) · (κ_a + n · a(t) / v(t)) / (κ_a + n)`: what others' hours let expect, p,
as many times as the user is there more than others: a(t) = A(t)^γ / mean of A^γ with A the user's n visits smoothed by K, v(t) the same of
everybody's. A user of whom nothing is known is like everybody, one who is seen often has hours of their own; where people are, they both open and
buy, hence the same for both. Where others' visits are not known, v = p / p̄, and a · p̄ takes the place of p.

**User.** How much more than expected a user opens, whatever the hour: Gamma-Poisson shrinkage, `f_u = (κ_u + O) / (κ_u + E)` with O their opens,
E those that p_u expects of their sends, κ_u in opens.

**Choice.** Posterior sampling (Thompson 1933): draw a rate for every hour from its posterior, take the best; so hours are tried as often as they
may be the best one. CTR · CVR of a draw is log-normal with the mean and variance of the product of the two Betas: one normal number instead of
two Beta ones. Numbers of neighbouring hours are correlated as the hours are by the kernel: without that, the highest of many independent ones would
nearly always be far above the mean. `exploration_width` scales them; 1 is the posterior itself. Among draws in which the best gains less than
`least_gain` over the earliest moment, the earliest is taken. The probability of each moment is its share of the draws; the first draw is the
one that counts, so the chosen one's is never 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log, log1p

import numpy as np
from numpy.typing import NDArray

from flink_job.core.local_time import SLOTS
from flink_job.core.rules.send_time import SendTimeRules
from flink_job.core.slot_counts import SlotCounts
from flink_job.core.slot_prior import SlotPrior, Week, slot_kernel
from flink_job.core.state import Floats, UserState

_LEAST_RATE, _MOST_RATE = 1e-6, 1.0 - 1e-6
_LN_2 = log(2.0)
_MOST_MOMENTS = SLOTS + 2
"""Now, the hours of a week, and the one that is repeated when the clocks are put back."""


@dataclass(frozen=True, slots=True, eq=False)
class WeekRates:
    """A user's rates by slot: the means of the posteriors, and how many sends, or opens, they weigh (α + β)."""

    rates: Week
    """(2, 168): CTR, CVR."""
    weights: Week
    """(2, 168), or (2, 1) where nothing is known of the user."""
    response: float = 1.0
    """f_u: how much more than others the user opens."""

    def factors(self, slot: int) -> tuple[float, float]:
        """Of opening and of converting: how much better than anybody at a mean hour this user at this hour is."""
        ctr, cvr = (self.rates[:, slot] / self.rates.sum(axis=1) * SLOTS).tolist()
        return ctr * self.response, cvr


@dataclass(frozen=True, slots=True, eq=False)
class SendTimePlan:
    """When to send, and what was weighed: the columns, (n,), have a row for each moment, the earliest first."""

    at_ms: int
    """The moment, spread within its hour."""
    is_now: bool
    chosen: int
    """The row of its hour."""
    moments: NDArray[np.int64]
    slots: NDArray[np.int64]
    ctr: Floats
    cvr: Floats
    discount: Floats
    """What is left of the relevance by then."""
    propensity: Floats
    """The probability with which each moment is chosen; they sum to 1."""

    @property
    def value(self) -> Floats:
        """CTR · CVR · discount of each moment."""
        return self.ctr * self.cvr * self.discount


class SendTime:
    """The rules of the moment, ready to use. Not thread-safe: it keeps one generator to save making it for every decision."""

    __slots__ = ("_blend", "_counts", "_generator", "_kernel", "_philox", "_philox_state", "_rules", "_strength")

    def __init__(self, rules: SendTimeRules, counts: SlotCounts) -> None:
        self._rules = rules
        self._counts = counts
        self._kernel = slot_kernel(rules)
        self._strength = np.array([[rules.open_strength], [rules.convert_strength]], np.float32)
        self._blend = _blend(rules.kernel_hours)
        self._philox = np.random.Philox(key=0)
        self._philox_state = self._philox.state
        self._generator = np.random.Generator(self._philox)

    def rates(self, state: UserState, prior: SlotPrior, now_ms: int) -> WeekRates:
        """What is expected of every hour of the user's week."""
        expected = prior.rates
        if state.activity_slot and self._rules.activity_exponent:
            expected = self._expected(state, prior, now_ms)
        if not state.outcome_slot:
            return WeekRates(expected.clip(_LEAST_RATE, _MOST_RATE), self._strength)
        slots, counts = self._counts.outcomes(state, now_ms)
        evidence = counts.T @ self._kernel.take(slots, axis=0)  # (3, 168): rows 0 and 1 were tried, of which rows 1 and 2 came to something
        weights = evidence[:2] + self._strength
        rates = (expected * self._strength + evidence[1:]) / weights
        return WeekRates(rates.clip(_LEAST_RATE, _MOST_RATE), weights, self._response(counts, expected[0].take(slots)))

    def plan(
        self,
        rates: WeekRates,
        moments: NDArray[np.int64],
        slots: NDArray[np.int64],
        *,
        now_ms: int,
        until_ms: int,
        half_life_ms: int,
        seed: int,
        jitter: float,
    ) -> SendTimePlan | None:
        """The moment to send at, None if there is none.

        `moments`, in order, and their `slots`, each (n,): when a push may be sent, the first being the earliest at all. It is worthless from
        `until_ms` on, and worth half as much after every `half_life_ms`. The same `seed` (from 0, below 2⁶⁴) gives the same choice.
        `jitter`, from 0 to 1, is the user's place in the hour.
        """
        if not len(moments):
            return None
        rules = self._rules
        rate = rates.rates.take(slots, axis=1)
        fade = (moments - now_ms) * (-_LN_2 / max(half_life_ms, 1))
        worth = np.log(rate[0] * rate[1]) + fade
        if len(moments) > 1 and rules.exploration_draws:
            weight = rates.weights.take(slots, axis=1) if rates.weights.shape[1] > 1 else rates.weights
            # of a product of independent factors, 1 + variance / mean² is the product of theirs
            variances = np.log1p((1.0 - rate) / (rate * (weight + 1.0)))
            variance = variances[0] + variances[1]
            drawn = self._normal(seed, rules.exploration_draws, len(moments))
            drawn *= rules.exploration_width * np.sqrt(variance)
            drawn += worth - 0.5 * variance
        else:
            drawn = worth[np.newaxis]
        drawn[:, 0] += log1p(rules.least_gain)
        best = drawn.argmax(axis=1)
        chosen = best.item(0)
        at_ms = moments.item(chosen)
        if at_ms > now_ms:
            at_ms = max(min(at_ms + int(jitter * rules.spread_ms), until_ms - 1), at_ms)
        propensity = np.bincount(best, minlength=len(moments)) * np.float32(1.0 / len(best))
        return SendTimePlan(at_ms, at_ms <= now_ms, chosen, moments, slots, rate[0], rate[1], np.exp(fade), propensity)

    def _expected(self, state: UserState, prior: SlotPrior, now_ms: int) -> Week:
        """p_u(t), (2, 168), from the prior and from the user's visits."""
        rules = self._rules
        slots, visits = self._counts.activity(state, now_ms)
        habit = (visits @ self._kernel.take(slots, axis=0)) ** np.float32(rules.activity_exponent)
        count = visits.sum().item()
        believed = count / (count + rules.activity_strength)
        habit *= np.float32(believed / max(habit.mean().item(), _LEAST_RATE))
        expected: Week = prior.rates * (np.float32(1.0 - believed) + habit / prior.usual)
        return expected

    def _response(self, counts: Floats, expected: Floats) -> float:
        """f_u from the user's counts, (n, 3), and the rates of opening that were expected in these slots, (n,)."""
        strength = self._rules.user_strength
        sends, opens = counts[:, 0], counts[:, 1]
        opened, awaited = float(opens.sum()), float(sends @ expected)
        return (strength + opened) / (strength + awaited)

    def _normal(self, seed: int, draws: int, moments: int) -> NDArray[np.float64]:
        """Standard normal numbers, (draws, moments), correlated from one moment to the next as their hours are by the kernel."""
        self._philox_state["state"]["key"][0] = seed
        self._philox.state = self._philox_state
        reach = len(self._blend) - _MOST_MOMENTS
        return self._generator.standard_normal((draws, moments + reach)) @ self._blend[: moments + reach, :moments]


def _blend(kernel_hours: float) -> NDArray[np.float64]:
    """(n + 2·reach, n): column by column, a mix of neighbouring independent numbers that has variance 1.

    The mixing weights are exp(−r² / σ²), so the correlation over r columns is exp(−r² / 2σ²), the kernel's.
    """
    reach = ceil(2.0 * kernel_hours)
    weights = np.exp(-((np.arange(-reach, reach + 1) / kernel_hours) ** 2))
    weights /= np.sqrt((weights**2).sum())
    blend = np.zeros((_MOST_MOMENTS + 2 * reach, _MOST_MOMENTS))
    for column in range(_MOST_MOMENTS):
        blend[column : column + 2 * reach + 1, column] = weights
    return blend
