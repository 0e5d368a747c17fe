"""Interest: what a user likes, as decayed sums of the features of what they touched, apart for each kind of item (scenario).

`S(t) = Σ_k w_k · [F_k, 1] · 2^(−(t − t_k) / h)` for a short and a long half-life h. Kept by forward decay (Cormode, Shkapenyuk, Srivastava, Xu,
ICDE 2009): as sums relative to a landmark L, `R = Σ_k w_k · [F_k, 1] · 2^((t_k − L) / h)`, so that an event is added with one product whatever its
age and the order of arrival does not matter; `S(t) = R · 2^(−(t − L) / h)`. The landmark moves before the short sum could outgrow a float32.
The last column sums |w| and is the mass.

The profile is `I_u = s · S_short / mass_short + (1 − s) · S_long / mass_long`: a mean of unit vectors, so that scores of busy and of new
users have the same scale. The decay since L cancels out of it.

Every scenario has its sums and its own L, so that what is done in one leaves the others as they are. Those of the scenario dealt with last are at
hand in the state, where an event finds them; the others lie beside them. A user of one scenario has one block of sums, and nothing else to pay for.
"""

from __future__ import annotations

import numpy as np

from flink_job.core.rules import InterestRules
from flink_job.core.state import EVERY, Floats, Sums, UserState
from flink_job.core.tastes import Taste, Tastes

_LEAST_MASS = 1e-30
_MOST_DOUBLINGS = 32
"""Growth over the landmark after which it moves; 2³² leaves a float32 all its digits and room for 10²⁸ events."""


class Interest:
    """The rules of interest, ready to use. Not thread-safe: it keeps one small array to save making it for every event."""

    __slots__ = ("_long_rate", "_parts", "_short_rate", "_short_share", "_weights")

    def __init__(self, rules: InterestRules) -> None:
        self._short_rate = 1.0 / rules.short_half_life_ms
        self._long_rate = 1.0 / rules.long_half_life_ms
        self._short_share = rules.short_share
        self._parts = np.array([rules.short_share, 1 - rules.short_share], np.float32)
        self._weights = np.empty((2, 1), np.float32)

    def observe(self, state: UserState, features: Floats, weight: float, at_ms: int, scenario: int = 0) -> None:
        """Add `weight` times `features`, (dim + 1,) with a 1 at the end, of an item of `scenario` (0: of none), as of `at_ms`."""
        if scenario != state.interest_of:
            if not features[-1]:  # an item without features says nothing, not even that there is a taste
                return
            _turn_to(state, scenario, at_ms)
        age_ms = at_ms - state.interest_at_ms
        if age_ms * max(self._short_rate, self._long_rate) > _MOST_DOUBLINGS:
            self._move_landmark(state, at_ms)
            age_ms = 0
        weights = self._weights
        weights[0, 0] = weight * 2.0 ** (age_ms * self._short_rate)
        weights[1, 0] = weight * 2.0 ** (age_ms * self._long_rate)
        state.interest += weights * features
        if weight < 0:
            state.interest[:, -1] -= 2 * weights[:, 0] * features[-1]

    def profile(self, state: UserState) -> Floats:
        """`I_u` over all scenarios, (dim,). It does not depend on when it is asked: sum and mass fade alike. Zero for a user without interest."""
        return self.tastes(state).overall

    def tastes(self, state: UserState) -> Tastes:
        """`I_u` of each scenario, and over all of them: `Σ_scenarios S / Σ_scenarios mass` for both half-lives, mixed as one is."""
        if not state.interest_elsewhere:
            return Tastes(self._mean(state.interest))
        sums = {state.interest_of: Sums(state.interest, state.interest_at_ms), **state.interest_elsewhere}
        scenarios = sorted(sums)  # so that neither profiles nor shares depend on what came first
        newest_ms = max(each.at_ms for each in sums.values())
        faded = np.stack([sums[scenario].sums * self._fades(sums[scenario].at_ms - newest_ms) for scenario in scenarios])
        total: Floats = faded.sum(axis=0)
        shares = (faded[:, :, -1] * (self._parts / total[:, -1].clip(_LEAST_MASS))).sum(axis=1)
        shares /= max(shares.sum(), _LEAST_MASS)
        apart = zip(scenarios, shares.tolist(), strict=True)
        return Tastes(self._mean(total), tuple(Taste(scenario, self._mean(sums[scenario].sums), share) for scenario, share in apart))

    def _mean(self, sums: Floats) -> Floats:
        short, long = sums
        profile: Floats = short[:-1] * np.float32(self._short_share / max(float(short[-1]), _LEAST_MASS))
        profile += long[:-1] * np.float32((1 - self._short_share) / max(float(long[-1]), _LEAST_MASS))
        return profile

    def _move_landmark(self, state: UserState, at_ms: int) -> None:
        state.interest *= self._fades(state.interest_at_ms - at_ms)
        state.interest_at_ms = at_ms

    def _fades(self, age_ms: int) -> Floats:
        """What is left of both sums, (2, 1), seen from a landmark that is `-age_ms` later."""
        return np.array([[2.0 ** (age_ms * self._short_rate)], [2.0 ** (age_ms * self._long_rate)]], np.float32)


def _turn_to(state: UserState, scenario: int, at_ms: int) -> None:
    """Puts the sums of a scenario at hand. What stood for every scenario becomes those of the first one dealt with."""
    if state.interest_of != EVERY:
        elsewhere = state.interest_elsewhere
        elsewhere[state.interest_of] = Sums(state.interest, state.interest_at_ms)
        sums = elsewhere.pop(scenario, None) or Sums(np.zeros_like(state.interest), at_ms)
        state.interest, state.interest_at_ms = sums.sums, sums.at_ms
    state.interest_of = scenario
