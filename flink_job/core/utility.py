"""What a push is worth: `U = P(open)·v_open + P(open)·P(convert | open)·v_convert − fatigue − P(opt out)·cost − price`.

Both probabilities come from `respond`, the one function that a learned model replaces:
`logit p = logit rate_i + a·(s_ui − usual) + b·ln(slot) + c·F + d·unfinished`, with the rate of the item as
smoothed counts tell it, or else the usual one of its scenario. All terms are in one unit: an ordinary conversion is worth 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from flink_job.core.rules import SCENARIOS, ResponseRules, UtilityRules
from flink_job.core.state import Floats


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is the same for all candidates of a decision: the slot's rates over the user's mean ones, fatigue F, and the price of a push."""

    open_factor: float = 1.0
    convert_factor: float = 1.0
    fatigue: float = 0.0
    price: float = 0.0


@dataclass(frozen=True, slots=True)
class Worth:
    """Of each candidate, (n,): P(open), P(convert | open), and the utility of pushing it."""

    p_open: Floats
    p_convert: Floats
    utility: Floats


class Utility:
    """The rules of worth, ready to use."""

    __slots__ = ("_convert", "_convert_logit", "_convert_value", "_open", "_open_logit", "_open_value", "_rules")

    def __init__(self, rules: UtilityRules) -> None:
        self._rules = rules
        self._open, self._convert = rules.open, rules.convert
        self._open_logit = _logits(rules.open)
        self._convert_logit = _logits(rules.convert)
        self._open_value = np.array([rules.open_value[name] for name in SCENARIOS], np.float32)
        self._convert_value = np.array([rules.convert_value[name] for name in SCENARIOS], np.float32)

    def of(self, scores: Floats, scenario: NDArray[np.uint8], price: Floats, unfinished: Floats, around: Circumstances) -> Worth:
        """Worth of candidates from s_ui, the number of the scenario, the price (0: none) and 1 where unfinished business, each (n,)."""
        rules = self._rules
        p_open = respond(self._open, self._open_logit.take(scenario), scores, unfinished, around.open_factor, around.fatigue)
        p_convert = respond(self._convert, self._convert_logit.take(scenario), scores, unfinished, around.convert_factor, around.fatigue)
        value = self._convert_value.take(scenario) + np.float32(rules.price_share) * price
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


def respond(rules: ResponseRules, rate_logit: Floats, scores: Floats, unfinished: Floats, slot_factor: float, fatigue: float) -> Floats:
    """The probability of a response, (n,), each in (0, 1)."""
    common = rules.per_log_hour * log(max(slot_factor, 1e-6)) + rules.per_fatigue * fatigue - rules.per_score * rules.usual_score
    logit = rate_logit + np.float32(rules.per_score) * scores + np.float32(rules.unfinished) * unfinished + np.float32(common)
    probability: Floats = 1.0 / (1.0 + np.exp(-logit.clip(-30.0, 30.0)))
    return probability


def _logits(rules: ResponseRules) -> Floats:
    return np.array([log(rules.rates[name] / (1.0 - rules.rates[name])) for name in SCENARIOS], np.float32)
