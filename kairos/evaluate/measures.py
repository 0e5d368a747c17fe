"""The columns of the table: each a sum over users divided by a sum over users, so that one bootstrap serves all.

A user-month is 30 days of a user who has signed up, whether they still get pushes or not: who was driven away counts as a loss.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kairos.evaluate.ledger import Outcomes

Floats = NDArray[np.float64]

_DAY_MS = 86_400_000
_MONTH_MS = 30 * _DAY_MS
_WEEK_MS = 7 * _DAY_MS
LATE_WEEKS = 2
"""A learner is judged by the last so many weeks as well: by what it does when it has learned."""


@dataclass(frozen=True, slots=True)
class Measure:
    """``title`` as in the table's head, ``digits`` after the point; ``of / per`` are names in ``user_sums``, times ``scale``."""

    title: str
    of: str
    per: str
    scale: float = 1.0
    digits: int = 2


MEASURES: dict[str, Measure] = {
    "conversions": Measure("conversions\n/user-month", "conversions", "months", digits=3),
    "expected": Measure("expected\n/user-month", "expected", "months", digits=3),
    "late_conversions": Measure(f"conversions,\nlast {LATE_WEEKS} weeks", "late_conversions", "late_months", digits=3),
    "value": Measure("value\n€/month", "value", "months"),
    "pushes": Measure("pushes\n/month", "pushes", "months", digits=1),
    "per_push": Measure("conversions\n/100 pushes", "conversions", "pushes", 100.0),
    "opens": Measure("opens\n/100", "opens", "pushes", 100.0, 1),
    "dismissals": Measure("dismissals\n/100", "dismissals", "pushes", 100.0, 1),
    "opt_outs": Measure("opt-outs\n%", "opt_outs", "users", 100.0, 1),
    "hour_error": Measure("t* error\nhours", "hour_errors", "pushes"),
    "entropy": Measure("entropy\nbits", "entropy", "with_entropy"),
    "cold_share": Measure("cold items\n%", "cold", "pushes", 100.0, 1),
    "cold_users": Measure("conversions,\nnew users", "new_conversions", "new_months", digits=3),
    "bought": Measure("all bought\n€/month", "bought", "months"),
}


def user_sums(outcomes: Outcomes) -> Mapping[str, Floats]:
    """What the measures are made of, each (n_users,)."""
    sent, n = outcomes.sent, len(outcomes.joined_ms)
    user = sent["user"].astype(np.int64)
    converted = (sent["converted_ms"] > 0) & (sent["converted_ms"] <= outcomes.end_ms)
    late_ms = max(outcomes.end_ms - LATE_WEEKS * _WEEK_MS, outcomes.start_ms)
    since = np.maximum(outcomes.joined_ms, outcomes.start_ms)
    new = outcomes.joined_ms > outcomes.start_ms

    def total(weights: NDArray[np.generic]) -> Floats:
        summed: Floats = np.bincount(user, weights=weights.astype(float), minlength=n).astype(float)
        return summed

    conversions = total(converted)
    pushes = total(np.ones(len(sent)))
    months: Floats = np.maximum(outcomes.end_ms - since, 0) / _MONTH_MS
    return {
        "users": np.ones(n),
        "months": months,
        "late_months": np.maximum(outcomes.end_ms - np.maximum(since, late_ms), 0) / _MONTH_MS,
        "conversions": conversions,
        "expected": total(sent["expected"]),
        "late_conversions": total(converted & (sent["converted_ms"] > late_ms)),
        "value": total(np.where(converted, sent["value"], 0.0)),
        "pushes": pushes,
        "opens": total(sent["opened"]),
        "dismissals": total(sent["dismissed"]),
        "opt_outs": (outcomes.opted_out_ms <= outcomes.end_ms).astype(float),
        "hour_errors": total(sent["hour_error"]),
        "entropy": _entropies(user, sent["category"].astype(np.int64), n),
        "with_entropy": (pushes > 0).astype(float),
        "cold": total(sent["cold"]),
        "new_conversions": conversions * new,
        "new_months": months * new,
        "bought": outcomes.bought,
    }


def coverage(outcomes: Outcomes) -> float:
    """Share of all items there were that anybody was pushed."""
    return len(np.unique(outcomes.sent["item"])) / max(outcomes.items, 1)


def by_week(outcomes: Outcomes) -> Mapping[str, Floats]:
    """Conversions, value (by when they happened), pushes and opt-outs of each week, all users together, (weeks,)."""
    weeks = (outcomes.end_ms - outcomes.start_ms) // _WEEK_MS
    sent = outcomes.sent
    converted = sent[(sent["converted_ms"] > 0) & (sent["converted_ms"] <= outcomes.end_ms)]

    def count(at_ms: NDArray[np.int64], weights: Floats | None = None) -> Floats:
        week = np.minimum((at_ms - outcomes.start_ms) // _WEEK_MS, weeks - 1)
        counted: Floats = np.bincount(week, weights=weights, minlength=weeks).astype(float)
        return counted

    return {
        "conversions": count(converted["converted_ms"]),
        "value": count(converted["converted_ms"], converted["value"]),
        "pushes": count(sent["at_ms"]),
        "opt_outs": count(outcomes.opted_out_ms[outcomes.opted_out_ms <= outcomes.end_ms]),
    }


def _entropies(user: NDArray[np.int64], category: NDArray[np.int64], n: int) -> Floats:
    """Shannon entropy, in bits, of the categories of each user's pushes; 0 for who got none."""
    if not len(user):
        return np.zeros(n)
    counts = np.zeros((n, int(category.max()) + 1))
    np.add.at(counts, (user, category), 1.0)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1.0)
    entropy: Floats = -(share * np.log2(np.where(share > 0, share, 1.0))).sum(axis=1)
    return entropy
