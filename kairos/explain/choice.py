"""What was chosen, and which term of its worth put it before the runner-up.

With utility weighed, a candidate is worth `U = d · P(open) · v − c`: d its diversity, v what an opening of it is worth, c what any push costs
then, the same for all. So `(U₁ + c) / (U₂ + c)` is exactly the product of three ratios, and the term whose ratio is furthest from 1 on the side of
the better one made the difference. Where only the score orders, the terms are the score and the diversity.

*Contract*: pure; reads one decision of the log.
"""

from dataclasses import dataclass
from math import log
from typing import Literal

from flink_job.core.rules import Rules
from kairos.v1.decision_pb2 import Candidate, Decision

Term = Literal["p_open", "opening_value", "diversity", "score"]
_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class Considered:
    """One candidate; None where the policy did not weigh utility."""

    item_id: str
    sources: tuple[str, ...]
    score: float
    interest: float
    affinity: float
    p_open: float | None
    p_convert: float | None
    utility: float | None
    diversity: float
    propensity: float


@dataclass(frozen=True, slots=True)
class Factor:
    """One term of both; ``ratio`` above 1 speaks for the chosen one."""

    term: Term
    chosen: float
    other: float

    @property
    def ratio(self) -> float:
        """How much better the chosen one is by it."""
        return max(self.chosen, _LEAST) / max(self.other, _LEAST)


@dataclass(frozen=True, slots=True)
class RunnerUp:
    """The best of those that were not chosen. ``how`` it came that it was not:

    ``better``: the chosen one is worth more, by ``decided_by``. ``drawn``: this one is worth more, and exploration fell on the other.
    ``unfit``: it is not good enough, and could not be chosen.
    """

    item: Considered
    how: Literal["better", "drawn", "unfit"]
    decided_by: Term
    factors: tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """What was sent. ``costs``: the terms of utility that are the same for all. ``runner_up`` None: there was no other."""

    chosen: Considered
    place: int
    """In the list, the best first: 1 is the best."""
    candidates: tuple[Considered, ...]
    costs: dict[str, float]
    runner_up: RunnerUp | None


def choice_of(decision: Decision, rules: Rules | None) -> Choice | None:
    """Of a decision to send; None if it does not name what was sent among its candidates. ``rules``: if they are known to be those of it."""
    candidates = considered(decision)
    names = [each.item_id for each in candidates]
    if not decision.item_ids or decision.item_ids[0] not in names:
        return None
    at = names.index(decision.item_ids[0])
    costs = {name: value for name, value in decision.utility_terms.items() if name in ("fatigue", "opt_out", "price")}
    others = [each for place, each in enumerate(candidates) if place != at]
    runner_up = _compared(candidates[at], others[0], sum(costs.values()), _is_fit(others[0], rules)) if others else None
    return Choice(candidates[at], at + 1, candidates, costs, runner_up)


def considered(decision: Decision) -> tuple[Considered, ...]:
    """The candidates in the log, best first."""
    return tuple(
        Considered(
            item_id=each.item_id,
            sources=tuple(each.sources),
            score=each.score,
            interest=each.interest,
            affinity=each.affinity,
            p_open=_known(each, "p_open"),
            p_convert=_known(each, "p_convert"),
            utility=_known(each, "utility"),
            diversity=each.diversity or 1.0,
            propensity=each.propensity,
        )
        for each in decision.candidates
    )


def _known(candidate: Candidate, field: Literal["p_open", "p_convert", "utility"]) -> float | None:
    return float(getattr(candidate, field)) if candidate.HasField(field) else None


def _is_fit(item: Considered, rules: Rules | None) -> bool:
    """Good enough to be sent. Where the rules are not known, what is worth less than nothing is not."""
    if rules is not None and item.score < rules.send.min_score:
        return False
    return item.utility is None or item.utility >= (rules.utility.least if rules is not None else 0.0)


def _compared(chosen: Considered, other: Considered, cost: float, is_fit: bool) -> RunnerUp:
    factors = _factors(chosen, other, cost)
    ahead = sum(log(each.ratio) for each in factors)
    spoke_for = max if ahead >= 0 else min
    decided_by = spoke_for(factors, key=lambda each: each.ratio).term
    if ahead < 0 and other.propensity > 0:
        return RunnerUp(other, "drawn", decided_by, factors)
    could_be_drawn = other.propensity > 0 or (is_fit and chosen.propensity == 1.0)
    return RunnerUp(other, "better" if could_be_drawn else "unfit", decided_by, factors)


def _factors(chosen: Considered, other: Considered, cost: float) -> tuple[Factor, ...]:
    diversity = Factor("diversity", chosen.diversity, other.diversity)
    if chosen.p_open is None or other.p_open is None:
        return Factor("score", chosen.score, other.score), diversity
    values = Factor("opening_value", _opening_value(chosen, cost), _opening_value(other, cost))
    return Factor("p_open", chosen.p_open, other.p_open), values, diversity


def _opening_value(item: Considered, cost: float) -> float:
    """v, in conversions."""
    return ((item.utility or 0.0) + cost) / max(item.diversity * (item.p_open or 0.0), _LEAST)
