"""Which wording: the recovering difference softmax, over the six sums per arm that `flink_job.core.learning.wordings` keeps.

An arm a is judged by the rounds in which it could have been chosen, b being the probability that it had. With r the reward of a round,

    μ⁺ = Σ r/b / Σ 1/b                 over rounds in which it was chosen
    μ⁻ = Σ r/(1−b) / Σ 1/(1−b)         over rounds in which another was
    μ̂  = (μ·n + μ_a·σ) / (n + σ)        each of both, n = (Σw)²/Σw² the effective number of rounds (Kish), μ_a the mean of both by n
    s  = (μ̂⁺ − μ̂⁻) / μ̂⁻                what it brings more than the others, relative
    s* = s − γ·2^(−d/h)                d since this user got it last: it has to recover
    π  = (1 − ε) · v·exp(s*/τ) / Σ     +  ε / k     over the k that can be chosen, v the policy's weight

Source: Yancey & Settles, *A Sleeping, Recovering Bandit Algorithm for Optimizing Recurring Notifications* (KDD 2020). v and ε are ours, as is what
μ_a is. Difference, not level: an arm that is only used where everything works is not taken for a good one.

Worked example: two arms known to be equal, one of which the user got just now; γ = 0.017, τ = 0.0025, ε = 0.05. exp(−6.8) = 0.00111, so
π = (0.0261, 0.9739).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flink_job.core.rules.messages import ArmRules

PerArm = NDArray[np.float64]
"""(arms,) or (k,)."""
Sums = NDArray[np.float64]
"""(6, arms): Σ w·r, Σ w and Σ w² with w = 1/b of the rounds in which the arm was chosen, then with w = 1/(1−b) of those in which it was not."""

_CHOSEN, _NOT_CHOSEN = slice(0, 3), slice(3, 6)


class Arms:
    """The rules of arms, ready to use."""

    __slots__ = ("_rules",)

    def __init__(self, rules: ArmRules) -> None:
        self._rules = rules

    def scores(self, sums: Sums) -> PerArm:
        """The score s of each arm, (arms,); 0 of those of which nothing is known. To be asked when the sums have changed, not for every push."""
        mean_of, n_of = _means(sums[_CHOSEN]), _rounds(sums[_CHOSEN])
        mean_without, n_without = _means(sums[_NOT_CHOSEN]), _rounds(sums[_NOT_CHOSEN])
        overall = _ratio(mean_of * n_of + mean_without * n_without, n_of + n_without)
        prior = self._rules.prior_rounds
        with_it = _ratio(mean_of * n_of + overall * prior, n_of + prior)
        without_it = _ratio(mean_without * n_without + overall * prior, n_without + prior)
        return _ratio(with_it - without_it, without_it)

    def shares(self, scores: PerArm, since_ms: PerArm, weights: PerArm) -> PerArm:
        """π of the arms that can be chosen, (k,), k ≥ 1, by their scores, how long ago this user got each (infinite: never), and weights."""
        rules = self._rules
        recovering = scores - rules.repeat_penalty * np.exp2(since_ms / -rules.recovery_half_life_ms)
        logits = recovering / rules.temperature
        shares: PerArm = weights * np.exp(logits - logits.max())
        shares *= (1.0 - rules.uniform_share) / shares.sum()
        shares += rules.uniform_share / len(shares)
        return shares


def _means(sums: Sums) -> PerArm:
    return _ratio(sums[0], sums[1])


def _rounds(sums: Sums) -> PerArm:
    return _ratio(sums[1] * sums[1], sums[2])


def _ratio(above: PerArm, below: PerArm) -> PerArm:
    """0 where there is nothing to divide by."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0.0)
