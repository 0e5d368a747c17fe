"""What another policy would have brought, judged by what this one decided and what became of that.

To send nothing is an action too. With r the reward of a decision, `w = π(a | x) / b(a | x)` the other policy's probability of what was done over
the logged one, q̂(x, a) a model's value of it and q̂(x, π) the model's mean value of what the other policy would do:

    IPS    1/n Σ w·r                                Horvitz & Thompson, JASA 47 (1952), https://doi.org/10.1080/01621459.1952.10483446
    SNIPS  Σ w·r / Σ w                              Swaminathan & Joachims, NIPS 2015
    DR     1/n Σ [q̂(x, π) + w·(r − q̂(x, a))]        Dudík, Langford & Li, ICML 2011, arXiv 1103.4601

IPS is right on average wherever the log could have done what the other policy does; SNIPS stays within the rewards that were seen, for a bias
that vanishes with n; DR varies the less the better the model is, and is right if either the model or the propensities are. `(Σw)² / Σw²` (Kish)
is how many decisions of the other policy's own the log is worth.

*Sampled logs.* A decision of which a share ρ is in the log stands for s = 1/ρ: every sum above is over s-fold terms, and n is Σ s.

*Intervals.* What happened to one user is one observation: each estimator is a mean of influence values ψ per decision (SNIPS by the delta method:
ψ = w·(r − V) / w̄), these are summed per user, and the variance is `G/(G − 1) · Σ_g (Σ_{i∈g} ψ_i)² / n²` (Liang & Zeger, Biometrika 73, 1986),
with Student's t of G − 1 degrees. They hold for a look at a time that was fixed in advance.

*Contract*: pure. Rewards of what is not in the mapping are 0. A decision that comes twice counts once. Raises ``KairosError`` for decisions whose
propensities cannot be.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, pi, sqrt, tan
from statistics import NormalDist
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kairos.errors import KairosError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEAST_EFFECTIVE = 100.0
"""Below so many decisions' worth the intervals rest on a few large weights, and are too narrow."""


