"""What may be sent, how long it lives, what is logged and what is remembered."""

from __future__ import annotations

from dataclasses import dataclass

from flink_job.core.rules.checks import not_negative, number, positive, share


@dataclass(frozen=True, slots=True)
class ItemRules:
    """Which items may not be sent to a user."""

    repeat_after_ms: int
    bought_for_ms: int
    consumed_for_ms: int
    seen_for_ms: int
    price_rise_share: float

    def __post_init__(self) -> None:
        for name in ("repeat_after_ms", "bought_for_ms", "consumed_for_ms", "seen_for_ms", "price_rise_share"):
            not_negative(name, getattr(self, name))


@dataclass(frozen=True, slots=True)
class SendRules:
    """What is needed to send, and how long a push lives."""

    min_score: float
    time_to_live_ms: int

    def __post_init__(self) -> None:
        number("min_score", self.min_score)
        positive("time_to_live_ms", self.time_to_live_ms)


@dataclass(frozen=True, slots=True)
class LogRules:
    """What share of the decisions against a push goes to the decision log; decisions for one always do.

    `replayable_share`: how many of all causes have what they led to logged with all that was read, if that is at most `replayable_bytes`.
    """

    suppressed_share: float
    replayable_share: float
    replayable_bytes: int

    def __post_init__(self) -> None:
        share("suppressed_share", self.suppressed_share)
        share("replayable_share", self.replayable_share)
        positive("replayable_bytes", self.replayable_bytes)


@dataclass(frozen=True, slots=True)
class MemoryRules:
    """How many of each are kept per user; the size of a state follows from them."""

    recent_items: int
    seen_events: int
    sent_pushes: int
    bought_items: int
    unfolded_items: int
    followed_creators: int

    def __post_init__(self) -> None:
        for name in ("recent_items", "seen_events", "sent_pushes", "bought_items", "unfolded_items", "followed_creators"):
            positive(name, getattr(self, name))
