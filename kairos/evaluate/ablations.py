"""Kairos with one part taken out: a name, what is gone, and the document laid over the shipped policy.

Add a line to add an ablation. Every one must lose something, or the part is taken out of Kairos.
"""

from dataclasses import dataclass
from typing import Any

#: Laid over under all of them, Kairos as it is included: the holdout measures what pushes do and gets none, here the baselines measure that.
EVALUATED: dict[str, Any] = {"policy": {"gates": {"holdout_share": 0.0}}, "learning": {"telling": {"enabled": True}}}

_ONLY_BELIEVED: dict[str, Any] = {"open_strength": 1e12, "convert_strength": 1e12}


@dataclass(frozen=True, slots=True)
class Ablation:
    """What is gone, and how that is said in a policy."""

    title: str
    overlay: dict[str, Any]


ABLATIONS: dict[str, Ablation] = {
    "no-timing": Ablation(
        "  without timing",  # every hour is expected to be like any other, so the earliest is taken
        {"policy": {"send_time": {**_ONLY_BELIEVED, "population_strength": 1e12, "activity_exponent": 0, "exploration_draws": 0}}},
    ),
    "no-responses": Ablation("  without users' responses", {"policy": {"send_time": {"user_strength": 1e12}}}),
    "no-fatigue": Ablation("  without fatigue", {"policy": {"fatigue": {"sent": 0, "dismissed": 0, "opened": 0}}}),
    "no-diversity": Ablation("  without diversity", {"policy": {"diversity": {"last": 0}}}),
    "no-exploration": Ablation(
        "  without exploration",
        {"policy": {"exploration": {"temperature": 0, "uniform_share": 0}, "send_time": {"exploration_draws": 0}}},
    ),
    "no-utility": Ablation("  without utility", {"policy": {"utility": {"enabled": False}}}),
    "no-learning": Ablation("  without learning", {"learning": {"telling": {"enabled": False}}}),
    "no-quiet-hours": Ablation("  without quiet hours", {"policy": {"gates": {"quiet_hours": {"start_minute": 0, "end_minute": 0}}}}),
}


def laid_over(base: dict[str, Any], overlay: dict[str, Any]) -> dict[str, Any]:
    """Both documents as one; where both say something, the overlay's.

    >>> laid_over({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}})
    {'a': {'b': 1, 'c': 3}}
    """
    merged = dict(base)
    for key, value in overlay.items():
        before = merged.get(key)
        merged[key] = laid_over(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged
