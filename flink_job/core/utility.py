"""What a push is worth: `U = P(open)·v_open + P(open)·P(convert | open)·v_convert − fatigue − P(opt out)·cost − price`.

Both probabilities come from `respond`, the one function that a learned model replaces:
`logit p = logit rate_i + a·(s_ui − usual) + b·ln(slot) + c·F + d·unfinished − ln 2·age/half-life`, with the rate of the item as
smoothed counts tell it, or else the usual one of its scenario. All terms are in one unit: an ordinary conversion is worth 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flink_job.core.rules import ResponseRules, UtilityRules
from flink_job.core.scenarios import SCENARIOS
from flink_job.core.state import Floats

Rates = NDArray[np.floating[Any]]

_LN_2 = log(2.0)
_LEAST_FACTOR = 1e-6


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is the same for all candidates of a decision: the slot's rates over the user's mean ones, fatigue F, and the price of a push."""

    open_factor: float = 1.0
    convert_factor: float = 1.0
    fatigue: float = 0.0
    price: float = 0.0


@dataclass(frozen=True, slots=True)
class Candidates:
    """What is asked of each candidate, (n,): s_ui, number of the scenario, price (0: none), age in ms, and 1 where unfinished business."""

    scores: Floats
    scenario: NDArray[np.uint8]
    price: Floats
    age_ms: NDArray[np.int64]
    unfinished: Floats


@dataclass(frozen=True, slots=True)
class Worth:
    """Of each candidate, (n,): P(open), P(convert | open), and the utility of pushing it."""

    p_open: Floats
    p_convert: Floats
    utility: Floats


class Utility:
    """The rules of worth, ready to use."""

    __slots__ = ("_convert", "_convert_value", "_open", "_open_value", "_rules")

    def __init__(self, rules: UtilityRules) -> None:
        self._rules = rules
        self._open, self._convert = _ByScenario.of(rules.open), _ByScenario.of(rules.convert)
        self._open_value = np.array([rules.open_value[name] for name in SCENARIOS], np.float32)
        self._convert_value = np.array([rules.convert_value[name] for name in SCENARIOS], np.float32)

    def of(self, candidates: Candidates, around: Circumstances, known: tuple[Rates, Rates] | None = None) -> Worth:
        """Worth of each candidate; `known`: the rates of opening and of converting of its item as smoothed counts tell them, (n,) each."""
        rules, scenario = self._rules, candidates.scenario
        p_open = respond(rules.open, self._open, candidates, around.open_factor, around.fatigue)
        p_convert = respond(rules.convert, self._convert, candidates, around.convert_factor, around.fatigue)
        if known is not None:
            p_open, p_convert = corrected(p_open, known[0]), corrected(p_convert, known[1])
        return self.priced(p_open, p_convert, scenario, candidates.price, around)

    def priced(self, p_open: Floats, p_convert: Floats, scenario: NDArray[np.uint8], price: Floats, around: Circumstances) -> Worth:
        """Worth from both probabilities, number of the scenario and price of each candidate, (n,)."""
        value = self._convert_value.take(scenario) + np.float32(self._rules.price_share) * price
        utility = p_open * (self._open_value.take(scenario) + p_convert * value)
        return Worth(p_open, p_convert, utility - np.float32(self.cost(around)))

    def cost(self, around: Circumstances) -> float:
        """What any push costs now: tiring the user, the risk of losing them, and the budget's price."""
        rules = self._rules
        tired = around.fatigue
        return rules.fatigue_cost * tired + rules.opt_out_rate * (1.0 + tired) ** 2 * rules.opt_out_cost + around.price

    def terms(self, p_open: float, p_convert: float, utility: float, around: Circumstances) -> dict[str, float]:
        """The parts of one candidate's utility by name; those after `gain` are subtracted from it."""
        rules = self._rules
        return {
            "gain": utility + self.cost(around),
            "p_open": p_open,
            "p_convert": p_convert,
            "fatigue": rules.fatigue_cost * around.fatigue,
            "opt_out": rules.opt_out_rate * (1.0 + around.fatigue) ** 2 * rules.opt_out_cost,
            "price": around.price,
        }


@dataclass(frozen=True, slots=True)
class _ByScenario:
    """(4,) each: the logit of the usual rate, and what a millisecond of age takes from it."""

    logit: Floats
    per_age_ms: Floats

    @classmethod
    def of(cls, rules: ResponseRules) -> _ByScenario:
        logits = [log(rules.rates[name] / (1.0 - rules.rates[name])) for name in SCENARIOS]
        ageing = [-_LN_2 / half_life_ms if (half_life_ms := rules.half_life_ms[name]) else 0.0 for name in SCENARIOS]
        return cls(np.array(logits, np.float32), np.array(ageing, np.float32))


def corrected(probability: Floats, rates: Rates) -> Floats:
    """Probabilities, (n,), with the odds that an item's smoothed rate has over those of all the candidates together.

    The rates are of pushes that were chosen for their users, so only how items differ is taken from them, not how high they are.

    >>> corrected(np.array([0.5, 0.5], np.float32), np.array([0.2, 0.2])).tolist()
    [0.5, 0.5]
    """
    logit = np.log(rates / (1.0 - rates))
    odds = probability / (1.0 - probability) * np.exp(logit - logit.mean())
    better: Floats = (odds / (1.0 + odds)).astype(np.float32)
    return better


def respond(rules: ResponseRules, known: _ByScenario, candidates: Candidates, slot_factor: float, fatigue: float) -> Floats:
    """The probability of a response, (n,), each in (0, 1)."""
    common = rules.per_log_hour * log(max(slot_factor, _LEAST_FACTOR)) + rules.per_fatigue * fatigue - rules.per_score * rules.usual_score
    logit = known.logit.take(candidates.scenario) + np.float32(rules.per_score) * candidates.scores
    logit += np.float32(rules.unfinished) * candidates.unfinished + known.per_age_ms.take(candidates.scenario) * candidates.age_ms
    probability: Floats = 1.0 / (1.0 + np.exp(-(logit + np.float32(common)).clip(-30.0, 30.0)))
    return probability.astype(np.float32)