class Replayed(Protocol):
    """One decision of the log, and what another policy makes of the same situation (``kairos.decisions.replayed``)."""

    @property
    def user_id(self) -> str:
        """About whom."""

    @property
    def decision_id(self) -> str:
        """Unique."""

    @property
    def command_id(self) -> str:
        """Of the push; empty where nothing was sent."""

    @property
    def item_id(self) -> str:
        """What was sent, if anything."""

    @property
    def logged_propensity(self) -> float:
        """b(a | x): probability with which it was chosen, above 0."""

    @property
    def target_propensity(self) -> float:
        """π(a | x): probability with which the other policy would have chosen it; 0 if it never would."""

    @property
    def logged_value(self) -> float:
        """q̂(x, a): what the model expects of it, in units of the reward."""

    @property
    def target_value(self) -> float:
        """q̂(x, π): what the model expects of the other policy's choice, Σ_a π(a | x)·q̂(x, a); what it does not send counts 0."""

    @property
    def log_rate(self) -> float:
        """ρ: share of such decisions that is in the log, above 0."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with the interval that holds the truth with probability 1 − alpha."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """Mean reward per decision by one estimator, and how much that is above what the log itself brought (paired)."""

    name: str
    mean: Interval
    gain: Interval


@dataclass(frozen=True, slots=True)
class Estimates:
    """All estimators on the same decisions. ``warnings``: why not to trust them, in words; empty if nothing speaks against it."""

    decisions: int
    users: int
    alpha: float
    logged: Interval
    """Mean reward of what was decided."""
    ips: Estimate
    snips: Estimate
    dr: Estimate
    effective_size: float
    mean_weight: Interval
    """1 if the log could have done all that the other policy does."""
    largest_weight: float
    clipped: int
    """How many weights were above ``clip``."""
    warnings: tuple[str, ...]


def estimate(
    replayed: Iterable[Replayed],
    rewards: Mapping[str, float],
    *,
    clip: float | None = None,
    alpha: float = 0.05,
    least_effective: float = LEAST_EFFECTIVE,
) -> Estimates:
    """``rewards``: by command id. ``clip``: the largest weight; cutting larger ones trades variance for bias, so it is done only if asked for."""
    once: dict[str, Replayed] = {}
    for each in replayed:
        if each.decision_id not in once:
            _check(each)
            once[each.decision_id] = each
    rows = list(once.values())
    user = _numbers([each.user_id for each in rows])
    users = int(user.max()) + 1 if rows else 0
    if users < 2:
        raise KairosError(f"{users} users are too few to estimate from.", "Read more of the decision log.")
    reward = np.array([rewards.get(each.command_id, 0.0) for each in rows])
    raw = _column(rows, "target_propensity") / _column(rows, "logged_propensity")
    weight = raw if clip is None else np.minimum(raw, clip)
    about_logged, about_target = _column(rows, "logged_value"), _column(rows, "target_value")
    stands_for = 1.0 / _column(rows, "log_rate")
    quantile = student_quantile(1 - alpha / 2, users - 1)

    def mean(values: Floats, per: Floats) -> tuple[float, Floats]:
        """Σ s·values / Σ s·per, and its influence values by the delta method; 0 where there is nothing to divide by."""
        whole = float(stands_for @ per)
        value = float(stands_for @ values) / whole if whole else 0.0
        return value, stands_for * (values - value * per) * (len(rows) / whole if whole else 0.0)

    def interval(value: float, influence: Floats) -> Interval:
        half = quantile * clustered_error(influence, user)
        return Interval(value, value - half, value + half)

    each_once = np.ones(len(rows))
    logged, of_logged = mean(reward, each_once)

    def of(name: str, values: Floats, per: Floats = each_once) -> Estimate:
        value, influence = mean(values, per)
        return Estimate(name, interval(value, influence), interval(value - logged, influence - of_logged))

    counted = stands_for * weight
    effective = float(counted.sum()) ** 2 / float(counted @ counted) if counted.any() else 0.0
    mean_weight = interval(*mean(weight, each_once))
    return Estimates(
        decisions=len(rows),
        users=users,
        alpha=alpha,
        logged=interval(logged, of_logged),
        ips=of("IPS", weight * reward),
        snips=of("SNIPS", weight * reward, weight),
        dr=of("DR", about_target + weight * (reward - about_logged)),
        effective_size=effective,
        mean_weight=mean_weight,
        largest_weight=float(weight.max()),
        clipped=int((raw > weight).sum()),
        warnings=tuple(_warnings(effective, least_effective, len(rows), mean_weight, clip)),
    )


def clustered_error(influence: Floats, user: Ints) -> float:
    """Standard error of the mean of ``influence`` (n,), which has mean 0, where decisions of one ``user`` (n,; 0, 1, …) depend on each other.

    >>> clustered_error(np.array([1.0, 1.0, -1.0, -1.0]), np.array([0, 0, 1, 1]))
    1.0
    """
    per_user = np.bincount(user, influence)
    count = len(per_user)
    return sqrt(count / (count - 1) * float(per_user @ per_user)) / len(influence)


def student_quantile(probability: float, degrees: int) -> float:
    """Of Student's t: exact for one and two degrees, else its expansion about the normal one (Abramowitz & Stegun 26.7.5, to the third term).

    >>> round(student_quantile(0.975, 10), 3), round(student_quantile(0.975, 100), 3)
    (2.228, 1.984)
    """
    if degrees == 1:
        return tan(pi * (probability - 0.5))
    if degrees == 2:
        return (2 * probability - 1) / sqrt(2 * probability * (1 - probability))
    z = NormalDist().inv_cdf(probability)
    return z + (
        (z**3 + z) / (4 * degrees)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * degrees**3)
    )


def _check(each: Replayed) -> None:
    logged, target = each.logged_propensity, each.target_propensity
    about = f"Decision {each.decision_id} (user {each.user_id}, {f'item {each.item_id}' if each.item_id else 'nothing sent'})"
    if not 0.0 < logged <= 1.0:
        raise KairosError(
            f"{about} has the logged propensity {logged}: it must be above 0 and at most 1.",
            "What was done without a known probability says nothing on other policies: leave it out.",
        )
    if not 0.0 <= target <= 1.0:
        raise KairosError(f"{about} has the target propensity {target}: it must be from 0 to 1.")
    if not 0.0 < each.log_rate <= 1.0:
        raise KairosError(f"{about} says that {each.log_rate} of such decisions are in the log: it must be above 0 and at most 1.")
    if not (isfinite(each.logged_value) and isfinite(each.target_value)):
        raise KairosError(f"{about} has no finite value of the model: {each.logged_value}, {each.target_value}.")


def _warnings(effective: float, least: float, decisions: int, weight: Interval, clip: float | None) -> Iterable[str]:
    if effective < least:
        yield f"{decisions:,} decisions are worth {effective:.1f} of the other policy's own: too few, do not trust the intervals"
    if clip is None and not weight.low <= 1.0 <= weight.high:
        yield (
            f"weights have the mean {weight.value:.2f}, not 1: the log could not have done all that the other policy does, "
            "or its propensities are not those it chose by"
        )


def _numbers(names: Sequence[str]) -> Ints:
    """Each name's number, by first appearance."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], np.int64)


def _column(rows: Sequence[Replayed], name: str) -> Floats:
    return np.array([getattr(each, name) for each in rows], np.float64)
