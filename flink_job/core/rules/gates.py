"""When nothing may be sent, whatever there is to send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flink_job.core.rules.checks import RuleError, not_negative, positive, share

CAPPED = ("all", "trigger", "category", "creator")
_MINUTES_PER_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `count` pushes in any window of `window_ms`, whichever way the window is laid."""

    count: int
    window_ms: int
    per: str = "all"
    """Of which pushes: `all`, or those of the same `trigger`, `category` (the item's most specific) or `creator`."""

    def __post_init__(self) -> None:
        positive("count", self.count)
        positive("window_ms", self.window_ms)
        if self.per not in CAPPED:
            raise RuleError(f"per: must be one of {', '.join(CAPPED)}, not {self.per}")


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
        not_negative("smear_ms", self.smear_ms)
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
    release_unconfirmed_after_ms: int
    ramp_up_phase_ms: int
    ramp_up_gap_ms: int
    cool_down_ms: int
    in_session_ms: int
    quiet_hours: QuietHours
    rescore_after_ms: int
    longest_deferral_ms: int
    max_signal_age_ms: int

    def __post_init__(self) -> None:
        share("holdout_share", self.holdout_share)
        for name in (
            "min_gap_ms",
            "release_unconfirmed_after_ms",
            "ramp_up_phase_ms",
            "ramp_up_gap_ms",
            "cool_down_ms",
            "in_session_ms",
            "rescore_after_ms",
            "longest_deferral_ms",
        ):
            not_negative(name, getattr(self, name))
        positive("max_signal_age_ms", self.max_signal_age_ms)
