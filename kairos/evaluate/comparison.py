"""All runs of an evaluation together: estimates, ratios to Kairos, regret to the oracle, weeks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kairos.evaluate.intervals import Bootstrap, Estimate, estimate
from kairos.evaluate.ledger import Outcomes
from kairos.evaluate.measures import MEASURES, by_week, coverage, user_sums
from kairos.evaluate.plan import Plan
from kairos.evaluate.roster import ROSTER, Kind

Floats = NDArray[np.float64]
KAIROS = "kairos"
NO_MORE = 1.05
"""Pushes that still count as equal: 5 % more."""


class Comparison:
    """``outcomes`` by policy and seed, all of them."""

    def __init__(self, plan: Plan, outcomes: Mapping[tuple[str, int], Outcomes], seconds: float) -> None:
        self.plan, self.seconds = plan, seconds
        self.policies = [name for name in ROSTER if name in plan.policies]
        self.cpu_seconds = {name: sum(outcomes[name, seed].seconds for seed in plan.seeds) for name in self.policies}
        bootstrap = Bootstrap([plan.users] * len(plan.seeds))
        self._values: dict[tuple[str, str], Floats] = {}
        self.weeks: dict[str, dict[str, Floats]] = {}
        self.coverage: dict[str, float] = {}
        for name in self.policies:
            runs = [outcomes[name, seed] for seed in plan.seeds]
            sums = [user_sums(each) for each in runs]
            together = {key: np.concatenate([each[key] for each in sums]) for key in sums[0]}
            for key, measure in MEASURES.items():
                self._values[name, key] = bootstrap.values(measure, together)
            weeks = [by_week(each) for each in runs]
            self.weeks[name] = {key: np.sum([each[key] for each in weeks], axis=0) for key in weeks[0]}
            self.coverage[name] = float(np.mean([coverage(each) for each in runs]))

    def estimate(self, policy: str, measure: str) -> Estimate:
        """The measure itself."""
        return estimate(self._values[policy, measure])

    def ratio(self, policy: str, other: str, measure: str) -> Estimate | None:
        """``policy`` over ``other``, paired; nothing where there is nothing to compare with."""
        if policy not in self.policies or other not in self.policies or not self._values[other, measure][0] > 0:
            return None
        with np.errstate(divide="ignore", invalid="ignore"):
            return estimate(self._values[policy, measure] / self._values[other, measure])

    def regret(self, policy: str, measure: str = "conversions") -> Estimate | None:
        """What the oracle gets and the policy does not, paired: the oracle at the pushes of Kairos for those that send no more than Kairos."""
        oracle = self.oracle_for(policy)
        return None if oracle is None else estimate(self._values[oracle, measure] - self._values[policy, measure])

    def oracle_for(self, policy: str) -> str | None:
        """The oracle that a policy is held against."""
        names = [name for name in self.policies if ROSTER[name].kind is Kind.ORACLE]
        matched = [name for name in names if ROSTER[name].matched]
        return next(iter(matched if matched and self.sends_no_more(policy) else names), None)

    def gap_closed(self, measure: str) -> Estimate | None:
        """How much of the way from the best baseline to the oracle Kairos goes, at equal pushes."""
        best, oracle = self.best_baseline(measure), self.oracle_for(KAIROS) if KAIROS in self.policies else None
        if best is None or oracle is None:
            return None
        low, high = self._values[best, measure], self._values[oracle, measure]
        with np.errstate(divide="ignore", invalid="ignore"):
            return estimate((self._values[KAIROS, measure] - low) / (high - low))

    def best_baseline(self, measure: str = "conversions") -> str | None:
        """The baseline that does best among those that send no more than Kairos."""
        names = [name for name in self.policies if ROSTER[name].kind is Kind.BASELINE and self.sends_no_more(name)]
        return max(names, key=lambda name: float(self._values[name, measure][0]), default=None)

    def sends_no_more(self, policy: str) -> bool:
        """Than Kairos, give or take 5 %."""
        if KAIROS not in self.policies:
            return True
        return bool(self._values[policy, "pushes"][0] <= NO_MORE * self._values[KAIROS, "pushes"][0])

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        from kairos.evaluate.targets import targets

        plan = self.plan
        return {
            "plan": {name: getattr(plan, name) for name in plan.__dataclass_fields__},
            "seconds": round(self.seconds, 1),
            "policies": {
                name: {
                    "title": ROSTER[name].title,
                    "kind": ROSTER[name].kind.value,
                    "matched": ROSTER[name].matched,
                    **{key: _pair(self.estimate(name, key)) for key in MEASURES},
                    "coverage": self.coverage[name],
                    "kairos_over_it": {
                        key: _pair(self.ratio(KAIROS, name, key)) for key in ("conversions", "expected", "per_push", "value", "opt_outs")
                    },
                    "regret": _pair(self.regret(name)),
                    "oracle": self.oracle_for(name),
                    "weeks": {key: values.tolist() for key, values in self.weeks[name].items()},
                    "cpu_seconds": round(self.cpu_seconds[name], 1),
                }
                for name in self.policies
            },
            "targets": [
                {"target": target.text, "measured": target.measured, "verdict": target.verdict, "met": target.met}
                for target in targets(self)
            ],
        }


def _pair(value: Estimate | None) -> dict[str, float | None] | None:
    if value is None:
        return None
    return {"mean": _finite(value.mean), "half": _finite(value.half)}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
