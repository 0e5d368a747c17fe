"""What an arm did to a metric: the difference to the control, with what was known of the users before taken out.

CUPED (Deng, Xu, Kohavi, Walker, WSDM 2013): `Y' = Y − θᵀ(X − X̄)`, θ the least-squares slope of Y on X within the arms. X is from before the
exposure, so no arm can have changed it: the difference stays what it was, and its variance falls by what X explains.

*Contract*: pure. Users are independent observations.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kairos.experiments.intervals import fixed_radius, sequence_radius

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its half-widths: valid whenever one looks, and for one look at a time that was fixed in advance."""

    value: float
    always: float
    once: float

    @property
    def low(self) -> float:
        """Of the interval that is always valid."""
        return self.value - self.always

    @property
    def high(self) -> float:
        """Of the interval that is always valid."""
        return self.value + self.always

    @property
    def is_clear(self) -> bool:
        """Zero is not in it."""
        return abs(self.value) > self.always


@dataclass(frozen=True, slots=True)
class Lift:
    """Means per user, their difference, and the same as a part of the control's mean (``None`` where that is 0)."""

    treated_users: int
    control_users: int
    treated_mean: float
    control_mean: float
    difference: Estimate
    relative: Estimate | None
    variance_left: float
    """Part of the difference's variance that CUPED left."""


def lift(outcome: Floats, before: Floats, treated: Mask, *, alpha: float, tightest_at: int) -> Lift:
    """``outcome`` (n,) and ``before`` (n, k) of the users of two arms. Both arms need two users or more.

    The estimate is the mean of one influence value per user, which is what makes intervals for sums apply: with π the treated part,
    `f = μ₁ − μ₀ + A(Y' − μ₁)/π − (1 − A)(Y' − μ₀)/(1 − π)`; for the ratio by the delta method, `(f₁ − (1 + ratio)·f₀)/μ₀`.
    """
    adjusted = outcome - _explained(outcome, before, treated)
    share = treated.mean()
    treated_mean, control_mean = float(adjusted[treated].mean()), float(adjusted[~treated].mean())
    of_treated = np.where(treated, (adjusted - treated_mean) / share, 0.0)
    of_control = np.where(treated, 0.0, (adjusted - control_mean) / (1 - share))

    def estimate(value: float, influence: Floats) -> Estimate:
        deviation, users = float(influence.std(ddof=2)), len(influence)
        return Estimate(value, deviation * sequence_radius(users, alpha, tightest_at), deviation * fixed_radius(users, alpha))

    relative = None
    if control_mean > 0:
        ratio = treated_mean / control_mean
        relative = estimate(ratio - 1, (of_treated - ratio * of_control) / control_mean)
    return Lift(
        treated_users=int(treated.sum()),
        control_users=int((~treated).sum()),
        treated_mean=treated_mean,
        control_mean=control_mean,
        difference=estimate(treated_mean - control_mean, of_treated - of_control),
        relative=relative,
        variance_left=_ratio(_variance(adjusted, treated), _variance(outcome, treated)),
    )


def _explained(outcome: Floats, before: Floats, treated: Mask) -> Floats:
    """θᵀ(X − X̄) of each user, (n,)."""
    within_y, within_x = outcome.copy(), before.copy()
    for arm in (treated, ~treated):
        within_y[arm] -= outcome[arm].mean()
        within_x[arm] -= before[arm].mean(axis=0)
    slope = np.linalg.lstsq(within_x, within_y, rcond=None)[0]  # of a column that does not vary: 0
    explained: Floats = (before - before.mean(axis=0)) @ slope
    return explained


def _variance(values: Floats, treated: Mask) -> float:
    """Of the difference of means."""
    return float(values[treated].var() / treated.sum() + values[~treated].var() / (~treated).sum())


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else 1.0
