"""How fast a world should go so that there is something to see: from what the user asks to settings a world can keep.

A few thousand users at their own pace make one or two events a second, and open a push after half an hour. ``lively`` lets them
live thirty times as fast and makes up for a quiet hour.
"""

from dataclasses import dataclass

from kairos.errors import USAGE_ERROR, KairosError
from kairos.world.arrivals import COMFORTABLE_EVENTS_PER_S

LIVELY_PACE = 30.0
LIVELY_EVENTS_PER_S = 50.0


@dataclass(frozen=True, slots=True)
class Tempo:
    """For ``WorldSettings``."""

    pace: float
    rate: float | None
    floor: float | None


def plan_tempo(users: int, rate: float | None = None, time_scale: float | None = None, *, lively: bool = False) -> Tempo:
    """``rate``: events a second to keep. ``time_scale``: how many times as fast as life.

    A rate that so many users cannot make at life's pace makes them live faster; together with a time scale that is too low for it,
    it is an error.

    >>> plan_tempo(5_000, rate=500).pace
    10.0
    """
    for name, value in (("--rate", rate), ("--time-scale", time_scale)):
        if value is not None and not 0 < value < float("inf"):
            raise KairosError(f"{name} must be more than 0, not {value}.", "Leave it out for life's own pace.", exit_code=USAGE_ERROR)
    wanted = rate if rate is not None else LIVELY_EVENTS_PER_S if lively else None
    least = 1.0 if wanted is None else max(1.0, wanted / (users * COMFORTABLE_EVENTS_PER_S))
    pace = time_scale if time_scale is not None else max(LIVELY_PACE, least) if lively else least
    if wanted is not None and pace < least:
        most = users * COMFORTABLE_EVENTS_PER_S * pace
        raise KairosError(
            f"{users:,} users at time scale {pace:g} make at most about {most:,.0f} events a second, not {wanted:g}.",
            f"Ask for more users, or for --time-scale {least:.3g} or more, or leave --time-scale out.",
            exit_code=USAGE_ERROR,
        )
    return Tempo(pace, rate, None if rate is not None else wanted)
