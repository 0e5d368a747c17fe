"""What may lead to a push, how long it is worth one, and how the occasions rank against each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flink_job.core.rules.checks import RuleError, not_negative, positive
from flink_job.core.signals import Trigger

TIMINGS = ("now", "best")


@dataclass(frozen=True, slots=True)
class Occasion:
    """One kind of reason to push.

    `after_ms`: how long after its event it is decided (abandoned cart: how long a cart lies before it counts as left). `horizon_ms`: worthless
    from then on. `half_life_ms`: in which waiting halves its worth. `timing`: `now`, or `best` for the best slot within the horizon.
    """

    enabled: bool
    rank: int
    after_ms: int
    horizon_ms: int
    half_life_ms: int
    timing: str

    def __post_init__(self) -> None:
        not_negative("after_ms", self.after_ms)
        positive("horizon_ms", self.horizon_ms)
        positive("half_life_ms", self.half_life_ms)
        if self.timing not in TIMINGS:
            raise RuleError(f"timing: must be one of {', '.join(TIMINGS)}, not {self.timing}")


def check_occasions(occasions: Mapping[str, Occasion]) -> None:
    """Refuse names that are no trigger, and a set that lacks one."""
    known = {trigger.name.lower() for trigger in Trigger if trigger}
    for name in occasions:
        if name not in known:
            raise RuleError(f"occasions.{name}: no such trigger; there are {', '.join(sorted(known))}")
    if missing := sorted(known - occasions.keys()):
        raise RuleError(f"occasions: {', '.join(missing)} is missing; switch it off with enabled: false")
