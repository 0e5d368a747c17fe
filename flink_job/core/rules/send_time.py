"""When of all the coming hours a push is sent."""

from __future__ import annotations

from dataclasses import dataclass

from flink_job.core.rules.checks import RuleError, not_negative, positive, share

_MOST_DRAWS = 4096
_WEEK_MS = 7 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class SendTimeRules:
    """The best moment: what is remembered of a user's hours, how hours and users learn from each other, how far ahead and how boldly it is chosen.

    `horizon_ms`: never waits longer. `least_gain`: waits only for a moment that is worth this share more than the earliest one.
    `exploration_draws`: of the posterior for one choice (0: no exploration, the mean decides); `exploration_width`: how far they may be from its
    mean, 1 as far as is likely. `spread_ms`: pushes that waited are spread over this long from the start of their hour. `kernel_hours`: width of
    the bell in which hours of a day speak for each other; `other_day` and `other_kind_of_day`: what an hour says about the same hour of
    another day, both on weekdays or both on the weekend, or one of each. `open_rate` and `convert_rate`: of a push, and of an opened
    one, until counts say otherwise. `open_strength` (sends), `convert_strength` (opens) and `activity_strength` (visits): what the
    user's own counts must weigh to be believed as much as what is known of others. `population_strength`: the same for a population's
    counts, in sends, or opens; `visit_strength`: for its visits. `user_strength`: what a user's opens must count to be believed as much as
    what is usual, in opens.
    `activity_exponent`: 0 ignores when the user is active, 1 expects opens, and conversions of them, in proportion to visits.
    """

    horizon_ms: int
    least_gain: float
    exploration_draws: int
    exploration_width: float
    spread_ms: int
    visit_gap_ms: int
    activity_half_life_ms: int
    outcome_half_life_ms: int
    kernel_hours: float
    other_day: float
    other_kind_of_day: float
    open_rate: float
    convert_rate: float
    open_strength: float
    convert_strength: float
    population_strength: float
    visit_strength: float
    user_strength: float
    activity_strength: float
    activity_exponent: float

    def __post_init__(self) -> None:
        for name in ("least_gain", "exploration_draws", "exploration_width", "spread_ms", "visit_gap_ms", "activity_exponent"):
            not_negative(name, getattr(self, name))
        for name in ("horizon_ms", "activity_half_life_ms", "outcome_half_life_ms", "kernel_hours"):
            positive(name, getattr(self, name))
        for name in ("open_strength", "convert_strength", "population_strength", "visit_strength", "user_strength", "activity_strength"):
            positive(name, getattr(self, name))
        for name in ("other_day", "other_kind_of_day"):
            share(name, getattr(self, name))
        for name in ("open_rate", "convert_rate"):
            if not 0 < getattr(self, name) < 1:
                raise RuleError(f"{name}: must be between 0 and 1, not {getattr(self, name)}")
        if self.horizon_ms > _WEEK_MS:
            raise RuleError(f"horizon_ms: hours repeat after a week, {_WEEK_MS} ms; {self.horizon_ms} is longer")
        if self.exploration_draws > _MOST_DRAWS:
            raise RuleError(f"exploration_draws: at most {_MOST_DRAWS}, or a decision takes milliseconds; not {self.exploration_draws}")
