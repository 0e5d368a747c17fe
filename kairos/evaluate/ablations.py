"""Kairos with one part taken out: a name, what is gone, and the document laid over the shipped policy.

Add a line to add an ablation. Every one must lose something, or the part is taken out of Kairos.
"""

from dataclasses import dataclass
from typing import Any

#: Laid over under all of them, Kairos as it is included: the holdout measures what pushes do and gets none, here the baselines measure that.
EVALUATED: dict[str, Any] = {"policy": {"gates": {"holdout_share": 0.0}}}


@dataclass(frozen=True, slots=True)
class Ablation:
    """What is gone, and how that is said in a policy."""

    title: str
    overlay: dict[str, Any]


ABLATIONS: dict[str, Ablation] = {
<<<<<<< HEAD
    "no-quiet-hours": Ablation("Kairos without quiet hours", {"policy": {"gates": {"quiet_hours": {"start_minute": 0, "end_minute": 0}}}}),
    "no-cool-down": Ablation("Kairos without cool-down after a dismissal", {"policy": {"gates": {"cool_down_ms": 0}}}),
    "no-neighbours": Ablation("Kairos without neighbours of recent items", {"policy": {"candidates": {"neighbours": 0}}}),
=======
    "no-quiet-hours": Ablation("  without quiet hours", {"policy": {"gates": {"quiet_hours": {"start_minute": 0, "end_minute": 0}}}}),
    "no-cool-down": Ablation("  without cool-down", {"policy": {"gates": {"cool_down_ms": 0}}}),
    "no-neighbours": Ablation("  without neighbours", {"policy": {"candidates": {"neighbours": 0}}}),
>>>>>>> evaluate
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
