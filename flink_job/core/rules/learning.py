"""How items, creators and segments learn from all users, and what is made of it.

Beside the policy and no part of it: both operators need it, and all policies and experiment arms share what is learned.
"""

from __future__ import annotations

from dataclasses import dataclass

from flink_job.core.rules.checks import RuleError, not_negative, number, positive, share
from flink_job.core.signals import Trigger

MOST_NEIGHBOURS = 64
MOST_GROUPS = 32
"""Countries and segments of one item, half of them each."""
MOST_VISITED = 16
"""What the contract allows in one record."""


@dataclass(frozen=True, slots=True)
class TellingRules:
    """When a user's visit is told to the items it dealt with."""

    enabled: bool
    visit_gap_ms: int
    visit_items: int
    tell_after_ms: int
    most_rating: float

    def __post_init__(self) -> None:
        for name in ("visit_gap_ms", "tell_after_ms", "most_rating"):
            positive(name, getattr(self, name))
        if not 2 <= self.visit_items <= MOST_VISITED:
            raise RuleError(f"visit_items: must be from 2 to {MOST_VISITED}, not {self.visit_items}")


@dataclass(frozen=True, slots=True)
class PopularityRules:
    """How popularity fades, for how many countries and segments of users an item keeps its own, and how many items the list of each has."""

    half_life_ms: int
    countries: int
    segments: int
    trending: int

    def __post_init__(self) -> None:
        positive("half_life_ms", self.half_life_ms)
        positive("trending", self.trending)
        for name in ("countries", "segments"):
            if not 0 <= getattr(self, name) <= MOST_GROUPS // 2:
                raise RuleError(f"{name}: must be from 0 to {MOST_GROUPS // 2}, not {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class OutcomeRules:
    """How outcomes of pushes fade, how rates are smoothed where there are few, and by how many deviations little-known ones are raised."""

    half_life_ms: int
    prior_open: float
    prior_convert: float
    prior_weight: float
    open_bonus: float
    stop_after_sends: float
    stop_share: float

    def __post_init__(self) -> None:
        for name in ("half_life_ms", "prior_open", "prior_convert", "prior_weight", "stop_after_sends"):
            positive(name, getattr(self, name))
        not_negative("open_bonus", self.open_bonus)
        for name in ("prior_open", "prior_convert", "stop_share"):
            share(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class CovisitRules:
    """How many neighbours an item keeps and tells of, how they fade, and how much support a similarity needs."""

    half_life_ms: int
    kept: int
    released: int
    support: float

    def __post_init__(self) -> None:
        positive("half_life_ms", self.half_life_ms)
        positive("kept", self.kept)
        not_negative("support", self.support)
        if not 0 <= self.released <= min(self.kept, MOST_NEIGHBOURS):
            raise RuleError(f"released: must be from 0 to kept and at most {MOST_NEIGHBOURS}, not {self.released}")


@dataclass(frozen=True, slots=True)
class NudgeRules:
    """For how long a nudge is worth anything, and what it adds to the item's score."""

    lives_for_ms: int
    boost: float

    def __post_init__(self) -> None:
        positive("lives_for_ms", self.lives_for_ms)
        number("boost", self.boost)


@dataclass(frozen=True, slots=True)
class WatchRules:
    """Who waits for a change, for how long, what is change enough, and what it is worth."""

    kept: int
    kept_for_ms: int
    price_drop_share: float
    posted_within_ms: int
    price_drop: NudgeRules
    back_in_stock: NudgeRules
    creator_posted: NudgeRules

    def __post_init__(self) -> None:
        positive("kept_for_ms", self.kept_for_ms)
        not_negative("kept", self.kept)
        not_negative("posted_within_ms", self.posted_within_ms)
        share("price_drop_share", self.price_drop_share)
        positive("price_drop_share", self.price_drop_share)

    def nudge(self, trigger: Trigger) -> NudgeRules:
        """The rules of nudges for this reason. Raises KeyError for a trigger that is none of an item's."""
        return {
            Trigger.PRICE_DROP: self.price_drop,
            Trigger.BACK_IN_STOCK: self.back_in_stock,
            Trigger.CREATOR_POSTED: self.creator_posted,
        }[trigger]


@dataclass(frozen=True, slots=True)
class SlotRules:
    """How the outcomes by hour of week of a segment fade."""

    half_life_ms: int

    def __post_init__(self) -> None:
        positive("half_life_ms", self.half_life_ms)


@dataclass(frozen=True, slots=True)
class WordingRules:
    """How what was learned of templates fades, and the bound on what one round weighs."""

    half_life_ms: int
    least_propensity: float

    def __post_init__(self) -> None:
        positive("half_life_ms", self.half_life_ms)
        if not 0 < self.least_propensity < 0.5:
            raise RuleError(f"least_propensity: must be above 0 and below 0.5, not {self.least_propensity}")


@dataclass(frozen=True, slots=True)
class ReleaseRules:
    """How often, and after how much news, what is known is told to the deciders."""

    every_ms: int
    news_share: float

    def __post_init__(self) -> None:
        positive("every_ms", self.every_ms)
        share("news_share", self.news_share)


@dataclass(frozen=True, slots=True)
class LearningRules:
    """Everything about learning."""

    telling: TellingRules
    popularity: PopularityRules
    outcomes: OutcomeRules
    covisits: CovisitRules
    watchers: WatchRules
    slots: SlotRules
    wordings: WordingRules
    release: ReleaseRules
    seen_signals: int

    def __post_init__(self) -> None:
        positive("seen_signals", self.seen_signals)
