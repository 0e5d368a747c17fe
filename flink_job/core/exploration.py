"""Chooses one candidate with a known probability, so that what the others are worth can be learned from what was sent.

    π_i = (1 − ε) · exp(u_i / τ) / Σ_j exp(u_j / τ)  +  ε · 1{i is one of the best k} / k

τ is the temperature, ε the uniform share, k `uniform_top`. Off-policy estimates divide by π (Horvitz & Thompson 1952), which is why none of the
best k may have less than ε / k. Whoever may not be sent, or is not worth it, is not among the candidates.

Worked example: u = (0.2, 0.1), τ = 0.1, ε = 0.1 over both. exp(2) : exp(1) = 0.7311 : 0.2689, so π = (0.7080, 0.2920).

Candidates are put in order first: the best first, equal ones by their keys. Rows depend on how the catalogue came to hold the items; keys do not, so
after a restart the same draw falls on the same item, and a permutation of the candidates permutes the answer bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flink_job.core.draws import drawn
from flink_job.core.rules.exploration import ExplorationRules


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The position of the candidate that was chosen, and the probability that each one had, (n,) float64; they sum to 1."""

    chosen: int
    propensities: NDArray[np.float64]


class Exploration:
    """The rules of exploration, ready to use."""

    __slots__ = ("_rules",)

    def __init__(self, rules: ExplorationRules) -> None:
        self._rules = rules

    def choose(self, utilities: NDArray[np.floating[Any]], keys: NDArray[np.uint64], draw: float) -> Choice:
        """Choose among candidates by their utilities, (n,), n ≥ 1; `keys`: of their items, each once; `draw`: from [0, 1).

        Raises ValueError if a utility is not a number, or the highest is infinite.
        """
        lowness = np.negative(utilities, dtype=np.float64)
        order = lowness.argsort()
        ordered = lowness.take(order)
        if np.count_nonzero(ordered[1:] == ordered[:-1]):
            order = np.lexsort((keys, lowness))  # as dear as all the rest, and seldom needed
        shares = self._shares(ordered)
        propensities = np.empty_like(shares)
        propensities[order] = shares
        return Choice(order.item(drawn(shares, draw)), propensities)

    def _shares(self, lowness: NDArray[np.float64]) -> NDArray[np.float64]:
        """π by −utility, (n,), rising."""
        rules, count = self._rules, len(lowness)
        lowest, highest = lowness.item(0), lowness.item(-1)  # sorting puts what is not a number last
        if not isfinite(lowest) or isnan(highest):
            raise ValueError(f"the highest utility is {-lowest}, the lowest {-highest}")
        if rules.temperature:
            shares: NDArray[np.float64] = lowest - lowness
            shares /= rules.temperature
            np.exp(shares, out=shares)
            shares *= (1.0 - rules.uniform_share) / np.add.reduce(shares)
        else:
            shares = np.zeros(count)
            shares[0] = 1.0 - rules.uniform_share
        if rules.uniform_share:
            top = min(rules.uniform_top or count, count)
            shares[:top] += rules.uniform_share / top
        return shares
