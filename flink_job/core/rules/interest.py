"""How interest and affinity grow and fade."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flink_job.core.rules.checks import interaction_names, number, positive, share


@dataclass(frozen=True, slots=True)
class InterestRules:
    """How interest grows and fades."""

    short_half_life_ms: int
    long_half_life_ms: int
    short_share: float
    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        positive("short_half_life_ms", self.short_half_life_ms)
        positive("long_half_life_ms", self.long_half_life_ms)
        share("short_share", self.short_share)
        interaction_names("weights", self.weights)
        for name, weight in self.weights.items():
            number(f"weights.{name}", weight)


@dataclass(frozen=True, slots=True)
class AffinityRules:
    """`r_ui`, the user's history with the item itself, and its weight α in the score."""

    alpha: float
    half_life_ms: int
    saturation: float

    def __post_init__(self) -> None:
        number("alpha", self.alpha)
        positive("half_life_ms", self.half_life_ms)
        positive("saturation", self.saturation)
