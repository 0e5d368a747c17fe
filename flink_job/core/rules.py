"""The policy document as values: everything that may be changed about a decision without changing code.

No defaults here: they stand, with their units and reasons, in `flink_job/config/default.yaml`. Impossible values are refused when a
document is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

from flink_job.core.signals import InteractionType

_MINUTES_PER_DAY = 24 * 60


class RuleError(ValueError):
    """A rule has a value it cannot have; the message starts with the field's name."""


@dataclass(frozen=True, slots=True)
class InterestRules:
    """How interest grows and fades."""

    short_half_life_ms: int
    long_half_life_ms: int
    short_share: float
    weights: Mapping[str, float]

    def __post_init__(self) -> None:
        _positive("short_half_life_ms", self.short_half_life_ms)
        _positive("long_half_life_ms", self.long_half_life_ms)
        _share("short_share", self.short_share)
        _interaction_names("weights", self.weights)
        for name, weight in self.weights.items():
            _number(f"weights.{name}", weight)


@dataclass(frozen=True, slots=True)
class AffinityRules:
    """`r_ui`, the user's history with the item itself, and its weight α in the score."""

    alpha: float
    half_life_ms: int
    saturation: float

    def __post_init__(self) -> None:
        _number("alpha", self.alpha)
        _positive("half_life_ms", self.half_life_ms)
        _positive("saturation", self.saturation)


@dataclass(frozen=True, slots=True)
class CandidateRules:
    """How many candidates each source may bring; 0 turns a source off. `listed` is the length of the argmax list."""

    interest: int
    neighbours: int
    neighbours_of: int
    category: int
    fresh: int
    unfinished: int
    listed: int

    def __post_init__(self) -> None:
        for name in ("interest", "neighbours", "category", "fresh", "unfinished"):
            _not_negative(name, getattr(self, name))
        _positive("neighbours_of", self.neighbours_of)
        _positive("listed", self.listed)


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `count` pushes in any window of `window_ms`, whichever way the window is laid."""

    count: int
    window_ms: int

    def __post_init__(self) -> None:
        _positive("count", self.count)
        _positive("window_ms", self.window_ms)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """No pushes from `start_minute` to `end_minute` of the user's own day (equal: never quiet).

    `smear_ms`: pushes held back are released over this long after the end, so that a million users do not wake at once.
    """

    start_minute: int
    end_minute: int
    smear_ms: int
    default_zone: str
    zone_of_country: Mapping[str, str]

    def __post_init__(self) -> None:
        for name in ("start_minute", "end_minute"):
            if not 0 <= getattr(self, name) < _MINUTES_PER_DAY:
                raise RuleError(f"{name}: minutes of the day, from 0 to {_MINUTES_PER_DAY - 1}")
        _not_negative("smear_ms", self.smear_ms)
        for country in self.zone_of_country:
            if not (len(country) == 2 and country.isascii() and country.isupper()):
                raise RuleError(f"zone_of_country.{country}: a country is two capital letters, such as DE")


@dataclass(frozen=True, slots=True)
class GateRules:
    """When no push may be sent, whatever there is to send."""

    holdout_share: float
    holdout_salt: str
    min_gap_ms: int
    caps: tuple[Cap, ...]
    cool_down_ms: int
    quiet_hours: QuietHours
    rescore_after_ms: int
    longest_deferral_ms: int
    max_signal_age_ms: int

    def __post_init__(self) -> None:
        _share("holdout_share", self.holdout_share)
        for name in ("min_gap_ms", "cool_down_ms", "rescore_after_ms", "longest_deferral_ms"):
            _not_negative(name, getattr(self, name))
        _positive("max_signal_age_ms", self.max_signal_age_ms)


@dataclass(frozen=True, slots=True)
class ItemRules:
    """Which items may not be sent to a user."""

    repeat_after_ms: int
    bought_for_ms: int
    seen_for_ms: int

    def __post_init__(self) -> None:
        for name in ("repeat_after_ms", "bought_for_ms", "seen_for_ms"):
            _not_negative(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class SendRules:
    """What is needed to send, and how long a push lives."""

    min_score: float
    time_to_live_ms: int

    def __post_init__(self) -> None:
        _number("min_score", self.min_score)
        _positive("time_to_live_ms", self.time_to_live_ms)


@dataclass(frozen=True, slots=True)
class LogRules:
    """What share of the decisions against a push goes to the decision log; decisions for one always do."""

    suppressed_share: float

    def __post_init__(self) -> None:
        _share("suppressed_share", self.suppressed_share)


@dataclass(frozen=True, slots=True)
class MemoryRules:
    """How many of each are kept per user; the size of a state follows from them."""

    recent_items: int
    seen_events: int
    sent_pushes: int
    bought_items: int
    unfolded_items: int

    def __post_init__(self) -> None:
        for name in ("recent_items", "seen_events", "sent_pushes", "bought_items", "unfolded_items"):
            _positive(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class Rules:
    """A whole policy."""

    policy_id: str
    version: str
    interest: InterestRules
    affinity: AffinityRules
    candidates: CandidateRules
    triggers: Mapping[str, int]
    """Interaction types that lead to a decision, and after how many milliseconds."""
    gates: GateRules
    items: ItemRules
    send: SendRules
    memory: MemoryRules
    log: LogRules

    def __post_init__(self) -> None:
        _interaction_names("triggers", self.triggers)
        for name, delay_ms in self.triggers.items():
            _not_negative(f"triggers.{name}", delay_ms)
        self._memory_holds_what_the_rules_ask_for()

    def _memory_holds_what_the_rules_ask_for(self) -> None:
        kept = self.memory.sent_pushes
        for cap in self.gates.caps:
            if cap.count > kept:
                raise RuleError(f"gates.caps: {cap.count} pushes cannot be counted when memory.sent_pushes is {kept}")
        fewest = min((cap.count * -(-self.items.repeat_after_ms // cap.window_ms) for cap in self.gates.caps), default=0)
        if self.items.repeat_after_ms and not 0 < fewest <= kept:
            raise RuleError(
                f"items.repeat_after_ms: up to {fewest or 'any number of'} pushes may be sent in that time, but memory.sent_pushes is {kept}; "
                "lower a cap, shorten the time or keep more"
            )


def _number(name: str, value: float) -> None:
    if not isfinite(value):
        raise RuleError(f"{name}: must be a number, not {value}")


def _positive(name: str, value: float) -> None:
    if not value > 0:
        raise RuleError(f"{name}: must be greater than 0, not {value}")


def _not_negative(name: str, value: float) -> None:
    if not value >= 0:
        raise RuleError(f"{name}: must not be negative, not {value}")


def _share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise RuleError(f"{name}: must be from 0 to 1, not {value}")


def _interaction_names(name: str, keys: Mapping[str, float]) -> None:
    known = {kind.name.lower() for kind in InteractionType}
    for key in keys:
        if key not in known:
            raise RuleError(f"{name}.{key}: no such interaction; there are {', '.join(sorted(known))}")
