"""Interest: what a user likes, as decayed sums of the features of what they touched.

`S(t) = Σ_k w_k · [F_k, 1] · 2^(−(t − t_k) / h)` for a short and a long half-life h. Kept by forward decay (Cormode, Shkapenyuk, Srivastava, Xu,
ICDE 2009): as sums relative to a landmark L, `R = Σ_k w_k · [F_k, 1] · 2^((t_k − L) / h)`, so that an event is added with one product whatever its
age and the order of arrival does not matter; `S(t) = R · 2^(−(t − L) / h)`. The landmark moves before the short sum could outgrow a float32.
The last column sums |w| and is the mass.

The profile is `I_u = s · S_short / mass_short + (1 − s) · S_long / mass_long`: a mean of unit vectors, so that scores of busy and of new
users have the same scale. The decay since L cancels out of it.
"""

from __future__ import annotations

import numpy as np

from flink_job.core.rules import InterestRules
from flink_job.core.state import Floats, UserState

_LEAST_MASS = 1e-30
_MOST_DOUBLINGS = 32
"""Growth over the landmark after which it moves; 2³² leaves a float32 all its digits and room for 10²⁸ events."""


class Interest:
    """The rules of interest, ready to use. Not thread-safe: it keeps one small array to save making it for every event."""

    __slots__ = ("_long_rate", "_short_rate", "_short_share", "_weights")

    def __init__(self, rules: InterestRules) -> None:
        self._short_rate = 1.0 / rules.short_half_life_ms
        self._long_rate = 1.0 / rules.long_half_life_ms
        self._short_share = rules.short_share
        self._weights = np.empty((2, 1), np.float32)

    def observe(self, state: UserState, features: Floats, weight: float, at_ms: int) -> None:
        """Add `weight` times `features`, (dim + 1,) with a 1 at the end, as of `at_ms`."""
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
        """`I_u`, (dim,). It does not depend on when it is asked: sum and mass fade alike. Zero for a user without interest."""
        short, long = state.interest
        profile: Floats = short[:-1] * np.float32(self._short_share / max(float(short[-1]), _LEAST_MASS))
        profile += long[:-1] * np.float32((1 - self._short_share) / max(float(long[-1]), _LEAST_MASS))
        return profile

    def _move_landmark(self, state: UserState, at_ms: int) -> None:
        age_ms = at_ms - state.interest_at_ms
        state.interest[0] *= np.float32(2.0 ** (-age_ms * self._short_rate))
        state.interest[1] *= np.float32(2.0 ** (-age_ms * self._long_rate))
        state.interest_at_ms = at_ms
