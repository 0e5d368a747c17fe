"""What a push is worth and what it costs, in one unit: the value of one ordinary conversion is 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flink_job.core.rules.checks import RuleError, not_negative, number, positive, share
from flink_job.core.scenarios import SCENARIOS


@dataclass(frozen=True, slots=True)
class FatigueRules:
    """A decayed sum: `sent` for each push, `dismissed` more for a dismissal, `opened` (below 0) for one that was opened."""

    half_life_ms: int
    sent: float
    dismissed: float
    opened: float
    limit: float

    def __post_init__(self) -> None:
        positive("half_life_ms", self.half_life_ms)
        for name in ("sent", "dismissed"):
            not_negative(name, getattr(self, name))
        number("opened", self.opened)
        positive("limit", self.limit)


@dataclass(frozen=True, slots=True)
class ResponseRules:
    """`logit p = logit rate + per_score·(s_ui − usual_score) + per_log_hour·ln(slot) + per_fatigue·F + unfinished − ln 2·age/half-life`.

    For one kind of response. `rates`: by scenario, for a new item of usual score at a mean hour, until counts say otherwise. `half_life_ms`: by
    scenario, how fast items go stale; 0: they do not.
    """

    rates: Mapping[str, float]
    usual_score: float
    per_score: float
    per_log_hour: float
    per_fatigue: float
    unfinished: float
    half_life_ms: Mapping[str, int]

    def __post_init__(self) -> None:
        _by_scenario("half_life_ms", self.half_life_ms)
        for name, half_life_ms in self.half_life_ms.items():
            not_negative(f"half_life_ms.{name}", half_life_ms)
        _by_scenario("rates", self.rates)
        for name, rate in self.rates.items():
            if not 0 < rate < 1:
                raise RuleError(f"rates.{name}: must be between 0 and 1, not {rate}")
        for name in ("usual_score", "per_score", "per_log_hour", "per_fatigue", "unfinished"):
            number(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class UtilityRules:
    """`U = P(open)·v_open + P(open)·P(convert | open)·v_convert − fatigue_cost·F − P(opt out)·opt_out_cost − price`.

    `v_convert` is `convert_value` of the scenario plus `price_share` of the item's price. P(opt out) is `opt_out_rate·(1 + F)²`.
    """

    enabled: bool
    open: ResponseRules
    convert: ResponseRules
    open_value: Mapping[str, float]
    convert_value: Mapping[str, float]
    price_share: float
    fatigue_cost: float
    opt_out_rate: float
    opt_out_cost: float
    least: float

    def __post_init__(self) -> None:
        _by_scenario("open_value", self.open_value)
        _by_scenario("convert_value", self.convert_value)
        for name in ("price_share", "fatigue_cost", "opt_out_cost"):
            not_negative(name, getattr(self, name))
        share("opt_out_rate", self.opt_out_rate)
        number("least", self.least)


def _by_scenario(name: str, values: Mapping[str, float]) -> None:
    for key, value in values.items():
        if key not in SCENARIOS:
            raise RuleError(f"{name}.{key}: no such scenario; there are {', '.join(SCENARIOS)}")
        number(f"{name}.{key}", value)
    if missing := [scenario for scenario in SCENARIOS if scenario not in values]:
        raise RuleError(f"{name}: {', '.join(missing)} is missing")
