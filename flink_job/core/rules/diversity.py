"""How much what was sent lately speaks against sending more of the same."""

from __future__ import annotations

from dataclasses import dataclass

from flink_job.core.rules.checks import RuleError, not_negative, positive, share
from flink_job.core.signals import Trigger

_TRIGGERS = tuple(trigger.name.lower() for trigger in Trigger if trigger)


@dataclass(frozen=True, slots=True)
class DiversityRules:
    """By what share a candidate loses that is like one of the `last` pushes, in each way in which it can be.

    Shares are of a push that has just been sent and fade with `half_life_ms`. They are below 1: nothing is ruled out here.
    """

    last: int
    half_life_ms: int
    same_category: float
    same_top_category: float
    same_creator: float
    alike: float
    alike_above: float
    digest_items: int
    digest_relevance: float
    digest_occasions: tuple[str, ...]
    """Names of triggers whose pushes may name several items."""

    def __post_init__(self) -> None:
        not_negative("last", self.last)
        positive("half_life_ms", self.half_life_ms)
        for name in ("same_category", "same_top_category", "same_creator", "alike"):
            if not 0 <= getattr(self, name) < 1:
                raise RuleError(f"{name}: must be at least 0 and below 1, not {getattr(self, name)}")
        if not -1 <= self.alike_above <= 1:
            raise RuleError(f"alike_above: a cosine, from -1 to 1, not {self.alike_above}")
        positive("digest_items", self.digest_items)
        share("digest_relevance", self.digest_relevance)
        for name in self.digest_occasions:
            if name not in _TRIGGERS:
                raise RuleError(f"digest_occasions: no such trigger: {name}; there are {', '.join(_TRIGGERS)}")
