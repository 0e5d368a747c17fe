"""How many candidates each source brings."""

from __future__ import annotations

from dataclasses import dataclass

from flink_job.core.rules.checks import RuleError, not_negative, positive


@dataclass(frozen=True, slots=True)
class CandidateRules:
    """How many candidates each source may bring; 0 turns a source off. `listed` is the length of the list, taken from the `looked_at` best."""

    interest: int
    neighbours: int
    neighbours_of: int
    category: int
    fresh: int
    unfinished: int
    followed: int
    trending: int
    together: int
    urgent: int
    listed: int
    looked_at: int

    def __post_init__(self) -> None:
        for name in ("interest", "neighbours", "category", "fresh", "unfinished", "followed", "trending", "together", "urgent"):
            not_negative(name, getattr(self, name))
        positive("neighbours_of", self.neighbours_of)
        positive("listed", self.listed)
        if self.looked_at < self.listed:
            raise RuleError(f"looked_at: must be at least listed ({self.listed}), not {self.looked_at}")
