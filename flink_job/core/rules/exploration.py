"""How often something else than the best is sent, to learn what it is worth."""

from __future__ import annotations

from dataclasses import dataclass

from flink_job.core.rules.checks import RuleError, not_negative, share

_COLDEST = 1e-6


@dataclass(frozen=True, slots=True)
class ExplorationRules:
    """π ∝ exp(utility / temperature), with a part of all choices evenly spread over the best `uniform_top` (0: over all)."""

    temperature: float
    uniform_share: float
    uniform_top: int

    def __post_init__(self) -> None:
        if not (self.temperature == 0 or _COLDEST <= self.temperature < float("inf")):
            raise RuleError(f"temperature: must be 0 (always the best) or at least {_COLDEST}, not {self.temperature}")
        share("uniform_share", self.uniform_share)
        not_negative("uniform_top", self.uniform_top)
