"""Quiet hours in the user's own zone, right across every change of the clocks.

It is quiet when the wall clock where the user is shows a time of day inside the quiet window; that, and nothing about durations, is the rule,
so a night may be an hour shorter or longer than usual.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flink_job.core.local_time import LocalClock, ZoneOf
from flink_job.core.rules import QuietHours

__all__ = ["QuietClock", "ZoneOf"]

_MINUTE_MS = 60_000
_DAY_MINUTES = 24 * 60
_DAY_MS = _DAY_MINUTES * _MINUTE_MS


class QuietClock:
    """Tells whether it is quiet for a user, and until when. With a `clock` it asks that one, else one of its own."""

    __slots__ = ("_clock", "_rules")

    def __init__(self, rules: QuietHours, zone_of: ZoneOf, clock: LocalClock | None = None) -> None:
        self._rules = rules
        self._clock = clock or LocalClock(rules.default_zone, rules.zone_of_country, zone_of)

    def is_quiet(self, at_ms: int, time_zone: str, country: str) -> bool:
        """It is quiet at that moment."""
        minute = (at_ms + self._clock.offset_ms(at_ms, time_zone, country)) // _MINUTE_MS % _DAY_MINUTES
        start, end = self._rules.start_minute, self._rules.end_minute
        return start <= minute < end if start <= end else minute >= start or minute < end

    def are_quiet(self, at_ms: NDArray[np.int64], time_zone: str, country: str) -> NDArray[np.bool_]:
        """Whether it is quiet at each of the moments, (n,), which are in order of time."""
        start, end = self._rules.start_minute, self._rules.end_minute
        if start == end or not len(at_ms):
            return np.zeros(len(at_ms), np.bool_)
        _, ends_ms, offset_ms = self._clock.stretch(int(at_ms[0]), time_zone, country)
        if at_ms[-1] >= ends_ms:
            offsets_ms = [self._clock.offset_ms(each_ms, time_zone, country) for each_ms in at_ms.tolist()]
            minutes = (at_ms + np.array(offsets_ms)) // _MINUTE_MS
        else:
            minutes = (at_ms + offset_ms) // _MINUTE_MS
        # counted from the start of the window: in it are the first of the day's minutes, wherever midnight is
        quiet: NDArray[np.bool_] = (minutes - start) % _DAY_MINUTES < (end - start) % _DAY_MINUTES
        return quiet

    def opens_at_ms(self, at_ms: int, time_zone: str, country: str) -> int:
        """The first moment from `at_ms` on that is not quiet (without the smear)."""
        if not self.is_quiet(at_ms, time_zone, country):
            return at_ms
        return self._next(at_ms, self._rules.end_minute, time_zone, country, quiet=False)

    def quiet_from_ms(self, at_ms: int, time_zone: str, country: str) -> int:
        """When the next quiet window starts after `at_ms`, 0 if it never does."""
        if self._rules.start_minute == self._rules.end_minute:
            return 0
        return self._next(at_ms, self._rules.start_minute, time_zone, country, quiet=True)

    def _next(self, at_ms: int, minute: int, time_zone: str, country: str, *, quiet: bool) -> int:
        """The first moment after `at_ms` at which it becomes quiet (or not): when the wall clock reaches `minute`, or jumps past it."""
        while True:
            _, ends_ms, offset_ms = self._clock.stretch(at_ms, time_zone, country)
            reached_ms = at_ms + ((minute * _MINUTE_MS - at_ms - offset_ms) % _DAY_MS or _DAY_MS)
            if reached_ms < ends_ms:
                return reached_ms
            at_ms = ends_ms
            if self.is_quiet(at_ms, time_zone, country) == quiet and self.is_quiet(at_ms - 1, time_zone, country) != quiet:
                return at_ms
